//! Whether a session shall really go, asked where its line stands.

use std::sync::Arc;

use leptos::prelude::*;

use crate::model::{ListRow, Model};

use super::{
    super::part::{flag, focus, key, press, soon, view, words},
    row::shown,
};

pub(super) fn ask(model: &Model, row: &Arc<ListRow>) -> AnyView {
    soon(|| drop(focus("[data-action=keep]")));
    let (title, busy, id) = (Arc::clone(row), row.busy.clone(), row.session.clone());
    let (left, kept, deleted) = (model.clone(), model.clone(), model.clone());
    let leave = move |event: web_sys::KeyboardEvent| {
        if event.key() == "Escape" {
            event.prevent_default();
            event.stop_propagation();
            left.manage(None);
        }
    };
    view! {
        <div class="line-ask" role="alertdialog" aria-label="Delete this session?" data-ask="" on:keydown=key(leave)>
            <p>"Delete “"<strong>{words(move || shown(&title))}</strong>"” for good? Its conversation cannot be brought back."</p>
            <div class="line-buttons">
                <button type="button" class="small" data-action="keep" on:click=press(move |_| kept.manage(None))>"Keep"</button>
                <button type="button" class="small danger" data-action="delete" disabled=flag(move || busy.get()) on:click=press(move |_| deleted.delete(&id))>"Delete"</button>
            </div>
        </div>
    }
}
