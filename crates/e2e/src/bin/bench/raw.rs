//! A reader that costs the load's processor next to nothing: it finds where messages end, and decodes none.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// What a stream of messages travels on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Line {
    WebSocket,
    /// Server-sent events.
    Events,
}

impl Line {
    /// Its name in a table.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::WebSocket => "WebSocket",
            Self::Events => "SSE",
        }
    }
}

/// One connection, and what has been read of it.
#[derive(Debug)]
pub(crate) struct RawReader {
    stream: TcpStream,
    line: Line,
    buffer: Vec<u8>,
    /// Up to here pieces were handed out.
    start: usize,
}

const READ_BYTES: usize = 64 << 10;
/// What any server accepts: the handshake proves nothing to a benchmark.
const UPGRADE: &str =
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

impl RawReader {
    /// Connects and asks for a path, with further headers, each ended by CR LF.
    ///
    /// # Errors
    /// When there is no connection, or it is not answered as asked.
    pub(crate) async fn open(address: SocketAddr, line: Line, path: &str, headers: &str) -> io::Result<Self> {
        let mut stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (asks, answer) = match line {
            Line::WebSocket => (UPGRADE, "HTTP/1.1 101 "),
            Line::Events => ("Accept: text/event-stream\r\n", "HTTP/1.1 200 "),
        };
        let head = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n{asks}{headers}\r\n");
        stream.write_all(head.as_bytes()).await?;
        let mut reader = Self { stream, line, buffer: Vec::new(), start: 0 };
        let end = loop {
            if let Some(at) = find(&reader.buffer, b"\r\n\r\n") {
                break at + 4;
            }
            reader.read().await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        };
        if !reader.buffer.starts_with(answer.as_bytes()) {
            return Err(io::Error::other(String::from_utf8_lossy(&reader.buffer[..end]).into_owned()));
        }
        reader.start = end;
        Ok(reader)
    }

    /// The next piece, none at the end: one message of a WebSocket, or all the events that have come.
    ///
    /// # Errors
    /// When the connection breaks.
    pub(crate) async fn next(&mut self) -> io::Result<Option<&[u8]>> {
        loop {
            if let Some((from, to)) = self.piece() {
                self.start = to;
                return Ok(Some(&self.buffer[from..to]));
            }
            self.buffer.drain(..self.start);
            self.start = 0;
            if self.read().await?.is_none() {
                return Ok(None);
            }
        }
    }

    /// Writes a text message on a WebSocket, masked with zeros.
    ///
    /// # Errors
    /// When the connection breaks.
    pub(crate) async fn say(&mut self, text: &str) -> io::Result<()> {
        let mut frame = vec![0x81];
        match text.len() {
            short @ 0..126 => frame.push(0x80 | short as u8),
            long => {
                frame.push(0x80 | 126);
                frame.extend(u16::try_from(long).map_err(io::Error::other)?.to_be_bytes());
            }
        }
        frame.extend([0; 4]);
        frame.extend(text.as_bytes());
        self.stream.write_all(&frame).await
    }

    async fn read(&mut self) -> io::Result<Option<()>> {
        self.buffer.reserve(READ_BYTES);
        let bytes = self.stream.read_buf(&mut self.buffer).await?;
        Ok((bytes > 0).then_some(()))
    }

    fn piece(&mut self) -> Option<(usize, usize)> {
        match self.line {
            Line::WebSocket => self.message(),
            // Chunks of the transfer encoding lie between events, where nobody looks.
            Line::Events => {
                let end = self.buffer[self.start..].windows(2).rposition(|pair| pair == b"\n\n")?;
                Some((self.start, self.start + end + 2))
            }
        }
    }

    fn message(&mut self) -> Option<(usize, usize)> {
        loop {
            let rest = &self.buffer[self.start..];
            let (first, short) = (*rest.first()?, *rest.get(1)?);
            let (head, bytes) = match short {
                126 => (4, usize::from(u16::from_be_bytes([*rest.get(2)?, *rest.get(3)?]))),
                127 => (10, usize::try_from(u64::from_be_bytes(rest.get(2..10)?.try_into().ok()?)).ok()?),
                short => (2, usize::from(short)),
            };
            if rest.len() < head + bytes {
                return None;
            }
            let from = self.start + head;
            if first & 0x0f == 1 {
                return Some((from, from + bytes));
            }
            self.start = from + bytes;
        }
    }
}

/// Where something first stands in some bytes.
pub(crate) fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// The bytes between something's last place and the next of the signs behind it.
pub(crate) fn behind<'a>(bytes: &'a [u8], what: &[u8], ends: &[u8]) -> Option<&'a str> {
    let at = bytes.windows(what.len()).rposition(|window| window == what)?;
    let rest = &bytes[at + what.len()..];
    let end = rest.iter().position(|byte| ends.contains(byte))?;
    std::str::from_utf8(&rest[..end]).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    /// Answers one request with some bytes, cut in two at every place in turn.
    async fn pieces(line: Line, answer: &'static [u8]) -> Vec<Vec<String>> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            for cut in 0..answer.len() {
                let (mut stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                let mut head = [0; 1024];
                let _ = stream.read(&mut head).await.unwrap();
                stream.write_all(&answer[..cut]).await.unwrap();
                tokio::task::yield_now().await;
                stream.write_all(&answer[cut..]).await.unwrap();
            }
        });
        let mut all = Vec::new();
        for _ in 0..answer.len() {
            let mut reader = RawReader::open(address, line, "/", "").await.unwrap();
            let mut texts = Vec::new();
            while let Some(piece) = reader.next().await.unwrap() {
                texts.push(String::from_utf8_lossy(piece).into_owned());
            }
            all.push(texts);
        }
        all
    }

    #[tokio::test]
    async fn messages_of_a_websocket_are_whole_wherever_they_are_cut() {
        let answer = b"HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x02hi\x89\x01p\x81\x7e\x00\x03you";
        for texts in pieces(Line::WebSocket, answer).await {
            assert_eq!(texts, ["hi", "you"]);
        }
    }

    #[tokio::test]
    async fn events_are_whole_wherever_they_are_cut() {
        let answer = b"HTTP/1.1 200 OK\r\n\r\ndata: one\n\n\r\nb\r\ndata: two\n\n";
        for texts in pieces(Line::Events, answer).await {
            assert_eq!(texts.concat(), "data: one\n\n\r\nb\r\ndata: two\n\n");
            assert!(texts.iter().all(|text| text.ends_with("\n\n")), "{texts:?}");
        }
    }

    #[test]
    fn the_last_value_is_found() {
        assert_eq!(behind(br#"{"seq":41,"x":{"seq":42}}"#, br#""seq":"#, b",}"), Some("42"));
        assert_eq!(behind(b"nothing", b"seq", b","), None);
    }
}
