//! Logging in and out, and tickets.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{AppendHeaders, IntoResponse},
};
use moorline_protocol::{Code, Millis};
use serde::Serialize;

use super::{Problem, problem::Body};
use crate::{
    door::{Login, NotAdmitted, TICKET},
    hub::Hub,
};

/// `POST /v1/login`: the token, for a cookie.
pub(super) async fn log_in(
    State(hub): State<Arc<Hub>>,
    headers: HeaderMap,
    Body(body): Body<moorline_protocol::Login>,
) -> Result<impl IntoResponse, Problem> {
    let is_secure = headers.get(header::ORIGIN).is_some_and(|origin| origin.as_bytes().starts_with(b"https://"));
    hub.door.check(&body.token).map_err(|why| match why {
        NotAdmitted::Unknown => Problem::new(Code::Unauthorized, "this is not the gateway's token: take the link it printed"),
        NotAdmitted::Later(_) => Problem::not_admitted(why),
    })?;
    let cookie = tokio::task::spawn_blocking(move || hub.door.log_in(is_secure)).await.map_err(|_| Problem::lost())??;
    Ok((StatusCode::NO_CONTENT, AppendHeaders([(header::SET_COOKIE, cookie)])))
}

/// `POST /v1/logout`: ends the cookie's login, with its connections.
pub(super) async fn log_out(State(hub): State<Arc<Hub>>, login: Login) -> Result<impl IntoResponse, Problem> {
    let cookie = tokio::task::spawn_blocking(move || hub.door.log_out(&login)).await.map_err(|_| Problem::lost())??;
    Ok((StatusCode::NO_CONTENT, AppendHeaders([(header::SET_COOKIE, cookie)])))
}

/// The answer to `POST /v1/tickets`.
#[derive(Debug, Serialize)]
pub(super) struct Ticket {
    /// For `?ticket=…` of one `GET /v1/connect` or `GET /v1/events`.
    ticket: String,
    /// How long it may wait to be used.
    expires_in_ms: Millis,
}

/// `POST /v1/tickets`: a page on another origin can put neither cookie nor header on a WebSocket or an
/// EventSource, but this in its URL.
pub(super) async fn make_ticket(State(hub): State<Arc<Hub>>, login: Login) -> Result<Json<Ticket>, Problem> {
    let ticket = hub.door.make_ticket(login).ok_or_else(|| Problem::later(Code::TooMany, "too many tickets wait to be used", TICKET))?;
    Ok(Json(Ticket { ticket, expires_in_ms: TICKET }))
}
