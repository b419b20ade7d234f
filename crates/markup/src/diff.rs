//! A diff, as the gateway writes them.

/// A longer diff is shown as plain text: an element a line is too many then.
const LINES: usize = 2_000;

/// Whether a tool's output is a diff to be shown line by line.
#[must_use]
pub fn is_diff(text: &str) -> bool {
    let mut lines = text.lines();
    let head = |line: Option<&str>, sign| line.is_some_and(|line| line.starts_with(sign));
    head(lines.next(), "--- ") && head(lines.next(), "+++ ") && head(lines.next(), "@@ ") && text.lines().nth(LINES).is_none()
}
