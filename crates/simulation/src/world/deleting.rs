//! A session is deleted while tabs follow it and write to it.

use moorline_protocol::SessionId;
use moorline_session::{Input, Reply};
use moorline_transcript::{Retention, WholeTranscript};

use super::World;
use crate::gateway::Agent;

impl World {
    pub(super) fn delete(&mut self, session: usize) {
        let session = self.sessions[session].clone();
        if self.gateway.is_some() {
            let reply = Reply(self.number());
            self.feed_session(&session, Input::Delete { reply });
        }
    }

    /// The deletion is durable: nobody works for the session any more, and whoever follows it is told.
    pub(super) fn gone(&mut self, session: &SessionId) {
        let limits = self.settings().retention;
        if let Some(loaded) = self.loaded(session) {
            (loaded.agent, loaded.folding) = (Agent::default(), None);
            (loaded.transcript, loaded.retention) = (WholeTranscript::new(), Retention::new(limits));
        }
        self.wake_followers(session);
    }
}
