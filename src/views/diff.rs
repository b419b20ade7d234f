//! A tool's output: text as it grows, or the lines of a diff.

use std::sync::Arc;

use leptos::prelude::*;
use moorline_markup::is_diff;

use crate::model::{BlockRow, Screen};

use super::{
    part::{memo, part, view},
    terminal::terminal,
};

pub(super) fn output(screen: &Screen, row: &Arc<BlockRow>) -> AnyView {
    let (screen, row) = (screen.clone(), Arc::clone(row));
    let (read, of) = (screen.clone(), Arc::clone(&row));
    let diff = memo(move || {
        of.track_text();
        read.with_block(&of.id, |block| is_diff(&block.text).then(|| block.text.clone())).flatten()
    });
    let is_diff = memo({
        let diff = diff.clone();
        move || diff.with(Option::is_some)
    });
    part(move || {
        if !is_diff.get() {
            return terminal(&screen, &row);
        }
        let diff = diff.clone();
        view! { <div class="tool-output diff" data-text="" data-diff="" tabindex="0" role="group" aria-label="Changes">{part(move || lines(&diff.get().unwrap_or_default()))}</div> }
    })
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
