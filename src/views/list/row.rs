//! One line of the list.

use std::sync::Arc;

use leptos::prelude::*;

use crate::model::{ListRow, Model, Step};

use super::{
    super::{
        element::{Has, element},
        part::{memo, part, press, view, word, words},
    },
    age::age,
    ask, menu, rename,
};

pub(super) fn row(model: &Model, row: Arc<ListRow>, drawer: &ArcRwSignal<bool>, now: &ArcRwSignal<u64>) -> AnyView {
    let (named, step) = (row.step.clone(), row.step.clone());
    let is_named = memo(move || named.get() == Some(Step::Rename));
    let open_menu = {
        let (model, id) = (model.clone(), row.session.clone());
        move |event: web_sys::Event| {
            event.prevent_default();
            model.manage(Some((&id, Step::Menu)));
        }
    };
    let title = {
        let (model, row, drawer, now) = (model.clone(), Arc::clone(&row), drawer.clone(), now.clone());
        part(move || if is_named.get() { rename::field(&model, &row) } else { link(&model, &row, &drawer, &now) })
    };
    let more = more(model, &row);
    let model = model.clone();
    let below = part(move || match step.get() {
        Some(Step::Menu) => menu::menu(&model, &row),
        Some(Step::Delete) => view! { {ask::ask(&model, &row)} {outcome(&row)} },
        Some(Step::Rename) | None => outcome(&row),
    });
    element("li", vec![Has::Is("class", "line"), Has::on("contextmenu", open_menu)], vec![title, more, below])
}

fn link(model: &Model, row: &Arc<ListRow>, drawer: &ArcRwSignal<bool>, now: &ArcRwSignal<u64>) -> AnyView {
    let screen = model.screen();
    let id = row.session.clone();
    let current = move || screen.with(|screen| screen.as_ref().is_some_and(|screen| *screen.session() == id)).then_some("page");
    let select = {
        let (model, id, drawer) = (model.clone(), row.session.clone(), drawer.clone());
        move |event: web_sys::MouseEvent| {
            // With these the browser opens it in another tab.
            if !event.ctrl_key() && !event.meta_key() && !event.shift_key() {
                event.prevent_default();
                model.select(&id);
                drawer.set(false);
            }
        }
    };
    let title = Arc::clone(row);
    view! {
        <a class="row" href=format!("#session={}", row.session) data-session-row=row.session.to_string() aria-current=word(current) on:click=press(select)>
            <span class="row-title">{words(move || shown(&title))}</span>
            {note(row, now)}
        </a>
    }
}

/// A line's title, or what stands for one.
pub(super) fn shown(row: &ListRow) -> String {
    Some(row.title.get()).filter(|title| !title.is_empty()).unwrap_or_else(|| "Untitled".to_owned())
}

/// The second line: what it is at, or when it last was at something.
fn note(row: &Arc<ListRow>, now: &ArcRwSignal<u64>) -> AnyView {
    let (row, now) = (Arc::clone(row), now.clone());
    part(move || {
        let mark = match (row.waiting.get(), row.running.get(), row.unread.get()) {
            (true, ..) => Some(("waiting", "mark mark-waiting", "waiting for you")),
            (false, true, _) => Some(("running", "mark mark-running", "running")),
            (false, false, true) => Some(("unread", "mark mark-unread", "new")),
            (false, false, false) => None,
        };
        let (pinned, changed_at, now) = (row.pinned.clone(), row.changed_at.clone(), now.clone());
        let quiet = words(move || {
            let age = if mark.is_some() { String::new() } else { age(changed_at.get(), now.get()) };
            match (pinned.get(), age.is_empty()) {
                (true, true) => "Pinned".to_owned(),
                (true, false) => "Pinned · ".to_owned() + &age,
                (false, _) => age,
            }
        });
        view! {
            <span class="row-note">
                {mark.map(|(word, class, words)| view! { <span class=class data-mark=word>{words}</span> })}
                <span class="row-age" data-age="">{quiet}</span>
            </span>
        }
    })
}

fn more(model: &Model, row: &Arc<ListRow>) -> AnyView {
    let (expanded, step) = (row.step.clone(), row.step.clone());
    let (model, id, title) = (model.clone(), row.session.clone(), Arc::clone(row));
    let toggle = move |_| {
        let is_open = step.get_untracked() == Some(Step::Menu);
        model.manage((!is_open).then_some((&id, Step::Menu)));
    };
    let has = vec![
        Has::Is("type", "button"),
        Has::Is("class", "more quiet"),
        Has::Text("data-more", row.session.to_string()),
        Has::Is("aria-haspopup", "menu"),
        Has::words("aria-expanded", move || (expanded.get() == Some(Step::Menu)).to_string()),
        Has::words("aria-label", move || "More for ".to_owned() + &shown(&title)),
        Has::on("click", toggle),
    ];
    element("button", has, vec![element("span", vec![Has::Is("class", "more-dots"), Has::Is("aria-hidden", "true")], Vec::new())])
}

/// What is under way, or why the last thing did not happen.
fn outcome(row: &Arc<ListRow>) -> AnyView {
    let (busy, trouble) = (row.busy.clone(), row.trouble.clone());
    part(move || match (busy.get(), trouble.get()) {
        (true, _) => view! { <p class="line-note" role="status" data-line-busy="">"Asking the gateway…"</p> }.into_any(),
        (false, Some(trouble)) => view! { <p class="line-note line-trouble" role="status" data-line-trouble="">{trouble}</p> }.into_any(),
        (false, None) => ().into_any(),
    })
}
