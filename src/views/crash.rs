//! What is left when the program has panicked.

use leptos::prelude::*;

use crate::model::Model;

use super::part::part;

/// The button works without the program: start.js listens to it.
pub(super) fn banner(model: &Model) -> impl IntoView + use<> {
    let crash = model.crash();
    part(move || {
        crash.get().map(|message| {
            view! {
                <div class="banner crash" role="alert" data-crash="">
                    <p><strong>"This page has stopped working."</strong> " What you sent is stored and goes on after a reload."</p>
                    <button type="button" class="primary" data-reload="">"Reload"</button>
                    <details><summary>"Details"</summary><pre>{message}</pre></details>
                </div>
            }
        })
    })
}
