//! The only randomness of the core: a seed, unrolled.

use moorline_protocol::Millis;

/// A splitmix64 generator (Steele, Lea and Flood, 2014). Good enough for jitter and for ids whose seed is secret.
#[derive(Debug, Clone)]
pub struct Random {
    state: u64,
}

impl Random {
    /// Starts from a seed: the same seed gives the same numbers.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next 64 bits.
    pub const fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// The next 128 bits.
    pub fn wide(&mut self) -> u128 {
        u128::from(self.next()) << 64 | u128::from(self.next())
    }

    /// A number from 0 to `below` − 1; 0 when `below` is 0.
    pub const fn below(&mut self, below: u64) -> u64 {
        if below == 0 { 0 } else { self.next() % below }
    }

    /// A time from `low` to `high`, both included.
    pub fn between(&mut self, low: Millis, high: Millis) -> Millis {
        low + Millis(self.below(high.0.saturating_sub(low.0).saturating_add(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_between_the_two_ends_of_all_time_is_drawn_like_any_other() {
        let mut random = Random::new(1);
        let all = Millis(u64::MAX);
        assert!((0..100).any(|_| random.between(Millis::ZERO, all) > Millis(u64::MAX / 2)));
        assert_eq!(random.between(all, all), all);
        assert_eq!(random.between(all, Millis::ZERO), all, "there is nothing between an end and a beginning");
    }
}
