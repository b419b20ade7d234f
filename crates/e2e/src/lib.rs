//! The end-to-end harness: the real gateway, a fault proxy, a real browser, and a native client of the wire.
//!
//! A scenario starts a [`Scene`]: `moorline-gateway serve` as a child process with a data directory of its own, a
//! [`Proxy`] in front of it, and headless Chromium. It then drives a [`Page`], does harm through the proxy or to the
//! process, and in the end compares what the page shows with what the journal says ([`compare`]), block by block.
//!
//! The harness guarantees that nothing it starts outlives the value that started it, that every wait has a name and a
//! deadline, and that a failing scenario prints the gateway's log. It panics where something it needs is missing, in one
//! sentence that names the remedy: its only callers are tests and benchmarks. It holds no assertions about the product;
//! those stand in `tests/`.

mod api;
mod browser;
mod client;
mod deadline;
mod disk;
mod dom;
mod gateway;
mod model;
mod native;
mod page;
mod proxy;
mod scene;
mod servers;
mod transport;

pub use api::{Api, Journal};
pub use browser::Browser;
pub use client::{Client, Login};
pub use deadline::within;
pub use disk::Disk;
pub use dom::{SeenBlock, SeenTranscript, SeenTurn, compare};
pub use gateway::{Gateway, Pace, client_files};
pub use model::ScriptedModel;
pub use native::{Done, Ledger, NativeClient, Screens, Standing, Workload};
pub use page::{Page, Scheme};
pub use proxy::{Admission, Answer, Counters, Cut, Deed, Direction, On, Proxy, Seen, Sockets, Streams};
pub use scene::{Scene, Stage};
pub use servers::{Buffering, Nginx, PythonServer};
pub use transport::Transport;
