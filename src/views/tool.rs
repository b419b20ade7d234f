//! A tool call, started and finished on one card; input and output are built when it is opened.

use std::sync::Arc;

use leptos::prelude::*;
use moorline_protocol::{ToolKind, ToolStatus};

use crate::model::{BlockRow, Screen};

use super::{
    diff,
    part::{part, view, words},
    thought::is_open,
};

pub(super) fn tool(
    screen: &Screen,
    row: &Arc<BlockRow>,
    title: &ArcRwSignal<String>,
    tool: &ArcRwSignal<Option<ToolKind>>,
    status: &ArcRwSignal<Option<ToolStatus>>,
) -> AnyView {
    let opened = ArcRwSignal::new(false);
    let toggled = opened.clone();
    let (title, tool) = (title.clone(), tool.clone());
    let (status_word, status_label) = (status.clone(), status.clone());
    let body = {
        let (screen, row) = (screen.clone(), Arc::clone(row));
        part(move || opened.get().then(|| body(&screen, &row)))
    };
    view! {
        <details class="tool" data-tool-status=words(move || word(status_word.get())) on:toggle=move |event| toggled.set(is_open(&event))>
            <summary>
                <span class="tool-kind">{words(move || kind(tool.get()))}</span>
                <span class="tool-title" data-title="">{words(move || title.get())}</span>
                <span class="tool-status">{words(move || label(status_label.get()))}</span>
            </summary>
            {body}
        </details>
    }
}

fn body(screen: &Screen, row: &Arc<BlockRow>) -> AnyView {
    let (read, id, rev) = (screen.clone(), row.id.clone(), row.rev.clone());
    let input = ArcMemo::new(move |_| {
        rev.track();
        read.with_block(&id, |block| block.fields.input.clone()).flatten()
    });
    view! {
        <div class="tool-body">
            {part(move || input.get().map(|input| view! { <h3>"Input"</h3><pre class="tool-input" data-input="">{input}</pre> }))}
            <h3>"Output"</h3>
            {diff::output(screen, row)}
        </div>
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
