//! One connection's driver: it completes what the pure core asks for, in order, over one socket.
//!
//! Everything runs in one task and nothing is queued for the client: a write that blocks holds up only what this client
//! asked for. While it blocks, inputs still reach the core, so that acks and signs of life count; a write that takes longer
//! than the silence limit ends the connection.

mod socket;

use std::{
    collections::BTreeMap,
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

use axum::extract::ws::WebSocket;
use futures_util::{
    SinkExt as _, Stream, StreamExt as _,
    future::BoxFuture,
    stream::{FuturesUnordered, SplitSink, SplitStream},
};
use moorline_delivery::{Connection, ConnectionConfig, ConnectionInput, ConnectionOutput, Holder, Journal};
use moorline_protocol::{
    ClientId, Code, ConnectionId, ErrorFrame, GatewayFrame, MessageId, PageId, Receipt, Rows, Seq, SessionId, SessionRow, encode,
};
use moorline_session::{Store, StoreError};
use tokio::{
    sync::{Notify, oneshot, watch},
    time::{sleep, sleep_until, timeout},
};
use tokio_stream::{StreamMap, wrappers::WatchStream};

use crate::{
    clock::wall,
    door::Login,
    hub::Hub,
    random,
    sessions::{Busy, Order, RETRY, Standing},
    store::{EncodedEvent, Tail, frame},
};
use socket::Incoming;
pub(crate) use socket::SOCKET_FRAME_BYTES;

/// Answers that may be outstanding before no further frame is read.
const OUTSTANDING: usize = 64;

/// Events read from the journal for one frame at most.
const READ_EVENTS: usize = 1_000;

/// How long a socket may take to close.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);

/// Serves one client until either end has had enough.
pub(crate) async fn run(hub: Arc<Hub>, login: Login, socket: WebSocket) {
    let (sink, stream) = socket.split();
    let id = ConnectionId::from_random(random::bits());
    let limits = hub.sessions.surroundings().limits().clone();
    let config = ConnectionConfig {
        id: id.clone(),
        timings: hub.timings.clone(),
        limits,
        build: hub.build.clone(),
        agents: hub.sessions.surroundings().agents.iter().map(|spec| spec.name.clone()).collect(),
        time: wall(),
    };
    let core = Connection::new(hub.clock.monotonic(), config);
    let replaced = hub.enter(&id);
    tracing::debug!(connection = %id, "connected");
    let mut inputs = Inputs {
        frames: Some(stream),
        heads: StreamMap::new(),
        opening: BTreeMap::new(),
        answers: FuturesUnordered::new(),
        rows: hub.sessions.surroundings().commits.newest_row(),
        replaced,
        login,
        drain: Drain::Ahead,
        hub: Arc::clone(&hub),
    };
    inputs.rows.mark_unchanged();
    let mut driver = Driver { id: id.clone(), core, inputs, sink, tails: BTreeMap::new(), standings: BTreeMap::new() };
    let end = driver.drive().await;
    tracing::debug!(connection = %id, ?end, "disconnected");
    hub.leave(&id);
    driver.close(end).await;
}

/// Why the driver stops.
#[derive(Debug, Clone, Copy)]
enum Stop {
    /// The core says so.
    Ended(moorline_delivery::End),
    /// The client is gone, or does not read.
    Gone,
    /// It sent a frame too large to go on behind.
    TooLarge,
    /// The gateway stops.
    GoingAway,
}

struct Driver {
    id: ConnectionId,
    core: Connection,
    inputs: Inputs,
    sink: SplitSink<WebSocket, axum::extract::ws::Message>,
    tails: BTreeMap<SessionId, Arc<Tail>>,
    standings: BTreeMap<SessionId, watch::Receiver<Standing>>,
}

impl Driver {
    async fn drive(&mut self) -> Stop {
        loop {
            while let Some(output) = self.core.poll_output() {
                if let Err(stop) = self.complete(output).await {
                    return stop;
                }
            }
            let deadline = self.core.deadline();
            match self.inputs.next(deadline).await {
                Ok(input) => self.handle(input),
                Err(Stop::TooLarge) => {
                    // Nothing can be read behind it; what was said is still written.
                    self.inputs.frames = None;
                    let error = GatewayFrame::Error(socket::too_large());
                    return self.write(encode(&error)).await.err().unwrap_or(Stop::TooLarge);
                }
                Err(stop) => return stop,
            }
        }
    }

    fn handle(&mut self, input: ConnectionInput) {
        let now = self.inputs.hub.clock.monotonic();
        self.core.handle(now, input);
    }

    async fn complete(&mut self, output: ConnectionOutput) -> Result<(), Stop> {
        match output {
            ConnectionOutput::Transmit(frame) => self.write(encode(&frame)).await?,
            ConnectionOutput::Claim { client, page } => self.claim(&client, &page),
            ConnectionOutput::Open { session, no } => self.open(session, no),
            ConnectionOutput::Leave { session } => self.leave(&session),
            ConnectionOutput::Serve { session, after, max_bytes } => self.serve(session, after, max_bytes).await?,
            ConnectionOutput::Snapshot { session, no, since } => self.snapshot(session, no, since),
            ConnectionOutput::Check { session } => self.check(session),
            ConnectionOutput::Rows { since } => self.rows(since).await?,
            ConnectionOutput::Submit(send) => {
                let (answer, receipt) = oneshot::channel();
                let (session, message) = (send.session.clone(), send.message.clone());
                let told = self.inputs.hub.sessions.tell(&session, Order::Submit { send, answer });
                self.await_receipt(told, receipt, session, message);
            }
            ConnectionOutput::Withdraw(withdraw) => {
                let (answer, receipt) = oneshot::channel();
                let (session, message) = (withdraw.session, withdraw.message);
                let told = self.inputs.hub.sessions.tell(&session, Order::Withdraw { message: message.clone(), answer });
                self.await_receipt(told, receipt, session, message);
            }
            ConnectionOutput::Cancel(cancel) => {
                let (answer, done) = oneshot::channel();
                let told = self.inputs.hub.sessions.tell(&cancel.session, Order::Cancel { turn: cancel.turn, answer });
                self.inputs.answers.push(Box::pin(async move {
                    let result = match told {
                        Ok(()) => done.await.unwrap_or_else(|_| Err(lost())),
                        Err(busy) => Err(refusal(busy)),
                    };
                    result.err().map(|error| ConnectionInput::Refused(ErrorFrame { session: Some(cancel.session), ..error }))
                }));
            }
            ConnectionOutput::Close(end) => return Err(Stop::Ended(end)),
        }
        Ok(())
    }

    fn claim(&mut self, client: &ClientId, page: &PageId) {
        match self.inputs.hub.claim(client, page, &self.id) {
            Holder::Granted | Holder::Replaces(_) => {}
            Holder::Taken => self.handle(ConnectionInput::ClientTaken),
        }
    }

    fn open(&mut self, session: SessionId, no: u64) {
        // Without it the gateway is stopping, and the connection hears that on another way.
        let Some((standing, tail)) = self.inputs.hub.sessions.watch(&session) else { return };
        self.tails.insert(session.clone(), tail);
        self.standings.insert(session.clone(), standing.clone());
        self.inputs.opening.insert(session.clone(), no);
        self.inputs.heads.insert(session, WatchStream::new(standing));
    }

    fn leave(&mut self, session: &SessionId) {
        self.tails.remove(session);
        self.standings.remove(session);
        self.inputs.opening.remove(session);
        self.inputs.heads.remove(session);
    }

    fn check(&mut self, session: SessionId) {
        let standing = self.standings.get(&session).map(|standing| standing.borrow().clone());
        if let Some(Standing::Known(committed)) = standing {
            self.handle(ConnectionInput::Head { session, head: committed.head, state: committed.state.clone() });
        }
    }

    /// Writes one frame of events, from the cache where it reaches and else from the journal.
    async fn serve(&mut self, session: SessionId, after: Seq, max_bytes: usize) -> Result<(), Stop> {
        let cached = self.tails.get(&session).and_then(|tail| tail.frame(&session, after, max_bytes));
        let next = match cached {
            Some(next) => Some(next),
            None => self.read(&session, after, max_bytes).await?,
        };
        let (seq, bytes) = match next {
            Some((text, seq)) => {
                let bytes = text.len();
                self.write(text).await?;
                (seq, bytes)
            }
            None => (after, 0),
        };
        if bytes > 0 {
            self.handle(ConnectionInput::Served { session, seq, bytes });
        } else {
            // The head is ahead, so the journal could not be read: not again at once.
            self.inputs.answers.push(Box::pin(async move {
                sleep(Duration::from_millis(RETRY.0)).await;
                Some(ConnectionInput::Served { session, seq, bytes })
            }));
        }
        Ok(())
    }

    async fn read(&mut self, session: &SessionId, after: Seq, max_bytes: usize) -> Result<Option<(String, Seq)>, Stop> {
        let id = session.clone();
        match self.ask_store(move |store| store.read(&id, after, READ_EVENTS, max_bytes)).await? {
            Ok(events) => {
                let encoded: Vec<_> = events.iter().map(EncodedEvent::new).collect();
                Ok(frame(session, encoded.iter(), max_bytes))
            }
            Err(error) => {
                tracing::error!(%session, %error, "a journal cannot be read");
                Ok(None)
            }
        }
    }

    fn snapshot(&mut self, session: SessionId, no: u64, since: Option<Seq>) {
        let hub = Arc::clone(&self.inputs.hub);
        self.inputs.answers.push(Box::pin(async move {
            loop {
                let (answer, snapshot) = oneshot::channel();
                let told = hub.sessions.tell(&session, Order::Snapshot { since, no, answer });
                if told == Err(Busy::Stopping) {
                    return None;
                }
                if let Ok((seq, parts)) = snapshot.await {
                    return Some(ConnectionInput::Snapshot { session, no, seq, parts });
                }
                sleep(Duration::from_millis(RETRY.0)).await;
            }
        }));
    }

    /// Writes the rows above `since`, in frames that keep the limit.
    async fn rows(&mut self, since: Option<u64>) -> Result<(), Stop> {
        let surroundings = Arc::clone(self.inputs.hub.sessions.surroundings());
        // Read before the rows: a row that changes in between is written again rather than missed.
        let newest = *surroundings.commits.newest_row().borrow();
        let read = move |store: &dyn Store| {
            let first = store.first_rev()?;
            let since = since.filter(|rev| *rev >= first);
            Ok((since, store.rows(since.unwrap_or(0))?))
        };
        let (since, rows) = match self.ask_store(read).await? {
            Ok(read) => read,
            Err(error) => {
                self.retry_rows(since, &error);
                return Ok(());
            }
        };
        let highest = rows.last().map_or(0, |row| row.rev).max(newest).max(since.unwrap_or(0));
        for frame in row_frames(rows, since.is_none(), surroundings.limits().frame_bytes) {
            self.write(frame).await?;
        }
        self.handle(ConnectionInput::RowsServed(highest));
        Ok(())
    }

    fn retry_rows(&self, since: Option<u64>, error: &StoreError) {
        tracing::error!(%error, "the session list cannot be read");
        self.inputs.answers.push(Box::pin(async move {
            sleep(Duration::from_millis(RETRY.0)).await;
            // Nothing was written: with the next change of the list, everything since then is.
            Some(ConnectionInput::RowsServed(since.unwrap_or(0)))
        }));
    }

    /// Reads from the store on a thread that may block.
    async fn ask_store<T: Send + 'static>(
        &mut self,
        ask: impl FnOnce(&dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<Result<T, StoreError>, Stop> {
        let store = Arc::clone(&self.inputs.hub.sessions.surroundings().store);
        let asking = tokio::task::spawn_blocking(move || ask(&*store));
        let answer = beside(&mut self.core, &mut self.inputs, asking).await?;
        Ok(answer.unwrap_or_else(|panic| Err(StoreError::Unavailable(panic.to_string()))))
    }

    fn await_receipt(
        &self,
        told: Result<(), Busy>,
        receipt: oneshot::Receiver<Result<Receipt, ErrorFrame>>,
        session: SessionId,
        message: MessageId,
    ) {
        self.inputs.answers.push(Box::pin(async move {
            let result = match told {
                Ok(()) => receipt.await.unwrap_or_else(|_| Err(lost())),
                Err(busy) => Err(refusal(busy)),
            };
            Some(match result {
                Ok(receipt) => ConnectionInput::Receipt(receipt),
                Err(error) => ConnectionInput::Refused(ErrorFrame { session: Some(session), message_id: Some(message), ..error }),
            })
        }));
    }

    /// Writes a frame; inputs are handled meanwhile, and what they lead to waits for its turn.
    async fn write(&mut self, text: String) -> Result<(), Stop> {
        let Self { core, inputs, sink, .. } = self;
        let limit = Duration::from_millis(inputs.hub.timings.silence.0);
        let writing = timeout(limit, sink.send(text.into()));
        match beside(core, inputs, writing).await? {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Stop::Gone),
        }
    }

    async fn close(mut self, stop: Stop) {
        let Some(message) = socket::close_message(stop) else { return };
        let closing = async {
            // The other end may be gone already.
            let _ = self.sink.send(message).await;
            let Some(mut frames) = self.inputs.frames.take() else { return };
            while let Some(Ok(_)) = frames.next().await {}
        };
        let _ = timeout(CLOSE_LIMIT, closing).await;
    }
}

/// Does some work while the core goes on taking inputs.
async fn beside<F: Future>(core: &mut Connection, inputs: &mut Inputs, work: F) -> Result<F::Output, Stop> {
    let mut work = pin!(work);
    loop {
        let deadline = core.deadline();
        tokio::select! {
            biased;
            output = &mut work => return Ok(output),
            input = inputs.next(deadline) => {
                let now = inputs.hub.clock.monotonic();
                core.handle(now, input?);
            }
        }
    }
}

/// The rows as frames of at most `max_bytes`, at least one if the list is reset.
fn row_frames(rows: Vec<SessionRow>, list_reset: bool, max_bytes: usize) -> Vec<String> {
    const ENVELOPE_BYTES: usize = 64;
    let mut frames = Vec::new();
    let mut next = Rows { rows: Vec::new(), list_reset };
    let mut bytes = ENVELOPE_BYTES;
    for row in rows {
        let size = encode(&row).len() + 1;
        if bytes + size > max_bytes && !next.rows.is_empty() {
            let full = std::mem::replace(&mut next, Rows { rows: Vec::new(), list_reset: false });
            frames.push(encode(&GatewayFrame::Sessions(full)));
            bytes = ENVELOPE_BYTES;
        }
        bytes += size;
        next.rows.push(row);
    }
    if next.list_reset || !next.rows.is_empty() {
        frames.push(encode(&GatewayFrame::Sessions(next)));
    }
    frames
}

/// The session went down with the order: nobody knows whether it counted, and the same id finds out.
fn lost() -> ErrorFrame {
    ErrorFrame { retry_after_ms: Some(RETRY), ..ErrorFrame::new(Code::StoreUnavailable, "the session begins again: send once more") }
}

fn refusal(busy: Busy) -> ErrorFrame {
    match busy {
        Busy::Full => ErrorFrame { retry_after_ms: Some(RETRY), ..ErrorFrame::new(Code::TooMany, "too many orders wait for this session") },
        Busy::Stopping => ErrorFrame { retry_after_ms: Some(RETRY), ..ErrorFrame::new(Code::GoingAway, "the gateway is about to stop") },
    }
}

/// Everything a core may have to hear of.
struct Inputs {
    frames: Option<SplitStream<WebSocket>>,
    heads: StreamMap<SessionId, WatchStream<Standing>>,
    /// The attach that a session's first standing answers.
    opening: BTreeMap<SessionId, u64>,
    answers: FuturesUnordered<BoxFuture<'static, Option<ConnectionInput>>>,
    rows: watch::Receiver<u64>,
    replaced: Arc<Notify>,
    login: Login,
    drain: Drain,
    hub: Arc<Hub>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Drain {
    Ahead,
    Told,
}

impl Inputs {
    /// The next input; or why there will be none. Nothing is lost when the future is dropped.
    async fn next(&mut self, deadline: moorline_protocol::Millis) -> Result<ConnectionInput, Stop> {
        loop {
            let is_open = self.answers.len() < OUTSTANDING;
            let Self { frames, heads, answers, rows, replaced, login, drain, hub, opening } = self;
            tokio::select! {
                incoming = socket::next(frames), if is_open => match incoming {
                    Incoming::Input(input) => return Ok(input),
                    Incoming::Nothing => {}
                    Incoming::TooLarge => return Err(Stop::TooLarge),
                    Incoming::Gone => return Err(Stop::Gone),
                },
                Some((session, standing)) = heads.next(), if !heads.is_empty() => {
                    if let Some(input) = standing_input(opening, session, standing) {
                        return Ok(input);
                    }
                }
                Some(input) = next_answer(answers), if !answers.is_empty() => {
                    if let Some(input) = input {
                        return Ok(input);
                    }
                }
                Ok(()) = rows.changed() => return Ok(ConnectionInput::RowsHead(*rows.borrow_and_update())),
                () = replaced.notified() => return Ok(ConnectionInput::Replaced),
                () = login.ended() => return Ok(ConnectionInput::AuthExpired),
                () = hub.draining.cancelled(), if *drain == Drain::Ahead => {
                    *drain = Drain::Told;
                    let (min, max) = hub.come_back;
                    return Ok(ConnectionInput::Drain { min, max });
                }
                () = hub.closing.cancelled() => return Err(Stop::GoingAway),
                () = sleep_until(hub.clock.instant(deadline)) => return Ok(ConnectionInput::Deadline),
            }
        }
    }
}

/// The first standing of an opened session answers its attach; the later ones move its head.
fn standing_input(opening: &mut BTreeMap<SessionId, u64>, session: SessionId, standing: Standing) -> Option<ConnectionInput> {
    match (standing, opening.get(&session).copied()) {
        (Standing::Loading, _) | (Standing::Unknown, None) => None,
        (Standing::Unknown, Some(no)) => {
            opening.remove(&session);
            Some(ConnectionInput::Journal { session, no, journal: None })
        }
        (Standing::Known(committed), None) => Some(ConnectionInput::Head { session, head: committed.head, state: committed.state.clone() }),
        (Standing::Known(committed), Some(no)) => {
            opening.remove(&session);
            let journal =
                Journal { epoch: committed.epoch.clone(), oldest: committed.oldest, head: committed.head, state: committed.state.clone() };
            Some(ConnectionInput::Journal { session, no, journal: Some(journal) })
        }
    }
}

async fn next_answer<T>(answers: &mut FuturesUnordered<BoxFuture<'static, T>>) -> Option<T> {
    std::future::poll_fn(|context| Pin::new(&mut *answers).poll_next(context)).await
}
