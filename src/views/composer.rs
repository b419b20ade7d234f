//! Where the user types.

use leptos::prelude::*;

use crate::model::{Model, Screen};

use super::part::{flag, part, press, view, words};

/// What a keydown of an input method says when it does not say that it composes.
const COMPOSING_KEY: u32 = 229;

pub(super) fn composer(model: &Model, screen: &Screen) -> AnyView {
    let draft = model.draft().unwrap_or_default();
    let (value, emptiness) = (draft.clone(), draft);
    let refusal = model.refusal();
    let type_in = {
        let model = model.clone();
        move |event| model.set_draft(event_target_value(&event))
    };
    let on_key = {
        let model = model.clone();
        move |event: web_sys::KeyboardEvent| {
            let composes = event.is_composing() || event.key_code() == COMPOSING_KEY;
            if event.key() == "Enter" && !event.shift_key() && !composes {
                event.prevent_default();
                model.send_draft();
            } else if event.key() == "Escape" && !composes {
                let _ = event_target::<web_sys::HtmlElement>(&event).blur();
            }
        }
    };
    let submit = {
        let model = model.clone();
        move |event: web_sys::SubmitEvent| {
            event.prevent_default();
            model.send_draft();
        }
    };
    let is_empty = move || emptiness.with(|draft| draft.trim().is_empty());
    view! {
        <form class="composer" on:submit=submit>
            {part(move || refusal.get().map(|refusal| view! { <p class="refusal" id="refusal" data-refusal="">{refusal}</p> }))}
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
                ></textarea>
                <div class="composer-buttons">
                    {stop(model, screen)}
                    <button type="submit" class="primary" data-send="" disabled=flag(is_empty)>"Send"</button>
                </div>
            </div>
            <p class="hint" aria-hidden="true">"Enter sends, Shift+Enter makes a new line."</p>
        </form>
    }
}

fn stop(model: &Model, screen: &Screen) -> AnyView {
    let (model, standing) = (model.clone(), screen.standing());
    let running = ArcMemo::new(move |_| standing.with(|standing| standing.running.clone()));
    part(move || {
        let model = model.clone();
        running.get().map(|running| {
            let label = if running.stopping { "Stopping…" } else { "Stop" };
            view! {
                <button type="button" data-stop="" disabled=flag(move || running.stopping) on:click=press(move |_| model.cancel(&running.turn))>{label}</button>
            }
        })
    })
}
