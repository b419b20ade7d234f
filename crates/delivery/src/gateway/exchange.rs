//! What a connection is told, and what it asks for.

use std::sync::Arc;

use moorline_protocol::{
    AgentStatus, Cancel, ClientFrame, ClientId, ConnectionId, Cursor, ErrorFrame, GatewayFrame, Limits, Millis, PageId, Receipt, Send, Seq,
    SessionId, SessionState, SnapshotPart, Timings, WallTime, Withdraw,
};

use super::Journal;

/// What a connection starts from.
#[derive(Debug, Clone)]
pub struct ConnectionConfig {
    /// Its name, never reused.
    pub id: ConnectionId,
    /// Told in `welcome`: the gateway's time.
    pub time: WallTime,
    /// What it shares with the others.
    pub terms: Arc<Terms>,
}

/// What all connections of a gateway are told in `welcome`, and kept to.
#[derive(Debug, Clone)]
pub struct Terms {
    /// Told in `welcome`, and kept.
    pub timings: Timings,
    /// Told in `welcome`, and kept.
    pub limits: Limits,
    /// Told in `welcome`.
    pub build: String,
    /// Told in `welcome`.
    pub agents: Vec<String>,
}

/// One input of a connection.
#[derive(Debug, Clone)]
pub enum ConnectionInput {
    /// A frame came.
    Frame(ClientFrame),
    /// Something came that is no frame; says why.
    Undecodable(String),
    /// A sign of life came on another way: a verb that was posted, and is answered where it came.
    Heard,
    /// Answers [`ConnectionOutput::Open`]; none = there is no such session.
    Journal {
        /// The session.
        session: SessionId,
        /// The attach it answers.
        no: u64,
        /// How its journal stands.
        journal: Option<Journal>,
    },
    /// A session's committed head, whenever it moved and when asked for by [`ConnectionOutput::Check`].
    Head {
        /// The session.
        session: SessionId,
        /// The last committed seq.
        head: Seq,
        /// The fold's state at exactly that seq.
        state: SessionState,
        /// How its agent stands now, if it has one.
        agent: Option<Arc<AgentStatus>>,
    },
    /// A session was deleted: it answers [`ConnectionOutput::Open`], and may come at any time after it.
    Deleted {
        /// The session.
        session: SessionId,
    },
    /// Answers [`ConnectionOutput::Serve`].
    Served {
        /// The session.
        session: SessionId,
        /// The last seq written; that of the request's `after` when the journal had nothing behind it.
        seq: Seq,
        /// The encoded bytes written.
        bytes: usize,
    },
    /// Answers [`ConnectionOutput::Snapshot`].
    Snapshot {
        /// The session.
        session: SessionId,
        /// The attach it answers.
        no: u64,
        /// The snapshot is as of this seq.
        seq: Seq,
        /// Its parts, in order; at least one.
        parts: Vec<SnapshotPart>,
    },
    /// The session list's highest rev moved.
    RowsHead(u64),
    /// Answers [`ConnectionOutput::Rows`]: the highest rev written.
    RowsServed(u64),
    /// Answers [`ConnectionOutput::Submit`] or [`ConnectionOutput::Withdraw`].
    Receipt(Receipt),
    /// Answers [`ConnectionOutput::Submit`], [`ConnectionOutput::Withdraw`] or [`ConnectionOutput::Cancel`].
    Refused(ErrorFrame),
    /// Answers [`ConnectionOutput::Claim`]: another page holds the client id.
    ClientTaken,
    /// A newer connection of the same page took this one's place.
    Replaced,
    /// The gateway is about to stop: clients come back at a random moment between the two.
    Drain {
        /// Not before.
        min: Millis,
        /// Not after.
        max: Millis,
    },
    /// The login has ended.
    AuthExpired,
    /// The deadline has passed.
    Deadline,
}

/// One thing for the driver to do. Complete it before polling the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectionOutput {
    /// Write a frame.
    Transmit(GatewayFrame),
    /// Claim the client id for this connection's page in the shared [`Holders`](super::Holders).
    Claim {
        /// The tab.
        client: ClientId,
        /// The document.
        page: PageId,
    },
    /// Look a session up; answer [`ConnectionInput::Journal`]. From then on report its heads; those that come before the
    /// answer count too.
    Open {
        /// The session.
        session: SessionId,
        /// The attach to answer.
        no: u64,
        /// What the client says that it has; none = nothing.
        cursor: Option<Cursor>,
    },
    /// Stop reporting a session's heads.
    Leave {
        /// The session.
        session: SessionId,
    },
    /// Read the journal behind `after` and write one `events` frame; answer [`ConnectionInput::Served`].
    Serve {
        /// The session.
        session: SessionId,
        /// The cursor.
        after: Seq,
        /// The frame's encoded bytes at most; one event goes in any case.
        max_bytes: usize,
    },
    /// Write down that the client has everything up to here. Nothing waits for it.
    Position(Cursor),
    /// Take a snapshot at the committed head; answer [`ConnectionInput::Snapshot`].
    Snapshot {
        /// The session.
        session: SessionId,
        /// The attach to answer.
        no: u64,
        /// The client has everything up to here; none = nothing.
        since: Option<Seq>,
    },
    /// Look a session's head up: a wake-up may have been lost. Answer [`ConnectionInput::Head`].
    Check {
        /// The session.
        session: SessionId,
    },
    /// Write the rows above this rev (none: all of them, with `list_reset`); answer [`ConnectionInput::RowsServed`].
    Rows {
        /// The rev.
        since: Option<u64>,
    },
    /// Hand a send to its session; answer [`ConnectionInput::Receipt`] or [`ConnectionInput::Refused`].
    Submit(Send),
    /// Hand a withdrawal to its session; answered like a send.
    Withdraw(Withdraw),
    /// Hand a cancel to its session; answered only when refused.
    Cancel(Cancel),
    /// Close the connection; no input counts any more.
    Close(End),
}

/// Why a connection is closed from this end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Nothing came for too long.
    Silence,
    /// No `hello` came in time.
    NoHello,
    /// A newer connection of the same page took its place.
    Replaced,
    /// Another page holds the client id.
    ClientTaken,
    /// The versions do not fit.
    IncompatibleVersion,
    /// The login has ended.
    AuthExpired,
}
