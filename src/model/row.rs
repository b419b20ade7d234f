//! Mounted turns, blocks and echoes: one signal for each field that can change.

use leptos::prelude::*;
use moorline_delivery::SendStatus;
use moorline_protocol::{
    Block, BlockId, BlockKind, MessageId, PlanEntry, RequestOption, SendBody, Seq, Settlement, ToolKind, ToolStatus, Turn, TurnError,
    TurnId, TurnState, Usage, WallTime,
};

use super::send_line::SendLine;

/// A mounted turn.
pub struct TurnRow {
    /// Its id.
    pub id: TurnId,
    /// Where it stands.
    pub state: ArcRwSignal<TurnState>,
    /// Why it ended so.
    pub error: ArcRwSignal<Option<TurnError>>,
    /// What it took: milliseconds, once it is over, and what the agent told.
    pub took: ArcRwSignal<Option<(u64, Usage)>>,
    /// What of it is mounted, in order.
    pub places: ArcRwSignal<Vec<Place>>,
}

/// One place in a mounted turn.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Place {
    /// A block.
    Block(BlockId),
    /// A gap that ends at this seq.
    Gap(Seq),
    /// What follows came while the reader was away.
    New,
    /// The turn goes on behind what is mounted.
    Later,
}

/// One place in the log.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Entry {
    /// A turn.
    Turn(TurnId),
    /// A gap that ends at this seq.
    Gap(Seq),
    /// What follows came while the reader was away.
    New,
}

impl Place {
    /// What tells it from the others of its turn.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Block(id) => id.to_string(),
            Self::Gap(end) => gap_key(*end),
            Self::New => "#new".to_owned(),
            Self::Later => "#later".to_owned(),
        }
    }
}

impl Entry {
    /// What tells it from the others of the log.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Turn(id) => id.to_string(),
            Self::Gap(end) => gap_key(*end),
            Self::New => "#new".to_owned(),
        }
    }
}

/// No id has this sign.
fn gap_key(end: Seq) -> String {
    format!("#{end}")
}

impl TurnRow {
    pub(super) fn new(turn: &Turn) -> Self {
        Self {
            id: turn.id.clone(),
            state: ArcRwSignal::new(turn.state),
            error: ArcRwSignal::new(turn.error.clone()),
            took: ArcRwSignal::new(took(turn)),
            places: ArcRwSignal::new(Vec::new()),
        }
    }

    pub(super) fn refresh(&self, turn: &Turn) {
        set_if_other(&self.state, &turn.state);
        set_if_other(&self.error, &turn.error);
        set_if_other(&self.took, &took(turn));
    }
}

fn took(turn: &Turn) -> Option<(u64, Usage)> {
    let time = turn.ended_at?.saturating_sub(turn.started_at?);
    Some((time, turn.usage.clone().unwrap_or_default()))
}

/// A mounted block. Its text stays in the transcript: a change of `rev` says that it may have grown.
pub struct BlockRow {
    /// Its id.
    pub id: BlockId,
    /// Its turn.
    pub turn: TurnId,
    /// Its first seq.
    pub opened: Seq,
    /// The last seq folded into it.
    pub rev: ArcRwSignal<Seq>,
    /// The UTF-8 offset at which the text that is held begins: above 0, something is missing before it.
    pub from: ArcRwSignal<u64>,
    /// What it is, with its fields.
    pub content: Content,
}

/// When a tool call was opened and closed, by the gateway's clock; none for what an older gateway told.
pub type Times = (Option<WallTime>, Option<WallTime>);

/// What a block is, with the fields that this kind shows.
#[expect(missing_docs, reason = "the fields of the wire's block, by name")]
pub enum Content {
    Message,
    Text,
    Thought,
    Tool {
        title: ArcRwSignal<String>,
        tool: ArcRwSignal<Option<ToolKind>>,
        status: ArcRwSignal<Option<ToolStatus>>,
        exit: ArcRwSignal<Option<u32>>,
        times: ArcRwSignal<Times>,
    },
    Plan {
        entries: ArcRwSignal<Vec<PlanEntry>>,
    },
    Request {
        title: ArcRwSignal<String>,
        options: ArcRwSignal<Vec<RequestOption>>,
        settled: ArcRwSignal<Option<Settlement>>,
    },
    Unsupported {
        title: ArcRwSignal<String>,
    },
}

impl BlockRow {
    pub(super) fn new(block: &Block) -> Self {
        Self {
            id: block.id.clone(),
            turn: block.turn.clone(),
            opened: block.opened,
            rev: ArcRwSignal::new(block.rev),
            from: ArcRwSignal::new(block.from),
            content: Content::of(block),
        }
    }

    /// Has whoever runs this run again when the text may have changed: at its end, or at its beginning.
    pub fn track_text(&self) {
        self.rev.track();
        self.from.track();
    }

    pub(super) fn refresh(&self, block: &Block) {
        let fields = &block.fields;
        match &self.content {
            Content::Message | Content::Text | Content::Thought => {}
            Content::Tool { title, tool, status, exit, times } => {
                set_if_other(title, fields.title.as_deref().unwrap_or_default());
                set_if_other(tool, &fields.tool);
                set_if_other(status, &fields.status);
                set_if_other(exit, &fields.exit);
                set_if_other(times, &(fields.opened_at, fields.closed_at));
            }
            Content::Plan { entries } => set_if_other(entries, fields.entries.as_deref().unwrap_or_default()),
            Content::Request { title, options, settled } => {
                set_if_other(title, fields.title.as_deref().unwrap_or_default());
                set_if_other(options, fields.options.as_deref().unwrap_or_default());
                set_if_other(settled, &fields.settled);
            }
            Content::Unsupported { title } => set_if_other(title, fields.title.as_deref().unwrap_or_default()),
        }
        set_if_other(&self.from, &block.from);
        set_if_other(&self.rev, &block.rev);
    }
}

impl Content {
    fn of(block: &Block) -> Self {
        let fields = &block.fields;
        let title = || ArcRwSignal::new(fields.title.clone().unwrap_or_default());
        match block.kind {
            BlockKind::Message => Self::Message,
            BlockKind::Text => Self::Text,
            BlockKind::Thought => Self::Thought,
            BlockKind::Tool => Self::Tool {
                title: title(),
                tool: ArcRwSignal::new(fields.tool),
                status: ArcRwSignal::new(fields.status),
                exit: ArcRwSignal::new(fields.exit),
                times: ArcRwSignal::new((fields.opened_at, fields.closed_at)),
            },
            BlockKind::Plan => Self::Plan { entries: ArcRwSignal::new(fields.entries.clone().unwrap_or_default()) },
            BlockKind::Request => Self::Request {
                title: title(),
                options: ArcRwSignal::new(fields.options.clone().unwrap_or_default()),
                settled: ArcRwSignal::new(fields.settled.clone()),
            },
            BlockKind::Unsupported => Self::Unsupported { title: title() },
        }
    }

    /// The kind's word on the wire.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Text => "text",
            Self::Thought => "thought",
            Self::Tool { .. } => "tool",
            Self::Plan { .. } => "plan",
            Self::Request { .. } => "request",
            Self::Unsupported { .. } => "unsupported",
        }
    }
}

/// An echo: a message shown before its event is here.
pub struct EchoRow {
    /// Its id.
    pub message: MessageId,
    /// What was typed.
    pub text: String,
    /// Where its send stands.
    pub line: ArcRwSignal<SendLine>,
}

impl EchoRow {
    /// None for a send that is no message.
    pub(super) fn new(status: &SendStatus, line: &SendLine) -> Option<Self> {
        match &status.send.body {
            SendBody::Text(text) => {
                Some(Self { message: status.send.message.clone(), text: text.clone(), line: ArcRwSignal::new(line.clone()) })
            }
            SendBody::Answer { .. } => None,
        }
    }
}

/// An answer on its way to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answering {
    /// The request's block.
    pub request: BlockId,
    /// The message that carries the answer.
    pub message: MessageId,
    /// The option chosen.
    pub option: String,
    /// Where its send stands.
    pub line: SendLine,
}

/// Writes a signal only when that changes something, so that nobody is woken for nothing.
pub(super) fn set_if_other<T, V>(signal: &ArcRwSignal<T>, value: &V)
where
    T: Send + Sync + std::borrow::Borrow<V> + 'static,
    V: PartialEq + ToOwned<Owned = T> + ?Sized,
{
    if signal.with_untracked(|held| held.borrow() != value) {
        signal.set(value.to_owned());
    }
}
