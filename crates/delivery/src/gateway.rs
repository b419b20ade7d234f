//! The gateway's end of one connection.
//!
//! There is one way to the client: read after the cursor, write, wait for the head. Replay and live are the same loop, so
//! nothing can arrive twice and live cannot overtake replay. The core holds no event: it names what to read next, and the
//! driver reads it from the journal, writes it, and says how far it came. A reader that stops therefore costs its cursor
//! and the byte counts of what it has not acked.

mod allowance;
mod credit;
mod exchange;
mod holders;
mod seat;

use std::collections::{BTreeMap, VecDeque};

use moorline_protocol::{
    Ack, Answer, Attach, Attached, AuthExpired, Cancel, ClientFrame, Code, Cursor, Detach, ErrorFrame, GatewayFrame, GatewayPong,
    GoingAway, Hello, Millis, Ping, Seq, SessionId, VERSION, Welcome, mutant,
};

pub use allowance::{Allowances, Bucket, Rate};
pub use exchange::{ConnectionConfig, ConnectionInput, ConnectionOutput, End, Terms};
pub use holders::{Holder, Holders};
pub use seat::Journal;
use seat::{Phase, Seat};

/// So many attaches of a hello beyond the limit are refused one by one; what lies behind them is not looked at: each refusal
/// takes more than it answers, and waits for a reader.
const REFUSED_ATTACHES: usize = 64;

/// The gateway's end of one connection, as a state machine.
#[derive(Debug)]
pub struct Connection {
    config: ConnectionConfig,
    greeted: Greeting,
    /// In boxes: a map has room for eleven from the first one on.
    seats: BTreeMap<SessionId, Box<Seat>>,
    /// The numbers of the newest detaches: an attach that one of them overtook is late.
    left: VecDeque<(SessionId, u64)>,
    /// Whose turn it is to be served: each gets one frame, then goes to the back.
    round: VecDeque<SessionId>,
    rows: RowsFeed,
    /// An answer to a Serve, Snapshot or Rows is awaited: the driver does one at a time.
    busy: bool,
    /// The attach for which the last Serve was asked.
    serving: u64,
    opened: Millis,
    heard: Millis,
    pinged: Millis,
    checked: Millis,
    closed: bool,
    outputs: VecDeque<ConnectionOutput>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Greeting {
    Awaited,
    Done,
}

#[derive(Debug, Default)]
struct RowsFeed {
    wanted: bool,
    served: Option<u64>,
    head: u64,
}

impl Connection {
    /// A connection that has just been opened: it waits for `hello`.
    #[must_use]
    pub fn new(now: Millis, config: ConnectionConfig) -> Self {
        Self {
            config,
            greeted: Greeting::Awaited,
            seats: BTreeMap::new(),
            left: VecDeque::new(),
            round: VecDeque::new(),
            rows: RowsFeed::default(),
            busy: false,
            serving: 0,
            opened: now,
            heard: now,
            pinged: now,
            checked: now,
            closed: false,
            outputs: VecDeque::new(),
        }
    }

    /// Takes one input.
    pub fn handle(&mut self, now: Millis, input: ConnectionInput) {
        if self.closed {
            return;
        }
        match input {
            ConnectionInput::Frame(frame) => {
                self.heard = now;
                self.frame(now, frame);
            }
            ConnectionInput::Undecodable(why) => {
                self.heard = now;
                self.refuse(ErrorFrame::new(Code::BadFrame, why));
            }
            ConnectionInput::Heard => self.heard = now,
            ConnectionInput::Journal { session, no, journal } => self.journal(session, no, journal),
            ConnectionInput::Head { session, head, state, agent } => {
                if let Some(seat) = self.seats.get_mut(&session) {
                    seat.head_moved(head, state);
                    seat.agent_stands(agent);
                }
            }
            ConnectionInput::Deleted { session } => self.deleted(session),
            ConnectionInput::Served { session, seq, bytes } => {
                self.busy = false;
                let serving = self.serving;
                if let Some(seat) = self.seats.get_mut(&session).filter(|seat| seat.no == serving) {
                    seat.served(seq, bytes);
                }
            }
            ConnectionInput::Snapshot { session, no, seq, parts } => {
                self.busy = false;
                if let Some(seat) = self.seats.get_mut(&session).filter(|seat| seat.no == no) {
                    seat.phase = Phase::Sending { seq, parts: parts.into() };
                }
            }
            ConnectionInput::RowsHead(rev) => self.rows.head = self.rows.head.max(rev),
            ConnectionInput::RowsServed(rev) => {
                self.busy = false;
                self.rows.served = Some(rev);
                self.rows.head = self.rows.head.max(rev);
            }
            ConnectionInput::Receipt(receipt) => self.transmit(GatewayFrame::Receipt(receipt)),
            ConnectionInput::Refused(error) => self.refuse(error),
            ConnectionInput::ClientTaken => {
                // In place of the welcome: what a client did on its strength would be refused before it read why.
                self.outputs.clear();
                self.refuse(ErrorFrame::new(Code::ClientTaken, "another page holds this client id: take a new one"));
                self.close(End::ClientTaken);
            }
            ConnectionInput::Replaced => self.close(End::Replaced),
            ConnectionInput::Drain { min, max } => self.transmit(GatewayFrame::GoingAway(GoingAway { min_ms: min, max_ms: max })),
            ConnectionInput::AuthExpired => {
                self.transmit(GatewayFrame::AuthExpired(AuthExpired {}));
                self.close(End::AuthExpired);
            }
            ConnectionInput::Deadline => self.deadline_passed(now),
        }
    }

    /// The next thing to do, or none: wait for an input or the deadline.
    pub fn poll_output(&mut self) -> Option<ConnectionOutput> {
        if self.outputs.is_empty() && !self.closed && !self.busy && self.greeted == Greeting::Done {
            return self.feed();
        }
        let output = self.outputs.pop_front();
        if self.outputs.is_empty() {
            // An idle connection keeps no room for what it once had to say.
            self.outputs = VecDeque::new();
        }
        output
    }

    /// When to call [`Connection::handle`] with [`ConnectionInput::Deadline`] at the latest; never, once it is closed.
    #[must_use]
    pub fn deadline(&self) -> Millis {
        let timings = &self.config.terms.timings;
        if self.closed {
            return Millis(u64::MAX);
        }
        match self.greeted {
            Greeting::Awaited => self.opened + timings.connect,
            Greeting::Done => (self.heard + timings.silence).min(self.pinged + timings.ping).min(self.checked + self.check_every()),
        }
    }

    /// How many outputs wait to be polled: a driver that is held up reads no further frames beyond some number.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.outputs.len()
    }

    /// The cursors of a client that has all that was polled, and of the newest [`ConnectionOutput::Serve`] what is about to
    /// be written of its session, if any.
    ///
    /// One for each session whose place in the stream is known: not while its snapshot is under way.
    #[must_use]
    pub fn cursors(&self, about_to_write: Option<(&SessionId, Seq)>) -> Vec<Cursor> {
        let places = self.seats.iter().filter_map(|(session, seat)| {
            let written = about_to_write.filter(|(served, _)| *served == session && seat.no == self.serving);
            seat.written_cursor(session, written.map(|(_, seq)| seq))
        });
        places.collect()
    }

    /// Heads are looked up this often even without a wake-up: every 5 s at the default timings.
    fn check_every(&self) -> Millis {
        self.config.terms.timings.ack
    }

    fn deadline_passed(&mut self, now: Millis) {
        let timings = &self.config.terms.timings;
        if self.greeted == Greeting::Awaited {
            if now >= self.opened + timings.connect {
                self.refuse(ErrorFrame::new(Code::HelloExpected, "no hello came in time"));
                self.close(End::NoHello);
            }
            return;
        }
        if now >= self.heard + timings.silence {
            return self.close(End::Silence);
        }
        if now >= self.pinged + timings.ping {
            self.pinged = now;
            let heads = self.seats.iter().filter_map(|(session, seat)| seat.head_cursor(session)).collect();
            self.transmit(GatewayFrame::Ping(Ping { heads }));
        }
        if now >= self.checked + self.check_every() {
            self.checked = now;
            let open: Vec<_> = self.seats.iter().filter(|(_, seat)| seat.journal.is_some()).map(|(session, _)| session.clone()).collect();
            self.outputs.extend(open.into_iter().map(|session| ConnectionOutput::Check { session }));
        }
    }

    fn frame(&mut self, now: Millis, frame: ClientFrame) {
        if self.greeted == Greeting::Awaited {
            return match frame {
                ClientFrame::Hello(hello) => self.hello(now, hello),
                ClientFrame::Unknown { .. } => {}
                ClientFrame::Attach(_)
                | ClientFrame::Detach(_)
                | ClientFrame::Send(_)
                | ClientFrame::Withdraw(_)
                | ClientFrame::Cancel(_)
                | ClientFrame::Ack(_)
                | ClientFrame::Ping(_)
                | ClientFrame::Pong(_) => self.refuse(ErrorFrame::new(Code::HelloExpected, "the first frame must be hello")),
            };
        }
        match frame {
            ClientFrame::Hello(_) => self.refuse(ErrorFrame::new(Code::HelloExpected, "hello was said: one hello a connection")),
            ClientFrame::Attach(attach) => self.attach(attach),
            ClientFrame::Detach(detach) => self.detach(&detach),
            ClientFrame::Send(send) => self.outputs.push_back(ConnectionOutput::Submit(send)),
            ClientFrame::Withdraw(withdraw) => self.outputs.push_back(ConnectionOutput::Withdraw(withdraw)),
            ClientFrame::Cancel(cancel) => self.outputs.push_back(ConnectionOutput::Cancel(cancel)),
            ClientFrame::Ack(Ack { cursors }) => self.acked(&cursors),
            ClientFrame::Pong(pong) => self.acked(&pong.cursors),
            ClientFrame::Ping(_) => self.transmit(GatewayFrame::Pong(GatewayPong {})),
            ClientFrame::Unknown { .. } => {}
        }
    }

    fn hello(&mut self, now: Millis, hello: Hello) {
        if hello.version < VERSION {
            let sentence = format!("this gateway speaks version {VERSION} of the protocol, the page version {}: reload it", hello.version);
            self.refuse(ErrorFrame::new(Code::IncompatibleVersion, sentence));
            return self.close(End::IncompatibleVersion);
        }
        self.greeted = Greeting::Done;
        (self.pinged, self.checked) = (now, now);
        self.outputs.push_back(ConnectionOutput::Claim { client: hello.client, page: hello.page });
        self.transmit(GatewayFrame::Welcome(Welcome {
            version: VERSION,
            connection: self.config.id.clone(),
            limits: self.config.terms.limits.clone(),
            timings: self.config.terms.timings.clone(),
            build: self.config.terms.build.clone(),
            time: self.config.time,
            agents: self.config.terms.agents.clone(),
        }));
        self.rows = RowsFeed { wanted: true, served: hello.rows_rev, head: 0 };
        // What changed in the list since then is asked for once, whether or not a head is known.
        self.outputs.push_back(ConnectionOutput::Rows { since: hello.rows_rev });
        self.busy = true;
        for attach in hello.attaches.into_iter().take(self.config.terms.limits.attaches.saturating_add(REFUSED_ATTACHES)) {
            self.attach(attach);
        }
    }

    fn attach(&mut self, attach: Attach) {
        let known = self.seats.get(&attach.session);
        let left = self.left.iter().find(|(session, _)| *session == attach.session).map(|(_, no)| *no);
        if known.map(|seat| seat.no).max(left).is_some_and(|newest| attach.no <= newest) {
            return;
        }
        if known.is_none() && self.seats.len() >= self.config.terms.limits.attaches {
            let sentence = format!("at most {} sessions are followed at once: detach one", self.config.terms.limits.attaches);
            return self.refuse(ErrorFrame {
                session: Some(attach.session),
                no: Some(attach.no),
                ..ErrorFrame::new(Code::TooMany, sentence)
            });
        }
        let session = attach.session.clone();
        let seat = Seat::opening(attach);
        self.outputs.push_back(ConnectionOutput::Open { session: session.clone(), no: seat.no, cursor: seat.asked_cursor() });
        self.seats.insert(session, Box::new(seat));
    }

    fn detach(&mut self, detach: &Detach) {
        if self.seats.get(&detach.session).is_some_and(|seat| detach.no > seat.no) {
            self.seats.remove(&detach.session);
            self.round.retain(|session| *session != detach.session);
            self.left.retain(|(session, _)| *session != detach.session);
            self.left.push_back((detach.session.clone(), detach.no));
            if self.left.len() > self.config.terms.limits.attaches {
                self.left.pop_front();
            }
            self.outputs.push_back(ConnectionOutput::Leave { session: detach.session.clone() });
        }
    }

    fn journal(&mut self, session: SessionId, no: u64, journal: Option<Journal>) {
        let limits = &self.config.terms.limits;
        let Some(seat) = self.seats.get_mut(&session).filter(|seat| seat.no == no) else { return };
        let Some(journal) = journal else {
            self.seats.remove(&session);
            let sentence = format!("there is no session {session}");
            return self.refuse(ErrorFrame { session: Some(session), no: Some(no), ..ErrorFrame::new(Code::UnknownSession, sentence) });
        };
        let (epoch, head) = (journal.epoch.clone(), journal.head);
        let answer = seat.answer(journal, limits);
        // Such an answer says that the client really has what it asks from.
        let has_its_cursor = matches!(answer, Answer::UpToDate | Answer::Replay);
        self.outputs.extend(seat.asked_cursor().filter(|_| has_its_cursor).map(ConnectionOutput::Position));
        if !self.round.contains(&session) {
            self.round.push_back(session.clone());
        }
        self.transmit(GatewayFrame::Attached(Attached { session, no, epoch, head, answer }));
    }

    /// What is followed ends, and what is asked for is refused.
    fn deleted(&mut self, session: SessionId) {
        let Some(seat) = self.seats.remove(&session) else { return };
        self.round.retain(|other| *other != session);
        self.outputs.push_back(ConnectionOutput::Leave { session: session.clone() });
        let sentence = format!("session {session} was deleted");
        self.refuse(ErrorFrame { session: Some(session), no: Some(seat.no), ..ErrorFrame::new(Code::Deleted, sentence) });
    }

    fn acked(&mut self, cursors: &[Cursor]) {
        for cursor in cursors {
            if let Some(seat) = self.seats.get_mut(&cursor.session) {
                let position = seat.acked(cursor);
                self.outputs.extend(position.map(ConnectionOutput::Position));
            }
        }
    }

    /// Gives the next session in turn one frame, if there is anything to write and credit for it.
    fn feed(&mut self) -> Option<ConnectionOutput> {
        if self.rows.wanted && self.rows.served.is_none_or(|served| served < self.rows.head) {
            self.busy = true;
            return Some(ConnectionOutput::Rows { since: self.rows.served });
        }
        let unacked: usize = self.seats.values().map(|seat| seat.unacked()).sum();
        let has_credit = unacked < self.config.terms.limits.credit_bytes;
        for _ in 0..self.round.len() {
            let session = self.round.pop_front()?;
            let Some(seat) = self.seats.get_mut(&session) else { continue };
            let no = seat.no;
            let next = seat.next(&session, has_credit, &self.config.terms.limits);
            self.round.push_back(session);
            if let Some(output) = next {
                self.busy = matches!(output, ConnectionOutput::Serve { .. } | ConnectionOutput::Snapshot { .. });
                self.serving = no;
                return Some(output);
            }
        }
        None
    }

    fn transmit(&mut self, frame: GatewayFrame) {
        self.outputs.push_back(ConnectionOutput::Transmit(frame));
    }

    fn refuse(&mut self, error: ErrorFrame) {
        self.transmit(GatewayFrame::Error(error));
    }

    fn close(&mut self, end: End) {
        if mutant::is("close_cancels") {
            let running = self.seats.iter().filter_map(|(session, seat)| {
                let turn = seat.journal.as_ref()?.state.running.as_ref()?.turn.clone();
                Some(ConnectionOutput::Cancel(Cancel { session: session.clone(), turn, next: None }))
            });
            self.outputs.extend(running);
        }
        self.closed = true;
        self.outputs.push_back(ConnectionOutput::Close(end));
    }
}
