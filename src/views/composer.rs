//! Where the user types.

use std::{cell::Cell, rc::Rc};

use leptos::prelude::*;
use moorline_delivery::DropReason;
use wasm_bindgen::JsCast as _;

use crate::model::{Model, Screen};

use super::{
    agent,
    part::{flag, happens, leave_for, memo, part, press, soon, view, words},
    plan,
};

/// What a keydown of an input method says when it does not say that it composes.
const COMPOSING_KEY: u32 = 229;

const NOT_SAVED: &str = "Not saved: this browser refuses to store what waits to be sent. Keep this tab open until it is sent.";

pub(super) fn composer(model: &Model, screen: &Screen) -> AnyView {
    let draft = model.draft().unwrap_or_default();
    let (value, emptiness) = (draft.clone(), draft);
    let (refusal, not_saved) = (model.refusal(), model.not_saved());
    let type_in = {
        let model = model.clone();
        happens(move |event| model.set_draft(event_target_value(&event)))
    };
    // Some browsers tell of the key that ended a composition only behind its end.
    let has_composed = Rc::new(Cell::new(false));
    let on_composed = {
        let has_composed = Rc::clone(&has_composed);
        happens(move |_| {
            has_composed.set(true);
            let has_composed = Rc::clone(&has_composed);
            soon(move || has_composed.set(false));
        })
    };
    let on_key = {
        let model = model.clone();
        happens(move |event| {
            let event: web_sys::KeyboardEvent = event.unchecked_into();
            let composes = event.is_composing() || event.key_code() == COMPOSING_KEY || has_composed.get();
            if event.key() == "Enter" && !event.shift_key() && !composes {
                event.prevent_default();
                model.send_draft();
            } else if event.key() == "Escape" && !composes {
                let _ = event_target::<web_sys::HtmlElement>(&event).blur();
            }
        })
    };
    let submit = {
        let model = model.clone();
        happens(move |event| {
            event.prevent_default();
            model.send_draft();
        })
    };
    let is_empty = move || emptiness.with(|draft| draft.trim().is_empty());
    view! {
        <form class="composer" on:submit=submit>
            {plan::panel(screen)}
            {agent::agent(model, screen)}
            {agent::commands(model, screen)}
            {part(move || not_saved.get().then(|| view! { <p class="not-saved" data-not-saved="">{NOT_SAVED}</p> }))}
            {part(move || refusal.get().map(|reason| {
                let (word, sentence) = refused(reason);
                view! { <p class="refusal" id="refusal" data-refusal=word>{sentence}</p> }
            }))}
            <div class="composer-field">
                <textarea
                    data-composer=""
                    rows="1"
                    aria-label="Message"
                    aria-describedby="refusal"
                    placeholder="Message the agent"
                    autocomplete="off"
                    prop:value=words(move || value.get())
                    on:input=type_in
                    on:keydown=on_key
                    on:compositionend=on_composed
                ></textarea>
                <div class="composer-buttons">
                    {stop(model, screen)}
                    {send_now(model, screen)}
                    <button type="submit" class="primary" data-send="" disabled=flag(is_empty)>"Send"</button>
                </div>
            </div>
            <p class="hint" aria-hidden="true">"Enter sends, Shift+Enter makes a new line."</p>
        </form>
    }
}

/// While a turn is at work, what is typed may go at once in its place.
fn send_now(model: &Model, screen: &Screen) -> AnyView {
    let (model, standing, draft) = (model.clone(), screen.standing(), model.draft().unwrap_or_default());
    let offered = memo(move || {
        let is_running = standing.with(|standing| standing.running.is_some());
        is_running && draft.with(|draft| !draft.trim().is_empty())
    });
    part(move || {
        let model = model.clone();
        offered.get().then(|| {
            let title = "Stops what the agent is at, and sends this in its place";
            view! { <button type="button" data-send-now="" title=title on:click=press(move |_| model.send_draft_now())>"Send now"</button> }
        })
    })
}

fn stop(model: &Model, screen: &Screen) -> AnyView {
    let (model, standing) = (model.clone(), screen.standing());
    let running = memo(move || standing.with(|standing| standing.running.clone()));
    part(move || {
        let model = model.clone();
        running.get().map(|running| {
            let label = if running.stopping { "Stopping…" } else { "Stop" };
            view! {
                <button type="button" data-stop="" disabled=flag(move || running.stopping) on:click=press(move |event| {
                    model.cancel(&running.turn);
                    leave_for("[data-composer]", &event);
                })>{label}</button>
            }
        })
    })
}

/// The word of the `data-refusal` attribute, and a sentence for the user.
pub(super) const fn refused(reason: DropReason) -> (&'static str, &'static str) {
    match reason {
        DropReason::OutboxFull => {
            ("outbox-full", "Not sent: too many messages are waiting already. Send it once some of them are through.")
        }
        DropReason::TooLarge => ("too-large", "Not sent: the message is longer than the gateway accepts. Shorten it."),
        DropReason::SignedOut => ("signed-out", "Not sent: sign in first."),
        DropReason::IncompatibleVersion => {
            ("incompatible", "Not sent: this page and the gateway are of different versions. Reload the page.")
        }
        DropReason::PageGoingAway => ("page-going-away", "Not sent: the page is closing."),
    }
}
