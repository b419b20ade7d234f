//! `GET /v1/connect`: a WebSocket of the subprotocol `moorline.v1`.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts as _, Query, Request, State, WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection},
    http::{HeaderMap, header},
    response::Response,
};
use moorline_protocol::{Code, SUBPROTOCOL};
use serde::Deserialize;

use super::Problem;
use crate::{
    connection::{self, SOCKET_FRAME_BYTES},
    hub::Hub,
    sessions::RETRY,
};

#[derive(Debug, Deserialize)]
struct Ticket {
    ticket: Option<String>,
}

/// Checks who asks, then hands the socket to a driver of its own.
pub(super) async fn connect(State(hub): State<Arc<Hub>>, request: Request) -> Result<Response, Problem> {
    let (mut parts, _) = request.into_parts();
    let by_ticket = Query::<Ticket>::try_from_uri(&parts.uri).ok().and_then(|query| query.0.ticket);
    let is_upgrade = parts.headers.contains_key(header::SEC_WEBSOCKET_KEY);
    let login = match by_ticket {
        // Only a real upgrade uses a ticket up.
        Some(ticket) if is_upgrade => hub.door.take_ticket(&ticket),
        Some(_) => None,
        None => hub.door.login_of(&parts.headers),
    };
    let login = login.ok_or_else(Problem::unauthorized)?;
    let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, &hub).await.map_err(|rejection: WebSocketUpgradeRejection| {
        Problem::new(Code::BadFrame, format!("this path takes WebSockets: {}", rejection.body_text()))
    })?;
    if !offers_ours(&parts.headers) {
        return Err(Problem::new(Code::IncompatibleVersion, format!("this gateway speaks the subprotocol {SUBPROTOCOL}: offer it")));
    }
    if hub.draining.is_cancelled() {
        return Err(Problem::later(Code::GoingAway, "the gateway is about to stop", RETRY));
    }
    if !hub.has_room() {
        return Err(Problem::later(Code::TooMany, "too many connections are open", RETRY));
    }
    let upgrade = upgrade.protocols([SUBPROTOCOL]).max_message_size(SOCKET_FRAME_BYTES).max_frame_size(SOCKET_FRAME_BYTES);
    Ok(upgrade.on_upgrade(move |socket| {
        let tasks = hub.tasks.clone();
        tasks.track_future(connection::run(hub, login, socket))
    }))
}

fn offers_ours(headers: &HeaderMap) -> bool {
    let offers = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    offers.flat_map(|value| value.split(',')).any(|offer| offer.trim() == SUBPROTOCOL)
}
