//! How long a start waits behind deaths and failed starts.

use std::time::Duration;

/// The longest wait is this many times the first one.
const MOST: u32 = 60;

/// Waits that double with each failure in a row.
#[derive(Debug)]
pub(super) struct Backoff {
    first: Duration,
    failures: u32,
}

impl Backoff {
    pub(super) const fn new(first: Duration) -> Self {
        Self { first, failures: 0 }
    }

    /// One more failure: the wait behind it.
    pub(super) fn failed(&mut self) -> Duration {
        let times = 1_u32.checked_shl(self.failures).unwrap_or(MOST).min(MOST);
        self.failures = self.failures.saturating_add(1);
        self.first * times
    }

    /// The agent ended a turn by itself, or somebody wants to wait no more.
    pub(super) const fn forget(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_in_a_row_doubles_the_wait_up_to_sixty_times_the_first() {
        let mut backoff = Backoff::new(Duration::from_secs(1));
        let waits: Vec<u64> = (0..40).map(|_| backoff.failed().as_secs()).collect();
        assert_eq!(waits[..8], [1, 2, 4, 8, 16, 32, 60, 60]);
        assert!(waits[8..].iter().all(|wait| *wait == 60), "{waits:?}");
        backoff.forget();
        assert_eq!(backoff.failed(), Duration::from_secs(1));
    }
}
