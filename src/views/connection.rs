//! The one quiet line about the connection, and what the user can do about it.

use leptos::prelude::*;
use moorline_delivery::Trouble;
use wasm_bindgen::JsCast as _;

use crate::{
    model::{Model, Said, Status},
    task::spawn,
};

use super::{
    countdown::countdown,
    diagnostics,
    part::{happens, memo, part, press, view, word, words},
};

/// The line: a mark, a sentence, the number of waiting sends. It opens the diagnostics.
pub(super) fn line(model: &Model) -> AnyView {
    let opened = ArcRwSignal::new(false);
    let (toggled, expanded, closed) = (opened.clone(), opened.clone(), opened.clone());
    let (said, trouble, waiting) = (model.said(), model.trouble(), model.sends_waiting());
    let state = said.clone();
    let panel = {
        let (model, opened) = (model.clone(), opened.clone());
        part(move || opened.get().then(|| diagnostics::panel(&model, &opened)))
    };
    let model = model.clone();
    let sentence = move || match said.get() {
        Said { status: Status::Reconnecting, next_try: Some(at) } => view! { "Reconnecting in " {countdown(&model, at)} }.into_any(),
        Said { status, .. } => sentence(status).into_any(),
    };
    let close_by_key = happens(move |event| {
        let event: web_sys::KeyboardEvent = event.unchecked_into();
        if event.key() == "Escape" && closed.get_untracked() {
            event.stop_propagation();
            close(&closed, &event);
        }
    });
    view! {
        <div class="standing" on:keydown=close_by_key>
            <button
                type="button"
                class="connection quiet"
                title="Diagnostics"
                aria-controls="diagnostics"
                aria-expanded=words(move || expanded.get().to_string())
                data-connection=words(move || state.get().status.word())
                data-trouble=word(move || trouble.get().map(trouble_word))
                on:click=press(move |_| toggled.update(|opened| *opened = !*opened))
            >
                <span class="connection-mark" aria-hidden="true"></span>
                <span class="connection-sentence">{part(sentence)}</span>
                {part(move || Some(waiting.get()).filter(|n| *n > 0).map(|n| view! { <span class="connection-waiting" data-waiting=n.to_string()>{n} " waiting"</span> }))}
            </button>
            {panel}
        </div>
    }
}

/// Closes the diagnostics and leaves the focus where they were opened.
pub(super) fn close(opened: &ArcRwSignal<bool>, event: &web_sys::Event) {
    opened.set(false);
    let within = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    let line = within.and_then(|element| element.closest(".standing").ok()?).and_then(|frame| frame.query_selector(".connection").ok()?);
    if let Some(line) = line {
        let _ = line.unchecked_into::<web_sys::HtmlElement>().focus();
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
        Status::Deleted => "Deleted",
    }
}

/// The word of the `data-trouble` attribute.
const fn trouble_word(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::NoSlot => "no-slot",
        Trouble::Withheld => "withheld",
    }
}

/// What stands in the way, and the remedy.
pub(super) const fn trouble_sentence(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::NoSlot => "Four other tabs already use the connections this browser allows; close one of them.",
        Trouble::Withheld => "Something between this page and the gateway holds its data back; the page goes on trying.",
    }
}

/// What to do where the page cannot go on by itself.
pub(super) fn remedy(model: &Model) -> AnyView {
    let (status, trouble, model) = (model.status(), model.trouble(), model.clone());
    let stuck = memo(move || Some(status.get()).filter(|status| matches!(status, Status::SignedOut | Status::Incompatible)));
    part(move || match (stuck.get(), trouble.get()) {
        (Some(Status::SignedOut), _) => sign_in(&model).into_any(),
        (Some(_), _) => view! {
            <div class="banner">
                <p>"This page and the gateway are of different versions. What waits to be sent is kept."</p>
                <button type="button" data-reload="">"Reload"</button>
            </div>
        }
        .into_any(),
        (None, Some(trouble)) => view! { <div class="banner"><p>{trouble_sentence(trouble)}</p></div> }.into_any(),
        (None, None) => ().into_any(),
    })
}

fn sign_in(model: &Model) -> AnyView {
    let (token, error) = (ArcRwSignal::new(String::new()), ArcRwSignal::new(None::<String>));
    let (typed, value, complaint) = (token.clone(), token.clone(), error.clone());
    let model = model.clone();
    let submit = happens(move |event| {
        event.prevent_default();
        let Some(answer) = model.sign_in(token.get_untracked().trim()) else { return };
        let error = error.clone();
        spawn(async move { error.set(answer.await.err()) });
    });
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
                    on:input=happens(move |event| typed.set(event_target_value(&event)))
                />
                <button type="submit" class="primary" data-action="sign-in">"Sign in"</button>
            </div>
            {part(move || complaint.get().map(|complaint| view! { <p class="refusal">{complaint}</p> }))}
        </form>
    }
}
