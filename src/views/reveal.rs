//! What was looked for, scrolled to and marked for a moment.

use leptos::{html, prelude::*};
use wasm_bindgen::JsCast as _;
use web_sys::{Element, HtmlElement, ScrollIntoViewOptions, ScrollLogicalPosition};

use crate::model::{Model, Screen};

use super::{
    disclosure::CLOSED,
    part::{effect, later, soon},
};

/// How long it stays marked.
const MARKED_MS: u32 = 2_500;
/// What the style sheet marks.
const MARK: &str = "data-found";

/// Follows what the model wants to be seen; the end is not followed any more.
pub(super) fn follow(model: &Model, screen: &Screen, pinned: &ArcRwSignal<bool>, scroller: NodeRef<html::Div>) {
    let (revealed, screen, pinned) = (model.revealed(), screen.clone(), pinned.clone());
    effect(move || {
        let (Some(block), Some(scroller)) = (revealed.get(), scroller.get()) else { return };
        if screen.block(&block).is_none() {
            return;
        }
        revealed.set(None);
        screen.set_at_end(false);
        pinned.set(false);
        // Its element may be made in this very task, behind this.
        soon(move || {
            if let Some(element) = scroller.query_selector(&format!("[data-block=\"{block}\"]")).ok().flatten() {
                show(&element);
            }
        });
    });
}

fn show(element: &Element) {
    // What was found may be folded away.
    if let Some(folded) = element.query_selector(CLOSED).ok().flatten() {
        folded.unchecked_into::<HtmlElement>().click();
    }
    let options = ScrollIntoViewOptions::new();
    options.set_block(ScrollLogicalPosition::Center);
    element.scroll_into_view_with_scroll_into_view_options(&options);
    let _ = element.set_attribute(MARK, "");
    let element = element.clone();
    later(MARKED_MS, move || drop(element.remove_attribute(MARK)));
}
