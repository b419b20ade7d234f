//! Group commit: one thread takes every commit that waits into one transaction, and where clients stand with them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use moorline_protocol::{ClientId, SessionId};
use moorline_session::{Commit, POSITIONS_KEPT, Position, Store, StoreError};
use tokio::sync::{oneshot, watch};

/// Commits that go into one transaction at most; the fsync is shared well enough by then.
const GROUP: usize = 1_000;

/// How long positions wait for a commit to join.
const POSITIONS_WAIT: Duration = Duration::from_secs(5);

/// The way to the store for everything that writes journals: commits are made durable in the order in which they come.
#[derive(Debug)]
pub struct CommitQueue {
    orders: Mutex<Option<mpsc::Sender<Order>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    rows: watch::Receiver<u64>,
    positions: Arc<Positions>,
}

#[derive(Debug)]
enum Order {
    Commit(Box<Waiting>),
    /// There are positions to write, in a while.
    Positions,
}

#[derive(Debug)]
struct Waiting {
    commit: Commit,
    done: oneshot::Sender<Result<(), StoreError>>,
}

/// Where clients stand, as far as it is not written.
#[derive(Debug, Default)]
struct Positions(Mutex<BTreeMap<(ClientId, SessionId), Position>>);

impl CommitQueue {
    /// Starts the writing thread.
    ///
    /// # Errors
    /// Whatever the operating system says when it has no thread left.
    pub fn start(store: Arc<dyn Store>, newest_row: u64) -> std::io::Result<Self> {
        let (orders, inbox) = mpsc::channel();
        let (newest, rows) = watch::channel(newest_row);
        let positions = Arc::<Positions>::default();
        let writer = Writer { store, newest, positions: Arc::clone(&positions), due: None };
        let thread = std::thread::Builder::new().name("store-writer".to_owned()).spawn(move || writer.run(&inbox))?;
        Ok(Self { orders: Mutex::new(Some(orders)), thread: Mutex::new(Some(thread)), rows, positions })
    }

    /// Queues a commit; the answer comes once it is durable, or was not written at all.
    pub fn commit(&self, commit: Commit) -> oneshot::Receiver<Result<(), StoreError>> {
        let (done, answer) = oneshot::channel();
        // Without a thread the order is dropped with its `done`, which the receiver hears.
        self.order(Order::Commit(Box::new(Waiting { commit, done })));
        answer
    }

    /// Notes where a client stands: it is written with the next commit, or after 5 s. A kill may lose it.
    pub fn note(&self, position: Position) {
        if self.positions.note(position) {
            self.order(Order::Positions);
        }
    }

    /// Where a client stands, if that is not written yet.
    #[must_use]
    pub fn unwritten(&self, client: &ClientId, session: &SessionId) -> Option<Position> {
        self.positions.lock().get(&(client.clone(), session.clone())).cloned()
    }

    /// The highest rev of the session list, whenever it rises.
    #[must_use]
    pub fn newest_row(&self) -> watch::Receiver<u64> {
        self.rows.clone()
    }

    /// Writes what waits, then ends the thread. Later commits are refused.
    pub fn finish(&self) {
        drop(self.orders.lock().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the store's thread had panicked");
        }
    }

    fn order(&self, order: Order) {
        let orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = orders.as_ref().map(|orders| orders.send(order));
    }
}

impl Positions {
    /// Returns whether it is the first.
    fn note(&self, position: Position) -> bool {
        let mut noted = self.lock();
        let is_first = noted.is_empty();
        let key = (position.client.clone(), position.session.clone());
        if let Some(known) = noted.get_mut(&key) {
            known.follow(&position);
        } else if noted.len() < POSITIONS_KEPT {
            noted.insert(key, position);
        }
        is_first
    }

    fn all(&self) -> Vec<Position> {
        self.lock().values().cloned().collect()
    }

    /// Forgets what was written; returns whether nothing is left. Until then whoever asks finds it here.
    fn written(&self, written: &[Position]) -> bool {
        let mut noted = self.lock();
        for position in written {
            let key = (position.client.clone(), position.session.clone());
            if noted.get(&key) == Some(position) {
                noted.remove(&key);
            }
        }
        noted.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(ClientId, SessionId), Position>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Writer {
    store: Arc<dyn Store>,
    newest: watch::Sender<u64>,
    positions: Arc<Positions>,
    /// When positions are written without a commit to join.
    due: Option<Instant>,
}

impl Writer {
    fn run(mut self, inbox: &mpsc::Receiver<Order>) {
        loop {
            let order = match self.due {
                Some(due) => inbox.recv_timeout(due.saturating_duration_since(Instant::now())),
                None => inbox.recv().map_err(mpsc::RecvTimeoutError::from),
            };
            match order {
                Ok(Order::Commit(first)) => self.group(*first, inbox),
                Ok(Order::Positions) => drop(self.due.get_or_insert(Instant::now() + POSITIONS_WAIT)),
                Err(mpsc::RecvTimeoutError::Timeout) => drop(self.write_all(&[])),
                Err(mpsc::RecvTimeoutError::Disconnected) => {
                    if self.due.is_some() {
                        drop(self.write_all(&[]));
                    }
                    return;
                }
            }
        }
    }

    /// Writes a commit with every other one that waits.
    fn group(&mut self, first: Waiting, inbox: &mpsc::Receiver<Order>) {
        let mut commits = vec![first.commit];
        let mut waiting = vec![first.done];
        while commits.len() < GROUP
            && let Ok(order) = inbox.try_recv()
        {
            match order {
                Order::Commit(next) => {
                    commits.push(next.commit);
                    waiting.push(next.done);
                }
                Order::Positions => drop(self.due.get_or_insert(Instant::now() + POSITIONS_WAIT)),
            }
        }
        match self.write_all(&commits) {
            // One commit that does not fit must not take the others down with it.
            Err(StoreError::Corrupt(_)) if commits.len() > 1 => {
                for (commit, done) in commits.iter().zip(waiting) {
                    let _ = done.send(self.write(std::slice::from_ref(commit), &[]));
                }
            }
            result => {
                for done in waiting {
                    // Whoever asked may be gone.
                    let _ = done.send(result.clone());
                }
            }
        }
    }

    /// Writes commits, and where clients stand.
    fn write_all(&mut self, commits: &[Commit]) -> Result<(), StoreError> {
        let positions = self.positions.all();
        let result = self.write(commits, &positions);
        let nothing_is_left = result.is_ok() && self.positions.written(&positions);
        self.due = (!nothing_is_left).then(|| Instant::now() + POSITIONS_WAIT);
        result
    }

    fn write(&self, commits: &[Commit], positions: &[Position]) -> Result<(), StoreError> {
        let written = self.store.write(commits, positions);
        let rows = written.inspect_err(|error| tracing::error!(%error, commits = commits.len(), "commit failed"))?;
        if let Some(rev) = rows.iter().map(|row| row.rev).max() {
            self.newest.send_if_modified(|newest| {
                let rises = rev > *newest;
                *newest = rev.max(*newest);
                rises
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use moorline_protocol::{Epoch, Event, Hit, MessageId, Seq, SessionRow};
    use moorline_session::{NewSession, Search, SessionMeta, Upkeep};

    use super::*;

    /// Counts transactions, holds the first one until it is told to go on, and knows one session that never fits.
    struct Counting {
        transactions: AtomicUsize,
        go: Mutex<mpsc::Receiver<()>>,
        positions: Mutex<Vec<Position>>,
    }

    impl Store for Counting {
        fn write(&self, commits: &[Commit], positions: &[Position]) -> Result<Vec<SessionRow>, StoreError> {
            self.positions.lock().unwrap().extend_from_slice(positions);
            if self.transactions.fetch_add(1, Ordering::SeqCst) == 0 {
                self.go.lock().unwrap().recv().unwrap();
            }
            match commits.iter().find(|commit| commit.session.as_str() == "misfit") {
                Some(_) => Err(StoreError::Corrupt("misfit".to_owned())),
                None => Ok(Vec::new()),
            }
        }

        fn session(&self, _: &SessionId) -> Result<Option<SessionMeta>, StoreError> {
            Ok(None)
        }

        fn read(&self, _: &SessionId, _: Seq, _: usize, _: usize) -> Result<Vec<Event>, StoreError> {
            Ok(Vec::new())
        }

        fn position(&self, _: &ClientId, _: &SessionId) -> Result<Option<Position>, StoreError> {
            Ok(None)
        }

        fn forget_positions(&self, _: u64) -> Result<(), StoreError> {
            Ok(())
        }

        fn early(&self, _: &SessionId) -> Result<Vec<MessageId>, StoreError> {
            Ok(Vec::new())
        }

        fn count(&self, _: &SessionId, _: Seq, _: u64) -> Result<u64, StoreError> {
            Ok(0)
        }

        fn rows(&self, _: u64) -> Result<Vec<SessionRow>, StoreError> {
            Ok(Vec::new())
        }

        fn first_rev(&self) -> Result<u64, StoreError> {
            Ok(0)
        }

        fn search(&self, _: &Search) -> Result<Vec<Hit>, StoreError> {
            Ok(Vec::new())
        }

        fn upkeep(&self, _: u64, _: usize) -> Result<Upkeep, StoreError> {
            Ok(Upkeep::Done)
        }
    }

    fn commit(session: &str) -> Commit {
        let new = NewSession { epoch: Epoch::parse("e").unwrap(), agent: String::new(), title: String::new(), at: 0 };
        Commit { create: Some(new), ..Commit::of(SessionId::parse(session).unwrap()) }
    }

    fn counting() -> (Arc<Counting>, mpsc::Sender<()>, CommitQueue) {
        let (go, gate) = mpsc::channel();
        let store = Arc::new(Counting { transactions: AtomicUsize::new(0), go: Mutex::new(gate), positions: Mutex::default() });
        let queue = CommitQueue::start(Arc::<Counting>::clone(&store), 0).unwrap();
        (store, go, queue)
    }

    #[test]
    fn what_waits_for_one_transaction_shares_the_next() {
        let (store, go, queue) = counting();
        let first = queue.commit(commit("a"));
        while store.transactions.load(Ordering::SeqCst) == 0 {
            std::thread::yield_now();
        }
        let later: Vec<_> = (0..100).map(|_| queue.commit(commit("a"))).collect();
        go.send(()).unwrap();
        queue.finish();
        assert_eq!(first.blocking_recv().unwrap(), Ok(()));
        assert!(later.into_iter().all(|answer| answer.blocking_recv().unwrap() == Ok(())));
        assert_eq!(store.transactions.load(Ordering::SeqCst), 2);
    }

    fn position(seq: u64) -> Position {
        let (client, session) = (ClientId::parse("x").unwrap(), SessionId::parse("a").unwrap());
        Position { client, session, epoch: Epoch::parse("e").unwrap(), seq: Seq::new(seq), seen_at: seq }
    }

    #[test]
    fn positions_join_the_next_commit_and_are_known_until_it_is_written() {
        let (store, go, queue) = counting();
        queue.note(position(7));
        queue.note(position(5));
        let (client, session) = (position(7).client, position(7).session);
        assert_eq!(queue.unwritten(&client, &session).map(|position| position.seq), Some(Seq::new(7)));
        let answer = queue.commit(commit("a"));
        go.send(()).unwrap();
        assert_eq!(answer.blocking_recv().unwrap(), Ok(()));
        assert_eq!(*store.positions.lock().unwrap(), [Position { seq: Seq::new(7), ..position(5) }]);
        queue.finish();
        assert_eq!(queue.unwritten(&client, &session), None);
    }

    #[test]
    fn positions_that_wait_are_written_at_the_end() {
        let (store, go, queue) = counting();
        queue.note(position(7));
        go.send(()).unwrap();
        queue.finish();
        assert_eq!(*store.positions.lock().unwrap(), [position(7)]);
    }

    #[test]
    fn a_commit_that_does_not_fit_fails_alone() {
        let (store, go, queue) = counting();
        let first = queue.commit(commit("a"));
        while store.transactions.load(Ordering::SeqCst) == 0 {
            std::thread::yield_now();
        }
        let (good, bad) = (queue.commit(commit("b")), queue.commit(commit("misfit")));
        go.send(()).unwrap();
        queue.finish();
        assert_eq!(first.blocking_recv().unwrap(), Ok(()));
        assert_eq!(good.blocking_recv().unwrap(), Ok(()));
        assert_eq!(bad.blocking_recv().unwrap(), Err(StoreError::Corrupt("misfit".to_owned())));
    }
}
