//! What the driver tells: connections, frames, answers, signals, time.

use moorline_protocol::{AgentFrame, ClientFrame, ClientId, GatewayFrame, MessageId, Millis, Pong, Seq, SessionId};

use super::{
    Client,
    event::{ClientEvent, Notice, Trouble},
    input::{Checked, LinkClosed, Posted, Signal},
    link::{AfterCheck, Rest},
    outcome,
    output::{LinkId, Output, Persist, PostId, Transport},
    port::Port,
    posts::Out,
};

impl Client {
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
            let mut port = Port::new(now, None, &mut self.outputs);
            self.outbox.recall(&mut port);
            self.attachments.disconnected(&mut port);
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
                self.late_receipt(now, receipt);
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
            GatewayFrame::Agent(AgentFrame { session, agent }) => port.event(ClientEvent::Agent { session, agent }),
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
            LinkClosed::NotAdmitted => self.link.give_up(now, None, &mut self.random, &mut self.outputs),
            LinkClosed::NoSlot => self.link.give_up(now, Some(Trouble::NoSlot), &mut self.random, &mut self.outputs),
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
        while let Some(Out { id, link, what, .. }) = self.posts.expired(now) {
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
}
