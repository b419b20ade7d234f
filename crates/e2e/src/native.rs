//! A native client for load: the core that a page runs, over the real transports, with a checker where a page has a screen.
//!
//! A [`NativeClient`] is one tab without a browser. It drives `moorline_delivery::Client` and folds what it is given into a
//! transcript a session; what a tab keeps in its storage it keeps in memory. So it reconnects, replays and sends again by the
//! product's own rules and none of its own. Whatever it reads is held against the invariants at once: that seqs are dense, that
//! nothing comes twice or across a hole, that an epoch changes only when told, that nothing is written into a turn that is over,
//! that a session stands where the gateway says, that no cursor is told before it is applied.
//!
//! What all clients of a run saw stands in one [`Ledger`], which is held against the journals at the end. A promise that does
//! not hold is noted there in one sentence and stops nobody: [`Ledger::assert_kept`] tells of it.
//!
//! Its user is simple: it answers every request that it sees with the first option, and tries failed sends again.

mod driver;
mod http;
mod judge;
mod ledger;
mod line;
mod reader;
mod storage;
mod workload;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use moorline_delivery::Counters;
use moorline_protocol::{MessageId, SessionId};
use moorline_transcript::Transcript;
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};

use crate::{Transport, within};
use driver::Driver;
pub use ledger::Ledger;
pub use workload::{Done, Workload};

/// How long a client may take to stop.
const STOP: Duration = Duration::from_secs(5);

/// A tab without a browser. Dropping it ends it in its tracks, as closing a laptop does.
#[derive(Debug)]
pub struct NativeClient {
    name: String,
    sent: u64,
    /// How many orders it was given.
    ordered: AtomicU64,
    orders: mpsc::UnboundedSender<Order>,
    standing: watch::Receiver<Standing>,
    driver: JoinHandle<Screens>,
}

/// What a user does.
#[derive(Debug)]
enum Order {
    Show(SessionId),
    Send { session: SessionId, message: MessageId, text: String },
    Cancel(SessionId),
    Reload,
    Stop,
}

/// How a client stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// Every session that it shows is live and rests, and all that it sent is accepted and over.
    pub is_settled: bool,
    /// Messages of its own that wait, or whose turn is not over.
    pub unfinished: usize,
    /// Events applied so far.
    pub events: u64,
    /// Bytes of the frames read so far.
    pub bytes: u64,
    /// Orders obeyed so far.
    obeyed: u64,
    /// The places up to where its sessions are applied, added up.
    pub applied: u64,
}

/// What a client shows in the end.
#[derive(Debug)]
pub struct Screens {
    /// Of each session.
    pub transcripts: BTreeMap<SessionId, Transcript>,
    /// What its cores counted, one for each time that it was loaded.
    pub counters: Vec<Counters>,
}

impl NativeClient {
    /// Begins to connect; the client and page ids and those of its messages are made from the name.
    #[must_use]
    pub fn start(address: SocketAddr, cookie: &str, name: &str, on: Transport, ledger: &Ledger) -> Self {
        let (orders, inbox) = mpsc::unbounded_channel();
        let (stands, standing) = watch::channel(Standing::default());
        let driver = Driver::new(http::Gateway::new(address, cookie), name, on, ledger.clone());
        let driver = tokio::spawn(driver.run(inbox, stands));
        Self { name: name.to_owned(), sent: 0, ordered: AtomicU64::new(0), orders, standing, driver }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Puts a session on screen; it goes on following the three before it.
    pub fn show(&self, session: &SessionId) {
        self.order(Order::Show(session.clone()));
    }

    /// Sends a message to a session, which is made if there is none.
    pub fn send(&mut self, session: &SessionId, text: &str) -> MessageId {
        self.sent += 1;
        let message = MessageId::parse(&format!("{}-{}", self.name, self.sent)).expect("a name of letters makes an id");
        self.order(Order::Send { session: session.clone(), message: message.clone(), text: text.to_owned() });
        message
    }

    /// Asks to stop the turn that a session is at, if it sees one.
    pub fn cancel(&self, session: &SessionId) {
        self.order(Order::Cancel(session.clone()));
    }

    /// Loads the page again: what is left is what a tab's storage keeps.
    pub fn reload(&self) {
        self.order(Order::Reload);
    }

    /// How it stands now; one that has orders to obey is not settled.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let standing = *self.standing.borrow();
        Standing { is_settled: standing.is_settled && standing.obeyed == self.ordered.load(Ordering::Relaxed), ..standing }
    }

    /// Waits until it stands so, with every order obeyed.
    ///
    /// # Panics
    /// When it does not in time, or has panicked.
    pub async fn until(&mut self, what: &str, limit: Duration, mut holds: impl FnMut(&Standing) -> bool) {
        let what = format!("{what} at {}", self.name);
        let ordered = self.ordered.load(Ordering::Relaxed);
        let stands = self.standing.wait_for(|standing| standing.obeyed == ordered && holds(standing));
        within(&what, limit, stands).await.expect("the client goes on");
    }

    /// Closes the tab.
    ///
    /// # Panics
    /// When it has panicked.
    pub async fn stop(self) -> Screens {
        self.order(Order::Stop);
        within("a native client to stop", STOP, self.driver).await.expect("the client goes on")
    }

    fn order(&self, order: Order) {
        self.ordered.fetch_add(1, Ordering::Relaxed);
        // One that panicked says so where it is waited for.
        let _ = self.orders.send(order);
    }
}
