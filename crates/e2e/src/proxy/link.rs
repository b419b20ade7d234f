//! One connection through the proxy.

use std::{
    io,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use socket2::SockRef;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::{mpsc, watch},
    time::{Instant, sleep, sleep_until, timeout},
};

use super::{Cut, Direction, Shared, frames};

const CHUNK_BYTES: usize = 16 << 10;
const CHUNKS_IN_FLIGHT: usize = 256;
/// After a clean close the peers get this long to close as well, so that unread bytes do not turn the FIN into a RST.
const LINGER: Duration = Duration::from_secs(2);
/// A limited line delivers a piece this often.
const PIECES_PER_SECOND: u32 = 50;

#[derive(Debug, Default)]
pub(super) struct Link {
    fate: watch::Sender<Fate>,
    upgraded: AtomicBool,
}

/// What was done to the connection so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Fate {
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
    const fn swallows(self, direction: Direction) -> bool {
        match direction {
            Direction::Up => self.hole_up,
            Direction::Down => self.hole_down,
        }
    }

    const fn has_hole(self) -> bool {
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

    pub(super) async fn carry(&self, mut page: TcpStream, mut gateway: TcpStream, shared: &Shared) {
        let _ = (page.set_nodelay(true), gateway.set_nodelay(true));
        let end = {
            let (from_page, to_page) = page.split();
            let (from_gateway, to_gateway) = gateway.split();
            let up = self.pump(Direction::Up, from_page, to_gateway, shared);
            let down = self.pump(Direction::Down, from_gateway, to_page, shared);
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
    async fn pump(&self, direction: Direction, from: ReadHalf<'_>, to: WriteHalf<'_>, shared: &Shared) -> io::Result<()> {
        let (queue, queued) = mpsc::channel(CHUNKS_IN_FLIGHT);
        let outlet = Outlet { link: self, shared, direction, to, head: Some(Vec::new()), held: Vec::new(), broken: false };
        let carried = tokio::try_join!(receive(from, queue), outlet.deliver(queued));
        if self.fate.borrow().has_hole() { Ok(()) } else { carried.map(drop) }
    }
}

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

/// The far end of one direction: delays, counts, cuts and writes.
struct Outlet<'a> {
    link: &'a Link,
    shared: &'a Shared,
    direction: Direction,
    to: WriteHalf<'a>,
    /// The head of the gateway's first answer until it is complete.
    head: Option<Vec<u8>>,
    /// The start of a WebSocket frame whose rest has not come.
    held: Vec<u8>,
    /// Writing failed, and a hole hides that.
    broken: bool,
}

impl Outlet<'_> {
    async fn deliver(mut self, mut queued: mpsc::Receiver<(Instant, Vec<u8>)>) -> io::Result<()> {
        while let Some((received, chunk)) = queued.recv().await {
            let delay = self.shared.weather.borrow().delay;
            sleep_until(received + delay).await;
            match self.direction {
                Direction::Up => self.deliver_up(&chunk).await?,
                Direction::Down => self.deliver_down(chunk).await?,
            }
        }
        let held = std::mem::take(&mut self.held);
        self.write(&held).await?;
        if self.link.fate.borrow().swallows(self.direction) { Ok(()) } else { self.to.shutdown().await }
    }

    async fn deliver_up(&mut self, chunk: &[u8]) -> io::Result<()> {
        if self.link.upgraded.load(Ordering::Acquire) { self.deliver_judged(chunk).await } else { self.write(chunk).await }
    }

    async fn deliver_down(&mut self, chunk: Vec<u8>) -> io::Result<()> {
        if let Some(head) = &mut self.head {
            let before = head.len();
            head.extend_from_slice(&chunk);
            let Some(end) = head.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4) else {
                return self.write(&chunk).await;
            };
            let upgraded = head.starts_with(b"HTTP/1.1 101");
            self.head = None;
            if upgraded {
                let rest = end - before;
                self.link.upgraded.store(true, Ordering::Release);
                self.shared.count(|counters| counters.upgrades += 1);
                self.write_uncounted(&chunk[..rest]).await?;
                return self.deliver_frames(&chunk[rest..]).await;
            }
        }
        if self.link.upgraded.load(Ordering::Acquire) { self.deliver_frames(&chunk).await } else { self.write(&chunk).await }
    }

    /// Passes whole frames on, one by one, so that a cut can fall between two or at a byte inside one.
    async fn deliver_frames(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.held.extend_from_slice(bytes);
        while let Some(length) = frames::complete_frame(&self.held) {
            let frame: Vec<u8> = self.held.drain(..length).collect();
            let delivered = self.shared.counters.borrow().bytes_down;
            self.deliver_judged(&frame).await?;
            if frames::begins_message(&frame) && self.shared.counters.borrow().bytes_down > delivered {
                self.shared.count(|counters| counters.messages_down += 1);
            }
        }
        Ok(())
    }

    async fn deliver_judged(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.link.fate.borrow().swallows(self.direction) {
            return Ok(());
        }
        let Some((passing, cut)) = self.shared.judge(self.direction, bytes) else {
            return self.write(bytes).await;
        };
        self.write(&bytes[..passing]).await?;
        self.link.cut(cut);
        match cut {
            // The connection's task ends this one at its next poll; nothing more may be written meanwhile.
            Cut::Close | Cut::Reset => std::future::pending().await,
            Cut::HoleUp | Cut::HoleDown | Cut::HoleBoth => self.write(&bytes[passing..]).await,
        }
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let upgraded = self.link.upgraded.load(Ordering::Acquire);
        let written = self.write_uncounted(bytes).await?;
        if upgraded {
            self.shared.count(|counters| match self.direction {
                Direction::Up => counters.websocket_up += written,
                Direction::Down => counters.websocket_down += written,
            });
        }
        Ok(())
    }

    /// Writes at the line's speed, unless the bytes are swallowed; answers how many were delivered.
    async fn write_uncounted(&mut self, bytes: &[u8]) -> io::Result<u64> {
        let mut written = 0;
        let mut left = bytes;
        while !left.is_empty() {
            if self.broken || self.link.fate.borrow().swallows(self.direction) {
                return Ok(written);
            }
            let limit = self.shared.weather.borrow().bytes_per_second;
            let piece = limit.map_or(left.len(), |limit| (limit / PIECES_PER_SECOND).max(1) as usize).min(left.len());
            if let Err(error) = self.to.write_all(&left[..piece]).await {
                if self.link.fate.borrow().has_hole() {
                    self.broken = true;
                    return Ok(written);
                }
                return Err(error);
            }
            left = &left[piece..];
            written += piece as u64;
            self.shared.count(|counters| match self.direction {
                Direction::Up => counters.bytes_up += piece as u64,
                Direction::Down => counters.bytes_down += piece as u64,
            });
            if let Some(limit) = limit {
                sleep(Duration::from_secs(1) * u32::try_from(piece).unwrap_or(u32::MAX) / limit.max(1)).await;
            }
        }
        Ok(written)
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
