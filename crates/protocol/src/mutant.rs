//! Deliberately broken variants of the cores, for the simulation to catch.
//!
//! A place that keeps an invariant asks [`is`] whether it is to be broken. Without the feature `mutants` the answer is a
//! constant, and the question leaves no trace in the program.

#[cfg(feature = "mutants")]
mod active {
    use std::cell::Cell;

    thread_local! {
        static ACTIVE: Cell<Option<&'static str>> = const { Cell::new(None) };
    }

    /// Breaks this variant on this thread from now on; none = none.
    pub fn set(name: Option<&'static str>) {
        ACTIVE.set(name);
    }

    /// Whether this variant is broken on this thread.
    #[must_use]
    pub fn is(name: &str) -> bool {
        ACTIVE.get() == Some(name)
    }
}

#[cfg(feature = "mutants")]
pub use active::{is, set};

/// Whether this variant is broken: never, in a build without the feature `mutants`.
#[cfg(not(feature = "mutants"))]
#[inline(always)]
#[must_use]
pub const fn is(_name: &str) -> bool {
    false
}
