//! A session as the list shows it, and as the gateway says it stands.

use serde::{Deserialize, Serialize};

use crate::{BlockId, MessageId, SessionId, TurnId, WallTime, record};

/// One line of the session list. A row with a higher `rev` replaces one with a lower.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRow {
    /// The session.
    pub session: SessionId,
    /// From one counter for the whole store.
    pub rev: u64,
    /// Its title: what was first typed, cut to 80 characters, until somebody names it.
    pub title: String,
    /// The gateway's time when it was made.
    pub created_at: WallTime,
    /// The gateway's time of its newest event.
    pub changed_at: WallTime,
    /// A turn is running.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub running: bool,
    /// A request waits for an answer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub waiting: bool,
    /// It stands before those that are not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pinned: bool,
    /// It is put away: out of the list until it is looked for, or a message brings it back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub archived: bool,
    /// The session is gone; the row tells those who had it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
}

record!(SessionRow {
    session, rev, title, created_at, changed_at, running or default, waiting or default, pinned or default, archived or default,
    deleted or default
});

/// The longest title that a session may be given, in characters. One taken from its first message is shorter.
pub const TITLE_CHARS: usize = 200;

/// Where a session stands at exactly one seq: what a spinner derives from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SessionState {
    /// The turn at work, if one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running: Option<Running>,
    /// The open requests, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<BlockId>,
    /// The messages that wait for their turn, next one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub queue: Vec<MessageId>,
}

record!(default SessionState { running, waiting, queue });

/// The turn at work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// The turn.
    pub turn: TurnId,
    /// A cancel is under way.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stopping: bool,
}

record!(Running { turn, stopping or default });
