//! Whole turns and blocks, from folds, snapshots and pages.

use moorline_protocol::{Block, BlockText, Item, Page, Seq, Turn, mutant};

use crate::{
    Changes, Snapshot, Transcript,
    entity::Entity,
    text::{end, join_head, take_head},
};

impl Transcript {
    /// Merges a snapshot. One of another incarnation than ours replaces everything; one of the same is merged, and what
    /// lies between what was here and what it holds becomes a gap.
    ///
    /// One of the same incarnation must have been made for a `since` equal to [`Transcript::seq`], as the answer to an attach
    /// with the cursor is when nothing was applied in between: what was opened later and lies before its `from` is in neither.
    pub fn merge_snapshot(&mut self, snapshot: Snapshot, changes: &mut Changes) {
        let same = self.epoch.as_ref() == Some(&snapshot.epoch);
        if !same && !self.is_new() {
            self.reset(changes);
        }
        self.epoch = Some(snapshot.epoch);
        if snapshot.seq < self.horizon {
            return;
        }
        self.merge_items(snapshot.items, Seq::MAX, changes);
        let mut gaps_changed = self.gaps.subtract(snapshot.from, snapshot.seq);
        if snapshot.seq > self.seq && self.gaps.push(self.seq.next(), snapshot.from.before()) {
            gaps_changed = true;
            self.horizon = snapshot.seq;
        }
        if snapshot.seq >= self.seq {
            self.seq = snapshot.seq;
            self.torn = false;
        }
        if gaps_changed {
            changes.note_gaps();
        }
    }

    /// Merges a page: what it covers is no gap any more. One of another incarnation changes nothing, nor does one that is
    /// older than the snapshot which left the gap: ask for it again.
    pub fn merge_page(&mut self, page: Page, changes: &mut Changes) {
        if self.epoch.as_ref() != Some(&page.epoch) || page.seq < self.horizon {
            return;
        }
        // What was opened behind our seq comes with its events; held before them, the next snapshot might pass it over.
        self.merge_items(page.items, self.seq, changes);
        if self.gaps.subtract(page.from, page.before.before()) {
            changes.note_gaps();
        }
    }

    /// Gives a block of which only the text's tail is held what stands before that. What belongs to another incarnation, another
    /// edition or another place changes nothing: ask for it again.
    pub fn merge_text(&mut self, part: &BlockText, changes: &mut Changes) {
        let held = self.blocks.get_mut(&part.block).filter(|_| self.epoch.as_ref() == Some(&part.epoch));
        if held.is_some_and(|held| join_head(held, part.edition, part.from, &part.text)) {
            changes.note_block(&part.block).text.then(crate::TextChange::Replaced);
        }
    }

    /// Merges what was opened up to `newest`.
    fn merge_items(&mut self, items: Vec<Item>, newest: Seq, changes: &mut Changes) {
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
                    if let Some(whole) = growing.replace(block).filter(|whole| whole.opened <= newest) {
                        self.merge_block(whole, changes);
                    }
                }
                Item::Turn(turn) if turn.opened <= newest => self.merge_turn(turn, changes),
                Item::Turn(_) => {}
            }
        }
        if let Some(whole) = growing.filter(|whole| whole.opened <= newest) {
            self.merge_block(whole, changes);
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
            if held.rev >= block.rev && !mutant::is("ignores_rev") {
                if join_head(held, block.edition, block.from, &block.text) {
                    changes.note_block(&block.id).text.then(crate::TextChange::Replaced);
                }
                return;
            }
            let change = changes.note_block(&block.id);
            change.fields |= held.fields != block.fields;
            change.text.then(take_head(&mut block, held));
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
}
