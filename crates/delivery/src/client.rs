//! The browser's end: one link at a time, the sessions attached on it, and the tab's outbox.

mod answers;
mod attachment;
mod attachments;
mod copies;
mod diagnostics;
mod event;
mod handling;
mod input;
mod link;
mod outbox;
mod outcome;
mod output;
mod port;
mod posts;
mod sends;

use std::collections::VecDeque;

use moorline_protocol::{Cancel, ClientFrame, ClientId, MessageId, Millis, PageId, Send, SessionId, TurnId};

use crate::Random;
use attachments::Attachments;
pub use diagnostics::{Attempts, Counters, Diagnostics};
pub use event::{AttachmentStatus, ClientEvent, DropReason, Failure, LinkStatus, Notice, SendResult, SendState, SendStatus, Trouble};
pub use input::{Checked, ClientConfig, LinkClosed, Posted, Restored, Signal, StoredSend, TakenBack};
use link::{Link, Rest};
use outbox::Outbox;
pub use output::{LinkId, Output, Persist, PostId, Transport};
use port::Port;
use posts::Posts;

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

    /// Asks to stop a turn, once; a queued message may be named to come next.
    pub fn cancel(&mut self, now: Millis, session: &SessionId, turn: &TurnId, next: Option<MessageId>) {
        self.now = now;
        let mut port = Port::new(now, self.link.takes_sends(), &mut self.outputs);
        if port.is_ready() {
            port.transmit(ClientFrame::Cancel(Cancel { session: session.clone(), turn: turn.clone(), next }));
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
                let timings = &self.outbox.timings;
                let limit = if let ClientFrame::Send(send) = &frame { outbox::receipt_limit(timings, send) } else { timings.receipt };
                let post = self.posts.begin(self.now + limit, link, &frame);
                Some(Output::Post { post, connection: connection.clone(), frame })
            }
            (output, ..) => Some(output),
        }
    }

    /// When to call [`Client::handle_deadline`] at the latest; none: there is nothing to wait for.
    #[must_use]
    pub fn deadline(&self) -> Option<Millis> {
        let attachments = self.link.ready().and_then(|_| self.attachments.deadline());
        [self.link.deadline(), attachments, self.posts.deadline(), self.outbox.deadline(self.on_socket())].into_iter().flatten().min()
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

    /// Whether everything on screen is caught up: what comes from now on is news, and little of it.
    #[must_use]
    pub fn is_caught_up(&self) -> bool {
        self.link.ready().is_some() && self.attachments.are_caught_up()
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

    /// The current connection is given up; another one follows after the backoff.
    fn lost(&mut self, now: Millis) {
        self.link.lost(now, &mut self.random, &mut self.outputs);
        self.parted(now);
    }

    /// What follows from a connection's end for what was on its way.
    fn parted(&mut self, now: Millis) {
        let mut port = Port::new(now, None, &mut self.outputs);
        self.attachments.disconnected(&mut port);
        self.outbox.disconnected(&mut port, &mut self.random, &mut self.counters);
        for (session, turn) in std::mem::take(&mut self.cancels) {
            cancel_failed(&mut port, session, turn, "the connection was lost before the gateway answered");
        }
    }

    /// No connection until somebody does something about it. What was on its way is queued again, and not counted.
    fn rest(&mut self, now: Millis, rest: Rest) {
        self.outbox.recall(&mut Port::new(now, None, &mut self.outputs));
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
