//! A tool call, started and finished on one card; input and output are built when it is opened.

use std::sync::Arc;

use leptos::prelude::*;
use moorline_protocol::{ToolKind, ToolStatus};

use crate::model::{BlockRow, Model, Screen, Times};

use super::{
    beginning::beginning,
    copy::copy,
    diff,
    disclosure::disclosure,
    part::{memo, part, view, words},
    ticking,
};

pub(super) fn tool(
    model: &Model,
    screen: &Screen,
    row: &Arc<BlockRow>,
    title: &ArcRwSignal<String>,
    tool: &ArcRwSignal<Option<ToolKind>>,
    (status, exit, times): (&ArcRwSignal<Option<ToolStatus>>, &ArcRwSignal<Option<u32>>, &ArcRwSignal<Times>),
) -> AnyView {
    let (title, tool) = (title.clone(), tool.clone());
    let (status_word, status_label) = (status.clone(), status.clone());
    let (exit, time) = (exit.clone(), taken(status, times));
    let head = view! {
        <span class="tool-kind">{words(move || kind(tool.get()))}</span>
        <span class="tool-title" data-title="">{words(move || title.get())}</span>
        {part(move || exit.get().map(exited))}
        {time}
        <span class="tool-status">{words(move || label(status_label.get()))}</span>
    };
    let (model, screen, row) = (model.clone(), screen.clone(), Arc::clone(row));
    view! {
        <div class="tool" data-tool-status=words(move || word(status_word.get()))>
            {disclosure(head, move || body(&model, &screen, &row))}
        </div>
    }
}

fn body(model: &Model, screen: &Screen, row: &Arc<BlockRow>) -> AnyView {
    let (read, id, rev) = (screen.clone(), row.id.clone(), row.rev.clone());
    let input = memo(move || {
        rev.track();
        read.with_block(&id, |block| block.fields.input.clone()).flatten()
    });
    view! {
        <div class="tool-body">
            {part(move || input.get().map(|input| {
                view! { <div class="copyable"><h3>"Input"</h3>{copy("Copy the input")}<pre class="tool-input" data-input="" tabindex="0" role="group" aria-label="Input">{input}</pre></div> }
            }))}
            <div class="copyable"><h3>"Output"</h3>{copy("Copy the output")}{beginning(model, row)}{diff::output(screen, row)}</div>
        </div>
    }
}

fn exited(code: u32) -> AnyView {
    view! { <span class="tool-exit" data-exit=code.to_string()>{format!("exit code {code}")}</span> }
}

/// The time that a call has taken: told by the gateway's clock when it is over, and by this device's while it runs.
fn taken(status: &ArcRwSignal<Option<ToolStatus>>, times: &ArcRwSignal<Times>) -> AnyView {
    let (status, times) = (status.clone(), times.clone());
    part(move || {
        let is_over = matches!(status.get(), Some(ToolStatus::Completed | ToolStatus::Failed));
        let (opened, closed) = times.get();
        let opened = opened?;
        Some(match closed {
            Some(closed) => view! { <span class="tool-time" data-time="">{span(closed.saturating_sub(opened))}</span> },
            None if is_over => ().into_any(),
            None => {
                let now = ticking::now();
                view! { <span class="tool-time" data-time="">{words(move || span(now.get().saturating_sub(opened)))}</span> }
            }
        })
    })
}

fn span(millis: u64) -> String {
    match millis / 1_000 {
        0 => "under 1 s".to_owned(),
        seconds @ 1..60 => format!("{seconds} s"),
        seconds @ 60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        seconds => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
    }
}

const fn word(status: Option<ToolStatus>) -> &'static str {
    match status {
        None | Some(ToolStatus::Pending) => "pending",
        Some(ToolStatus::InProgress) => "in_progress",
        Some(ToolStatus::Completed) => "completed",
        Some(ToolStatus::Failed) => "failed",
    }
}

const fn label(status: Option<ToolStatus>) -> &'static str {
    match status {
        None | Some(ToolStatus::Pending) => "waiting",
        Some(ToolStatus::InProgress) => "running",
        Some(ToolStatus::Completed) => "done",
        Some(ToolStatus::Failed) => "failed",
    }
}

const fn kind(tool: Option<ToolKind>) -> &'static str {
    match tool {
        Some(ToolKind::Read) => "read",
        Some(ToolKind::Edit) => "edit",
        Some(ToolKind::Delete) => "delete",
        Some(ToolKind::Move) => "move",
        Some(ToolKind::Search) => "search",
        Some(ToolKind::Execute) => "run",
        Some(ToolKind::Think) => "think",
        Some(ToolKind::Fetch) => "fetch",
        Some(ToolKind::SwitchMode) => "mode",
        Some(ToolKind::Other) | None => "tool",
    }
}
