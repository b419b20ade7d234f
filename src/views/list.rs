//! The session list.

use std::sync::Arc;

use leptos::prelude::*;

use crate::model::{ListRow, Model};

use super::part::{lines, part, press, view, word, words};

pub(super) fn list(model: &Model, drawer: &ArcRwSignal<bool>) -> AnyView {
    let ids = model.list().ids();
    let new_session = {
        let (model, drawer) = (model.clone(), drawer.clone());
        move |_| {
            model.select_new();
            drawer.set(false);
        }
    };
    let close = drawer.clone();
    let (rows, drawer) = (model.clone(), drawer.clone());
    view! {
        <nav id="sessions" class="sessions" aria-label="Sessions" on:keydown=move |event| if event.key() == "Escape" { close.set(false) }>
            <p class="brand"><span class="brand-mark" aria-hidden="true"></span>"Moorline"</p>
            <button type="button" class="new-session" data-new-session="" on:click=press(new_session)>"New session"</button>
            <ul class="rows">
                {lines(move || ids.get(), ToString::to_string, move |id| rows.list().row(&id).map(|line| row(&rows, line, &drawer)).into_any())}
            </ul>
        </nav>
    }
}

fn row(model: &Model, row: Arc<ListRow>, drawer: &ArcRwSignal<bool>) -> AnyView {
    let screen = model.screen();
    let id = row.session.clone();
    let current = move || screen.with(|screen| screen.as_ref().is_some_and(|screen| *screen.session() == id)).then_some("page");
    let select = {
        let (model, id, drawer) = (model.clone(), row.session.clone(), drawer.clone());
        move |_| {
            model.select(&id);
            drawer.set(false);
        }
    };
    let (title, running, waiting) = (row.title.clone(), row.running.clone(), row.waiting.clone());
    let mark = move || match (waiting.get(), running.get()) {
        (true, _) => Some(view! { <span class="mark mark-waiting" data-mark="waiting">"waiting for you"</span> }),
        (false, true) => Some(view! { <span class="mark mark-running" data-mark="running">"running"</span> }),
        (false, false) => None,
    };
    view! {
        <li>
            <a class="row" href=format!("#session={}", row.session) data-session-row=row.session.to_string() aria-current=word(current) on:click=press(select)>
                <span class="row-title">{words(move || Some(title.get()).filter(|title| !title.is_empty()).unwrap_or_else(|| "Untitled".to_owned()))}</span>
                {part(mark)}
            </a>
        </li>
    }
}
