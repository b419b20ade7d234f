//! The far end of one direction: delays, counts, cuts and writes.

use std::{io, time::Duration};

use tokio::{
    io::AsyncWriteExt as _,
    net::tcp::WriteHalf,
    time::{Instant, sleep, sleep_until},
};

use super::{Cut, Direction, Shared, link::Link};

/// A limited line delivers a piece this often.
const PIECES_PER_SECOND: u32 = 50;

pub(super) struct Outlet<'a> {
    pub(super) link: &'a Link,
    pub(super) shared: &'a Shared,
    direction: Direction,
    to: WriteHalf<'a>,
    /// What the bytes are counted as, beside the sums of all.
    pub(super) account: Account,
    /// Writing failed, and a hole hides that.
    broken: bool,
}

/// What bytes belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Account {
    /// To nothing that is counted apart.
    Other,
    /// To a request, by its number, or to its response.
    Request(usize),
    /// To the event stream that answers a request.
    EventStream(usize),
    /// To a WebSocket, behind the upgrade.
    WebSocket,
}

/// What a cut takes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// This connection.
    Connection,
    /// With a hole, every connection that is open now: what goes up beside an event stream travels on others.
    Neighbours,
}

impl<'a> Outlet<'a> {
    pub(super) const fn new(link: &'a Link, shared: &'a Shared, direction: Direction, to: WriteHalf<'a>) -> Self {
        Self { link, shared, direction, to, account: Account::Other, broken: false }
    }

    /// Waits until what was received at this moment has travelled.
    pub(super) async fn travel(&self, received: Instant) {
        let delay = self.shared.weather.borrow().delay;
        sleep_until(received + delay).await;
    }

    /// Tells the far end that nothing more comes, unless a hole hides that.
    pub(super) async fn finish(&mut self) -> io::Result<()> {
        if self.link.fate().swallows(self.direction) { Ok(()) } else { self.to.shutdown().await }
    }

    /// Shows bytes of a WebSocket or an event stream to the armed trigger, and writes them as far as it lets them pass.
    pub(super) async fn write_judged(&mut self, bytes: &[u8], begins_message: bool, reach: Reach) -> io::Result<()> {
        if self.link.fate().swallows(self.direction) {
            return Ok(());
        }
        if let Some((passing, cut)) = self.shared.judge(self.direction, bytes, begins_message) {
            return self.write_cut(bytes, passing, cut, reach).await;
        }
        self.write(bytes).await?;
        if begins_message && !self.link.fate().swallows(self.direction) {
            self.shared.count(|counters| counters.messages_down += 1);
        }
        Ok(())
    }

    /// Writes so many of the bytes, then cuts.
    pub(super) async fn write_cut(&mut self, bytes: &[u8], passing: usize, cut: Cut, reach: Reach) -> io::Result<()> {
        self.write(&bytes[..passing]).await?;
        match (cut, reach) {
            // The connection's task ends this one at its next poll; nothing more may be written meanwhile.
            (Cut::Close | Cut::Reset, _) => {
                self.link.cut(cut);
                std::future::pending().await
            }
            (Cut::HoleUp | Cut::HoleDown | Cut::HoleBoth, Reach::Connection) => self.link.cut(cut),
            (Cut::HoleUp | Cut::HoleDown | Cut::HoleBoth, Reach::Neighbours) => self.shared.cut(cut),
        }
        self.write(&bytes[passing..]).await
    }

    /// Writes at the line's speed, unless the bytes are swallowed.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut left = bytes;
        while !left.is_empty() {
            if self.broken || self.link.fate().swallows(self.direction) {
                return Ok(());
            }
            let limit = self.shared.weather.borrow().bytes_per_second;
            let piece = limit.map_or(left.len(), |limit| (limit / PIECES_PER_SECOND).max(1) as usize).min(left.len());
            if let Err(error) = self.to.write_all(&left[..piece]).await {
                if self.link.fate().has_hole() {
                    self.broken = true;
                    return Ok(());
                }
                return Err(error);
            }
            left = &left[piece..];
            self.shared.count_bytes(self.direction, self.account, piece as u64);
            if let Some(limit) = limit {
                sleep(Duration::from_secs(1) * u32::try_from(piece).unwrap_or(u32::MAX) / limit.max(1)).await;
            }
        }
        Ok(())
    }
}
