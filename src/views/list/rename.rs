//! A session's name, typed where it stands.

use std::sync::Arc;

use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use web_sys::HtmlInputElement;

use crate::model::{ListRow, Model};

use super::super::{
    element::{Has, element},
    part::{button, find, focus, press, soon, view},
};

/// One line at a time is given a name.
const FIELD: &str = "[data-rename]";

pub(super) fn field(model: &Model, row: &Arc<ListRow>) -> AnyView {
    soon(|| {
        if let Some(field) = focus(FIELD) {
            field.unchecked_into::<HtmlInputElement>().select();
        }
    });
    let (saver, left, leaver, id) = (model.clone(), model.clone(), model.clone(), row.session.clone());
    let save = move |event: web_sys::Event| {
        event.prevent_default();
        if let Some(field) = find(FIELD) {
            saver.rename(&id, &field.unchecked_into::<HtmlInputElement>().value());
        }
    };
    let leave = move |event: &web_sys::KeyboardEvent| {
        if event.key() == "Escape" && !event.is_composing() {
            event.prevent_default();
            event.stop_propagation();
            left.manage(None);
        }
    };
    let buttons = view! {
        <div class="line-buttons">
            <button type="submit" class="small primary" data-action="save">"Save"</button>
            {button("small", "leave", "Cancel", press(move |_| leaver.manage(None)))}
        </div>
    };
    let field = vec![
        Has::Is("type", "text"),
        Has::Is("aria-label", "Name of the session"),
        Has::Is("autocomplete", "off"),
        Has::Text("value", row.title.get_untracked()),
        Has::Is("data-rename", ""),
    ];
    let has = vec![Has::Is("class", "rename"), Has::on("submit", save), Has::key(leave)];
    element("form", has, vec![element("input", field, Vec::new()), buttons])
}
