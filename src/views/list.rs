//! The session list, the search above it, and what is put away at its end.

mod age;
mod ask;
mod menu;
mod rename;
mod row;
mod search;

use leptos::prelude::*;
use moorline_protocol::SessionId;
use send_wrapper::SendWrapper;

use crate::{model::Model, timer::every};

use super::{
    disclosure::disclosure,
    help,
    part::{effect, focus, lines, memo, part, press, soon, view, words},
};

pub(super) use search::focus_search;

/// Between two looks at the clock: ages are told in minutes.
const LOOK_MS: u32 = 30_000;

pub(super) fn list(model: &Model, drawer: &ArcRwSignal<bool>) -> AnyView {
    let new_session = {
        let (model, drawer) = (model.clone(), drawer.clone());
        move |_| {
            model.select_new();
            drawer.set(false);
        }
    };
    return_focus(model);
    let query = model.search().query();
    let searches = memo(move || query.with(|query| !query.trim().is_empty()));
    let (results, rests) = (searches.clone(), searches);
    let (found, drawn) = (model.clone(), drawer.clone());
    view! {
        <nav id="sessions" class="sessions" aria-label="Sessions" data-searching=words(move || rests.get().to_string())>
            <div class="brand-line">
                <p class="brand"><span class="brand-mark" aria-hidden="true"></span>"Moorline"</p>
                {help::button(model)}
            </div>
            <button type="button" class="new-session" data-new-session="" on:click=press(new_session)>"New session"</button>
            {search::field(model, drawer)}
            {part(move || results.get().then(|| search::results(&found, &drawn)))}
            {all(model, drawer)}
        </nav>
    }
}

/// What the list holds when nothing is looked for; a search hides it, and it stays as it is.
fn all(model: &Model, drawer: &ArcRwSignal<bool>) -> AnyView {
    let ids = model.list().ids();
    let now = clock();
    let line = line(model, drawer, &now);
    view! {
        <div class="list list-all">
            {nothing(model)}
            <ul class="rows">{lines(move || ids.get(), ToString::to_string, line)}</ul>
            {archived(model, drawer, &now)}
        </div>
    }
}

fn line(model: &Model, drawer: &ArcRwSignal<bool>, now: &ArcRwSignal<u64>) -> impl Fn(SessionId) -> AnyView + Send + Sync + use<> {
    let (model, drawer, now) = (model.clone(), drawer.clone(), now.clone());
    move |id| model.list().row(&id).map(|line| row::row(&model, line, &drawer, &now)).into_any()
}

fn nothing(model: &Model) -> AnyView {
    let (ids, archived, told) = (model.list().ids(), model.list().archived(), model.list().told());
    let is_empty = memo(move || told.get() && ids.with(Vec::is_empty) && archived.with(Vec::is_empty));
    part(move || {
        is_empty.get().then(|| view! { <p class="list-note" data-no-sessions="">"No sessions yet. What you send begins one."</p> })
    })
}

/// What is put away, folded until it is looked for.
fn archived(model: &Model, drawer: &ArcRwSignal<bool>, now: &ArcRwSignal<u64>) -> AnyView {
    let list = model.list().archived();
    let line = std::sync::Arc::new(line(model, drawer, now));
    let count = list.clone();
    let is_there = memo({
        let count = count.clone();
        move || count.with(|ids| !ids.is_empty())
    });
    part(move || {
        let (count, list, line) = (count.clone(), list.clone(), line.clone());
        is_there.get().then(|| {
            let head = words(move || format!("Archived ({})", count.with(Vec::len))).into_any();
            let body = move || {
                let (list, line) = (list.clone(), line.clone());
                view! { <ul class="rows">{lines(move || list.get(), ToString::to_string, move |id| line(id))}</ul> }
            };
            view! { <div class="archived" data-archived="">{disclosure(head, body)}</div> }
        })
    })
}

/// The time, as often as ages need it.
fn clock() -> ArcRwSignal<u64> {
    let now = ArcRwSignal::new(wall());
    let looks = now.clone();
    let interval = SendWrapper::new(every(LOOK_MS, move || looks.set(wall())));
    on_cleanup(move || drop(interval.take()));
    now
}

/// Milliseconds since 1970.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the clock's milliseconds")]
fn wall() -> u64 {
    js_sys::Date::now() as u64
}

/// When something begun with a line is over, the focus goes back to its button; if the line is gone, to the one above the list.
fn return_focus(model: &Model) {
    let managed = model.list().managed();
    let mut last: Option<SessionId> = None;
    effect(move || {
        let now = managed.get();
        let Some(left) = std::mem::replace(&mut last, now.clone()).filter(|_| now.is_none()) else { return };
        let managed = managed.clone();
        // By then the line is as it will be.
        soon(move || {
            let active = document().active_element().filter(|active| active.tag_name() != "BODY");
            let is_elsewhere = active.is_some_and(|active| active.closest("#sessions").is_ok_and(|nav| nav.is_none()));
            if managed.with_untracked(Option::is_none) && !is_elsewhere {
                focus(&format!("[data-more=\"{left}\"]")).or_else(|| focus("[data-new-session]"));
            }
        });
    });
}
