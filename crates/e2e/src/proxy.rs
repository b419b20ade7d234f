//! A TCP proxy that does to a connection what real networks do.

mod down;
mod frames;
mod http;
mod link;
mod outlet;
mod rules;
mod trigger;
mod up;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

use crate::within;
use link::Link;
use outlet::Account;
use rules::Requests;
pub use rules::{Answer, Deed, On, Seen};
use trigger::Trigger;

/// Which way bytes go: up is towards the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the page to the gateway.
    Up,
    /// From the gateway to the page.
    Down,
}

/// A way to lose a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Both ends see an orderly end of the stream (FIN), without a WebSocket close.
    Close,
    /// Both ends see a reset (RST).
    Reset,
    /// Bytes up are swallowed; the connection stays, and bytes down go on.
    HoleUp,
    /// Bytes down are swallowed; the connection stays, and bytes up go on.
    HoleDown,
    /// Bytes both ways are swallowed; the connection stays.
    HoleBoth,
}

/// What becomes of new connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Admission {
    /// They are forwarded.
    #[default]
    Open,
    /// They are reset at once.
    Refuse,
    /// They are held without a byte until admission changes.
    Stall,
}

/// What becomes of a request that asks for a WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sockets {
    /// It is forwarded.
    #[default]
    Open,
    /// It is answered with this status; the gateway never sees it.
    Refused(u16),
    /// Its connection is reset.
    Dropped,
    /// It gets no answer, and its connection stays.
    Hung,
}

/// What becomes of event streams on their way down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Streams {
    /// They flow.
    #[default]
    Flow,
    /// Their heads pass; all else, their ends too, is held back until they flow again.
    HoldBodies,
    /// Every byte, and their ends, are held back until they flow again.
    Hold,
}

/// What the proxy has seen since it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Connections accepted, refused and stalled ones included.
    pub connections: u64,
    /// Connections open now.
    pub open: u64,
    /// Bytes delivered to the gateway.
    pub bytes_up: u64,
    /// Bytes delivered to the page.
    pub bytes_down: u64,
    /// Connections that became WebSockets.
    pub upgrades: u64,
    /// Bytes delivered to the gateway on WebSockets, after the upgrade.
    pub websocket_up: u64,
    /// Bytes delivered to the page on WebSockets, after the upgrade.
    pub websocket_down: u64,
    /// Requests for a WebSocket that were not let through.
    pub sockets_refused: u64,
    /// Event streams that began.
    pub streams: u64,
    /// Event streams that are open now.
    pub open_streams: u64,
    /// Bytes of event streams delivered to the page, as chunks, behind the heads.
    pub stream_down: u64,
    /// WebSocket messages, and chunks of event streams that begin an event, delivered to the page.
    pub messages_down: u64,
    /// Requests whose heads came, those for a WebSocket included.
    pub requests: u64,
    /// Requests that were answered, by the gateway or here.
    pub answers: u64,
    /// Armed cuts that happened.
    pub fired: u64,
}

/// A proxy on a free loopback port in front of one target. Dropping it ends every connection.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Listens on a free loopback port and forwards to the target.
    ///
    /// # Panics
    /// When no port can be had.
    pub async fn start(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free loopback port for the proxy");
        let address = listener.local_addr().expect("the proxy's own address");
        let shared = Arc::new(Shared::default());
        let accepting = tokio::spawn(accept(listener, target, Arc::clone(&shared)));
        Self { address, shared, accepting }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cuts every connection that is open now.
    pub fn cut(&self, cut: Cut) {
        self.shared.cut(cut);
    }

    /// Decides about connections from now on, and about those that are stalled.
    pub fn admit(&self, admission: Admission) {
        self.shared.weather.send_modify(|weather| weather.admission = admission);
    }

    /// Decides about requests for a WebSocket from now on; those that stand already stay.
    pub fn admit_sockets(&self, sockets: Sockets) {
        self.shared.weather.send_modify(|weather| weather.sockets = sockets);
    }

    /// Decides about event streams, also those that are open.
    pub fn let_streams(&self, streams: Streams) {
        self.shared.weather.send_modify(|weather| weather.streams = streams);
    }

    /// Does something to the next so many requests that are meant. Rules of the same requests are used up one after another.
    pub fn arm(&self, on: On, times: usize, deed: Deed) {
        self.shared.requests().arm(on, times, deed);
    }

    /// Takes all rules back.
    pub fn forget_rules(&self) {
        self.shared.requests().forget_rules();
    }

    /// The requests seen so far that are meant, oldest first.
    #[must_use]
    pub fn requests(&self, on: &On) -> Vec<Seen> {
        self.shared.requests().seen.iter().filter(|seen| on.means(seen)).cloned().collect()
    }

    /// Waits until the requests that are meant satisfy a condition, looked at when one comes or is answered.
    ///
    /// # Panics
    /// When the deadline passes.
    pub async fn until_requests(&self, what: &str, deadline: Duration, on: &On, mut condition: impl FnMut(&[Seen]) -> bool) -> Vec<Seen> {
        self.until(what, deadline, |_| condition(&self.requests(on))).await;
        self.requests(on)
    }

    /// Delays every byte, both ways, from now on.
    pub fn delay(&self, delay: Duration) {
        self.shared.weather.send_modify(|weather| weather.delay = delay);
    }

    /// Limits each connection, each way, to so many bytes a second; none = no limit.
    pub fn bandwidth(&self, bytes_per_second: Option<u32>) {
        self.shared.weather.send_modify(|weather| weather.bytes_per_second = bytes_per_second);
    }

    /// Cuts a WebSocket or an event stream after exactly so many more bytes of it, counted behind the head; 0 = at the next byte.
    ///
    /// A hole cut by an event stream takes in every connection that is open then: what goes up beside it travels on others.
    /// There is one armed cut at a time: a new one replaces it.
    pub fn cut_after(&self, direction: Direction, bytes: u64, cut: Cut) {
        self.shared.arm(Trigger::Bytes { direction, bytes }, cut);
    }

    /// Cuts a WebSocket or an event stream just before its n-th message down from now; 1 = the next one.
    pub fn cut_at_message(&self, n: u64, cut: Cut) {
        self.shared.arm(Trigger::MessageDown { n }, cut);
    }

    /// Cuts a WebSocket or an event stream just before the next message down that contains the text.
    pub fn cut_at_message_with(&self, text: &str, cut: Cut) {
        self.shared.arm(Trigger::MessageDownWith { text: text.as_bytes().to_vec() }, cut);
    }

    /// Takes an armed cut back.
    pub fn disarm(&self) {
        *self.shared.armed.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// What it has seen so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        *self.shared.counters.borrow()
    }

    /// Waits until the counters satisfy a condition.
    ///
    /// # Panics
    /// When the deadline passes.
    pub async fn until(&self, what: &str, deadline: Duration, condition: impl FnMut(&Counters) -> bool) -> Counters {
        let mut counters = self.shared.counters.subscribe();
        *within(what, deadline, counters.wait_for(condition)).await.expect("the proxy owns the sender")
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut(Cut::Reset);
    }
}

/// What holds for all connections, now and later.
#[derive(Debug, Clone, Copy, Default)]
struct Weather {
    admission: Admission,
    sockets: Sockets,
    streams: Streams,
    delay: Duration,
    bytes_per_second: Option<u32>,
}

#[derive(Debug, Default)]
struct Shared {
    weather: watch::Sender<Weather>,
    counters: watch::Sender<Counters>,
    armed: Mutex<Option<(Trigger, Cut)>>,
    links: Mutex<BTreeMap<u64, Arc<Link>>>,
    requests: Mutex<Requests>,
}

impl Shared {
    fn links(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Link>>> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn requests(&self) -> MutexGuard<'_, Requests> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cut(&self, cut: Cut) {
        for link in self.links().values() {
            link.cut(cut);
        }
    }

    /// The page is about to get an answer with this status.
    fn answered(&self, number: usize, status: u16) {
        self.requests().seen[number].status = Some(status);
        self.count(|counters| counters.answers += 1);
    }

    fn count_bytes(&self, direction: Direction, account: Account, bytes: u64) {
        if let Account::Request(number) | Account::EventStream(number) = account {
            let seen = &mut self.requests().seen[number];
            match direction {
                Direction::Up => seen.bytes_up += bytes,
                Direction::Down => seen.bytes_down += bytes,
            }
        }
        self.count(|counters| match direction {
            Direction::Up => {
                counters.bytes_up += bytes;
                counters.websocket_up += if account == Account::WebSocket { bytes } else { 0 };
            }
            Direction::Down => {
                counters.bytes_down += bytes;
                match account {
                    Account::WebSocket => counters.websocket_down += bytes,
                    Account::EventStream(_) => counters.stream_down += bytes,
                    Account::Request(_) | Account::Other => {}
                }
            }
        });
    }

    fn count(&self, change: impl FnOnce(&mut Counters)) {
        self.counters.send_modify(change);
    }

    fn arm(&self, trigger: Trigger, cut: Cut) {
        *self.armed.lock().unwrap_or_else(PoisonError::into_inner) = Some((trigger, cut));
    }

    /// Shows the armed trigger the next bytes of a WebSocket or an event stream; answers how many of them still pass and what
    /// happens then.
    fn judge(&self, direction: Direction, bytes: &[u8], begins_message: bool) -> Option<(usize, Cut)> {
        let mut armed = self.armed.lock().unwrap_or_else(PoisonError::into_inner);
        let (trigger, cut) = armed.as_mut()?;
        let passing = trigger.fires_in(direction, bytes, begins_message)?;
        let cut = *cut;
        *armed = None;
        drop(armed);
        self.count(|counters| counters.fired += 1);
        Some((passing, cut))
    }
}

async fn accept(listener: TcpListener, target: SocketAddr, shared: Arc<Shared>) {
    for number in 0_u64.. {
        let Ok((page, _)) = listener.accept().await else { return };
        let link = Arc::new(Link::default());
        shared.links().insert(number, Arc::clone(&link));
        shared.count(|counters| {
            counters.connections += 1;
            counters.open += 1;
        });
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            carry(page, target, &link, &shared).await;
            shared.links().remove(&number);
            shared.count(|counters| counters.open -= 1);
        });
    }
}

async fn carry(page: TcpStream, target: SocketAddr, link: &Link, shared: &Shared) {
    let mut weather = shared.weather.subscribe();
    let admitted = tokio::select! {
        admitted = weather.wait_for(|weather| weather.admission != Admission::Stall) => admitted.is_ok_and(|weather| weather.admission == Admission::Open),
        _ = link.ended() => false,
    };
    if !admitted {
        link::reset(page);
        return;
    }
    match TcpStream::connect(target).await {
        Ok(gateway) => link.carry(page, gateway, shared).await,
        Err(_) => link::reset(page),
    }
}

#[cfg(test)]
mod tests;
