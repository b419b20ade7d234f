//! The whole page: the list, the session on screen, the lines around them.

use leptos::prelude::*;

use crate::{
    model::{Model, Screen, Status},
    settings::Fragment,
};

use super::{
    announcer, attention, composer, connection, drawer, help, host, list, notices,
    part::{at_window, effect, happens, part, view, words},
    shortcuts, transcript,
};

/// The page over a model.
pub fn page(model: &Model) -> AnyView {
    let drawer = ArcRwSignal::new(false);
    follow_address(model);
    show_before_hiding(model);
    follow_other_tabs(model);
    host::tell_host(model);
    shortcuts::listen(model, &drawer);
    drawer::attend(&drawer);
    attention::attend(model);
    help::dress(model);
    let (screen, aloud) = (model.screen(), announcer::Aloud::new(""));
    let announcer = announcer::announcer(model, &aloud);
    view! {
        <div class="page" data-drawer={ let drawer = drawer.clone(); words(move || if drawer.get() { "open" } else { "closed" }) }>
            {list::list(model, &drawer)}
            <div class="scrim" on:click={ let drawer = drawer.clone(); happens(move |_| drawer.set(false)) }></div>
            <main class="main">
                <header class="bar">
                    {drawer::button(&drawer)}
                    <h1 class="bar-title">{words(title(model))}</h1>
                    {connection::line(model)}
                </header>
                {connection::remedy(model)}
                {let model = model.clone(); part(move || screen.get().map(|screen| session(&model, &screen, &aloud)))}
                {notices::notices(model)}
            </main>
            {announcer}
            {help::dialog(model)}
        </div>
    }
}

fn session(model: &Model, screen: &Screen, aloud: &announcer::Aloud) -> AnyView {
    view! { {transcript::transcript(model, screen, aloud)} {composer::composer(model, screen)} }
}

fn title(model: &Model) -> impl Fn() -> String + Send + use<> {
    let model = model.clone();
    let (screen, ids) = (model.screen(), model.list().ids());
    move || {
        ids.track();
        let row = screen.with(|screen| screen.as_ref().and_then(|screen| model.list().row(screen.session())));
        row.map(|row| row.title.get()).filter(|title| !title.is_empty()).unwrap_or_else(|| "New session".to_owned())
    }
}

/// What waits for a frame is shown before the page is put away, since the next frame may be days off.
fn show_before_hiding(model: &Model) {
    let model = model.clone();
    at_window("pagehide", move |_| model.settle());
}

/// What is read in one tab is read in the others.
fn follow_other_tabs(model: &Model) {
    let model = model.clone();
    at_window("storage", move |_| model.restore_read());
}

/// The address names the session on screen, and a change of the address changes the session.
fn follow_address(model: &Model) {
    let here = model.clone();
    at_window("hashchange", move |_| {
        if let Some(session) = Fragment::session() {
            here.select(&session);
        }
    });
    let (screen, status) = (model.screen(), model.status());
    effect(move || {
        // While signed out, the address is the user's: a new link is pasted there.
        if status.get() != Status::SignedOut
            && let Some(screen) = screen.get()
            && Fragment::session().as_ref() != Some(screen.session())
        {
            Fragment::set_session(Some(screen.session()));
        }
    });
}
