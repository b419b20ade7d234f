//! Where the blocks of a text begin that stand by themselves.

use pulldown_cmark::{CodeBlockKind, Event, Tag};

use crate::references::events;

/// A block that stands by itself.
#[derive(Debug)]
pub(crate) struct Start {
    /// The place of its first line.
    pub(crate) at: usize,
    /// What it is, as far as that matters for cutting.
    pub(crate) kind: StartKind,
}

#[derive(Debug)]
pub(crate) enum StartKind {
    /// A code block with this behind its opening fence. What follows was not looked at.
    Fence(String),
    /// A list, with the places of its items' first lines.
    List(Vec<usize>),
    /// Anything else.
    Other,
}

/// The blocks of a text of whole lines, up to the first code block between fences.
///
/// Lines that follow change nothing about them but where the last one ends.
pub(crate) fn starts(text: &str) -> Vec<Start> {
    let mut starts: Vec<Start> = Vec::new();
    let mut depth = 0_usize;
    let line_of = |at: usize| text.as_bytes()[..at.min(text.len())].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    for (event, range) in events(text, None) {
        let kind = match &event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => Some(StartKind::Fence(info.to_string())),
            Event::Start(Tag::List(_)) => Some(StartKind::List(Vec::new())),
            Event::Start(_) | Event::Rule => Some(StartKind::Other),
            Event::End(_)
            | Event::Text(_)
            | Event::Code(_)
            | Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::Html(_)
            | Event::InlineHtml(_)
            | Event::FootnoteReference(_)
            | Event::SoftBreak
            | Event::HardBreak
            | Event::TaskListMarker(_) => None,
        };
        if depth == 0
            && let Some(kind) = kind
        {
            let is_fence = matches!(kind, StartKind::Fence(_));
            starts.push(Start { at: line_of(range.start), kind });
            if is_fence {
                break;
            }
        }
        match event {
            Event::Start(Tag::Item) if depth == 1 => {
                if let Some(Start { kind: StartKind::List(items), .. }) = starts.last_mut() {
                    items.push(line_of(range.start));
                }
                depth += 1;
            }
            Event::Start(_) => depth += 1,
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::Text(_)
            | Event::Code(_)
            | Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::Html(_)
            | Event::InlineHtml(_)
            | Event::FootnoteReference(_)
            | Event::SoftBreak
            | Event::HardBreak
            | Event::Rule
            | Event::TaskListMarker(_) => {}
        }
    }
    starts
}
