//! What happened so far, and how the tab stands.

use super::output::Transport;
use moorline_protocol::{ConnectionId, Cursor, Millis};

/// What happened so far, for the diagnostics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Connections that reached `welcome`.
    pub connections: u64,
    /// Events dropped because they were not news.
    pub duplicates: u64,
    /// Holes seen.
    pub holes: u64,
    /// Snapshots merged.
    pub snapshots: u64,
    /// Frames that could not be read.
    pub undecodable: u64,
    /// Attempts of sends by what came of them.
    pub attempts: Attempts,
    /// Inputs about a connection that was not the current one.
    pub stale: u64,
}

/// Attempts of sends by what came of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Attempts {
    /// A receipt came.
    pub accepted: u64,
    /// An end that is no failure.
    pub settled: u64,
    /// Refused for good.
    pub refused: u64,
    /// Failed, and told when to try again.
    pub told_to_wait: u64,
    /// Failed in a way that may pass.
    pub transient: u64,
    /// No answer came.
    pub unanswered: u64,
}

/// How the tab stands, for the diagnostics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostics {
    /// What frames travel on; none without a connection.
    pub transport: Option<Transport>,
    /// The connection's name, once `welcome` told it.
    pub connection: Option<ConnectionId>,
    /// When a `ping` last came, in monotonic time.
    pub pinged: Option<Millis>,
    /// The cursors, as far as the page has applied.
    pub cursors: Vec<Cursor>,
    /// What happened so far.
    pub counters: Counters,
}
