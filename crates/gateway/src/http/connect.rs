//! `GET /v1/connect`: a WebSocket of the subprotocol `moorline.v1`.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts as _, Request, State, WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection},
    http::{HeaderMap, header},
    response::Response,
};
use moorline_protocol::{Code, SUBPROTOCOL};

use super::{
    Problem,
    visitor::{admit, asked},
};
use crate::{
    connection::{self, SOCKET_FRAME_BYTES},
    hub::Hub,
};

/// Checks who asks, then hands the socket to a driver of its own.
pub(super) async fn connect(State(hub): State<Arc<Hub>>, request: Request) -> Result<Response, Problem> {
    let (mut parts, _) = request.into_parts();
    let visitor = admit(&hub, &parts.headers, &asked(&parts.uri)?)?;
    let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, &hub).await.map_err(|rejection: WebSocketUpgradeRejection| {
        Problem::new(Code::BadFrame, format!("this path takes WebSockets: {}", rejection.body_text()))
    })?;
    if !offers_ours(&parts.headers) {
        return Err(Problem::new(Code::IncompatibleVersion, format!("this gateway speaks the subprotocol {SUBPROTOCOL}: offer it")));
    }
    let place = visitor.enter(&hub)?;
    let upgrade = upgrade.protocols([SUBPROTOCOL]).max_message_size(SOCKET_FRAME_BYTES).max_frame_size(SOCKET_FRAME_BYTES);
    Ok(upgrade.on_upgrade(move |socket| {
        let tasks = hub.tasks.clone();
        tasks.track_future(connection::serve_socket(place, socket))
    }))
}

fn offers_ours(headers: &HeaderMap) -> bool {
    let offers = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    offers.flat_map(|value| value.split(',')).any(|offer| offer.trim() == SUBPROTOCOL)
}
