//! A turn's course: start, stop, limits, end.

use std::collections::BTreeMap;

use moorline_protocol::{
    BlockId, BlockKind, Changed, Code, EventBody, FieldsPatch, MessageId, Millis, Outcome, Patch, Settlement, ToolStatus, TurnEnded,
    TurnError, TurnId, TurnStarted, TurnStopping, Usage, mutant,
};

use super::{
    Session,
    report::{OpenText, Plan, Tool},
};
use crate::{AgentCommand, Now, Output, Reply, split};

/// The agent's side of the running turn: its own names for things, and when it was last heard. It dies with the process,
/// and may: a turn does not outlive it.
#[derive(Debug, Default)]
pub(super) struct Live {
    /// When the agent was last heard, or last got something to do.
    pub(super) heard: Millis,
    /// When a cancelled turn is ended without its agent.
    pub(super) stop_by: Option<Millis>,
    pub(super) text: Option<OpenText>,
    pub(super) tools: BTreeMap<String, Tool>,
    pub(super) plan: Option<Plan>,
    pub(super) usage: Option<Usage>,
    /// The adapter's names of the requests.
    pub(super) requests: Vec<(String, BlockId)>,
}

impl Session {
    /// Starts the next queued message, if nothing runs: `turn_started` is durable before the agent hears of it.
    pub(super) fn start_next(&mut self, now: Now) {
        if self.state.running.is_some() {
            return;
        }
        let Some(next) = self.state.queue.front_mut() else {
            return;
        };
        let turn = next.message.clone();
        let text = std::mem::take(&mut next.text);
        self.live.heard = now.monotonic;
        self.push(now, EventBody::TurnStarted(TurnStarted { turn: turn.clone() }));
        self.say(Output::Agent(AgentCommand::Prompt { turn, text }));
    }

    /// A cancel names its turn: one that comes late stops nothing else.
    pub(super) fn cancel(&mut self, now: Now, reply: Reply, turn: &TurnId, next: Option<MessageId>) {
        let running = self.state.running.as_ref().map(|running| running.turn.clone());
        let turn = running.as_ref().filter(|_| mutant::is("cancels_whatever_runs")).unwrap_or(turn);
        if self.made.is_none() {
            return self.refuse(reply, Some(turn.clone()), Code::UnknownSession, format!("session {} does not exist", self.id));
        }
        if self.state.is_queued(turn) {
            let sentence = format!("turn {turn} has not started: withdraw its message instead");
            return self.refuse(reply, Some(turn.clone()), Code::TurnOver, sentence);
        }
        if !self.is_running(turn) {
            return self.refuse(reply, Some(turn.clone()), Code::TurnOver, format!("turn {turn} is not running: there is nothing to stop"));
        }
        if let Some(next) = next.as_ref().filter(|next| !self.state.is_queued(next)) {
            let sentence = format!("message {next} does not wait for its turn any more: nothing was stopped");
            return self.refuse(reply, Some(turn.clone()), Code::Unprocessable, sentence);
        }
        let commands = self.begin_stop(now, turn, next);
        self.say(Output::Done { reply });
        self.say_all(commands);
    }

    /// Marks the turn as stopping and settles its open requests, once; returns what the agent has to hear of it.
    pub(super) fn begin_stop(&mut self, now: Now, turn: &TurnId, next: Option<MessageId>) -> Vec<AgentCommand> {
        let Some(running) = self.state.running.as_ref().filter(|running| running.turn == *turn) else { return Vec::new() };
        let was_stopping = running.stopping;
        if !was_stopping || next.is_some() {
            self.push(now, EventBody::TurnStopping(TurnStopping { turn: turn.clone(), next }));
        }
        if was_stopping {
            return Vec::new();
        }
        self.live.stop_by = Some(now.monotonic + self.config.stop_limit);
        let mut commands = vec![AgentCommand::Cancel { turn: turn.clone() }];
        let waiting: Vec<BlockId> = self.state.waiting().cloned().collect();
        for block in waiting {
            let request = self.live.requests.iter().find(|(_, asked)| *asked == block).map(|(name, _)| name.clone());
            self.push(now, closing(block, BlockKind::Request));
            commands.extend(request.map(|request| AgentCommand::Answer { turn: turn.clone(), request, option: None }));
        }
        commands
    }

    /// Ends a turn whose agent does not: after a cancel, or after a silence.
    pub(super) fn expire(&mut self, now: Now) {
        if self.deadline().is_none_or(|deadline| now.monotonic < deadline) {
            return;
        }
        let Some(turn) = self.state.running.as_ref().map(|running| running.turn.clone()) else {
            return;
        };
        let (outcome, code, message) = if self.live.stop_by.is_some() {
            let limit = self.config.stop_limit.0 as f64 / 1000.0;
            (
                Outcome::Cancelled,
                "agent_unresponsive",
                format!("the agent did not stop within {limit} s and was killed; the next message starts a new one"),
            )
        } else {
            let limit = self.config.idle_limit.0 as f64 / 1000.0;
            (
                Outcome::Failed,
                "idle_limit",
                format!("the agent gave no sign for {limit} s and was killed; the next message starts a new one"),
            )
        };
        self.end_turn(now, outcome, Some(&TurnError { code: code.to_owned(), message }));
        self.say(Output::Agent(AgentCommand::Kill { turn }));
        self.start_next(now);
    }

    /// Ends the turn that ran when the last gateway died.
    pub(super) fn interrupt_lost_turn(&mut self, now: Now) {
        let error = TurnError {
            code: "gateway_restarted".to_owned(),
            message: "the gateway was restarted in mid-turn; what the agent had not yet told is unknown: look, then send again".to_owned(),
        };
        self.end_turn(now, Outcome::Interrupted, Some(&error));
    }

    /// Writes the running turn's terminal event, behind the end of everything that is open in it.
    pub(super) fn end_turn(&mut self, now: Now, outcome: Outcome, error: Option<&TurnError>) {
        let Some(running) = &self.state.running else {
            return;
        };
        let turn = running.turn.clone();
        for (block, kind) in running.open.clone() {
            self.push(now, closing(block, kind));
        }
        let usage = std::mem::take(&mut self.live).usage;
        let error = error.map(|error| split::cut_error(error, self.config.limits.event_bytes));
        self.push(now, EventBody::TurnEnded(TurnEnded { turn, outcome, error, usage }));
    }

    pub(super) fn is_running(&self, turn: &TurnId) -> bool {
        self.state.running.as_ref().is_some_and(|running| running.turn == *turn)
    }

    pub(super) fn say_all(&mut self, commands: Vec<AgentCommand>) {
        for command in commands {
            self.say(Output::Agent(command));
        }
    }
}

/// Closes a block whose turn stops or ends around it.
fn closing(block: BlockId, kind: BlockKind) -> EventBody {
    let mut fields = FieldsPatch { closed: Patch::Set(true), ..FieldsPatch::default() };
    match kind {
        BlockKind::Tool => fields.status = Patch::Set(ToolStatus::Failed),
        BlockKind::Request => fields.settled = Patch::Set(Settlement::Cancelled),
        BlockKind::Message | BlockKind::Text | BlockKind::Thought | BlockKind::Plan | BlockKind::Unsupported => {}
    }
    EventBody::Changed(Changed { block, fields })
}
