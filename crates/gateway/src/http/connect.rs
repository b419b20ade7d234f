//! `GET /v1/connect`: a WebSocket of the subprotocol `moorline.v1`.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::Response,
};
use moorline_protocol::{Code, SUBPROTOCOL};
use tungstenite::handshake::derive_accept_key;

use super::{
    Problem,
    visitor::{admit, asked},
};
use crate::{connection, hub::Hub, server::Handover};

/// Checks who asks, then hands the socket to a driver of its own.
pub(super) async fn connect(State(hub): State<Arc<Hub>>, request: Request) -> Result<Response, Problem> {
    let visitor = admit(&hub, request.headers(), &asked(request.uri())?)?;
    let accept = accept(&request)?;
    if !offers_ours(request.headers()) {
        return Err(Problem::new(Code::IncompatibleVersion, format!("this gateway speaks the subprotocol {SUBPROTOCOL}: offer it")));
    }
    let place = visitor.enter(&hub)?;
    let mut response = Handover::answer(StatusCode::SWITCHING_PROTOCOLS, move |socket, rest| {
        hub.tasks.clone().track_future(connection::serve_socket(place, socket, &rest))
    });
    let told = [
        (header::CONNECTION, HeaderValue::from_static("upgrade")),
        (header::UPGRADE, HeaderValue::from_static("websocket")),
        (header::SEC_WEBSOCKET_ACCEPT, accept),
        (header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL)),
    ];
    response.headers_mut().extend(told);
    Ok(response)
}

/// What the handshake of RFC 6455, section 4.2, is answered with.
fn accept(request: &Request) -> Result<HeaderValue, Problem> {
    let headers = request.headers();
    let no_websocket = |why: &str| Problem::new(Code::BadFrame, format!("this path takes WebSockets: {why}"));
    if request.method() != Method::GET {
        return Err(no_websocket("ask with GET"));
    }
    for (name, word) in [(header::CONNECTION, "upgrade"), (header::UPGRADE, "websocket"), (header::SEC_WEBSOCKET_VERSION, "13")] {
        if !lists(headers, &name, word) {
            return Err(no_websocket(&format!("the header {name} must be {word}")));
        }
    }
    let key = headers.get(header::SEC_WEBSOCKET_KEY).ok_or_else(|| no_websocket("the header sec-websocket-key is missing"))?;
    HeaderValue::try_from(derive_accept_key(key.as_bytes())).map_err(|_| no_websocket("the header sec-websocket-key is no key"))
}

/// Whether a word stands in the list that a header is.
fn lists(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|listed| listed.trim().eq_ignore_ascii_case(word))
}

fn offers_ours(headers: &HeaderMap) -> bool {
    let offers = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    offers.flat_map(|value| value.split(',')).any(|offer| offer.trim() == SUBPROTOCOL)
}
