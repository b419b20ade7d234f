//! One clock for all that shows how long something takes.

use std::cell::RefCell;

use gloo_timers::callback::Interval;
use leptos::prelude::*;

const TICK_MS: u32 = 1_000;

struct Clock {
    now: ArcRwSignal<u64>,
    readers: usize,
    _interval: Interval,
}

thread_local! {
    static CLOCK: RefCell<Option<Clock>> = const { RefCell::new(None) };
}

/// This device's time in milliseconds since 1970, every second. The clock runs while a view that asked for it lives.
pub(super) fn now() -> ArcRwSignal<u64> {
    on_cleanup(|| {
        CLOCK.with_borrow_mut(|clock| {
            drop(clock.take_if(|clock| {
                clock.readers -= 1;
                clock.readers == 0
            }));
        });
    });
    CLOCK.with_borrow_mut(|clock| {
        let clock = clock.get_or_insert_with(Clock::start);
        clock.readers += 1;
        clock.now.clone()
    })
}

impl Clock {
    fn start() -> Self {
        let now = ArcRwSignal::new(device_time());
        let ticking = now.clone();
        Self { now, readers: 0, _interval: Interval::new(TICK_MS, move || ticking.set(device_time())) }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "milliseconds since 1970")]
fn device_time() -> u64 {
    js_sys::Date::now() as u64
}
