//! One connection's driver: it completes what the pure core asks for, in order, over one line.
//!
//! Everything runs in one task and nothing is queued for the client: a write that blocks holds up only what this client
//! asked for. While it blocks, inputs still reach the core, so that acks and signs of life count; a write that takes longer
//! than the silence limit ends the connection. A line is a WebSocket or a stream of server-sent events: what is said on it, and
//! all that is posted to it, comes to the same core.

mod event_stream;
mod inputs;
mod line;
mod opening;
mod rows;
pub(crate) mod socket;

use std::{pin::pin, sync::Arc, time::Duration};

use axum::body::Bytes;
use moorline_delivery::{Connection, ConnectionConfig, ConnectionInput, ConnectionOutput, Holder};
use moorline_protocol::{
    ClientFrame, ClientId, Cursor, ErrorFrame, GatewayFrame, Hello, Millis, PageId, Receipt, Seq, SessionId, SnapshotPart, encode,
};
use moorline_session::{Position, Store, StoreError};
use tokio::{
    net::TcpStream,
    sync::{oneshot, watch},
    time::{sleep, timeout},
};
use tokio_stream::wrappers::WatchStream;

use crate::{
    clock::wall,
    hub::{Hub, Place},
    sessions::{Busy, Order, RETRY, Standing},
    store::{Tail, frame},
    verbs,
};
pub(crate) use event_stream::Framing;
use inputs::{Inputs, Next};
use line::{Incoming, Lost, Outgoing, Reader, Writer};
use opening::Opening;
use rows::row_frames;
use socket::too_large;

/// Events read from the journal for one frame at most.
const READ_EVENTS: usize = 1_000;

/// How long a line may take to close.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);

/// Serves one client over a WebSocket until either end has had enough; `rest` is what has been read of it already.
pub(crate) fn serve_socket(place: Place, socket: TcpStream, rest: &[u8]) -> impl Future<Output = ()> + Send + use<> {
    let (writer, reader) = socket::split(socket, rest);
    Box::new(Driver::new(place, writer, reader)).run()
}

/// Serves one client over a stream of server-sent events, whose hello came with the request.
pub(crate) fn serve_events(place: Place, hello: Hello, socket: TcpStream, framing: Framing) -> impl Future<Output = ()> + Send {
    let (writer, reader) = event_stream::split(socket, framing);
    let mut driver = Box::new(Driver::new(place, writer, reader));
    driver.handle(ConnectionInput::Frame(ClientFrame::Hello(hello)));
    driver.run()
}

/// Why the driver stops.
#[derive(Debug, Clone, Copy)]
enum Stop {
    /// The core says so.
    Ended(moorline_delivery::End),
    /// The client is gone, or does not read.
    Gone,
    /// The client has said that it goes.
    Left,
    /// It sent a frame too large to go on behind.
    TooLarge,
    /// The gateway stops.
    GoingAway,
}

struct Driver<W, R> {
    core: Connection,
    inputs: Inputs<R>,
    writer: W,
    followed: Vec<Followed>,
    /// Whose connection it is, once that is known.
    client: Option<ClientId>,
}

/// A session that the client follows.
struct Followed {
    session: SessionId,
    tail: Arc<Tail>,
    standing: watch::Receiver<Standing>,
    /// Where the client stood when that was written down last, and when.
    noted: Option<(Cursor, Millis)>,
}

impl<W: Writer, R: Reader> Driver<W, R> {
    fn new(place: Place, writer: W, reader: R) -> Self {
        let hub = &place.hub;
        let config = ConnectionConfig { id: place.id.clone(), time: wall(), terms: Arc::clone(&hub.terms) };
        let core = Connection::new(hub.clock.monotonic(), config);
        Self { core, inputs: Inputs::new(place, reader), writer, followed: Vec::new(), client: None }
    }

    async fn run(mut self: Box<Self>) {
        let id = self.inputs.place.id.clone();
        tracing::debug!(connection = %id, "connected");
        let stop = self.drive().await;
        tracing::debug!(connection = %id, ?stop, "disconnected");
        let Self { inputs: Inputs { reader, place, .. }, writer, .. } = *self;
        // Nobody reaches it any more, and its client id is free.
        drop(place);
        let _ = Box::pin(timeout(CLOSE_LIMIT, close(writer, reader, stop))).await;
    }

    async fn drive(&mut self) -> Stop {
        loop {
            while let Some(output) = self.core.poll_output() {
                // In a box: whoever waits for hours waits for an input, and needs no room for what it writes.
                if let Err(stop) = Box::pin(self.complete(output)).await {
                    return stop;
                }
            }
            if let Some(payload) = self.inputs.ping.take() {
                let pong = timed(&Arc::clone(self.inputs.hub()), self.writer.pong(payload));
                if Box::pin(pong).await.is_err() {
                    return Stop::Gone;
                }
            }
            let (deadline, waiting) = (self.core.deadline(), self.core.waiting());
            match self.inputs.next(deadline, waiting).await {
                Ok(Next::Input(input)) => self.handle(input),
                Ok(Next::Pong) => {}
                Err(Stop::TooLarge) => {
                    // Nothing can be read behind it; what was said is still written.
                    let error = GatewayFrame::Error(too_large());
                    return Box::pin(self.write(encode(&error))).await.err().unwrap_or(Stop::TooLarge);
                }
                Err(stop) => return stop,
            }
        }
    }

    fn handle(&mut self, input: ConnectionInput) {
        let now = self.inputs.hub().clock.monotonic();
        self.core.handle(now, input);
    }

    async fn complete(&mut self, output: ConnectionOutput) -> Result<(), Stop> {
        match output {
            ConnectionOutput::Transmit(frame) => {
                let cursors =
                    matches!(frame, GatewayFrame::Snapshot(SnapshotPart { last: true, .. })).then(|| self.cursors(None)).flatten();
                self.write_with(encode(&frame).into(), cursors).await?;
            }
            ConnectionOutput::Claim { client, page } => self.claim(&client, &page),
            ConnectionOutput::Open { session, no, cursor } => self.open(session, no, cursor),
            ConnectionOutput::Leave { session } => self.leave(&session),
            ConnectionOutput::Serve { session, after, max_bytes } => self.serve(session, after, max_bytes).await?,
            ConnectionOutput::Snapshot { session, no, since } => self.snapshot(session, no, since),
            ConnectionOutput::Position(cursor) => self.note(cursor),
            ConnectionOutput::Check { session } => self.check(session),
            ConnectionOutput::Rows { since } => self.rows(since).await?,
            ConnectionOutput::Submit(send) => {
                // Nothing is submitted before the claim.
                let Some(client) = &self.client else { return Ok(()) };
                let receipt = verbs::send(self.inputs.hub(), client, send);
                self.answer(async { Some(receipt_input(receipt.await)) });
            }
            ConnectionOutput::Withdraw(withdraw) => {
                let Some(client) = &self.client else { return Ok(()) };
                let receipt = verbs::withdraw(self.inputs.hub(), client, withdraw);
                self.answer(async { Some(receipt_input(receipt.await)) });
            }
            ConnectionOutput::Cancel(cancel) => {
                let done = verbs::cancel(&self.inputs.hub().sessions, cancel);
                self.answer(async { done.await.err().map(ConnectionInput::Refused) });
            }
            ConnectionOutput::Close(end) => return Err(Stop::Ended(end)),
        }
        Ok(())
    }

    /// Waits for an answer beside everything else.
    fn answer(&self, answer: impl Future<Output = Option<ConnectionInput>> + Send + 'static) {
        self.inputs.answers.push(Box::pin(answer));
    }

    fn claim(&mut self, client: &ClientId, page: &PageId) {
        match self.inputs.hub().claim(client, page, &self.inputs.place.id) {
            Holder::Granted | Holder::Replaces(_) => self.client = Some(client.clone()),
            Holder::Taken => self.handle(ConnectionInput::ClientTaken),
        }
    }

    fn open(&mut self, session: SessionId, no: u64, cursor: Option<Cursor>) {
        // Without it the gateway is stopping, and the connection hears that on another way.
        let Some((standing, tail)) = self.inputs.hub().sessions.watch(&session) else { return };
        let known = self.followed.iter().position(|followed| followed.session == session);
        let noted = known.and_then(|at| self.followed.swap_remove(at).noted);
        // Most tabs follow one, and a vector that grows by itself begins with four.
        self.followed.reserve_exact(1);
        self.followed.push(Followed { session: session.clone(), tail, standing: standing.clone(), noted });
        self.inputs.opening.insert(Opening { session: session.clone(), no, cursor, client: self.client.clone() });
        self.inputs.heads.insert(session, WatchStream::new(standing));
    }

    fn followed(&self, session: &SessionId) -> Option<&Followed> {
        self.followed.iter().find(|followed| followed.session == *session)
    }

    /// Has it written down where the client stands: when it went on, and else often enough to stay known.
    fn note(&mut self, cursor: Cursor) {
        let (now, surroundings) = (self.inputs.hub().clock.monotonic(), self.inputs.hub().sessions.surroundings());
        let Some(followed) = self.followed.iter_mut().find(|followed| followed.session == cursor.session) else { return };
        let says_nothing_new = |(last, at): &(Cursor, Millis)| {
            last.epoch == cursor.epoch && cursor.seq <= last.seq && now.since(*at) < Millis(surroundings.client_idle.0 / 4)
        };
        let Some(client) = self.client.clone().filter(|_| !followed.noted.as_ref().is_some_and(says_nothing_new)) else { return };
        let Cursor { session, epoch, seq } = cursor.clone();
        surroundings.commits.note(Position { client, session, epoch, seq, seen_at: wall() });
        followed.noted = Some((cursor, now));
    }

    fn leave(&mut self, session: &SessionId) {
        self.followed.retain(|followed| followed.session != *session);
        drop(self.inputs.opening.remove(session));
        self.inputs.heads.remove(session);
    }

    fn check(&mut self, session: SessionId) {
        let standing = self.followed(&session).map(|followed| followed.standing.borrow().clone());
        if let Some(Standing::Known(committed)) = standing {
            self.handle(ConnectionInput::Head {
                session,
                head: committed.head,
                state: committed.state.clone(),
                agent: committed.agent.clone(),
            });
        }
    }

    /// Writes one frame of events, from the cache where it reaches and else from the journal.
    async fn serve(&mut self, session: SessionId, after: Seq, max_bytes: usize) -> Result<(), Stop> {
        let cached = self.followed(&session).and_then(|followed| followed.tail.frame(&session, after, max_bytes));
        let next = match cached {
            Some(next) => Some(next),
            None => self.read(&session, after, max_bytes).await?,
        };
        let (seq, bytes) = match next {
            Some((text, seq)) => {
                let bytes = text.len();
                let cursors = self.cursors(Some((&session, seq)));
                self.write_with(text, cursors).await?;
                (seq, bytes)
            }
            None => (after, 0),
        };
        if bytes > 0 {
            self.handle(ConnectionInput::Served { session, seq, bytes });
        } else {
            // The head is ahead, so the journal could not be read: not again at once.
            self.answer(async move {
                sleep(Duration::from_millis(RETRY.0)).await;
                Some(ConnectionInput::Served { session, seq, bytes })
            });
        }
        Ok(())
    }

    async fn read(&mut self, session: &SessionId, after: Seq, max_bytes: usize) -> Result<Option<(Bytes, Seq)>, Stop> {
        let id = session.clone();
        match self.ask_store(move |store| store.read_encoded(&id, after, READ_EVENTS, max_bytes)).await? {
            Ok(events) => Ok(frame(session, events.iter().map(|(seq, text)| (*seq, text.as_str())), max_bytes)),
            Err(error) => {
                tracing::error!(%session, %error, "a journal cannot be read");
                Ok(None)
            }
        }
    }

    fn snapshot(&mut self, session: SessionId, no: u64, since: Option<Seq>) {
        let hub = Arc::clone(self.inputs.hub());
        self.answer(async move {
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
        });
    }

    /// Writes the rows above `since`, in frames that keep the limit.
    async fn rows(&mut self, since: Option<u64>) -> Result<(), Stop> {
        let surroundings = Arc::clone(self.inputs.hub().sessions.surroundings());
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
        self.answer(async move {
            sleep(Duration::from_millis(RETRY.0)).await;
            // Nothing was written: with the next change of the list, everything since then is.
            Some(ConnectionInput::RowsServed(since.unwrap_or(0)))
        });
    }

    /// Reads from the store on a thread that may block.
    async fn ask_store<T: Send + 'static>(
        &mut self,
        ask: impl FnOnce(&dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<Result<T, StoreError>, Stop> {
        let store = Arc::clone(&self.inputs.hub().sessions.surroundings().store);
        let asking = tokio::task::spawn_blocking(move || ask(&*store));
        let answer = beside(&mut self.core, &mut self.inputs, asking).await?;
        Ok(answer.unwrap_or_else(|panic| Err(StoreError::Unavailable(panic.to_string()))))
    }

    /// Where a client stands that has all that was written, and the events of a session up to a seq that are about to be.
    fn cursors(&self, about_to_write: Option<(&SessionId, Seq)>) -> Option<Vec<Cursor>> {
        W::CARRIES_CURSORS.then(|| self.core.cursors(about_to_write))
    }

    async fn write(&mut self, text: String) -> Result<(), Stop> {
        self.write_with(text.into(), None).await
    }

    /// Writes a frame; inputs are handled meanwhile, and what they lead to waits for its turn.
    async fn write_with(&mut self, text: Bytes, cursors: Option<Vec<Cursor>>) -> Result<(), Stop> {
        let Self { core, inputs, writer, .. } = self;
        let writing = timed(&Arc::clone(inputs.hub()), writer.write(Outgoing { text, cursors }));
        let written = beside(core, inputs, writing).await?;
        if written.is_err() {
            self.writer.abort();
        }
        written.map_err(|_| Stop::Gone)
    }
}

/// Gives a write as long as silence may last.
fn timed<F: Future<Output = Result<(), Lost>>>(hub: &Hub, writing: F) -> impl Future<Output = Result<(), Lost>> + use<F> {
    let limit = timeout(Duration::from_millis(hub.terms.timings.silence.0), writing);
    async move { limit.await.unwrap_or(Err(Lost)) }
}

/// Closes a line, and waits for the other end to do the same.
async fn close(writer: impl Writer, mut reader: impl Reader, stop: Stop) {
    match stop {
        Stop::Gone => {}
        // There is nothing more to read.
        Stop::TooLarge | Stop::Left => writer.close(stop).await,
        Stop::Ended(_) | Stop::GoingAway => {
            writer.close(stop).await;
            while !matches!(reader.next().await, Incoming::Left | Incoming::Gone) {}
        }
    }
}

fn receipt_input(answer: Result<Receipt, ErrorFrame>) -> ConnectionInput {
    match answer {
        Ok(receipt) => ConnectionInput::Receipt(receipt),
        Err(error) => ConnectionInput::Refused(error),
    }
}

/// Does some work while the core goes on taking inputs.
async fn beside<F: Future>(core: &mut Connection, inputs: &mut Inputs<impl Reader>, work: F) -> Result<F::Output, Stop> {
    let mut work = pin!(work);
    loop {
        let (deadline, waiting) = (core.deadline(), core.waiting());
        tokio::select! {
            biased;
            output = &mut work => return Ok(output),
            next = inputs.next(deadline, waiting) => {
                let now = inputs.hub().clock.monotonic();
                match next? {
                    Next::Input(input) => core.handle(now, input),
                    // It waits for its turn too.
                    Next::Pong => {}
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_of<A, F: Future>(_: impl FnOnce(A) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn what_waits_for_hours_is_small() {
        type Socket = Driver<socket::SocketWriter, socket::SocketReader>;
        let (driver, run) = (size_of::<Socket>(), bytes_of(Socket::run));
        assert!(driver + run <= 1_536, "a driver of {driver} bytes, and {run} for its waits");
    }
}
