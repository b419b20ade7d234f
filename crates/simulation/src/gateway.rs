//! The gateway's process: sessions, connections and scripted agents around the in-memory store. A kill drops it whole.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use moorline_delivery::{Connection, Holders};
use moorline_protocol::{ClientFrame, ClientId, ConnectionId, Cursor, Millis, Seq, SessionId, TurnId};
use moorline_session::{Commit, Config, MemoryStore, Now, Position, Session, SessionMeta, Store};
use moorline_transcript::{Folded, Retention, RetentionLimits, WholeTranscript};

use crate::{
    script::{OnCancel, Step},
    world::WALL,
};

/// What a running gateway holds in memory.
#[derive(Default)]
pub(crate) struct Gateway {
    pub(crate) sessions: BTreeMap<SessionId, Loaded>,
    /// By the number of their wire.
    pub(crate) connections: BTreeMap<usize, Seated>,
    pub(crate) holders: Holders,
    /// Who waits for an answer of which session.
    pub(crate) replies: BTreeMap<u64, Waiting>,
    pub(crate) rows_head: u64,
    /// Where clients stand, as far as it is not written.
    pub(crate) positions: Vec<Position>,
}

/// An answer that is owed.
pub(crate) struct Waiting {
    pub(crate) way: Way,
    pub(crate) session: SessionId,
    pub(crate) message: moorline_protocol::MessageId,
}

/// How an answer gets back.
#[derive(Debug, Clone)]
pub(crate) enum Way {
    /// As a frame on this wire.
    Wire(usize),
    /// In the answer to a POST.
    Post(Sender),
}

/// Who posted.
#[derive(Debug, Clone)]
pub(crate) struct Sender {
    pub(crate) tab: usize,
    pub(crate) document: u64,
    pub(crate) post: moorline_delivery::PostId,
    pub(crate) back: Back,
}

/// What becomes of an answer to a POST on its way back.
#[derive(Debug, Clone)]
pub(crate) enum Back {
    Arrives,
    /// Somebody in between says this instead.
    Becomes(moorline_delivery::Posted),
    Vanishes,
}

/// What a session goes by.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) config: Config,
    pub(crate) retention: RetentionLimits,
}

/// A session in memory.
pub(crate) struct Loaded {
    pub(crate) session: Session,
    pub(crate) transcript: WholeTranscript,
    /// On its way to the store, under a number that nothing else has.
    pub(crate) commit: Option<(u64, Commit)>,
    pub(crate) retention: Retention,
    /// Folds on their way to the store, under a number of their own.
    pub(crate) folding: Option<(u64, Folded)>,
    pub(crate) agent: Agent,
}

/// A scripted agent at work.
#[derive(Default)]
pub(crate) struct Agent {
    /// Which prompt this is; reports of another one are late.
    pub(crate) run: u64,
    pub(crate) turn: Option<TurnId>,
    pub(crate) script: VecDeque<Step>,
    /// The request whose answer it waits for.
    pub(crate) asking: Option<String>,
    pub(crate) on_cancel: Option<OnCancel>,
}

/// A connection and what the run knows of it.
pub(crate) struct Seated {
    pub(crate) connection: Connection,
    pub(crate) id: ConnectionId,
    /// Whose it is.
    pub(crate) client: Option<ClientId>,
    /// The sessions whose heads it wants.
    pub(crate) follows: BTreeSet<SessionId>,
    /// Where each stream stands.
    pub(crate) streams: BTreeMap<SessionId, Seq>,
    /// Bytes of events served and not acked, kept apart from the core's own count.
    unacked: Vec<(SessionId, Seq, usize)>,
}

impl Loaded {
    pub(crate) fn new(session: Session, limits: RetentionLimits) -> Self {
        let retention = Retention::new(limits);
        Self { session, transcript: WholeTranscript::new(), commit: None, retention, folding: None, agent: Agent::default() }
    }

    /// Loads a session that the store knows, and settles what the last gateway left.
    pub(crate) fn restore(id: &SessionId, meta: &SessionMeta, store: &MemoryStore, settings: Settings, now: Now) -> Self {
        let mut loaded = Self::new(Session::restore(id.clone(), meta, settings.config), settings.retention);
        for event in store.read(id, Seq::ZERO, usize::MAX, usize::MAX).unwrap_or_default() {
            loaded.session.fold(&event);
            loaded.transcript.apply(&event);
            loaded.retention.recall(&event, &loaded.transcript);
        }
        loaded.session.recover(now);
        loaded
    }
}

impl Loaded {
    /// When it is to be looked at without an input.
    pub(crate) fn deadline(&self) -> Option<Millis> {
        let folds = self.retention.due().map(|at| Millis(at.saturating_sub(WALL)));
        self.session.deadline().into_iter().chain(folds).min()
    }
}

impl Seated {
    pub(crate) fn new(connection: Connection, id: ConnectionId) -> Self {
        Self { connection, id, client: None, follows: BTreeSet::new(), streams: BTreeMap::new(), unacked: Vec::new() }
    }

    /// Notes what was served; answers the bytes that are out.
    pub(crate) fn served(&mut self, session: &SessionId, seq: Seq, bytes: usize) -> usize {
        self.unacked.push((session.clone(), seq, bytes));
        self.unacked.iter().map(|(_, _, bytes)| bytes).sum()
    }

    pub(crate) fn heard(&mut self, frame: &ClientFrame) {
        let cursors: &[Cursor] = match frame {
            ClientFrame::Ack(ack) => &ack.cursors,
            ClientFrame::Pong(pong) => &pong.cursors,
            _ => return,
        };
        for cursor in cursors {
            self.unacked.retain(|(session, seq, _)| *session != cursor.session || *seq > cursor.seq);
        }
    }

    pub(crate) fn left(&mut self, session: &SessionId) {
        self.follows.remove(session);
        self.streams.remove(session);
        self.unacked.retain(|(of, ..)| of != session);
    }
}
