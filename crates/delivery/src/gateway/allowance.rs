//! How often somebody may do something.

use std::collections::BTreeMap;

use moorline_protocol::{ClientId, Millis};

/// Clients whose bucket is kept; beyond it the fullest is forgotten. One that is full is as good as none, and not kept.
const KEPT: usize = 10_000;

/// Seconds' worth of something that may be done at once, after a pause.
const BURST_SECONDS: u64 = 5;

/// How often something may be done, and how much of it at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// The time for which one of it stands, in microseconds.
    one: u64,
    burst: u64,
}

impl Rate {
    /// So many a second, and five seconds' worth at once.
    #[must_use]
    pub const fn per_second(n: u32) -> Self {
        let n = if n == 0 { 1 } else { n as u64 };
        Self { one: 1_000_000_u64.div_ceil(n), burst: n * BURST_SECONDS }
    }

    /// So many a minute, all of them at once if need be.
    #[must_use]
    pub const fn per_minute(n: u32) -> Self {
        let n = if n == 0 { 1 } else { n as u64 };
        Self { one: 60_000_000_u64.div_ceil(n), burst: n }
    }

    /// How much of it may be done at once.
    #[must_use]
    pub const fn burst(self) -> u64 {
        self.burst
    }
}

/// What is left of a [`Rate`]: a token bucket, kept as the time at which it is full again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bucket {
    /// In microseconds.
    full_at: u64,
}

impl Bucket {
    /// How long it takes until one can be taken; nothing when one can be taken now.
    #[must_use]
    pub const fn wait(&self, now: Millis, rate: Rate) -> Option<Millis> {
        let now = now.0.saturating_mul(1_000);
        let missing = self.full_at.saturating_sub(now).saturating_add(rate.one);
        match missing.saturating_sub(rate.one.saturating_mul(rate.burst)) {
            0 => None,
            wait => Some(Millis(wait.div_ceil(1_000))),
        }
    }

    /// Takes one.
    ///
    /// # Errors
    /// How long it takes until there is one.
    pub fn take(&mut self, now: Millis, rate: Rate) -> Result<(), Millis> {
        if let Some(wait) = self.wait(now, rate) {
            return Err(wait);
        }
        self.full_at = self.full_at.max(now.0.saturating_mul(1_000)).saturating_add(rate.one);
        Ok(())
    }
}

/// What is left for each client, over all of its connections: a new one brings nothing new.
#[derive(Debug)]
pub struct Allowances {
    rate: Rate,
    by_client: BTreeMap<ClientId, Bucket>,
}

impl Allowances {
    /// Everybody may do this much.
    #[must_use]
    pub const fn new(rate: Rate) -> Self {
        Self { rate, by_client: BTreeMap::new() }
    }

    /// A client does it once.
    ///
    /// # Errors
    /// How long it takes until it may.
    pub fn take(&mut self, now: Millis, client: &ClientId) -> Result<(), Millis> {
        if let Some(bucket) = self.by_client.get_mut(client) {
            return bucket.take(now, self.rate);
        }
        if self.by_client.len() >= KEPT {
            self.make_room(now);
        }
        self.by_client.entry(client.clone()).or_default().take(now, self.rate)
    }

    fn make_room(&mut self, now: Millis) {
        self.by_client.retain(|_, bucket| bucket.full_at > now.0.saturating_mul(1_000));
        while self.by_client.len() >= KEPT {
            let fullest = self.by_client.iter().min_by_key(|(_, bucket)| bucket.full_at).map(|(client, _)| client.clone());
            fullest.map(|client| self.by_client.remove(&client));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(n: usize) -> ClientId {
        ClientId::parse(&format!("c{n}")).expect("an id")
    }

    #[test]
    fn five_seconds_worth_goes_at_once_and_then_one_at_each_tick() {
        let (mut bucket, rate) = (Bucket::default(), Rate::per_second(20));
        let at = |ms: u64| Millis(1_000_000 + ms);
        assert!((0..100).all(|_| bucket.take(at(0), rate).is_ok()));
        assert_eq!(bucket.take(at(0), rate), Err(Millis(50)));
        assert_eq!(bucket.take(at(49), rate), Err(Millis(1)), "the time told is exact");
        assert_eq!(bucket.take(at(50), rate), Ok(()));
        assert_eq!(bucket.take(at(50), rate), Err(Millis(50)));
        assert!((0..100).all(|_| bucket.take(at(5_050), rate).is_ok()), "it is full again");
        assert_eq!(bucket.take(at(5_050), rate), Err(Millis(50)), "and never more than full");
    }

    #[test]
    fn a_refusal_costs_nothing() {
        let (mut bucket, rate) = (Bucket::default(), Rate::per_minute(3));
        assert!((0..3).all(|_| bucket.take(Millis(1), rate).is_ok()));
        for ms in (1..20_000).step_by(100) {
            assert_eq!(bucket.take(Millis(ms), rate), Err(Millis(20_001 - ms)));
        }
        assert_eq!(bucket.take(Millis(20_001), rate), Ok(()));
    }

    #[test]
    fn whoever_waits_as_told_is_served_at_any_rate() {
        for n in [1, 3, 7, 20, 999, u32::MAX] {
            let (mut bucket, rate, mut now) = (Bucket::default(), Rate::per_second(n), Millis(1));
            for _ in 0..1_000 {
                if let Err(wait) = bucket.take(now, rate) {
                    now += wait;
                    assert_eq!(bucket.take(now, rate), Ok(()), "{n}");
                }
            }
        }
    }

    #[test]
    fn clients_do_not_share_and_a_new_one_costs_nobody_anything() {
        let mut allowances = Allowances::new(Rate::per_second(1));
        assert!((0..5).all(|_| allowances.take(Millis(1), &client(0)).is_ok()));
        assert!(allowances.take(Millis(1), &client(0)).is_err());
        assert!(allowances.take(Millis(1), &client(1)).is_ok());
    }

    #[test]
    fn names_without_end_take_bounded_memory_and_free_nobody_who_sends_much() {
        let mut allowances = Allowances::new(Rate::per_second(1));
        assert!((0..5).all(|_| allowances.take(Millis(1), &client(0)).is_ok()));
        for n in 1..KEPT + 100 {
            assert!(allowances.take(Millis(1), &client(n)).is_ok());
        }
        assert_eq!(allowances.by_client.len(), KEPT);
        assert!(allowances.take(Millis(1), &client(0)).is_err(), "the emptiest is kept");
        assert!(allowances.take(Millis(1_001), &client(KEPT + 200)).is_ok());
        assert!(allowances.by_client.len() < 10, "what is full again is forgotten");
    }
}
