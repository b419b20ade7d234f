//! A line between a tab and the gateway: two pipes that keep their order, until they do not keep anything.

use moorline_delivery::{LinkId, Random, Transport};
use moorline_protocol::Millis;

/// What a sender may have on its way before it has to wait, as a socket's buffer would make it.
const BUFFER_BYTES: usize = 64 << 10;

/// How a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quality {
    /// One way.
    pub latency: Millis,
    /// Up to this much more, drawn for each frame.
    pub jitter: Millis,
    /// Bytes a second; 0 = without limit.
    pub bytes_per_second: u64,
}

/// One direction of a line.
#[derive(Debug)]
pub(crate) struct Pipe {
    quality: Quality,
    /// When the last frame arrives: later ones arrive no earlier.
    last_arrival: Millis,
    /// Swallows what goes in, as a dead route does.
    pub(crate) is_hole: bool,
    /// Bytes on their way.
    in_flight: usize,
    /// Bytes swallowed.
    pub(crate) swallowed: usize,
}

/// A line, from the tab's first attempt on.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) tab: usize,
    pub(crate) link: LinkId,
    pub(crate) transport: Transport,
    pub(crate) up: Pipe,
    pub(crate) down: Pipe,
    /// The tab's end is open, or opening.
    pub(crate) at_tab: bool,
    /// The gateway's end is open.
    pub(crate) at_gateway: bool,
}

impl Pipe {
    pub(crate) const fn new(quality: Quality) -> Self {
        Self { quality, last_arrival: Millis::ZERO, is_hole: false, in_flight: 0, swallowed: 0 }
    }

    /// Puts a frame in; answers when it arrives, or nothing when it is swallowed.
    pub(crate) fn put(&mut self, now: Millis, bytes: usize, random: &mut Random) -> Option<Millis> {
        if self.is_hole {
            self.swallowed += bytes;
            return None;
        }
        let transfer = (bytes as u64 * 1000).checked_div(self.quality.bytes_per_second).unwrap_or(0);
        let jitter = random.below(self.quality.jitter.0 + 1);
        let arrival = (now + self.quality.latency + Millis(jitter)).max(self.last_arrival + Millis(transfer));
        self.last_arrival = arrival;
        self.in_flight += bytes;
        Some(arrival)
    }

    pub(crate) const fn taken(&mut self, bytes: usize) {
        self.in_flight = self.in_flight.saturating_sub(bytes);
    }

    pub(crate) const fn is_full(&self) -> bool {
        self.in_flight >= BUFFER_BYTES
    }
}
