//! What a session tells an agent's adapter, and what the adapter tells the session.
//!
//! The shapes are neutral: an adapter translates its agent's protocol into them and makes no ids of ours. A report names
//! the turn whose prompt caused it; the session drops reports for a turn that is over.

use moorline_protocol::{Outcome, PlanEntry, RequestOption, ToolKind, ToolStatus, TurnError, TurnId, Usage};

/// What a session asks of its agent. At most one prompt is in flight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgentCommand {
    /// Begin a turn. The adapter starts the agent if it is not running; a failure to start is a report `Ended`.
    Prompt {
        /// The turn.
        turn: TurnId,
        /// The whole message.
        text: String,
    },
    /// Ask the agent to stop the turn; it still reports `Ended`.
    Cancel {
        /// The turn.
        turn: TurnId,
    },
    /// Settle a request of the agent's.
    Answer {
        /// The turn.
        turn: TurnId,
        /// The request, as the adapter named it.
        request: String,
        /// The option chosen; none = cancelled.
        option: Option<String>,
    },
    /// Set one of what the agent told that it can be set to. From a user, past the session.
    Set {
        /// The setting, by the agent's name.
        id: String,
        /// The value, by the agent's name.
        value: String,
    },
    /// From a user, past the session: begin again with a new process, at once; a turn at work ends failed, one that waits for a start waits no more.
    Restart,
    /// Kill the agent's process group: the turn has been ended without it. The next prompt starts a new agent.
    Kill {
        /// The turn.
        turn: TurnId,
    },
}

/// One thing that happened in a turn, as the adapter saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentReport {
    /// The turn whose prompt it belongs to.
    pub turn: TurnId,
    /// What happened.
    pub update: AgentUpdate,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgentUpdate {
    /// More of the answer, as markdown.
    Text(String),
    /// More thinking.
    Thought(String),
    /// A tool call, new or known: an upsert by the agent's own id for it.
    Tool {
        /// The agent's id of the call.
        call: String,
        /// What is new about it.
        update: ToolUpdate,
    },
    /// The whole plan.
    Plan(Vec<PlanEntry>),
    /// The agent asks the user.
    Request {
        /// The adapter's name for the request, unique within the turn.
        request: String,
        /// The tool call it is about, by the agent's id.
        call: Option<String>,
        /// What is asked, in one line.
        title: String,
        /// The answers it offers.
        options: Vec<RequestOption>,
    },
    /// What the session should be called, by the agent. Counts unless somebody named it, also behind its turn.
    Title(String),
    /// What the turn has taken so far.
    Usage(Usage),
    /// The turn is over; nothing more of it follows.
    Ended {
        /// How.
        outcome: Outcome,
        /// Why, when the outcome alone does not say.
        error: Option<TurnError>,
    },
}

/// What is new about a tool call; absent = unchanged.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ToolUpdate {
    /// One line.
    pub title: Option<String>,
    /// What sort of tool.
    pub kind: Option<ToolKind>,
    /// Where it stands.
    pub status: Option<ToolStatus>,
    /// Its input, as JSON text.
    pub input: Option<String>,
    /// Its whole output so far: the session finds out whether that continues or replaces what it has.
    pub output: Option<String>,
    /// The code with which its command ended.
    pub exit: Option<u32>,
}
