//! How the tab stands, in figures: for whoever has to find out why something does not get through.

use leptos::prelude::*;
use moorline_delivery::{Attempts, Transport};
use moorline_protocol::Cursor;
use moorline_transcript::Gap;
use send_wrapper::SendWrapper;

use crate::{model::Model, timer::every};

use super::{
    connection::close,
    part::{button, press, view, words},
};

/// Between two looks while the panel is open.
const REFRESH_MS: u32 = 1_000;

/// The figures: the word of the `data-diagnostic` attribute, and the label.
const FIGURES: [(&str, &str); 10] = [
    ("transport", "Transport"),
    ("connection", "Connection"),
    ("ping", "Last ping"),
    ("connections", "Connections so far"),
    ("cursors", "Cursors"),
    ("gaps", "Gaps shown"),
    ("snapshots", "Snapshots"),
    ("duplicates", "Duplicates dropped"),
    ("holes", "Holes seen"),
    ("attempts", "Attempts to send"),
];

/// The panel; it looks once a second for as long as it is there.
pub(super) fn panel(model: &Model, opened: &ArcRwSignal<bool>) -> AnyView {
    let (model, opened) = (model.clone(), opened.clone());
    let figures = ArcRwSignal::new(look(&model));
    let looking = figures.clone();
    let interval = SendWrapper::new(every(REFRESH_MS, move || looking.set(look(&model))));
    on_cleanup(move || drop(interval.take()));
    let figure = |(at, (word, label))| {
        let figures: ArcRwSignal<Vec<String>> = figures.clone();
        let text = words(move || figures.with(|figures| figures.get(at).cloned().unwrap_or_default()));
        view! {
            <dt>{label}</dt>
            <dd data-diagnostic=word>{text}</dd>
        }
    };
    view! {
        <section id="diagnostics" class="diagnostics" aria-label="Diagnostics" data-diagnostics="">
            <dl>{FIGURES.into_iter().enumerate().map(figure).collect_view()}</dl>
            {button("small", "close", "Close", press(move |event| close(&opened, &event)))}
        </section>
    }
}

/// In the order of [`FIGURES`].
fn look(model: &Model) -> Vec<String> {
    let Some(diagnostics) = model.diagnostics() else { return Vec::new() };
    let counters = diagnostics.counters;
    let transport = match diagnostics.transport {
        Some(Transport::WebSocket) => "WebSocket",
        Some(Transport::Sse) => "SSE",
        None => "none",
    };
    let seconds = |at| (model.now().since(at).0 / 1_000).to_string() + " s ago";
    let gaps = model.screen().with_untracked(|screen| screen.as_ref().map(|screen| screen.gaps()).unwrap_or_default());
    vec![
        transport.to_owned(),
        diagnostics.connection.map_or_else(none, |connection| connection.to_string()),
        diagnostics.pinged.map_or_else(none, seconds),
        counters.connections.to_string(),
        joined("\n", diagnostics.cursors.iter().map(cursor)),
        joined(", ", gaps.iter().map(gap)),
        counters.snapshots.to_string(),
        counters.duplicates.to_string(),
        counters.holes.to_string(),
        attempts(&counters.attempts),
    ]
}

/// As an event stream's `id:` has it.
fn cursor(cursor: &Cursor) -> String {
    [cursor.session.as_str(), cursor.epoch.as_str(), &cursor.seq.to_string()].join(":")
}

fn gap(gap: &Gap) -> String {
    [gap.from.to_string(), gap.to.to_string()].join("–")
}

/// How many ended in which way.
fn attempts(attempts: &Attempts) -> String {
    let outcomes = [
        (attempts.accepted, " accepted"),
        (attempts.settled, " settled otherwise"),
        (attempts.refused, " refused"),
        (attempts.told_to_wait, " told to wait"),
        (attempts.transient, " failed for now"),
        (attempts.unanswered, " unanswered"),
    ];
    joined(", ", outcomes.into_iter().filter(|(count, _)| *count > 0).map(|(count, outcome)| count.to_string() + outcome))
}

fn joined(separator: &str, parts: impl Iterator<Item = String>) -> String {
    let parts: Vec<String> = parts.collect();
    if parts.is_empty() { none() } else { parts.join(separator) }
}

fn none() -> String {
    "none".to_owned()
}
