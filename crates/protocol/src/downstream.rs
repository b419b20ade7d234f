//! Frames from the gateway to the client.

use serde::{Deserialize, Serialize};

use crate::{
    AgentFrame, Block, Code, ConnectionId, Cursor, Epoch, Event, Limits, MessageId, Millis, Seq, SessionId, SessionRow, SessionState,
    Timings, Turn, WallTime, decode::kinds, event::Append, record, tagged::tagged, words,
};

/// One frame from the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GatewayFrame {
    /// The connection stands.
    Welcome(Welcome),
    /// Answers an `attach`.
    Attached(Attached),
    /// A part of a snapshot.
    Snapshot(SnapshotPart),
    /// Consecutive events of one session.
    Events(Events),
    /// The head was reached: where the session stands there.
    CaughtUp(CaughtUp),
    /// Answers a `send` or `withdraw`.
    Receipt(Receipt),
    /// Lines of the session list.
    Sessions(Rows),
    /// A sign of life, with every attached session's head.
    Ping(Ping),
    /// Answers a `ping`.
    Pong(GatewayPong),
    /// The gateway is about to stop: come back at a random moment between the two.
    GoingAway(GoingAway),
    /// The login has ended; the connection closes behind this.
    AuthExpired(AuthExpired),
    /// How an attached session's agent stands.
    Agent(AgentFrame),
    /// Something was refused.
    Error(ErrorFrame),
    /// A kind that this version does not know: ignored.
    Unknown {
        /// The tag it came with.
        kind: String,
    },
}

tagged!(read GatewayFrame,
    "welcome" => Welcome, "attached" => Attached, "snapshot" => Snapshot, "events" => Events, "caught_up" => CaughtUp,
    "receipt" => Receipt, "sessions" => Sessions, "ping" => Ping, "pong" => Pong, "going_away" => GoingAway,
    "auth_expired" => AuthExpired, "agent" => Agent, "error" => Error,
);

/// See [`GatewayFrame::Welcome`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The version that both ends speak from here.
    pub version: u32,
    /// This connection.
    pub connection: ConnectionId,
    /// The gateway's limits.
    #[serde(default)]
    pub limits: Limits,
    /// The timings that both ends keep.
    #[serde(default)]
    pub timings: Timings,
    /// The gateway's build.
    #[serde(default)]
    pub build: String,
    /// The gateway's time, for display.
    #[serde(default)]
    pub time: WallTime,
    /// The agents a new session can pick from, the first one the default.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agents: Vec<String>,
}

record!(Welcome { version, connection, limits or default, timings or default, build or default, time or default, agents or default });

/// See [`GatewayFrame::Attached`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attached {
    /// The session.
    pub session: SessionId,
    /// The attach it answers.
    pub no: u64,
    /// The journal's incarnation.
    pub epoch: Epoch,
    /// The journal's last seq at that moment.
    pub head: Seq,
    /// What follows.
    pub answer: Answer,
}

record!(Attached { session, no, epoch, head, answer });

/// What follows an `attached`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Nothing is missing.
    UpToDate,
    /// The events behind the cursor.
    Replay,
    /// Parts of a snapshot, then the events behind it.
    Snapshot(SnapshotReason),
}

kinds!(Answer { "up_to_date" => UpToDate, "replay" => Replay, "snapshot" => Snapshot(_) });

/// Why a snapshot was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SnapshotReason {
    /// The attach had no cursor.
    Fresh,
    /// More events than a replay may have, a cursor before the oldest kept, or one ahead of the head.
    TooOld,
    /// The cursor belongs to another incarnation.
    Epoch,
    /// The client asked for it.
    Asked,
}

words!(SnapshotReason { "fresh" => Fresh, "too_old" => TooOld, "epoch" => Epoch, "asked" => Asked });

/// See [`GatewayFrame::Snapshot`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotPart {
    /// The session.
    pub session: SessionId,
    /// The attach it answers.
    pub no: u64,
    /// The journal's incarnation. Another one than the client's: the snapshot replaces; the same: it merges.
    pub epoch: Epoch,
    /// The whole snapshot is as of this seq.
    pub seq: Seq,
    /// 0, 1, 2, …
    pub part: u32,
    /// This is the last part.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub last: bool,
    /// Everything opened at or after this seq is in the snapshot; what opened earlier is only if it changed since the client's cursor.
    pub from: Seq,
    /// Turns, blocks, and the rest of texts too long for one part.
    pub items: Vec<Item>,
}

record!(SnapshotPart { session, no, epoch, seq, part, last or default, from, items });

/// One thing in a snapshot or page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Item {
    /// A turn.
    Turn(Turn),
    /// A block; when its text is too long for a frame, the text's start.
    Block(Block),
    /// More text of the block before it.
    Append(Append),
}

kinds!(Item { "turn" => Turn(_), "block" => Block(_), "append" => Append(_) });

/// See [`GatewayFrame::Events`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Events {
    /// The session.
    pub session: SessionId,
    /// One after the other, without a hole between them.
    pub events: Vec<Event>,
}

record!(Events { session, events });

/// See [`GatewayFrame::CaughtUp`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaughtUp {
    /// The session.
    pub session: SessionId,
    /// The attach it belongs to.
    pub no: u64,
    /// The journal's incarnation.
    pub epoch: Epoch,
    /// The head.
    pub seq: Seq,
    /// The fold's state at exactly that seq.
    pub state: SessionState,
}

record!(CaughtUp { session, no, epoch, seq, state });

/// See [`GatewayFrame::Receipt`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The session.
    pub session: SessionId,
    /// The message.
    pub message: MessageId,
    /// What became of it.
    pub outcome: ReceiptOutcome,
}

record!(Receipt { session, message, outcome });

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptOutcome {
    /// It is in the journal.
    Accepted {
        /// Where.
        seq: Seq,
    },
    /// Answers a withdraw: it will never start.
    Withdrawn,
    /// Answers a withdraw: too late, it has started.
    Started,
}

kinds!(ReceiptOutcome { "accepted" => Accepted { seq }, "withdrawn" => Withdrawn, "started" => Started });

/// See [`GatewayFrame::Sessions`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rows {
    /// The rows; one with a higher `rev` replaces one with a lower.
    pub rows: Vec<SessionRow>,
    /// The page must drop the rows it holds first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub list_reset: bool,
}

record!(Rows { rows, list_reset or default });

/// See [`GatewayFrame::Ping`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ping {
    /// Every attached session's head.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub heads: Vec<Cursor>,
}

record!(Ping { heads or default });

/// See [`GatewayFrame::Pong`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct GatewayPong {}

record!(GatewayPong {});

/// See [`GatewayFrame::GoingAway`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoingAway {
    /// Not before.
    pub min_ms: Millis,
    /// Not after.
    pub max_ms: Millis,
}

record!(GoingAway { min_ms, max_ms });

/// See [`GatewayFrame::AuthExpired`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AuthExpired {}

record!(AuthExpired {});

/// See [`GatewayFrame::Error`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorFrame {
    /// The stable word.
    pub code: Code,
    /// A sentence that names the thing and the remedy.
    pub message: String,
    /// Later is fine, but not before this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<Millis>,
    /// The send or withdraw it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<MessageId>,
    /// The session it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// The attach it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no: Option<u64>,
}

record!(ErrorFrame { code, message, retry_after_ms, message_id, session, no });

impl ErrorFrame {
    /// An error about nothing in particular.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retry_after_ms: None, message_id: None, session: None, no: None }
    }
}
