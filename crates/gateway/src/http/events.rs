//! `GET /v1/events`: the frames of a connection as server-sent events; and `HEAD`, which only asks whether they would come.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse as _, Response},
};
use futures_util::StreamExt as _;
use moorline_protocol::{Code, Hello};

use super::{
    Problem,
    visitor::{admit, asked},
};
use crate::{connection, hub::Hub, last_event_id};

/// The checks of [`open`], without opening anything.
pub(super) async fn check(State(hub): State<Arc<Hub>>, headers: HeaderMap, uri: Uri) -> Result<StatusCode, Problem> {
    admit(&hub, &headers, &asked(&uri)?).map(|_| StatusCode::NO_CONTENT)
}

/// Checks who asks, then answers with the stream of a connection, whose hello stands in the URL.
pub(super) async fn open(State(hub): State<Arc<Hub>>, headers: HeaderMap, uri: Uri) -> Result<Response, Problem> {
    let asked = asked(&uri)?;
    let visitor = admit(&hub, &headers, &asked)?;
    let hello = hello(asked.hello.as_deref(), &headers)?;
    let place = visitor.enter(&hub)?;
    let (writer, reader, body) = connection::event_stream();
    hub.tasks.spawn(connection::serve_events(place, hello, (writer, reader)));
    let told = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        // Whoever compresses a stream holds it back.
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform")),
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    Ok((told, Body::from_stream(body.map(Ok::<_, std::convert::Infallible>))).into_response())
}

/// The hello, with the cursors that the browser, or curl, brings back.
pub(super) fn hello(text: Option<&str>, headers: &HeaderMap) -> Result<Hello, Problem> {
    let text = text.ok_or_else(|| Problem::new(Code::BadFrame, "?hello= is missing: the content of a hello, as percent-encoded JSON"))?;
    let hello: Hello = serde_json::from_str(text).map_err(|error| Problem::new(Code::BadFrame, format!("?hello= is no hello: {error}")))?;
    let ids = headers.get_all("last-event-id").iter().filter_map(|id| id.to_str().ok());
    Ok(ids.fold(hello, last_event_id::resume))
}
