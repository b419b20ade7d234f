//! A session's life as a state machine: turns, queue, requests, receipts, recovery; no I/O, clock or randomness.

mod agent;
mod input;
mod memory;
mod session;
mod split;
mod state;
mod store;

pub use agent::{AgentCommand, AgentReport, AgentUpdate, ToolUpdate};
pub use input::{Config, Input, Now, Output, Reply};
pub use memory::{Durability, MemoryStore};
pub use session::Session;
pub use store::{Commit, NewSession, RowChange, SessionMeta, Store, StoreError};
