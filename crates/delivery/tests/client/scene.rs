//! A client with a driver that completes every output at once, on a clock that only the test moves.

use moorline_delivery::{
    Checked, Client, ClientConfig, ClientEvent, LinkClosed, LinkId, LinkStatus, Notice, Output, Persist, PostId, Posted, Restored,
    SendResult, SendState, Signal, StoredSend,
};
use moorline_protocol::{
    Accepted, Answer, Attach, Attached, CaughtUp, ClientFrame, ClientId, Code, Cursor, Epoch, ErrorFrame, Event, EventBody, Events,
    GatewayFrame, Hello, Item, Limits, MessageId, Millis, PageId, Ping, Receipt, ReceiptOutcome, Send, SendBody, Seq, SessionId,
    SessionState, SnapshotPart, Timings, TurnStarted, Welcome,
};

pub(crate) fn session(text: &str) -> SessionId {
    SessionId::parse(text).expect("an id")
}

pub(crate) fn message(text: &str) -> MessageId {
    MessageId::parse(text).expect("an id")
}

pub(crate) fn epoch(text: &str) -> Epoch {
    Epoch::parse(text).expect("an id")
}

pub(crate) fn cursor(of: &str, epoch_text: &str, seq: u64) -> Cursor {
    Cursor { session: session(of), epoch: epoch(epoch_text), seq: Seq::new(seq) }
}

pub(crate) fn text(to: &str, id: &str) -> Send {
    Send { session: session(to), message: message(id), body: SendBody::Text(format!("text of {id}")), create: None, interrupt: None }
}

pub(crate) fn answer(to: &str, id: &str, request: &str) -> Send {
    let request = moorline_protocol::BlockId::parse(request).expect("an id");
    Send { body: SendBody::Answer { request, option: "allow".to_owned() }, ..text(to, id) }
}

pub(crate) fn plain(seq: u64) -> Event {
    Event::plain(Seq::new(seq), 0, EventBody::TurnStarted(TurnStarted { turn: message("other") }))
}

pub(crate) fn acceptance(seq: u64, id: &str) -> Event {
    let block = moorline_protocol::BlockId::numbered(seq);
    let body = Accepted { message: message(id), hash: String::new(), block, text: String::new(), interrupt: None };
    Event::plain(Seq::new(seq), 0, EventBody::Accepted(body))
}

pub(crate) fn refusal(code: Code, id: &str) -> GatewayFrame {
    GatewayFrame::Error(ErrorFrame { message_id: Some(message(id)), ..ErrorFrame::new(code, format!("because of {}", code.word())) })
}

pub(crate) fn refusal_until(code: Code, id: &str, after: u64) -> GatewayFrame {
    let error = ErrorFrame::new(code, "later");
    GatewayFrame::Error(ErrorFrame { message_id: Some(message(id)), retry_after_ms: Some(Millis(after)), ..error })
}

pub(crate) fn receipt(of: &str, id: &str, outcome: ReceiptOutcome) -> GatewayFrame {
    GatewayFrame::Receipt(Receipt { session: session(of), message: message(id), outcome })
}

pub(crate) fn accepted_at(of: &str, id: &str, seq: u64) -> GatewayFrame {
    receipt(of, id, ReceiptOutcome::Accepted { seq: Seq::new(seq) })
}

pub(crate) fn events(of: &str, events: Vec<Event>) -> GatewayFrame {
    GatewayFrame::Events(Events { session: session(of), events })
}

pub(crate) fn part(of: &str, no: u64, epoch_text: &str, seq: u64, number: u32) -> SnapshotPart {
    SnapshotPart {
        session: session(of),
        no,
        epoch: epoch(epoch_text),
        seq: Seq::new(seq),
        part: number,
        last: false,
        from: Seq::new(1),
        items: Vec::new(),
    }
}

pub(crate) fn last(part: SnapshotPart) -> GatewayFrame {
    GatewayFrame::Snapshot(SnapshotPart { last: true, ..part })
}

pub(crate) fn ping(heads: Vec<Cursor>) -> GatewayFrame {
    GatewayFrame::Ping(Ping { heads })
}

pub(crate) fn welcome() -> Welcome {
    Welcome {
        version: 1,
        connection: moorline_protocol::ConnectionId::parse("c1").expect("an id"),
        limits: Limits::default(),
        timings: Timings::default(),
        build: String::new(),
        time: 0,
        agents: Vec::new(),
    }
}

/// Whether the scene's page applies what it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Page {
    Applies,
    Waits,
}

pub(crate) struct Scene {
    pub(crate) client: Client,
    pub(crate) now: Millis,
    pub(crate) page: Page,
    /// The connection that was last asked for.
    pub(crate) link: LinkId,
    /// What the gateway answers when it is asked why nothing came of a connection.
    pub(crate) check: Checked,
    /// The POSTs that were asked for and not answered, in order.
    pub(crate) posts: Vec<(PostId, ClientFrame)>,
}

impl Scene {
    /// A started client; its first connection is asked for and not yet open.
    pub(crate) fn new() -> Self {
        Self::seeded(7)
    }

    pub(crate) fn seeded(seed: u64) -> Self {
        Self::with(seed, Limits::default(), Restored::default()).0
    }

    /// A started client whose connection stands.
    pub(crate) fn ready() -> Self {
        let mut scene = Self::new();
        scene.connect();
        scene
    }

    /// A client whose connection stands, that follows a session at a seq of epoch `e`.
    pub(crate) fn following(of: &str, seq: u64) -> Self {
        let mut scene = Self::ready();
        scene.follow(of, seq);
        scene
    }

    /// A client whose stream stands, since WebSockets are refused and the gateway is there.
    pub(crate) fn on_sse() -> Self {
        let mut scene = Self::new();
        scene.check = Checked::Welcome;
        scene.falls_back();
        scene.connect();
        assert_eq!(scene.client.diagnostics().transport, Some(moorline_delivery::Transport::Sse));
        scene
    }

    /// Refuses WebSockets until a stream is asked for.
    pub(crate) fn falls_back(&mut self) -> Vec<Output> {
        let mut outputs = Vec::new();
        for _ in 0..10 {
            outputs = self.closes();
            if outputs.iter().any(|output| matches!(output, Output::OpenStream { .. })) {
                return outputs;
            }
            self.until_connect();
        }
        panic!("no stream is asked for: {outputs:?}")
    }

    /// Comes back over a stream after the last one was lost.
    pub(crate) fn falls_back_again(&mut self) {
        self.until_connect();
        self.falls_back();
        self.connect();
    }

    pub(crate) fn with(seed: u64, limits: Limits, restored: Restored) -> (Self, Vec<Output>) {
        let config = ClientConfig {
            client: ClientId::parse("client").expect("an id"),
            page: PageId::parse("page").expect("an id"),
            seed,
            timings: Timings::default(),
            limits,
        };
        let now = Millis(1_000_000);
        let client = Client::new(now, config, restored);
        let (page, link, check) = (Page::Applies, LinkId(0), Checked::NoAnswer);
        let mut scene = Self { client, now, page, link, check, posts: Vec::new() };
        let outputs = scene.does(|client, now| client.start(now));
        (scene, outputs)
    }

    /// Does one thing, then what it leads to.
    pub(crate) fn does(&mut self, act: impl FnOnce(&mut Client, Millis)) -> Vec<Output> {
        act(&mut self.client, self.now);
        let mut outputs = Vec::new();
        while let Some(output) = self.client.poll_output() {
            match &output {
                Output::OpenSocket { link } | Output::OpenStream { link, .. } => self.link = *link,
                Output::Check { link } => self.client.handle_checked(self.now, *link, self.check),
                Output::Post { post, frame, .. } => self.posts.push((*post, frame.clone())),
                Output::Abort { post } => self.posts.retain(|(open, _)| open != post),
                Output::Event(ClientEvent::Events { session, events, .. }) if self.page == Page::Applies => {
                    let seq = events.last().expect("never without events").seq;
                    self.client.applied(self.now, session, seq);
                }
                Output::Event(ClientEvent::Snapshot { session, seq, .. }) if self.page == Page::Applies => {
                    self.client.applied(self.now, session, *seq);
                }
                _ => {}
            }
            outputs.push(output);
            assert!(outputs.len() < 10_000, "the client does not come to rest");
        }
        outputs
    }

    pub(crate) fn receives(&mut self, frame: GatewayFrame) -> Vec<Output> {
        self.receives_bytes(frame, 100)
    }

    pub(crate) fn receives_bytes(&mut self, frame: GatewayFrame, bytes: usize) -> Vec<Output> {
        let link = self.link;
        self.does(|client, now| client.handle_frame(now, link, frame, bytes))
    }

    /// Answers the oldest POST of a kind.
    pub(crate) fn posted(&mut self, kind: &str, posted: Posted) -> Vec<Output> {
        let at = self.posts.iter().position(|(_, frame)| frame.kind() == kind).expect("such a POST is out");
        let (post, _) = self.posts.remove(at);
        self.does(|client, now| client.handle_posted(now, post, posted))
    }

    pub(crate) fn signal(&mut self, signal: Signal) -> Vec<Output> {
        self.does(|client, now| client.handle_signal(now, signal))
    }

    pub(crate) fn opens(&mut self) -> Vec<Output> {
        let link = self.link;
        self.does(|client, now| client.handle_opened(now, link))
    }

    pub(crate) fn connect(&mut self) -> Vec<Output> {
        let mut outputs = self.opens();
        outputs.extend(self.receives(GatewayFrame::Welcome(welcome())));
        outputs
    }

    pub(crate) fn closes(&mut self) -> Vec<Output> {
        let link = self.link;
        self.does(|client, now| client.handle_closed(now, link, LinkClosed::Lost))
    }

    /// Loses the connection and comes back on the next one, as soon as the backoff allows.
    pub(crate) fn reconnects(&mut self) -> Vec<Output> {
        let mut outputs = self.closes();
        outputs.extend(self.until_connect());
        outputs.extend(self.connect());
        outputs
    }

    /// Lets time pass until the client asks for a connection.
    pub(crate) fn until_connect(&mut self) -> Vec<Output> {
        let before = self.link;
        let mut outputs = Vec::new();
        while self.link == before {
            let due = self.client.deadline().expect("a client that wants a connection has a deadline");
            outputs.extend(self.passes(due.since(self.now).0.max(1)));
        }
        outputs
    }

    /// Lets time pass, with the deadlines on the way handled in time.
    pub(crate) fn passes(&mut self, millis: u64) -> Vec<Output> {
        let end = self.now + Millis(millis);
        let mut outputs = Vec::new();
        let mut at_once = 0;
        while let Some(due) = self.client.deadline().filter(|due| *due <= end) {
            at_once = if due <= self.now { at_once + 1 } else { 0 };
            assert!(at_once < 10, "the deadline does not move");
            self.now = self.now.max(due);
            outputs.extend(self.does(|client, now| client.handle_deadline(now)));
        }
        self.now = end;
        outputs
    }

    /// As [`Scene::passes`], on a connection whose gateway pings.
    pub(crate) fn passes_pinged(&mut self, millis: u64) -> Vec<Output> {
        let mut outputs = Vec::new();
        for _ in 0..millis / 1_000 {
            outputs.extend(self.passes(1_000));
            outputs.extend(self.receives(ping(Vec::new())));
        }
        outputs
    }

    pub(crate) fn show(&mut self, of: &str) -> Vec<Output> {
        self.does(|client, now| client.show(now, &session(of)))
    }

    /// Shows a session and has it answered with a snapshot at a seq of epoch `e`.
    pub(crate) fn follow(&mut self, of: &str, seq: u64) -> Vec<Output> {
        let no = attaches(&self.show(of))[0].no;
        self.snapshot(of, no, "e", seq);
        self.receives(GatewayFrame::CaughtUp(caught_up(of, no, "e", seq)))
    }

    pub(crate) fn snapshot(&mut self, of: &str, no: u64, epoch_text: &str, seq: u64) -> Vec<Output> {
        let reason = moorline_protocol::SnapshotReason::Fresh;
        let mut outputs = self.receives(attached(of, no, epoch_text, seq, Answer::Snapshot(reason)));
        outputs.extend(self.receives(last(part(of, no, epoch_text, seq, 0))));
        outputs
    }

    pub(crate) fn send(&mut self, send: Send) -> (SendResult, Vec<Output>) {
        let mut result = None;
        let outputs = self.does(|client, now| result = Some(client.send(now, send)));
        (result.expect("an answer"), outputs)
    }

    /// The state of a send in the outbox.
    pub(crate) fn state(&self, id: &str) -> Option<SendState> {
        self.client.sends().find(|status| status.send.message == message(id)).map(|status| status.state)
    }

    pub(crate) fn attempts(&self, id: &str) -> u32 {
        self.client.sends().find(|status| status.send.message == message(id)).expect("in the outbox").attempts
    }

    pub(crate) fn cursor(&self, of: &str) -> Option<Cursor> {
        self.client.cursors().into_iter().find(|cursor| cursor.session == session(of))
    }
}

pub(crate) fn attached(of: &str, no: u64, epoch_text: &str, head: u64, answer: Answer) -> GatewayFrame {
    GatewayFrame::Attached(Attached { session: session(of), no, epoch: epoch(epoch_text), head: Seq::new(head), answer })
}

pub(crate) fn caught_up(of: &str, no: u64, epoch_text: &str, seq: u64) -> CaughtUp {
    CaughtUp { session: session(of), no, epoch: epoch(epoch_text), seq: Seq::new(seq), state: SessionState::default() }
}

pub(crate) fn frames(outputs: &[Output]) -> Vec<ClientFrame> {
    let frames = outputs.iter().filter_map(|output| match output {
        Output::Transmit { frame, .. } | Output::Post { frame, .. } => Some(frame.clone()),
        _ => None,
    });
    frames.collect()
}

/// The ids of the sends on their way, in order.
pub(crate) fn sent(outputs: &[Output]) -> Vec<String> {
    let sent = frames(outputs).into_iter().filter_map(|frame| match frame {
        ClientFrame::Send(send) => Some(send.message.to_string()),
        _ => None,
    });
    sent.collect()
}

pub(crate) fn withdrawn(outputs: &[Output]) -> Vec<String> {
    let withdrawn = frames(outputs).into_iter().filter_map(|frame| match frame {
        ClientFrame::Withdraw(withdraw) => Some(withdraw.message.to_string()),
        _ => None,
    });
    withdrawn.collect()
}

pub(crate) fn attaches(outputs: &[Output]) -> Vec<Attach> {
    let attaches = frames(outputs).into_iter().filter_map(|frame| match frame {
        ClientFrame::Attach(attach) => Some(attach),
        _ => None,
    });
    attaches.collect()
}

pub(crate) fn acks(outputs: &[Output]) -> Vec<Vec<Cursor>> {
    let acks = frames(outputs).into_iter().filter_map(|frame| match frame {
        ClientFrame::Ack(ack) => Some(ack.cursors),
        _ => None,
    });
    acks.collect()
}

pub(crate) fn hello(outputs: &[Output]) -> Hello {
    let hello = outputs.iter().find_map(|output| match output {
        Output::Transmit { frame: ClientFrame::Hello(hello), .. } | Output::OpenStream { hello, .. } => Some(hello.clone()),
        _ => None,
    });
    hello.expect("a hello")
}

pub(crate) fn told(outputs: &[Output]) -> Vec<ClientEvent> {
    let told = outputs.iter().filter_map(|output| match output {
        Output::Event(event) => Some(event.clone()),
        _ => None,
    });
    told.collect()
}

/// The seqs given to the page.
pub(crate) fn given(outputs: &[Output]) -> Vec<u64> {
    let given = told(outputs).into_iter().filter_map(|event| match event {
        ClientEvent::Events { events, .. } => Some(events.into_iter().map(|event| event.seq.value())),
        _ => None,
    });
    given.flatten().collect()
}

pub(crate) fn items(outputs: &[Output]) -> Option<(bool, Vec<Item>)> {
    told(outputs).into_iter().find_map(|event| match event {
        ClientEvent::Snapshot { replaces, items, .. } => Some((replaces, items)),
        _ => None,
    })
}

pub(crate) fn notices(outputs: &[Output]) -> Vec<Notice> {
    let notices = told(outputs).into_iter().filter_map(|event| match event {
        ClientEvent::Notice(notice) => Some(notice),
        _ => None,
    });
    notices.collect()
}

/// What left the outbox, with the text that returns to the composer.
pub(crate) fn gone(outputs: &[Output]) -> Vec<(String, Option<String>)> {
    let gone = told(outputs).into_iter().filter_map(|event| match event {
        ClientEvent::SendGone { message, text, .. } => Some((message.to_string(), text)),
        _ => None,
    });
    gone.collect()
}

pub(crate) fn links(outputs: &[Output]) -> Vec<LinkStatus> {
    let links = told(outputs).into_iter().filter_map(|event| match event {
        ClientEvent::Link(status) => Some(status),
        _ => None,
    });
    links.collect()
}

pub(crate) fn persisted(outputs: &[Output]) -> Vec<Persist> {
    let persisted = outputs.iter().filter_map(|output| match output {
        Output::Persist(persist) => Some(persist.clone()),
        _ => None,
    });
    persisted.collect()
}

/// The send as the storage holds it after these outputs.
pub(crate) fn stored(outputs: &[Output], id: &str) -> Option<StoredSend> {
    persisted(outputs).into_iter().fold(None, |held, persist| match persist {
        Persist::PutSend(stored) if stored.send.message == message(id) => Some(stored),
        Persist::RemoveSend(removed) if removed == message(id) => None,
        _ => held,
    })
}
