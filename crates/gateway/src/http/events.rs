//! `GET /v1/events`: the frames of a connection as server-sent events; and `HEAD`, which only asks whether they would come.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, Version, header},
    response::Response,
};
use moorline_protocol::{Code, Hello};

use super::{
    Problem,
    visitor::{admit, asked},
};
use crate::{
    connection::{self, Framing},
    hub::Hub,
    last_event_id,
    server::Handover,
};

/// The checks of [`open`], without opening anything.
pub(super) async fn check(State(hub): State<Arc<Hub>>, headers: HeaderMap, uri: Uri) -> Result<StatusCode, Problem> {
    admit(&hub, &headers, &asked(&uri)?).map(|_| StatusCode::NO_CONTENT)
}

/// Checks who asks, then answers with the stream of a connection, whose hello stands in the URL.
pub(super) async fn open(State(hub): State<Arc<Hub>>, version: Version, headers: HeaderMap, uri: Uri) -> Result<Response, Problem> {
    let asked = asked(&uri)?;
    let visitor = admit(&hub, &headers, &asked)?;
    let hello = hello(asked.hello.as_deref(), &headers)?;
    let place = visitor.enter(&hub)?;
    let framing = if version < Version::HTTP_11 { Framing::Bare } else { Framing::Chunked };
    let mut response = Handover::answer(StatusCode::OK, move |socket, _| {
        hub.tasks.clone().track_future(connection::serve_events(place, hello, socket, framing))
    });
    let told = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        // Whoever compresses a stream holds it back.
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform")),
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
        // No request follows on a socket that was a stream.
        (header::CONNECTION, HeaderValue::from_static("close")),
    ];
    response.headers_mut().extend(told);
    if framing == Framing::Chunked {
        response.headers_mut().insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
    Ok(response)
}

/// The hello, with the cursors that the browser, or curl, brings back.
pub(super) fn hello(text: Option<&str>, headers: &HeaderMap) -> Result<Hello, Problem> {
    let text = text.ok_or_else(|| Problem::new(Code::BadFrame, "?hello= is missing: the content of a hello, as percent-encoded JSON"))?;
    let hello: Hello = serde_json::from_str(text).map_err(|error| Problem::new(Code::BadFrame, format!("?hello= is no hello: {error}")))?;
    let ids = headers.get_all("last-event-id").iter().filter_map(|id| id.to_str().ok());
    Ok(ids.fold(hello, last_event_id::resume))
}
