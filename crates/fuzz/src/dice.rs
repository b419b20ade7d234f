//! The only randomness: a seed, unrolled.

use moorline_delivery::Random;

/// Draws everything that one execution needs.
#[derive(Debug, Clone)]
pub struct Dice(Random);

impl Dice {
    /// Starts from a seed: the same seed draws the same.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(Random::new(seed))
    }

    /// The next 64 bits.
    pub const fn next(&mut self) -> u64 {
        self.0.next()
    }

    /// A number from 0 to `below` − 1; 0 when `below` is 0.
    pub const fn below(&mut self, below: usize) -> usize {
        self.0.below(below as u64) as usize
    }

    /// True once in so many times.
    pub const fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of several; `all` must not be empty.
    pub fn one_of<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.below(all.len())]
    }

    /// A place in something of this length, its end included.
    pub const fn place(&mut self, length: usize) -> usize {
        self.below(length + 1)
    }
}
