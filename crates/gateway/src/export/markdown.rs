//! A transcript as Markdown.

use std::{
    fmt::Write as _,
    time::{Duration, UNIX_EPOCH},
};

use moorline_protocol::{Block, BlockKind, PlanStatus, Settlement, ToolStatus, Turn, TurnState, WallTime};

use super::{Exported, Sink};

/// Writes it.
pub(crate) fn markdown(exported: &Exported, sink: &mut impl Sink) {
    let Exported { row, transcript, .. } = exported;
    let title = if row.title.is_empty() { "Untitled" } else { &row.title };
    let mut piece = format!("# {title}\n\nSession `{}` of {}, as of event {}.\n", row.session, time(row.created_at), transcript.seq());
    for turn in transcript.turns() {
        for block in transcript.blocks(&turn.id) {
            write_block(&mut piece, turn, block);
        }
        write_end(&mut piece, turn);
        if !sink.take(std::mem::take(&mut piece)) {
            return;
        }
    }
    sink.take(piece);
}

// Writing to a text cannot fail.

fn write_block(to: &mut String, turn: &Turn, block: &Block) {
    let Block { kind, fields, text, .. } = block;
    let title = fields.title.as_deref().unwrap_or_default();
    match kind {
        BlockKind::Message => {
            let at = turn.started_at.map(|at| format!(" · {}", time(at))).unwrap_or_default();
            let _ = write!(to, "\n## You{at}\n\n{}\n\n## Agent\n", text.trim_end());
        }
        BlockKind::Text => {
            let _ = write!(to, "\n{}\n", text.trim_end());
        }
        BlockKind::Thought => {
            to.push_str("\n> *Thinking*\n>\n");
            for line in text.trim_end().lines() {
                let _ = writeln!(to, "> {line}");
            }
        }
        BlockKind::Tool => {
            let status = match fields.status {
                Some(ToolStatus::Completed) => "",
                Some(ToolStatus::Failed) => " (failed)",
                Some(ToolStatus::Pending | ToolStatus::InProgress) | None => " (not finished)",
            };
            let _ = write!(to, "\n**{}**{status}\n", if title.is_empty() { "Tool" } else { title });
            fields.input.as_deref().into_iter().for_each(|input| fenced(to, "json", input));
            fenced(to, "text", text);
        }
        BlockKind::Plan => {
            to.push_str("\n*Plan*\n\n");
            for entry in fields.entries.iter().flatten() {
                let mark = if entry.status == PlanStatus::Completed { 'x' } else { ' ' };
                let _ = writeln!(to, "- [{mark}] {}", entry.text);
            }
        }
        BlockKind::Request => {
            let options = fields.options.as_deref().unwrap_or_default();
            let answer = match &fields.settled {
                Some(Settlement::Answered { option, .. }) => {
                    options.iter().find(|known| known.id == *option).map_or(option.as_str(), |known| known.name.as_str())
                }
                Some(Settlement::Cancelled) => "cancelled",
                None => "not answered",
            };
            let _ = write!(to, "\n*{}* — {answer}\n", if title.is_empty() { "Permission?" } else { title });
        }
        BlockKind::Unsupported => {
            let _ = write!(to, "\n*Unsupported: {title}*\n");
        }
    }
}

/// How a turn ended, unless it simply did.
fn write_end(to: &mut String, turn: &Turn) {
    let word = match turn.state {
        TurnState::Completed | TurnState::Withdrawn => return,
        TurnState::Queued => "It waits for its turn.",
        TurnState::Running | TurnState::Stopping => "The turn goes on.",
        TurnState::Failed => "The turn failed.",
        TurnState::Cancelled => "The turn was stopped.",
        TurnState::Interrupted => "The turn was interrupted.",
    };
    let why = turn.error.as_ref().map(|error| format!(" {}", error.message)).unwrap_or_default();
    let _ = write!(to, "\n*{word}*{why}\n");
}

/// Text between fences longer than any in it.
fn fenced(to: &mut String, language: &str, text: &str) {
    if text.trim().is_empty() {
        return;
    }
    let longest = text.split(|char| char != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat((longest + 1).max(3));
    let _ = write!(to, "\n{fence}{language}\n{}\n{fence}\n", text.trim_end());
}

/// The end of the year 9999: no later time can be written.
const LATEST: WallTime = 253_402_300_799_999;

fn time(at: WallTime) -> String {
    let at = UNIX_EPOCH + Duration::from_millis(at.min(LATEST));
    humantime::format_rfc3339_seconds(at).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fence_is_longer_than_any_in_the_text() {
        let mut text = String::new();
        fenced(&mut text, "text", "a ```` b `c`\n");
        assert_eq!(text, "\n`````text\na ```` b `c`\n`````\n");
        fenced(&mut text, "text", " \n");
        assert!(text.ends_with("`````\n"), "nothing for nothing");
    }

    #[test]
    fn a_time_far_ahead_does_not_end_the_program() {
        assert_eq!(time(0), "1970-01-01T00:00:00Z");
        assert!(!time(u64::MAX).is_empty());
    }
}
