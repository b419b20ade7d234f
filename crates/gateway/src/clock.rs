//! The two clocks, read in one place.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use moorline_protocol::{Millis, WallTime};
use moorline_session::Now;

/// A monotonic clock that starts at 1 ms.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// The monotonic time.
    pub(crate) fn monotonic(&self) -> Millis {
        Millis(u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1))
    }

    /// Both times.
    pub(crate) fn now(&self) -> Now {
        Now { monotonic: self.monotonic(), wall: wall() }
    }

    /// When a wall time is reached, as tokio's timers understand it, by what the wall clock says now.
    pub(crate) fn instant_of(&self, wall_time: WallTime) -> tokio::time::Instant {
        self.instant(self.monotonic() + Millis(wall_time.saturating_sub(wall())))
    }

    /// When a monotonic time is reached, as tokio's timers understand it.
    ///
    /// [`Clock::monotonic`] runs one millisecond ahead of it, so that a timer never fires before its deadline.
    pub(crate) fn instant(&self, at: Millis) -> tokio::time::Instant {
        // A century is never, and far from what an `Instant` overflows at.
        const NEVER: u64 = 100 * 365 * 24 * 3_600 * 1_000;
        (self.start + Duration::from_millis(at.0.min(NEVER))).into()
    }
}

/// The wall clock, in milliseconds since 1970.
pub(crate) fn wall() -> WallTime {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX)
}
