//! Frames from the client to the gateway.

use serde::{Deserialize, Serialize};

use crate::{BlockId, ClientId, Epoch, MessageId, PageId, Seq, SessionId, TurnId, decode::kinds, payload_hash, record, tagged::tagged};

/// One frame from the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientFrame {
    /// The first frame of a connection.
    Hello(Hello),
    /// Follow a session from a cursor.
    Attach(Attach),
    /// Stop following a session.
    Detach(Detach),
    /// A message or an answer.
    Send(Send),
    /// Take a message back.
    Withdraw(Withdraw),
    /// Stop a turn. A command: tried once, never queued.
    Cancel(Cancel),
    /// Cursors: everything up to them is applied.
    Ack(Ack),
    /// Asks for a `pong`.
    Ping(ClientPing),
    /// Answers a `ping`, with cursors.
    Pong(Pong),
    /// A kind that this version does not know: ignored.
    Unknown {
        /// The tag it came with.
        kind: String,
    },
}

tagged!(ClientFrame,
    "hello" => Hello, "attach" => Attach, "detach" => Detach, "send" => Send, "withdraw" => Withdraw,
    "cancel" => Cancel, "ack" => Ack, "ping" => Ping, "pong" => Pong,
);

/// A place in a journal: everything up to here is applied, or lies in a recorded gap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The session.
    pub session: SessionId,
    /// The journal's incarnation.
    pub epoch: Epoch,
    /// The last seq applied.
    pub seq: Seq,
}

record!(Cursor { session, epoch, seq });

/// See [`ClientFrame::Hello`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The highest version that the client speaks; see [`crate::VERSION`].
    pub version: u32,
    /// The tab.
    pub client: ClientId,
    /// The document.
    pub page: PageId,
    /// The sessions to follow from the start.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attaches: Vec<Attach>,
    /// The highest `rev` of the session list that the page holds; absent = it holds none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_rev: Option<u64>,
}

/// See [`ClientFrame::Attach`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attach {
    /// The session.
    pub session: SessionId,
    /// Rises with every attach and detach of the connection; echoed in the answers.
    pub no: u64,
    /// The journal's incarnation the cursor belongs to. Absent: no cursor (reason fresh).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<Epoch>,
    /// The last seq applied; read only beside `epoch`.
    #[serde(default)]
    pub seq: Seq,
    /// Asks for a snapshot even where a replay would do.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub snapshot: bool,
}

impl Attach {
    /// The cursor it carries, if any.
    #[must_use]
    pub fn cursor(&self) -> Option<(&Epoch, Seq)> {
        self.epoch.as_ref().map(|epoch| (epoch, self.seq))
    }
}

/// See [`ClientFrame::Detach`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detach {
    /// The session.
    pub session: SessionId,
    /// See [`Attach::no`].
    pub no: u64,
}

/// See [`ClientFrame::Send`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Send {
    /// The session it goes to.
    pub session: SessionId,
    /// Its name: the same one on every retry.
    pub message: MessageId,
    /// What it carries.
    pub body: SendBody,
    /// Makes the session, in the transaction that accepts the message, if there is none; else ignored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create: Option<Create>,
    /// Cancels this turn in the same step, and goes before the rest of the queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interrupt: Option<TurnId>,
}

record!(Send { session, message, body, create, interrupt });

impl Send {
    /// The hash of what makes it the same send: its body and what it interrupts.
    #[must_use]
    pub fn hash(&self) -> String {
        let interrupt = self.interrupt.as_ref().map_or("", TurnId::as_str);
        match &self.body {
            SendBody::Text(text) => payload_hash(&["text", text, interrupt]),
            SendBody::Answer { request, option } => payload_hash(&["answer", request.as_str(), option]),
        }
    }
}

/// What a send carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SendBody {
    /// A message: it will begin a turn.
    Text(String),
    /// An answer to an agent's request.
    Answer {
        /// The request's block.
        request: BlockId,
        /// The option chosen.
        option: String,
    },
}

kinds!(SendBody { "text" => Text(_), "answer" => Answer { request, option } });

/// How to make the session.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Create {
    /// Its title; absent: what was first typed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The agent's name; absent: the gateway's first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
}

record!(default Create { title, agent });

/// See [`ClientFrame::Withdraw`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdraw {
    /// The session.
    pub session: SessionId,
    /// The message.
    pub message: MessageId,
}

/// See [`ClientFrame::Cancel`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancel {
    /// The session.
    pub session: SessionId,
    /// The turn: a cancel that comes late stops nothing else.
    pub turn: TurnId,
    /// A queued message to go before the rest of the queue: "send now".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<MessageId>,
}

/// See [`ClientFrame::Ack`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// One for each session whose cursor advanced.
    pub cursors: Vec<Cursor>,
}

/// See [`ClientFrame::Ping`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ClientPing {}

/// See [`ClientFrame::Pong`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pong {
    /// Every attached session's cursor.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cursors: Vec<Cursor>,
}
