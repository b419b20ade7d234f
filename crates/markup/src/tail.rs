//! How an open text is shown: as if what is open in it were closed.

use std::borrow::Cow;

use pulldown_cmark::{Event, Tag};

use crate::references::events;

/// The text with what is open at its end closed, and without what may be the beginning of markup.
pub(crate) fn closed(text: &str) -> Cow<'_, str> {
    let text = without_rule(text);
    if !text.contains(['*', '_', '~', '`', '[']) {
        return Cow::Borrowed(text);
    }
    let Some(start) = last_leaf(text) else { return Cow::Borrowed(text) };
    let Some(leaf) = text.get(start..) else { return Cow::Borrowed(text) };
    let mut scan = Scan::default();
    scan.run(leaf);
    let end = start + scan.end.unwrap_or(leaf.trim_end().len());
    let mut out = String::with_capacity(end + 8);
    match scan.link {
        Some([open, close]) => {
            out.push_str(&text[..start + open]);
            out.push_str(&text[start + open + 1..start + close]);
        }
        None => out.push_str(&text[..end]),
    }
    out.push_str(&scan.code);
    for (sign, count) in scan.open.iter().rev() {
        out.extend(std::iter::repeat_n(*sign, *count));
    }
    Cow::Owned(out)
}

/// Without a last line of which nobody knows yet whether it makes a heading of the line before.
fn without_rule(text: &str) -> &str {
    let start = text.rfind('\n').map_or(0, |end| end + 1);
    let line = text[start..].trim();
    let is_open = !line.is_empty() && (line.bytes().all(|byte| byte == b'-') || line.bytes().all(|byte| byte == b'='));
    if is_open && start > 0 { &text[..start] } else { text }
}

/// The place of the last text with inline markup; none when the text ends with something else.
fn last_leaf(text: &str) -> Option<usize> {
    let mut last = None;
    for (event, range) in events(text, None) {
        if let Event::Start(tag) = event {
            match tag {
                Tag::Paragraph | Tag::Heading { .. } | Tag::Item => last = Some((range, true)),
                Tag::TableCell => {
                    let is_open = text.get(range.start..).is_some_and(|cell| !cell.contains(['|', '\n']));
                    last = Some((range, is_open));
                }
                Tag::CodeBlock(_) | Tag::HtmlBlock => last = Some((range, false)),
                Tag::BlockQuote(_)
                | Tag::List(_)
                | Tag::Table(_)
                | Tag::TableHead
                | Tag::TableRow
                | Tag::Emphasis
                | Tag::Strong
                | Tag::Strikethrough
                | Tag::Link { .. }
                | Tag::Image { .. }
                | Tag::FootnoteDefinition(_)
                | Tag::DefinitionList
                | Tag::DefinitionListTitle
                | Tag::DefinitionListDefinition
                | Tag::Superscript
                | Tag::Subscript
                | Tag::MetadataBlock(_) => {}
            }
        }
    }
    let (range, is_inline) = last?;
    let is_last = text.get(range.start..).is_some_and(|leaf| !leaf.contains("\n\n"));
    (is_inline && is_last).then_some(range.start)
}

/// What is open at the end of a text with inline markup.
#[derive(Default)]
struct Scan {
    open: Vec<(char, usize)>,
    code: String,
    /// Where the text ends that is shown, if not at its end.
    end: Option<usize>,
    /// The places of the brackets of a link whose address is not whole.
    link: Option<[usize; 2]>,
}

impl Scan {
    fn run(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let mut at = 0;
        let mut bracket = None;
        while let Some(&byte) = bytes.get(at) {
            let length = bytes[at..].iter().take_while(|next| **next == byte).count();
            match byte {
                b'\\' => at += 2,
                b'`' => match code_end(bytes, at + length, length) {
                    Some(end) => at = end,
                    None => return self.open_code(text, at, length),
                },
                b'*' | b'_' | b'~' => {
                    self.stress(text, at, length);
                    at += length;
                }
                b'[' => {
                    bracket = Some(at);
                    at += 1;
                }
                b']' if bytes.get(at + 1) == Some(&b'(') => {
                    let address = &bytes[at + 2..];
                    match (bracket, address.iter().position(|byte| matches!(byte, b')' | b'\n'))) {
                        (_, Some(length)) => at += 2 + length,
                        (Some(open), None) => {
                            self.link = Some([open, at]);
                            return;
                        }
                        (None, None) => return,
                    }
                }
                _ => at += 1,
            }
        }
    }

    fn open_code(&mut self, text: &str, at: usize, length: usize) {
        if text[at + length..].trim().is_empty() {
            self.end = Some(text[..at].trim_end().len());
        } else {
            self.code = "`".repeat(length);
        }
    }

    fn stress(&mut self, text: &str, at: usize, length: usize) {
        let sign = char::from(text.as_bytes()[at]);
        let before = text[..at].chars().next_back();
        let after = text[at + length..].chars().next();
        let is_space = |sign: Option<char>| sign.is_none_or(char::is_whitespace);
        let is_sign = |sign: Option<char>| sign.is_some_and(|sign| sign.is_ascii_punctuation());
        let is_letter = |sign: Option<char>| sign.is_some_and(|sign| sign.is_ascii_alphanumeric() || !sign.is_ascii());
        let may_open = !is_space(after) && (!is_sign(after) || is_space(before) || is_sign(before));
        let may_close = !is_space(before) && (!is_sign(before) || is_space(after) || is_sign(after));
        let is_inner = sign == '_' && is_letter(before) && is_letter(after);
        if is_inner || (sign == '~' && length > 2) {
            return;
        }
        let mut left = length;
        while may_close && left > 0 {
            let Some(found) = self.open.iter().rposition(|(held, _)| *held == sign) else { break };
            self.open.truncate(found + 1);
            let Some((_, count)) = self.open.last_mut() else { break };
            let closed = left.min(*count);
            *count -= closed;
            left -= closed;
            if *count == 0 {
                self.open.pop();
            }
        }
        if left == 0 {
            return;
        }
        if may_open {
            self.open.push((sign, left));
        } else if text[at + length..].trim().is_empty() && (left < length || is_space(before)) {
            self.end = Some(text[..at].trim_end().len());
        }
    }
}

fn code_end(bytes: &[u8], from: usize, length: usize) -> Option<usize> {
    let mut at = from;
    while at < bytes.len() {
        let run = bytes[at..].iter().take_while(|byte| **byte == b'`').count();
        if run == length {
            return Some(at + run);
        }
        at += run.max(1);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_open_at_the_end_is_closed() {
        let cases = [
            ("a **bold", "a **bold**"),
            ("a **bold ", "a **bold**"),
            ("a **bold*", "a **bold**"),
            ("a **", "a"),
            ("a *b **c", "a *b **c***"),
            ("a `code", "a `code`"),
            ("a `", "a"),
            ("a ``b` c", "a ``b` c``"),
            ("a ~~gone", "a ~~gone~~"),
            ("snake_case", "snake_case"),
            ("2 * 3", "2 * 3"),
            (r"a \*b", r"a \*b"),
            ("- one\n- **two", "- one\n- **two**"),
            ("a [link](https://exa", "a link"),
            ("a [link](https://exa)", "a [link](https://exa)"),
            ("para\n--", "para\n"),
            ("**done**", "**done**"),
            ("| a |\n|---|\n| **b", "| a |\n|---|\n| **b**"),
        ];
        for (open, shown) in cases {
            assert_eq!(closed(open), shown, "{open:?}");
        }
    }

    #[test]
    fn what_is_closed_by_an_empty_line_stays_as_it_is() {
        for text in ["a **b\n\n", "a **b\n\nc", "```\n**a"] {
            assert_eq!(closed(text), text);
        }
    }
}
