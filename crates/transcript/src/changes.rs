//! What changed, for a keyed view.

use std::collections::BTreeMap;

use moorline_protocol::{BlockId, TurnId};

/// What some inputs changed, enough for a keyed view to do work in proportion to it.
///
/// Inputs add to it until the view has read it and calls [`Changes::clear`]; a turn or block touched often stands in it
/// once, at its first touch. The values themselves are read from the [`Transcript`](crate::Transcript).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    reset: bool,
    order: bool,
    gaps: bool,
    turns: Touched<TurnId, TurnChange>,
    blocks: Touched<BlockId, BlockChange>,
}

/// What changed about a turn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TurnChange {
    /// It was not there before.
    pub opened: bool,
}

/// What changed about a block.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BlockChange {
    /// It was not there before; everything about it is new.
    pub opened: bool,
    /// Some of its fields changed.
    pub fields: bool,
    /// What changed about its text.
    pub text: TextChange,
}

/// What changed about a block's text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TextChange {
    /// Nothing.
    #[default]
    Same,
    /// It goes on from this byte index of `text`; what stands before is unchanged.
    Appended {
        /// The length of `text` before.
        at: usize,
    },
    /// It is another text, or gained a beginning.
    Replaced,
}

impl Changes {
    /// Makes an empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.reset = false;
        self.order = false;
        self.gaps = false;
        self.turns.clear();
        self.blocks.clear();
    }

    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.reset && !self.order && !self.gaps && self.turns.list.is_empty() && self.blocks.list.is_empty()
    }

    /// Whether everything from before is void; what else stands here came after that.
    #[must_use]
    pub const fn reset(&self) -> bool {
        self.reset
    }

    /// Whether the turns shown or their order changed.
    #[must_use]
    pub const fn order(&self) -> bool {
        self.order
    }

    /// Whether the gaps changed.
    #[must_use]
    pub const fn gaps(&self) -> bool {
        self.gaps
    }

    /// The turns touched, in the order of their first touch.
    pub fn turns(&self) -> impl Iterator<Item = (&TurnId, TurnChange)> {
        self.turns.list.iter().map(|(id, change)| (id, *change))
    }

    /// The blocks touched, in the order of their first touch.
    pub fn blocks(&self) -> impl Iterator<Item = (&BlockId, BlockChange)> {
        self.blocks.list.iter().map(|(id, change)| (id, *change))
    }

    pub(crate) fn note_reset(&mut self) {
        self.clear();
        self.reset = true;
        self.order = true;
        self.gaps = true;
    }

    pub(crate) fn note_order(&mut self) {
        self.order = true;
    }

    pub(crate) fn note_gaps(&mut self) {
        self.gaps = true;
    }

    pub(crate) fn note_turn(&mut self, turn: &TurnId) -> &mut TurnChange {
        self.turns.at(turn)
    }

    pub(crate) fn note_block(&mut self, block: &BlockId) -> &mut BlockChange {
        self.blocks.at(block)
    }
}

impl TextChange {
    /// Adds a later change to this one.
    pub(crate) fn then(&mut self, later: Self) {
        *self = match (*self, later) {
            (earlier, Self::Same) => earlier,
            (Self::Same, later) => later,
            (earlier @ Self::Appended { .. }, Self::Appended { .. }) => earlier,
            (Self::Replaced, _) | (_, Self::Replaced) => Self::Replaced,
        };
    }
}

/// A list in order of first touch, with one entry a key.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Touched<K, V> {
    list: Vec<(K, V)>,
    places: BTreeMap<K, usize>,
}

impl<K, V> Default for Touched<K, V> {
    fn default() -> Self {
        Self { list: Vec::new(), places: BTreeMap::new() }
    }
}

impl<K: Ord + Clone, V: Default> Touched<K, V> {
    fn clear(&mut self) {
        self.list.clear();
        self.places.clear();
    }

    fn at(&mut self, key: &K) -> &mut V {
        let end = self.list.len();
        // A stream touches the same block many times in a row.
        let place = match self.list.last() {
            Some((last, _)) if last == key => end - 1,
            _ => *self.places.entry(key.clone()).or_insert(end),
        };
        if place == end {
            self.list.push((key.clone(), V::default()));
        }
        &mut self.list[place].1
    }
}
