//! What the client's core asks of its driver.

use super::event::ClientEvent;
use super::input::StoredSend;
use moorline_protocol::{ClientFrame, ClientId, ConnectionId, Cursor, Hello, MessageId};

/// The core's name for one connection, from its first attempt to its end. Rises; never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u64);

/// The core's name for one POST. Rises; never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PostId(pub u64);

/// What frames travel on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// One WebSocket, both ways.
    WebSocket,
    /// An event stream down, a POST for each frame up.
    Sse,
}

/// One thing for the driver to do. Complete it before polling the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Open a WebSocket under this name; then [`super::Client::handle_opened`] or [`super::Client::handle_closed`].
    OpenSocket {
        /// Its name.
        link: LinkId,
    },
    /// Open `GET /v1/events` under this name, with this hello; then as for a WebSocket.
    OpenStream {
        /// Its name.
        link: LinkId,
        /// What the gateway is greeted with.
        hello: Hello,
    },
    /// Nothing came of a connection: ask `HEAD /v1/events` why, then [`super::Client::handle_checked`].
    Check {
        /// The connection that it is about.
        link: LinkId,
    },
    /// Write a frame to a WebSocket; ignore it if that is gone.
    Transmit {
        /// The connection.
        link: LinkId,
        /// The frame.
        frame: ClientFrame,
    },
    /// Post a frame; then [`super::Client::handle_posted`].
    Post {
        /// Its name.
        post: PostId,
        /// The connection that it names.
        connection: ConnectionId,
        /// The frame.
        frame: ClientFrame,
    },
    /// Abort a POST: only a receipt of it counts any more.
    Abort {
        /// Its name.
        post: PostId,
    },
    /// Drop a connection: no input about it counts any more.
    Disconnect {
        /// The connection.
        link: LinkId,
    },
    /// Post an `ack` that outlives the page; nobody waits for its answer.
    Farewell {
        /// The connection that it names.
        connection: ConnectionId,
        /// The cursors.
        cursors: Vec<Cursor>,
    },
    /// Find out when no tab goes by this name any more; then [`super::Client::handle_tab_gone`].
    AwaitTab {
        /// Its name.
        client: ClientId,
    },
    /// Write to the tab's storage. On failure call [`super::Client::handle_persist_failed`].
    Persist(Persist),
    /// Tell the page.
    Event(ClientEvent),
}

/// One write to the tab's storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Persist {
    /// Keep this send, in place of an older version of it.
    PutSend(StoredSend),
    /// Forget this send.
    RemoveSend(MessageId),
    /// Keep a send apart: it belongs to the tab of this name, of which this one is a copy.
    PutCopied(ClientId, StoredSend),
    /// Forget a send that was kept apart.
    RemoveCopied(ClientId, MessageId),
    /// Keep this cursor of a session (lastSeenSeq).
    Cursor(Cursor),
    /// Keep this name of the tab.
    ClientId(ClientId),
}
