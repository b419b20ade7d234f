//! Copy: one listener for every button, on whatever code or output stands beside it.

use gloo_timers::callback::Timeout;
use leptos::prelude::*;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{Element, Event};

use crate::task::spawn;

use super::{
    markdown::dom::{add, set},
    part::view,
};

/// How long a button says what it did.
const SAID_MS: u32 = 2_000;

/// Adds a button to an element made by hand. Its words come from the styles: they are no part of the text.
pub(super) fn button(parent: &Element, label: &'static str) {
    let button = add(parent, "button", "copy");
    set(&button, "type", "button");
    set(&button, "data-copy", "");
    set(&button, "aria-label", label);
}

/// The same as a view.
pub(super) fn copy(label: &'static str) -> AnyView {
    view! { <button type="button" class="copy" data-copy="" aria-label=label></button> }
}

/// Copies what stands beside the button that was pressed, if one was; returns what to say of it aloud.
pub(super) fn press(event: &Event) -> Option<&'static str> {
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let button = target?.closest("[data-copy]").ok().flatten()?;
    let source = button.parent_element()?.query_selector("pre, [data-text]").ok().flatten()?;
    let is_copied = write(&source.text_content().unwrap_or_default());
    if !is_copied {
        select(&source);
    }
    set(&button, "data-copy", if is_copied { "copied" } else { "selected" });
    Timeout::new(SAID_MS, move || set(&button, "data-copy", "")).forget();
    Some(if is_copied { "Copied." } else { "Selected: copy it with a key." })
}

/// Whether there is a clipboard: pages without TLS have none.
fn write(text: &str) -> bool {
    let navigator = window().navigator();
    let has_clipboard = js_sys::Reflect::get(&navigator, &JsValue::from_str("clipboard")).is_ok_and(|clipboard| clipboard.is_object());
    if has_clipboard {
        let written = navigator.clipboard().write_text(text);
        // Refused where the user refuses it; there is nothing to be done then.
        spawn(async move { drop(wasm_bindgen_futures::JsFuture::from(written).await) });
    }
    has_clipboard
}

/// Marks the text, so that a key copies it.
fn select(element: &Element) {
    if let Ok(Some(selection)) = document().get_selection() {
        let _ = selection.select_all_children(element);
    }
}
