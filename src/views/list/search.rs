//! The search box, and what it finds in place of the list.

use js_sys::Reflect;
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use web_sys::{HtmlElement, HtmlInputElement, ScrollIntoViewOptions, ScrollLogicalPosition};

use crate::model::{Finding, Model, SearchState};

use super::super::{
    element::{Has, element},
    part::{effect, find, focus, lines, view, words},
};

const FIELD: &str = "[data-search]";

/// Puts the focus into the search box.
pub(in super::super) fn focus_search() {
    if let Some(field) = focus(FIELD) {
        field.unchecked_into::<HtmlInputElement>().select();
    }
}

pub(super) fn field(model: &Model, drawer: &ArcRwSignal<bool>) -> AnyView {
    let (search, query, typist) = (model.search().clone(), model.search().query(), model.clone());
    let (model, drawer) = (model.clone(), drawer.clone());
    let active = {
        let (findings, chosen) = (search.findings(), search.chosen());
        move || findings.with(|findings| findings.get(chosen.get()).map(id_of)).unwrap_or_default()
    };
    let expanded = search.findings();
    let on_key = move |event: &web_sys::KeyboardEvent| {
        if event.is_composing() {
            return;
        }
        match event.key().as_str() {
            "ArrowDown" => search.step(true),
            "ArrowUp" => search.step(false),
            "Enter" => {
                let finding = search.findings().with_untracked(|findings| findings.get(search.chosen().get_untracked()).cloned());
                if let Some(finding) = finding {
                    model.open_finding(&finding);
                    drawer.set(false);
                }
            }
            // Of an empty box, Escape is somebody else's.
            "Escape" if search.query().with_untracked(String::is_empty) => {
                let _ = event_target::<HtmlElement>(event).blur();
                return;
            }
            "Escape" => {
                model.look_for(String::new());
                let _ = event_target::<HtmlElement>(event).blur();
                event.stop_propagation();
            }
            _ => return,
        }
        event.prevent_default();
    };
    let has = vec![
        Has::Is("type", "search"),
        Has::Is("role", "combobox"),
        Has::Is("aria-label", "Search sessions"),
        Has::Is("aria-controls", "found"),
        Has::Is("aria-autocomplete", "list"),
        Has::words("aria-expanded", move || (!expanded.with(Vec::is_empty)).to_string()),
        Has::words("aria-activedescendant", active),
        Has::Is("placeholder", "Search"),
        Has::Is("autocomplete", "off"),
        Has::Is("enterkeyhint", "search"),
        Has::Is("data-search", ""),
        Has::on("input", move |event| typist.look_for(event_target_value(&event))),
        Has::key(on_key),
    ];
    // What ends the search elsewhere empties the box, too.
    effect(move || {
        let query = query.get();
        if let Some(field) = find(FIELD).map(|field| field.unchecked_into::<HtmlInputElement>()).filter(|field| field.value() != query) {
            field.set_value(&query);
        }
    });
    view! {
        <div class="search" role="search">
            {element("input", has, Vec::new())}
            <kbd class="search-key" aria-hidden="true">{keys()}</kbd>
        </div>
    }
}

/// The keys that lead here, as they are called on this machine.
fn keys() -> &'static str {
    let navigator = Reflect::get(&js_sys::global(), &"navigator".into()).unwrap_or_default();
    let platform = Reflect::get(&navigator, &"platform".into()).ok().and_then(|platform| platform.as_string());
    if platform.is_some_and(|platform| platform.starts_with("Mac")) { "⌘K" } else { "Ctrl K" }
}

pub(super) fn results(model: &Model, drawer: &ArcRwSignal<bool>) -> AnyView {
    let search = model.search();
    let (findings, chosen) = (search.findings(), search.chosen());
    effect({
        let findings = findings.clone();
        move || {
            let chosen = chosen.get();
            let Some(item) = findings.with_untracked(|findings| findings.get(chosen).map(id_of)) else { return };
            if let Some(item) = document().get_element_by_id(&item) {
                let options = ScrollIntoViewOptions::new();
                options.set_block(ScrollLogicalPosition::Nearest);
                item.scroll_into_view_with_scroll_into_view_options(&options);
            }
        }
    });
    let (model, drawer) = (model.clone(), drawer.clone());
    view! {
        <div class="list">
            {standing(&model)}
            <ul id="found" class="rows" role="listbox" aria-label="Found">
                {lines(move || findings.get(), Finding::key, move |finding| result(&model, finding, &drawer))}
            </ul>
        </div>
    }
}

fn standing(model: &Model) -> AnyView {
    let (state, findings, query) = (model.search().state(), model.search().findings(), model.search().query());
    let word = {
        let state = state.clone();
        move || match state.get() {
            SearchState::Idle => "idle",
            SearchState::TooShort => "too-short",
            SearchState::Asking => "asking",
            SearchState::Answered => "answered",
            SearchState::Failed(_) => "failed",
        }
    };
    let sentence = move || match (state.get(), findings.with(Vec::len)) {
        (SearchState::Idle, _) => String::new(),
        (SearchState::TooShort, _) => "Type two letters to search the conversations, too.".to_owned(),
        (SearchState::Asking, _) => "Searching…".to_owned(),
        (SearchState::Answered, 0) => format!("Nothing was found for “{}”.", query.get().trim()),
        (SearchState::Answered, count) => format!("{count} found."),
        (SearchState::Failed(reason), _) => format!("The conversations were not searched: {reason}"),
    };
    view! { <p class="list-note" role="status" data-search-state=words(word)>{words(sentence)}</p> }
}

fn id_of(finding: &Finding) -> String {
    format!("found-{}", finding.key())
}

fn result(model: &Model, finding: Finding, drawer: &ArcRwSignal<bool>) -> AnyView {
    let (findings, chosen, id) = (model.search().findings(), model.search().chosen(), finding.key());
    let selected = move || findings.with(|findings| findings.get(chosen.get()).is_some_and(|held| held.key() == id)).to_string();
    let (model, drawer) = (model.clone(), drawer.clone());
    let pieces = finding.excerpt.iter().enumerate().map(|(at, piece)| {
        if at % 2 == 1 { element("mark", Vec::new(), vec![piece.clone().into_any()]) } else { piece.clone().into_any() }
    });
    let pieces: Vec<AnyView> = pieces.collect();
    let title = Some(finding.title.clone()).filter(|title| !title.is_empty()).unwrap_or_else(|| "Untitled".to_owned());
    let (key, option) = (finding.key(), id_of(&finding));
    let open = move |_| {
        model.open_finding(&finding);
        drawer.set(false);
    };
    let excerpt = (!pieces.is_empty()).then(|| element("span", vec![Has::Is("class", "excerpt")], pieces));
    let has = vec![
        Has::Is("class", "row finding"),
        Has::Is("role", "option"),
        Has::Text("id", option),
        Has::words("aria-selected", selected),
        Has::Text("data-finding", key),
        Has::on("click", open),
    ];
    let title = element("span", vec![Has::Is("class", "row-title")], vec![title.into_any()]);
    element("li", has, std::iter::once(title).chain(excerpt).collect())
}
