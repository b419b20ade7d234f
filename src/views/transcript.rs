//! The session on screen: its turns, its gaps, its echoes.

use leptos::{html, prelude::*};
use moorline_protocol::Seq;

use crate::model::{Entry, Model, Screen};

use super::{
    copy, echo, gap,
    part::{button, lines, part, press, view, words},
    scroll, turn, welcome,
};

pub(super) fn transcript(model: &Model, screen: &Screen) -> AnyView {
    let (scroller, column) = (NodeRef::<html::Div>::new(), NodeRef::<html::Div>::new());
    let pinned = scroll::follow_end(model, screen, scroller, column);
    let (applied, epoch, status, standing) = (screen.applied(), screen.epoch(), model.status(), screen.standing());
    view! {
        <div class="scroll-frame">
            <div
                class="scroller"
                node_ref=scroller
                tabindex="0"
                role="log"
                aria-live="off"
                aria-label="Conversation"
                aria-busy=words(move || standing.with(|standing| standing.running.is_some()).to_string())
                data-transcript=""
                on:click=press(|event| copy::press(&event))
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
            {latest(&pinned, screen)}
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

fn latest(pinned: &ArcRwSignal<bool>, screen: &Screen) -> AnyView {
    let (pinned, applied, repin) = (pinned.clone(), screen.applied(), screen.repin());
    part(move || {
        let repin = repin.clone();
        (!pinned.get() && applied.get() > Seq::ZERO).then(|| button("latest", "latest", "Jump to latest", press(move |_| repin.notify())))
    })
}
