//! A message whose event is not here yet, and where its send stands.

use std::sync::Arc;

use leptos::prelude::*;
use moorline_delivery::SendState;

use crate::model::{EchoRow, Model};

use super::{
    countdown::countdown,
    part::{button, part, press, view, words},
};

pub(super) fn echo(model: &Model, row: &Arc<EchoRow>) -> AnyView {
    let state = row.state.clone();
    view! {
        <div class="turn echo">
            <div class="message" data-message-id=row.message.to_string() data-send-state=words(move || state.with(word))>
                <span class="unseen">"You: "</span>
                <div class="text" data-text="">{row.text.clone()}</div>
                {line(model, row)}
            </div>
        </div>
    }
}

/// The word of the `data-send-state` attribute.
pub(super) const fn word(state: &SendState) -> &'static str {
    match state {
        SendState::Queued => "queued",
        SendState::Sending => "sending",
        SendState::Retrying { .. } => "retrying",
        SendState::Failed(_) => "failed",
        SendState::Withdrawing => "withdrawing",
        SendState::Accepted => "accepted",
    }
}

fn line(model: &Model, row: &Arc<EchoRow>) -> AnyView {
    let (model, row) = (model.clone(), Arc::clone(row));
    part(move || {
        let sentence = match row.state.get() {
            SendState::Queued => "Waiting to be sent".into_any(),
            SendState::Sending => "Sending…".into_any(),
            SendState::Retrying { at } => view! { "Not through yet. Next try in " {countdown(&model, at)} },
            SendState::Failed(failure) => view! { <strong>"Not sent. "</strong> {failure.message} },
            SendState::Withdrawing => "Taking back…".into_any(),
            SendState::Accepted => "Sent".into_any(),
        };
        view! {
            <div class="send-line">
                <span class="send-state">{sentence}</span>
                {row.state.with(|state| actions(&model, &row, state))}
            </div>
        }
    })
}

fn actions(model: &Model, row: &Arc<EchoRow>, state: &SendState) -> AnyView {
    let failed = matches!(state, SendState::Failed(_));
    let offered = failed || matches!(state, SendState::Queued | SendState::Retrying { .. });
    let (retry, edit, remove) = (model.clone(), model.clone(), model.clone());
    let id = || row.message.clone();
    let (retried, edited, removed) = (id(), id(), id());
    view! {
        {failed.then(|| button("small", "retry", "Retry", press(move |_| retry.retry(&retried))))}
        {offered.then(|| button("small", "edit", "Edit", press(move |_| edit.edit(&edited))))}
        {offered.then(|| button("small", "remove", "Remove", press(move |_| remove.remove(&removed))))}
    }
}
