//! The browser client: a Leptos page over the transport, compiled to WebAssembly.
//!
//! An event's way through it is one direction without short cuts: socket → [`transport`] → [`model`] → signals → DOM; a
//! send's way is the reverse. Each step owns what the next one only reads:
//!
//! - [`transport`] drives the core of `moorline-delivery` with the browser's sockets, timers and storage;
//! - [`model`] holds each session's transcript and sends, applied at once, and signals for what is mounted of one of them;
//! - [`views`] turn signals into elements, and what the user does into method calls of the model;
//! - [`app`] ties the three together and starts them.
//!
//! [`settings`] says where the gateway is and how the page looks. Left out here: everything that decides about order,
//! retry, replay or merging; that is the pure crates' work.
#![cfg(target_family = "wasm")]
// `view!` reads a view token by token.
#![recursion_limit = "512"]

pub mod app;
pub mod model;
pub mod settings;
mod task;
mod timer;
pub mod transport;
pub mod views;
