//! One connection through the proxy.

use std::{
    collections::VecDeque,
    io,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use socket2::SockRef;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpStream, tcp::ReadHalf},
    sync::{mpsc, watch},
    time::{Instant, timeout},
};

use super::{Cut, Direction, Shared, Streams, down::Down, outlet::Outlet, rules::Answer, up::Up};

const CHUNK_BYTES: usize = 16 << 10;
const CHUNKS_IN_FLIGHT: usize = 256;
/// After a clean close the peers get this long to close as well, so that unread bytes do not turn the FIN into a RST.
const LINGER: Duration = Duration::from_secs(2);

#[derive(Debug, Default)]
pub(super) struct Link {
    fate: watch::Sender<Fate>,
    upgraded: AtomicBool,
    /// Requests that were forwarded and whose answers are still to come.
    exchanges: Mutex<VecDeque<Exchange>>,
    /// The page said its last word.
    page_left: watch::Sender<bool>,
    /// An event stream is on its way down.
    streams: AtomicBool,
}

/// A forwarded request, as far as its answer needs it.
#[derive(Debug)]
pub(super) struct Exchange {
    /// Its number among all requests.
    pub(super) number: usize,
    /// It is a HEAD.
    pub(super) to_head: bool,
    pub(super) fate: AnswerFate,
}

/// What becomes of the gateway's answer.
#[derive(Debug)]
pub(super) enum AnswerFate {
    Passes,
    /// It is lost, and the page gets this one.
    Replaced(Answer),
    /// It is cut after so many more bytes.
    Cut {
        left: u64,
        cut: Cut,
    },
}

/// What was done to the connection so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Fate {
    end: Option<End>,
    hole_up: bool,
    hole_down: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Close,
    Reset,
}

impl Fate {
    pub(super) const fn swallows(self, direction: Direction) -> bool {
        match direction {
            Direction::Up => self.hole_up,
            Direction::Down => self.hole_down,
        }
    }

    pub(super) const fn has_hole(self) -> bool {
        self.hole_up || self.hole_down
    }
}

impl Link {
    pub(super) fn cut(&self, cut: Cut) {
        self.fate.send_modify(|fate| match cut {
            Cut::Close => fate.end = fate.end.or(Some(End::Close)),
            Cut::Reset => fate.end = fate.end.or(Some(End::Reset)),
            Cut::HoleUp => fate.hole_up = true,
            Cut::HoleDown => fate.hole_down = true,
            Cut::HoleBoth => (fate.hole_up, fate.hole_down) = (true, true),
        });
    }

    /// Waits until the connection is cut in a way that ends it.
    pub(super) async fn ended(&self) -> End {
        let mut fate = self.fate.subscribe();
        match fate.wait_for(|fate| fate.end.is_some()).await {
            Ok(fate) => fate.end.unwrap_or(End::Reset),
            Err(_) => End::Reset,
        }
    }

    pub(super) fn fate(&self) -> Fate {
        *self.fate.borrow()
    }

    /// Whether the connection became a WebSocket.
    pub(super) fn is_websocket(&self) -> bool {
        self.upgraded.load(Ordering::Acquire)
    }

    pub(super) fn becomes_websocket(&self) {
        self.upgraded.store(true, Ordering::Release);
    }

    pub(super) fn exchanges(&self) -> MutexGuard<'_, VecDeque<Exchange>> {
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_streams(&self, streams: bool) {
        self.streams.store(streams, Ordering::Release);
    }

    /// Waits until an event stream, its end too, may go on at this part of it, or nobody is left to read it.
    pub(super) async fn flow(&self, shared: &Shared, part: Part) -> io::Result<()> {
        let mut weather = shared.weather.subscribe();
        let flows = weather.wait_for(|weather| match weather.streams {
            Streams::Flow => true,
            Streams::HoldBodies => part == Part::Head,
            Streams::Hold => false,
        });
        let mut page_left = self.page_left.subscribe();
        tokio::select! {
            _ = flows => Ok(()),
            _ = page_left.wait_for(|left| *left) => Err(io::ErrorKind::ConnectionAborted.into()),
        }
    }

    pub(super) async fn carry(&self, mut page: TcpStream, mut gateway: TcpStream, shared: &Shared) {
        let _ = (page.set_nodelay(true), gateway.set_nodelay(true));
        let end = {
            let (from_page, to_page) = page.split();
            let (from_gateway, to_gateway) = gateway.split();
            let (answers, answered) = mpsc::unbounded_channel();
            let up = Up::new(Outlet::new(self, shared, Direction::Up, to_gateway), answers);
            let down = Down::new(Outlet::new(self, shared, Direction::Down, to_page));
            let up = self.pump(from_page, shared, |queued| async move {
                let delivered = up.deliver(queued).await;
                self.page_left.send_replace(true);
                delivered
            });
            let down = self.pump(from_gateway, shared, |queued| down.deliver(queued, answered));
            tokio::select! {
                end = self.ended() => end,
                finished = async { tokio::try_join!(up, down) } => if finished.is_ok() { End::Close } else { End::Reset },
            }
        };
        match end {
            End::Close => tokio::join!(close(page), close(gateway)),
            End::Reset => (reset(page), reset(gateway)),
        };
    }

    /// Carries one direction until its source ends. With a hole anywhere in the connection, errors end nothing: the other
    /// end must not learn of them.
    async fn pump<D: Future<Output = io::Result<()>>>(
        &self,
        from: ReadHalf<'_>,
        shared: &Shared,
        deliver: impl FnOnce(Queued) -> D,
    ) -> io::Result<()> {
        let (queue, queued) = mpsc::channel(CHUNKS_IN_FLIGHT);
        let received = async {
            let received = receive(from, queue).await;
            if received.is_err() && self.streams.load(Ordering::Acquire) {
                self.flow(shared, Part::Body).await?;
            }
            received
        };
        let carried = tokio::try_join!(received, deliver(queued));
        if self.fate().has_hole() { Ok(()) } else { carried.map(drop) }
    }
}

/// A part of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Head,
    Body,
}

/// What came in at one end, and when.
pub(super) type Queued = mpsc::Receiver<(Instant, Vec<u8>)>;

async fn receive(mut from: ReadHalf<'_>, queue: mpsc::Sender<(Instant, Vec<u8>)>) -> io::Result<()> {
    loop {
        let mut chunk = vec![0; CHUNK_BYTES];
        let length = from.read(&mut chunk).await?;
        chunk.truncate(length);
        if length == 0 || queue.send((Instant::now(), chunk)).await.is_err() {
            return Ok(());
        }
    }
}

async fn close(mut stream: TcpStream) {
    let _ = stream.shutdown().await;
    let _ = timeout(LINGER, tokio::io::copy(&mut stream, &mut tokio::io::sink())).await;
}

/// Closes with a RST instead of a FIN.
pub(super) fn reset(stream: TcpStream) {
    let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
    drop(stream);
}
