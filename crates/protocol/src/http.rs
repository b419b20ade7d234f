//! Bodies of plain HTTP requests and answers.

use serde::{Deserialize, Serialize};

use crate::{Code, Epoch, Event, Item, Millis, Seq, SessionId, record};

/// `POST /v1/login`: the token from the link, for a cookie.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// The token.
    pub token: String,
}

/// `POST /v1/sessions`: idempotent by the client-made id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateSession {
    /// The id.
    pub session: SessionId,
    /// See [`crate::Create::title`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// See [`crate::Create::agent`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
}

/// `GET /v1/sessions/{id}/blocks?before=&limit=`: the newest blocks opened before a seq.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// The journal's incarnation.
    pub epoch: Epoch,
    /// The page is as of this seq.
    pub seq: Seq,
    /// Everything opened at or after this seq and before `before` is in the page. 1 = nothing older exists.
    pub from: Seq,
    /// The upper end, exclusive.
    pub before: Seq,
    /// The blocks with their turns.
    pub items: Vec<Item>,
}

record!(Page { epoch, seq, from, before, items });

/// `GET /v1/sessions/{id}/events?after=&limit=`: the raw journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawEvents {
    /// The journal's incarnation.
    pub epoch: Epoch,
    /// The journal's last seq.
    pub head: Seq,
    /// The events behind `after`, at most `limit`.
    pub events: Vec<Event>,
}

/// The body of every 4xx and 5xx of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// The stable word.
    pub code: Code,
    /// A sentence that names the thing and the remedy.
    pub message: String,
    /// Later is fine, but not before this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<Millis>,
}

record!(ErrorBody { code, message, retry_after_ms });
