//! What is decided line by line, before anything is parsed.

/// A longer line is shown as it is.
pub(crate) const LINE_BYTES: usize = 16 << 10;

/// A line that opens more quotations and lists than this is shown as it is: every later line would cost as much.
const MARKERS: usize = 64;

/// A line with more brackets open than this is shown as it is: each of them is looked at from each.
const BRACKETS: usize = 200;

/// The lines of a text with their ends, each with its place.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    text.split_inclusive('\n').map(move |line| {
        at += line.len();
        (at - line.len(), line)
    })
}

pub(crate) fn is_blank(line: &str) -> bool {
    line.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\n'))
}

/// Whether a line is a block of its own, whatever stands around it.
pub(crate) fn is_too_much(line: &str) -> bool {
    line.len() > LINE_BYTES || markers(line) > MARKERS || brackets(line) > BRACKETS
}

fn markers(line: &str) -> usize {
    let mut count = 0;
    let mut bytes = line.bytes().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b' ' | b'\t' | b'0'..=b'9' => {}
            b'>' => count += 1,
            b'-' | b'+' | b'*' | b'.' | b')' if matches!(bytes.peek(), Some(b' ' | b'\t')) => count += 1,
            _ => break,
        }
    }
    count
}

/// How many brackets are open at the end.
fn brackets(line: &str) -> usize {
    line.bytes().fold(0, |open: usize, byte| match byte {
        b'[' => open + 1,
        b']' => open.saturating_sub(1),
        _ => open,
    })
}
