//! Journals of any length, made without an agent and written straight into a store.

use std::time::{SystemTime, UNIX_EPOCH};

use moorline_protocol::{
    Accepted, Append, BlockId, BlockKind, Changed, Epoch, Event, EventBody, FieldsPatch, Limits, MessageId, Opened, Outcome, Patch, Seq,
    SessionId, ToolKind, ToolStatus, TurnEnded, TurnId, TurnStarted,
};
use moorline_session::{Commit, NewSession, Store};
use moorline_transcript::{Folding, RetentionLimits};

/// What a long journal consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Turns of 20 events: a message, a text and a tool call.
    Turns,
    /// One turn of blocks of 10 events, every second a tool call.
    Blocks,
    /// One turn of one text.
    Text,
}

impl Shape {
    pub(crate) const ALL: [Self; 3] = [Self::Turns, Self::Blocks, Self::Text];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Turns => "turns",
            Self::Blocks => "blocks",
            Self::Text => "text",
        }
    }
}

/// The events of an endless journal.
#[derive(Debug)]
pub(crate) struct Endless {
    shape: Shape,
    at: u64,
    seq: Seq,
    messages: u64,
    blocks: u64,
    /// The bytes of the open block's text.
    bytes: u64,
}

impl Endless {
    pub(crate) fn new(shape: Shape) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
        Self { shape, at: u64::try_from(now.as_millis()).expect("a near time"), seq: Seq::ZERO, messages: 0, blocks: 0, bytes: 0 }
    }

    /// The event that ends the turn at work.
    pub(crate) fn end(&mut self) -> Event {
        let ended = TurnEnded { turn: self.turn(), outcome: Outcome::Completed, error: None, usage: None };
        self.event(EventBody::TurnEnded(ended))
    }

    fn event(&mut self, body: EventBody) -> Event {
        self.seq = self.seq.next();
        Event::plain(self.seq, self.at, body)
    }

    fn body(&mut self) -> EventBody {
        let n = self.seq.value();
        match (self.shape, n) {
            (Shape::Blocks | Shape::Text, 0) => self.accepted(),
            (Shape::Blocks | Shape::Text, 1) => self.started(),
            (Shape::Text, 2) => self.opened(BlockKind::Text),
            (Shape::Text, _) => self.append(),
            (Shape::Blocks, _) => {
                let kind = if self.blocks.is_multiple_of(2) { BlockKind::Tool } else { BlockKind::Text };
                self.block((n - 2) % 10, 9, kind)
            }
            (Shape::Turns, _) => match n % 20 {
                0 => self.accepted(),
                1 => self.started(),
                19 => EventBody::TurnEnded(TurnEnded { turn: self.turn(), outcome: Outcome::Completed, error: None, usage: None }),
                step @ 2..10 => self.block(step - 2, 7, BlockKind::Text),
                step => self.block(step - 10, 8, BlockKind::Tool),
            },
        }
    }

    fn accepted(&mut self) -> EventBody {
        self.messages += 1;
        self.blocks += 1;
        EventBody::Accepted(Accepted {
            message: self.turn(),
            hash: format!("{:032x}", self.messages),
            block: self.open(),
            text: format!("Please look after number {}, and then go on.", self.messages),
            interrupt: None,
        })
    }

    fn started(&self) -> EventBody {
        EventBody::TurnStarted(TurnStarted { turn: self.turn() })
    }

    /// A block's next event: it is opened, written, and closed by the last one.
    fn block(&mut self, step: u64, last: u64, kind: BlockKind) -> EventBody {
        if step == 0 {
            return self.opened(kind);
        }
        if step < last {
            return self.append();
        }
        let status = if kind == BlockKind::Tool { Patch::Set(ToolStatus::Completed) } else { Patch::Keep };
        EventBody::Changed(Changed {
            block: self.open(),
            fields: FieldsPatch { closed: Patch::Set(true), status, ..FieldsPatch::default() },
        })
    }

    fn opened(&mut self, kind: BlockKind) -> EventBody {
        (self.blocks, self.bytes) = (self.blocks + 1, 0);
        let mut fields = FieldsPatch::default();
        if kind == BlockKind::Tool {
            fields.title = Patch::Set(format!("cargo test --package number-{}", self.blocks));
            fields.tool = Patch::Set(ToolKind::Execute);
            fields.status = Patch::Set(ToolStatus::InProgress);
        }
        EventBody::Opened(Opened { block: self.open(), turn: self.turn(), kind, fields })
    }

    fn append(&mut self) -> EventBody {
        let text = format!("{:>10} of what is said in the course of a long day.\n", self.seq.value());
        let at = self.bytes;
        self.bytes += text.len() as u64;
        EventBody::Append(Append { block: self.open(), edition: 0, at, text })
    }

    fn turn(&self) -> TurnId {
        MessageId::parse(&format!("{}-{:026}", self.shape.name(), self.messages)).expect("a valid id")
    }

    fn open(&self) -> BlockId {
        BlockId::numbered(self.blocks)
    }
}

impl Iterator for Endless {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        let body = self.body();
        Some(self.event(body))
    }
}

/// How a journal is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// As it was committed.
    Raw,
    /// As retention leaves it, if commits came as fast as they could.
    Folded,
}

/// Writes a session with a journal of `events` events, the last of which ends its turn.
pub(crate) fn write(store: &dyn Store, session: &SessionId, agent: &str, shape: Shape, events: usize, kept: Kept) -> Epoch {
    let epoch = Epoch::parse("million").expect("a valid id");
    let new = NewSession { epoch: epoch.clone(), agent: agent.to_owned(), title: session.to_string(), at: 0 };
    store.commit(&[Commit { create: Some(new), ..Commit::of(session.clone()) }]).expect("the session is made");
    let (limits, run) = (Limits::default(), RetentionLimits::default().events);
    let (mut journal, mut folding, mut rows, mut folds) = (Endless::new(shape), Folding::new(), Vec::new(), Vec::new());
    let mut left = events;
    while left > 0 {
        let mut next: Vec<Event> = journal.by_ref().take(run.min(left - usize::from(left <= run))).collect();
        left -= next.len();
        if left == 1 {
            next.push(journal.end());
            left = 0;
        }
        if kept == Kept::Folded && left > 0 {
            folds.extend(folding.fold(&next, &limits).into_iter().filter(|row| matches!(row.body, EventBody::Fold(_))));
        }
        rows.extend(next);
        if rows.len() > 20_000 || left == 0 {
            let commit = Commit::of(session.clone());
            store.commit(&[Commit { events: std::mem::take(&mut rows), ..commit.clone() }]).expect("the journal is written");
            store.commit(&[Commit { folds: std::mem::take(&mut folds), ..commit }]).expect("the folds are written");
        }
    }
    epoch
}
