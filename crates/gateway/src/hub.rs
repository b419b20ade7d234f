//! What all connections and requests of one gateway share.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use moorline_delivery::{Allowances, Holder, Holders, Terms};
use moorline_protocol::{ClientFrame, ClientId, ConnectionId, Millis, PageId};
use tokio::sync::{Notify, Semaphore};
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
    /// What connections are told, and kept to.
    pub(crate) terms: Arc<Terms>,
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
    letterbox: Arc<Letterbox>,
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
        self.letterbox.put(|letters| letters.heard = true);
    }

    /// Hands a posted frame to the connection.
    ///
    /// # Errors
    /// [`Unposted`] when too many wait, or the connection has just ended.
    pub(crate) fn post(&self, frame: ClientFrame) -> Result<(), Unposted> {
        self.letterbox.put(|letters| {
            if letters.closed {
                return Err(Unposted::Gone);
            }
            if letters.frames.len() >= POSTED {
                return Err(Unposted::Full);
            }
            letters.frames.push_back(frame);
            Ok(())
        })
    }
}

/// Where others leave what a connection must hear of. An empty one costs no more than its own size.
#[derive(Debug, Default)]
pub(crate) struct Letterbox {
    letters: Mutex<Letters>,
    rang: Notify,
}

/// What lies in a letterbox.
#[derive(Debug, Default)]
pub(crate) struct Letters {
    /// Something was posted that is answered elsewhere.
    pub(crate) heard: bool,
    /// A newer connection of the same page took over.
    pub(crate) replaced: bool,
    /// The frames posted.
    pub(crate) frames: VecDeque<ClientFrame>,
    closed: bool,
}

impl Letterbox {
    /// Looks into it.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&mut Letters) -> T) -> T {
        // What lies there is put in and taken out in single steps: a panic elsewhere leaves it whole.
        look(&mut self.letters.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns once something was put in since the last time.
    pub(crate) async fn rang(&self) {
        self.rang.notified().await;
    }

    fn put<T>(&self, put: impl FnOnce(&mut Letters) -> T) -> T {
        let done = self.look(put);
        self.rang.notify_one();
        done
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
    pub(crate) letterbox: Arc<Letterbox>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut connections = self.hub.connections();
        connections.live.remove(&self.id);
        connections.holders.release(&self.id);
        drop(connections);
        self.letterbox.look(|letters| letters.closed = true);
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
        let letterbox = Arc::<Letterbox>::default();
        connections.live.insert(id.clone(), Live { login: login.clone(), letterbox: Arc::clone(&letterbox), client: None });
        Some(Place { hub: Arc::clone(self), id, login, letterbox })
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
            live.letterbox.put(|letters| letters.replaced = true);
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
