//! The core and everything it drives, as the page's driver does it.

mod user;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::{Duration, Instant},
};

use moorline_delivery::{
    AttachmentStatus, Checked, Client, ClientConfig, ClientEvent, LinkClosed, LinkId, Output, Persist, PostId, Posted,
};
use moorline_protocol::{
    Ack, ClientFrame, ClientId, Cursor, GatewayFrame, Hello, Limits, MessageId, Millis, PageId, SessionId, Timings, decode_gateway, encode,
    payload_hash,
};
use moorline_transcript::Snapshot;
use tokio::{
    sync::{mpsc, watch},
    task::{AbortHandle, JoinSet},
    time::sleep_until,
};

use super::{Order, Screens, Standing, http::Gateway, ledger::Ledger, line::Line, reader::Reader, storage::Storage};
use crate::Transport;
use user::Reaction;

/// Frames that wait for the core at most: a client that falls behind holds its connection up, as a page does.
const INPUTS: usize = 32;

/// What the network brings.
#[derive(Debug)]
pub(super) enum Input {
    Opened(LinkId),
    Text(LinkId, String),
    Closed(LinkId),
    Checked(LinkId, Checked),
    Posted(PostId, Posted),
}

/// One tab: the core, and what its outputs act upon.
pub(super) struct Driver {
    name: String,
    on: Transport,
    ledger: Ledger,
    gateway: Gateway,
    storage: Storage,
    core: Client,
    began: Instant,
    now: Millis,
    /// Rises with each load.
    document: u64,
    readers: BTreeMap<SessionId, Reader>,
    /// Most recently shown last.
    shown: Vec<SessionId>,
    /// Its own messages, until their turn is over.
    unfinished: BTreeMap<MessageId, SessionId>,
    answers: u64,
    standing: Standing,
    counters: Vec<moorline_delivery::Counters>,
    lines: BTreeMap<LinkId, Line>,
    posts: BTreeMap<PostId, AbortHandle>,
    tasks: JoinSet<()>,
    /// What the user does about what was told, once the core has said all.
    reactions: VecDeque<Reaction>,
    inputs: (mpsc::Sender<Input>, mpsc::Receiver<Input>),
}

impl Driver {
    pub(super) fn new(gateway: Gateway, name: &str, on: Transport, ledger: Ledger) -> Self {
        let storage = Storage::new(ClientId::parse(&format!("client-{name}")).expect("a name of letters makes an id"));
        let began = Instant::now();
        Self {
            name: name.to_owned(),
            on,
            ledger,
            gateway,
            core: load(&storage, name, 0, Millis::ZERO),
            storage,
            began,
            now: Millis::ZERO,
            document: 0,
            readers: BTreeMap::new(),
            shown: Vec::new(),
            unfinished: BTreeMap::new(),
            answers: 0,
            standing: Standing::default(),
            counters: Vec::new(),
            lines: BTreeMap::new(),
            posts: BTreeMap::new(),
            tasks: JoinSet::new(),
            reactions: VecDeque::new(),
            inputs: mpsc::channel(INPUTS),
        }
    }

    /// Runs until it is told to stop, or nobody is left to tell it.
    pub(super) async fn run(mut self, mut orders: mpsc::UnboundedReceiver<Order>, stands: watch::Sender<Standing>) -> Screens {
        self.core.start(self.now);
        self.drain();
        loop {
            let deadline = self.core.deadline().map(|at| self.began + Duration::from_millis(at.0));
            let expired = async {
                match deadline {
                    Some(deadline) => sleep_until(deadline.into()).await,
                    None => std::future::pending().await,
                }
            };
            // What was done is forgotten; what is left waits for nobody.
            while self.tasks.try_join_next().is_some() {}
            let (input, order) = tokio::select! {
                order = orders.recv() => (None, Some(order.unwrap_or(Order::Stop))),
                input = self.inputs.1.recv() => (input, None),
                () = expired => (None, None),
            };
            self.now = Millis(u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX));
            if self.core.deadline().is_some_and(|deadline| deadline <= self.now) {
                self.core.handle_deadline(self.now);
                self.drain();
            }
            if let Some(input) = input {
                self.feed(input);
                self.drain();
            }
            match order {
                Some(Order::Stop) => return self.stop(),
                Some(order) => self.obey(order),
                None => {}
            }
            self.drain();
            self.stand(&stands);
        }
    }

    fn stop(mut self) -> Screens {
        self.counters.push(self.core.counters());
        let transcripts = self.readers.into_iter().map(|(session, reader)| (session, reader.into_transcript())).collect();
        Screens { transcripts, counters: self.counters }
    }

    fn feed(&mut self, input: Input) {
        match input {
            Input::Opened(link) => self.core.handle_opened(self.now, link),
            Input::Closed(link) => self.closed(link),
            Input::Checked(link, checked) => self.core.handle_checked(self.now, link, checked),
            Input::Posted(post, posted) => {
                if let Posted::Receipt(receipt) = &posted {
                    self.ledger.receipt(receipt);
                }
                let is_awaited = self.posts.remove(&post).is_some();
                if is_awaited || matches!(posted, Posted::Receipt(_)) {
                    self.core.handle_posted(self.now, post, posted);
                }
            }
            Input::Text(link, text) => {
                self.standing.bytes += text.len() as u64;
                match decode_gateway(&text) {
                    Ok(frame) => {
                        if let GatewayFrame::Receipt(receipt) = &frame {
                            self.ledger.receipt(receipt);
                        }
                        self.core.handle_frame(self.now, link, frame, text.len());
                    }
                    Err(error) => {
                        self.ledger.violate(format!("{} was sent something that is no frame ({error}): {text}", self.name));
                        self.core.handle_undecodable(self.now, link);
                    }
                }
            }
        }
    }

    fn drain(&mut self) {
        loop {
            while let Some(output) = self.core.poll_output() {
                self.complete(output);
            }
            match self.reactions.pop_front() {
                Some(Reaction::Answer(session, request, option)) => self.answer(session, request, option),
                Some(Reaction::Retry(message)) => self.core.retry(self.now, &message),
                None => return,
            }
        }
    }

    fn complete(&mut self, output: Output) {
        match output {
            Output::OpenSocket { link } => self.open(link, None),
            Output::OpenStream { link, hello } => self.open(link, Some(hello)),
            Output::Check { link } => {
                let gateway = self.gateway.clone();
                self.expect(async move { Input::Checked(link, gateway.check().await) });
            }
            Output::Transmit { link, frame } => {
                self.told(&frame);
                if let Some(line) = self.lines.get(&link) {
                    line.transmit(encode(&frame));
                }
            }
            Output::Post { post, connection, frame } => {
                self.told(&frame);
                let gateway = self.gateway.clone();
                let posting = self.expect(async move { Input::Posted(post, gateway.post(&connection, &frame).await) });
                self.posts.insert(post, posting);
            }
            // Its answer may still be a receipt, which counts.
            Output::Abort { post } => drop(self.posts.remove(&post)),
            Output::Disconnect { link } => drop(self.lines.remove(&link)),
            Output::Farewell { connection, cursors } => {
                let frame = ClientFrame::Ack(Ack { cursors });
                self.told(&frame);
                let gateway = self.gateway.clone();
                // It outlives the page.
                tokio::spawn(async move { gateway.post(&connection, &frame).await });
            }
            // A native client is never duplicated.
            Output::AwaitTab { .. } => {}
            Output::Persist(persist) => {
                if let Persist::Cursor(cursor) = &persist {
                    self.check_cursor(cursor);
                }
                self.storage.write(persist);
            }
            Output::Event(event) => self.tell(event),
        }
    }

    fn open(&mut self, link: LinkId, hello: Option<Hello>) {
        let (gateway, inputs) = (self.gateway.clone(), self.inputs.0.clone());
        let line = match (hello, self.on) {
            (Some(hello), _) => Line::stream(&mut self.tasks, gateway, link, hello, inputs),
            (None, Transport::WebSocket) => Line::socket(&mut self.tasks, gateway, link, inputs),
            // As behind a proxy that lets no WebSocket through.
            (None, Transport::Sse) => {
                self.expect(async move { Input::Closed(link) });
                return;
            }
        };
        self.lines.insert(link, line);
    }

    fn closed(&mut self, link: LinkId) {
        self.lines.remove(&link);
        self.core.handle_closed(self.now, link, LinkClosed::Lost);
    }

    fn told(&self, frame: &ClientFrame) {
        let cursors = match frame {
            ClientFrame::Ack(ack) => &ack.cursors,
            ClientFrame::Pong(pong) => &pong.cursors,
            ClientFrame::Hello(_)
            | ClientFrame::Attach(_)
            | ClientFrame::Detach(_)
            | ClientFrame::Send(_)
            | ClientFrame::Withdraw(_)
            | ClientFrame::Cancel(_)
            | ClientFrame::Ping(_)
            | ClientFrame::Unknown { .. } => return,
        };
        cursors.iter().for_each(|cursor| self.check_cursor(cursor));
    }

    fn check_cursor(&self, cursor: &Cursor) {
        if let Some(reader) = self.readers.get(&cursor.session) {
            reader.told(&self.ledger, cursor);
        }
    }

    fn tell(&mut self, event: ClientEvent) {
        match event {
            ClientEvent::Events { session, epoch, events } => {
                let Some(reader) = self.readers.get_mut(&session) else { return };
                self.standing.events += events.len() as u64;
                let seq = reader.events(&self.ledger, &epoch, &events);
                self.core.applied(self.now, &session, seq);
                self.look_at(&session);
            }
            ClientEvent::Snapshot { session, epoch, seq, from, replaces, items } => {
                let Some(reader) = self.readers.get_mut(&session) else { return };
                let seq = reader.snapshot(&self.ledger, Snapshot { epoch, seq, from, items }, replaces);
                self.core.applied(self.now, &session, seq);
                self.look_at(&session);
            }
            ClientEvent::CaughtUp { session, seq, state } => {
                if let Some(reader) = self.readers.get(&session) {
                    reader.caught_up(&self.ledger, seq, &state);
                }
            }
            ClientEvent::Attachment { session, status } => {
                if let Some(reader) = self.readers.get_mut(&session) {
                    reader.is_live = status == AttachmentStatus::Live;
                }
            }
            ClientEvent::Send(status) => self.sent(status),
            ClientEvent::SendGone { session, message, text } => {
                if text.is_some() {
                    self.ledger.violate(format!("session {session}: {message} was put back into the composer of {}", self.name));
                }
            }
            ClientEvent::Rows(_)
            | ClientEvent::Link(_)
            | ClientEvent::Trouble(_)
            | ClientEvent::AttemptFailed { .. }
            | ClientEvent::Agent { .. }
            | ClientEvent::Agents(_)
            | ClientEvent::Notice(_) => {}
        }
    }

    /// Does some work beside, and has what comes of it put into the queue of the document that asked.
    fn expect(&mut self, work: impl Future<Output = Input> + Send + 'static) -> AbortHandle {
        let inputs = self.inputs.0.clone();
        self.tasks.spawn(async move {
            let input = work.await;
            let _ = inputs.send(input).await;
        })
    }

    fn stand(&mut self, stands: &watch::Sender<Standing>) {
        let readers = &self.readers;
        self.unfinished.retain(|message, session| readers.get(session).is_none_or(|reader| !reader.may_be_over(message)));
        self.standing.unfinished = self.unfinished.len();
        let followed: BTreeSet<&SessionId> = self.shown.iter().rev().take(4).collect();
        let rest = self.readers.iter().filter(|(session, _)| followed.contains(session)).all(|(_, reader)| reader.rests());
        self.standing.applied = self.readers.values().map(|reader| reader.applied().value()).sum();
        self.standing.is_settled = rest && !self.core.holds_sends() && self.unfinished.is_empty();
        let standing = self.standing;
        stands.send_if_modified(|known| std::mem::replace(known, standing) != standing);
    }
}

/// A page that has not begun to connect.
fn load(storage: &Storage, name: &str, document: u64, now: Millis) -> Client {
    let page = format!("page-{name}-{document}");
    // The same name draws the same numbers: a run differs by its timing alone.
    let seed = u64::from_str_radix(&payload_hash(&[&page]), 16).unwrap_or(document);
    let config = ClientConfig {
        client: storage.client.clone(),
        page: PageId::parse(&page).expect("a name of letters makes an id"),
        seed,
        timings: Timings::default(),
        limits: Limits::default(),
    };
    Client::new(now, config, storage.restore())
}
