//! A journal's transcript, whole, with what its snapshots are found by.

use moorline_protocol::{BlockId, Event};

use crate::{Changes, Transcript, entity::Entity, span::Spans, transcript::BySeq};

/// The transcript of a journal from its first event on, as the gateway holds it: snapshots and pages are made of it.
///
/// Beside the transcript it keeps what those are found by, so that neither costs more in a long journal than in a short one.
/// A reader's [`Transcript`] does without.
#[derive(Debug, Clone, Default)]
pub struct WholeTranscript {
    pub(crate) transcript: Transcript,
    pub(crate) spans: Spans,
    /// The blocks that are not closed, of turns that are not over.
    pub(crate) open: BySeq<BlockId>,
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
        for (id, _) in self.changes.blocks() {
            let Some(block) = self.transcript.block(id) else { continue };
            self.spans.note(block.opened, block.rev, || Entity::Block(id.clone()));
            let may_change =
                block.fields.closed != Some(true) && self.transcript.turn(&block.turn).is_none_or(|turn| !turn.state.is_over());
            let key = (block.opened, id.clone());
            if may_change {
                self.open.insert(key);
            } else {
                self.open.remove(&key);
            }
        }
        for (id, _) in self.changes.turns() {
            let Some(turn) = self.transcript.turn(id) else { continue };
            self.spans.note(turn.opened, turn.rev, || Entity::Turn(id.clone()));
            if turn.state.is_over() {
                self.open.retain(|(_, block)| self.transcript.block(block).is_some_and(|block| block.turn != *id));
            }
        }
        self.changes.clear();
    }

    /// The transcript as its readers see it.
    #[must_use]
    pub const fn transcript(&self) -> &Transcript {
        &self.transcript
    }
}
