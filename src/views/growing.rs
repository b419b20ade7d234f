//! Elements that grow as the text of their block does: what is appended costs what it adds.

use std::sync::Arc;

use leptos::{html, prelude::*};
use moorline_protocol::Block;
use web_sys::Element;

use super::part::effect;
use crate::model::{BlockRow, Screen};

/// What shows a text in an element, piece by piece.
pub(super) trait Sheet: Sized + 'static {
    /// Empties the element and begins.
    fn new(host: &Element) -> Self;
    /// Shows what follows.
    fn push(&mut self, text: &str);
    /// Nothing more follows.
    fn finish(&mut self) {}
}

/// Shows a block's text in an element, as far as the page holds it, on a sheet of one kind. A text that does not go on where it
/// ended, or that had ended, begins anew.
pub(super) fn grow<S: Sheet>(screen: &Screen, row: &Arc<BlockRow>, node: NodeRef<html::Div>) {
    let (screen, row) = (screen.clone(), Arc::clone(row));
    let mut held: Option<(Shown, S)> = None;
    effect(move || {
        row.track_text();
        let Some(element) = node.get() else { return };
        screen.with_block(&row.id, |block| held = Some(show(&element, held.take(), block)));
    });
}

fn show<S: Sheet>(element: &Element, held: Option<(Shown, S)>, block: &Block) -> (Shown, S) {
    let now = Shown::of(block);
    let (mut sheet, rest) = match held {
        Some((shown, sheet)) if shown == now => return (shown, sheet),
        Some((shown, sheet)) if !shown.is_closed && shown.rest(block).is_some() => (sheet, shown.rest(block).unwrap_or_default()),
        Some(_) | None => (S::new(element), block.text.as_str()),
    };
    sheet.push(rest);
    if now.is_closed {
        sheet.finish();
    }
    (now, sheet)
}

/// What of a block's text is in an element.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Shown {
    edition: u32,
    from: u64,
    bytes: usize,
    /// Nothing more is written into the block.
    is_closed: bool,
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
