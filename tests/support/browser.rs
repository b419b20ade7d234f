//! What `browser.js` fakes, as functions. Dropping the [`Fakes`] puts the browser's own back.

#![allow(dead_code, reason = "every test binary uses its own part")]

use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen(module = "/tests/support/browser.js")]
extern "C" {
    fn restore();
    pub(crate) async fn turn();
    #[wasm_bindgen(js_name = realNow)]
    pub(crate) fn real_now() -> f64;

    #[wasm_bindgen(js_name = installSocket)]
    fn install_socket();
    #[wasm_bindgen(js_name = socketCount)]
    pub(crate) fn socket_count() -> usize;
    #[wasm_bindgen(js_name = socketUrl)]
    pub(crate) fn socket_url(i: usize) -> String;
    #[wasm_bindgen(js_name = socketProtocol)]
    pub(crate) fn socket_protocol(i: usize) -> String;
    #[wasm_bindgen(js_name = socketSent)]
    pub(crate) fn socket_sent(i: usize) -> Vec<String>;
    #[wasm_bindgen(js_name = socketKeysWhenSent)]
    pub(crate) fn socket_keys_when_sent(i: usize, n: usize) -> String;
    #[wasm_bindgen(js_name = socketCloseCalls)]
    pub(crate) fn socket_close_calls(i: usize) -> usize;
    #[wasm_bindgen(js_name = socketHandlers)]
    pub(crate) fn socket_handlers(i: usize) -> usize;
    #[wasm_bindgen(js_name = socketState)]
    pub(crate) fn socket_state(i: usize, state: u16);
    #[wasm_bindgen(js_name = socketOpen)]
    pub(crate) fn socket_open(i: usize);
    #[wasm_bindgen(js_name = socketText)]
    pub(crate) fn socket_text(i: usize, text: &str);
    #[wasm_bindgen(js_name = socketBinary)]
    pub(crate) fn socket_binary(i: usize);
    #[wasm_bindgen(js_name = socketError)]
    pub(crate) fn socket_error(i: usize);
    #[wasm_bindgen(js_name = socketClose)]
    pub(crate) fn socket_close(i: usize);

    #[wasm_bindgen(js_name = installFetch)]
    fn install_fetch();
    #[wasm_bindgen(js_name = answerFetch)]
    pub(crate) fn answer_fetch(part: &str, status: u16, kind: &str, body: &str);
    pub(crate) fn fetched() -> Vec<String>;

    #[wasm_bindgen(js_name = installClock)]
    fn install_clock();
    pub(crate) fn pass(monotonic_ms: f64, wall_ms: f64);
    #[wasm_bindgen(js_name = installTimers)]
    pub(crate) fn install_timers();
    #[wasm_bindgen(js_name = timersPending)]
    pub(crate) fn timers_pending() -> usize;
    #[wasm_bindgen(js_name = timersArmed)]
    pub(crate) fn timers_armed() -> usize;
    #[wasm_bindgen(js_name = timerDelay)]
    pub(crate) fn timer_delay() -> f64;
    #[wasm_bindgen(js_name = fireTimers)]
    pub(crate) fn fire_timers();

    #[wasm_bindgen(js_name = installFullStorage)]
    pub(crate) fn install_full_storage();
    #[wasm_bindgen(js_name = installBlockedStorage)]
    pub(crate) fn install_blocked_storage();

    pub(crate) fn hide();
    pub(crate) fn reveal();
    #[wasm_bindgen(js_name = putAway)]
    pub(crate) fn put_away();
    #[wasm_bindgen(js_name = bringBack)]
    pub(crate) fn bring_back();
    #[wasm_bindgen(js_name = tellWindow)]
    pub(crate) fn tell_window(kind: &str);
    #[wasm_bindgen(js_name = listenForErrors)]
    pub(crate) fn listen_for_errors();
    #[wasm_bindgen(js_name = errorsSeen)]
    pub(crate) fn errors_seen() -> usize;
    #[wasm_bindgen(js_name = listenToConsole)]
    pub(crate) fn listen_to_console();
    #[wasm_bindgen(js_name = consoleLines)]
    pub(crate) fn console_lines() -> Vec<String>;
    #[wasm_bindgen(js_name = setGlobal)]
    pub(crate) fn set_global(script: &str);
}

/// The time that an awaited condition has, by the real clock.
const DEADLINE_MS: f64 = 5_000.0;

/// The fake WebSocket, fetch and clock, and an empty tab storage.
pub(crate) struct Fakes;

impl Fakes {
    pub(crate) fn install() -> Self {
        // A test that failed left its fakes, and a page that is still at work.
        restore();
        put_away();
        install_socket();
        install_fetch();
        install_clock();
        clear_storage();
        Self
    }
}

impl Drop for Fakes {
    fn drop(&mut self) {
        restore();
        clear_storage();
    }
}

fn clear_storage() {
    raw_storage().clear().expect("the tab's storage can be cleared");
}

pub(crate) fn raw_storage() -> web_sys::Storage {
    web_sys::window().and_then(|window| window.session_storage().ok().flatten()).expect("the test browser has storage")
}

/// Waits until something holds, and fails by name when it does not within five seconds.
pub(crate) async fn until(what: &str, holds: impl Fn() -> bool) {
    let started = real_now();
    while !holds() {
        assert!(real_now() - started < DEADLINE_MS, "not within 5 s: {what}");
        turn().await;
    }
}

/// Gives the browser enough turns for whatever is already queued to run.
pub(crate) async fn settle() {
    for _ in 0..10 {
        turn().await;
    }
}
