//! Chance that repeats itself.

/// A splitmix64 generator.
#[derive(Debug)]
pub(super) struct Random(u64);

impl Random {
    /// Begins anew for a turn: the agent's seed, the turn's number and its message decide everything.
    pub(super) fn new(seed: u64, turn: u64, message: &str) -> Self {
        let mut random = Self(seed ^ turn.rotate_left(32));
        for byte in message.bytes() {
            random.0 = random.next() ^ u64::from(byte);
        }
        random
    }

    pub(super) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 up to, and without, `end`; 0 for an end of 0.
    pub(super) fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % end).unwrap_or_default()
    }

    /// One of a list.
    pub(super) fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        let n = self.below(list.len());
        list.get(n).copied().unwrap_or_default()
    }
}
