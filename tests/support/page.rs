//! A running transport on the fake browser, a sink that records, and a gateway made of frames.

#![allow(dead_code, reason = "every test binary uses its own part")]

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use moorline::{
    settings::Settings,
    transport::{Sink, Transport},
};
use moorline_delivery::{ClientEvent, LinkStatus};
use moorline_protocol::{
    Answer, Append, Attach, Attached, BlockId, CaughtUp, ClientFrame, ConnectionId, Epoch, Event, EventBody, Events, GatewayFrame, Hello,
    Limits, MessageId, Millis, Send, SendBody, Seq, SessionId, SessionState, SnapshotPart, SnapshotReason, Timings, VERSION, Welcome,
    decode_client, encode,
};

use crate::browser::{self, Fakes, until};

/// What the sink was told.
#[derive(Default)]
pub(crate) struct Recorder {
    pub(crate) events: RefCell<Vec<ClientEvent>>,
    pub(crate) notices: RefCell<Vec<String>>,
    pub(crate) flushes: Cell<usize>,
    pub(crate) applied: Cell<usize>,
    pub(crate) on_event: RefCell<Option<Reaction>>,
}

/// What a test does in the middle of an event.
pub(crate) type Reaction = Box<dyn Fn(&ClientEvent)>;

impl Recorder {
    pub(crate) fn saw(&self, what: impl Fn(&ClientEvent) -> bool) -> bool {
        self.events.borrow().iter().any(what)
    }
}

impl Sink for Recorder {
    fn event(&self, event: ClientEvent) -> Option<(SessionId, Seq)> {
        if let Some(act) = &*self.on_event.borrow() {
            act(&event);
        }
        let applied = if let ClientEvent::Events { session, events, .. } = &event {
            self.applied.set(self.applied.get() + events.len());
            events.last().map(|event| (session.clone(), event.seq))
        } else if let ClientEvent::Snapshot { session, seq, .. } = &event {
            Some((session.clone(), *seq))
        } else {
            None
        };
        self.events.borrow_mut().push(event);
        applied
    }

    fn flush(&self) {
        self.flushes.set(self.flushes.get() + 1);
    }

    fn notice(&self, sentence: &str) {
        self.notices.borrow_mut().push(sentence.to_owned());
    }

    fn crashed(&self, message: &str) {
        self.notices.borrow_mut().push(format!("crashed: {message}"));
    }
}

/// One page. The transport goes before the fakes do.
pub(crate) struct Page {
    pub(crate) transport: Transport,
    pub(crate) sink: Rc<Recorder>,
    pub(crate) fakes: Fakes,
}

impl Page {
    pub(crate) fn load(fakes: Fakes) -> Self {
        Self::load_with(fakes, &Settings::default())
    }

    pub(crate) fn load_with(fakes: Fakes, settings: &Settings) -> Self {
        let sink = Rc::new(Recorder::default());
        let transport = Transport::start(settings, Rc::<Recorder>::clone(&sink));
        Self { transport, sink, fakes }
    }

    /// A page whose first connection stands.
    pub(crate) async fn ready() -> Self {
        Self::ready_with(welcome()).await
    }

    pub(crate) async fn ready_with(welcome: Welcome) -> Self {
        let page = Self::load(Fakes::install());
        page.connect(0, welcome).await;
        page
    }

    /// Plays the gateway's part of the i-th connection up to `welcome`.
    pub(crate) async fn connect(&self, i: usize, welcome: Welcome) {
        until("a socket is opened", || browser::socket_count() > i).await;
        browser::socket_open(i);
        until("hello is sent", || !sent(i).is_empty()).await;
        self.tell(i, GatewayFrame::Welcome(welcome));
        until("the link is ready", || self.transport.link_status() == LinkStatus::Ready).await;
    }

    /// A page that a proxy has driven to a stream: two WebSockets were refused, `HEAD` says that the gateway is there.
    pub(crate) async fn streaming() -> Self {
        Self::streaming_with(Fakes::install(), &Settings::default(), welcome()).await
    }

    pub(crate) async fn streaming_with(fakes: Fakes, settings: &Settings, welcome: Welcome) -> Self {
        browser::answer_fetch("v1/", 204, "", "");
        let page = Self::load_with(fakes, settings);
        page.refuse_sockets(0..2).await;
        page.welcome_stream(0, welcome).await;
        page
    }

    /// Refuses these WebSockets, without the pauses between them.
    pub(crate) async fn refuse_sockets(&self, sockets: std::ops::Range<usize>) {
        for i in sockets {
            self.hurry_to_socket(i).await;
            browser::socket_close(i);
        }
    }

    /// Waits for the i-th WebSocket, but not for the backoff before it.
    pub(crate) async fn hurry_to_socket(&self, i: usize) {
        let is_there = || browser::socket_count() > i;
        let waits = || matches!(self.transport.link_status(), LinkStatus::Waiting { .. });
        until("a socket is opened, or a reconnect scheduled", || is_there() || waits()).await;
        if !is_there() {
            browser::tell_window("online");
        }
        until("a socket is opened", is_there).await;
    }

    /// Plays the gateway's part of the i-th stream up to `welcome`.
    pub(crate) async fn welcome_stream(&self, i: usize, welcome: Welcome) {
        until("a stream is opened", || browser::stream_count() > i).await;
        browser::stream_open(i);
        self.stream(i, GatewayFrame::Welcome(welcome));
        until("the link is ready", || self.transport.link_status() == LinkStatus::Ready).await;
    }

    pub(crate) fn stream(&self, i: usize, frame: GatewayFrame) {
        browser::stream_text(i, &encode(&frame));
    }

    pub(crate) fn tell(&self, i: usize, frame: GatewayFrame) {
        browser::socket_text(i, &encode(&frame));
    }

    /// Shows the session and answers its attach on the i-th socket: it is at seq 0.
    pub(crate) async fn attach(&self, i: usize) {
        self.transport.show(&session());
        until("attach is sent", || attach_in(sent(i)).is_some()).await;
        self.answer_attach(attach_in(sent(i)).expect("just seen"), |frame| self.tell(i, frame)).await;
    }

    /// The same on the i-th stream.
    pub(crate) async fn attach_on_stream(&self, i: usize) {
        self.transport.show(&session());
        until("attach is posted", || attach_in(posted()).is_some()).await;
        self.answer_attach(attach_in(posted()).expect("just seen"), |frame| self.stream(i, frame)).await;
    }

    async fn answer_attach(&self, attach: Attach, tell: impl Fn(GatewayFrame)) {
        let no = attach.no;
        let answer = Answer::Snapshot(SnapshotReason::Fresh);
        tell(GatewayFrame::Attached(Attached { session: session(), no, epoch: epoch(), head: Seq::ZERO, answer }));
        let snapshot = SnapshotPart {
            session: session(),
            no,
            epoch: epoch(),
            seq: Seq::ZERO,
            part: 0,
            last: true,
            from: Seq::new(1),
            items: Vec::new(),
        };
        tell(GatewayFrame::Snapshot(snapshot));
        let state = SessionState::default();
        tell(GatewayFrame::CaughtUp(CaughtUp { session: session(), no, epoch: epoch(), seq: Seq::ZERO, state }));
        until("the session is caught up", || self.sink.saw(|event| matches!(event, ClientEvent::CaughtUp { .. }))).await;
    }
}

fn attach_in(frames: Vec<ClientFrame>) -> Option<Attach> {
    frames.into_iter().rev().find_map(|frame| {
        if let ClientFrame::Attach(attach) = frame {
            return Some(attach);
        }
        let ClientFrame::Hello(hello) = frame else { return None };
        hello.attaches.into_iter().next()
    })
}

/// What was posted, on whichever stream.
pub(crate) fn posted() -> Vec<ClientFrame> {
    browser::posted_bodies().iter().map(|text| decode_client(text).expect("the page posts frames")).collect()
}

pub(crate) fn count_posted(kind: &str) -> usize {
    posted().iter().filter(|frame| frame.kind() == kind).count()
}

/// The hello in the URL of the i-th stream.
pub(crate) fn hello_of_stream(i: usize) -> Hello {
    let json = browser::stream_query(i, "hello");
    let Ok(ClientFrame::Hello(hello)) = decode_client(&format!("{{\"hello\":{json}}}")) else { panic!("no hello: {json}") };
    hello
}

/// What was written to the i-th socket.
pub(crate) fn sent(i: usize) -> Vec<ClientFrame> {
    browser::socket_sent(i).iter().map(|text| decode_client(text).expect("the page writes frames")).collect()
}

pub(crate) fn count(i: usize, kind: &str) -> usize {
    sent(i).iter().filter(|frame| frame.kind() == kind).count()
}

/// Fast enough for a test, slow enough not to expire under it.
pub(crate) fn timings() -> Timings {
    Timings { ack: Millis(50), backoff_min: Millis(20), backoff_max: Millis(40), ..Timings::default() }
}

pub(crate) fn welcome() -> Welcome {
    Welcome {
        version: VERSION,
        connection: ConnectionId::from_random(1),
        limits: Limits::default(),
        timings: timings(),
        build: String::new(),
        time: 0,
        agents: Vec::new(),
    }
}

pub(crate) fn session() -> SessionId {
    SessionId::parse("s1").expect("valid")
}

pub(crate) fn epoch() -> Epoch {
    Epoch::parse("e1").expect("valid")
}

pub(crate) fn message(name: &str) -> MessageId {
    MessageId::parse(name).expect("valid")
}

pub(crate) fn text(name: &str, text: &str) -> Send {
    Send { session: session(), message: message(name), body: SendBody::Text(text.to_owned()), create: None, interrupt: None }
}

/// One event of a text that grows by a letter a seq.
pub(crate) fn event(seq: u64) -> Event {
    let append = Append { block: BlockId::numbered(1), edition: 0, at: seq - 1, text: "x".to_owned() };
    Event::plain(Seq::new(seq), 0, EventBody::Append(append))
}

pub(crate) fn events(seqs: impl IntoIterator<Item = u64>) -> GatewayFrame {
    GatewayFrame::Events(Events { session: session(), events: seqs.into_iter().map(event).collect() })
}
