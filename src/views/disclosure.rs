//! What is folded away behind a button, and built when it is opened.
//!
//! The page's long lists are made of these, and a `<details>` costs several times as much: the browser builds a shadow tree
//! with a style sheet of its own into each.

use leptos::prelude::*;

use super::part::{part, press, view, words};

/// The buttons of all.
pub(super) const ANY: &str = "[data-disclosure]";
/// The buttons of those that are closed.
pub(super) const CLOSED: &str = "[data-disclosure][aria-expanded=false]";

/// A button with a head, and what it opens below it.
pub(super) fn disclosure(head: AnyView, body: impl Fn() -> AnyView + Send + 'static) -> AnyView {
    let is_open = ArcRwSignal::new(false);
    let (told, shown) = (is_open.clone(), is_open.clone());
    view! {
        <button
            type="button"
            class="disclosure"
            data-disclosure=""
            aria-expanded=words(move || if told.get() { "true" } else { "false" })
            on:click=press(move |_| is_open.update(|is_open| *is_open = !*is_open))
        >
            {head}
        </button>
        {part(move || shown.get().then(&body))}
    }
}
