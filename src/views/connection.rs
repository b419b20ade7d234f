//! The one quiet line about the connection, and what the user can do about it.

use leptos::prelude::*;
use moorline_delivery::LinkStatus;
use wasm_bindgen_futures::spawn_local;

use crate::model::{Model, Status};

use super::{
    countdown::countdown,
    part::{part, view, words},
};

/// The line: a mark, a sentence, the number of waiting sends.
pub(super) fn line(model: &Model) -> AnyView {
    let (status, link, waiting) = (model.status(), model.link(), model.sends_waiting());
    let word = status.clone();
    let model = model.clone();
    let sentence = move || match (status.get(), link.get()) {
        (Status::Reconnecting, LinkStatus::Waiting { until }) => view! { "Reconnecting in " {countdown(&model, until)} },
        (status, _) => sentence(status).into_any(),
    };
    view! {
        <p class="connection" data-connection=words(move || word.get().word())>
            <span class="connection-mark" aria-hidden="true"></span>
            <span class="connection-sentence">{part(sentence)}</span>
            {part(move || Some(waiting.get()).filter(|n| *n > 0).map(|n| view! { <span class="connection-waiting" data-waiting=n.to_string()>{n.to_string()} " waiting"</span> }))}
        </p>
    }
}

/// The status in a few words.
pub(super) const fn sentence(status: Status) -> &'static str {
    match status {
        Status::Live => "Live",
        Status::CatchingUp => "Catching up…",
        Status::Reconnecting => "Connecting…",
        Status::Offline => "Offline",
        Status::SignedOut => "Signed out",
        Status::Incompatible => "Reload needed",
    }
}

/// What to do where the page cannot go on by itself.
pub(super) fn remedy(model: &Model) -> AnyView {
    let (status, model) = (model.status(), model.clone());
    part(move || match status.get() {
        Status::SignedOut => sign_in(&model),
        Status::Incompatible => view! {
            <div class="banner">
                <p>"This page and the gateway are of different versions. What waits to be sent is kept."</p>
                <button type="button" data-reload="">"Reload"</button>
            </div>
        },
        Status::Live | Status::CatchingUp | Status::Reconnecting | Status::Offline => ().into_any(),
    })
}

fn sign_in(model: &Model) -> AnyView {
    let (token, error) = (ArcRwSignal::new(String::new()), ArcRwSignal::new(None::<String>));
    let (typed, value, complaint) = (token.clone(), token.clone(), error.clone());
    let model = model.clone();
    let submit = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        let Some(answer) = model.sign_in(token.get_untracked().trim()) else { return };
        let error = error.clone();
        spawn_local(async move { error.set(answer.await.err()) });
    };
    view! {
        <form class="banner sign-in" on:submit=submit>
            <label for="token">"Sign in with the token that the gateway printed"</label>
            <div class="sign-in-field">
                <input
                    id="token"
                    type="password"
                    autocomplete="current-password"
                    data-token=""
                    prop:value=words(move || value.get())
                    on:input=move |event| typed.set(event_target_value(&event))
                />
                <button type="submit" class="primary" data-action="sign-in">"Sign in"</button>
            </div>
            {part(move || complaint.get().map(|complaint| view! { <p class="refusal">{complaint}</p> }))}
        </form>
    }
}
