//! What a transcript is made of: turns and blocks, whole and as patches.

use serde::{Deserialize, Serialize};

use crate::{BlockId, MessageId, Patch, Seq, TurnId, WallTime, decode::kinds, record, words};

/// From `turn_started` to its one terminal event, with the message that began it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// The id of the message that began it.
    pub id: TurnId,
    /// The seq of the acceptance of its message.
    pub opened: Seq,
    /// The last seq folded into it.
    pub rev: Seq,
    /// Where it stands.
    pub state: TurnState,
    /// Its message interrupted another turn, so it goes before the rest of the queue.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub urgent: bool,
    /// The seq of `turn_started`; turns are shown in this order, queued ones behind them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Seq>,
    /// The gateway's time at `turn_started`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<WallTime>,
    /// The gateway's time at the terminal event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<WallTime>,
    /// Why it ended so, when the outcome alone does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<TurnError>,
    /// What it took, if the agent told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
}

record!(Turn { id, opened, rev, state, urgent or default, started, started_at, ended_at, error, usage });

/// Where a turn stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TurnState {
    /// Accepted, waiting for the turns before it.
    Queued,
    /// Handed to the agent.
    Running,
    /// Handed to the agent, and a cancel is under way.
    Stopping,
    /// Ended by itself.
    Completed,
    /// Ended by an error; see [`Turn::error`].
    Failed,
    /// Ended by a cancel.
    Cancelled,
    /// Ended because the gateway or the agent was lost; nobody knows what was done. Offers "Send again".
    Interrupted,
    /// Its message was withdrawn before it started.
    Withdrawn,
}

words!(TurnState { "queued" => Queued, "running" => Running, "stopping" => Stopping, "completed" => Completed, "failed" => Failed, "cancelled" => Cancelled, "interrupted" => Interrupted, "withdrawn" => Withdrawn });

impl TurnState {
    /// Whether the agent is at work on it.
    #[must_use]
    pub const fn is_running(self) -> bool {
        matches!(self, Self::Running | Self::Stopping)
    }

    /// Whether nothing more is written into it.
    #[must_use]
    pub const fn is_over(self) -> bool {
        !matches!(self, Self::Queued | Self::Running | Self::Stopping)
    }
}

/// How a turn ended: the content of its one terminal event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// By itself.
    Completed,
    /// By an error.
    Failed,
    /// By a cancel.
    Cancelled,
    /// By the loss of the gateway or the agent.
    Interrupted,
}

words!(Outcome { "completed" => Completed, "failed" => Failed, "cancelled" => Cancelled, "interrupted" => Interrupted });

impl From<Outcome> for TurnState {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Completed => Self::Completed,
            Outcome::Failed => Self::Failed,
            Outcome::Cancelled => Self::Cancelled,
            Outcome::Interrupted => Self::Interrupted,
        }
    }
}

/// Why a turn failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnError {
    /// A stable word: `agent_start`, `agent_exited`, `agent_error`, `idle_limit`, `refused`, `gateway_restarted`, ….
    pub code: String,
    /// A sentence for the reader, with the remedy where there is one.
    pub message: String,
}

record!(TurnError { code, message });

/// What a turn took, as its agent tells it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Tokens that the model read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<u64>,
    /// Tokens that the model wrote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<u64>,
    /// The price with its currency, such as `0.0132 USD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<String>,
}

record!(default Usage { input, output, cost });

/// One text, thought, tool call, plan or request of a turn, or the message that began it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// Its name in the session.
    pub id: BlockId,
    /// The turn it belongs to.
    pub turn: TurnId,
    /// What it is.
    pub kind: BlockKind,
    /// Its first seq, and so its place.
    pub opened: Seq,
    /// The last seq folded into it.
    pub rev: Seq,
    /// Everything but its text.
    #[serde(default, skip_serializing_if = "Fields::is_empty")]
    pub fields: Fields,
    /// Rises by one each time the text is replaced instead of continued.
    #[serde(default, skip_serializing_if = "is_default")]
    pub edition: u32,
    /// The UTF-8 offset of `text` in the whole text; above 0 when only the tail is carried.
    #[serde(default, skip_serializing_if = "is_default")]
    pub from: u64,
    /// The text: markdown, a thought, a tool's output, a request's question.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
}

record!(Block { id, turn, kind, opened, rev, fields or default, edition or default, from or default, text or default });

/// Whether a field has its default, and so stays off the wire.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// What a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockKind {
    /// What the user typed; one per turn.
    Message,
    /// The agent's answer, as markdown.
    Text,
    /// The agent's thinking.
    Thought,
    /// A tool call, started and finished on one card.
    Tool,
    /// The agent's plan: its entries are replaced as a whole.
    Plan,
    /// A question to the user with options: a permission.
    Request,
    /// Something this version does not know. Also what an unknown kind decodes to.
    #[serde(other)]
    Unsupported,
}

words!(BlockKind { "message" => Message, "text" => Text, "thought" => Thought, "tool" => Tool, "plan" => Plan, "request" => Request } else Unsupported);

/// A block's fields other than its text, all optional.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Fields {
    /// A tool call's or request's one-line title; an unsupported block's kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What sort of tool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<ToolKind>,
    /// Where a tool call stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<ToolStatus>,
    /// A tool call's input, as the agent gave it: JSON text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    /// A plan's entries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entries: Option<Vec<PlanEntry>>,
    /// A request's options.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<Vec<RequestOption>>,
    /// The tool call that a request is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<BlockId>,
    /// How a request was settled; absent while it is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settled: Option<Settlement>,
    /// Nothing more is written into the block.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed: Option<bool>,
    /// The code with which a tool call's command ended, if the agent told it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit: Option<u32>,
    /// The gateway's time at which a tool call was opened. Read off the event, never written by one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opened_at: Option<WallTime>,
    /// The gateway's time at which a tool call was closed, from the event likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<WallTime>,
}

record!(default Fields { title, tool, status, input, entries, options, about, settled, closed, exit, opened_at, closed_at });

impl Fields {
    /// Whether every field is absent.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// [`Fields`] as an upsert: omitted = unchanged, null = cleared.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FieldsPatch {
    /// See [`Fields::title`].
    #[serde(skip_serializing_if = "Patch::is_keep")]
    pub title: Patch<String>,
    /// See [`Fields::tool`].
    #[serde(skip_serializing_if = "Patch::is_keep")]
    pub tool: Patch<ToolKind>,
    /// See [`Fields::status`].
    #[serde(skip_serializing_if = "Patch::is_keep")]
    pub status: Patch<ToolStatus>,
    /// See [`Fields::input`].
    #[serde(skip_serializing_if = "Patch::is_keep")]
    pub input: Patch<String>,
    /// See [`Fields::entries`].
    #[serde(skip_serializing_if = "Patch::is_keep")]
    pub entries: Patch<Vec<PlanEntry>>,
    /// See [`Fields::options`].
    #[serde(skip_serializing_if = "Patch::is_keep")]
    pub options: Patch<Vec<RequestOption>>,
    /// See [`Fields::about`].
    #[serde(skip_serializing_if = "Patch::is_keep")]
    pub about: Patch<BlockId>,
    /// See [`Fields::settled`].
    #[serde(skip_serializing_if = "Patch::is_keep")]
    pub settled: Patch<Settlement>,
    /// See [`Fields::closed`].
    #[serde(skip_serializing_if = "Patch::is_keep")]
    pub closed: Patch<bool>,
    /// See [`Fields::exit`].
    #[serde(skip_serializing_if = "Patch::is_keep")]
    pub exit: Patch<u32>,
}

record!(default FieldsPatch { title, tool, status, input, entries, options, about, settled, closed, exit });

impl FieldsPatch {
    /// Whether every field is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Applies every field.
    pub fn apply(self, fields: &mut Fields) {
        self.title.apply(&mut fields.title);
        self.tool.apply(&mut fields.tool);
        self.status.apply(&mut fields.status);
        self.input.apply(&mut fields.input);
        self.entries.apply(&mut fields.entries);
        self.options.apply(&mut fields.options);
        self.about.apply(&mut fields.about);
        self.settled.apply(&mut fields.settled);
        self.closed.apply(&mut fields.closed);
        self.exit.apply(&mut fields.exit);
    }
}

/// What sort of tool a call uses (the Agent Client Protocol's kinds).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each word says what it is")]
pub enum ToolKind {
    Read,
    Edit,
    Delete,
    Move,
    Search,
    Execute,
    Think,
    Fetch,
    SwitchMode,
    #[serde(other)]
    Other,
}

words!(ToolKind { "read" => Read, "edit" => Edit, "delete" => Delete, "move" => Move, "search" => Search, "execute" => Execute, "think" => Think, "fetch" => Fetch, "switch_mode" => SwitchMode } else Other);

/// Where a tool call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolStatus {
    /// Announced.
    Pending,
    /// At work.
    InProgress,
    /// Done.
    Completed,
    /// Done, with an error, or cut off by the end of its turn.
    Failed,
}

words!(ToolStatus { "pending" => Pending, "in_progress" => InProgress, "completed" => Completed, "failed" => Failed });

/// One line of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanEntry {
    /// What is to be done.
    pub text: String,
    /// Where it stands.
    pub status: PlanStatus,
}

record!(PlanEntry { text, status });

/// Where a plan's line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each word says what it is")]
pub enum PlanStatus {
    Pending,
    InProgress,
    Completed,
}

words!(PlanStatus { "pending" => Pending, "in_progress" => InProgress, "completed" => Completed });

/// One answer that a request offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestOption {
    /// The name to answer with; the agent's own, any text.
    pub id: String,
    /// The label.
    pub name: String,
    /// `allow_once`, `allow_always`, `reject_once`, `reject_always`, or another word that changes only the looks.
    pub kind: String,
}

record!(RequestOption { id, name, kind });

/// How a request was settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Settlement {
    /// By an answer: the first one accepted.
    Answered {
        /// The option chosen.
        option: String,
        /// The message that carried the answer.
        message: MessageId,
    },
    /// By a cancel, the end of the turn or the loss of the agent.
    Cancelled,
}

kinds!(Settlement { "answered" => Answered { option, message }, "cancelled" => Cancelled });
