//! A client and a gateway with journals in memory, and a line between them that can be cut and has a speed.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use moorline_delivery::{
    Checked, Client, ClientConfig, ClientEvent, Connection, ConnectionConfig, ConnectionInput, ConnectionOutput, DropReason, Journal,
    LinkClosed, LinkId, Output, Persist, Restored, SendResult, StoredSend, Terms,
};
use moorline_protocol::{
    Accepted, BlockId, ClientFrame, ClientId, ConnectionId, Epoch, Event, EventBody, Events, GatewayFrame, Limits, MessageId, Millis,
    PageId, Receipt, ReceiptOutcome, Send, SendBody, Seq, SessionId, SessionState, SnapshotPart, Timings, TurnStarted, encode,
};

pub(crate) fn session(text: &str) -> SessionId {
    SessionId::parse(text).expect("an id")
}

pub(crate) fn message(text: &str) -> MessageId {
    MessageId::parse(text).expect("an id")
}

pub(crate) fn text(to: &str, id: &str) -> Send {
    Send { session: session(to), message: message(id), body: SendBody::Text(id.to_owned()), create: None, interrupt: None }
}

/// How fast the line down is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    pub(crate) bytes_per_second: u64,
    /// What the sockets hold on the way.
    pub(crate) buffer_bytes: u64,
}

impl Line {
    pub(crate) const FAST: Self = Self { bytes_per_second: 1 << 30, buffer_bytes: 1 << 20 };
}

const DELAY: Millis = Millis(20);

pub(crate) struct Pair {
    pub(crate) now: Millis,
    pub(crate) client: Client,
    pub(crate) line: Line,
    pub(crate) journals: BTreeMap<SessionId, Vec<Event>>,
    /// Every frame that reached the client, and every one that reached the gateway.
    pub(crate) down: Vec<GatewayFrame>,
    pub(crate) up: Vec<ClientFrame>,
    /// The seqs that the page applied, by session.
    pub(crate) applied: BTreeMap<SessionId, Vec<u64>>,
    /// The tab's storage.
    pub(crate) stored: BTreeMap<MessageId, StoredSend>,
    /// Whether a connection can be made.
    pub(crate) reachable: bool,
    connection: Option<(LinkId, Connection)>,
    connections: u64,
    on_way_down: VecDeque<(Millis, GatewayFrame, usize)>,
    on_way_up: VecDeque<(Millis, ClientFrame)>,
    /// When the line down will have taken what was written.
    free_at: Millis,
    /// An order that the client's driver carries out later.
    to_open: Option<(Millis, LinkId)>,
}

impl Pair {
    pub(crate) fn new(line: Line) -> Self {
        let now = Millis(1_000);
        let mut pair = Self {
            now,
            client: client(now, Vec::new()),
            line,
            journals: BTreeMap::new(),
            down: Vec::new(),
            up: Vec::new(),
            applied: BTreeMap::new(),
            stored: BTreeMap::new(),
            reachable: true,
            connection: None,
            connections: 0,
            on_way_down: VecDeque::new(),
            on_way_up: VecDeque::new(),
            free_at: now,
            to_open: None,
        };
        pair.does(|client, now| client.start(now));
        pair
    }

    pub(crate) fn does(&mut self, act: impl FnOnce(&mut Client, Millis)) {
        act(&mut self.client, self.now);
        while let Some(output) = self.client.poll_output() {
            match output {
                Output::OpenSocket { link } => self.to_open = Some((self.now + DELAY, link)),
                Output::Transmit { link, frame } if self.connection.as_ref().is_some_and(|(current, _)| *current == link) => {
                    self.on_way_up.push_back((self.now + DELAY, frame));
                }
                // Nobody answers: what the gateway would say is not what these lines are about.
                Output::Check { link } => self.client.handle_checked(self.now, link, Checked::NoAnswer),
                Output::Transmit { .. } => {}
                Output::Disconnect { link } => self.forget(link),
                Output::Persist(Persist::PutSend(stored)) => drop(self.stored.insert(stored.send.message.clone(), stored)),
                Output::Persist(Persist::RemoveSend(message)) => drop(self.stored.remove(&message)),
                Output::Persist(_)
                | Output::OpenStream { .. }
                | Output::Post { .. }
                | Output::Abort { .. }
                | Output::Farewell { .. }
                | Output::AwaitTab { .. } => {}
                Output::Event(ClientEvent::Events { session, events, .. }) => {
                    let applied = self.applied.entry(session.clone()).or_default();
                    applied.extend(events.iter().map(|event| event.seq.value()));
                    let seq = events.last().expect("never without events").seq;
                    self.client.applied(self.now, &session, seq);
                }
                Output::Event(ClientEvent::Snapshot { session, seq, .. }) => {
                    self.applied.insert(session.clone(), (1..=seq.value()).collect());
                    self.client.applied(self.now, &session, seq);
                }
                Output::Event(_) => {}
            }
        }
    }

    /// Lets time pass: everything happens in its order.
    pub(crate) fn passes(&mut self, millis: u64) {
        let end = self.now + Millis(millis);
        while let Some(next) = self.next_moment().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            self.step();
        }
        self.now = end;
    }

    /// Makes a journal, or lets one grow by events with a text of so many bytes.
    pub(crate) fn commits(&mut self, of: &str, events: u64) {
        self.journals.entry(session(of)).or_default();
        for _ in 0..events {
            self.append(&session(of), EventBody::TurnStarted(TurnStarted { turn: message("turn") }));
        }
    }

    pub(crate) fn commits_large(&mut self, of: &str, events: u64, bytes: usize) {
        self.journals.entry(session(of)).or_default();
        for _ in 0..events {
            self.append(&session(of), EventBody::Unknown { kind: "x".repeat(bytes) });
        }
    }

    /// The line is cut: nothing on its way arrives.
    pub(crate) fn cut(&mut self) {
        if let Some((link, _)) = self.connection {
            self.forget(link);
            self.does(|client, now| client.handle_closed(now, link, LinkClosed::Lost));
        }
    }

    /// The page is loaded again: only the storage survives.
    pub(crate) fn reloads(&mut self) {
        if let Some((link, _)) = self.connection {
            self.forget(link);
        }
        self.to_open = None;
        self.applied.clear();
        self.client = client(self.now, self.stored.values().cloned().collect());
        self.does(|client, now| client.start(now));
    }

    pub(crate) fn shows(&mut self, of: &str) {
        self.does(|client, now| client.show(now, &session(of)));
    }

    pub(crate) fn sends(&mut self, to: &str, id: &str) {
        self.does(|client, now| assert_ne!(client.send(now, text(to, id)), SendResult::Dropped(DropReason::OutboxFull)));
    }

    /// How often each message was accepted.
    pub(crate) fn acceptances(&self, of: &str) -> Vec<String> {
        let accepted = self.journals[&session(of)].iter().filter_map(|event| match &event.body {
            EventBody::Accepted(accepted) => Some(accepted.message.to_string()),
            _ => None,
        });
        accepted.collect()
    }

    pub(crate) fn forget_frames(&mut self) {
        self.down.clear();
        self.up.clear();
    }

    fn next_moment(&self) -> Option<Millis> {
        let connection = self.connection.as_ref().map(|(_, connection)| connection.deadline());
        let room = self.connection.as_ref().filter(|_| !self.has_room()).map(|_| self.has_room_at());
        let opening = self.to_open.map(|(at, _)| at);
        let down = self.on_way_down.front().map(|(at, ..)| *at);
        let up = self.on_way_up.front().map(|(at, _)| *at);
        [self.client.deadline(), connection, room, opening, down, up].into_iter().flatten().min()
    }

    fn step(&mut self) {
        if let Some((_, link)) = self.to_open.take_if(|(at, _)| *at <= self.now) {
            self.opens(link);
        }
        while self.on_way_up.front().is_some_and(|(at, _)| *at <= self.now) {
            let Some((_, frame)) = self.on_way_up.pop_front() else { break };
            self.up.push(frame.clone());
            self.handles(ConnectionInput::Frame(frame));
        }
        while self.on_way_down.front().is_some_and(|(at, ..)| *at <= self.now) {
            let Some((_, frame, bytes)) = self.on_way_down.pop_front() else { break };
            self.down.push(frame.clone());
            let Some((link, _)) = self.connection else { break };
            self.does(|client, now| client.handle_frame(now, link, frame, bytes));
        }
        if self.connection.as_ref().is_some_and(|(_, connection)| connection.deadline() <= self.now) {
            self.handles(ConnectionInput::Deadline);
        }
        self.drain();
        if self.client.deadline().is_some_and(|due| due <= self.now) {
            self.does(|client, now| client.handle_deadline(now));
        }
    }

    fn opens(&mut self, link: LinkId) {
        if !self.reachable {
            return self.does(|client, now| client.handle_closed(now, link, LinkClosed::Lost));
        }
        self.connections += 1;
        let terms = Terms { timings: Timings::default(), limits: Limits::default(), build: String::new(), agents: Vec::new() };
        let config = ConnectionConfig {
            id: ConnectionId::parse(&format!("c{}", self.connections)).expect("an id"),
            time: 0,
            terms: Arc::new(terms),
        };
        self.free_at = self.now;
        self.connection = Some((link, Connection::new(self.now, config)));
        self.does(|client, now| client.handle_opened(now, link));
    }

    fn forget(&mut self, link: LinkId) {
        if self.connection.as_ref().is_some_and(|(current, _)| *current == link) {
            self.connection = None;
            self.on_way_down.clear();
            self.on_way_up.clear();
        }
        self.to_open.take_if(|(_, opening)| *opening == link);
    }

    fn append(&mut self, session: &SessionId, body: EventBody) -> Seq {
        let journal = self.journals.entry(session.clone()).or_default();
        let seq = Seq::new(journal.len() as u64 + 1);
        journal.push(Event::plain(seq, 0, body));
        self.handles(ConnectionInput::Head { session: session.clone(), head: seq, state: SessionState::default(), agent: None });
        seq
    }

    fn handles(&mut self, input: ConnectionInput) {
        if let Some((_, connection)) = &mut self.connection {
            connection.handle(self.now, input);
        }
        self.drain();
    }

    /// Does what the gateway's core asks for, as long as the sockets take it.
    fn drain(&mut self) {
        while self.has_room() {
            let Some((_, connection)) = &mut self.connection else { return };
            let Some(output) = connection.poll_output() else { return };
            self.complete(output);
        }
    }

    fn complete(&mut self, output: ConnectionOutput) {
        match output {
            ConnectionOutput::Transmit(frame) => drop(self.write(frame)),
            ConnectionOutput::Open { session, no, cursor } => {
                let journal = self.journal(&session, cursor.map_or(Seq::ZERO, |cursor| cursor.seq));
                self.answers(ConnectionInput::Journal { session, no, journal });
            }
            ConnectionOutput::Position(_) => {}
            ConnectionOutput::Check { session } => {
                if let Some(Journal { head, state, .. }) = self.journal(&session, Seq::ZERO) {
                    self.answers(ConnectionInput::Head { session, head, state, agent: None });
                }
            }
            ConnectionOutput::Serve { session, after, max_bytes } => {
                let behind = &self.journals[&session][after.value() as usize..];
                let mut bytes = 100;
                let fits = |event: &&Event| {
                    let first = bytes == 100;
                    bytes += encode(*event).len();
                    first || bytes <= max_bytes
                };
                let events: Vec<Event> = behind.iter().take_while(fits).cloned().collect();
                let seq = events.last().map_or(after, |event| event.seq);
                let bytes = self.write(GatewayFrame::Events(Events { session: session.clone(), events }));
                self.answers(ConnectionInput::Served { session, seq, bytes });
            }
            ConnectionOutput::Snapshot { session, no, .. } => {
                let seq = Seq::new(self.journals[&session].len() as u64);
                let part = SnapshotPart {
                    session: session.clone(),
                    no,
                    epoch: epoch(),
                    seq,
                    part: 0,
                    last: true,
                    from: Seq::new(1),
                    items: Vec::new(),
                };
                self.answers(ConnectionInput::Snapshot { session, no, seq, parts: vec![part] });
            }
            ConnectionOutput::Rows { .. } => self.answers(ConnectionInput::RowsServed(0)),
            ConnectionOutput::Submit(send) => self.accept(&send),
            ConnectionOutput::Close(_) => self.cut(),
            ConnectionOutput::Claim { .. }
            | ConnectionOutput::Leave { .. }
            | ConnectionOutput::Withdraw(_)
            | ConnectionOutput::Cancel(_) => {}
        }
    }

    fn accept(&mut self, send: &Send) {
        let known = self.journals.get(&send.session).and_then(|journal| {
            journal.iter().find(|event| matches!(&event.body, EventBody::Accepted(accepted) if accepted.message == send.message))
        });
        let seq = match known.map(|event| event.seq) {
            Some(seq) => seq,
            None => {
                let (message, hash) = (send.message.clone(), send.hash());
                let block = BlockId::numbered(1);
                self.append(&send.session, EventBody::Accepted(Accepted { message, hash, block, text: String::new(), interrupt: None }))
            }
        };
        let outcome = ReceiptOutcome::Accepted { seq };
        self.answers(ConnectionInput::Receipt(Receipt { session: send.session.clone(), message: send.message.clone(), outcome }));
    }

    fn answers(&mut self, input: ConnectionInput) {
        if let Some((_, connection)) = &mut self.connection {
            connection.handle(self.now, input);
        }
    }

    fn write(&mut self, frame: GatewayFrame) -> usize {
        let bytes = encode(&frame).len();
        self.free_at = self.free_at.max(self.now) + Millis(bytes as u64 * 1_000 / self.line.bytes_per_second);
        self.on_way_down.push_back((self.free_at + DELAY, frame, bytes));
        bytes
    }

    fn has_room(&self) -> bool {
        self.now >= self.has_room_at()
    }

    fn has_room_at(&self) -> Millis {
        self.free_at.since(Millis(self.line.buffer_bytes * 1_000 / self.line.bytes_per_second))
    }

    fn journal(&self, session: &SessionId, cursor: Seq) -> Option<Journal> {
        let head = Seq::new(self.journals.get(session)?.len() as u64);
        let (oldest, behind) = (Seq::new(head.value().min(1)), head.value().saturating_sub(cursor.value()));
        Some(Journal { epoch: epoch(), oldest, head, state: SessionState::default(), behind, agent: None })
    }
}

fn client(now: Millis, outbox: Vec<StoredSend>) -> Client {
    let config = ClientConfig {
        client: ClientId::parse("client").expect("an id"),
        page: PageId::parse("page").expect("an id"),
        seed: 11,
        timings: Timings::default(),
        limits: Limits::default(),
    };
    Client::new(now, config, Restored { outbox, ..Restored::default() })
}

fn epoch() -> Epoch {
    Epoch::parse("e").expect("an id")
}
