//! The agent's plan.

use leptos::prelude::*;
use moorline_protocol::{PlanEntry, PlanStatus};

use super::part::{part, view, words};

pub(super) fn plan(entries: &ArcRwSignal<Vec<PlanEntry>>) -> AnyView {
    let (entries, counted) = (entries.clone(), entries.clone());
    let done = move || {
        counted.with(|entries| {
            let done = entries.iter().filter(|entry| entry.status == PlanStatus::Completed).count();
            format!("{done} of {}", entries.len())
        })
    };
    view! {
        <section class="plan" aria-label="Plan">
            <h3>"Plan" <span class="plan-count">{words(done)}</span></h3>
            <ol>{part(move || entries.get().into_iter().map(entry).collect::<Vec<_>>())}</ol>
        </section>
    }
}

fn entry(entry: PlanEntry) -> AnyView {
    let (word, label) = match entry.status {
        PlanStatus::Pending => ("pending", "to do"),
        PlanStatus::InProgress => ("in_progress", "now"),
        PlanStatus::Completed => ("completed", "done"),
    };
    view! {
        <li data-plan-status=word>
            <span class="plan-mark" aria-hidden="true"></span>
            <span class="plan-text">{entry.text}</span>
            <span class="plan-label">{label}</span>
        </li>
    }
}
