//! What the client's core asks of its driver, and what it tells the page.

use moorline_protocol::{
    ClientFrame, ClientId, Code, ConnectionId, Cursor, Epoch, ErrorFrame, Event, Hello, Item, Limits, MessageId, Millis, PageId, Receipt,
    Rows, Send, Seq, SessionId, SessionState, Timings, TurnId,
};

/// What a client starts from.
#[derive(Debug, Clone)]
pub struct ClientConfig {
    /// The tab's name.
    pub client: ClientId,
    /// The document's name.
    pub page: PageId,
    /// For jitter and new ids; take it from the machine's randomness.
    pub seed: u64,
    /// In force until `welcome` tells the gateway's.
    pub timings: Timings,
    /// In force until `welcome` tells the gateway's.
    pub limits: Limits,
}

/// What was found in the tab's storage.
#[derive(Debug, Clone, Default)]
pub struct Restored {
    /// The outbox, in any order.
    pub outbox: Vec<StoredSend>,
    /// Sends of the tab that this one was copied from, under that tab's name.
    pub copied: Vec<(ClientId, StoredSend)>,
}

/// A send as it is kept in storage, one key each.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct StoredSend {
    /// Its place among the tab's sends.
    pub order: u64,
    /// The send itself.
    pub send: Send,
    /// Attempts that failed.
    #[serde(default)]
    pub attempts: u32,
    /// Why it has failed for good, if it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// The user took it back; what for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawing: Option<TakenBack>,
}

moorline_protocol::record!(StoredSend { order, send, attempts or default, failure, withdrawing });

/// What a send is taken back for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TakenBack {
    /// Its text returns to the composer.
    Edit,
    /// It goes.
    Remove,
}

moorline_protocol::words!(TakenBack { "edit" => Edit, "remove" => Remove });

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

/// What came of a POST.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Posted {
    /// 2xx with a receipt.
    Receipt(Receipt),
    /// 2xx with nothing.
    Done,
    /// An error of the gateway's own; `retry_after_ms` from its body, or else from the header.
    Refused(ErrorFrame),
    /// Any other answer: a proxy's, or one that cannot be read.
    Status {
        /// The HTTP status.
        status: u16,
        /// From the header.
        retry_after: Option<Millis>,
    },
    /// None: the network failed.
    NoAnswer,
}

/// What `HEAD /v1/events` answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checked {
    /// 204: the gateway would open a stream.
    Welcome,
    /// 401.
    Unauthorized,
    /// Another status: that is the reason.
    Refused {
        /// From the header.
        retry_after: Option<Millis>,
    },
    /// None: the network failed.
    NoAnswer,
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

/// Why a connection ended, as far as the driver can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkClosed {
    /// It ended, or never stood.
    Lost,
    /// It was not opened: the gateway wants a login.
    Unauthorized,
    /// It was not opened: a login or a ticket was asked for, and the driver has told the page what came of it.
    NotAdmitted,
    /// It was not opened: [`Trouble::NoSlot`].
    NoSlot,
}

/// What the browser says of the page and the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// The page became visible, or the clock shows that the machine slept: probe the connection.
    Awake,
    /// The page is hidden: ack and remember now, since timers will be rare.
    Hidden,
    /// The network is back.
    Online,
    /// The network is gone.
    Offline,
    /// The page is put away (unloaded, or kept for the back button): ack, remember, close.
    PutAway,
    /// The page is back from the back button's cache.
    BroughtBack,
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

/// What happened so far, for the diagnostics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Connections that reached `welcome`.
    pub connections: u64,
    /// Events dropped because they were not news.
    pub duplicates: u64,
    /// Holes seen.
    pub holes: u64,
    /// Snapshots merged.
    pub snapshots: u64,
    /// Frames that could not be read.
    pub undecodable: u64,
    /// Attempts of sends by what came of them.
    pub attempts: Attempts,
    /// Inputs about a connection that was not the current one.
    pub stale: u64,
}

/// Attempts of sends by what came of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Attempts {
    /// A receipt came.
    pub accepted: u64,
    /// An end that is no failure.
    pub settled: u64,
    /// Refused for good.
    pub refused: u64,
    /// Failed, and told when to try again.
    pub told_to_wait: u64,
    /// Failed in a way that may pass.
    pub transient: u64,
    /// No answer came.
    pub unanswered: u64,
}

/// How the tab stands, for the diagnostics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostics {
    /// What frames travel on; none without a connection.
    pub transport: Option<Transport>,
    /// The connection's name, once `welcome` told it.
    pub connection: Option<ConnectionId>,
    /// When a `ping` last came, in monotonic time.
    pub pinged: Option<Millis>,
    /// The cursors, as far as the page has applied.
    pub cursors: Vec<Cursor>,
    /// What happened so far.
    pub counters: Counters,
}
