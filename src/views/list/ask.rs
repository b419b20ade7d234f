//! Whether a session shall really go, asked where its line stands.

use std::sync::Arc;

use leptos::prelude::*;

use crate::model::{ListRow, Model};

use super::{
    super::{
        element::{Has, element},
        part::{button, flag, focus, press, soon, view, words},
    },
    row::shown,
};

pub(super) fn ask(model: &Model, row: &Arc<ListRow>) -> AnyView {
    soon(|| drop(focus("[data-action=keep]")));
    let (title, busy, id) = (Arc::clone(row), row.busy.clone(), row.session.clone());
    let (left, kept, deleted) = (model.clone(), model.clone(), model.clone());
    let leave = move |event: &web_sys::KeyboardEvent| {
        if event.key() == "Escape" {
            event.prevent_default();
            event.stop_propagation();
            left.manage(None);
        }
    };
    let question = view! {
        <p>"Delete “"<strong>{words(move || shown(&title))}</strong>"” for good? Its conversation cannot be brought back."</p>
        <div class="line-buttons">
            {button("small", "keep", "Keep", press(move |_| kept.manage(None)))}
            <button type="button" class="small danger" data-action="delete" disabled=flag(move || busy.get()) on:click=press(move |_| deleted.delete(&id))>"Delete"</button>
        </div>
    };
    let has = vec![
        Has::Is("class", "line-ask"),
        Has::Is("role", "alertdialog"),
        Has::Is("aria-label", "Delete this session?"),
        Has::Is("data-ask", ""),
        Has::key(leave),
    ];
    element("div", has, vec![question])
}
