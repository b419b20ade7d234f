//! A block's text as an element that grows in place.

use std::sync::Arc;

use leptos::{html, prelude::*};
use moorline_protocol::Block;
use wasm_bindgen::JsCast as _;

use crate::model::{BlockRow, Screen};

use super::{
    growing::Shown,
    part::{effect, view},
};

/// An element whose text is exactly the block's, as far as the page holds it. What is appended is added to the text
/// node, so that a token costs the same in a long text as in a short one.
pub(super) fn live_text(screen: &Screen, row: &Arc<BlockRow>, class: &'static str) -> AnyView {
    let node = NodeRef::<html::Div>::new();
    let first = screen.with_block(&row.id, |block| (Shown::of(block), block.text.clone()));
    let (mut shown, text) = first.unwrap_or_default();
    let (screen, row) = (screen.clone(), Arc::clone(row));
    effect(move || {
        row.track_text();
        let element = node.get();
        let Some(text) = element.and_then(|element| element.first_child()).and_then(|child| child.dyn_into::<web_sys::Text>().ok()) else {
            return;
        };
        screen.with_block(&row.id, |block| shown = add(&text, shown, block));
    });
    view! { <div class=class data-text="" node_ref=node>{text}</div> }
}

fn add(text: &web_sys::Text, shown: Shown, block: &Block) -> Shown {
    let now = Shown::of(block);
    if now == shown {
        return shown;
    }
    match shown.rest(block) {
        // Refused only beyond the longest string that the browser can hold.
        Some(rest) => drop(text.append_data(rest)),
        None => text.set_data(&block.text),
    }
    now
}
