//! Every loaded session, one task each, and the way to them.
//!
//! A session is loaded when somebody needs it: at the start of the gateway if a turn was running or messages wait, else with
//! the first look at it. It stays loaded while it has an agent, work or watchers. All ways to a session lead through
//! [`Sessions::tell`] and [`Sessions::watch`], under one lock with its unloading, so that no order is lost in between.

mod conversation;
mod fold;
mod load;
mod pace;
mod population;
mod refusal;
mod task;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    ops::Range,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use moorline_protocol::{
    AgentStatus, BlockId, BlockText, ChangeSession, CreateSession, Epoch, ErrorFrame, Limits, MessageId, Millis, Page, Receipt, Send, Seq,
    SessionId, SessionState, SetAgent, SnapshotPart, TurnId,
};
use moorline_session::{Config, NewSession, Store, StoreError};
use moorline_transcript::{NoText, RetentionLimits};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::task::TaskTracker;

use crate::{
    agent::{AgentSettings, AgentSpec},
    clock::{Clock, wall},
    random,
    store::{CommitQueue, Tail},
};

pub(crate) use population::Population;

/// Orders that wait in front of one session at most; a session in a commit takes them all the same.
const MAILBOX: usize = 256;

/// What a session that cannot be asked now says about when to come back.
pub(crate) const RETRY: Millis = Millis(1_000);

/// What all sessions of one gateway share.
pub(crate) struct Surroundings {
    pub(crate) clock: Clock,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) commits: CommitQueue,
    pub(crate) config: Config,
    /// Up to when journals keep their events as they were committed.
    pub(crate) retention: RetentionLimits,
    /// A client that says nothing for this long is forgotten.
    pub(crate) client_idle: Millis,
    pub(crate) population: Arc<Population>,
    pub(crate) agents: Vec<AgentSpec>,
    pub(crate) agent_settings: AgentSettings,
    /// Below it, every session's agent has a folder of its own.
    pub(crate) work: PathBuf,
}

impl Surroundings {
    /// A session that is to be made for this agent, or the first one.
    pub(crate) fn new_session(&self, title: Option<&str>, agent: Option<&str>) -> NewSession {
        let agent = agent.or_else(|| self.agents.first().map(|spec| spec.name.as_str())).unwrap_or_default();
        let title = title.unwrap_or_default();
        NewSession { epoch: Epoch::from_random(random::bits()), agent: agent.to_owned(), title: title.to_owned(), at: wall() }
    }

    /// Whether an agent of that name is configured.
    pub(crate) fn knows_agent(&self, name: &str) -> bool {
        self.agents.iter().any(|spec| spec.name == name)
    }

    pub(crate) const fn limits(&self) -> &Limits {
        &self.config.limits
    }
}

/// Where a session stands, as its watchers see it.
#[derive(Debug, Clone)]
pub(crate) enum Standing {
    /// It is being read from the store.
    Loading,
    /// It does not exist.
    Unknown,
    /// It was deleted.
    Deleted,
    /// Its committed end.
    Known(Arc<Committed>),
}

/// A session's committed end.
#[derive(Debug)]
pub(crate) struct Committed {
    pub(crate) epoch: Epoch,
    pub(crate) oldest: Seq,
    pub(crate) head: Seq,
    /// Up to here events were folded: behind it the journal is as it was committed.
    pub(crate) folded: Seq,
    /// The fold's state at exactly `head`.
    pub(crate) state: SessionState,
    /// How its agent stands now, if it has one.
    pub(crate) agent: Option<Arc<AgentStatus>>,
}

/// An order to a session. One whose answer is dropped was not carried out, or nobody knows.
#[derive(Debug)]
pub(crate) enum Order {
    Submit {
        send: Send,
        answer: oneshot::Sender<Result<Receipt, ErrorFrame>>,
    },
    Withdraw {
        message: MessageId,
        answer: oneshot::Sender<Result<Receipt, ErrorFrame>>,
    },
    Cancel {
        turn: TurnId,
        next: Option<MessageId>,
        answer: oneshot::Sender<Result<(), ErrorFrame>>,
    },
    Create {
        create: CreateSession,
        answer: oneshot::Sender<Result<(), ErrorFrame>>,
    },
    Change {
        change: ChangeSession,
        answer: oneshot::Sender<Result<(), ErrorFrame>>,
    },
    Delete {
        answer: oneshot::Sender<Result<(), ErrorFrame>>,
    },
    /// Its agent is to be set.
    SetAgent {
        set: SetAgent,
        answer: oneshot::Sender<Result<(), ErrorFrame>>,
    },
    /// Its agent is to begin again.
    RestartAgent {
        answer: oneshot::Sender<Result<(), ErrorFrame>>,
    },
    /// What no order should do.
    #[cfg(test)]
    Panic,
    /// The parts of a snapshot as of the seq.
    Snapshot {
        since: Option<Seq>,
        no: u64,
        answer: oneshot::Sender<(Seq, Vec<SnapshotPart>)>,
    },
    /// A part of a block's text, if the session exists.
    Text {
        block: BlockId,
        edition: Option<u32>,
        asked: Range<u64>,
        answer: oneshot::Sender<Result<Option<Result<BlockText, NoText>>, ErrorFrame>>,
    },
    /// A page, if the session exists.
    Page {
        before: Seq,
        limit: usize,
        answer: oneshot::Sender<Result<Option<Page>, ErrorFrame>>,
    },
}

/// The session takes no order now: too many wait, or the gateway stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Busy {
    Full,
    Stopping,
}

/// Every loaded session.
pub(crate) struct Sessions {
    surroundings: Arc<Surroundings>,
    loaded: Arc<Mutex<Loaded>>,
    tasks: TaskTracker,
}

/// The sessions by their id; none once the gateway stops.
#[derive(Debug)]
struct Loaded(Option<HashMap<SessionId, Handle>>);

#[derive(Debug)]
struct Handle {
    orders: mpsc::Sender<Order>,
    standing: Arc<watch::Sender<Standing>>,
    tail: Arc<Tail>,
}

impl Sessions {
    pub(crate) fn new(surroundings: Arc<Surroundings>) -> Self {
        Self { surroundings, loaded: Arc::new(Mutex::new(Loaded(Some(HashMap::new())))), tasks: TaskTracker::new() }
    }

    pub(crate) const fn surroundings(&self) -> &Arc<Surroundings> {
        &self.surroundings
    }

    /// Hands an order to a session, which is loaded first if need be.
    pub(crate) fn tell(&self, session: &SessionId, order: Order) -> Result<(), Busy> {
        let mut loaded = lock(&self.loaded);
        let handle = self.handle(&mut loaded, session).ok_or(Busy::Stopping)?;
        handle.orders.try_send(order).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Busy::Full,
            mpsc::error::TrySendError::Closed(_) => Busy::Stopping,
        })
    }

    /// Follows a session's committed end, with the cache of its newest events.
    pub(crate) fn watch(&self, session: &SessionId) -> Option<(watch::Receiver<Standing>, Arc<Tail>)> {
        let mut loaded = lock(&self.loaded);
        let handle = self.handle(&mut loaded, session)?;
        Some((handle.standing.subscribe(), Arc::clone(&handle.tail)))
    }

    /// Loads every session whose turn was running, or whose messages wait, when the last gateway stopped.
    pub(crate) async fn recover(&self) -> Result<(), StoreError> {
        let store = Arc::clone(&self.surroundings.store);
        let unsettled = tokio::task::spawn_blocking(move || load::unsettled(&*store)).await.map_err(load::panicked)??;
        for session in unsettled {
            if let Some((mut standing, _)) = self.watch(&session) {
                // Without a sender the gateway is stopping, and recovery is the next one's.
                let _ = standing.wait_for(|standing| !matches!(standing, Standing::Loading)).await;
            }
        }
        Ok(())
    }

    /// Ends every session's task, once what it has decided is durable and answered. Agents are killed, and their turns are
    /// left to recovery.
    pub(crate) async fn stop(&self) {
        drop(lock(&self.loaded).0.take());
        self.tasks.close();
        self.tasks.wait().await;
    }

    fn handle<'a>(&self, loaded: &'a mut Loaded, session: &SessionId) -> Option<&'a Handle> {
        let by_id = loaded.0.as_mut()?;
        Some(by_id.entry(session.clone()).or_insert_with(|| {
            let (orders, mailbox) = mpsc::channel(MAILBOX);
            let (standing, _) = watch::channel(Standing::Loading);
            let (standing, tail) = (Arc::new(standing), Arc::new(Tail::default()));
            let place = task::Place {
                id: session.clone(),
                surroundings: Arc::clone(&self.surroundings),
                loaded: Arc::clone(&self.loaded),
                standing: Arc::clone(&standing),
                tail: Arc::clone(&tail),
            };
            self.tasks.spawn(task::run(place, mailbox));
            Handle { orders, standing, tail }
        }))
    }
}

/// Takes a session out unless somebody watches it or an order waits for it.
fn unload(loaded: &Mutex<Loaded>, session: &SessionId) -> bool {
    let mut loaded = lock(loaded);
    let Some(by_id) = loaded.0.as_mut() else { return true };
    let is_unused = by_id
        .get(session)
        .is_none_or(|handle| handle.standing.receiver_count() == 0 && handle.orders.capacity() == handle.orders.max_capacity());
    if is_unused {
        by_id.remove(session);
    }
    is_unused
}

fn lock(loaded: &Mutex<Loaded>) -> MutexGuard<'_, Loaded> {
    // The map is changed in single steps: a panic elsewhere leaves it whole.
    loaded.lock().unwrap_or_else(PoisonError::into_inner)
}
