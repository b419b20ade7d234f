//! A question of the agent's: its options as buttons, or how it was settled.

use std::sync::Arc;

use leptos::prelude::*;
use moorline_protocol::{RequestOption, Settlement};
use wasm_bindgen::JsCast as _;

use crate::model::{Answering, BlockRow, Content, Model, Screen};

use super::{
    live_text::live_text,
    part::{flag, leave_for, part, press, view, words},
    send_line::{send_line, word},
};

/// Options that a key chooses.
const KEYS: usize = 4;

pub(super) fn request(
    model: &Model,
    screen: &Screen,
    row: &Arc<BlockRow>,
    title: &ArcRwSignal<String>,
    options: &ArcRwSignal<Vec<RequestOption>>,
    settled: &ArcRwSignal<Option<Settlement>>,
) -> AnyView {
    let (title, is_open) = (title.clone(), settled.clone());
    view! {
        <div class="request" role="group" aria-label="Request" data-open=words(move || is_open.with(Option::is_none).to_string())>
            <h3 data-title="">{words(move || title.get())}</h3>
            {live_text(screen, row, "text request-text")}
            {answer_part(model, screen, row, options, settled)}
        </div>
    }
}

fn answer_part(
    model: &Model,
    screen: &Screen,
    row: &Arc<BlockRow>,
    options: &ArcRwSignal<Vec<RequestOption>>,
    settled: &ArcRwSignal<Option<Settlement>>,
) -> AnyView {
    let (model, row, options, settled) = (model.clone(), Arc::clone(row), options.clone(), settled.clone());
    let (answers, id) = (screen.answers(), row.id.clone());
    part(move || match settled.get() {
        Some(Settlement::Answered { option, .. }) => {
            let name = options.with(|options| options.iter().find(|held| held.id == option).map(|held| held.name.clone()));
            view! { <p class="settled" data-settled="answered">"Answered: " <strong>{name.unwrap_or(option)}</strong></p> }
        }
        Some(Settlement::Cancelled) => view! { <p class="settled" data-settled="cancelled">"No answer is needed any more."</p> },
        None => {
            let chosen = answers.with(|answers| answers.iter().rev().find(|answer| answer.request == id).cloned());
            let is_closed = chosen.is_some();
            let buttons = options.with(|options| {
                options.iter().enumerate().map(|(at, option)| choice(&model, &row, option, at, is_closed)).collect::<Vec<_>>()
            });
            view! {
                <div class="options">{buttons}</div>
                {chosen.map(|answer| sending(&model, &answer))}
            }
        }
    })
}

fn choice(model: &Model, row: &Arc<BlockRow>, option: &RequestOption, at: usize, is_closed: bool) -> AnyView {
    let (model, request, id) = (model.clone(), row.id.clone(), option.id.clone());
    let class = if option.kind.starts_with("reject") { "option" } else { "option primary" };
    view! {
        <button type="button" class=class data-option=option.id.clone() disabled=flag(move || is_closed) on:click=press(move |event| {
            model.answer(&request, &id);
            leave_for("[data-transcript]", &event);
        })>
            {option.name.clone()}
            {(at < KEYS).then(|| view! { <kbd aria-hidden="true">{(at + 1).to_string()}</kbd> })}
        </button>
    }
}

/// Where the answer stands while the request does not know of it.
fn sending(model: &Model, answer: &Answering) -> AnyView {
    view! { <div data-send-state=word(&answer.line.state)>{send_line(model, &answer.message, &answer.line, false)}</div> }
}

/// Answers the oldest open request by the option that a digit names.
pub(super) fn answer_by_key(model: &Model, event: &web_sys::KeyboardEvent) {
    let digit = event.key().parse::<usize>().ok().filter(|digit| (1..=KEYS).contains(digit));
    let (Some(digit), Some(screen)) = (digit, model.screen().get_untracked()) else { return };
    let Some(request) = screen.standing().with_untracked(|standing| standing.waiting.first().cloned()) else { return };
    let is_answered = screen.answers().with_untracked(|answers| answers.iter().any(|answer| answer.request == request));
    let Some(row) = screen.block(&request).filter(|_| !is_answered) else { return };
    let Content::Request { options, .. } = &row.content else { return };
    if let Some(option) = options.with_untracked(|options| options.get(digit - 1).map(|option| option.id.clone())) {
        event.prevent_default();
        model.answer(&request, &option);
    }
}

/// Whether what is pressed is typed somewhere.
pub(super) fn is_typing(event: &web_sys::KeyboardEvent) -> bool {
    let target = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    target.is_some_and(|target| target.matches("input, textarea, select, [contenteditable]").unwrap_or(false))
}
