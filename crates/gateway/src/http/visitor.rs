//! Who opens a connection, of either transport: the checks that both share, and that can be asked for alone.

use std::sync::Arc;

use axum::{
    extract::Query,
    http::{HeaderMap, Uri},
};
use moorline_protocol::Code;
use serde::Deserialize;

use super::Problem;
use crate::{
    door::Login,
    hub::{Hub, Place},
    sessions::RETRY,
};

/// What stands in the URL of a request that opens a connection.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    /// Instead of a login in the headers.
    ticket: Option<String>,
    /// The hello, on a transport on which it cannot be said.
    pub(super) hello: Option<String>,
}

/// Reads the URL.
pub(super) fn asked(uri: &Uri) -> Result<Asked, Problem> {
    let asked = Query::<Asked>::try_from_uri(uri);
    asked.map(|Query(asked)| asked).map_err(|rejection| Problem::new(Code::BadFrame, rejection.body_text()))
}

/// Somebody who may open a connection now.
#[derive(Debug)]
pub(super) struct Visitor {
    login: Login,
    ticket: Option<String>,
}

/// Checks who asks, and whether one more connection may be opened; nothing is opened and no ticket used up.
pub(super) fn admit(hub: &Hub, headers: &HeaderMap, asked: &Asked) -> Result<Visitor, Problem> {
    let ticket = asked.ticket.clone();
    let login = match &ticket {
        Some(ticket) => hub.door.look_at_ticket(ticket).ok_or_else(Problem::unauthorized)?,
        None => hub.door.login_of(headers).map_err(Problem::not_admitted)?,
    };
    if hub.draining.is_cancelled() {
        return Err(Problem::later(Code::GoingAway, "the gateway is about to stop", RETRY));
    }
    if !hub.has_room() {
        return Err(too_many());
    }
    Ok(Visitor { login, ticket })
}

impl Visitor {
    /// Makes the connection's place, and uses the ticket up.
    pub(super) fn enter(self, hub: &Arc<Hub>) -> Result<Place, Problem> {
        let place = hub.enter(self.login).ok_or_else(too_many)?;
        // Another request may have taken it since.
        let may_enter = self.ticket.is_none_or(|ticket| hub.door.take_ticket(&ticket));
        may_enter.then_some(place).ok_or_else(Problem::unauthorized)
    }
}

fn too_many() -> Problem {
    Problem::later(Code::TooMany, "too many connections are open", RETRY)
}
