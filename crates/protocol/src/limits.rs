//! Every timing and limit that one end tells the other in `welcome`.

use std::ops::{Add, AddAssign, Sub};

use serde::{Deserialize, Serialize};

use crate::record;

/// A monotonic time or a duration, in milliseconds. It cannot read a clock: whoever has one passes it in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(pub u64);

impl Millis {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// The time since `earlier`; zero when that is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Self {
        Self(self.0.saturating_sub(earlier.0))
    }

    /// This duration times a fraction.
    #[must_use]
    pub const fn scaled(self, numerator: u64, denominator: u64) -> Self {
        Self(self.0.saturating_mul(numerator) / denominator)
    }
}

impl Add for Millis {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Millis {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Millis {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self.since(other)
    }
}

/// A wall-clock time as one machine tells it: milliseconds since 1970. For display only; no decision compares two of them.
pub type WallTime = u64;

/// Timings of a connection. Serialized in milliseconds; a missing one takes its default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Timings {
    /// Between two pings. Default 15 s.
    pub ping: Millis,
    /// Silence after which a connection is given up. Default 37.5 s: 2.5 pings.
    pub silence: Millis,
    /// The answer to a ping sent on a suspicion (page visible again, network back) must come within. Default 2 s.
    pub probe: Millis,
    /// From starting to connect until the connection stands, and again from there until `welcome`. Default 5 s.
    pub connect: Millis,
    /// From `attach` until its answer. Default 10 s.
    pub attach: Millis,
    /// From a send until its receipt. Default 15 s.
    pub receipt: Millis,
    /// Between two acks, when a cursor advanced. Default 5 s.
    pub ack: Millis,
    /// The head is ahead for this long with nothing arriving: attach again. Default 2 s.
    pub head_ahead: Millis,
    /// The first reconnect waits a random part of this. Default 0.5 s.
    pub backoff_min: Millis,
    /// No reconnect waits longer than this. Default 30 s.
    pub backoff_max: Millis,
    /// A connection this old resets the backoff. Default 15 s.
    pub stable: Millis,
    /// Before the second attempt of a send, times 0.5 to 1.5. Default 1 s.
    pub retry_first: Millis,
    /// Before the third attempt of a send, times 0.5 to 1.5. Default 5 s.
    pub retry_second: Millis,
    /// A `retry_after` above this is cut to it. Default 10 min.
    pub retry_after_max: Millis,
    /// On SSE, between two looks whether a WebSocket works again. Default 10 min.
    pub upgrade: Millis,
}

record!(default Timings { ping, silence, probe, connect, attach, receipt, ack, head_ahead, backoff_min, backoff_max, stable, retry_first, retry_second, retry_after_max, upgrade });

impl Default for Timings {
    fn default() -> Self {
        Self {
            ping: Millis(15_000),
            silence: Millis(37_500),
            probe: Millis(2_000),
            connect: Millis(5_000),
            attach: Millis(10_000),
            receipt: Millis(15_000),
            ack: Millis(5_000),
            head_ahead: Millis(2_000),
            backoff_min: Millis(500),
            backoff_max: Millis(30_000),
            stable: Millis(15_000),
            retry_first: Millis(1_000),
            retry_second: Millis(5_000),
            retry_after_max: Millis(600_000),
            upgrade: Millis(600_000),
        }
    }
}

impl Timings {
    /// The same timings, each divided by `factor`: tests run the real code that much faster.
    ///
    /// No timing falls below 1 ms.
    #[must_use]
    pub fn divided(&self, factor: u64) -> Self {
        let part = |t: Millis| Millis((t.0 / factor.max(1)).max(1));
        Self {
            ping: part(self.ping),
            silence: part(self.silence),
            probe: part(self.probe),
            connect: part(self.connect),
            attach: part(self.attach),
            receipt: part(self.receipt),
            ack: part(self.ack),
            head_ahead: part(self.head_ahead),
            backoff_min: part(self.backoff_min),
            backoff_max: part(self.backoff_max),
            stable: part(self.stable),
            retry_first: part(self.retry_first),
            retry_second: part(self.retry_second),
            retry_after_max: part(self.retry_after_max),
            upgrade: part(self.upgrade),
        }
    }
}

/// Limits in force on a gateway. A missing one takes its default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Bytes of one encoded frame down. Default 16 KiB.
    pub frame_bytes: usize,
    /// Bytes of one event's body. Default 12 KiB; longer text is split.
    pub event_bytes: usize,
    /// Bytes of one send, encoded. Default 256 KiB.
    pub send_bytes: usize,
    /// Bytes delivered on a connection and not yet acked. Default 512 KiB.
    pub credit_bytes: usize,
    /// Events that a replay may have; beyond it a snapshot is sent. Default 200.
    pub replay_events: u64,
    /// Turns of a snapshot at most. Default 50.
    pub snapshot_turns: usize,
    /// Encoded bytes of a snapshot at most. Default 512 KiB.
    pub snapshot_bytes: usize,
    /// Blocks of a page at most. Default 200.
    pub page_blocks: usize,
    /// Bytes of one block's text that a snapshot or page carries: its tail. Default 256 KiB.
    pub text_bytes: usize,
    /// Sends in the tab's outbox. Default 100.
    pub outbox_sends: usize,
    /// Bytes in the tab's outbox. Default 1 MiB.
    pub outbox_bytes: usize,
    /// Real tries of one send on the network. Default 3.
    pub attempts: u32,
    /// Sessions attached at once on a connection. Default 16.
    pub attaches: usize,
    /// Messages that wait in one session. Default 100.
    pub queue: usize,
}

record!(default Limits { frame_bytes, event_bytes, send_bytes, credit_bytes, replay_events, snapshot_turns, snapshot_bytes, page_blocks, text_bytes, outbox_sends, outbox_bytes, attempts, attaches, queue });

impl Default for Limits {
    fn default() -> Self {
        Self {
            frame_bytes: 16 << 10,
            event_bytes: 12 << 10,
            send_bytes: 256 << 10,
            credit_bytes: 512 << 10,
            replay_events: 200,
            snapshot_turns: 50,
            snapshot_bytes: 512 << 10,
            page_blocks: 200,
            text_bytes: 256 << 10,
            outbox_sends: 100,
            outbox_bytes: 1 << 20,
            attempts: 3,
            attaches: 16,
            queue: 100,
        }
    }
}
