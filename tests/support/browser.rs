//! What `browser.js` fakes, as functions. Dropping the [`Fakes`] puts the browser's own back.

#![allow(dead_code, reason = "every test binary uses its own part")]

use wasm_bindgen::{JsValue, prelude::wasm_bindgen};

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

    #[wasm_bindgen(js_name = installStream)]
    fn install_stream();
    #[wasm_bindgen(js_name = installRealStream)]
    pub(crate) fn install_real_stream();
    #[wasm_bindgen(js_name = streamCount)]
    pub(crate) fn stream_count() -> usize;
    #[wasm_bindgen(js_name = streamUrl)]
    pub(crate) fn stream_url(i: usize) -> String;
    #[wasm_bindgen(js_name = streamQuery)]
    pub(crate) fn stream_query(i: usize, key: &str) -> String;
    #[wasm_bindgen(js_name = streamWithCredentials)]
    pub(crate) fn stream_with_credentials(i: usize) -> bool;
    #[wasm_bindgen(js_name = streamCloseCalls)]
    pub(crate) fn stream_close_calls(i: usize) -> usize;
    #[wasm_bindgen(js_name = streamHandlers)]
    pub(crate) fn stream_handlers(i: usize) -> usize;
    #[wasm_bindgen(js_name = streamOpen)]
    pub(crate) fn stream_open(i: usize);
    #[wasm_bindgen(js_name = streamText)]
    pub(crate) fn stream_text(i: usize, text: &str);
    #[wasm_bindgen(js_name = streamError)]
    pub(crate) fn stream_error(i: usize);

    #[wasm_bindgen(js_name = installFetch)]
    fn install_fetch();
    #[wasm_bindgen(js_name = answerFetch)]
    pub(crate) fn answer_fetch(part: &str, status: u16, kind: &str, body: &str);
    #[wasm_bindgen(js_name = answerFetchWith)]
    pub(crate) fn answer_fetch_with(part: &str, status: u16, headers: &str, body: &str);
    #[wasm_bindgen(js_name = failFetch)]
    pub(crate) fn fail_fetch(part: &str);
    #[wasm_bindgen(js_name = heldFetches)]
    pub(crate) fn held_fetches(part: &str) -> usize;
    #[wasm_bindgen(js_name = releaseFetch)]
    pub(crate) fn release_fetch(part: &str, status: u16, kind: &str, body: &str);
    pub(crate) fn fetched() -> Vec<String>;
    #[wasm_bindgen(js_name = abortedFetches)]
    pub(crate) fn aborted_fetches() -> Vec<String>;
    #[wasm_bindgen(js_name = postedPaths)]
    pub(crate) fn posted_paths() -> Vec<String>;
    #[wasm_bindgen(js_name = postedBodies)]
    pub(crate) fn posted_bodies() -> Vec<String>;
    #[wasm_bindgen(js_name = postedField)]
    pub(crate) fn posted_field(i: usize, name: &str) -> String;
    #[wasm_bindgen(js_name = postedHeader)]
    pub(crate) fn posted_header(i: usize, name: &str) -> String;

    #[wasm_bindgen(js_name = holdLock)]
    pub(crate) async fn hold_lock(name: &str);
    #[wasm_bindgen(js_name = releaseLock)]
    pub(crate) fn release_lock(name: &str);
    #[wasm_bindgen(js_name = locksHeld)]
    async fn names_held() -> JsValue;
    #[wasm_bindgen(js_name = locksPending)]
    async fn names_pending() -> JsValue;
    #[wasm_bindgen(js_name = installNoLocks)]
    pub(crate) fn install_no_locks();
    #[wasm_bindgen(js_name = installProtocol)]
    pub(crate) fn install_protocol(name: &str, protocol: &str);

    #[wasm_bindgen(js_name = installClock)]
    fn install_clock();
    pub(crate) fn pass(monotonic_ms: f64, wall_ms: f64);
    #[wasm_bindgen(js_name = installTimers)]
    pub(crate) fn install_timers();
    #[wasm_bindgen(js_name = installQuickTimers)]
    pub(crate) fn install_quick_timers();
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
    #[wasm_bindgen(js_name = watchListeners)]
    fn watch_listeners();
    #[wasm_bindgen(js_name = listenersOf)]
    pub(crate) fn listeners_of(kind: &str) -> usize;
    #[wasm_bindgen(js_name = wouldAsk)]
    pub(crate) fn would_ask() -> bool;
    #[wasm_bindgen(js_name = tellDocument)]
    pub(crate) fn tell_document(kind: &str);
    #[wasm_bindgen(js_name = showAgain)]
    pub(crate) fn show_again(persisted: bool);
    #[wasm_bindgen(js_name = listenToWarnings)]
    pub(crate) fn listen_to_warnings();
    pub(crate) fn warnings() -> Vec<String>;
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
const DEADLINE_MS: f64 = 10_000.0;

/// The fake WebSocket, EventSource, fetch and clock, and an empty tab storage. Web Locks are the browser's own.
pub(crate) struct Fakes;

impl Fakes {
    pub(crate) fn install() -> Self {
        // A test that failed left its fakes, and a page that is still at work.
        restore();
        install_socket();
        install_stream();
        install_fetch();
        install_clock();
        watch_listeners();
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
        assert!(real_now() - started < DEADLINE_MS, "not within 10 s: {what}");
        turn().await;
    }
}

/// Gives the browser enough turns for whatever is already queued to run.
pub(crate) async fn settle() {
    for _ in 0..10 {
        turn().await;
    }
}

/// The Web Locks that somebody holds, by name.
pub(crate) async fn locks_held() -> Vec<String> {
    words(names_held().await)
}

/// The Web Locks that somebody waits for, by name.
pub(crate) async fn locks_pending() -> Vec<String> {
    words(names_pending().await)
}

fn words(names: JsValue) -> Vec<String> {
    names.as_string().unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}

/// Waits until a Web Lock is held, or free.
pub(crate) async fn until_lock(name: &str, held: bool) {
    let started = real_now();
    while locks_held().await.iter().any(|other| other == name) != held {
        assert!(real_now() - started < DEADLINE_MS, "not within 10 s: {name} to be {}", if held { "held" } else { "free" });
        turn().await;
    }
}

/// Waits until somebody waits for a Web Lock.
pub(crate) async fn until_claimed(name: &str) {
    let started = real_now();
    while !locks_pending().await.iter().any(|other| other == name) {
        assert!(real_now() - started < DEADLINE_MS, "not within 10 s: {name} to be waited for");
        turn().await;
    }
}
