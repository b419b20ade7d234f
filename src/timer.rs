//! The browser's timers, each of one type: every type of closure that one is given is paid for in bytes on every page load.

use gloo_timers::callback::{Interval, Timeout};

/// Does something once, after so many milliseconds, unless what it gives is dropped before.
pub(crate) fn after(ms: u32, act: impl FnOnce() + 'static) -> Timeout {
    let act: Box<dyn FnOnce()> = Box::new(act);
    Timeout::new(ms, act)
}

/// Does something every so many milliseconds, until what it gives is dropped.
pub(crate) fn every(ms: u32, act: impl FnMut() + 'static) -> Interval {
    let act: Box<dyn FnMut()> = Box::new(act);
    Interval::new(ms, act)
}
