//! A session's name, typed where it stands.

use std::sync::Arc;

use leptos::{html, prelude::*};

use crate::model::{ListRow, Model};

use super::super::part::{effect, key, press, view};

pub(super) fn field(model: &Model, row: &Arc<ListRow>) -> AnyView {
    let node = NodeRef::<html::Input>::new();
    let title = row.title.get_untracked();
    effect(move || {
        if let Some(input) = node.get() {
            input.set_value(&title);
            let _ = input.focus();
            input.select();
        }
    });
    let (saver, left, leaver, id) = (model.clone(), model.clone(), model.clone(), row.session.clone());
    let save = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        if let Some(input) = node.get_untracked() {
            saver.rename(&id, &input.value());
        }
    };
    let leave = move |event: web_sys::KeyboardEvent| {
        if event.key() == "Escape" && !event.is_composing() {
            event.prevent_default();
            event.stop_propagation();
            left.manage(None);
        }
    };
    view! {
        <form class="rename" on:submit=save on:keydown=key(leave)>
            <input type="text" aria-label="Name of the session" autocomplete="off" data-rename="" node_ref=node />
            <div class="line-buttons">
                <button type="submit" class="small primary" data-action="save">"Save"</button>
                <button type="button" class="small" data-action="leave" on:click=press(move |_| leaver.manage(None))>"Cancel"</button>
            </div>
        </form>
    }
}
