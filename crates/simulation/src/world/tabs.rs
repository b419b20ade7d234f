//! The tabs' side: connecting, frames, the user.

use moorline_delivery::{
    AttachmentStatus, ClientEvent, LinkClosed, LinkId, LinkStatus, Output, Random, SendResult, SendState, Signal, Transport,
};
use moorline_protocol::{
    BlockId, ClientFrame, Create, GatewayFrame, Hello, MessageId, Millis, Page, Send, SendBody, SessionId, TurnId, decode_gateway, encode,
};

use super::{Happening, World};
use crate::{
    network::Wire,
    oracle::Typed,
    plan::Sockets,
    tab::{Storage, Tab},
};

impl World {
    pub(crate) fn open_tab(&mut self, storage: Storage, shown: SessionId) {
        let no = self.tabs.len();
        let (seed, document) = (self.random.next(), self.number());
        let tab = Tab::open(no, self.now, storage, shown, seed, &self.plan.limits, document);
        self.tabs.push(tab);
        self.begin(no);
    }

    pub(crate) fn reload(&mut self, no: usize) {
        self.tabs[no].client.handle_signal(self.now, Signal::PutAway);
        self.drain_tab(no);
        let kept = self.tabs[no].storage.outbox.clone();
        self.oracle.waive(|message, typed| typed.tab == no && !kept.contains_key(message));
        let (seed, document) = (self.random.next(), self.number());
        let old = &self.tabs[no];
        let (storage, shown) = (old.storage.clone(), old.shown.clone());
        let fresh = Tab::open(no, self.now, storage, shown, seed, &self.plan.limits, document);
        self.tabs[no] = fresh;
        self.begin(no);
    }

    /// Claims the tab's name, where there are locks, and begins to connect.
    fn begin(&mut self, no: usize) {
        self.drain_tab(no);
        self.claim_name(no);
        self.tabs[no].client.start(self.now);
        self.drain_tab(no);
    }

    /// Does what the tab's core asks for, until it asks for nothing more.
    pub(crate) fn drain_tab(&mut self, no: usize) {
        while let Some(output) = self.tabs[no].client.poll_output() {
            let tab = &mut self.tabs[no];
            match output {
                Output::OpenSocket { link } => self.connect(no, link, None),
                Output::OpenStream { link, hello } => self.connect(no, link, Some(Box::new(hello))),
                Output::Check { link } => self.check(no, link),
                Output::Transmit { link, frame } => {
                    tab.transmits(&mut self.oracle, self.now, &frame, self.is_calm);
                    self.transmit_up(no, link, &frame);
                }
                Output::Post { post, connection, frame } => {
                    tab.transmits(&mut self.oracle, self.now, &frame, self.is_calm);
                    self.post(no, post, connection, &frame);
                }
                Output::Abort { post } => {
                    tab.posts.remove(&post);
                }
                // A goodbye is worth nothing to a gateway without a registry.
                Output::Farewell { cursors, .. } => cursors.iter().for_each(|cursor| tab.told(&mut self.oracle, cursor, "acked")),
                Output::AwaitTab { client } => self.await_tab(no, client),
                Output::Disconnect { link } => self.disconnect(no, link),
                Output::Persist(persist) => {
                    if let Some(message) = tab.persist(&mut self.oracle, persist) {
                        tab.client.handle_persist_failed(self.now, &message);
                    }
                }
                Output::Event(event) => {
                    self.trace.note(self.now, "screen", || format!("tab {no}: {event:?}"));
                    self.watch(no, &event);
                    let tab = &mut self.tabs[no];
                    if let Some((session, seq)) = tab.event(&mut self.oracle, event) {
                        tab.client.applied(self.now, &session, seq);
                        self.notice_requests(no, &session);
                        self.want_page(no, &session);
                    }
                }
            }
        }
        let tab = &self.tabs[no];
        tab.check_echoes(&mut self.oracle);
    }

    fn connect(&mut self, no: usize, link: LinkId, hello: Option<Box<Hello>>) {
        let wire = self.wires.len();
        let (up, down) = (self.pipe(), self.pipe());
        let transport = if hello.is_some() { Transport::Sse } else { Transport::WebSocket };
        self.wires.push(Wire { tab: no, link, transport, up, down, at_tab: true, at_gateway: false });
        let tab = &mut self.tabs[no];
        tab.wires.insert(link, wire);
        let is_cut_off = self.now < tab.unreachable_until;
        let has_passage = transport == Transport::Sse || self.plan.sockets == Sockets::Pass && self.now >= tab.no_sockets_until;
        let hangs = is_cut_off && tab.hangs || !has_passage && self.plan.sockets == Sockets::Hang;
        let latency = self.plan.quality.latency;
        match (is_cut_off || !has_passage, self.gateway.is_some()) {
            // The attempt goes unanswered: the core's own time limit ends it.
            (true, _) if hangs => {}
            (true, _) | (false, false) => self.after(latency, Happening::TabHears { wire }),
            (false, true) => self.after(latency, Happening::Arrives { wire, hello }),
        }
    }

    /// What the run has to know of what a page is told, or to do about it.
    fn watch(&mut self, no: usize, event: &ClientEvent) {
        match event {
            ClientEvent::AttemptFailed { message, attempts, .. } if *attempts >= self.plan.limits.attempts => {
                let is_spent = self.tabs[no].sends.get(message).is_some_and(|status| status.state == SendState::Sending);
                if is_spent {
                    self.oracle.spent(self.now, no, message);
                }
            }
            ClientEvent::Link(LinkStatus::SignedOut) => {
                let wait = Millis(500 + self.random.below(5_000));
                let document = self.tabs[no].document;
                self.after(wait, Happening::SignsIn { tab: no, document });
            }
            _ => {}
        }
    }

    pub(super) fn stands(&mut self, wire: usize) {
        let (no, link) = (self.wires[wire].tab, self.wires[wire].link);
        if self.wires[wire].at_tab && self.tabs[no].wires.get(&link) == Some(&wire) {
            self.tabs[no].client.handle_opened(self.now, link);
            self.drain_tab(no);
        }
    }

    fn transmit_up(&mut self, no: usize, link: LinkId, frame: &ClientFrame) {
        let Some(wire) = self.tabs[no].wires.get(&link).copied() else { return };
        if !self.wires[wire].at_tab {
            return;
        }
        let text = encode(frame);
        self.trace.note(self.now, "up", || format!("tab {no} wire {wire}: {text}"));
        if let Some(at) = self.wires[wire].up.put(self.now, text.len(), &mut self.random) {
            self.at(at, Happening::Up { wire, text });
        }
    }

    /// The tab drops its end; the other end hears of it, unless the line swallows that too.
    pub(super) fn disconnect(&mut self, no: usize, link: LinkId) {
        let Some(wire) = self.tabs[no].wires.remove(&link) else { return };
        self.wires[wire].at_tab = false;
        if let Some(at) = self.wires[wire].up.put(self.now, 0, &mut self.random) {
            self.at(at, Happening::GatewayHears { wire });
        }
    }

    pub(super) fn down(&mut self, wire: usize, text: String) {
        let no = self.wires[wire].tab;
        if self.now < self.tabs[no].asleep_until {
            let at = self.tabs[no].asleep_until;
            return self.at(at, Happening::Down { wire, text });
        }
        self.wires[wire].down.taken(text.len());
        let link = self.wires[wire].link;
        if self.wires[wire].at_tab && self.tabs[no].wires.get(&link) == Some(&wire) {
            let client = &mut self.tabs[no].client;
            // A driver looks at the clock before it feeds: hidden tabs' timers are late.
            if client.deadline().is_some_and(|deadline| deadline <= self.now) {
                client.handle_deadline(self.now);
            }
            match decode_gateway(&text) {
                Ok(frame) => client.handle_frame(self.now, link, frame, text.len()),
                Err(_) => client.handle_undecodable(self.now, link),
            }
            self.drain_tab(no);
        }
        self.drain_connection(wire);
    }

    pub(super) fn tab_hears(&mut self, wire: usize) {
        let (no, link) = (self.wires[wire].tab, self.wires[wire].link);
        if self.now < self.tabs[no].asleep_until {
            let at = self.tabs[no].asleep_until;
            return self.at(at, Happening::TabHears { wire });
        }
        if std::mem::take(&mut self.wires[wire].at_tab) && self.tabs[no].wires.remove(&link).is_some() {
            self.trace.note(self.now, "closed", || format!("tab {no} wire {wire}"));
            self.tabs[no].client.handle_closed(self.now, link, LinkClosed::Lost);
            self.drain_tab(no);
        }
    }

    pub(super) fn type_message(&mut self, no: usize, interrupt: Option<TurnId>) {
        let (tab, n) = (&self.tabs[no], self.number_of_typed());
        let session = tab.shown.clone();
        if tab.held.get(&session).is_some_and(|held| held.status == Some(AttachmentStatus::Deleted)) {
            // The page begins a new session with it.
            return;
        }
        // What is typed does not depend on how the run goes.
        let mut typist = Random::new(self.plan.seed ^ n as u64);
        let repeats = if typist.below(8) == 0 { typist.below(120) } else { 0 };
        let filler = "long ünïcode text ".repeat(repeats as usize);
        // Now and then the same words again.
        let text = if typist.below(6) == 0 { "again".to_owned() } else { format!("message {n} {filler}") };
        let message = MessageId::from_random(self.random.wide());
        let body = SendBody::Text(text.clone());
        let send = Send { session: session.clone(), message: message.clone(), body, create: Some(Create::default()), interrupt };
        if let Some(turn) = &send.interrupt {
            self.oracle.stopped.insert(turn.clone());
            self.disturb(turn);
        }
        self.trace.note(self.now, "type", || format!("tab {no}: {message} {n} into {session}"));
        let result = self.tabs[no].client.send(self.now, send);
        if !matches!(result, SendResult::Dropped(_)) {
            self.oracle.typed.push((message, Typed { tab: no, session, text, is_waived: false }));
        }
        self.drain_tab(no);
    }

    pub(super) fn answers(&mut self, no: usize, document: u64, session: SessionId, request: BlockId) {
        let tab = &self.tabs[no];
        let is_open = tab.held.get(&session).is_some_and(|held| held.transcript.state().waiting.contains(&request));
        if tab.is_closed || tab.document != document || !is_open {
            return;
        }
        let message = MessageId::from_random(self.random.wide());
        let option = if self.random.below(2) == 0 { "yes" } else { "no" }.to_owned();
        let body = SendBody::Answer { request, option };
        let send = Send { session, message, body, create: None, interrupt: None };
        self.tabs[no].client.send(self.now, send);
        self.drain_tab(no);
    }

    /// The user sees new requests, and gets round to them later.
    fn notice_requests(&mut self, no: usize, session: &SessionId) {
        let tab = &mut self.tabs[no];
        let document = tab.document;
        let Some(held) = tab.held.get_mut(session) else { return };
        let open: Vec<BlockId> = held.transcript.state().waiting.into_iter().filter(|block| held.noticed.insert(block.clone())).collect();
        for request in open {
            let wait = Millis(200 + self.random.below(6_000));
            self.after(wait, Happening::Answers { tab: no, document, session: session.clone(), request });
        }
    }

    /// In the calm: what the user has not got round to, or what did not get through.
    pub(super) fn answer_open_requests(&mut self, no: usize, session: &SessionId) {
        let tab = &self.tabs[no];
        let is_on_its_way = |request: &BlockId| {
            tab.sends.values().any(|status| matches!(&status.send.body, SendBody::Answer { request: of, .. } if of == request))
        };
        let live = tab.held.get(session).filter(|held| held.status == Some(AttachmentStatus::Live));
        let open = live.map(|held| held.transcript.state().waiting).unwrap_or_default();
        let document = tab.document;
        for request in open.into_iter().filter(|request| !is_on_its_way(request)).collect::<Vec<_>>() {
            self.answers(no, document, session.clone(), request);
        }
    }

    /// The user scrolls up where something is missing.
    pub(super) fn want_page(&mut self, no: usize, session: &SessionId) {
        if self.tabs[no].wanted_page(session).is_none() || (!self.is_calm && self.random.below(3) > 0) {
            return;
        }
        let latency = self.plan.quality.latency;
        if let Some(held) = self.tabs[no].held.get_mut(session) {
            held.is_loading = true;
        }
        let document = self.tabs[no].document;
        self.after(latency, Happening::PageAsked { tab: no, document, session: session.clone() });
    }

    pub(super) fn page_here(&mut self, no: usize, document: u64, session: &SessionId, page: Option<Box<Page>>) {
        let tab = &mut self.tabs[no];
        if tab.is_closed || tab.document != document {
            return;
        }
        match page {
            Some(page) => tab.merge_page(session, *page),
            None => {
                if let Some(held) = tab.held.get_mut(session) {
                    held.is_loading = false;
                }
            }
        }
        if self.is_calm {
            self.want_page(no, session);
        }
    }

    /// Frames that this version of the page does not know, as a newer gateway may send them.
    pub(crate) fn novelty(&mut self) -> GatewayFrame {
        if self.random.below(2) == 0 {
            GatewayFrame::Unknown { kind: "novelty".to_owned() }
        } else {
            GatewayFrame::Pong(moorline_protocol::GatewayPong {})
        }
    }

    fn number_of_typed(&self) -> usize {
        self.oracle.typed.len()
    }
}
