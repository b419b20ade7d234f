//! The gateway's decoders one by one, for whoever throws at them what nobody meant to send.
//!
//! Each of these is the code that a request, a frame or an agent's line meets, without the sockets and processes around it.

use std::{path::Path, sync::Arc};

use axum::http::HeaderMap;
use moorline_delivery::Rate;
use moorline_protocol::{Hello, Millis};

use crate::{
    clock::Clock,
    door::{Door, DoorCaps},
    gateway::StartError,
    last_event_id,
    options::{Durability, Origin, Token},
    store::SqliteStore,
};

pub use crate::{
    agent::testing::{AgentEnd, lines},
    connection::socket::testing::messages,
    demo::testing::{DemoInput, demo_input},
    http::testing::{bodies, hello, posted, queries},
};

/// A hello with the cursors of a `Last-Event-ID` in the place of its own.
#[must_use]
pub fn resumed(hello: Hello, last_event_id: &str) -> Hello {
    last_event_id::resume(hello, last_event_id)
}

/// A door with a token, a cookie and an origin of its own.
#[derive(Debug)]
pub struct Entrance(Door);

impl Entrance {
    /// Opens one, with its logins in a store of its own.
    ///
    /// # Errors
    /// [`StartError`] when the store cannot be made.
    pub fn open(store: &Path, token: &Token, origin: Origin) -> Result<Self, StartError> {
        let folder = store.to_owned();
        let store = Arc::new(SqliteStore::open(store, Durability::Os)?);
        let caps = DoorCaps { wrong_tokens: Rate::per_minute(u32::MAX), reads: 1 };
        let door = Door::new(token, "fuzz", vec![origin], Millis(60_000), caps, Clock::start(), store);
        Ok(Self(door.map_err(|source| StartError::Store { folder, source })?))
    }

    /// Whether headers let somebody in, and whether their page's origin may ask.
    #[must_use]
    pub fn admits(&self, headers: &HeaderMap) -> (bool, bool) {
        (self.0.login_of(headers).is_ok(), self.0.admits_origin(headers))
    }

    /// Whether a ticket lets somebody in.
    #[must_use]
    pub fn takes(&self, ticket: &str) -> bool {
        self.0.look_at_ticket(ticket).is_some() || self.0.take_ticket(ticket)
    }
}
