//! The agent's plan.

use leptos::prelude::*;
use moorline_protocol::{PlanEntry, PlanStatus};

use crate::model::Screen;

use super::{
    disclosure::disclosure,
    part::{memo, part, view, words},
};

/// The plan of the turn at work in one line, which opens; nothing when there is none.
pub(super) fn panel(screen: &Screen) -> AnyView {
    let entries = screen.plan();
    let is_there = memo({
        let entries = entries.clone();
        move || entries.with(|entries| !entries.is_empty())
    });
    part(move || {
        let (count, step, all) = (entries.clone(), entries.clone(), entries.clone());
        is_there.get().then(|| {
            let head = view! {
                "Plan " <span class="plan-count">{words(move || count.with(|entries| done(entries)))}</span>
                <span class="plan-now">{words(move || step.with(|entries| now(entries)))}</span>
            };
            let body = move || {
                let all = all.clone();
                view! { <ol class="plan">{part(move || all.get().into_iter().map(entry).collect::<Vec<_>>())}</ol> }
            };
            view! { <div class="plan-panel" data-plan-panel="">{disclosure(head, body)}</div> }
        })
    })
}

fn done(entries: &[PlanEntry]) -> String {
    let done = entries.iter().filter(|entry| entry.status == PlanStatus::Completed).count();
    format!("{done} of {}", entries.len())
}

/// The step that is being taken, or else the next one.
fn now(entries: &[PlanEntry]) -> String {
    let of = |status| entries.iter().find(|entry| entry.status == status);
    of(PlanStatus::InProgress).or_else(|| of(PlanStatus::Pending)).map(|entry| entry.text.clone()).unwrap_or_default()
}

pub(super) fn plan(entries: &ArcRwSignal<Vec<PlanEntry>>) -> AnyView {
    let (entries, counted) = (entries.clone(), entries.clone());
    view! {
        <div class="plan" role="group" aria-label="Plan">
            <h3>"Plan" <span class="plan-count">{words(move || counted.with(|entries| done(entries)))}</span></h3>
            <ol>{part(move || entries.get().into_iter().map(entry).collect::<Vec<_>>())}</ol>
        </div>
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
