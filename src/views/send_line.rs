//! Where a send stands in words, and what the user can do about it.

use leptos::prelude::*;
use moorline_delivery::{Failure, SendState};
use moorline_protocol::{MessageId, Millis};

use crate::model::{Model, SendLine, WaitsFor, as_sentence};

use super::{
    countdown::countdown,
    part::{button, press, view},
};

/// No attempt waits longer than this by itself.
const TOLD: Millis = Millis(8_000);

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

/// The line under a message or an answer. `is_edited`: its text can go back to the composer.
pub(super) fn send_line(model: &Model, message: &MessageId, line: &SendLine, is_edited: bool) -> AnyView {
    let SendLine { state, attempts, waits_for } = line;
    let sentence = match state {
        SendState::Queued => waits(*waits_for).into_any(),
        SendState::Sending => "Sending…".into_any(),
        SendState::Retrying { at } if at.since(model.now()) > TOLD => {
            view! { "The gateway asks to wait. Next try in " {countdown(model, *at)} }.into_any()
        }
        SendState::Retrying { at } => view! { "Not through yet. Next try in " {countdown(model, *at)} }.into_any(),
        SendState::Failed(failure) => failed(*attempts, failure),
        SendState::Withdrawing => "Taking back…".into_any(),
        SendState::Accepted => "Sent".into_any(),
    };
    let has_failed = matches!(state, SendState::Failed(_));
    let is_waiting = has_failed || matches!(state, SendState::Queued | SendState::Retrying { .. });
    view! {
        <div class="send-line" data-waits-for=(*state == SendState::Queued).then(|| waits_for.word())>
            <span class="send-state">{sentence}</span>
            {has_failed.then(|| action(model, message, "retry", "Retry", Model::retry))}
            {(is_waiting && is_edited).then(|| action(model, message, "edit", "Edit", Model::edit))}
            {is_waiting.then(|| action(model, message, "remove", "Remove", Model::remove))}
        </div>
    }
    .into_any()
}

const fn waits(waits_for: WaitsFor) -> &'static str {
    match waits_for {
        WaitsFor::Nothing => "Waiting to be sent",
        WaitsFor::Message => "Goes after the message before it",
        WaitsFor::Decision => "Held by a failed message before it: retry or remove that one",
        WaitsFor::Connection => "Goes once the gateway is reached",
        WaitsFor::Network => "Goes once this device is online",
        WaitsFor::Login => "Goes once you sign in",
        WaitsFor::Reload => "Goes after a reload of this page",
    }
}

/// Where nobody answered, the message may have arrived all the same: that it cannot arrive twice is what the user must know.
fn failed(attempts: u32, failure: &Failure) -> AnyView {
    let head = if attempts > 1 { format!("Failed after {attempts} attempts. ") } else { "Failed. ".to_owned() };
    let end = if failure.code.is_none() { " Retry is safe: it cannot arrive twice." } else { "" };
    view! { <strong>{head}</strong> {as_sentence(&failure.message)} {end} }.into_any()
}

fn action(model: &Model, message: &MessageId, word: &'static str, label: &'static str, act: fn(&Model, &MessageId)) -> AnyView {
    let (model, message) = (model.clone(), message.clone());
    button("small", word, label, press(move |_| act(&model, &message)))
}
