//! One turn: its blocks, and how it ended.

use std::sync::Arc;

use leptos::prelude::*;
use moorline_protocol::{TurnState, Usage};

use crate::model::{Model, Place, Screen, TurnRow, as_sentence};

use super::{
    block, gap,
    part::{button, lines, memo, part, press, view, words},
    transcript::new_mark,
};

pub(super) fn turn(model: &Model, screen: &Screen, row: &Arc<TurnRow>) -> AnyView {
    let (places, state) = (row.places.clone(), row.state.clone());
    let list = {
        let (model, screen, row) = (model.clone(), screen.clone(), Arc::clone(row));
        move |place: Place| match place {
            Place::Block(id) => screen.block(&id).map(|held| block::block(&model, &screen, &held, &row)).into_any(),
            Place::Gap(end) => gap::gap(&model, &screen, end),
            Place::New => new_mark(),
            Place::Later => view! { <p class="later" data-later="" aria-hidden="true">"…"</p> },
        }
    };
    view! {
        <article class="turn" data-turn=row.id.to_string() data-turn-state=words(move || word(state.get()))>
            {lines(move || places.get(), Place::key, list)}
            {footer(model, screen, row)}
        </article>
    }
}

const fn word(state: TurnState) -> &'static str {
    match state {
        TurnState::Queued => "queued",
        TurnState::Running => "running",
        TurnState::Stopping => "stopping",
        TurnState::Completed => "completed",
        TurnState::Failed => "failed",
        TurnState::Cancelled => "cancelled",
        TurnState::Interrupted => "interrupted",
        TurnState::Withdrawn => "withdrawn",
    }
}

fn footer(model: &Model, screen: &Screen, row: &Arc<TurnRow>) -> AnyView {
    let (model, screen, row, standing) = (model.clone(), screen.clone(), Arc::clone(row), screen.standing());
    let asks = memo(move || standing.with(|standing| !standing.waiting.is_empty()));
    part(move || {
        let reason = row.error.with(|error| error.as_ref().map(|error| error.message.clone()));
        match row.state.get() {
            TurnState::Queued | TurnState::Withdrawn => ().into_any(),
            TurnState::Completed => row.took.get().and_then(|(time, usage)| spent(time, &usage)).into_any(),
            TurnState::Running if asks.get() => working("Waiting for your answer"),
            TurnState::Running => working("Working…"),
            TurnState::Stopping => working("Stopping…"),
            TurnState::Cancelled => ended("Stopped.", reason),
            TurnState::Failed => view! { {ended("Failed.", reason)} {send_again(&model, &screen, &row)} },
            TurnState::Interrupted => {
                let reason = reason.or_else(|| Some("Nobody knows how far the agent came.".to_owned()));
                view! { {ended("Interrupted.", reason)} {send_again(&model, &screen, &row)} }
            }
        }
    })
}

/// What a turn took, if the agent told anything of it.
fn spent(time: u64, usage: &Usage) -> Option<AnyView> {
    if *usage == Usage::default() {
        return None;
    }
    let tokens =
        [(usage.input, "in"), (usage.output, "out")].into_iter().filter_map(|(tokens, way)| Some(format!("{} tokens {way}", tokens?)));
    let said: Vec<String> = std::iter::once(format!("{} s", time / 1_000)).chain(tokens).chain(usage.cost.clone()).collect();
    Some(view! { <p class="turn-foot spent" data-usage="">{said.join(" · ")}</p> })
}

fn working(word: &'static str) -> AnyView {
    view! { <p class="turn-foot working"><span class="spinner" aria-hidden="true"></span>{word}</p> }
}

fn ended(word: &'static str, reason: Option<String>) -> AnyView {
    view! {
        <p class="turn-foot ended">
            <strong>{word}</strong>
            {reason.map(|reason| " ".to_owned() + &as_sentence(&reason)).unwrap_or_default()}
        </p>
    }
}

fn send_again(model: &Model, screen: &Screen, row: &Arc<TurnRow>) -> AnyView {
    let (model, screen, turn) = (model.clone(), screen.clone(), row.id.clone());
    let again = move |_| {
        if let Some(text) = screen.message_text(&turn) {
            model.send_text(&text);
        }
    };
    button("again", "again", "Send again", press(again))
}
