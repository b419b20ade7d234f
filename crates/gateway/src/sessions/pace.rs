//! How fast a session takes in what its agent tells: an agent that floods waits, and not the other sessions.

use std::time::Duration;

use tokio::time::Instant;

/// So much may come within one window, in bytes; at least one report always may.
const QUOTA: usize = 64 << 10;

/// Nobody reads 8 MiB a second. Longer windows would make commits so large that others feel each of them.
const WINDOW: Duration = Duration::from_millis(8);

/// What a report takes beyond its text.
const REPORT_BYTES: usize = 16;

/// What a session took in since its window began.
pub(super) struct Pace {
    began: Instant,
    taken: usize,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self { began: now, taken: 0 }
    }

    /// Counts a report that brings so much text, in bytes.
    pub(super) fn take(&mut self, now: Instant, bytes: usize) {
        if now >= self.began + WINDOW {
            *self = Self::new(now);
        }
        self.taken += bytes + REPORT_BYTES;
    }

    /// When the next report may come; none = now.
    pub(super) fn rests_until(&self, now: Instant) -> Option<Instant> {
        let end = self.began + WINDOW;
        (self.taken >= QUOTA && now < end).then_some(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_waits_for_its_window_and_a_trickle_never() {
        let began = Instant::now();
        let mut pace = Pace::new(began);
        let mut now = began;
        let mut taken = 0;
        while now < began + Duration::from_secs(1) {
            match pace.rests_until(now) {
                Some(end) => now = end,
                None => {
                    pace.take(now, 1_000);
                    taken += 1_000;
                }
            }
        }
        let most = (1_000 / WINDOW.as_millis() as usize + 1) * (QUOTA + 1_000);
        assert!((most / 2..=most).contains(&taken), "{taken} bytes in a second, of at most {most}");

        let mut pace = Pace::new(began);
        for at in 0..1_000 {
            let now = began + Duration::from_millis(at);
            pace.take(now, 1_000);
            assert_eq!(pace.rests_until(now), None, "a thousand reports a second wait");
        }
    }

    #[test]
    fn one_report_may_be_larger_than_the_quota() {
        let began = Instant::now();
        let mut pace = Pace::new(began);
        assert_eq!(pace.rests_until(began), None);
        pace.take(began, 8 << 20);
        assert_eq!(pace.rests_until(began), Some(began + WINDOW));
        assert_eq!(pace.rests_until(began + WINDOW), None);
    }
}
