//! An agent's stdout cut into lines, none longer than a limit.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// The longest line that is read as one; a longer one is skipped.
pub(super) const LINE_BYTES: usize = 8 << 20;

/// One line, or the news that one was too long.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A line without its end; bytes that are no UTF-8 are replaced.
    Text(String),
    /// A line of this many bytes was thrown away.
    Skipped(usize),
}

/// Cuts a stream into lines.
#[derive(Debug)]
pub(super) struct Lines<R> {
    source: R,
    buffer: Vec<u8>,
    /// Where the next line begins in the buffer.
    start: usize,
    /// Up to here no line end was found.
    scanned: usize,
    /// How much of a line that is too long was thrown away so far.
    skipping: Option<usize>,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(super) const fn new(source: R) -> Self {
        Self { source, buffer: Vec::new(), start: 0, scanned: 0, skipping: None }
    }

    /// Waits for the next line; none at the end of the stream. Loses nothing when it is dropped while waiting.
    pub(super) async fn next(&mut self) -> io::Result<Option<Line>> {
        loop {
            if let Some(line) = self.cut() {
                return Ok(Some(line));
            }
            self.make_room();
            if self.source.read_buf(&mut self.buffer).await? == 0 {
                return Ok(self.rest());
            }
        }
    }

    fn cut(&mut self) -> Option<Line> {
        let Some(found) = self.buffer[self.scanned..].iter().position(|byte| *byte == b'\n') else {
            self.scanned = self.buffer.len();
            return None;
        };
        let end = self.scanned + found;
        let line = self.take(end);
        self.start = end + 1;
        self.scanned = self.start;
        Some(line)
    }

    /// What stands between the last line end and the end of the stream.
    fn rest(&mut self) -> Option<Line> {
        let end = self.buffer.len();
        if self.start == end && self.skipping.is_none() {
            return None;
        }
        let line = self.take(end);
        self.start = end;
        self.scanned = end;
        Some(line)
    }

    fn take(&mut self, end: usize) -> Line {
        let bytes = &self.buffer[self.start..end];
        if let Some(before) = self.skipping.take() {
            return Line::Skipped(before + bytes.len());
        }
        if bytes.len() > LINE_BYTES {
            return Line::Skipped(bytes.len());
        }
        Line::Text(String::from_utf8_lossy(bytes).into_owned())
    }

    fn make_room(&mut self) {
        self.buffer.drain(..self.start);
        self.scanned -= self.start;
        self.start = 0;
        if self.skipping.is_some() || self.buffer.len() > LINE_BYTES {
            *self.skipping.get_or_insert(0) += self.buffer.len();
            self.buffer.clear();
            self.scanned = 0;
        }
        self.buffer.reserve(64 << 10);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn all(bytes: &[u8]) -> Vec<Line> {
        let mut lines = Lines::new(bytes);
        let mut found = Vec::new();
        while let Some(line) = lines.next().await.unwrap() {
            found.push(line);
        }
        found
    }

    fn text(line: &str) -> Line {
        Line::Text(line.to_owned())
    }

    #[tokio::test]
    async fn the_last_line_needs_no_end() {
        assert_eq!(all(b"one\n\ntwo").await, [text("one"), text(""), text("two")]);
        assert_eq!(all(b"one\n").await, [text("one")]);
        assert_eq!(all(b"").await, []);
    }

    #[tokio::test]
    async fn bytes_that_are_no_text_are_replaced() {
        assert_eq!(all(b"a\xffb\n").await, [text("a\u{fffd}b")]);
    }

    #[tokio::test]
    async fn a_line_beyond_the_limit_is_skipped_and_the_next_one_is_read() {
        let mut bytes = b"before\n".to_vec();
        bytes.resize(bytes.len() + LINE_BYTES, b'x');
        bytes.extend(b"\n");
        bytes.resize(bytes.len() + LINE_BYTES + 100_000, b'y');
        bytes.extend(b"\nafter\n");
        let found = all(&bytes).await;
        assert_eq!(found.len(), 4);
        assert_eq!(found[0], text("before"));
        assert!(matches!(&found[1], Line::Text(line) if line.len() == LINE_BYTES));
        assert_eq!(found[2], Line::Skipped(LINE_BYTES + 100_000));
        assert_eq!(found[3], text("after"));
    }
}
