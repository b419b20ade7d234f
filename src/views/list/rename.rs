//! A session's name, typed where it stands.

use std::sync::Arc;

use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use web_sys::HtmlInputElement;

use crate::model::{ListRow, Model};

use super::super::part::{find, focus, key, press, soon, view};

/// One line at a time is given a name.
const FIELD: &str = "[data-rename]";

pub(super) fn field(model: &Model, row: &Arc<ListRow>) -> AnyView {
    let title = row.title.get_untracked();
    soon(move || {
        if let Some(field) = focus(FIELD).map(|field| field.unchecked_into::<HtmlInputElement>()) {
            field.set_value(&title);
            field.select();
        }
    });
    let (saver, left, leaver, id) = (model.clone(), model.clone(), model.clone(), row.session.clone());
    let save = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        if let Some(field) = find(FIELD) {
            saver.rename(&id, &field.unchecked_into::<HtmlInputElement>().value());
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
            <input type="text" aria-label="Name of the session" autocomplete="off" data-rename="" />
            <div class="line-buttons">
                <button type="submit" class="small primary" data-action="save">"Save"</button>
                <button type="button" class="small" data-action="leave" on:click=press(move |_| leaver.manage(None))>"Cancel"</button>
            </div>
        </form>
    }
}
