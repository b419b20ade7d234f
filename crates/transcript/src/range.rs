//! A part of a block's text, for whoever holds only its tail.

use std::ops::Range;

use moorline_protocol::{BlockId, BlockText, Epoch, Limits};

use crate::{Transcript, text::end};

/// Why there is no such text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoText {
    /// There is no such block.
    UnknownBlock,
    /// The block's text is of another edition, this one.
    Edition(u32),
}

impl Transcript {
    /// Gives the part of a block's text between two UTF-8 offsets, from its beginning on at most [`Limits::text_bytes`] of it.
    ///
    /// An offset inside a character moves to the character's beginning, one behind the end to the end. Where something is asked
    /// for and there, at least one character is given, so that whoever goes on behind what was given gets to the end.
    ///
    /// # Errors
    /// [`NoText`] when the block, or the edition asked for, is not there.
    pub fn text(
        &self,
        block: &BlockId,
        edition: Option<u32>,
        asked: Range<u64>,
        limits: &Limits,
        epoch: &Epoch,
    ) -> Result<BlockText, NoText> {
        let held = self.block(block).ok_or(NoText::UnknownBlock)?;
        if edition.is_some_and(|edition| edition != held.edition) {
            return Err(NoText::Edition(held.edition));
        }
        let place = |offset: u64| boundary(&held.text, usize::try_from(offset.saturating_sub(held.from)).unwrap_or(usize::MAX));
        let start = place(asked.start);
        let wanted = held.text.get(start..place(asked.end)).unwrap_or_default();
        let first = wanted.chars().next().map_or(0, char::len_utf8);
        let text = wanted.get(..boundary(wanted, limits.text_bytes).max(first)).unwrap_or_default();
        let from = held.from.saturating_add(start as u64);
        Ok(BlockText { epoch: epoch.clone(), block: block.clone(), edition: held.edition, from, text: text.to_owned(), bytes: end(held) })
    }
}

/// The last beginning of a character that is not behind `at`, or the end.
fn boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
