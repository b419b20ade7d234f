//! Whole turns and blocks, from folds, snapshots and pages.

use moorline_protocol::{Block, Item, Page, Seq, Turn};

use crate::{
    Changes, Snapshot, Transcript,
    entity::Entity,
    text::{difference, end, join_head},
};

impl Transcript {
    /// Merges a snapshot. One of another incarnation than ours replaces everything; one of the same is merged, and what
    /// lies between what was here and what it holds becomes a gap.
    ///
    /// It must have been made for a `since` not above [`Transcript::seq`], as an answer to an attach with a cursor is.
    pub fn merge_snapshot(&mut self, snapshot: Snapshot, changes: &mut Changes) {
        let same = self.epoch.as_ref() == Some(&snapshot.epoch);
        if !same && *self != Self::default() {
            self.reset(changes);
        }
        self.epoch = Some(snapshot.epoch);
        if snapshot.seq < self.horizon {
            return;
        }
        self.merge_items(snapshot.items, changes);
        let mut gaps_changed = self.gaps.subtract(snapshot.from, snapshot.seq);
        if snapshot.seq > self.seq && self.gaps.push(self.seq.next(), snapshot.from.before()) {
            gaps_changed = true;
            self.horizon = snapshot.seq;
        }
        if snapshot.seq >= self.seq {
            self.seq = snapshot.seq;
            self.torn = false;
        }
        self.settle_gaps(gaps_changed, changes);
    }

    /// Merges a page: what it covers is no gap any more. One of another incarnation changes nothing, nor does one that is
    /// older than the snapshot which left the gap: ask for it again.
    pub fn merge_page(&mut self, page: Page, changes: &mut Changes) {
        if self.epoch.as_ref() != Some(&page.epoch) || page.seq < self.horizon {
            return;
        }
        self.merge_items(page.items, changes);
        let gaps_changed = self.gaps.subtract(page.from, page.before.before().min(page.seq));
        self.settle_gaps(gaps_changed, changes);
    }

    fn merge_items(&mut self, items: Vec<Item>, changes: &mut Changes) {
        let mut growing: Option<Block> = None;
        for item in items {
            match item {
                Item::Append(append) => {
                    let block = growing.as_mut().filter(|block| block.id == append.block && block.edition == append.edition);
                    if let Some(block) = block.filter(|block| end(block) == append.at) {
                        block.text.push_str(&append.text);
                    }
                }
                Item::Block(block) => {
                    if let Some(whole) = growing.replace(block) {
                        self.merge_block(whole, changes);
                    }
                }
                Item::Turn(turn) => self.merge_turn(turn, changes),
            }
        }
        if let Some(whole) = growing {
            self.merge_block(whole, changes);
        }
    }

    /// What still waits for something that is not here waits for nothing once no gap is left.
    fn settle_gaps(&mut self, changed: bool, changes: &mut Changes) {
        if !changed {
            return;
        }
        changes.note_gaps();
        if self.gaps.is_empty() {
            let mut waiting = std::mem::take(&mut self.waiting);
            waiting.retain(|entity| self.holds(entity));
            self.waiting = waiting;
        }
    }

    pub(crate) fn merge_turn(&mut self, turn: Turn, changes: &mut Changes) {
        if self.turns.get(&turn.id).is_some_and(|held| held.rev >= turn.rev) {
            return;
        }
        let entity = Entity::Turn(turn.id.clone());
        self.put_turn(turn, changes);
        self.drain_waiting(&entity, changes);
    }

    pub(crate) fn merge_block(&mut self, mut block: Block, changes: &mut Changes) {
        if let Some(held) = self.blocks.get_mut(&block.id) {
            if held.rev >= block.rev {
                if join_head(held, &block) {
                    changes.note_block(&block.id).text.then(crate::TextChange::Replaced);
                }
                return;
            }
            join_head(&mut block, held);
            let change = changes.note_block(&block.id);
            change.fields |= held.fields != block.fields;
            change.text.then(difference(held, &block));
        } else {
            changes.note_block(&block.id).opened = true;
        }
        let entity = Entity::Block(block.id.clone());
        self.put_block(block);
        self.drain_waiting(&entity, changes);
    }

    fn drain_waiting(&mut self, entity: &Entity, changes: &mut Changes) {
        if self.waiting.is_empty() {
            return;
        }
        for event in self.waiting.take(entity) {
            self.fold_in(&event, changes);
        }
    }

    /// The lowest place from which everything opened before `before` is here.
    pub(crate) fn floor(&self, before: Seq) -> Seq {
        self.gaps.floor(before)
    }
}
