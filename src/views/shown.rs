//! What of a block's text is in an element.

use moorline_protocol::Block;

/// What of a block's text is in an element.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Shown {
    edition: u32,
    from: u64,
    bytes: usize,
    /// Nothing more is written into the block.
    pub(super) is_closed: bool,
}

impl Shown {
    pub(super) fn of(block: &Block) -> Self {
        Self { edition: block.edition, from: block.from, bytes: block.text.len(), is_closed: block.fields.closed == Some(true) }
    }

    /// What of the block's text follows; none when it has to be shown anew.
    pub(super) fn rest(self, block: &Block) -> Option<&str> {
        let continues = block.edition == self.edition && block.from == self.from;
        block.text.get(self.bytes..).filter(|_| continues)
    }
}
