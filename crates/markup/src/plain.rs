//! The text that a view shows.

use crate::{Document, Growing, Terminal};

/// Whether a text goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// More may come.
    Open,
    /// This is all.
    Closed,
}

/// The text that a view of a markdown text shows: no markup, no address, nothing between two blocks.
#[must_use]
pub fn plain(markdown: &str, end: End) -> String {
    let mut document = Document::default();
    let mut finished = document.push(markdown);
    if end == End::Closed {
        finished.extend(document.finish());
    }
    let mut out = String::new();
    finished.iter().for_each(|finished| finished.block.write(&mut out));
    let tail = document.tail();
    tail.blocks.iter().for_each(|block| block.write(&mut out));
    if let Some(Growing::Code { text, .. } | Growing::Plain(text)) = tail.growing {
        text.iter().for_each(|part| out.push_str(part));
    }
    out
}

/// The text that a view of a terminal's output shows.
#[must_use]
pub fn terminal_plain(output: &str) -> String {
    let mut terminal = Terminal::default();
    let mut runs = terminal.push(output);
    runs.extend(terminal.open_line());
    runs.into_iter().map(|run| run.text).collect()
}
