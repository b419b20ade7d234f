//! A session's life as a state machine: turns, queue, requests, receipts, recovery; no I/O, clock or randomness.

mod agent;
mod store;

pub use agent::{AgentCommand, AgentReport, AgentUpdate, ToolUpdate};
pub use store::{Commit, NewSession, RowChange, SessionMeta, Store, StoreError};
