//! Time: sleep is noticed, one timer is armed, and a deadline passes by the clock, not by a timer.

#![cfg(target_family = "wasm")]

#[path = "support/browser.rs"]
mod browser;
#[path = "support/page.rs"]
mod page;

use std::{cell::Cell, rc::Rc};

use browser::{Fakes, until};
use moorline::transport::{Alarm, Clock};
use moorline_delivery::LinkStatus;
use moorline_protocol::Millis;
use page::{Page, count, events};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

fn alarm() -> (Alarm, Rc<Cell<usize>>) {
    let rings = Rc::new(Cell::new(0));
    let counted = Rc::clone(&rings);
    (Alarm::new(move || counted.set(counted.get() + 1)), rings)
}

#[wasm_bindgen_test]
fn sleep_is_noticed_once() {
    let _fakes = Fakes::install();
    let clock = Clock::start();
    assert!(!clock.read().slept);
    browser::pass(10.0, 3_500.0);
    assert!(clock.read().slept, "the wall clock went on while the monotonic one stood still");
    assert!(!clock.read().slept);
}

#[wasm_bindgen_test]
fn a_long_pause_without_drift_is_no_sleep() {
    let _fakes = Fakes::install();
    let clock = Clock::start();
    let before = clock.read().now;
    browser::pass(60_000.0, 60_000.0);
    let reading = clock.read();
    assert!(!reading.slept);
    assert!(reading.now.since(before) >= Millis(60_000));
}

#[wasm_bindgen_test]
fn a_small_correction_of_the_wall_clock_is_no_sleep() {
    let _fakes = Fakes::install();
    let clock = Clock::start();
    browser::pass(0.0, 2_500.0);
    assert!(!clock.read().slept);
    browser::pass(0.0, -2_500.0);
    assert!(!clock.read().slept);
}

#[wasm_bindgen_test]
fn the_monotonic_time_ignores_the_wall_clock() {
    let _fakes = Fakes::install();
    let before = Clock::now();
    browser::pass(0.0, -1e9);
    assert!(Clock::now().since(before) < Millis(1_000));
    assert!(Clock::now() >= before);
}

#[wasm_bindgen_test]
fn one_timer_is_armed_however_often_the_deadline_is_set() {
    let _fakes = Fakes::install();
    browser::install_timers();
    let (alarm, _) = alarm();
    for now in 0..100 {
        alarm.set(Millis(now), Some(Millis(1_000)));
    }
    assert_eq!((browser::timers_armed(), browser::timers_pending()), (1, 1));
    assert!((browser::timer_delay() - 1_000.0).abs() < 0.5);
}

#[wasm_bindgen_test]
fn a_moved_deadline_replaces_the_timer() {
    let _fakes = Fakes::install();
    browser::install_timers();
    let (alarm, rings) = alarm();
    alarm.set(Millis(0), Some(Millis(1_000)));
    alarm.set(Millis(0), Some(Millis(400)));
    assert_eq!(browser::timers_pending(), 1);
    assert!((browser::timer_delay() - 400.0).abs() < 0.5);
    browser::fire_timers();
    assert_eq!(rings.get(), 1);
}

#[wasm_bindgen_test]
fn an_alarm_that_rang_can_be_set_for_the_same_deadline_again() {
    let _fakes = Fakes::install();
    browser::install_timers();
    let (alarm, rings) = alarm();
    alarm.set(Millis(0), Some(Millis(1_000)));
    browser::fire_timers();
    alarm.set(Millis(999), Some(Millis(1_000)));
    assert_eq!(browser::timers_pending(), 1, "the timer was early: the deadline has not passed");
    browser::fire_timers();
    assert_eq!(rings.get(), 2);
}

#[wasm_bindgen_test]
fn no_deadline_and_no_alarm_leave_no_timer() {
    let _fakes = Fakes::install();
    browser::install_timers();
    let (first, _) = alarm();
    first.set(Millis(0), Some(Millis(1_000)));
    first.set(Millis(0), None);
    assert_eq!(browser::timers_pending(), 0);
    first.set(Millis(0), Some(Millis(1_000)));
    drop(first);
    assert_eq!(browser::timers_pending(), 0);
}

#[wasm_bindgen_test]
fn a_deadline_beyond_what_a_timer_can_hold_is_reached_in_steps() {
    let _fakes = Fakes::install();
    browser::install_timers();
    let (alarm, _) = alarm();
    alarm.set(Millis(0), Some(Millis(u64::MAX)));
    assert!((browser::timer_delay() - f64::from(i32::MAX)).abs() < 0.5);
    alarm.set(Millis(500), Some(Millis(100)));
    assert!(browser::timer_delay().abs() < 0.5, "a deadline in the past is at once");
}

#[wasm_bindgen_test]
async fn an_early_timer_expires_nothing() {
    let fakes = Fakes::install();
    browser::install_timers();
    let page = Page::load(fakes);
    until("a socket is opened", || browser::socket_count() == 1).await;
    until("the connect deadline is armed", || browser::timers_pending() == 1).await;
    browser::fire_timers();
    until("the timer is armed again", || browser::timers_pending() == 1).await;
    assert_eq!(page.transport.link_status(), LinkStatus::Connecting);
}

#[wasm_bindgen_test]
async fn a_timer_that_never_fires_does_not_hold_up_an_ack() {
    let page = Page::ready().await;
    page.attach(0).await;
    // From here on no timer fires, as it may be in a hidden page.
    browser::hide();
    browser::install_timers();
    page.tell(0, events([1]));
    until("the event is applied", || page.sink.applied.get() == 1).await;
    let acks = count(0, "ack");
    browser::pass(100.0, 100.0);
    page.tell(0, events([2]));
    until("the next message brings the ack that is due", || count(0, "ack") == acks + 1).await;
    browser::reveal();
}

#[wasm_bindgen_test]
async fn a_connect_timeout_passes_by_the_clock() {
    let fakes = Fakes::install();
    browser::install_timers();
    let page = Page::load(fakes);
    until("a socket is opened", || browser::socket_count() == 1).await;
    browser::pass(5_001.0, 5_001.0);
    // Any input looks at the clock first.
    page.transport.show(&page::session());
    assert_eq!(browser::socket_handlers(0), 0);
    until("nobody answers why", || matches!(page.transport.link_status(), LinkStatus::Waiting { .. })).await;
}

#[wasm_bindgen_test]
async fn after_a_sleep_the_connection_is_probed_and_given_up_after_2_s_of_silence() {
    let page = Page::ready().await;
    let before = count(0, "ping");
    browser::pass(20.0, 10_000.0);
    page.transport.show(&page::session());
    assert_eq!(count(0, "ping"), before + 1);
    assert_eq!(page.transport.link_status(), LinkStatus::Ready);

    browser::pass(2_001.0, 2_001.0);
    page.transport.show(&page::session());
    assert_ne!(page.transport.link_status(), LinkStatus::Ready);
}
