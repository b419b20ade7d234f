//! The other direction: the newest part of a transcript, and older parts on demand.

use std::{collections::BTreeSet, iter};

use moorline_protocol::{Epoch, Item, Limits, Page, Seq, SnapshotPart, TurnId, encode};

use crate::{Transcript, entity::Entity, text::with_tail, transcript::BySeq};

/// The newest part of a transcript as of a seq: the parts of the wire, joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The journal's incarnation.
    pub epoch: Epoch,
    /// The snapshot is as of this seq.
    pub seq: Seq,
    /// Everything opened at or after this seq is in it; 1 when it is the whole transcript.
    pub from: Seq,
    /// Its turns and blocks; an append goes on with the block before it.
    pub items: Vec<Item>,
}

impl Snapshot {
    /// Joins all parts of one snapshot, in their order; none when there are none.
    #[must_use]
    pub fn join(parts: impl IntoIterator<Item = SnapshotPart>) -> Option<Self> {
        let mut parts = parts.into_iter();
        let first = parts.next()?;
        let mut snapshot = Self { epoch: first.epoch, seq: first.seq, from: first.from, items: first.items };
        for part in parts {
            snapshot.items.extend(part.items);
        }
        Some(snapshot)
    }
}

impl Transcript {
    /// Makes a snapshot for a reader who has everything up to `since`, or nothing.
    ///
    /// It holds the newest turns and blocks, at most [`Limits::snapshot_turns`] turns and about
    /// [`Limits::snapshot_bytes`]; everything opened up to `since` that changed after it; and whatever can still change:
    /// the queued turns, the open requests, the open blocks of the turn at work. Every block comes with its turn, and with at
    /// most the last [`Limits::text_bytes`] of its text.
    #[must_use]
    pub fn snapshot(&self, since: Option<Seq>, limits: &Limits, epoch: &Epoch) -> Snapshot {
        let bounds = Bounds { turns: limits.snapshot_turns, blocks: usize::MAX, bytes: limits.snapshot_bytes };
        let (from, mut chosen) = self.newest(Seq::MAX, &bounds, limits);
        if let Some(since) = since {
            self.choose_changed(since, &mut chosen);
        }
        self.choose_unsettled(&mut chosen);
        Snapshot { epoch: epoch.clone(), seq: self.seq, from, items: self.items(chosen, limits) }
    }

    /// Makes a page of the newest blocks opened before `before`: at most `limit`, [`Limits::page_blocks`] and about
    /// [`Limits::snapshot_bytes`], but at least one if there is one, with their turns.
    #[must_use]
    pub fn page(&self, before: Seq, limit: usize, limits: &Limits, epoch: &Epoch) -> Page {
        let bounds = Bounds { turns: usize::MAX, blocks: limit.min(limits.page_blocks), bytes: limits.snapshot_bytes };
        let before = before.clamp(Seq::new(1), self.seq.next());
        let (from, chosen) = self.newest(before, &bounds, limits);
        Page { epoch: epoch.clone(), seq: self.seq, from, before, items: self.items(chosen, limits) }
    }

    /// Chooses what was opened last before `before`, and says from which place on that is everything.
    fn newest(&self, before: Seq, bounds: &Bounds, limits: &Limits) -> (Seq, Chosen) {
        let floor = self.floor(before);
        let mut chosen = Chosen::new();
        let mut turns = BTreeSet::new();
        let (mut blocks, mut bytes) = (0, 0);
        let mut from = before;
        for (opened, here) in self.opened(floor, before) {
            for entity in &here {
                turns.extend(self.turn_of(entity).cloned());
                blocks += usize::from(matches!(entity, Entity::Block(_)));
                bytes += self.item(entity, limits).map_or(0, |item| encode(&item).len());
            }
            let fits = turns.len() <= bounds.turns && blocks <= bounds.blocks && bytes <= bounds.bytes;
            if !fits && !chosen.is_empty() {
                return (from, chosen);
            }
            from = opened;
            chosen.extend(here.into_iter().map(|entity| (opened, entity)));
        }
        (floor, chosen)
    }

    /// What was opened in `floor..before`, by seq, the newest first.
    fn opened(&self, floor: Seq, before: Seq) -> impl Iterator<Item = (Seq, Vec<Entity>)> {
        let mut turns = within(&self.opened_turns, floor, before).peekable();
        let mut blocks = within(&self.opened_blocks, floor, before).peekable();
        iter::from_fn(move || {
            let opened = turns.peek().map(|(at, _)| *at).max(blocks.peek().map(|(at, _)| *at))?;
            let turns = iter::from_fn(|| turns.next_if(|(at, _)| *at == opened)).map(|(_, turn)| Entity::Turn(turn.clone()));
            let blocks = iter::from_fn(|| blocks.next_if(|(at, _)| *at == opened)).map(|(_, block)| Entity::Block(block.clone()));
            Some((opened, turns.chain(blocks).collect()))
        })
    }

    /// Chooses what a reader at `since` holds in an older state.
    fn choose_changed(&self, since: Seq, chosen: &mut Chosen) {
        let turns = self.turns.values().filter(|turn| turn.opened <= since && turn.rev > since);
        chosen.extend(turns.map(|turn| (turn.opened, Entity::Turn(turn.id.clone()))));
        let blocks = self.blocks.values().filter(|block| block.opened <= since && block.rev > since);
        chosen.extend(blocks.map(|block| (block.opened, Entity::Block(block.id.clone()))));
    }

    /// Chooses what later events may touch, and what they may be shown beside.
    fn choose_unsettled(&self, chosen: &mut Chosen) {
        let newest = self.newest_turn(Seq::MAX);
        for turn in newest.into_iter().chain(self.queued()).filter_map(|turn| self.turns.get(turn)) {
            chosen.insert((turn.opened, Entity::Turn(turn.id.clone())));
        }
        for (_, turn) in &self.running {
            let open = self.blocks(turn).filter(|block| block.fields.closed != Some(true));
            chosen.extend(open.map(|block| (block.opened, Entity::Block(block.id.clone()))));
        }
        for turn in self.queued() {
            chosen.extend(self.blocks(turn).map(|block| (block.opened, Entity::Block(block.id.clone()))));
        }
        chosen.extend(self.requests.iter().map(|(opened, block)| (*opened, Entity::Block(block.clone()))));
    }

    /// The items of what was chosen and the turns it belongs to, by `opened`.
    fn items(&self, mut chosen: Chosen, limits: &Limits) -> Vec<Item> {
        let turns: BTreeSet<_> = chosen.iter().filter_map(|(_, entity)| self.turn_of(entity)).collect();
        let turns: Vec<_> = turns.into_iter().filter_map(|turn| self.turns.get(turn)).collect();
        chosen.extend(turns.into_iter().map(|turn| (turn.opened, Entity::Turn(turn.id.clone()))));
        chosen.iter().filter_map(|(_, entity)| self.item(entity, limits)).collect()
    }

    fn turn_of<'a>(&'a self, entity: &'a Entity) -> Option<&'a TurnId> {
        match entity {
            Entity::Turn(turn) => Some(turn),
            Entity::Block(block) => self.blocks.get(block).map(|block| &block.turn),
        }
    }

    fn item(&self, entity: &Entity, limits: &Limits) -> Option<Item> {
        match entity {
            Entity::Turn(turn) => self.turn(turn).cloned().map(Item::Turn),
            Entity::Block(block) => self.blocks.get(block).map(|block| Item::Block(with_tail(block, limits.text_bytes))),
        }
    }
}

/// The part of an index in `floor..before`, the newest first. To walk past what is newer costs less than to encode what is found.
fn within<Id>(index: &BySeq<Id>, floor: Seq, before: Seq) -> impl Iterator<Item = &(Seq, Id)> {
    index.iter().rev().skip_while(move |(at, _)| *at >= before).take_while(move |(at, _)| *at >= floor)
}

/// What goes into a snapshot or page, in its order.
type Chosen = BTreeSet<(Seq, Entity)>;

/// How much of the newest part is wanted.
struct Bounds {
    turns: usize,
    blocks: usize,
    bytes: usize,
}
