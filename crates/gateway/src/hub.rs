//! What all connections and requests of one gateway share.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use moorline_delivery::{Allowances, Holder, Holders};
use moorline_protocol::{ClientFrame, ClientId, ConnectionId, Millis, PageId, Timings};
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    clock::Clock,
    door::{Door, Login},
    random,
    sessions::Sessions,
};

/// Posted frames that wait in front of one connection at most.
const POSTED: usize = 64;

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
    /// Places for exports that are under way.
    pub(crate) exports: Arc<Semaphore>,
    /// Connections at once at most; each costs a socket and a few KB.
    pub(crate) most_connections: usize,
    /// Sends and withdrawals of each client.
    pub(crate) sends: Mutex<Allowances>,
}

/// Who is connected, and which client id each page holds.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    holders: Holders,
    live: HashMap<ConnectionId, Live>,
}

/// A live connection, as others reach it.
#[derive(Debug, Clone)]
pub(crate) struct Live {
    login: Login,
    replaced: Arc<Notify>,
    heard: Arc<Notify>,
    frames: mpsc::Sender<ClientFrame>,
    /// Whose it is, once hello was said.
    client: Option<ClientId>,
}

impl Live {
    /// Whose connection it is.
    ///
    /// # Errors
    /// [`Ungreeted`] before hello.
    pub(crate) fn client(&self) -> Result<&ClientId, Ungreeted> {
        self.client.as_ref().ok_or(Ungreeted)
    }

    /// A sign of life came by a POST.
    pub(crate) fn heard(&self) {
        self.heard.notify_one();
    }

    /// Hands a posted frame to the connection.
    ///
    /// # Errors
    /// [`Unposted`] when too many wait, or the connection has just ended.
    pub(crate) fn post(&self, frame: ClientFrame) -> Result<(), Unposted> {
        self.frames.try_send(frame).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Unposted::Full,
            mpsc::error::TrySendError::Closed(_) => Unposted::Gone,
        })
    }
}

/// No hello was said on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ungreeted;

/// Why a frame could not be handed to its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unposted {
    /// Too many wait in front of it.
    Full,
    /// It has just ended.
    Gone,
}

/// A connection's place among the live ones; dropping it gives up the place and the client id that it held.
pub(crate) struct Place {
    pub(crate) hub: Arc<Hub>,
    pub(crate) id: ConnectionId,
    pub(crate) login: Login,
    /// A newer connection of the same page took over.
    pub(crate) replaced: Arc<Notify>,
    /// Something was posted that is answered elsewhere.
    pub(crate) heard: Arc<Notify>,
    /// The frames posted.
    pub(crate) frames: mpsc::Receiver<ClientFrame>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut connections = self.hub.connections();
        connections.live.remove(&self.id);
        connections.holders.release(&self.id);
    }
}

impl Hub {
    /// Makes a connection's place; none when there are too many.
    pub(crate) fn enter(self: &Arc<Self>, login: Login) -> Option<Place> {
        let mut connections = self.connections();
        if connections.live.len() >= self.most_connections {
            return None;
        }
        let id = ConnectionId::from_random(random::bits());
        let (posted, frames) = mpsc::channel(POSTED);
        let live = Live { login: login.clone(), replaced: Arc::default(), heard: Arc::default(), frames: posted, client: None };
        let (replaced, heard) = (Arc::clone(&live.replaced), Arc::clone(&live.heard));
        connections.live.insert(id.clone(), live);
        Some(Place { hub: Arc::clone(self), id, login, replaced, heard, frames })
    }

    /// Whether one more connection is welcome.
    pub(crate) fn has_room(&self) -> bool {
        self.connections().live.len() < self.most_connections
    }

    /// A login's live connection, if there is one of that id.
    pub(crate) fn live(&self, id: &ConnectionId, login: &Login) -> Option<Live> {
        self.connections().live.get(id).filter(|live| live.login.is_same(login)).cloned()
    }

    /// Claims a client id for a connection's page, and tells the connection that it replaces.
    pub(crate) fn claim(&self, client: &ClientId, page: &PageId, id: &ConnectionId) -> Holder {
        let mut connections = self.connections();
        let holder = connections.holders.claim(client, page, id.clone());
        if let Holder::Replaces(older) = &holder
            && let Some(live) = connections.live.get(older)
        {
            live.replaced.notify_one();
        }
        if holder != Holder::Taken
            && let Some(live) = connections.live.get_mut(id)
        {
            live.client = Some(client.clone());
        }
        holder
    }

    /// Counts a send or a withdrawal of a client's.
    ///
    /// # Errors
    /// How long it takes until the client may send again.
    pub(crate) fn count_send(&self, client: &ClientId) -> Result<(), Millis> {
        let mut sends = self.sends.lock().unwrap_or_else(PoisonError::into_inner);
        sends.take(self.clock.monotonic(), client)
    }

    fn connections(&self) -> MutexGuard<'_, Connections> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
