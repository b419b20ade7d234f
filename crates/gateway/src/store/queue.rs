//! Group commit: one thread takes every commit that waits into one transaction.

use std::{
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread::JoinHandle,
};

use moorline_session::{Commit, Store, StoreError};
use tokio::sync::{oneshot, watch};

/// Commits that go into one transaction at most; the fsync is shared well enough by then.
const GROUP: usize = 1_000;

/// The way to the store for everything that writes journals: commits are made durable in the order in which they come.
#[derive(Debug)]
pub struct CommitQueue {
    orders: Mutex<Option<mpsc::Sender<Order>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    rows: watch::Receiver<u64>,
}

#[derive(Debug)]
struct Order {
    commit: Commit,
    done: oneshot::Sender<Result<(), StoreError>>,
}

impl CommitQueue {
    /// Starts the writing thread.
    ///
    /// # Errors
    /// Whatever the operating system says when it has no thread left.
    pub fn start(store: Arc<dyn Store>, newest_row: u64) -> std::io::Result<Self> {
        let (orders, inbox) = mpsc::channel();
        let (newest, rows) = watch::channel(newest_row);
        let run = move || run(&*store, &inbox, &newest);
        let thread = std::thread::Builder::new().name("store-writer".to_owned()).spawn(run)?;
        Ok(Self { orders: Mutex::new(Some(orders)), thread: Mutex::new(Some(thread)), rows })
    }

    /// Queues a commit; the answer comes once it is durable, or was not written at all.
    pub fn commit(&self, commit: Commit) -> oneshot::Receiver<Result<(), StoreError>> {
        let (done, answer) = oneshot::channel();
        let orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(orders) = orders.as_ref() {
            // Without a thread the order is dropped with its `done`, which the receiver hears.
            let _ = orders.send(Order { commit, done });
        }
        answer
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
}

fn run(store: &dyn Store, inbox: &mpsc::Receiver<Order>, newest: &watch::Sender<u64>) {
    while let Ok(first) = inbox.recv() {
        let mut commits = vec![first.commit];
        let mut waiting = vec![first.done];
        while commits.len() < GROUP
            && let Ok(order) = inbox.try_recv()
        {
            commits.push(order.commit);
            waiting.push(order.done);
        }
        match write(store, &commits, newest) {
            Err(StoreError::Corrupt(_)) if commits.len() > 1 => one_by_one(store, &commits, waiting, newest),
            result => {
                for done in waiting {
                    // Whoever asked may be gone.
                    let _ = done.send(result.clone());
                }
            }
        }
    }
}

/// One commit that does not fit must not take the others down with it.
fn one_by_one(store: &dyn Store, commits: &[Commit], waiting: Vec<oneshot::Sender<Result<(), StoreError>>>, newest: &watch::Sender<u64>) {
    for (commit, done) in commits.iter().zip(waiting) {
        let _ = done.send(write(store, std::slice::from_ref(commit), newest));
    }
}

fn write(store: &dyn Store, commits: &[Commit], newest: &watch::Sender<u64>) -> Result<(), StoreError> {
    let rows = store.commit(commits).inspect_err(|error| tracing::error!(%error, commits = commits.len(), "commit failed"))?;
    if let Some(rev) = rows.iter().map(|row| row.rev).max() {
        newest.send_if_modified(|newest| {
            let rises = rev > *newest;
            *newest = rev.max(*newest);
            rises
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use moorline_protocol::{Epoch, Event, MessageId, Seq, SessionId, SessionRow};
    use moorline_session::{NewSession, SessionMeta};

    use super::*;

    /// Counts transactions, holds the first one until it is told to go on, and knows one session that never fits.
    struct Counting {
        transactions: AtomicUsize,
        go: Mutex<mpsc::Receiver<()>>,
    }

    impl Store for Counting {
        fn commit(&self, commits: &[Commit]) -> Result<Vec<SessionRow>, StoreError> {
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
    }

    fn commit(session: &str) -> Commit {
        let new = NewSession { epoch: Epoch::parse("e").unwrap(), agent: String::new(), title: String::new(), at: 0 };
        Commit { create: Some(new), ..Commit::of(SessionId::parse(session).unwrap()) }
    }

    fn counting() -> (Arc<Counting>, mpsc::Sender<()>, CommitQueue) {
        let (go, gate) = mpsc::channel();
        let store = Arc::new(Counting { transactions: AtomicUsize::new(0), go: Mutex::new(gate) });
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
