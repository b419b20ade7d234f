//! The browser's end: one link at a time, the sessions attached on it, and the tab's outbox.

mod attachment;
mod attachments;
mod copies;
mod link;
mod outbox;
mod outcome;
mod output;
mod port;
mod posts;
mod sends;

use std::collections::VecDeque;

use moorline_protocol::{
    Cancel, ClientFrame, ClientId, Code, ErrorFrame, GatewayFrame, Hello, MessageId, Millis, PageId, Pong, Receipt, Rows, Send, Seq,
    SessionId, TurnId, VERSION, Welcome,
};

use crate::Random;
use attachments::Attachments;
use link::{AfterCheck, Link, Rest};
use outbox::Outbox;
use outcome::{Disposition, Verdict};
pub use output::{
    AttachmentStatus, Attempts, Checked, ClientConfig, ClientEvent, Counters, Diagnostics, DropReason, Failure, LinkClosed, LinkId,
    LinkStatus, Notice, Output, Persist, PostId, Posted, Restored, SendResult, SendState, SendStatus, Signal, StoredSend, TakenBack,
    Transport, Trouble,
};
use port::Port;
use posts::{Out, Posts, What};

/// The browser's end of the wire, as a state machine. See the crate's page for the loop that drives it.
#[derive(Debug)]
pub struct Client {
    client: ClientId,
    page: PageId,
    random: Random,
    link: Link,
    attachments: Attachments,
    outbox: Outbox,
    posts: Posts,
    /// Cancels on their way: tried once, and their failure is shown.
    cancels: Vec<(SessionId, TurnId)>,
    rows_rev: Option<u64>,
    counters: Counters,
    /// When the last input came.
    now: Millis,
    outputs: VecDeque<Output>,
}

impl Client {
    /// A client with what the tab's storage held; it does nothing until [`Client::start`].
    #[must_use]
    pub fn new(now: Millis, config: ClientConfig, restored: Restored) -> Self {
        let mut outputs = VecDeque::new();
        let outbox = Outbox::restore(config.limits.clone(), config.timings.clone(), restored, &mut outputs);
        Self {
            client: config.client,
            page: config.page,
            random: Random::new(config.seed),
            link: Link::new(config.timings.clone()),
            attachments: Attachments::new(now, config.timings, config.limits),
            outbox,
            posts: Posts::default(),
            cancels: Vec::new(),
            rows_rev: None,
            counters: Counters::default(),
            now,
            outputs,
        }
    }

    /// Begins to connect.
    pub fn start(&mut self, now: Millis) {
        self.now = now;
        self.link.connect(now, &mut self.outputs);
    }

    /// Another tab goes by this tab's name: storage is copied when a tab is duplicated. Takes a new name, and sets aside what
    /// the storage held, which is that tab's to send. Call it before [`Client::start`], or before the signal
    /// [`Signal::BroughtBack`].
    pub fn handle_name_taken(&mut self, now: Millis) {
        self.now = now;
        let held = std::mem::replace(&mut self.client, ClientId::from_random(self.random.wide()));
        let mut port = Port::new(now, None, &mut self.outputs);
        port.persist(Persist::ClientId(self.client.clone()));
        self.outbox.set_aside(&mut port, held);
    }

    /// A tab that this one was copied from is gone: what was set aside is shown, as failed.
    pub fn handle_tab_gone(&mut self, now: Millis, client: &ClientId) {
        self.now = now;
        self.outbox.adopt(&mut Port::new(now, None, &mut self.outputs), client);
    }

    /// The connection's transport stands. Over a WebSocket hello is said now; a stream was opened with it.
    pub fn handle_opened(&mut self, now: Millis, link: LinkId) {
        self.now = now;
        if self.link.switches_to(now, link, &mut self.outputs) {
            // Put down on purpose: what was on its way goes again, under the same id.
            self.outbox.recall();
            self.attachments.disconnected(&mut Port::new(now, None, &mut self.outputs));
            self.settle(now);
        } else if !self.link.is_current(link) {
            self.counters.stale += 1;
            return;
        }
        self.link.opened(now);
        if self.link.transport() == Some(Transport::WebSocket) {
            let hello = self.hello(now);
            self.outputs.push_back(Output::Transmit { link, frame: ClientFrame::Hello(hello) });
        }
    }

    /// A frame came; `bytes` is its encoded size.
    pub fn handle_frame(&mut self, now: Millis, link: LinkId, frame: GatewayFrame, bytes: usize) {
        self.now = now;
        if !self.link.is_current(link) {
            self.counters.stale += 1;
            // A late acceptance is a fact whichever connection brought it; anything else of an old connection is not.
            if let GatewayFrame::Receipt(receipt) = frame {
                self.outbox.late_receipt(&mut Port::new(now, None, &mut self.outputs), &mut self.counters, receipt);
            }
            return;
        }
        self.link.heard(now);
        let mut port = Port::new(now, self.link.ready(), &mut self.outputs);
        match frame {
            GatewayFrame::Welcome(welcome) => self.welcome(now, link, welcome),
            GatewayFrame::Attached(attached) => self.attachments.attached(&mut port, &mut self.counters, attached),
            GatewayFrame::Snapshot(part) => {
                if let Some(snapshot) = self.attachments.snapshot_part(&mut port, &mut self.counters, part, bytes) {
                    self.outbox.saw_snapshot(&mut port, &snapshot.session, snapshot.replaces, &snapshot.items);
                    self.attachments.merge(&mut port, snapshot);
                }
            }
            GatewayFrame::Events(events) => {
                let session = events.session.clone();
                let news = self.attachments.events(&mut port, &mut self.counters, events, bytes);
                self.cancels.retain(|(_, turn)| !news.iter().any(|event| outcome::settles_cancel(event, turn)));
                self.outbox.saw_events(&mut port, &session, &news);
                self.attachments.deliver(&mut port, &session, news);
            }
            GatewayFrame::CaughtUp(caught_up) => self.attachments.caught_up(&mut port, &mut self.counters, caught_up),
            GatewayFrame::Receipt(receipt) => self.receipt(now, receipt),
            GatewayFrame::Sessions(rows) => self.rows(now, rows),
            GatewayFrame::Ping(ping) => {
                self.link.heard_ping(now);
                self.attachments.heads(&mut port, ping.heads);
                let cursors = self.attachments.all_cursors();
                port.transmit(ClientFrame::Pong(Pong { cursors }));
            }
            GatewayFrame::GoingAway(going) => self.link.going_away(now, &mut self.random, going.min_ms, going.max_ms),
            GatewayFrame::AuthExpired(_) => self.rest(now, Rest::SignedOut),
            GatewayFrame::Error(error) => self.error(now, error),
            GatewayFrame::Pong(_) | GatewayFrame::Unknown { .. } => {}
        }
        self.settle(now);
    }

    /// Something came that is no frame. Nobody can say what it was, so the connection is given up, and the next one asks for
    /// everything behind the cursors.
    pub fn handle_undecodable(&mut self, now: Millis, link: LinkId) {
        self.now = now;
        if self.link.is_current(link) {
            self.counters.undecodable += 1;
            self.lost(now);
            self.settle(now);
        }
    }

    /// The connection ended, or never stood.
    pub fn handle_closed(&mut self, now: Millis, link: LinkId, closed: LinkClosed) {
        self.now = now;
        if self.link.looked_in_vain(now, link) {
            return;
        }
        if !self.link.is_current(link) {
            self.counters.stale += 1;
            return;
        }
        match closed {
            LinkClosed::Lost => self.lost(now),
            LinkClosed::Unauthorized => self.rest(now, Rest::SignedOut),
            LinkClosed::NotAdmitted => self.link.not_opened(now, None, &mut self.random),
            LinkClosed::NoSlot => self.link.not_opened(now, Some(Trouble::NoSlot), &mut self.random),
        }
        self.settle(now);
    }

    /// Answers [`Output::Check`].
    pub fn handle_checked(&mut self, now: Millis, link: LinkId, checked: Checked) {
        self.now = now;
        match self.link.checked(now, link, checked, &mut self.random) {
            AfterCheck::Stream(link) => {
                let hello = self.hello(now);
                self.outputs.push_back(Output::OpenStream { link, hello });
            }
            AfterCheck::SignedOut => self.rest(now, Rest::SignedOut),
            AfterCheck::Nothing => {}
        }
        self.settle(now);
    }

    /// Answers [`Output::Post`]. It is no sign of life of the stream.
    pub fn handle_posted(&mut self, now: Millis, post: PostId, posted: Posted) {
        self.now = now;
        let current = self.link.current();
        match self.posts.end(post) {
            Some(out) if Some(out.link) == current => self.answered(now, out.what, posted),
            late => {
                self.counters.stale += 1;
                self.late(now, late, posted);
            }
        }
        self.settle(now);
    }

    /// The browser says something of the page or the network.
    pub fn handle_signal(&mut self, now: Millis, signal: Signal) {
        self.now = now;
        match signal {
            Signal::Awake | Signal::Online => {
                self.link.set_offline(false);
                self.link.probe(now, &mut self.outputs);
            }
            Signal::Offline => {
                self.link.set_offline(true);
                self.link.probe(now, &mut self.outputs);
            }
            Signal::Hidden => self.attachments.flush(&mut Port::new(now, self.link.ready(), &mut self.outputs)),
            Signal::PutAway => {
                let cursors = self.attachments.remember(&mut Port::new(now, self.link.ready(), &mut self.outputs));
                if let (Some(connection), false) = (self.link.connection().cloned(), cursors.is_empty()) {
                    self.outputs.push_back(Output::Farewell { connection, cursors });
                }
                // Whoever duplicates the tab while it is away takes a copy of all of it.
                self.outbox.may_be_copied();
                self.rest(now, Rest::PutAway);
            }
            Signal::BroughtBack => self.link.wake(now, Rest::PutAway, &mut self.outputs),
        }
        self.settle(now);
    }

    /// The deadline has passed, or may have.
    pub fn handle_deadline(&mut self, now: Millis) {
        self.now = now;
        while let Some(Out { id, link, what, .. }) = self.posts.expired(now, self.outbox.timings.receipt) {
            self.outputs.push_back(Output::Abort { post: id });
            if self.link.is_current(link) {
                self.answered(now, what, Posted::NoAnswer);
            }
        }
        // What is not answered in time shows a line that is dead one way, however alive the other way is.
        let unanswered = self.attachments.unanswered(now) || self.on_socket() && self.outbox.unanswered(now);
        if self.link.has_expired(now) || self.link.must_leave(now) || self.link.ready().is_some() && unanswered {
            self.lost(now);
        }
        self.link.expire(now, &mut self.random, &mut self.outputs);
        let mut port = Port::new(now, self.link.ready(), &mut self.outputs);
        self.attachments.expire(&mut port);
        self.outbox.expire(&mut port);
        self.settle(now);
    }

    /// A write of this send to storage failed: the page is told, the send goes on.
    pub fn handle_persist_failed(&mut self, now: Millis, _message: &MessageId) {
        self.now = now;
        self.outputs.push_back(Output::Event(ClientEvent::Notice(Notice::NotSaved)));
    }

    /// The page has applied everything up to `seq`: the only way a cursor moves.
    pub fn applied(&mut self, now: Millis, session: &SessionId, seq: Seq) {
        self.now = now;
        let mut port = Port::new(now, self.link.ready(), &mut self.outputs);
        self.attachments.applied(&mut port, session, seq);
        self.outbox.applied(&mut port, session, seq);
        self.settle(now);
    }

    /// Puts a session on screen: follows it, and goes on following the three shown before it. Showing the same one
    /// again does nothing.
    pub fn show(&mut self, now: Millis, session: &SessionId) {
        self.now = now;
        self.attachments.show(&mut Port::new(now, self.link.ready(), &mut self.outputs), session);
    }

    /// Takes a message or an answer, persists it and sends it when its turn comes.
    pub fn send(&mut self, now: Millis, send: Send) -> SendResult {
        self.now = now;
        if let Some(reason) = self.link.refuses_sends() {
            return SendResult::Dropped(reason);
        }
        let mut port = Port::new(now, self.link.takes_sends(), &mut self.outputs);
        self.outbox.push(&mut port, send)
    }

    /// Tries a failed send again: the same id, a new budget.
    pub fn retry(&mut self, now: Millis, message: &MessageId) {
        self.now = now;
        let mut port = Port::new(now, self.link.takes_sends(), &mut self.outputs);
        self.outbox.retry(&mut port, message);
    }

    /// Takes a send back for its text to be edited: [`ClientEvent::SendGone`] brings it, once no copy can be accepted.
    pub fn edit(&mut self, now: Millis, message: &MessageId) {
        self.now = now;
        let mut port = Port::new(now, self.link.takes_sends(), &mut self.outputs);
        self.outbox.take_back(&mut port, message, TakenBack::Edit);
    }

    /// Takes a send back.
    pub fn remove(&mut self, now: Millis, message: &MessageId) {
        self.now = now;
        let mut port = Port::new(now, self.link.takes_sends(), &mut self.outputs);
        self.outbox.take_back(&mut port, message, TakenBack::Remove);
    }

    /// Takes back a message that the gateway has queued; `text` is what returns to the composer once it is withdrawn.
    pub fn withdraw(&mut self, now: Millis, session: &SessionId, message: &MessageId, text: Option<String>) {
        self.now = now;
        let mut port = Port::new(now, self.link.takes_sends(), &mut self.outputs);
        self.outbox.withdraw(&mut port, session, message, text);
    }

    /// Asks to stop a turn, once.
    pub fn cancel(&mut self, now: Millis, session: &SessionId, turn: &TurnId) {
        self.now = now;
        let mut port = Port::new(now, self.link.takes_sends(), &mut self.outputs);
        if port.is_ready() {
            port.transmit(ClientFrame::Cancel(Cancel { session: session.clone(), turn: turn.clone() }));
            self.cancels.push((session.clone(), turn.clone()));
        } else {
            cancel_failed(&mut port, session.clone(), turn.clone(), "there is no connection: stop it again once there is one");
        }
    }

    /// Somebody logged in: goes on.
    pub fn signed_in(&mut self, now: Millis) {
        self.now = now;
        self.link.wake(now, Rest::SignedOut, &mut self.outputs);
        self.settle(now);
    }

    /// A new message's id.
    pub fn new_message_id(&mut self) -> MessageId {
        MessageId::from_random(self.random.wide())
    }

    /// A new session's id.
    pub fn new_session_id(&mut self) -> SessionId {
        SessionId::from_random(self.random.wide())
    }

    /// The next thing to do, or none: wait for an input or the deadline.
    pub fn poll_output(&mut self) -> Option<Output> {
        match (self.outputs.pop_front()?, self.link.transport(), self.link.connection()) {
            (Output::Transmit { link, frame }, Some(Transport::Sse), Some(connection)) if self.link.is_current(link) => {
                let post = self.posts.begin(self.now, link, &frame);
                Some(Output::Post { post, connection: connection.clone(), frame })
            }
            (output, ..) => Some(output),
        }
    }

    /// When to call [`Client::handle_deadline`] at the latest; none: there is nothing to wait for.
    #[must_use]
    pub fn deadline(&self) -> Option<Millis> {
        let attachments = self.link.ready().and_then(|_| self.attachments.deadline());
        let posts = self.posts.deadline(self.outbox.timings.receipt);
        [self.link.deadline(), attachments, posts, self.outbox.deadline(self.on_socket())].into_iter().flatten().min()
    }

    /// What happened so far.
    #[must_use]
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    /// How the tab stands.
    #[must_use]
    pub fn diagnostics(&self) -> Diagnostics {
        Diagnostics {
            transport: self.link.ready().and_then(|_| self.link.transport()),
            connection: self.link.connection().cloned(),
            pinged: self.link.pinged(),
            cursors: self.cursors(),
            counters: self.counters,
        }
    }

    /// Whether the outbox holds anything that the gateway has not accepted.
    #[must_use]
    pub fn holds_sends(&self) -> bool {
        self.outbox.holds_sends()
    }

    /// How the connection stands.
    #[must_use]
    pub fn link_status(&self) -> LinkStatus {
        self.link.status()
    }

    /// The cursors, as far as the page has applied.
    #[must_use]
    pub fn cursors(&self) -> Vec<moorline_protocol::Cursor> {
        self.attachments.all_applied()
    }

    /// Every send that is not settled, in order.
    pub fn sends(&self) -> impl Iterator<Item = SendStatus> {
        self.outbox.statuses()
    }

    fn on_socket(&self) -> bool {
        self.link.transport() == Some(Transport::WebSocket)
    }

    fn hello(&mut self, now: Millis) -> Hello {
        Hello {
            version: VERSION,
            client: self.client.clone(),
            page: self.page.clone(),
            attaches: self.attachments.greet(now),
            rows_rev: self.rows_rev,
        }
    }

    fn receipt(&mut self, now: Millis, receipt: Receipt) {
        let mut port = Port::new(now, self.link.ready(), &mut self.outputs);
        let session = receipt.session.clone();
        self.attachments.may_exist(&mut port, &session);
        self.outbox.receipt(&mut port, &mut self.counters, receipt);
        // The event may have been here before its receipt, or lie in a gap: then there is nothing to wait for.
        if let Some(seq) = self.attachments.applied_seq(&session) {
            self.outbox.applied(&mut port, &session, seq);
        }
    }

    /// What a POST on the current connection came to.
    fn answered(&mut self, now: Millis, what: What, posted: Posted) {
        if let Posted::Receipt(receipt) = posted {
            return self.receipt(now, receipt);
        }
        let is_done = posted == Posted::Done;
        let is_unanswered = posted == Posted::NoAnswer;
        let Some(verdict) = Verdict::of_post(posted) else { return };
        let disposition = verdict.disposition;
        let mut port = Port::new(now, self.link.ready(), &mut self.outputs);
        match what {
            What::Send(message) if disposition != Disposition::SignedOut => {
                self.outbox.refused(&mut port, &mut self.random, &mut self.counters, &message, verdict, is_unanswered);
            }
            What::Cancel(session, turn) => {
                self.cancels.retain(|(_, cancelled)| *cancelled != turn);
                if !is_done {
                    cancel_failed(&mut port, session, turn, &verdict.failure.message);
                }
            }
            What::Attach(session, no) if !is_done && disposition != Disposition::SignedOut => {
                // The stream may have answered it all the same.
                if self.attachments.awaits(&session, no) {
                    self.lost(now);
                }
            }
            What::Send(_) | What::Attach(..) | What::Other => {}
        }
        match disposition {
            Disposition::Reconnect => self.lost(now),
            Disposition::SignedOut => self.rest(now, Rest::SignedOut),
            Disposition::Retry { .. } | Disposition::Settled | Disposition::Failed => {}
        }
    }

    /// What a POST came to that was given up, or whose connection is not the current one: only an acceptance is a fact.
    fn late(&mut self, now: Millis, out: Option<Out>, posted: Posted) {
        let mut port = Port::new(now, None, &mut self.outputs);
        match (posted, out.map(|out| out.what)) {
            (Posted::Receipt(receipt), _) => self.outbox.late_receipt(&mut port, &mut self.counters, receipt),
            // The stream gave way to a WebSocket meanwhile; the cancel was tried once all the same.
            (Posted::Refused(_) | Posted::Status { .. } | Posted::NoAnswer, Some(What::Cancel(session, turn))) => {
                if let Some(at) = self.cancels.iter().position(|(_, cancelled)| *cancelled == turn) {
                    self.cancels.remove(at);
                    cancel_failed(&mut port, session, turn, "the gateway did not answer");
                }
            }
            _ => {}
        }
    }

    fn welcome(&mut self, now: Millis, link: LinkId, welcome: Welcome) {
        if welcome.version != VERSION {
            return self.rest(now, Rest::Incompatible);
        }
        if !self.link.welcomed(now, link, welcome.connection, welcome.timings.clone()) {
            return;
        }
        self.counters.connections += 1;
        self.attachments.configure(welcome.timings.clone(), welcome.limits.clone());
        self.outbox.configure(welcome.timings, welcome.limits);
        self.outputs.push_back(Output::Event(ClientEvent::Agents(welcome.agents)));
        let mut port = Port::new(now, Some(link), &mut self.outputs);
        self.attachments.catch_up_with(&mut port);
        self.outbox.connected(&mut port);
    }

    fn rows(&mut self, now: Millis, rows: Rows) {
        let mut port = Port::new(now, self.link.ready(), &mut self.outputs);
        for row in rows.rows.iter().filter(|row| !row.deleted) {
            self.attachments.may_exist(&mut port, &row.session);
        }
        let highest = rows.rows.iter().map(|row| row.rev).max();
        self.rows_rev = if rows.list_reset { Some(highest.unwrap_or(0)) } else { self.rows_rev.max(highest) };
        port.event(ClientEvent::Rows(rows));
    }

    /// The one place that decides what an `error` frame is about.
    fn error(&mut self, now: Millis, error: ErrorFrame) {
        let mut port = Port::new(now, self.link.ready(), &mut self.outputs);
        match (error.code, &error.message_id, &error.session, error.no) {
            (Code::Unauthorized, ..) => self.rest(now, Rest::SignedOut),
            (Code::IncompatibleVersion, ..) => self.rest(now, Rest::Incompatible),
            (Code::ClientTaken, ..) => {
                self.client = ClientId::from_random(self.random.wide());
                port.persist(Persist::ClientId(self.client.clone()));
                self.lost(now);
            }
            (_, Some(message), ..) => {
                if let Some(at) = self.cancels.iter().position(|(_, turn)| turn == message) {
                    let (session, turn) = self.cancels.remove(at);
                    cancel_failed(&mut port, session, turn, &error.message);
                } else {
                    let message = message.clone();
                    let verdict = Verdict::of_error(error);
                    let disposition = verdict.disposition;
                    self.outbox.refused(&mut port, &mut self.random, &mut self.counters, &message, verdict, false);
                    if disposition == Disposition::Reconnect {
                        self.lost(now);
                    }
                }
            }
            (_, None, Some(session), Some(no)) => {
                if self.attachments.refused(&mut port, session, no) {
                    self.outbox.session_missing(&mut port, session);
                }
            }
            (..) => port.event(ClientEvent::Notice(Notice::Refused { code: error.code, message: error.message })),
        }
    }

    /// The current connection is given up; another one follows after the backoff.
    fn lost(&mut self, now: Millis) {
        self.link.lost(now, &mut self.random, &mut self.outputs);
        let mut port = Port::new(now, None, &mut self.outputs);
        self.attachments.disconnected(&mut port);
        self.outbox.disconnected(&mut port, &mut self.random, &mut self.counters);
        for (session, turn) in std::mem::take(&mut self.cancels) {
            cancel_failed(&mut port, session, turn, "the connection was lost before the gateway answered");
        }
    }

    /// No connection until somebody does something about it. What was on its way is queued again, and not counted.
    fn rest(&mut self, now: Millis, rest: Rest) {
        self.outbox.recall();
        self.outputs.extend(self.posts.take().into_iter().map(|out| Output::Abort { post: out.id }));
        self.link.rest(rest, &mut self.outputs);
        self.attachments.disconnected(&mut Port::new(now, None, &mut self.outputs));
        self.cancels.clear();
    }

    /// What every input ends with: sends that may go now go, and the page learns of a changed standing.
    fn settle(&mut self, now: Millis) {
        let mut port = Port::new(now, self.link.takes_sends(), &mut self.outputs);
        self.outbox.pump(&mut port);
        let (status, trouble) = self.link.changes();
        if let Some(trouble) = trouble {
            port.event(ClientEvent::Trouble(trouble));
        }
        if let Some(status) = status {
            port.event(ClientEvent::Link(status));
        }
    }
}

fn cancel_failed(port: &mut Port<'_>, session: SessionId, turn: TurnId, why: &str) {
    port.event(ClientEvent::Notice(Notice::CancelFailed { session, turn, message: why.to_owned() }));
}
