//! A block's markdown as elements that grow in place.

mod code;
mod colour;
pub(super) mod dom;
mod draw;
mod sheet;

use std::sync::Arc;

use leptos::{html, prelude::*};
use moorline_protocol::Block;
use web_sys::Element;

use crate::model::{BlockRow, Screen};

use super::{
    part::{effect, view},
    shown::Shown,
};
use sheet::Sheet;

/// An element that shows the block's text as markdown, as far as the page holds it. Its text is what
/// [`moorline_markup::plain`] says. A token costs what the open tail costs; what is finished is not touched again.
pub(super) fn markdown(screen: &Screen, row: &Arc<BlockRow>, class: &'static str) -> AnyView {
    let node = NodeRef::<html::Div>::new();
    let (screen, id, rev) = (screen.clone(), row.id.clone(), row.rev.clone());
    let mut held: Option<(Shown, Sheet)> = None;
    effect(move || {
        rev.track();
        let Some(element) = node.get() else { return };
        screen.with_block(&id, |block| held = Some(show(&element, held.take(), block)));
    });
    view! { <div class=class data-text="" node_ref=node></div> }
}

fn show(element: &Element, held: Option<(Shown, Sheet)>, block: &Block) -> (Shown, Sheet) {
    let now = Shown::of(block);
    let (mut sheet, rest) = match held {
        Some((shown, sheet)) if shown == now => return (shown, sheet),
        // What is finished does not go on.
        Some((shown, sheet)) if !shown.is_closed && shown.rest(block).is_some() => (sheet, shown.rest(block).unwrap_or_default()),
        Some(_) | None => (Sheet::new(element), block.text.as_str()),
    };
    sheet.push(rest);
    if now.is_closed {
        sheet.finish();
    }
    (now, sheet)
}
