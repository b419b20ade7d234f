//! On a narrow page the list is a drawer over the conversation: while it is open it has the focus to itself.

use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use web_sys::KeyboardEvent;

use super::part::{at_window, effect, find, focus, press, soon, view, words};

/// Where the list has a place of its own; the style sheet knows it, too.
const WIDE: &str = "(min-width: 48rem)";

/// Opens it where there is one.
pub(super) fn open(drawer: &ArcRwSignal<bool>) {
    if !is_wide() {
        drawer.set(true);
    }
}

fn is_wide() -> bool {
    web_sys::window().and_then(|window| window.match_media(WIDE).ok().flatten()).is_some_and(|media| media.matches())
}

/// Escape closes it, and so does a window that becomes wide. The focus goes in with it, and back to its button.
pub(super) fn attend(drawer: &ArcRwSignal<bool>) {
    let (by_key, by_size, opened) = (drawer.clone(), drawer.clone(), drawer.clone());
    at_window("keydown", move |event| {
        let event: KeyboardEvent = event.unchecked_into();
        // Of a dialog above it, Escape is the dialog's.
        let is_covered = find("dialog[open]").is_some();
        if event.key() == "Escape" && !event.default_prevented() && !is_covered && by_key.get_untracked() {
            by_key.set(false);
        }
    });
    at_window("resize", move |_| {
        if by_size.get_untracked() && is_wide() {
            by_size.set(false);
        }
    });
    let mut was_open = false;
    effect(move || {
        let is_open = opened.get();
        if std::mem::replace(&mut was_open, is_open) != is_open {
            if let Some(main) = find(".main") {
                let _ = main.toggle_attribute_with_force("inert", is_open);
            }
            // What is not visible yet takes no focus.
            soon(move || drop(focus(if is_open { "[data-new-session]" } else { ".menu" })));
        }
    });
}

pub(super) fn button(drawer: &ArcRwSignal<bool>) -> AnyView {
    let (open, expanded) = (drawer.clone(), drawer.clone());
    view! {
        <button
            type="button"
            class="menu quiet"
            aria-controls="sessions"
            aria-expanded=words(move || expanded.get().to_string())
            on:click=press(move |_| open.update(|open| *open = !*open))
        >
            <span class="menu-lines" aria-hidden="true"></span>
            <span class="unseen">"Sessions"</span>
        </button>
    }
}
