//! The gateway's side: connections and the journals they are fed from.

use std::sync::Arc;

use moorline_delivery::{Connection, ConnectionConfig, ConnectionInput, ConnectionOutput, Holder, Journal, Posted, Terms};
use moorline_protocol::{
    Cancel, ClientFrame, ClientId, ConnectionId, Cursor, Epoch, ErrorFrame, Events, GatewayFrame, Hello, MessageId, Millis, Receipt, Rows,
    Send, Seq, SessionId, Timings, Withdraw, decode_client, encode,
};
use moorline_session::{Input, NewSession, Position, Reply, Session, Store};
use moorline_transcript::parts;

use super::{Happening, World};
use crate::gateway::{Loaded, Seated, Settings, Waiting, Way};

/// What an `events` frame takes beside its events.
const ENVELOPE_BYTES: usize = 128;

/// What a session answers.
pub(crate) enum Said {
    Receipt(Receipt),
    Refused(ErrorFrame),
    Cancelled,
}

impl World {
    pub(super) fn arrives(&mut self, wire: usize, hello: Option<Box<Hello>>) {
        let latency = self.plan.quality.latency;
        let id = ConnectionId::from_random(self.random.wide());
        let terms = Terms {
            timings: Timings { upgrade: self.plan.upgrade, ..Timings::default() },
            limits: self.limits(),
            build: "simulation".to_owned(),
            agents: vec!["script".to_owned()],
        };
        let config = ConnectionConfig { id: id.clone(), time: self.clocks().wall, terms: Arc::new(terms) };
        let Some(gateway) = &mut self.gateway else {
            return self.after(latency, Happening::TabHears { wire });
        };
        self.trace.note(self.now, "opened", || format!("wire {wire} as {id}"));
        gateway.connections.insert(wire, Seated::new(Connection::new(self.now, config), id));
        self.wires[wire].at_gateway = true;
        self.after(latency, Happening::Stands { wire });
        if let Some(hello) = hello {
            self.feed_connection(wire, ConnectionInput::Frame(ClientFrame::Hello(*hello)));
        }
    }

    pub(super) fn up(&mut self, wire: usize, text: &str) {
        self.wires[wire].up.taken(text.len());
        if !self.wires[wire].at_gateway {
            return;
        }
        let input = match decode_client(text) {
            Ok(frame) => {
                if let Some(seated) = self.gateway.as_mut().and_then(|gateway| gateway.connections.get_mut(&wire)) {
                    seated.heard(&frame);
                }
                ConnectionInput::Frame(frame)
            }
            Err(error) => ConnectionInput::Undecodable(error.to_string()),
        };
        self.feed_connection(wire, input);
    }

    pub(super) fn gateway_hears(&mut self, wire: usize) {
        if std::mem::take(&mut self.wires[wire].at_gateway) {
            self.drop_connection(wire);
        }
    }

    /// Forgets a connection whose gateway's end is gone.
    fn drop_connection(&mut self, wire: usize) {
        let Some(gateway) = &mut self.gateway else { return };
        if let Some(seated) = gateway.connections.remove(&wire) {
            gateway.holders.release(&seated.id);
        }
    }

    pub(crate) fn feed_connection(&mut self, wire: usize, input: ConnectionInput) {
        let Some(seated) = self.gateway.as_mut().and_then(|gateway| gateway.connections.get_mut(&wire)) else { return };
        seated.connection.handle(self.now, input);
        self.drain_connection(wire);
    }

    /// Does what a connection's core asks for, as long as the line takes more.
    pub(super) fn drain_connection(&mut self, wire: usize) {
        while !self.wires[wire].down.is_full() {
            let Some(seated) = self.gateway.as_mut().and_then(|gateway| gateway.connections.get_mut(&wire)) else { return };
            let Some(output) = seated.connection.poll_output() else { return };
            match output {
                ConnectionOutput::Transmit(frame) => {
                    self.transmit_down(wire, &frame);
                    if self.random.below(50) == 0 {
                        let novelty = self.novelty();
                        self.transmit_down(wire, &novelty);
                    }
                }
                ConnectionOutput::Claim { client, page } => self.claim(wire, &client, &page),
                ConnectionOutput::Open { session, no, cursor } => self.open(wire, session, no, cursor),
                ConnectionOutput::Leave { session } => seated.left(&session),
                ConnectionOutput::Serve { session, after, max_bytes } => self.serve(wire, session, after, max_bytes),
                ConnectionOutput::Snapshot { session, no, since } => self.snapshot(wire, session, no, since),
                ConnectionOutput::Position(cursor) => self.note_position(wire, cursor),
                ConnectionOutput::Check { session } => self.tell_head(wire, &session),
                ConnectionOutput::Rows { since } => {
                    let first = self.store.first_rev().unwrap_or(0);
                    let since = since.filter(|rev| *rev >= first);
                    let rows = self.store.rows(since.unwrap_or(0)).unwrap_or_default();
                    let highest = rows.iter().map(|row| row.rev).max().or(since).unwrap_or(0);
                    self.transmit_down(wire, &GatewayFrame::Sessions(Rows { rows, list_reset: since.is_none() }));
                    self.feed_seated(wire, ConnectionInput::RowsServed(highest));
                }
                ConnectionOutput::Submit(send) => self.submit(Way::Wire(wire), send),
                ConnectionOutput::Withdraw(withdraw) => self.withdraw(Way::Wire(wire), withdraw),
                ConnectionOutput::Cancel(cancel) => self.cancel(Way::Wire(wire), cancel),
                ConnectionOutput::Close(_) => {
                    self.wires[wire].at_gateway = false;
                    self.drop_connection(wire);
                    if let Some(at) = self.wires[wire].down.put(self.now, 0, &mut self.random) {
                        self.at(at, Happening::TabHears { wire });
                    }
                }
            }
        }
    }

    pub(crate) fn transmit_down(&mut self, wire: usize, frame: &GatewayFrame) -> usize {
        let mut text = encode(frame);
        let bytes = text.len();
        self.oracle.check(9, bytes <= self.plan.limits.frame_bytes + ENVELOPE_BYTES || matches!(frame, GatewayFrame::Sessions(_)), || {
            format!("a frame of {bytes} bytes goes down: {}", text.chars().take(80).collect::<String>())
        });
        self.trace.note(self.now, "down", || format!("wire {wire}: {text}"));
        if let Some(at) = self.wires[wire].down.put(self.now, bytes, &mut self.random) {
            if !self.is_calm && self.plan.garbled > 0 && self.random.below(self.plan.garbled) == 0 {
                // An ordered stream neither loses nor repeats a frame; a gateway with a fault could.
                match (frame, self.random.below(3)) {
                    (GatewayFrame::Events(_) | GatewayFrame::CaughtUp(_), 0) => {
                        self.wires[wire].down.taken(bytes);
                        return bytes;
                    }
                    (GatewayFrame::Events(_), 1) => self.at(at, Happening::Down { wire, text: text.clone() }),
                    _ => text.insert(1, '%'),
                }
            }
            self.at(at, Happening::Down { wire, text });
        }
        bytes
    }

    fn claim(&mut self, wire: usize, client: &ClientId, page: &moorline_protocol::PageId) {
        let Some(gateway) = &mut self.gateway else { return };
        let Some(id) = gateway.connections.get(&wire).map(|seated| seated.id.clone()) else { return };
        match gateway.holders.claim(client, page, id) {
            Holder::Granted => self.name_client(wire, client),
            Holder::Replaces(older) => {
                self.name_client(wire, client);
                let Some(gateway) = &self.gateway else { return };
                let older = gateway.connections.iter().find(|(_, seated)| seated.id == older).map(|(wire, _)| *wire);
                if let Some(older) = older {
                    self.feed_connection(older, ConnectionInput::Replaced);
                }
            }
            Holder::Taken => self.feed_seated(wire, ConnectionInput::ClientTaken),
        }
    }

    fn open(&mut self, wire: usize, session: SessionId, no: u64, cursor: Option<Cursor>) {
        let most = self.plan.limits.replay_events + 1;
        let behind = cursor.as_ref().map_or(0, |cursor| self.store.count(&session, cursor.seq, most).unwrap_or(most));
        let meta = self.store.session(&session).ok().flatten();
        let is_known = cursor.as_ref().is_some_and(|cursor| self.knows(wire, cursor));
        if meta.as_ref().is_some_and(|meta| meta.row.deleted) {
            return self.feed_seated(wire, ConnectionInput::Deleted { session });
        }
        let Some(gateway) = &mut self.gateway else { return };
        let journal = meta.and_then(|meta| {
            let loaded = gateway.sessions.get(&session)?;
            // For a client that nobody knows, only what is not folded is kept.
            let folded = loaded.retention.folded();
            let oldest = if is_known || folded == Seq::ZERO { meta.oldest } else { folded.next() };
            let (head, state) = (loaded.session.head(), loaded.session.state());
            Some(Journal { epoch: meta.epoch, oldest, head, state, behind, agent: None })
        });
        if let Some(seated) = gateway.connections.get_mut(&wire).filter(|_| journal.is_some()) {
            seated.left(&session);
            seated.follows.insert(session.clone());
        }
        self.feed_seated(wire, ConnectionInput::Journal { session, no, journal });
    }

    fn name_client(&mut self, wire: usize, client: &ClientId) {
        if let Some(seated) = self.gateway.as_mut().and_then(|gateway| gateway.connections.get_mut(&wire)) {
            seated.client = Some(client.clone());
        }
    }

    fn note_position(&mut self, wire: usize, cursor: Cursor) {
        let seen_at = self.clocks().wall;
        let Some(gateway) = &mut self.gateway else { return };
        if let Some(client) = gateway.connections.get(&wire).and_then(|seated| seated.client.clone()) {
            let Cursor { session, epoch, seq } = cursor;
            gateway.positions.push(Position { client, session, epoch, seq, seen_at });
        }
    }

    /// Whether it is known where a connection's client stands.
    fn knows(&self, wire: usize, cursor: &Cursor) -> bool {
        let Some(gateway) = &self.gateway else { return false };
        let Some(client) = gateway.connections.get(&wire).and_then(|seated| seated.client.as_ref()) else { return false };
        let unwritten = gateway.positions.iter().rev().find(|position| position.client == *client && position.session == cursor.session);
        let position = unwritten.cloned().or_else(|| self.store.position(client, &cursor.session).ok().flatten());
        position.is_some_and(|known| known.epoch == cursor.epoch && self.clocks().wall < known.seen_at + self.plan.client_idle.0)
    }

    fn serve(&mut self, wire: usize, session: SessionId, after: Seq, max_bytes: usize) {
        let events = self.store.read(&session, after, usize::MAX, max_bytes.saturating_sub(ENVELOPE_BYTES)).unwrap_or_default();
        let (first, last) = (events.first().map(moorline_protocol::Event::first), events.last().map_or(after, |event| event.seq));
        if first.is_none() {
            return self.feed_seated(wire, ConnectionInput::Served { session, seq: after, bytes: 0 });
        }
        let Some(gateway) = &mut self.gateway else { return };
        let head = gateway.sessions.get(&session).map_or(Seq::ZERO, |loaded| loaded.session.head());
        self.oracle.check(8, last <= head, || format!("event {last} of {session} is served, committed is {head}"));
        let Some(seated) = gateway.connections.get_mut(&wire) else { return };
        let before = seated.streams.insert(session.clone(), last);
        self.oracle.check(1, before.is_none_or(|before| before == after), || {
            format!("the stream of {session} on wire {wire} stood at {before:?} and goes on after {after}")
        });
        let bytes = self.transmit_down(wire, &GatewayFrame::Events(Events { session: session.clone(), events }));
        let limits = &self.plan.limits;
        if let Some(seated) = self.gateway.as_mut().and_then(|gateway| gateway.connections.get_mut(&wire)) {
            let unacked = seated.served(&session, last, bytes);
            self.oracle.check(9, unacked <= limits.credit_bytes + limits.frame_bytes + ENVELOPE_BYTES, || {
                format!("{unacked} bytes are out on wire {wire} without an ack")
            });
        }
        self.feed_seated(wire, ConnectionInput::Served { session, seq: last, bytes });
    }

    fn snapshot(&mut self, wire: usize, session: SessionId, no: u64, since: Option<Seq>) {
        let limits = self.limits();
        let Some(gateway) = &mut self.gateway else { return };
        let Some(loaded) = gateway.sessions.get(&session) else { return };
        let Some(epoch) = loaded.session.epoch() else { return };
        let snapshot = loaded.transcript.snapshot(since, &limits, epoch);
        let seq = loaded.session.head();
        if let Some(seated) = gateway.connections.get_mut(&wire) {
            seated.streams.insert(session.clone(), seq);
        }
        let parts = parts(snapshot, &session, no, &limits);
        self.feed_seated(wire, ConnectionInput::Snapshot { session, no, seq, parts });
    }

    /// Feeds a connection from inside its own drain loop.
    fn feed_seated(&mut self, wire: usize, input: ConnectionInput) {
        if let Some(seated) = self.gateway.as_mut().and_then(|gateway| gateway.connections.get_mut(&wire)) {
            seated.connection.handle(self.now, input);
        }
    }

    pub(super) fn tell_head(&mut self, wire: usize, session: &SessionId) {
        let loaded = self.gateway.as_ref().and_then(|gateway| gateway.sessions.get(session));
        if let Some(loaded) = loaded.filter(|loaded| loaded.session.exists()) {
            let (head, state) = (loaded.session.head(), loaded.session.state());
            let session = session.clone();
            let input = if loaded.session.is_gone() {
                ConnectionInput::Deleted { session }
            } else {
                ConnectionInput::Head { session, head, state, agent: None }
            };
            self.feed_connection(wire, input);
        }
    }

    pub(super) fn submit(&mut self, way: Way, send: Send) {
        let session = send.session.clone();
        let reply = self.reply(way, &session, &send.message);
        let epoch = Epoch::from_random(self.random.wide());
        let new = NewSession { epoch, agent: "script".to_owned(), title: String::new(), at: self.clocks().wall };
        self.feed_session(&session, Input::Submit { reply, send, new });
    }

    pub(super) fn withdraw(&mut self, way: Way, withdraw: Withdraw) {
        let reply = self.reply(way, &withdraw.session, &withdraw.message);
        self.feed_session(&withdraw.session, Input::Withdraw { reply, message: withdraw.message });
    }

    pub(super) fn cancel(&mut self, way: Way, cancel: Cancel) {
        let reply = self.reply(way, &cancel.session, &cancel.turn);
        self.feed_session(&cancel.session, Input::Cancel { reply, turn: cancel.turn, next: cancel.next });
    }

    fn reply(&mut self, way: Way, session: &SessionId, message: &MessageId) -> Reply {
        let no = self.number();
        if let Some(gateway) = &mut self.gateway {
            gateway.replies.insert(no, Waiting { way, session: session.clone(), message: message.clone() });
        }
        Reply(no)
    }

    /// Says a session's answer to whoever waits for it; a cancel that was taken is told to a POST alone.
    pub(crate) fn answer(&mut self, reply: Reply, said: Said) {
        let Some(Waiting { way, message, .. }) = self.gateway.as_mut().and_then(|gateway| gateway.replies.remove(&reply.0)) else { return };
        match (way, said) {
            (Way::Wire(wire), Said::Receipt(receipt)) => self.feed_connection(wire, ConnectionInput::Receipt(receipt)),
            (Way::Wire(wire), Said::Refused(error)) => {
                self.feed_connection(wire, ConnectionInput::Refused(ErrorFrame { message_id: Some(message), ..error }));
            }
            (Way::Wire(_), Said::Cancelled) => {}
            (Way::Post(sender), Said::Receipt(receipt)) => self.respond(sender, Posted::Receipt(receipt)),
            (Way::Post(sender), Said::Refused(error)) => self.respond(sender, Posted::Refused(error)),
            (Way::Post(sender), Said::Cancelled) => self.respond(sender, Posted::Done),
        }
    }

    pub(crate) fn refuse_waiting(&mut self, session: &SessionId, error: &ErrorFrame) {
        let Some(gateway) = &mut self.gateway else { return };
        let waiting: Vec<u64> = gateway.replies.iter().filter(|(_, waiting)| waiting.session == *session).map(|(no, _)| *no).collect();
        for no in waiting {
            self.answer(Reply(no), Said::Refused(error.clone()));
        }
    }

    pub(super) fn page_asked(&mut self, tab: usize, document: u64, session: SessionId) {
        let before = self.tabs[tab].held.get(&session).and_then(|held| held.transcript.gaps().last()).map(|gap| gap.to.next());
        let limits = self.limits();
        let loaded = self.gateway.as_ref().and_then(|gateway| gateway.sessions.get(&session));
        let page = before.zip(loaded).and_then(|(before, loaded)| {
            let epoch = loaded.session.epoch().filter(|_| !loaded.session.is_gone())?;
            Some(Box::new(loaded.transcript.page(before, limits.page_blocks, &limits, epoch)))
        });
        let wait = self.plan.quality.latency + Millis(self.random.below(1_000));
        self.after(wait, Happening::PageHere { tab, document, session, page });
    }

    /// The session, made in memory if nobody has asked for it before.
    pub(crate) fn loaded(&mut self, session: &SessionId) -> Option<&mut Loaded> {
        let (settings, clocks) = (self.settings(), self.clocks());
        let Self { gateway, store, .. } = self;
        let make = || {
            if let Ok(Some(meta)) = store.session(session) {
                return Loaded::restore(session, &meta, store, settings, clocks);
            }
            let Settings { config, retention } = settings;
            let mut made = Session::new(session.clone(), config);
            made.remember(store.early(session).unwrap_or_default());
            Loaded::new(made, retention)
        };
        Some(gateway.as_mut()?.sessions.entry(session.clone()).or_insert_with(make))
    }
}
