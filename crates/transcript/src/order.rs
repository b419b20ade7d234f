//! What was opened where.

use moorline_protocol::Seq;

use crate::named::Slot;

/// A turn or a block, by its number. Turns sort first, so that a turn stands before the message block opened at the same seq.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Numbered {
    Turn(Slot),
    Block(Slot),
}

/// A turn or block and where it was opened.
pub(crate) type Placed = (Seq, Numbered);

/// The turns and blocks of a journal in the order in which they were opened.
///
/// What is next to each other in a journal is next to each other here, and names are in none of it: a page of a long journal looks
/// at as many places in memory as one of a short journal, but for the few by which the longer list is halved.
#[derive(Debug, Clone, Default)]
pub(crate) struct Order {
    placed: Vec<Placed>,
    /// By the blocks' numbers.
    turns: Vec<Option<Slot>>,
}

impl Order {
    /// Adds a turn that was not there before.
    pub(crate) fn add_turn(&mut self, opened: Seq, turn: Slot) {
        self.add((opened, Numbered::Turn(turn)));
    }

    /// Adds a block that was not there before, and its turn, if that is there.
    pub(crate) fn add_block(&mut self, opened: Seq, block: Slot, turn: Option<Slot>) {
        self.add((opened, Numbered::Block(block)));
        if self.turns.len() <= block.index() {
            self.turns.resize(block.index() + 1, None);
        }
        self.turns[block.index()] = turn;
    }

    fn add(&mut self, placed: Placed) {
        // Near the end: only a fold brings several at once, in the order in which they were touched.
        let at = self.placed.iter().rposition(|there| *there < placed).map_or(0, |before| before + 1);
        self.placed.insert(at, placed);
    }

    /// What was opened in `from..before`.
    pub(crate) fn between(&self, from: Seq, before: Seq) -> &[Placed] {
        let end = self.placed.partition_point(|(opened, _)| *opened < before);
        let start = self.placed[..end].partition_point(|(opened, _)| *opened < from);
        &self.placed[start..end]
    }

    /// The turn that a block belongs to; a turn belongs to itself.
    pub(crate) fn turn_of(&self, numbered: Numbered) -> Option<Slot> {
        match numbered {
            Numbered::Turn(turn) => Some(turn),
            Numbered::Block(block) => self.turns.get(block.index()).copied().flatten(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::named::Named;

    proptest! {
        #[test]
        fn what_is_added_in_any_order_is_found_by_its_seq(seqs in vec(0..40_u64, 0..40), from in 0..45_u64, before in 0..45_u64) {
            let (mut order, mut named, mut expected) = (Order::default(), Named::default(), BTreeSet::new());
            for (n, opened) in seqs.into_iter().map(Seq::new).enumerate() {
                named.put(n, ());
                let (slot, turn) = (named.slot(&n).unwrap(), named.slot(&(n / 2)));
                if n % 3 == 0 {
                    order.add_turn(opened, slot);
                    expected.insert((opened, Numbered::Turn(slot)));
                } else {
                    order.add_block(opened, slot, turn);
                    expected.insert((opened, Numbered::Block(slot)));
                    prop_assert_eq!(order.turn_of(Numbered::Block(slot)), turn);
                }
            }
            let (from, before) = (Seq::new(from), Seq::new(before));
            expected.retain(|(opened, _)| (from..before).contains(opened));
            prop_assert!(order.between(from, before).iter().eq(&expected));
        }
    }
}
