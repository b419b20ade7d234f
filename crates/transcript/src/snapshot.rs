//! The other direction: the newest part of a transcript, and older parts on demand.

use std::{collections::BTreeSet, iter};

use moorline_protocol::{BlockId, Epoch, Item, Limits, Page, Seq, SnapshotPart, TurnId, encode};

use crate::{WholeTranscript, entity::Entity, span::Spans, text::with_tail};

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

impl WholeTranscript {
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
        Snapshot { epoch: epoch.clone(), seq: self.transcript.seq, from, items: self.items(chosen, limits) }
    }

    /// Makes a page of the newest blocks opened before `before`: at most `limit`, [`Limits::page_blocks`] and about
    /// [`Limits::snapshot_bytes`], but at least one if there is one, with their turns.
    #[must_use]
    pub fn page(&self, before: Seq, limit: usize, limits: &Limits, epoch: &Epoch) -> Page {
        let bounds = Bounds { turns: usize::MAX, blocks: limit.min(limits.page_blocks), bytes: limits.snapshot_bytes };
        let before = before.clamp(Seq::new(1), self.transcript.seq.next());
        let (from, chosen) = self.newest(before, &bounds, limits);
        Page { epoch: epoch.clone(), seq: self.transcript.seq, from, before, items: self.items(chosen, limits) }
    }

    /// Chooses what was opened last before `before`, and says from which place on that is everything.
    fn newest(&self, before: Seq, bounds: &Bounds, limits: &Limits) -> (Seq, Chosen) {
        let mut chosen = Chosen::new();
        let mut turns = BTreeSet::new();
        let (mut blocks, mut bytes) = (0, 0);
        let mut from = before;
        for (opened, here) in self.opened(Seq::ZERO, before) {
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
        (Seq::new(1), chosen)
    }

    /// What was opened in `from..before`, by seq, the newest first.
    fn opened(&self, from: Seq, before: Seq) -> impl Iterator<Item = (Seq, Vec<Entity>)> {
        let turns = (from, TurnId::lowest())..(before, TurnId::lowest());
        let blocks = (from, BlockId::lowest())..(before, BlockId::lowest());
        let mut turns = self.transcript.opened_turns.range(turns).rev().peekable();
        let mut blocks = self.transcript.opened_blocks.range(blocks).rev().peekable();
        iter::from_fn(move || {
            let opened = turns.peek().map(|(at, _)| *at).max(blocks.peek().map(|(at, _)| *at))?;
            let turns = iter::from_fn(|| turns.next_if(|(at, _)| *at == opened)).map(|(_, turn)| Entity::Turn(turn.clone()));
            let blocks = iter::from_fn(|| blocks.next_if(|(at, _)| *at == opened)).map(|(_, block)| Entity::Block(block.clone()));
            Some((opened, turns.chain(blocks).collect()))
        })
    }

    /// Chooses what a reader at `since` holds in an older state.
    fn choose_changed(&self, since: Seq, chosen: &mut Chosen) {
        let before = since.next();
        let here =
            self.opened(Spans::stretch_of(since), before).flat_map(|(opened, here)| here.into_iter().map(move |entity| (opened, entity)));
        let around = self.spans.around(since).filter(|(opened, _)| *opened < before).cloned();
        chosen.extend(here.chain(around).filter(|(_, entity)| self.rev(entity).is_some_and(|rev| rev > since)));
    }

    /// Chooses what later events may touch, and what they may be shown beside.
    fn choose_unsettled(&self, chosen: &mut Chosen) {
        let transcript = &self.transcript;
        let newest = transcript.newest_turn(Seq::MAX);
        for turn in newest.into_iter().chain(transcript.queued()).filter_map(|turn| transcript.turn(turn)) {
            chosen.insert((turn.opened, Entity::Turn(turn.id.clone())));
        }
        for turn in transcript.queued() {
            chosen.extend(transcript.blocks(turn).map(|block| (block.opened, Entity::Block(block.id.clone()))));
        }
        chosen.extend(self.open.iter().chain(&transcript.requests).map(|(opened, block)| (*opened, Entity::Block(block.clone()))));
    }

    /// The items of what was chosen and the turns it belongs to, by `opened`.
    fn items(&self, mut chosen: Chosen, limits: &Limits) -> Vec<Item> {
        let turns: BTreeSet<_> = chosen.iter().filter_map(|(_, entity)| self.turn_of(entity)).collect();
        let turns: Vec<_> = turns.into_iter().filter_map(|turn| self.transcript.turn(turn)).collect();
        chosen.extend(turns.into_iter().map(|turn| (turn.opened, Entity::Turn(turn.id.clone()))));
        chosen.iter().filter_map(|(_, entity)| self.item(entity, limits)).collect()
    }

    fn turn_of<'a>(&'a self, entity: &'a Entity) -> Option<&'a TurnId> {
        match entity {
            Entity::Turn(turn) => Some(turn),
            Entity::Block(block) => self.transcript.block(block).map(|block| &block.turn),
        }
    }

    fn item(&self, entity: &Entity, limits: &Limits) -> Option<Item> {
        match entity {
            Entity::Turn(turn) => self.transcript.turn(turn).cloned().map(Item::Turn),
            Entity::Block(block) => self.transcript.block(block).map(|block| Item::Block(with_tail(block, limits.text_bytes))),
        }
    }

    fn rev(&self, entity: &Entity) -> Option<Seq> {
        match entity {
            Entity::Turn(turn) => self.transcript.turn(turn).map(|turn| turn.rev),
            Entity::Block(block) => self.transcript.block(block).map(|block| block.rev),
        }
    }
}

/// What goes into a snapshot or page, in its order.
type Chosen = BTreeSet<(Seq, Entity)>;

/// How much of the newest part is wanted.
struct Bounds {
    turns: usize,
    blocks: usize,
    bytes: usize,
}
