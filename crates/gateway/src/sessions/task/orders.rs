//! What a session is asked, and who waits for the answer.

use moorline_protocol::{Code, ErrorFrame, Receipt, SetAgent};
use moorline_session::{AgentCommand, Input, Reply};
use moorline_transcript::parts;
use tokio::time::Instant;

use super::{Task, Waiting};
use crate::sessions::Order;

impl Task {
    pub(super) fn order(&mut self, order: Order) {
        self.touched = Instant::now();
        match order {
            Order::Submit { send, answer } => {
                let create = send.create.as_ref();
                let agent = create.and_then(|create| create.agent.clone());
                if let Some(error) = create.and_then(|create| self.cannot_make(create.agent.as_deref())) {
                    drop(answer.send(Err(ErrorFrame { message_id: Some(send.message), ..error })));
                    return;
                }
                let new = self.place.surroundings.new_session(create.and_then(|create| create.title.as_deref()), agent.as_deref());
                let reply = self.wait(Waiting::Receipt(send.message.clone(), answer));
                self.handle(Input::Submit { reply, send, new });
            }
            Order::Withdraw { message, answer } => {
                let reply = self.wait(Waiting::Receipt(message.clone(), answer));
                self.handle(Input::Withdraw { reply, message });
            }
            Order::Cancel { turn, next, answer } => {
                let reply = self.wait(Waiting::Done(answer));
                self.handle(Input::Cancel { reply, turn, next });
            }
            Order::Create { create, answer } => {
                if let Some(error) = self.cannot_make(create.agent.as_deref()) {
                    drop(answer.send(Err(error)));
                    return;
                }
                let new = self.place.surroundings.new_session(create.title.as_deref(), create.agent.as_deref());
                let reply = self.wait(Waiting::Done(answer));
                self.handle(Input::Create { reply, new });
            }
            Order::Change { change, answer } => {
                let reply = self.wait(Waiting::Done(answer));
                self.handle(Input::Change { reply, change });
            }
            Order::Delete { answer } => {
                let reply = self.wait(Waiting::Done(answer));
                self.handle(Input::Delete { reply });
            }
            Order::SetAgent { set, answer } => drop(answer.send(self.set_agent(set))),
            Order::RestartAgent { answer } => drop(answer.send(self.restart_agent())),
            #[cfg(test)]
            Order::Panic => panic!("as ordered"),
            Order::Snapshot { since, no, answer } => {
                let Some(epoch) = self.session.epoch() else { return };
                let limits = self.place.surroundings.limits();
                let snapshot = self.transcript.snapshot(since, limits, epoch);
                drop(answer.send((snapshot.seq, parts(snapshot, &self.place.id, no, limits))));
            }
            Order::Text { answer, .. } if self.session.is_gone() => drop(answer.send(Err(self.deleted()))),
            Order::Text { block, edition, asked, answer } => {
                let limits = self.place.surroundings.limits();
                let part = self.session.epoch().map(|epoch| self.transcript.transcript().text(&block, edition, asked, limits, epoch));
                drop(answer.send(Ok(part)));
            }
            Order::Page { answer, .. } if self.session.is_gone() => drop(answer.send(Err(self.deleted()))),
            Order::Page { before, limit, answer } => {
                let limits = self.place.surroundings.limits();
                let page = self.session.epoch().map(|epoch| self.transcript.page(before, limit, limits, epoch));
                drop(answer.send(Ok(page)));
            }
        }
    }

    /// Sets what the agent offers: what it comes to shows in how the agent stands.
    fn set_agent(&self, set: SetAgent) -> Result<(), ErrorFrame> {
        self.must_exist()?;
        let refused = |sentence: String| Err(ErrorFrame::new(Code::Unprocessable, sentence));
        let (Some(agent), Some(status)) = (&self.agent, &self.status) else {
            return refused("the agent is not running: send it a message first".to_owned());
        };
        let Some(setting) = status.settings.iter().find(|setting| setting.id == set.id) else {
            return refused(format!("the agent has no setting {:?}", set.id));
        };
        if !setting.choices.iter().any(|choice| choice.value == set.value) {
            let offered: Vec<&str> = setting.choices.iter().map(|choice| choice.value.as_str()).collect();
            return refused(format!("{} cannot be {:?}: choose one of {}", setting.name, set.value, offered.join(", ")));
        }
        // One that is lost has no settings any more, and shows that.
        let _ = agent.send(AgentCommand::Set { id: set.id, value: set.value });
        Ok(())
    }

    /// Begins again with a new process, or has nothing to do where none runs.
    fn restart_agent(&mut self) -> Result<(), ErrorFrame> {
        self.must_exist()?;
        if let Some(agent) = &self.agent
            && agent.send(AgentCommand::Restart).is_err()
        {
            self.agent = None;
            self.look_at_agent();
            self.publish();
        }
        Ok(())
    }

    fn must_exist(&self) -> Result<(), ErrorFrame> {
        if self.session.is_gone() {
            return Err(self.deleted());
        }
        let sentence = || format!("there is no session {}", self.place.id);
        self.session.exists().then_some(()).ok_or_else(|| ErrorFrame::new(Code::UnknownSession, sentence()))
    }

    fn deleted(&self) -> ErrorFrame {
        ErrorFrame::new(Code::Deleted, format!("session {} was deleted", self.place.id))
    }

    /// Why the session cannot be made, if it is not there; else its place is taken.
    fn cannot_make(&mut self, agent: Option<&str>) -> Option<ErrorFrame> {
        if self.session.exists() {
            return None;
        }
        if let Some(error) = self.unknown_agent(agent) {
            return Some(error);
        }
        if self.resident.is_some() {
            return None;
        }
        let population = &self.place.surroundings.population;
        self.resident = population.enter();
        if self.resident.is_some() {
            return None;
        }
        let sentence = format!("there are {} sessions, and more are not allowed: delete one first", population.most());
        Some(ErrorFrame { session: Some(self.place.id.clone()), ..ErrorFrame::new(Code::TooMany, sentence) })
    }

    fn unknown_agent(&self, agent: Option<&str>) -> Option<ErrorFrame> {
        let name = agent.filter(|name| !self.place.surroundings.knows_agent(name))?;
        let sentence = format!("no agent is named {name:?}: name one of those told in welcome");
        Some(ErrorFrame { session: Some(self.place.id.clone()), ..ErrorFrame::new(Code::Unprocessable, sentence) })
    }

    fn wait(&mut self, waiting: Waiting) -> Reply {
        self.replies += 1;
        let reply = Reply(self.replies);
        self.waiting.insert(reply, waiting);
        reply
    }

    // Whoever waited may be gone: then the answers below go nowhere.

    pub(super) fn answer_receipt(&mut self, reply: Reply, result: Result<Receipt, ErrorFrame>) {
        if let Some(Waiting::Receipt(_, answer)) = self.waiting.remove(&reply) {
            drop(answer.send(result));
        }
    }

    pub(super) fn answer_done(&mut self, reply: Reply) {
        if let Some(Waiting::Done(answer)) = self.waiting.remove(&reply) {
            drop(answer.send(Ok(())));
        }
    }

    pub(super) fn answer_refused(&mut self, reply: Reply, error: ErrorFrame) {
        match self.waiting.remove(&reply) {
            Some(Waiting::Receipt(_, answer)) => drop(answer.send(Err(error))),
            Some(Waiting::Done(answer)) => drop(answer.send(Err(error))),
            None => {}
        }
    }
}
