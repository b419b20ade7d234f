//! The server around the pure crates: it owns what they leave out, namely processes, files, sockets and clocks.
//!
//! [`start`] makes a [`Gateway`] from [`options`]: it locks the data folder, ends what a dead gateway left, opens the
//! [`store`], recovers interrupted turns, and listens. From then on:
//!
//! - every loaded session is one task that drives a `moorline_session::Session`: its decisions go through the store's group
//!   commit before anybody hears of them;
//! - every connection is one task that drives a `moorline_delivery::Connection` over a WebSocket, or over server-sent events
//!   and what is posted to them: it reads the journal after the client's cursor, from a cache of the newest events or from the
//!   store, and queues nothing;
//! - [`agent`] runs the agents: real processes behind one handle per session, whose life depends on no browser. [`demo`] is
//!   such an agent, made for trying things out and for tests; it is started as a process like any other.
//!
//! What a turn, a receipt or a cursor is, and every rule about them, stands in the pure crates. Here no rule is made twice.

pub mod agent;
mod clock;
mod connection;
mod data_dir;
pub mod demo;
mod door;
mod export;
mod gateway;
mod http;
mod hub;
mod janitor;
mod last_event_id;
pub mod options;
mod random;
pub mod send;
mod server;
mod sessions;
pub mod store;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod testing;
mod verbs;

pub use data_dir::DataError;
pub use gateway::{Gateway, StartError, start};
