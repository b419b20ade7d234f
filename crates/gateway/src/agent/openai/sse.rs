//! A stream of server-sent events, read as far as chat servers write it: the data of each event.

/// The longest event, and the longest line.
pub(super) const EVENT_BYTES: usize = 8 << 20;

/// An event or a line is longer than [`EVENT_BYTES`].
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLong;

/// Bytes in, the data of whole events out.
#[derive(Debug, Default)]
pub(super) struct Sse {
    bytes: Vec<u8>,
    /// Where the current line begins.
    line: usize,
    /// Up to here the current line has no end.
    searched: usize,
    /// The last line ended with CR: an LF behind it is no line of its own.
    after_cr: bool,
    /// Some line was read: a byte order mark is none any more.
    is_under_way: bool,
    /// The data of the current event.
    data: Option<Vec<u8>>,
}

impl Sse {
    /// Takes more of the stream, however it was cut.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.line);
        self.searched -= self.line;
        self.line = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The data of the next event that is whole.
    pub(super) fn next(&mut self) -> Result<Option<String>, TooLong> {
        loop {
            if self.after_cr && self.line < self.bytes.len() {
                self.after_cr = false;
                if self.bytes[self.line] == b'\n' {
                    self.line += 1;
                    self.searched = self.line;
                }
            }
            let end = self.bytes[self.searched..].iter().position(|b| matches!(b, b'\n' | b'\r'));
            let end = end.map(|end| self.searched + end);
            let line = end.unwrap_or(self.bytes.len()) - self.line;
            if line + self.data.as_ref().map_or(0, Vec::len) > EVENT_BYTES {
                return Err(TooLong);
            }
            let Some(end) = end else {
                self.searched = self.bytes.len();
                return Ok(None);
            };
            let begin = self.line;
            self.after_cr = self.bytes[end] == b'\r';
            (self.line, self.searched) = (end + 1, end + 1);
            if let Some(data) = self.read_line(begin, end) {
                return Ok(Some(String::from_utf8_lossy(&data).into_owned()));
            }
        }
    }

    /// Reads a line; an empty one completes an event.
    fn read_line(&mut self, begin: usize, end: usize) -> Option<Vec<u8>> {
        let mut line = &self.bytes[begin..end];
        if !std::mem::replace(&mut self.is_under_way, true) {
            line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
        }
        if line.is_empty() {
            return self.data.take();
        }
        let value = if line == b"data" { Some(&b""[..]) } else { line.strip_prefix(b"data:") };
        if let Some(value) = value {
            let value = value.strip_prefix(b" ").unwrap_or(value);
            match &mut self.data {
                Some(data) => {
                    data.push(b'\n');
                    data.extend_from_slice(value);
                }
                None => self.data = Some(value.to_vec()),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes out when the stream is cut into pieces of so many bytes.
    fn events(stream: &str, piece: usize) -> Vec<String> {
        let (mut sse, mut found) = (Sse::default(), Vec::new());
        for piece in stream.as_bytes().chunks(piece) {
            sse.push(piece);
            while let Some(data) = sse.next().unwrap() {
                found.push(data);
            }
        }
        found
    }

    #[test]
    fn events_are_the_same_wherever_the_stream_is_cut_and_however_lines_end() {
        let stream = "\u{feff}data: one\n\n: a comment\n\nevent: x\nid: 7\ndata:two\ndata:  zwei ä\ndata\n\nretry: 3\n\ndata: [DONE]\n\n";
        let expected = ["one", "two\n zwei ä\n", "[DONE]"];
        for end in ["\n", "\r\n", "\r"] {
            let stream = stream.replace('\n', end);
            for piece in 1..=stream.len() {
                assert_eq!(events(&stream, piece), expected, "{end:?} in pieces of {piece}");
            }
        }
    }

    #[test]
    fn an_event_that_was_cut_off_is_none() {
        assert_eq!(events("data: one\n\ndata: tw", 4), ["one"]);
        assert_eq!(events("data: one\n\ndata: two\n", 4), ["one"]);
    }

    #[test]
    fn bytes_that_are_no_text_spoil_only_themselves() {
        let mut sse = Sse::default();
        sse.push(b"data: a\xffb\n\n");
        assert_eq!(sse.next(), Ok(Some("a\u{fffd}b".to_owned())));
    }

    #[test]
    fn a_line_and_an_event_without_an_end_are_refused() {
        let piece = vec![b'x'; 1 << 20];
        let mut sse = Sse::default();
        sse.push(b"data: ");
        let refused = (0..9).position(|_| {
            sse.push(&piece);
            sse.next() == Err(TooLong)
        });
        assert_eq!(refused, Some(7), "one long line");

        let line = [b"data: ", &piece[..], b"\n"].concat();
        let mut sse = Sse::default();
        let refused = (0..9).position(|_| {
            sse.push(&line);
            sse.next() == Err(TooLong)
        });
        assert_eq!(refused, Some(7), "many lines");
    }
}
