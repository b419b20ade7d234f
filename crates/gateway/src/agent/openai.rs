//! The adapter for servers that speak OpenAI's chat completions: chat only, tools are not run.
//!
//! Such a server keeps nothing between two requests: each of them carries the conversation so far, which is ours. `answer`
//! reads what comes, `upstream` is the request, `sse` cuts its answer into events; this task joins them to a session. There
//! is one request per prompt, and no second one when it fails: whether to try again is the user's to say.

mod answer;
mod sse;
mod upstream;

use std::{collections::VecDeque, time::Duration};

use moorline_protocol::{AgentState, AgentStatus, Outcome, TurnError, TurnId};
use moorline_session::{AgentCommand, AgentReport, AgentUpdate};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

use super::{ChatServer, Conversation, Speaker, supervisor::Outlet};
use answer::Answer;
use upstream::{Heard, Upstream, Way};

/// Said while older parts of the conversation are left out.
const CUT: &str = "The conversation has become too long to be sent whole: the model does not know its oldest part.";

/// Behind the end of the answer only the usage follows; a server that holds the connection open is waited for no longer.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// Serves a handle until it is dropped, or nobody reads the reports any more.
pub(super) async fn run(
    server: ChatServer,
    connect_limit: Duration,
    conversation: Conversation,
    mut inbox: mpsc::UnboundedReceiver<AgentCommand>,
    outlet: Outlet,
) {
    let Outlet { reports, status } = outlet;
    let mut life = Life {
        way: Way::new(&server, connect_limit),
        conversation,
        turn: None,
        state: AgentState::Resting,
        down: None,
        unsent: VecDeque::new(),
    };
    loop {
        status.send_if_modified(|status| life.describe(status));
        let is_read = life.unsent.is_empty();
        let due = life.turn.as_ref().and_then(|turn| turn.ends_by);
        tokio::select! {
            command = inbox.recv() => match command {
                Some(command) => life.handle_command(command),
                None => return,
            },
            permit = reports.reserve(), if !is_read => match (permit, life.unsent.pop_front()) {
                (Ok(permit), Some(report)) => permit.send(report),
                _ => return,
            },
            heard = next(&mut life.turn), if is_read && life.turn.is_some() => life.handle(heard),
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => life.finish(),
        }
    }
}

async fn next(turn: &mut Option<Turn>) -> Heard {
    match turn {
        Some(turn) => turn.upstream.next().await,
        None => std::future::pending().await,
    }
}

struct Life {
    /// The way to the server, or why there is none.
    way: Result<Way, TurnError>,
    conversation: Conversation,
    turn: Option<Turn>,
    state: AgentState,
    /// Why it is down.
    down: Option<String>,
    /// Reports that the session has no room for yet; the server is not read from meanwhile.
    unsent: VecDeque<AgentReport>,
}

/// The turn in flight.
struct Turn {
    id: TurnId,
    upstream: Upstream,
    answer: Answer,
    /// The answer's text, up to a bit more than a conversation keeps.
    said: String,
    /// Everything but the last words was said.
    ends_by: Option<Instant>,
}

impl Life {
    /// Puts into the status how the agent stands; tells whether that is news.
    fn describe(&self, status: &mut AgentStatus) -> bool {
        let note = || self.conversation.is_cut().then(|| CUT.to_owned());
        let reason = self.down.clone().or_else(note);
        let is_news = (status.state, &status.reason) != (self.state, &reason);
        (status.state, status.reason) = (self.state, reason);
        is_news
    }

    fn handle_command(&mut self, command: AgentCommand) {
        match command {
            AgentCommand::Prompt { turn, text } => self.prompt(turn, text),
            AgentCommand::Cancel { turn } => {
                if self.is_at(&turn) {
                    self.rest();
                    self.end(Outcome::Cancelled, None);
                }
            }
            AgentCommand::Kill { turn } => {
                if self.is_at(&turn) {
                    self.state = AgentState::Resting;
                    self.leave();
                    // They would hold up the next turn for nobody.
                    self.unsent.retain(|report| report.turn != turn);
                }
            }
            AgentCommand::Restart => {
                (self.state, self.down) = (AgentState::Resting, None);
                let message = "the request was ended by hand; the next message makes a new one".to_owned();
                self.end(Outcome::Failed, Some(error("agent_restarted", message)));
            }
            // It asks nothing, and can be set to nothing.
            AgentCommand::Answer { .. } | AgentCommand::Set { .. } => {}
        }
    }

    fn is_at(&self, turn: &TurnId) -> bool {
        self.turn.as_ref().is_some_and(|current| current.id == *turn)
    }

    /// What was never heard of does not run.
    fn rest(&mut self) {
        if self.state == AgentState::Starting {
            self.state = AgentState::Resting;
        }
    }

    fn prompt(&mut self, id: TurnId, text: String) {
        if self.turn.is_some() {
            let error = error("agent_error", "the agent is still at another turn".to_owned());
            self.unsent.push_back(ended(id, Outcome::Failed, Some(error)));
            return;
        }
        // Also one that is not answered was said, as the user sees it.
        self.conversation.push(Speaker::User, text);
        match &self.way {
            Ok(way) => {
                let upstream = way.ask(&self.conversation);
                self.turn = Some(Turn { id, upstream, answer: Answer::default(), said: String::new(), ends_by: None });
                (self.state, self.down) = (AgentState::Starting, None);
            }
            Err(failure) => {
                (self.state, self.down) = (AgentState::Down, Some(failure.message.clone()));
                self.unsent.push_back(ended(id, Outcome::Failed, Some(failure.clone())));
            }
        }
    }

    fn handle(&mut self, heard: Heard) {
        match heard {
            Heard::Data(data) if data.trim() == "[DONE]" => self.finish(),
            Heard::Data(data) => self.take(&data),
            Heard::Failed(failure) => self.fail(failure),
            Heard::Closed(_) if self.turn.as_ref().is_some_and(|turn| turn.answer.is_finished()) => self.finish(),
            Heard::Closed(cause) => {
                let cause = cause.map(|cause| format!(" ({cause})")).unwrap_or_default();
                self.fail(error(
                    "agent_error",
                    format!("the server ended the connection in the middle of the answer{cause}: ask it to go on"),
                ));
            }
        }
    }

    fn take(&mut self, data: &str) {
        let most = self.conversation.most_bytes();
        let Some(turn) = &mut self.turn else { return };
        match turn.answer.take(data) {
            Ok(updates) => {
                self.state = AgentState::Ready;
                for update in updates {
                    if let AgentUpdate::Text(text) = &update
                        && turn.said.len() <= most
                    {
                        turn.said.push_str(text);
                    }
                    self.unsent.push_back(AgentReport { turn: turn.id.clone(), update });
                }
                if turn.answer.is_finished() {
                    turn.ends_by.get_or_insert_with(|| Instant::now() + LAST_WORDS);
                }
            }
            Err(failure) => self.fail(failure),
        }
    }

    /// The answer has come to its end.
    fn finish(&mut self) {
        let Some(turn) = &self.turn else { return };
        let (outcome, error) = turn.answer.outcome();
        self.state = AgentState::Ready;
        self.end(outcome, error);
    }

    fn fail(&mut self, failure: TurnError) {
        (self.state, self.down) = (AgentState::Down, Some(failure.message.clone()));
        self.end(Outcome::Failed, Some(failure));
    }

    fn end(&mut self, outcome: Outcome, error: Option<TurnError>) {
        if let Some(turn) = self.leave() {
            self.unsent.push_back(ended(turn, outcome, error));
        }
    }

    /// Ends the request, and remembers what it brought.
    fn leave(&mut self) -> Option<TurnId> {
        let turn = self.turn.take()?;
        if !turn.said.is_empty() {
            self.conversation.push(Speaker::Agent, turn.said);
        }
        Some(turn.id)
    }
}

fn ended(turn: TurnId, outcome: Outcome, error: Option<TurnError>) -> AgentReport {
    AgentReport { turn, update: AgentUpdate::Ended { outcome, error } }
}

fn error(code: &str, message: String) -> TurnError {
    TurnError { code: code.to_owned(), message }
}
