//! Bodies of plain HTTP requests and answers.

use serde::{Deserialize, Serialize};

use crate::{Block, BlockId, Code, Epoch, Event, Item, Millis, Seq, SessionId, SessionRow, Turn, TurnId, record};

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

/// `PATCH /v1/sessions/{id}`: what changes in its line of the list. Absent = unchanged.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ChangeSession {
    /// A name for it, of 1 to [`TITLE_CHARS`](crate::TITLE_CHARS) characters; white space counts as one space.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// See [`SessionRow::pinned`](crate::SessionRow::pinned).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinned: Option<bool>,
    /// See [`SessionRow::archived`](crate::SessionRow::archived).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived: Option<bool>,
}

/// `GET /v1/search?q=&session=&limit=`: what holds every word of a query.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Hits {
    /// Titles first, then texts, the newest first.
    pub hits: Vec<Hit>,
}

record!(Hits { hits });

/// One thing found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    /// The session.
    pub session: SessionId,
    /// Where in it; none when its title was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<HitPlace>,
    /// A part of the text around what was found, in pieces: a piece at an odd place was found, the others stand around it.
    pub excerpt: Vec<String>,
}

record!(Hit { session, place, excerpt });

/// The block in which something was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HitPlace {
    /// Its turn.
    pub turn: TurnId,
    /// Its id.
    pub block: BlockId,
    /// Its first seq: a page before the one behind it holds it.
    pub opened: Seq,
}

record!(HitPlace { turn, block, opened });

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

/// `GET /v1/sessions/{id}/blocks/{block}/text?edition=&from=&to=`: a part of a text that is too long for a snapshot or page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockText {
    /// The journal's incarnation.
    pub epoch: Epoch,
    /// The block.
    pub block: BlockId,
    /// The text's edition.
    pub edition: u32,
    /// The UTF-8 offset of `text` in the whole text.
    pub from: u64,
    /// The part, whole characters.
    pub text: String,
    /// The whole text's bytes, as of now.
    pub bytes: u64,
}

record!(BlockText { epoch, block, edition, from, text, bytes });

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

/// `GET /v1/sessions/{id}/export?format=json`: the whole transcript.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Export {
    /// Its line of the list.
    pub session: SessionRow,
    /// The journal's incarnation.
    pub epoch: Epoch,
    /// It is as of this seq.
    pub seq: Seq,
    /// Its turns, in their order.
    pub turns: Vec<ExportedTurn>,
}

/// A turn with its blocks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportedTurn {
    /// The turn.
    pub turn: Turn,
    /// Its blocks, in their order, with their whole texts.
    pub blocks: Vec<Block>,
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
