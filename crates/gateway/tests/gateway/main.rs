//! A real gateway with its demo agent, over real sockets.

#![allow(clippy::wildcard_enum_match_arm, reason = "a test waits for one frame among all others")]

mod access;
mod backup;
mod bad_input;
mod behind;
mod caps;
#[path = "../chat_server/mod.rs"]
mod chat_server;
mod client_files;
mod curl;
mod deleting;
mod delivery;
mod drain;
mod event_stream;
mod events;
mod export;
mod folding;
mod options;
mod page;
mod posts;
mod process;
mod refused_posts;
mod restart;
mod resume;
mod rows;
mod search;
mod sending;
mod stalls;
mod store;
mod texts;
mod world;
