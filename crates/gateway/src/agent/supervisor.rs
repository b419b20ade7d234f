//! What holds for every adapter, whatever its agent does: it is heard of, and when it panics its turn ends all the same.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::FutureExt as _;
use moorline_protocol::{AgentState, AgentStatus, Outcome, TurnError, TurnId};
use moorline_session::{AgentCommand, AgentReport, AgentUpdate};
use tokio::sync::{mpsc, watch};

/// The adapter's way to its session.
#[derive(Debug, Clone)]
pub(super) struct Outlet {
    /// What happens in turns. A slow reader slows the agent down.
    pub(super) reports: mpsc::Sender<AgentReport>,
    /// How the agent stands; only the newest counts.
    pub(super) status: watch::Sender<AgentStatus>,
}

/// One session's agent. Dropping it kills the agent's process group.
#[derive(Debug)]
pub struct AgentHandle {
    commands: mpsc::UnboundedSender<AgentCommand>,
    status: watch::Receiver<AgentStatus>,
    /// The newest turn that was handed over.
    handed: Arc<Mutex<Option<TurnId>>>,
}

/// The adapter has ended, by a panic: nothing of what it is told happens any more.
#[derive(Debug, PartialEq, Eq)]
pub struct Lost(pub AgentCommand);

impl AgentHandle {
    /// Hands a command to the agent's task; never blocks.
    ///
    /// # Errors
    /// [`Lost`], with the command: another agent has to be made for it.
    pub fn send(&self, command: AgentCommand) -> Result<(), Lost> {
        if let AgentCommand::Prompt { turn, .. } = &command {
            *self.handed.lock().unwrap_or_else(PoisonError::into_inner) = Some(turn.clone());
        }
        self.commands.send(command).map_err(|unsent| Lost(unsent.0))
    }

    /// Follows how the agent stands.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<AgentStatus> {
        self.status.clone()
    }
}

/// Starts an adapter on a task of its own, in the name of its agent.
pub(super) fn supervise<F>(
    name: &str,
    reports: mpsc::Sender<AgentReport>,
    adapter: impl FnOnce(mpsc::UnboundedReceiver<AgentCommand>, Outlet) -> F,
) -> AgentHandle
where
    F: Future<Output = ()> + Send + 'static,
{
    let (commands, inbox) = mpsc::unbounded_channel();
    let (status_sender, status) = watch::channel(AgentStatus { name: name.to_owned(), ..AgentStatus::default() });
    let outlet = Outlet { reports, status: status_sender };
    let handed = Arc::new(Mutex::new(None));
    let work = adapter(inbox, outlet.clone());
    tokio::spawn(watched(work, outlet, Arc::clone(&handed)));
    AgentHandle { commands, status, handed }
}

async fn watched(work: impl Future<Output = ()>, outlet: Outlet, handed: Arc<Mutex<Option<TurnId>>>) {
    if AssertUnwindSafe(work).catch_unwind().await.is_ok() {
        return;
    }
    let message = "the gateway's part of this agent failed, and was ended with it; the next message starts both again".to_owned();
    tracing::error!("an agent's adapter panicked");
    outlet.status.send_modify(|status| {
        *status =
            AgentStatus { name: status.name.clone(), state: AgentState::Down, reason: Some(message.clone()), ..AgentStatus::default() };
    });
    let turn = handed.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(turn) = turn {
        // One that is over already takes nothing more in.
        let error = Some(TurnError { code: "agent_adapter".to_owned(), message });
        let _ = outlet.reports.send(AgentReport { turn, update: AgentUpdate::Ended { outcome: Outcome::Failed, error } }).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_of_an_adapter_ends_its_turn_with_an_error_and_is_told_to_whoever_sends() {
        let (reports, mut heard) = mpsc::channel(1);
        let agent = supervise("broken", reports, |mut inbox, _| async move {
            inbox.recv().await;
            panic!("an adapter with a flaw");
        });
        let turn = TurnId::parse("t").unwrap();
        let prompt = AgentCommand::Prompt { turn: turn.clone(), text: "hello".to_owned() };
        assert_eq!(agent.send(prompt.clone()), Ok(()));
        let report = heard.recv().await.unwrap();
        assert_eq!(report.turn, turn);
        let AgentUpdate::Ended { outcome: Outcome::Failed, error: Some(error) } = report.update else { panic!("{report:?}") };
        assert_eq!(error.code, "agent_adapter");
        assert_eq!(agent.status().borrow().state, AgentState::Down);
        assert_eq!(agent.send(prompt.clone()), Err(Lost(prompt)));
    }
}
