//! Cutting what an agent or a user wrote so that every event body fits its limit, measured as it will be encoded.

use std::borrow::Cow;

use moorline_protocol::{PlanEntry, PlanStatus, RequestOption, TurnError, encode};

/// The smallest event size that leaves room for every field beside the ids.
pub(crate) const EVENT_BYTES_MIN: usize = 1 << 10;

/// The most bytes of one tool call's output that are kept.
pub(crate) const OUTPUT_BYTES_MAX: usize = 1 << 20;

const OUTPUT_CUT: &str = "\n… output cut at 1 MiB";

/// The bytes that a text takes inside a JSON string.
pub(crate) fn encoded_len(text: &str) -> usize {
    text.chars().map(char_len).sum()
}

/// The length of the longest start of `text`, on a character boundary, that takes at most `bytes` inside a JSON string.
pub(crate) fn fitting(text: &str, bytes: usize) -> usize {
    let mut left = bytes;
    for (at, c) in text.char_indices() {
        let Some(rest) = left.checked_sub(char_len(c)) else {
            return at;
        };
        left = rest;
    }
    text.len()
}

/// As serde_json escapes: two bytes where there is a short escape, six for the other control characters.
const fn char_len(c: char) -> usize {
    match c {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        '\0'..='\u{1f}' => 6,
        c => c.len_utf8(),
    }
}

/// A text that takes at most `bytes` inside a JSON string; a cut one ends in an ellipsis.
pub(crate) fn cut(text: &str, bytes: usize) -> String {
    if fitting(text, bytes) == text.len() {
        return text.to_owned();
    }
    let kept = fitting(text, bytes.saturating_sub('…'.len_utf8()));
    format!("{}…", &text[..kept])
}

/// A tool's output, cut at [`OUTPUT_BYTES_MAX`] with a line that says so.
pub(crate) fn cut_output(output: &str) -> Cow<'_, str> {
    if output.len() <= OUTPUT_BYTES_MAX {
        return Cow::Borrowed(output);
    }
    let kept = (0..=OUTPUT_BYTES_MAX).rev().find(|at| output.is_char_boundary(*at)).unwrap_or(0);
    Cow::Owned(format!("{}{OUTPUT_CUT}", &output[..kept]))
}

/// A plan whose encoding takes about half an event; the last line tells how many were left out.
pub(crate) fn cut_plan(entries: Vec<PlanEntry>, event_bytes: usize) -> Vec<PlanEntry> {
    let total = entries.len();
    let mut left = event_bytes / 2;
    let mut kept = Vec::with_capacity(total);
    for entry in entries {
        let entry = PlanEntry { text: cut(&entry.text, event_bytes / 8), ..entry };
        let Some(rest) = left.checked_sub(encode(&entry).len() + 1) else {
            let more = total - kept.len();
            kept.push(PlanEntry { text: format!("… {more} more"), status: PlanStatus::Pending });
            break;
        };
        left = rest;
        kept.push(entry);
    }
    kept
}

/// The options whose encoding takes at most half an event. An option's id is never cut: it is what the agent is answered with.
pub(crate) fn cut_options(options: Vec<RequestOption>, event_bytes: usize) -> Vec<RequestOption> {
    let mut left = event_bytes / 2;
    let mut kept = Vec::with_capacity(options.len());
    for option in options {
        let option = RequestOption { name: cut(&option.name, event_bytes / 8), kind: cut(&option.kind, 64), ..option };
        if let Some(rest) = left.checked_sub(encode(&option).len() + 1) {
            left = rest;
            kept.push(option);
        }
    }
    kept
}

/// An error whose sentence takes at most half an event.
pub(crate) fn cut_error(error: &TurnError, event_bytes: usize) -> TurnError {
    TurnError { code: cut(&error.code, 64), message: cut(&error.message, event_bytes / 2) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_is_measured_as_serde_json_writes_it() {
        for c in (0..=0x2_0000).filter_map(char::from_u32) {
            let text = c.to_string();
            assert_eq!(encoded_len(&text), encode(&text).len() - 2, "{c:?}");
        }
    }

    #[test]
    fn a_text_is_cut_between_characters_and_says_so() {
        assert_eq!(cut("schön", 6), "schön");
        assert_eq!(cut("schön", 5), "sc…");
        assert_eq!(fitting("\u{1}\u{1}", 11), 1);
        assert_eq!(fitting("öö", 3), 2);
    }

    #[test]
    fn a_long_output_ends_in_a_line_that_says_so() {
        let output = cut_output(&"ö".repeat(OUTPUT_BYTES_MAX)).into_owned();
        assert!(output.ends_with("ö\n… output cut at 1 MiB"));
        assert_eq!(cut_output("short"), "short");
    }

    #[test]
    fn a_long_plan_tells_how_many_lines_it_lost() {
        let entries = vec![PlanEntry { text: "x".repeat(100), status: PlanStatus::Pending }; 50];
        let kept = cut_plan(entries, 2048);
        assert!(encode(&kept).len() < 1200);
        let lost = 50 - (kept.len() - 1);
        assert_eq!(kept.last().map(|entry| entry.text.clone()), Some(format!("… {lost} more")));
    }

    #[test]
    fn options_keep_their_ids_whole_or_not_at_all() {
        let option = |id: &str| RequestOption { id: id.into(), name: "n".repeat(9999), kind: "allow_once".into() };
        let kept = cut_options(vec![option("a"), option(&"b".repeat(9999)), option("c")], 2048);
        assert_eq!(kept.iter().map(|option| option.id.as_str()).collect::<Vec<_>>(), ["a", "c"]);
    }
}
