//! The transcript as its readers see it, and the indexes that keep it ordered.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

use moorline_protocol::{Block, BlockId, BlockKind, Epoch, Running, Seq, SessionState, Turn, TurnId, TurnState};

use crate::{
    Changes, Gap,
    entity::Entity,
    gap::Gaps,
    named::Named,
    waiting::{Full, Waiting},
};

/// A session's turns and blocks, as far as they are known. See the crate's page for what may be merged into it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transcript {
    pub(crate) epoch: Option<Epoch>,
    pub(crate) seq: Seq,
    pub(crate) turns: Named<TurnId, Turn>,
    pub(crate) blocks: Named<BlockId, Block>,
    /// By `opened`. Maps from a name to a box share one code, and so do sets of a seq and a name: a page pays for each further
    /// kind on its first load.
    opened_turns: BySeq<TurnId>,
    pub(crate) started: BySeq<TurnId>,
    urgent: BySeq<TurnId>,
    ordinary: BySeq<TurnId>,
    pub(crate) running: BySeq<TurnId>,
    by_turn: BTreeMap<TurnId, Box<BySeq<BlockId>>>,
    pub(crate) requests: BySeq<BlockId>,
    pub(crate) gaps: Gaps,
    pub(crate) waiting: Waiting,
    /// Events up to here may be missing from `waiting`: what is in a gap is only taken from something newer.
    pub(crate) horizon: Seq,
    pub(crate) torn: bool,
}

impl Transcript {
    /// Makes an empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The turns in the order in which they are shown: started ones by `started`, behind them the queued ones, urgent ones
    /// first, then by `opened`. Withdrawn turns are not shown.
    pub fn turns(&self) -> impl DoubleEndedIterator<Item = &Turn> {
        let started = self.started.iter().map(|(_, id)| id);
        started.chain(self.queued()).filter_map(|id| self.turn(id))
    }

    /// The same from one turn on; nothing when that is not shown.
    pub fn turns_from<'a>(&'a self, turn: &'a TurnId) -> impl Iterator<Item = &'a Turn> {
        let from = self.start_of(turn);
        let is_queued = from.is_none();
        let started = from.into_iter().flat_map(|from| self.started.range(from..)).map(|(_, id)| id);
        let queued = self.queued().skip_while(move |id| is_queued && *id != turn);
        started.chain(queued).filter_map(|id| self.turn(id))
    }

    /// The same backwards from one turn on, or from the end; nothing when that turn is not shown.
    pub fn turns_up_to<'a>(&'a self, turn: Option<&'a TurnId>) -> impl Iterator<Item = &'a Turn> {
        let to = turn.and_then(|turn| self.start_of(turn));
        let is_started = to.is_some();
        let queued = self.queued().rev().skip_while(move |id| turn.is_some_and(|turn| *id != turn));
        let queued = queued.take_while(move |_| !is_started);
        let is_shown = turn.is_none_or(|turn| is_started || self.queued().any(|id| id == turn));
        let end = to.map_or(Bound::Unbounded, Bound::Included);
        let started = self.started.range((Bound::Unbounded, end)).rev().map(|(_, id)| id).take_while(move |_| is_shown);
        queued.chain(started).filter_map(|id| self.turn(id))
    }

    /// The place of a turn among those that have started.
    fn start_of(&self, turn: &TurnId) -> Option<(Seq, TurnId)> {
        match Place::of(self.turns.get(turn)?) {
            Place::Started(at) | Place::Running(at) => Some((at, turn.clone())),
            Place::Nowhere | Place::Urgent(_) | Place::Ordinary(_) => None,
        }
    }

    /// A turn by its name, also a withdrawn one.
    #[must_use]
    pub fn turn(&self, turn: &TurnId) -> Option<&Turn> {
        self.turns.get(turn)
    }

    /// The blocks of a turn, by `opened`.
    pub fn blocks(&self, turn: &TurnId) -> impl DoubleEndedIterator<Item = &Block> {
        self.by_turn.get(turn).into_iter().flat_map(|blocks| blocks.iter()).filter_map(|(_, id)| self.block(id))
    }

    /// A block by its name.
    #[must_use]
    pub fn block(&self, block: &BlockId) -> Option<&Block> {
        self.blocks.get(block)
    }

    /// The ranges of `opened` seqs known to be missing, ascending.
    #[must_use]
    pub fn gaps(&self) -> &[Gap] {
        self.gaps.as_slice()
    }

    /// The highest seq folded; [`Seq::ZERO`] for none.
    #[must_use]
    pub const fn seq(&self) -> Seq {
        self.seq
    }

    /// The incarnation of the journal that it folds, once it has been told.
    #[must_use]
    pub const fn epoch(&self) -> Option<&Epoch> {
        self.epoch.as_ref()
    }

    /// Whether something arrived that does not connect with what is here: an event behind a hole, or text behind the end
    /// of its block's. Neither can come over an ordered stream; only a snapshot mends it, and the next one clears this.
    #[must_use]
    pub const fn needs_snapshot(&self) -> bool {
        self.torn
    }

    /// Where the session stands: the turn at work, the open requests, the queue. Its cost does not depend on the length
    /// of the transcript.
    #[must_use]
    pub fn state(&self) -> SessionState {
        let running = self.running.first().and_then(|(_, id)| self.turns.get(id));
        SessionState {
            running: running.map(|turn| Running { turn: turn.id.clone(), stopping: turn.state == TurnState::Stopping }),
            waiting: self.requests.iter().map(|(_, id)| id.clone()).collect(),
            queue: self.queued().cloned().collect(),
        }
    }

    /// Names the incarnation of the journal whose events follow; another one than before empties the transcript.
    ///
    /// A transcript that was never told its incarnation adopts it. [`Transcript::merge_snapshot`] does the same by itself.
    pub fn set_epoch(&mut self, epoch: &Epoch, changes: &mut Changes) {
        if self.epoch.as_ref().is_some_and(|held| held != epoch) {
            self.reset(changes);
        }
        self.epoch = Some(epoch.clone());
    }

    /// Forgets everything: what follows stands for itself.
    pub fn reset(&mut self, changes: &mut Changes) {
        *self = Self::default();
        changes.note_reset();
    }

    /// Whether nothing has come in yet.
    pub(crate) fn is_new(&self) -> bool {
        self.epoch.is_none()
            && self.seq == Seq::ZERO
            && self.turns.is_empty()
            && self.blocks.is_empty()
            && !self.torn
            && self.waiting.is_empty()
            && self.horizon == Seq::ZERO
    }

    pub(crate) fn queued(&self) -> impl DoubleEndedIterator<Item = &TurnId> {
        self.urgent.iter().chain(&self.ordinary).map(|(_, id)| id)
    }

    /// The turn at work or last at work as of the event before `seq`; before any was, the last one opened.
    ///
    /// It goes by seqs instead of states, because a page may have brought a turn's later state already.
    pub(crate) fn newest_turn(&self, seq: Seq) -> Option<&TurnId> {
        let mut indexes = [&self.started, &self.opened_turns].into_iter();
        indexes.find_map(|turns| turns.iter().rev().find(|(at, _)| *at < seq)).map(|(_, turn)| turn)
    }

    /// Changes or adds a turn and keeps the indexes in step. Where it was opened does not change.
    pub(crate) fn put_turn(&mut self, mut turn: Turn, changes: &mut Changes) {
        let change = changes.note_turn(&turn.id);
        let old = self.turns.get(&turn.id).map_or(Place::Nowhere, |held| {
            turn.opened = held.opened;
            Place::of(held)
        });
        let new = Place::of(&turn);
        change.opened |= self.opened_turns.insert((turn.opened, turn.id.clone()));
        if old != new {
            changes.note_order();
        }
        self.change_places(old, &turn.id, |turns, key| turns.remove(&key));
        self.change_places(new, &turn.id, BTreeSet::insert);
        self.turns.put(turn.id.clone(), turn);
    }

    fn change_places(&mut self, place: Place, turn: &TurnId, change: fn(&mut BySeq<TurnId>, (Seq, TurnId)) -> bool) {
        let (at, turns) = match place {
            Place::Nowhere => return,
            Place::Urgent(at) => (at, &mut self.urgent),
            Place::Ordinary(at) => (at, &mut self.ordinary),
            Place::Started(at) => (at, &mut self.started),
            Place::Running(at) => {
                change(&mut self.running, (at, turn.clone()));
                (at, &mut self.started)
            }
        };
        change(turns, (at, turn.clone()));
    }

    /// Adds a block, or puts one in the place of another of its name, and keeps the indexes in step. Where it was opened does
    /// not change, nor does its turn.
    pub(crate) fn put_block(&mut self, mut block: Block) {
        if let Some(held) = self.blocks.get(&block.id) {
            (block.opened, block.turn) = (held.opened, held.turn.clone());
            self.requests.remove(&(block.opened, block.id.clone()));
        } else {
            self.by_turn.entry(block.turn.clone()).or_default().insert((block.opened, block.id.clone()));
        }
        index_request(&mut self.requests, &block);
        self.blocks.put(block.id.clone(), block);
    }

    /// Keeps an event for later. When there is no room, all that wait are dropped: what is in a gap then comes from
    /// something newer than they are.
    pub(crate) fn wait(&mut self, entity: Entity, event: &moorline_protocol::Event) {
        if let Err(Full) = self.waiting.push(entity, event.clone()) {
            self.waiting.clear();
            self.horizon = self.horizon.max(event.seq);
        }
    }
}

/// Turns or blocks by a seq of theirs.
pub(crate) type BySeq<Id> = BTreeSet<(Seq, Id)>;

/// Where a turn is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// It was withdrawn.
    Nowhere,
    Urgent(Seq),
    Ordinary(Seq),
    Started(Seq),
    /// Among the started ones, and at work.
    Running(Seq),
}

impl Place {
    fn of(turn: &Turn) -> Self {
        let started = turn.started.unwrap_or(turn.opened);
        match turn.state {
            TurnState::Withdrawn => Self::Nowhere,
            TurnState::Queued if turn.urgent => Self::Urgent(turn.opened),
            TurnState::Queued => Self::Ordinary(turn.opened),
            TurnState::Running | TurnState::Stopping => Self::Running(started),
            TurnState::Completed | TurnState::Failed | TurnState::Cancelled | TurnState::Interrupted => Self::Started(started),
        }
    }
}

/// Keeps the open requests in step with a block.
pub(crate) fn index_request(requests: &mut BySeq<BlockId>, block: &Block) {
    if block.kind != BlockKind::Request {
        return;
    }
    let key = (block.opened, block.id.clone());
    if block.fields.settled.is_none() {
        requests.insert(key);
    } else {
        requests.remove(&key);
    }
}
