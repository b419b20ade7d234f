//! An empty session.

use leptos::prelude::*;
use moorline_protocol::Seq;

use crate::model::{Model, Screen, Status};

use super::part::{part, press, view};

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
    let is_empty = ArcMemo::new(move |_| applied.get() == Seq::ZERO && echoes.with(Vec::is_empty));
    let model = model.clone();
    part(move || match (is_empty.get(), status.get()) {
        (false, _) => ().into_any(),
        (true, Status::CatchingUp) => view! { <p class="loading">"Loading the conversation…"</p> },
        (true, Status::Deleted) => view! { <p class="loading">"This session was deleted. What you send now begins a new one."</p> },
        (true, Status::Live | Status::Reconnecting | Status::Offline | Status::SignedOut | Status::Incompatible) => invitation(&model),
    })
}

fn invitation(model: &Model) -> AnyView {
    let (agents, model) = (model.agents(), model.clone());
    let is_demo = move || agents.with(|agents| agents.first().is_some_and(|agent| agent == DEMO));
    view! {
        <section class="welcome">
            <h2>"What shall the agent do?"</h2>
            <p>"Close the lid, switch networks, reload: what you type reaches the agent once, and its work is here when you return."</p>
            {part(move || is_demo().then(|| view! { <ul class="tries">{Vec::from(DEMO_TRIES.map(|example| try_this(&model, example)))}</ul> }))}
        </section>
    }
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
