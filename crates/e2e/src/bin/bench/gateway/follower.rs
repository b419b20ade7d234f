//! A reader of one stream that stays connected as its server wants it, and counts what it was sent.

use std::{io, time::Duration};

use moorline_e2e::{Api, within};
use moorline_protocol::{Ack, ClientFrame, Cursor, Epoch, Pong, Seq, SessionId, encode};
use tokio::task::JoinSet;

use crate::raw::{Line, RawReader, behind, find};

/// A sign that stands once in each text that is appended, and nowhere else in a stream.
pub(crate) const MARK: u8 = b'~';

/// One text: 200 bytes with one mark.
pub(crate) fn text() -> String {
    format!("{} ", char::from(MARK)) + &"lorem ipsum ".repeat(17)[..198]
}

/// Generous: a benchmark that hangs must end too.
const LONGEST: Duration = Duration::from_secs(120);
/// As the page does: at half of the credit.
const ACK_BYTES: usize = 256 << 10;

/// What a server wants of those who read from it.
#[derive(Debug)]
pub(crate) enum Upkeep {
    /// Acks, and answers to pings.
    Moorline(Box<Moorline>),
    /// Nothing.
    DurableStreams,
    /// Answers to pings. What it said when it let the reader in, and the offset of the newest packet, recover the state.
    SocketIo { connected: String, offset: String },
}

/// A reader's place at the gateway.
#[derive(Debug)]
pub(crate) struct Moorline {
    session: SessionId,
    line: Line,
    api: Api,
    epoch: Option<Epoch>,
    seq: Seq,
    connection: String,
    unacked: usize,
    /// Under way; they end with the reader.
    posts: JoinSet<()>,
}

/// A reader.
#[derive(Debug)]
pub(crate) struct Follower {
    reader: RawReader,
    upkeep: Upkeep,
    /// Texts that came.
    pub(crate) marks: u64,
    /// It was told that it has everything.
    pub(crate) is_live: bool,
    /// The newest thing that came is the end of a turn of the gateway.
    is_over: bool,
}

impl Follower {
    pub(crate) const fn new(reader: RawReader, upkeep: Upkeep) -> Self {
        Self { reader, upkeep, marks: 0, is_live: false, is_over: false }
    }

    /// Where it stands in the gateway's journal.
    pub(crate) fn cursor(&self) -> Option<Cursor> {
        let Upkeep::Moorline(place) = &self.upkeep else { return None };
        Some(Cursor { session: place.session.clone(), epoch: place.epoch.clone()?, seq: place.seq })
    }

    /// What it takes to have the state of a socket.io connection recovered, from the first packet on.
    pub(crate) fn recovery(&self) -> Option<String> {
        let Upkeep::SocketIo { connected, offset } = &self.upkeep else { return None };
        let pid = behind(connected.as_bytes(), b"\"pid\":\"", b"\"")?;
        Some(format!(r#"40{{"pid":"{pid}","offset":"{offset}"}}"#))
    }

    /// Writes a message on its WebSocket.
    ///
    /// # Errors
    /// When the connection breaks.
    pub(crate) async fn say(&mut self, text: &str) -> io::Result<()> {
        self.reader.say(text).await
    }

    /// Reads until it was told that it has everything.
    ///
    /// # Errors
    /// When the stream ends before that.
    pub(crate) async fn until_live(&mut self) -> io::Result<()> {
        self.until("a reader to catch up", |reader| reader.is_live).await
    }

    /// Reads until so many texts have come.
    ///
    /// # Errors
    /// When the stream ends before that.
    pub(crate) async fn until_marks(&mut self, marks: u64) -> io::Result<()> {
        self.until("every text to arrive", |reader| reader.marks >= marks).await
    }

    /// Reads until the turn has ended that the newest text is of.
    ///
    /// # Errors
    /// When the stream ends before that.
    pub(crate) async fn until_turn_end(&mut self) -> io::Result<()> {
        self.until("a turn to end", |reader| reader.is_over).await
    }

    /// Reads until the stream ends.
    pub(crate) async fn until_end(&mut self) {
        while self.step().await.is_ok() {}
    }

    async fn until(&mut self, what: &str, is_done: impl Fn(&Self) -> bool) -> io::Result<()> {
        within(what, LONGEST, async {
            while !is_done(self) {
                self.step().await?;
            }
            Ok(())
        })
        .await
    }

    async fn step(&mut self) -> io::Result<()> {
        let Self { reader, upkeep, marks, is_live, is_over } = self;
        let piece = reader.next().await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        *marks += piece.iter().filter(|byte| **byte == MARK).count() as u64;
        *is_over = find(&piece[piece.len().saturating_sub(512)..], b"\"turn_ended\"").is_some();
        let answer = match upkeep {
            Upkeep::Moorline(place) => {
                // Short where it matters: the frames full of texts are not looked through for it.
                *is_live = *is_live || find(&piece[..piece.len().min(4096)], b"\"caught_up\"").is_some() || place.ends_live(piece);
                place.read(piece)
            }
            Upkeep::DurableStreams => {
                *is_live = *is_live || behind(piece, b"\"upToDate\":", b",}") == Some("true");
                None
            }
            Upkeep::SocketIo { connected, offset } => {
                if piece.starts_with(b"40") {
                    *is_live = true;
                    *connected = String::from_utf8_lossy(piece).into_owned();
                }
                if offset.is_empty() && piece.starts_with(b"42") {
                    let texts: Vec<String> = serde_json::from_slice(&piece[2..]).map_err(io::Error::other)?;
                    *offset = texts.into_iter().next_back().unwrap_or_default();
                }
                (piece == b"2").then(|| "3".to_owned())
            }
        };
        match answer {
            Some(answer) => reader.say(&answer).await,
            None => Ok(()),
        }
    }
}

impl Moorline {
    pub(crate) fn new(session: SessionId, line: Line, api: Api) -> Self {
        Self { session, line, api, epoch: None, seq: Seq::ZERO, connection: String::new(), unacked: 0, posts: JoinSet::new() }
    }

    fn ends_live(&self, piece: &[u8]) -> bool {
        self.line == Line::Events && find(&piece[piece.len().saturating_sub(4096)..], b"\"caught_up\"").is_some()
    }

    /// Takes in a piece; returns what is to be said on the line.
    fn read(&mut self, piece: &[u8]) -> Option<String> {
        if self.epoch.is_none() {
            self.epoch = behind(piece, b"\"epoch\":\"", b"\"").and_then(|epoch| Epoch::parse(epoch).ok());
        }
        if self.connection.is_empty() {
            self.connection = behind(piece, b"\"connection\":\"", b"\"").unwrap_or_default().to_owned();
        }
        if let Some(seq) = behind(piece, b"\"seq\":", b",}").and_then(|seq| seq.parse().ok()) {
            self.seq = self.seq.max(Seq::new(seq));
        }
        self.unacked += piece.len();
        let is_ping = find(&piece[..piece.len().min(64)], b"{\"ping\"").is_some();
        if self.unacked < ACK_BYTES && !is_ping {
            return None;
        }
        self.unacked = 0;
        let cursor = Cursor { session: self.session.clone(), epoch: self.epoch.clone()?, seq: self.seq };
        let (verb, frame) = match is_ping {
            true => ("pong", ClientFrame::Pong(Pong { cursors: vec![cursor] })),
            false => ("ack", ClientFrame::Ack(Ack { cursors: vec![cursor] })),
        };
        let text = encode(&frame);
        match self.line {
            Line::WebSocket => Some(text),
            Line::Events => {
                self.post(verb, text);
                None
            }
        }
    }

    fn post(&mut self, verb: &'static str, text: String) {
        while let Some(posted) = self.posts.try_join_next() {
            posted.expect("the post before it was taken");
        }
        let (api, connection) = (self.api.clone(), self.connection.clone());
        self.posts.spawn(async move {
            let headers = [("content-type", "application/json"), (moorline_protocol::CONNECTION_HEADER, connection.as_str())];
            let (status, _) = api.raw(hyper::Method::POST, &format!("/v1/{verb}"), &headers, text).await;
            assert!(status.is_success(), "a posted {verb} answers {status}");
        });
    }
}
