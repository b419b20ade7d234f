//! The time until something is tried again.

use leptos::prelude::*;
use moorline_protocol::Millis;
use send_wrapper::SendWrapper;

use crate::{model::Model, timer::every};

use super::part::{view, words};

/// How often the clock is looked at.
const TICK_MS: u32 = 250;

/// The time until a monotonic time, kept current while the view lives.
pub(super) fn countdown(model: &Model, until: Millis) -> AnyView {
    let model = model.clone();
    let left = move || until.since(model.now()).0.div_ceil(1_000);
    let seconds = ArcRwSignal::new(left());
    let ticking = seconds.clone();
    let interval = SendWrapper::new(every(TICK_MS, move || {
        let now = left();
        if ticking.get_untracked() != now {
            ticking.set(now);
        }
    }));
    on_cleanup(move || drop(interval.take()));
    view! { <span class="countdown">{words(move || in_words(seconds.get()))}</span> }
}

fn in_words(seconds: u64) -> String {
    match (seconds / 60, seconds % 60) {
        (0 | 1, _) => format!("{seconds} s"),
        (minutes, seconds) => format!("{minutes} min {seconds} s"),
    }
}
