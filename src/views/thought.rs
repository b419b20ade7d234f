//! The agent's thinking, folded away; its text is built when it is opened.

use std::sync::Arc;

use leptos::prelude::*;

use crate::model::{BlockRow, Screen};

use super::{
    markdown::markdown,
    part::{happens, part, view},
};

pub(super) fn thought(screen: &Screen, row: &Arc<BlockRow>) -> AnyView {
    let opened = ArcRwSignal::new(false);
    let toggled = opened.clone();
    let (screen, row) = (screen.clone(), Arc::clone(row));
    view! {
        <details class="thought" on:toggle=happens(move |event| toggled.set(is_open(&event)))>
            <summary>"Thinking"</summary>
            {part(move || opened.get().then(|| markdown(&screen, &row, "text markdown thought-text")))}
        </details>
    }
}

/// Whether the `<details>` that an event came from is open.
pub(super) fn is_open(event: &web_sys::Event) -> bool {
    event_target::<web_sys::Element>(event).has_attribute("open")
}
