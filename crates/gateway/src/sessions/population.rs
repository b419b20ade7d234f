//! How many sessions there are.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// The sessions of a store that are not deleted, counted.
#[derive(Debug)]
pub(crate) struct Population {
    most: usize,
    count: AtomicUsize,
}

impl Population {
    pub(crate) fn new(most: usize, count: usize) -> Arc<Self> {
        Arc::new(Self { most, count: AtomicUsize::new(count) })
    }

    pub(crate) const fn most(&self) -> usize {
        self.most
    }

    /// Takes a place for a session that is about to be made; none when there is no room.
    pub(crate) fn enter(self: &Arc<Self>) -> Option<Resident> {
        let room = |count: usize| (count < self.most).then_some(count + 1);
        self.count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room).ok()?;
        Some(Resident(Some(Arc::clone(self))))
    }

    /// A session was deleted.
    pub(crate) fn leave(&self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A place, given up again when it is dropped before the session is made.
#[derive(Debug)]
pub(crate) struct Resident(Option<Arc<Population>>);

impl Resident {
    /// The session is made.
    pub(crate) fn stay(mut self) {
        self.0 = None;
    }
}

impl Drop for Resident {
    fn drop(&mut self) {
        if let Some(population) = &self.0 {
            population.leave();
        }
    }
}
