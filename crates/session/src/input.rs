//! What goes into a session and what comes out of it.

use moorline_protocol::{ChangeSession, ErrorFrame, Limits, MessageId, Millis, Receipt, Send, Seq, TurnId, WallTime};

use crate::{AgentCommand, AgentReport, Commit, NewSession};

/// What a session goes by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The gateway's limits. An `event_bytes` below 1 KiB counts as 1 KiB, or a field beside its ids would not fit.
    pub limits: Limits,
    /// Silence of the agent after which its turn is given up, unless it waits for an answer. Default 10 min.
    pub idle_limit: Millis,
    /// Time that a cancelled turn has to end before its agent is killed. Default 10 s.
    pub stop_limit: Millis,
}

impl Default for Config {
    fn default() -> Self {
        Self { limits: Limits::default(), idle_limit: Millis(600_000), stop_limit: Millis(10_000) }
    }
}

/// The time of an input, on the two clocks that the driver has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Now {
    /// For every decision; see [`Session::deadline`](crate::Session::deadline).
    pub monotonic: Millis,
    /// For display: it goes into events and rows.
    pub wall: WallTime,
}

/// The driver's own name for whoever waits for an answer. A session only hands it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reply(pub u64);

/// What a driver tells a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A message or an answer. Answered by [`Output::Receipt`] or [`Output::Refused`].
    Submit {
        /// Who waits.
        reply: Reply,
        /// What was sent.
        send: Send,
        /// Used only if the session does not exist and `send.create` asks for it.
        new: NewSession,
    },
    /// A message is taken back. Answered by [`Output::Receipt`] or [`Output::Refused`].
    Withdraw {
        /// Who waits.
        reply: Reply,
        /// The message.
        message: MessageId,
    },
    /// A turn is to be stopped. Answered by [`Output::Done`] or [`Output::Refused`].
    Cancel {
        /// Who waits.
        reply: Reply,
        /// The turn.
        turn: TurnId,
        /// A queued message that goes before the rest of the queue.
        next: Option<MessageId>,
    },
    /// The session is to exist, without a message. Answered by [`Output::Done`], also if it exists already, or [`Output::Refused`].
    Create {
        /// Who waits.
        reply: Reply,
        /// Used only if the session does not exist.
        new: NewSession,
    },
    /// Its line of the list is to change. Answered by [`Output::Done`], also if nothing changes, or [`Output::Refused`].
    Change {
        /// Who waits.
        reply: Reply,
        /// What changes.
        change: ChangeSession,
    },
    /// The session is to be gone for good, whatever it is at. Answered by [`Output::Done`], also if it is gone already, or
    /// [`Output::Refused`].
    Delete {
        /// Who waits.
        reply: Reply,
    },
    /// The agent's adapter saw something. Dropped unless it is about the running turn.
    Report(AgentReport),
    /// [`Session::deadline`](crate::Session::deadline) may have passed; a call too early changes nothing.
    Deadline,
    /// The last [`Output::Store`] is durable.
    Committed,
}

/// What a session asks of its driver, which completes each one before it asks for the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// To be made durable; then [`Input::Committed`]. Nothing else is yielded in between.
    Store(Commit),
    /// Events up to here are durable and may be shown.
    Head(Seq),
    /// For the agent's adapter.
    Agent(AgentCommand),
    /// Answers a submit or a withdraw.
    Receipt {
        /// Who waits.
        reply: Reply,
        /// What became of the message.
        receipt: Receipt,
    },
    /// Answers a cancel (the turn is stopping), a create (the session exists), a change or a delete.
    Done {
        /// Who waits.
        reply: Reply,
    },
    /// The session is gone: its agent is to be killed, and every input is refused from now on.
    Gone,
    /// Answers any of them: it had no effect.
    Refused {
        /// Who waits.
        reply: Reply,
        /// Why, with the session and the message named.
        error: ErrorFrame,
    },
}
