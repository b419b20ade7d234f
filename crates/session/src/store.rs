//! What a session needs of a store: one trait, kept by SQLite in the gateway and by memory in the simulation.

use moorline_protocol::{BlockId, ClientId, Epoch, Event, Hit, MessageId, Millis, Seq, SessionId, SessionRow, TurnId, WallTime, encode};

use crate::Search;

/// Keeps every session's journal and the session list.
///
/// All calls are synchronous and may block; whoever calls them from an async task does so on a thread of their own.
pub trait Store: Send + Sync {
    /// Writes the commits in order and the positions, in one transaction, and returns once it is durable: all of them or none.
    /// Returns the row of every session whose row changed. Within an epoch a position does not move back.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when nothing was written; [`StoreError::Corrupt`] when a commit does not continue its journal,
    /// or its session was deleted.
    fn write(&self, commits: &[Commit], positions: &[Position]) -> Result<Vec<SessionRow>, StoreError>;

    /// Writes commits alone.
    ///
    /// # Errors
    /// See [`Store::write`].
    fn commit(&self, commits: &[Commit]) -> Result<Vec<SessionRow>, StoreError> {
        self.write(commits, &[])
    }

    /// Where a client stands in a session, if it is known.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn position(&self, client: &ClientId, session: &SessionId) -> Result<Option<Position>, StoreError>;

    /// Forgets the positions that were seen last before a wall time.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn forget_positions(&self, before: WallTime) -> Result<(), StoreError>;

    /// A session's incarnation and bounds; none for a session that does not exist. One that was deleted is there with its row
    /// as long as the store remembers it.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn session(&self, session: &SessionId) -> Result<Option<SessionMeta>, StoreError>;

    /// The committed events with a seq above `after`, oldest first: at most `max_events`, and no more than fit `max_bytes`
    /// of encoded event, but at least one if there is one.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn read(&self, session: &SessionId, after: Seq, max_events: usize, max_bytes: usize) -> Result<Vec<Event>, StoreError>;

    /// The same events in the text in which they travel, each with its seq.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn read_encoded(&self, session: &SessionId, after: Seq, max_events: usize, max_bytes: usize) -> Result<Vec<(Seq, String)>, StoreError> {
        let events = self.read(session, after, max_events, max_bytes)?;
        Ok(events.iter().map(|event| (event.seq, encode(event))).collect())
    }

    /// The messages that were taken back from a session that does not exist, oldest first; none for one that exists.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn early(&self, session: &SessionId) -> Result<Vec<MessageId>, StoreError>;

    /// How many events are kept with a seq above `after`, a fold counted as one; it stops counting at `most`. 0 for a session
    /// that does not exist.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn count(&self, session: &SessionId, after: Seq, most: u64) -> Result<u64, StoreError>;

    /// The rows with a `rev` above `since`, lowest rev first; deleted ones included only when `since` is above 0.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn rows(&self, since: u64) -> Result<Vec<SessionRow>, StoreError>;

    /// The lowest rev that means something: one below it was told before the store lost data, or before it forgot who was
    /// deleted, and whoever holds it has to take the list anew. 0 in a store that has lost nothing.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn first_rev(&self) -> Result<u64, StoreError>;

    /// What holds every word of a search, in sessions that are not deleted: titles first, then texts, those committed last
    /// before the others. A word is found whole or as the beginning of a longer one, in any case.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn search(&self, search: &Search) -> Result<Vec<Hit>, StoreError>;

    /// Does of the work that can wait as much as takes about `most` rows: it makes texts findable, removes what is left of
    /// deleted sessions, and then forgets for good those deleted before a wall time, which raises [`Store::first_rev`] to
    /// their revs.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn upkeep(&self, before: WallTime, most: usize) -> Result<Upkeep, StoreError>;
}

/// Whether [`Store::upkeep`] came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upkeep {
    /// Nothing is left to be done.
    Done,
    /// There is more to do.
    Unfinished,
}

/// A text that is complete, to be found by [`Store::search`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The turn it belongs to.
    pub turn: TurnId,
    /// The block that shows it.
    pub block: BlockId,
    /// The block's first seq.
    pub opened: Seq,
    /// The text.
    pub text: String,
}

/// For how long a store remembers that a session was deleted: seven days.
pub const DELETED_AGE: Millis = Millis(7 * 24 * 3_600 * 1_000);

/// A session's incarnation and bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionMeta {
    /// The journal's incarnation.
    pub epoch: Epoch,
    /// The oldest seq kept; [`Seq::ZERO`] when nothing is.
    pub oldest: Seq,
    /// The last seq; [`Seq::ZERO`] for none.
    pub head: Seq,
    /// The agent's name.
    pub agent: String,
    /// Its line of the list.
    pub row: SessionRow,
}

/// What one session writes in one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// The session.
    pub session: SessionId,
    /// Makes the session; ignored if it exists.
    pub create: Option<NewSession>,
    /// The next events of the journal, without a hole.
    pub events: Vec<Event>,
    /// Folds, each of which takes the place of the kept events that it stands for, from its `first` to its `seq`.
    pub folds: Vec<Event>,
    /// Messages taken back before the session exists: kept beside the journals until a commit makes it, or for [`EARLY_AGE`].
    /// Such a commit holds nothing else; of a session that exists it says nothing.
    pub early: Vec<Early>,
    /// What changes in the list; none = the row keeps its rev.
    pub row: Option<RowChange>,
    /// Texts that the events complete.
    pub texts: Vec<Text>,
    /// The session is deleted, at this time by the gateway's clock: behind this commit it has no events, no texts and nobody's
    /// place, and no further commit. Its row stays for [`DELETED_AGE`], without a title.
    pub deletion: Option<WallTime>,
}

impl Commit {
    /// One that writes nothing yet.
    #[must_use]
    pub const fn of(session: SessionId) -> Self {
        Self {
            session,
            create: None,
            events: Vec::new(),
            folds: Vec::new(),
            early: Vec::new(),
            row: None,
            texts: Vec::new(),
            deletion: None,
        }
    }

    /// Whether it is only about a session that does not exist.
    #[must_use]
    pub const fn is_early(&self) -> bool {
        let changes_it = self.create.is_some() || self.row.is_some() || self.deletion.is_some();
        !changes_it && self.events.is_empty() && self.folds.is_empty() && !self.early.is_empty()
    }
}

/// A message taken back before its session exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Early {
    /// The message.
    pub message: MessageId,
    /// The gateway's time.
    pub at: WallTime,
}

/// For how long a store remembers an [`Early`] withdrawal: seven days, longer than any copy of a send is under way.
pub const EARLY_AGE: Millis = Millis(7 * 24 * 3_600 * 1_000);

/// How many [`Early`] withdrawals a store remembers; beyond it the oldest are forgotten.
pub const EARLY_KEPT: usize = 10_000;

/// Where a client stands in a session: it has everything up to `seq`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The tab.
    pub client: ClientId,
    /// The session.
    pub session: SessionId,
    /// The journal's incarnation.
    pub epoch: Epoch,
    /// The seq.
    pub seq: Seq,
    /// When it was said last, by the gateway's clock.
    pub seen_at: WallTime,
}

impl Position {
    /// Takes what the same client says later: within an epoch it does not move back.
    pub fn follow(&mut self, later: &Self) {
        let seq = if later.epoch == self.epoch { later.seq.max(self.seq) } else { later.seq };
        *self = Self { seq, ..later.clone() };
    }
}

/// How many [`Position`]s a store keeps; beyond it those seen longest ago are forgotten.
pub const POSITIONS_KEPT: usize = 20_000;

/// A session to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSession {
    /// Its first incarnation.
    pub epoch: Epoch,
    /// The agent's name.
    pub agent: String,
    /// Its title.
    pub title: String,
    /// The gateway's time.
    pub at: WallTime,
}

/// What changes in a session's line of the list; absent = unchanged.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RowChange {
    /// See [`SessionRow::changed_at`].
    pub at: Option<WallTime>,
    /// A new title.
    pub title: Option<String>,
    /// See [`SessionRow::running`].
    pub running: Option<bool>,
    /// See [`SessionRow::waiting`].
    pub waiting: Option<bool>,
    /// See [`SessionRow::pinned`].
    pub pinned: Option<bool>,
    /// See [`SessionRow::archived`].
    pub archived: Option<bool>,
}

impl RowChange {
    /// Makes the change.
    pub fn apply(&self, row: &mut SessionRow) {
        row.changed_at = self.at.unwrap_or(row.changed_at);
        if let Some(title) = &self.title {
            row.title.clone_from(title);
        }
        row.running = self.running.unwrap_or(row.running);
        row.waiting = self.waiting.unwrap_or(row.waiting);
        row.pinned = self.pinned.unwrap_or(row.pinned);
        row.archived = self.archived.unwrap_or(row.archived);
    }
}

/// Why a store refused, by whose fault it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It cannot write or read now: disk full, read-only, busy. Nothing was written.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// What it holds, or what it was given, does not fit together.
    #[error("the store is inconsistent: {0}")]
    Corrupt(String),
}
