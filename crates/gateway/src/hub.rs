//! What all connections and requests of one gateway share.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use moorline_delivery::{Holder, Holders};
use moorline_protocol::{ClientId, ConnectionId, Millis, PageId, Timings};
use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{clock::Clock, door::Door, sessions::Sessions};

/// Connections at once at most; each costs a socket and a few KB.
pub(crate) const CONNECTIONS: usize = 1_024;

/// What all connections and requests share.
pub(crate) struct Hub {
    pub(crate) clock: Clock,
    pub(crate) door: Door,
    pub(crate) sessions: Sessions,
    pub(crate) timings: Timings,
    pub(crate) build: String,
    /// The two ends of the time within which clients come back after a drain.
    pub(crate) come_back: (Millis, Millis),
    /// The gateway is about to stop: connections tell their clients.
    pub(crate) draining: CancellationToken,
    /// Every connection closes.
    pub(crate) closing: CancellationToken,
    pub(crate) tasks: TaskTracker,
    pub(crate) connections: Mutex<Connections>,
}

/// Who is connected, and which client id each page holds.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    holders: Holders,
    live: HashMap<ConnectionId, Arc<Notify>>,
}

impl Hub {
    /// Notes a new connection; it is notified when a newer one takes its place.
    pub(crate) fn enter(&self, id: &ConnectionId) -> Arc<Notify> {
        let replaced = Arc::new(Notify::new());
        self.connections().live.insert(id.clone(), Arc::clone(&replaced));
        replaced
    }

    /// Forgets a connection and what it held.
    pub(crate) fn leave(&self, id: &ConnectionId) {
        let mut connections = self.connections();
        connections.live.remove(id);
        connections.holders.release(id);
    }

    /// Whether one more connection is welcome.
    pub(crate) fn has_room(&self) -> bool {
        self.connections().live.len() < CONNECTIONS
    }

    /// Claims a client id for a connection's page, and tells the connection that it replaces.
    pub(crate) fn claim(&self, client: &ClientId, page: &PageId, id: &ConnectionId) -> Holder {
        let mut connections = self.connections();
        let holder = connections.holders.claim(client, page, id.clone());
        if let Holder::Replaces(older) = &holder
            && let Some(replaced) = connections.live.get(older)
        {
            replaced.notify_one();
        }
        holder
    }

    fn connections(&self) -> MutexGuard<'_, Connections> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
