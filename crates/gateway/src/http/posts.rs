//! `POST /v1/<verb>`: what a client says to its connection, of whichever transport that is.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::{MethodRouter, post},
};
use moorline_protocol::{
    CLIENT_HEADER, CONNECTION_HEADER, ClientFrame, ClientId, Code, ConnectionId, ErrorFrame, GatewayFrame, Receipt, decode_client, encode,
};

use super::{Problem, problem};
use crate::{
    hub::{Hub, Live, Ungreeted, Unposted},
    options::INBOUND_FRAME_BYTES,
    sessions::RETRY,
    verbs,
};

/// Everything that can be posted.
pub(super) const VERBS: [&str; 8] = ["attach", "detach", "send", "withdraw", "cancel", "ack", "ping", "pong"];

/// The route of one verb. It stands in the path, so that logs and proxies see it.
pub(super) fn verb(verb: &'static str) -> MethodRouter<Arc<Hub>> {
    post(move |State(hub): State<Arc<Hub>>, request: Request| async move { take(verb, &hub, request).await })
}

async fn take(verb: &str, hub: &Hub, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    if let Some(client) = script(verb, &parts.headers) {
        hub.door.login_of(&parts.headers).map_err(Problem::not_admitted)?;
        let ClientFrame::Send(send) = frame(verb, &problem::read(body, INBOUND_FRAME_BYTES).await?)? else {
            return Err(unknown_connection());
        };
        return receipt(verbs::send(hub, &client, send).await);
    }
    let connection = match connection(hub, &parts.headers) {
        Ok(connection) => connection,
        Err(problem) => {
            problem::discard(body).await;
            return Err(problem);
        }
    };
    connection.heard();
    let body = problem::read(body, INBOUND_FRAME_BYTES).await?;
    let frame = frame(verb, &body)?;
    match frame {
        ClientFrame::Send(send) => receipt(verbs::send(hub, connection.client()?, send).await),
        ClientFrame::Withdraw(withdraw) => receipt(verbs::withdraw(hub, connection.client()?, withdraw).await),
        ClientFrame::Cancel(cancel) => {
            verbs::cancel(&hub.sessions, cancel).await?;
            Ok(StatusCode::NO_CONTENT.into_response())
        }
        ClientFrame::Hello(_)
        | ClientFrame::Attach(_)
        | ClientFrame::Detach(_)
        | ClientFrame::Ack(_)
        | ClientFrame::Ping(_)
        | ClientFrame::Pong(_)
        | ClientFrame::Unknown { .. } => {
            connection.post(frame)?;
            Ok(StatusCode::NO_CONTENT.into_response())
        }
    }
}

/// A client that sends without a connection, and so hears nothing but the answer.
fn script(verb: &str, headers: &HeaderMap) -> Option<ClientId> {
    let is_alone = verb == "send" && !headers.contains_key(CONNECTION_HEADER);
    headers.get(CLIENT_HEADER).filter(|_| is_alone).and_then(|id| ClientId::parse(id.to_str().ok()?).ok())
}

/// The connection that is meant, if it belongs to who asks.
fn connection(hub: &Hub, headers: &HeaderMap) -> Result<Live, Problem> {
    let login = hub.door.login_of(headers).map_err(Problem::not_admitted)?;
    let named = headers.get(CONNECTION_HEADER).and_then(|id| ConnectionId::parse(id.to_str().ok()?).ok());
    let id = named.ok_or_else(|| Problem::new(Code::BadFrame, format!("the header {CONNECTION_HEADER} must name a connection")))?;
    hub.live(&id, &login).ok_or_else(unknown_connection)
}

fn unknown_connection() -> Problem {
    Problem::new(Code::UnknownConnection, "this connection has ended, or never was: open another")
}

pub(super) fn frame(verb: &str, body: &[u8]) -> Result<ClientFrame, Problem> {
    let text = std::str::from_utf8(body).map_err(|_| Problem::new(Code::BadFrame, "not a frame: frames are UTF-8"))?;
    let frame = decode_client(text).map_err(|error| Problem::new(Code::BadFrame, error.to_string()))?;
    if frame.kind() != verb {
        return Err(Problem::new(Code::BadFrame, format!("a frame of the kind {:?} was posted to {verb}", frame.kind())));
    }
    Ok(frame)
}

fn receipt(answer: Result<Receipt, ErrorFrame>) -> Result<Response, Problem> {
    let receipt = GatewayFrame::Receipt(answer?);
    Ok(([(header::CONTENT_TYPE, "application/json")], encode(&receipt)).into_response())
}

impl From<Ungreeted> for Problem {
    fn from(_: Ungreeted) -> Self {
        Self::new(Code::HelloExpected, "the first frame must be hello")
    }
}

impl From<Unposted> for Problem {
    fn from(unposted: Unposted) -> Self {
        match unposted {
            Unposted::Full => Self::later(Code::TooMany, "too many frames wait for this connection", RETRY),
            Unposted::Gone => unknown_connection(),
        }
    }
}
