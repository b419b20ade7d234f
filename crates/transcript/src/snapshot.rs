//! The other direction: the newest part of a transcript, and older parts on demand.

use std::collections::BTreeSet;

use moorline_protocol::{Epoch, Item, Limits, Page, Seq, SnapshotPart, encode};

use crate::{
    WholeTranscript,
    order::{Numbered, Placed},
    span::Spans,
    text::with_tail,
};

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
        let newest = self.newest(Seq::MAX, &bounds, limits);
        let mut older = Chosen::new();
        if let Some(since) = since {
            self.choose_changed(since, &mut older);
        }
        self.choose_unsettled(&mut older);
        Snapshot { epoch: epoch.clone(), seq: self.transcript.seq, from: newest.from, items: self.items(older, newest, limits) }
    }

    /// Makes a page of the newest blocks opened before `before`: at most `limit`, [`Limits::page_blocks`] and about
    /// [`Limits::snapshot_bytes`], but at least one if there is one, with their turns.
    #[must_use]
    pub fn page(&self, before: Seq, limit: usize, limits: &Limits, epoch: &Epoch) -> Page {
        let bounds = Bounds { turns: usize::MAX, blocks: limit.min(limits.page_blocks), bytes: limits.snapshot_bytes };
        let before = before.clamp(Seq::new(1), self.transcript.seq.next());
        let newest = self.newest(before, &bounds, limits);
        Page { epoch: epoch.clone(), seq: self.transcript.seq, from: newest.from, before, items: self.items(Chosen::new(), newest, limits) }
    }

    /// Takes what was opened last before `before`.
    fn newest(&self, before: Seq, bounds: &Bounds, limits: &Limits) -> Newest<'_> {
        let all = self.order.between(Seq::ZERO, before);
        let mut newest = Newest { from: before, placed: &[], items: Vec::new() };
        let mut turns = BTreeSet::new();
        let (mut blocks, mut bytes) = (0, 0);
        for here in all.chunk_by(|(one, _), (other, _)| one == other).rev() {
            let taken = newest.items.len();
            for (_, numbered) in here.iter().rev() {
                turns.extend(self.order.turn_of(*numbered));
                blocks += usize::from(matches!(numbered, Numbered::Block(_)));
                let item = self.item(*numbered, limits);
                bytes += item.as_ref().map_or(0, |item| encode(item).len());
                newest.items.extend(item);
            }
            let fits = turns.len() <= bounds.turns && blocks <= bounds.blocks && bytes <= bounds.bytes;
            if !fits && taken > 0 {
                newest.items.truncate(taken);
                return newest;
            }
            newest.from = here.first().map_or(newest.from, |(opened, _)| *opened);
            newest.placed = &all[all.len() - newest.items.len()..];
        }
        newest.from = Seq::new(1);
        newest
    }

    /// Chooses what a reader at `since` holds in an older state.
    fn choose_changed(&self, since: Seq, chosen: &mut Chosen) {
        let before = since.next();
        let here = self.order.between(Spans::stretch_of(since), before).iter();
        let around = self.spans.around(since).filter(|(opened, _)| *opened < before);
        chosen.extend(here.chain(around).filter(|(_, numbered)| self.rev(*numbered).is_some_and(|rev| rev > since)));
    }

    /// Chooses what later events may touch, and what they may be shown beside.
    fn choose_unsettled(&self, chosen: &mut Chosen) {
        let transcript = &self.transcript;
        let newest = transcript.newest_turn(Seq::MAX);
        let turns = newest.into_iter().chain(transcript.queued()).filter_map(|turn| transcript.turns.find(turn));
        chosen.extend(turns.map(|(slot, turn)| (turn.opened, Numbered::Turn(slot))));
        let waiting = transcript.queued().flat_map(|turn| transcript.blocks(turn)).map(|block| (block.opened, &block.id));
        let asking = transcript.requests.iter().map(|(opened, block)| (*opened, block));
        let slot = |(opened, block)| Some((opened, Numbered::Block(transcript.blocks.slot(block)?)));
        chosen.extend(waiting.chain(asking).filter_map(slot));
        chosen.extend(&self.open);
    }

    /// The newest items with what was chosen of those before them, and the turns that any of it belongs to, by `opened`.
    fn items(&self, mut older: Chosen, newest: Newest<'_>, limits: &Limits) -> Vec<Item> {
        let turns: BTreeSet<_> = older.iter().chain(newest.placed).filter_map(|(_, numbered)| self.order.turn_of(*numbered)).collect();
        older.extend(turns.into_iter().filter_map(|turn| Some((self.transcript.turns.at(turn)?.opened, Numbered::Turn(turn)))));
        let older = older.iter().take_while(|(opened, _)| *opened < newest.from).filter_map(|(_, numbered)| self.item(*numbered, limits));
        older.chain(newest.items.into_iter().rev()).collect()
    }

    fn item(&self, numbered: Numbered, limits: &Limits) -> Option<Item> {
        match numbered {
            Numbered::Turn(turn) => self.transcript.turns.at(turn).cloned().map(Item::Turn),
            Numbered::Block(block) => self.transcript.blocks.at(block).map(|block| Item::Block(with_tail(block, limits.text_bytes))),
        }
    }

    fn rev(&self, numbered: Numbered) -> Option<Seq> {
        match numbered {
            Numbered::Turn(turn) => self.transcript.turns.at(turn).map(|turn| turn.rev),
            Numbered::Block(block) => self.transcript.blocks.at(block).map(|block| block.rev),
        }
    }
}

/// What goes into a snapshot beside the newest part, in its order.
type Chosen = BTreeSet<Placed>;

/// The newest part.
struct Newest<'a> {
    /// From here on it is everything.
    from: Seq,
    placed: &'a [Placed],
    /// The same, the last first.
    items: Vec<Item>,
}

/// How much of the newest part is wanted.
struct Bounds {
    turns: usize,
    blocks: usize,
    bytes: usize,
}
