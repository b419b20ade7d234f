//! What the client's core tells the page.

use moorline_protocol::{AgentStatus, Code, Epoch, Event, Item, MessageId, Millis, Rows, Send, Seq, SessionId, SessionState, TurnId};

/// One thing for the page to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientEvent {
    /// Apply these to the session's transcript, then call [`super::Client::applied`].
    Events {
        /// The session.
        session: SessionId,
        /// The journal's incarnation.
        epoch: Epoch,
        /// Consecutive; every one is news.
        events: Vec<Event>,
    },
    /// Merge this into the session's transcript, then call [`super::Client::applied`].
    Snapshot {
        /// The session.
        session: SessionId,
        /// The journal's incarnation.
        epoch: Epoch,
        /// It is as of this seq.
        seq: Seq,
        /// Everything opened from here on is in it.
        from: Seq,
        /// The transcript held so far is of another incarnation: start from nothing.
        replaces: bool,
        /// All parts, in order.
        items: Vec<Item>,
    },
    /// The head was reached: where the gateway says the session stands at `seq`.
    CaughtUp {
        /// The session.
        session: SessionId,
        /// The head.
        seq: Seq,
        /// Running, waiting, queue.
        state: SessionState,
    },
    /// An attached session's standing changed.
    Attachment {
        /// The session.
        session: SessionId,
        /// Its standing.
        status: AttachmentStatus,
    },
    /// Lines of the session list.
    Rows(Rows),
    /// The connection's standing changed.
    Link(LinkStatus),
    /// What stands in the way of a connection changed; none: nothing does any more.
    Trouble(Option<Trouble>),
    /// An attempt of a send failed. Told once for each.
    AttemptFailed {
        /// Its message.
        message: MessageId,
        /// How many have failed by now.
        attempts: u32,
        /// Why.
        failure: Failure,
    },
    /// How an attached session's agent stands; it replaces what was told of it before.
    Agent {
        /// The session.
        session: SessionId,
        /// All that is known.
        agent: AgentStatus,
    },
    /// The gateway told its agents; the first is the default.
    Agents(Vec<String>),
    /// A send's standing changed.
    Send(SendStatus),
    /// A send is gone from the outbox and needs no echo.
    SendGone {
        /// Its session.
        session: SessionId,
        /// Its message.
        message: MessageId,
        /// Text that returns to the composer: it was taken back to be edited, or it was never accepted.
        text: Option<String>,
    },
    /// One sentence's worth of news.
    Notice(Notice),
}

/// How far an attached session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttachmentStatus {
    /// Waiting for an answer, a replay or a snapshot.
    CatchingUp,
    /// At the head.
    Live,
    /// The gateway knows no such session (yet).
    Missing,
    /// It was deleted, here or elsewhere: nothing more comes of it, and it takes nothing.
    Deleted,
}

/// How the connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkStatus {
    /// Trying now.
    Connecting,
    /// `welcome` is here.
    Ready,
    /// Lost; the next try comes at this monotonic time.
    Waiting {
        /// When.
        until: Millis,
    },
    /// The browser says that there is no network, or the page is put away.
    Offline,
    /// A login is needed; nothing is tried until [`super::Client::signed_in`].
    SignedOut,
    /// The two versions do not fit; reload the page.
    Incompatible,
}

/// What stands in the way of a connection, beyond what trying again mends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Other tabs of this page use all the streams that the browser leaves free.
    NoSlot,
    /// The gateway is there, and nothing that it sends arrives: a proxy withholds it.
    Withheld,
}

/// What [`super::Client::send`] answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendResult {
    /// On its way.
    Sent,
    /// Kept; it goes when its turn comes.
    Queued,
    /// Not taken; the text stays in the composer.
    Dropped(DropReason),
}

/// Why a send was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropReason {
    /// The outbox holds as many sends or bytes as it may.
    OutboxFull,
    /// The send alone is larger than the gateway accepts.
    TooLarge,
    /// Nobody is logged in.
    SignedOut,
    /// The two versions do not fit.
    IncompatibleVersion,
    /// The page is going away.
    PageGoingAway,
}

/// Where a send stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendStatus {
    /// The send.
    pub send: Send,
    /// Its place among the tab's sends.
    pub order: u64,
    /// Attempts that failed so far.
    pub attempts: u32,
    /// Its state.
    pub state: SendState,
}

/// The states of a send in the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendState {
    /// Waiting for a connection or for those before it.
    Queued,
    /// On its way.
    Sending,
    /// An attempt failed; the next one comes at this monotonic time.
    Retrying {
        /// When.
        at: Millis,
    },
    /// Failed for good: Retry, Edit, Remove.
    Failed(Failure),
    /// Being taken back, for Edit or Remove.
    Withdrawing,
    /// The gateway has it; its event is not here yet.
    Accepted,
}

/// Why a send failed for good.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Failure {
    /// The code of the last attempt; none when no answer came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
    /// A sentence for the user.
    pub message: String,
}

moorline_protocol::record!(Failure { code, message });

/// News that is no state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A send could not be written to storage: it lives in this tab only.
    NotSaved,
    /// A send met an end that is not a failure: the page shows what was settled.
    Settled {
        /// Its session.
        session: SessionId,
        /// `already_settled`, `turn_over`, `withdrawn` or `deleted`.
        code: Code,
        /// The gateway's sentence.
        message: String,
    },
    /// A message could not be taken back: it has started.
    TooLate {
        /// Its session.
        session: SessionId,
        /// The message.
        message: MessageId,
    },
    /// A cancel did not get through. It is not tried again.
    CancelFailed {
        /// The session.
        session: SessionId,
        /// The turn.
        turn: TurnId,
        /// Why.
        message: String,
    },
    /// The gateway refused something else.
    Refused {
        /// The code.
        code: Code,
        /// Its sentence.
        message: String,
    },
}
