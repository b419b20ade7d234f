//! A journal's transcript, whole, with what its snapshots are found by.

use std::collections::BTreeSet;

use moorline_protocol::{Block, Event};

use crate::{
    Changes, Transcript,
    order::{Numbered, Order, Placed},
    span::Spans,
};

/// The transcript of a journal from its first event on, as the gateway holds it: snapshots and pages are made of it.
///
/// Beside the transcript it keeps what those are found by, so that neither costs more in a long journal than in a short one.
/// A reader's [`Transcript`] does without.
#[derive(Debug, Clone, Default)]
pub struct WholeTranscript {
    pub(crate) transcript: Transcript,
    pub(crate) order: Order,
    pub(crate) spans: Spans,
    /// The blocks that are not closed, of turns that are not over.
    pub(crate) open: BTreeSet<Placed>,
    /// Emptied after each event.
    changes: Changes,
}

impl WholeTranscript {
    /// Makes an empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Applies the journal's next event, or a fold: each one, in order, from the first on.
    pub fn apply(&mut self, event: &Event) {
        self.transcript.apply(event, &mut self.changes);
        for (id, change) in self.changes.blocks() {
            let Some((slot, block)) = self.transcript.blocks.find(id) else { continue };
            let numbered = Numbered::Block(slot);
            if change.opened {
                self.order.add_block(block.opened, slot, self.transcript.turns.slot(&block.turn));
            }
            self.spans.note(block.opened, block.rev, numbered);
            let turn = self.order.turn_of(numbered).and_then(|turn| self.transcript.turns.at(turn));
            if block.fields.closed != Some(true) && turn.is_none_or(|turn| !turn.state.is_over()) {
                self.open.insert((block.opened, numbered));
            } else {
                self.open.remove(&(block.opened, numbered));
            }
        }
        for (id, change) in self.changes.turns() {
            let Some((slot, turn)) = self.transcript.turns.find(id) else { continue };
            if change.opened {
                self.order.add_turn(turn.opened, slot);
            }
            self.spans.note(turn.opened, turn.rev, Numbered::Turn(slot));
            if turn.state.is_over() {
                self.open.retain(|(_, block)| self.order.turn_of(*block) != Some(slot));
            }
        }
        self.changes.clear();
    }

    /// The transcript as its readers see it.
    #[must_use]
    pub const fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    /// The blocks that are not closed, of turns that are not over, by `opened`.
    pub(crate) fn open_blocks(&self) -> impl Iterator<Item = &Block> {
        self.open.iter().filter_map(|(_, numbered)| match numbered {
            Numbered::Turn(_) => None,
            Numbered::Block(block) => self.transcript.blocks.at(*block),
        })
    }
}
