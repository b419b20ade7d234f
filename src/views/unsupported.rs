//! A block of a kind that this version does not know.

use leptos::prelude::*;

use super::part::{view, words};

pub(super) fn unsupported(title: &ArcRwSignal<String>) -> AnyView {
    let title = title.clone();
    view! {
        <p class="unsupported">
            "This page is too old to show " <code data-title="">{words(move || title.get())}</code> ". Reload it to get the newest version."
        </p>
    }
}
