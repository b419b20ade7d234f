//! What stands in requests, for [`crate::testing`].

use axum::{
    extract::Query,
    http::{HeaderMap, Uri},
};
use moorline_protocol::{ChangeSession, ClientFrame, CreateSession, Hello, Login};

use super::{events, export, posts, search, sessions, texts, visitor::asked};

/// A posted frame, if the body is one of the kind that the path names.
#[must_use]
pub fn posted(verb: &str, body: &[u8]) -> Option<ClientFrame> {
    posts::frame(verb, body).ok()
}

/// The bodies of `POST /v1/login`, `POST /v1/sessions` and `PATCH /v1/sessions/{id}`.
#[must_use]
pub fn bodies(body: &[u8]) -> (Option<Login>, Option<CreateSession>, Option<ChangeSession>) {
    (serde_json::from_slice(body).ok(), serde_json::from_slice(body).ok(), serde_json::from_slice(body).ok())
}

/// The hello of an event stream, from its URL and headers.
#[must_use]
pub fn hello(uri: &Uri, headers: &HeaderMap) -> Option<Hello> {
    events::hello(asked(uri).ok()?.hello.as_deref(), headers).ok()
}

/// Whether each of these queries can be read from one URL: `events`, `blocks`, `text` and `export` of a session, and `search`.
#[must_use]
pub fn queries(uri: &Uri) -> [bool; 5] {
    [
        Query::<sessions::Behind>::try_from_uri(uri).is_ok(),
        Query::<sessions::Before>::try_from_uri(uri).is_ok(),
        Query::<texts::Between>::try_from_uri(uri).is_ok(),
        Query::<export::Asked>::try_from_uri(uri).is_ok(),
        Query::<search::Asked>::try_from_uri(uri).is_ok(),
    ]
}
