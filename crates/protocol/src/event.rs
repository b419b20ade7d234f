//! One entry of a journal.

use serde::{Deserialize, Serialize};

use crate::{
    Block, BlockId, BlockKind, FieldsPatch, MessageId, Outcome, Seq, Turn, TurnError, TurnId, Usage, WallTime, block::is_default, record,
    tagged::tagged,
};

/// One entry of a journal. It covers `first..=seq`; a plain event covers one seq and leaves `first` out on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The last seq it covers.
    pub seq: Seq,
    /// The first seq it covers, when that is another; see [`Event::first`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first: Option<Seq>,
    /// The gateway's time when it was recorded.
    pub at: WallTime,
    /// What happened.
    pub body: EventBody,
}

record!(Event { seq, first, at, body });

impl Event {
    /// A plain event: one seq.
    #[must_use]
    pub const fn plain(seq: Seq, at: WallTime, body: EventBody) -> Self {
        Self { seq, first: None, at, body }
    }

    /// A fold, which stands for the run `first..=seq`.
    #[must_use]
    pub fn folded(first: Seq, seq: Seq, at: WallTime, fold: Fold) -> Self {
        Self { seq, first: (first != seq).then_some(first), at, body: EventBody::Fold(fold) }
    }

    /// The first seq it covers. On a plain event, its seq; never above it, whatever the wire said.
    #[must_use]
    pub fn first(&self) -> Seq {
        self.first.map_or(self.seq, |first| first.min(self.seq))
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventBody {
    /// A message was accepted: its turn and its message block open.
    Accepted(Accepted),
    /// An answer to a request was accepted: the request is settled.
    Answered(Answered),
    /// A message will never start.
    Withdrawn(Withdrawn),
    /// A turn is about to be handed to the agent.
    TurnStarted(TurnStarted),
    /// A cancel of the turn is under way, perhaps for the sake of another message.
    TurnStopping(TurnStopping),
    /// The turn's one terminal event.
    TurnEnded(TurnEnded),
    /// A block begins.
    Opened(Opened),
    /// Fields of a block change.
    Changed(Changed),
    /// Text of a block goes on.
    Append(Append),
    /// A run of events as the state of the turns and blocks it touched.
    Fold(Fold),
    /// A kind that this version does not know: it moves the cursor and shows an "unsupported" block.
    Unknown {
        /// The tag it came with.
        kind: String,
    },
}

tagged!(read EventBody,
    "accepted" => Accepted, "answered" => Answered, "withdrawn" => Withdrawn,
    "turn_started" => TurnStarted, "turn_stopping" => TurnStopping, "turn_ended" => TurnEnded,
    "opened" => Opened, "changed" => Changed, "append" => Append, "fold" => Fold,
);

/// See [`EventBody::Accepted`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// The message, and so the turn.
    pub message: MessageId,
    /// The hash of its payload: the same id with another hash is an error.
    pub hash: String,
    /// The block that shows what was typed.
    pub block: BlockId,
    /// What was typed; when longer than an event may be, its start: `append`s in the same commit bring the rest.
    pub text: String,
    /// It interrupted this turn, and goes before the rest of the queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interrupt: Option<TurnId>,
}

record!(Accepted { message, hash, block, text, interrupt });

/// See [`EventBody::Answered`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// The message that carried the answer.
    pub message: MessageId,
    /// The hash of its payload.
    pub hash: String,
    /// The request.
    pub block: BlockId,
    /// The option chosen.
    pub option: String,
}

record!(Answered { message, hash, block, option });

/// See [`EventBody::Withdrawn`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawn {
    /// The message; it need never have been accepted: then a late copy of it is refused.
    pub message: MessageId,
}

record!(Withdrawn { message });

/// See [`EventBody::TurnStarted`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnStarted {
    /// The turn.
    pub turn: TurnId,
}

record!(TurnStarted { turn });

/// See [`EventBody::TurnStopping`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnStopping {
    /// The turn.
    pub turn: TurnId,
    /// A queued message that was to be sent now: it goes before the rest of the queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<MessageId>,
}

record!(TurnStopping { turn, next });

/// See [`EventBody::TurnEnded`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnEnded {
    /// The turn.
    pub turn: TurnId,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, when the outcome alone does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<TurnError>,
    /// What it took, if the agent told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
}

record!(TurnEnded { turn, outcome, error, usage });

/// See [`EventBody::Opened`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// The new block.
    pub block: BlockId,
    /// Its turn.
    pub turn: TurnId,
    /// What it is.
    pub kind: BlockKind,
    /// Its first fields.
    #[serde(default, skip_serializing_if = "FieldsPatch::is_empty")]
    pub fields: FieldsPatch,
}

record!(Opened { block, turn, kind, fields or default });

/// See [`EventBody::Changed`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// The block.
    pub block: BlockId,
    /// The fields that change.
    #[serde(default, skip_serializing_if = "FieldsPatch::is_empty")]
    pub fields: FieldsPatch,
}

record!(Changed { block, fields or default });

/// See [`EventBody::Append`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Append {
    /// The block.
    pub block: BlockId,
    /// Which edition of its text; a higher one than the block's begins an empty text, a lower one is late and skipped.
    #[serde(default, skip_serializing_if = "is_default")]
    pub edition: u32,
    /// The UTF-8 offset of `text` in the block's text.
    pub at: u64,
    /// The text that goes there. What is there already is skipped.
    pub text: String,
}

record!(Append { block, edition or default, at, text });

/// See [`EventBody::Fold`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fold {
    /// Every turn that the run touched, as of its last seq.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub turns: Vec<Turn>,
    /// Every block that the run touched, as of its last seq.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocks: Vec<Block>,
}

record!(Fold { turns or default, blocks or default });
