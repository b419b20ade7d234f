//! A connection with a driver that serves from journals of equal events, on a clock that only the test moves.

use std::{collections::BTreeMap, sync::Arc};

use moorline_delivery::{Connection, ConnectionConfig, ConnectionInput, ConnectionOutput, End, Journal, Terms};
use moorline_protocol::{
    Ack, Answer, Attach, CaughtUp, ClientFrame, ClientId, ConnectionId, Cursor, Detach, Epoch, ErrorFrame, GatewayFrame, Hello, Limits,
    Millis, PageId, Seq, SessionId, SessionState, SnapshotPart, Timings,
};

/// Encoded bytes of every event.
pub(crate) const EVENT_BYTES: usize = 1_000;

pub(crate) fn session(text: &str) -> SessionId {
    SessionId::parse(text).expect("an id")
}

pub(crate) fn epoch(text: &str) -> Epoch {
    Epoch::parse(text).expect("an id")
}

pub(crate) fn cursor(of: &str, epoch_text: &str, seq: u64) -> Cursor {
    Cursor { session: session(of), epoch: epoch(epoch_text), seq: Seq::new(seq) }
}

pub(crate) fn fresh(of: &str, no: u64) -> Attach {
    Attach { session: session(of), no, epoch: None, seq: Seq::ZERO, snapshot: false }
}

pub(crate) fn from(of: &str, no: u64, epoch_text: &str, seq: u64) -> Attach {
    Attach { epoch: Some(epoch(epoch_text)), seq: Seq::new(seq), ..fresh(of, no) }
}

pub(crate) fn greeting(attaches: Vec<Attach>) -> ClientFrame {
    let client = ClientId::parse("client").expect("an id");
    ClientFrame::Hello(Hello { version: 1, client, page: PageId::parse("page").expect("an id"), attaches, rows_rev: None })
}

/// What a connection wrote or had written.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "a test holds few of them")]
pub(crate) enum Written {
    Frame(GatewayFrame),
    /// Events of a session, first and last.
    Events(String, u64, u64),
    Rows(Option<u64>),
}

#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) epoch: &'static str,
    pub(crate) oldest: u64,
    pub(crate) head: u64,
    /// Rows behind any cursor, where they were folded.
    pub(crate) rows: Option<u64>,
}

pub(crate) struct Scene {
    pub(crate) core: Connection,
    pub(crate) now: Millis,
    pub(crate) journals: BTreeMap<String, Kept>,
    pub(crate) rows: u64,
    /// Everything asked for, in order.
    pub(crate) asked: Vec<ConnectionOutput>,
    pub(crate) end: Option<End>,
    /// Parts of every snapshot.
    pub(crate) parts: u32,
    /// Whether the driver looks a session up when it is asked to.
    pub(crate) opens: bool,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self::with(Limits::default())
    }

    pub(crate) fn with(limits: Limits) -> Self {
        let terms = Terms { timings: Timings::default(), limits, build: "1.2.3".to_owned(), agents: vec!["demo".to_owned()] };
        let config = ConnectionConfig { id: ConnectionId::parse("c1").expect("an id"), time: 99, terms: Arc::new(terms) };
        let now = Millis(5_000_000);
        let core = Connection::new(now, config);
        Self { core, now, journals: BTreeMap::new(), rows: 1, asked: Vec::new(), end: None, parts: 1, opens: true }
    }

    /// A greeted connection to a gateway with a journal of epoch `e`.
    pub(crate) fn greeted(of: &str, head: u64) -> Self {
        let mut scene = Self::new();
        scene.keep(of, "e", head);
        scene.says(greeting(Vec::new()));
        scene
    }

    pub(crate) fn keep(&mut self, of: &str, epoch_text: &'static str, head: u64) {
        self.journals.insert(of.to_owned(), Kept { epoch: epoch_text, oldest: u64::from(head > 0), head, rows: None });
    }

    pub(crate) fn says(&mut self, frame: ClientFrame) -> Vec<Written> {
        self.handles(ConnectionInput::Frame(frame))
    }

    pub(crate) fn attach(&mut self, attach: Attach) -> Vec<Written> {
        self.says(ClientFrame::Attach(attach))
    }

    pub(crate) fn detach(&mut self, of: &str, no: u64) -> Vec<Written> {
        self.says(ClientFrame::Detach(Detach { session: session(of), no }))
    }

    pub(crate) fn acks(&mut self, cursors: Vec<Cursor>) -> Vec<Written> {
        self.says(ClientFrame::Ack(Ack { cursors }))
    }

    /// Commits events and wakes the connection.
    pub(crate) fn commits(&mut self, of: &str, events: u64) -> Vec<Written> {
        self.commits_silently(of, events);
        let head = Seq::new(self.journals[of].head);
        self.handles(ConnectionInput::Head { session: session(of), head, state: SessionState::default(), agent: None })
    }

    pub(crate) fn commits_silently(&mut self, of: &str, events: u64) {
        let kept = self.journals.get_mut(of).expect("a journal");
        kept.head += events;
        kept.oldest = kept.oldest.max(1);
    }

    pub(crate) fn handles(&mut self, input: ConnectionInput) -> Vec<Written> {
        self.core.handle(self.now, input);
        let mut written = Vec::new();
        while let Some(output) = self.core.poll_output() {
            self.asked.push(output.clone());
            assert!(self.asked.len() < 1_000_000, "the connection does not come to rest");
            self.complete(output, &mut written);
        }
        written
    }

    /// Does what one output asks for.
    pub(crate) fn completes(&mut self, output: ConnectionOutput) {
        self.complete(output, &mut Vec::new());
    }

    fn complete(&mut self, output: ConnectionOutput, written: &mut Vec<Written>) {
        match output {
            ConnectionOutput::Transmit(frame) => written.push(Written::Frame(frame)),
            ConnectionOutput::Open { session, no, cursor } if self.opens => {
                let journal = self.journal_behind(&session, cursor.map_or(0, |cursor| cursor.seq.value()));
                self.core.handle(self.now, ConnectionInput::Journal { session, no, journal });
            }
            ConnectionOutput::Check { session } => {
                if let Some(Journal { head, state, .. }) = self.journal(&session) {
                    self.core.handle(self.now, ConnectionInput::Head { session, head, state, agent: None });
                }
            }
            ConnectionOutput::Serve { session, after, max_bytes } => {
                let head = self.journals[session.as_str()].head;
                let fitting = (max_bytes / EVENT_BYTES).max(1) as u64;
                let seq = head.min(after.value() + fitting);
                written.push(Written::Events(session.to_string(), after.value() + 1, seq));
                let bytes = (seq - after.value()) as usize * EVENT_BYTES;
                self.core.handle(self.now, ConnectionInput::Served { session, seq: Seq::new(seq), bytes });
            }
            ConnectionOutput::Snapshot { session, no, .. } => {
                let kept = &self.journals[session.as_str()];
                let part = SnapshotPart {
                    session: session.clone(),
                    no,
                    epoch: epoch(kept.epoch),
                    seq: Seq::new(kept.head),
                    part: 0,
                    last: false,
                    from: Seq::new(1),
                    items: Vec::new(),
                };
                let count = self.parts;
                let parts = (0..count).map(|number| SnapshotPart { part: number, last: number + 1 == count, ..part.clone() }).collect();
                self.core.handle(self.now, ConnectionInput::Snapshot { session, no, seq: part.seq, parts });
            }
            ConnectionOutput::Rows { since } => {
                written.push(Written::Rows(since));
                self.core.handle(self.now, ConnectionInput::RowsServed(self.rows));
            }
            ConnectionOutput::Close(end) => self.end = Some(end),
            _ => {}
        }
    }

    pub(crate) fn journal(&self, session: &SessionId) -> Option<Journal> {
        self.journal_behind(session, 0)
    }

    fn journal_behind(&self, session: &SessionId, seq: u64) -> Option<Journal> {
        let kept = self.journals.get(session.as_str())?;
        let behind = kept.rows.unwrap_or(kept.head.saturating_sub(seq));
        let (oldest, head) = (Seq::new(kept.oldest), Seq::new(kept.head));
        Some(Journal { epoch: epoch(kept.epoch), oldest, head, state: SessionState::default(), behind, agent: None })
    }

    /// Lets time pass, with the deadlines on the way handled in time.
    pub(crate) fn passes(&mut self, millis: u64) -> Vec<Written> {
        let end = self.now + Millis(millis);
        let mut written = Vec::new();
        while self.end.is_none() && self.core.deadline() <= end {
            assert!(self.core.deadline() > self.now, "the deadline does not move");
            self.now = self.core.deadline();
            written.extend(self.handles(ConnectionInput::Deadline));
        }
        self.now = end;
        written
    }
}

pub(crate) fn frames(written: &[Written]) -> Vec<GatewayFrame> {
    let frames = written.iter().filter_map(|written| match written {
        Written::Frame(frame) => Some(frame.clone()),
        _ => None,
    });
    frames.collect()
}

pub(crate) fn errors(written: &[Written]) -> Vec<ErrorFrame> {
    let errors = frames(written).into_iter().filter_map(|frame| match frame {
        GatewayFrame::Error(error) => Some(error),
        _ => None,
    });
    errors.collect()
}

/// The answers to attaches, with their numbers.
pub(crate) fn answers(written: &[Written]) -> Vec<(u64, Answer)> {
    let answers = frames(written).into_iter().filter_map(|frame| match frame {
        GatewayFrame::Attached(attached) => Some((attached.no, attached.answer)),
        _ => None,
    });
    answers.collect()
}

pub(crate) fn caught_up(written: &[Written]) -> Vec<CaughtUp> {
    let caught_up = frames(written).into_iter().filter_map(|frame| match frame {
        GatewayFrame::CaughtUp(caught_up) => Some(caught_up),
        _ => None,
    });
    caught_up.collect()
}

pub(crate) fn parts(written: &[Written]) -> Vec<SnapshotPart> {
    let parts = frames(written).into_iter().filter_map(|frame| match frame {
        GatewayFrame::Snapshot(part) => Some(part),
        _ => None,
    });
    parts.collect()
}

/// The events written, first and last of every frame.
pub(crate) fn served(written: &[Written]) -> Vec<(String, u64, u64)> {
    let served = written.iter().filter_map(|written| match written {
        Written::Events(of, first, last) => Some((of.clone(), *first, *last)),
        _ => None,
    });
    served.collect()
}
