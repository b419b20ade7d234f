//! An empty session.

use leptos::prelude::*;
use moorline_protocol::Seq;

use crate::model::{Model, Screen, Status};

use super::part::{happens, memo, part, press, view};

/// The demo agent's name at the gateway.
const DEMO: &str = "demo";

/// What the demo agent can be asked for, and what comes of it.
const DEMO_TRIES: [(&str, &str); 3] = [
    ("/stream 200", "Watch an answer stream, then cut the line."),
    ("/tools 5", "Watch five tool calls."),
    ("/ask", "Be asked for permission."),
];

pub(super) fn welcome(model: &Model, screen: &Screen) -> AnyView {
    let (applied, echoes, status) = (screen.applied(), screen.echoes(), model.status());
    let is_empty = memo(move || applied.get() == Seq::ZERO && echoes.with(Vec::is_empty));
    let (model, screen) = (model.clone(), screen.clone());
    part(move || match (is_empty.get(), status.get()) {
        (false, _) => ().into_any(),
        (true, Status::CatchingUp) => view! { <p class="loading">"Loading the conversation…"</p> },
        (true, Status::Deleted) => view! { <p class="loading">"This session was deleted. What you send now begins a new one."</p> },
        (true, Status::Live | Status::Reconnecting | Status::Offline | Status::SignedOut | Status::Incompatible) => {
            invitation(&model, &screen)
        }
    })
}

fn invitation(model: &Model, screen: &Screen) -> AnyView {
    let (agents, model) = (model.agents(), model.clone());
    let picked = screen.picked();
    let is_demo = move || {
        let picked = picked.get();
        agents.with(|agents| picked.as_ref().or(agents.first()).is_some_and(|agent| agent == DEMO))
    };
    view! {
        <section class="welcome">
            <h2>"What shall the agent do?"</h2>
            <p>"Close the lid, switch networks, reload: what you type reaches the agent once, and its work is here when you return."</p>
            {pick(&model, screen)}
            {part(move || is_demo().then(|| view! { <ul class="tries">{Vec::from(DEMO_TRIES.map(|example| try_this(&model, example)))}</ul> }))}
        </section>
    }
}

/// Which agent a new session is with, where there is more than one.
fn pick(model: &Model, screen: &Screen) -> AnyView {
    let (agents, picked) = (model.agents(), screen.picked());
    part(move || {
        let names = agents.get();
        (names.len() > 1).then(|| {
            let (picked, chosen) = (picked.clone(), picked.get_untracked());
            let options = names.into_iter().map(|name| {
                let is_chosen = chosen.as_ref() == Some(&name);
                let shown = name.clone();
                view! { <option value=name selected=is_chosen>{shown}</option> }
            });
            let options: Vec<AnyView> = options.collect();
            view! {
                <label class="pick">
                    "Agent "
                    <select data-pick-agent="" on:change=happens(move |event| picked.set(Some(event_target_value(&event))))>{options}</select>
                </label>
            }
        })
    })
}

fn try_this(model: &Model, (command, what): (&'static str, &'static str)) -> AnyView {
    let model = model.clone();
    let send = move |_| {
        model.send_text(command);
    };
    view! {
        <li>
            <button type="button" class="try" data-try=command on:click=press(send)>
                <code>{command}</code>
                <span>{what}</span>
            </button>
        </li>
    }
}
