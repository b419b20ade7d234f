//! The transcript as its readers see it, and the indexes that keep it ordered.

use std::collections::{BTreeMap, BTreeSet};

use moorline_protocol::{Block, BlockId, BlockKind, Epoch, Running, Seq, SessionState, Turn, TurnId, TurnState};

use crate::{
    Changes, Gap,
    entity::Entity,
    gap::Gaps,
    waiting::{Full, Waiting},
};

/// A session's turns and blocks, as far as they are known. See the crate's page for what may be merged into it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transcript {
    pub(crate) epoch: Option<Epoch>,
    pub(crate) seq: Seq,
    /// Boxed, as the blocks are: a map of small values moves less, and all such maps share one code.
    pub(crate) turns: BTreeMap<TurnId, Box<Turn>>,
    pub(crate) blocks: BTreeMap<BlockId, Box<Block>>,
    /// Turns and blocks by `opened`.
    pub(crate) openings: BTreeMap<Seq, Vec<Entity>>,
    pub(crate) started: BTreeSet<(Seq, TurnId)>,
    queue: BTreeSet<(Urgency, Seq, TurnId)>,
    pub(crate) running: BTreeSet<(Seq, TurnId)>,
    by_turn: BTreeMap<TurnId, BTreeSet<(Seq, BlockId)>>,
    pub(crate) requests: BTreeSet<(Seq, BlockId)>,
    pub(crate) gaps: Gaps,
    pub(crate) waiting: Waiting,
    /// Events up to here may be missing from `waiting`: what is in a gap is only taken from something newer.
    pub(crate) horizon: Seq,
    pub(crate) torn: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Urgency {
    Urgent,
    Ordinary,
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

    /// A turn by its name, also a withdrawn one.
    #[must_use]
    pub fn turn(&self, turn: &TurnId) -> Option<&Turn> {
        self.turns.get(turn).map(Box::as_ref)
    }

    /// The blocks of a turn, by `opened`.
    pub fn blocks(&self, turn: &TurnId) -> impl DoubleEndedIterator<Item = &Block> {
        self.by_turn.get(turn).into_iter().flatten().filter_map(|(_, id)| self.block(id))
    }

    /// A block by its name.
    #[must_use]
    pub fn block(&self, block: &BlockId) -> Option<&Block> {
        self.blocks.get(block).map(Box::as_ref)
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

    pub(crate) fn queued(&self) -> impl DoubleEndedIterator<Item = &TurnId> {
        self.queue.iter().map(|(_, _, id)| id)
    }

    /// The turn at work or last at work as of the event before `seq`; before any was, the last one opened.
    ///
    /// It goes by seqs instead of states, because a page may have brought a turn's later state already.
    pub(crate) fn newest_turn(&self, seq: Seq) -> Option<&TurnId> {
        let started = self.started.iter().rev().find(|(at, _)| *at < seq).map(|(_, turn)| turn);
        let opened = || self.openings.range(..seq).rev().flat_map(|(_, here)| here);
        started.or_else(|| opened().find_map(|entity| if let Entity::Turn(turn) = entity { Some(turn) } else { None }))
    }

    /// Changes or adds a turn and keeps the indexes in step.
    pub(crate) fn put_turn(&mut self, turn: Turn, changes: &mut Changes) {
        let new = Place::of(&turn);
        let old = self.turns.get(&turn.id).map(|held| (held.opened, Place::of(held)));
        let change = changes.note_turn(&turn.id);
        change.opened |= old.is_none();
        let shown = old.as_ref().and_then(|(_, place)| place.as_ref());
        if shown != new.as_ref() {
            changes.note_order();
        }
        if let Some((opened, place)) = old {
            remove_opening(&mut self.openings, opened, &Entity::Turn(turn.id.clone()));
            if let Some(place) = place {
                self.leave(&place, &turn.id);
            }
        }
        add_opening(&mut self.openings, turn.opened, Entity::Turn(turn.id.clone()));
        match new {
            Some(Place::Started { at, running }) => {
                self.started.insert((at, turn.id.clone()));
                if running {
                    self.running.insert((at, turn.id.clone()));
                }
            }
            Some(Place::Queued(urgency, at)) => {
                self.queue.insert((urgency, at, turn.id.clone()));
            }
            None => {}
        }
        self.turns.insert(turn.id.clone(), Box::new(turn));
    }

    fn leave(&mut self, place: &Place, turn: &TurnId) {
        match *place {
            Place::Started { at, .. } => {
                self.started.remove(&(at, turn.clone()));
                self.running.remove(&(at, turn.clone()));
            }
            Place::Queued(urgency, at) => {
                self.queue.remove(&(urgency, at, turn.clone()));
            }
        }
    }

    /// Adds a block, or puts one in the place of another of its name, and keeps the indexes in step.
    pub(crate) fn put_block(&mut self, block: Block) {
        if let Some(held) = self.blocks.remove(&block.id) {
            self.requests.remove(&(held.opened, held.id.clone()));
            remove_opening(&mut self.openings, held.opened, &Entity::Block(held.id.clone()));
            if let Some(blocks) = self.by_turn.get_mut(&held.turn) {
                blocks.remove(&(held.opened, held.id));
            }
        }
        add_opening(&mut self.openings, block.opened, Entity::Block(block.id.clone()));
        self.by_turn.entry(block.turn.clone()).or_default().insert((block.opened, block.id.clone()));
        index_request(&mut self.requests, &block);
        self.blocks.insert(block.id.clone(), Box::new(block));
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

/// Where a turn is shown; nowhere when it was withdrawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Started { at: Seq, running: bool },
    Queued(Urgency, Seq),
}

impl Place {
    fn of(turn: &Turn) -> Option<Self> {
        match turn.state {
            TurnState::Withdrawn => None,
            TurnState::Queued => {
                let urgency = if turn.urgent { Urgency::Urgent } else { Urgency::Ordinary };
                Some(Self::Queued(urgency, turn.opened))
            }
            TurnState::Running
            | TurnState::Stopping
            | TurnState::Completed
            | TurnState::Failed
            | TurnState::Cancelled
            | TurnState::Interrupted => Some(Self::Started { at: turn.started.unwrap_or(turn.opened), running: turn.state.is_running() }),
        }
    }
}

/// Keeps the open requests in step with a block.
pub(crate) fn index_request(requests: &mut BTreeSet<(Seq, BlockId)>, block: &Block) {
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

fn add_opening(openings: &mut BTreeMap<Seq, Vec<Entity>>, opened: Seq, entity: Entity) {
    let here = openings.entry(opened).or_default();
    if let Err(place) = here.binary_search(&entity) {
        here.insert(place, entity);
    }
}

fn remove_opening(openings: &mut BTreeMap<Seq, Vec<Entity>>, opened: Seq, entity: &Entity) {
    let Some(here) = openings.get_mut(&opened) else { return };
    here.retain(|held| held != entity);
    if here.is_empty() {
        openings.remove(&opened);
    }
}
