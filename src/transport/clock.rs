//! Time: a monotonic clock that notices sleep, and the one armed timer.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use gloo_timers::callback::Timeout;
use js_sys::Promise;
use moorline_protocol::Millis;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;

use crate::timer::after;

/// Wall clock and monotonic clock may drift this far apart before it counts as sleep.
const SLEPT_MS: f64 = 3_000.0;

/// The longest delay that `setTimeout` takes; a longer one would fire at once.
const LONGEST_DELAY_MS: u64 = i32::MAX as u64;

/// The page's monotonic clock, `performance.now()`, held against the wall clock.
///
/// The monotonic clock may stand still while the machine sleeps; the wall clock does not.
#[derive(Debug)]
pub struct Clock {
    drift_ms: Cell<f64>,
}

/// One look at the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// The monotonic time.
    pub now: Millis,
    /// Since the last look the wall clock went over 3 s further (or less far) than the monotonic one: the machine slept.
    pub slept: bool,
}

impl Clock {
    /// Begins to watch.
    #[must_use]
    pub fn start() -> Self {
        Self { drift_ms: Cell::new(drift_ms()) }
    }

    /// Looks at both clocks.
    #[must_use]
    pub fn read(&self) -> Reading {
        let drift = drift_ms();
        let slept = (drift - self.drift_ms.replace(drift)).abs() > SLEPT_MS;
        Reading { now: Self::now(), slept }
    }

    /// The monotonic time alone.
    #[must_use]
    pub fn now() -> Millis {
        Millis(monotonic_ms() as u64)
    }
}

/// Milliseconds since the page was opened, with their fraction.
pub(super) fn monotonic_ms() -> f64 {
    web_sys::window().and_then(|window| window.performance()).map_or_else(js_sys::Date::now, |performance| performance.now())
}

/// Waits, for what no decision of the core hangs on.
pub(super) async fn pause(ms: u32) {
    let mut timeout = None;
    let passed = Promise::new(&mut |resolve, _| {
        timeout = Some(after(ms, move || {
            // Settles a promise, which never throws.
            let _ = resolve.call0(&JsValue::UNDEFINED);
        }));
    });
    let _ = JsFuture::from(passed).await;
}

fn drift_ms() -> f64 {
    js_sys::Date::now() - monotonic_ms()
}

/// At most one armed timer, moved only when the deadline moved.
///
/// Its ring means "look at the clock"; it says nothing about which deadline has passed.
pub struct Alarm {
    armed: Rc<RefCell<Option<Armed>>>,
    ring: Rc<dyn Fn()>,
}

struct Armed {
    at: Millis,
    _timeout: Timeout,
}

impl Alarm {
    /// Makes an alarm that is not armed.
    pub fn new(ring: impl Fn() + 'static) -> Self {
        Self { armed: Rc::default(), ring: Rc::new(ring) }
    }

    /// Arms the timer for a deadline, leaves it when it is armed for just that, disarms it when there is none.
    pub fn set(&self, now: Millis, deadline: Option<Millis>) {
        let Some(at) = deadline else {
            self.armed.take();
            return;
        };
        if self.armed.borrow().as_ref().is_some_and(|armed| armed.at == at) {
            return;
        }
        let armed = Rc::downgrade(&self.armed);
        let ring = Rc::clone(&self.ring);
        let delay_ms = at.since(now).0.min(LONGEST_DELAY_MS) as u32;
        let timeout = after(delay_ms, move || {
            if let Some(armed) = armed.upgrade() {
                armed.take();
                ring();
            }
        });
        self.armed.replace(Some(Armed { at, _timeout: timeout }));
    }
}
