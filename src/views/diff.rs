//! A tool's output: text as it grows, or the lines of a diff.

use std::sync::Arc;

use leptos::prelude::*;

use crate::model::{BlockRow, Screen};

use super::{
    live_text::live_text,
    part::{part, view},
};

/// A longer diff is shown as plain text: an element a line is too many then.
const LINES: usize = 2_000;

pub(super) fn output(screen: &Screen, row: &Arc<BlockRow>) -> AnyView {
    let (screen, row, rev) = (screen.clone(), Arc::clone(row), row.rev.clone());
    let (read, id) = (screen.clone(), row.id.clone());
    let diff = ArcMemo::new(move |_| {
        rev.track();
        read.with_block(&id, |block| Some(block.text.clone()).filter(|text| is_diff(text))).flatten()
    });
    let is_diff = ArcMemo::new({
        let diff = diff.clone();
        move |_| diff.with(Option::is_some)
    });
    part(move || {
        if !is_diff.get() {
            return live_text(&screen, &row, "tool-output");
        }
        let diff = diff.clone();
        view! { <div class="tool-output diff" data-text="" data-diff="">{part(move || lines(&diff.get().unwrap_or_default()))}</div> }
    })
}

/// As the gateway writes them.
fn is_diff(text: &str) -> bool {
    let mut lines = text.lines();
    let head = |line: Option<&str>, sign| line.is_some_and(|line| line.starts_with(sign));
    head(lines.next(), "--- ") && head(lines.next(), "+++ ") && head(lines.next(), "@@ ") && text.lines().nth(LINES).is_none()
}

fn lines(diff: &str) -> Vec<AnyView> {
    diff.split_inclusive('\n').map(line).collect()
}

fn line(line: &str) -> AnyView {
    let class = match line.as_bytes() {
        [b'-', b'-', b'-', ..] | [b'+', b'+', b'+', ..] => "diff-file",
        [b'@', ..] => "diff-place",
        [b'+', ..] => "diff-new",
        [b'-', ..] => "diff-old",
        _ => "diff-same",
    };
    view! { <span class=class>{line.to_owned()}</span> }
}
