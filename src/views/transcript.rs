//! The session on screen: its turns, its gaps, its echoes.

use leptos::{html, prelude::*};
use moorline_protocol::Seq;

use crate::model::{Entry, Model, Screen};

use super::{
    announcer::Aloud,
    copy, echo, gap,
    part::{button, flag, leave_for, lines, memo, part, press, view, words},
    reveal, scroll, turn, welcome,
};

pub(super) fn transcript(model: &Model, screen: &Screen, aloud: &Aloud) -> AnyView {
    let (scroller, column) = (NodeRef::<html::Div>::new(), NodeRef::<html::Div>::new());
    let pinned = scroll::follow_end(model, screen, scroller, column);
    reveal::follow(model, screen, &pinned, scroller);
    let (follows, aloud) = (pinned.clone(), aloud.clone());
    let (applied, epoch, status, standing) = (screen.applied(), screen.epoch(), model.status(), screen.standing());
    view! {
        <div class="scroll-frame">
            <h2 class="unseen">"Conversation"</h2>
            <div
                class="scroller"
                node_ref=scroller
                tabindex="0"
                role="log"
                aria-live="off"
                aria-label="Conversation"
                aria-busy=words(move || standing.with(|standing| standing.running.is_some()).to_string())
                data-transcript=""
                data-follows=flag(move || follows.get())
                on:click=press(move |event| copy::press(&event).into_iter().for_each(|words| aloud.set(words)))
                data-session=screen.session().to_string()
                data-applied-seq=words(move || applied.get().to_string())
                data-epoch=words(move || epoch.with(|epoch| epoch.as_ref().map(ToString::to_string)).unwrap_or_default())
                data-status=words(move || status.get().word())
            >
                <div class="column" node_ref=column>
                    {earlier(model, screen)}
                    {entries(model, screen)}
                    {echoes(model, screen)}
                    {welcome::welcome(model, screen)}
                </div>
            </div>
            {latest(model, &pinned, screen)}
        </div>
    }
}

fn entries(model: &Model, screen: &Screen) -> AnyView {
    let (model, screen, list) = (model.clone(), screen.clone(), screen.entries());
    lines(
        move || list.get(),
        Entry::key,
        move |entry| match entry {
            Entry::Turn(id) => screen.turn(&id).map(|row| turn::turn(&model, &screen, &row)).into_any(),
            Entry::Gap(end) => gap::gap(&model, &screen, end),
            Entry::New => new_mark(),
        },
    )
}

fn echoes(model: &Model, screen: &Screen) -> AnyView {
    let (model, screen, list) = (model.clone(), screen.clone(), screen.echoes());
    lines(move || list.get(), ToString::to_string, move |id| screen.echo(&id).map(|row| echo::echo(&model, &row)).into_any())
}

fn earlier(model: &Model, screen: &Screen) -> AnyView {
    let (earlier, model) = (screen.earlier(), model.clone());
    part(move || {
        let model = model.clone();
        earlier.get().then(|| button("earlier quiet", "earlier", "Show earlier messages", press(move |_| model.show_earlier())))
    })
}

fn latest(model: &Model, pinned: &ArcRwSignal<bool>, screen: &Screen) -> AnyView {
    let (pinned, applied, repin, unseen) = (pinned.clone(), screen.applied(), screen.repin(), screen.unseen());
    let is_away = memo(move || !pinned.get() && applied.get() > Seq::ZERO);
    let standing = screen.standing();
    let asks = memo(move || standing.with(|standing| !standing.waiting.is_empty()));
    let model = model.clone();
    part(move || {
        let (repin, unseen) = (repin.clone(), unseen.clone());
        let label = move || match unseen.get() {
            0 => "Jump to latest".to_owned(),
            n => format!("Jump to latest ({n} new)"),
        };
        let (model, asks) = (model.clone(), asks.clone());
        is_away.get().then(|| {
            view! {
                <div class="away">
                    {part(move || {
                        let model = model.clone();
                        asks.get().then(|| button("primary", "question", "The agent asks you", press(move |_| model.reveal_request())))
                    })}
                    <button type="button" class="latest" data-action="latest" on:click=press(move |event| {
                        repin.notify();
                        leave_for("[data-transcript]", &event);
                    })>{words(label)}</button>
                </div>
            }
        })
    })
}

/// What follows came while the reader was away.
pub(super) fn new_mark() -> AnyView {
    view! { <p class="new-mark" data-new="" role="separator"><span>"New since you left"</span></p> }
}
