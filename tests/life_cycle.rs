//! The page comes and goes: hidden, frozen, put away, brought back, closed; and with it its name, its last ack, its question.

#![cfg(target_family = "wasm")]

#[path = "support/browser.rs"]
mod browser;
#[path = "support/page.rs"]
mod page;

use browser::{Fakes, locks_held, locks_pending, raw_storage, settle, until, until_claimed, until_lock};
use moorline::settings::Settings;
use moorline_delivery::{ClientEvent, LinkStatus, SendResult, SendState};
use moorline_protocol::{
    Ack, ClientFrame, ClientId, Cursor, GatewayFrame, Millis, Receipt, ReceiptOutcome, Seq, Timings, Welcome, decode, encode,
};
use page::{Page, count, count_posted, epoch, events, message, posted, sent, session, text, timings, welcome};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

/// The name under which this tab is known, as its storage holds it.
fn client() -> ClientId {
    let stored = raw_storage().get_item("moorline.1.client").expect("readable").expect("a name is stored");
    decode(&stored).expect("a name")
}

fn lock_of(client: &ClientId) -> String {
    format!("moorline.client.{client}")
}

/// Stores a name, as an earlier document of this tab would have.
fn named(name: &str) -> ClientId {
    let client = ClientId::parse(name).expect("valid");
    raw_storage().set_item("moorline.1.client", &encode(&client)).expect("there is room");
    client
}

/// Nothing acks by itself within a test.
fn slow() -> Welcome {
    Welcome { timings: Timings { ack: Millis(60_000), ..timings() }, ..welcome() }
}

async fn streaming_slowly() -> Page {
    let page = Page::streaming_with(Fakes::install(), &Settings::default(), slow()).await;
    page.attach_on_stream(0).await;
    page.stream(0, events([1, 2]));
    until("the events are applied", || page.sink.applied.get() == 2).await;
    page
}

fn ack(seq: u64) -> ClientFrame {
    ClientFrame::Ack(Ack { cursors: vec![Cursor { session: session(), epoch: epoch(), seq: Seq::new(seq) }] })
}

#[wasm_bindgen_test]
async fn the_name_is_held_while_the_page_lives_and_let_go_with_it() {
    let page = Page::ready().await;
    let lock = lock_of(&client());
    assert!(locks_held().await.contains(&lock));
    let Page { transport, fakes, .. } = page;
    drop(transport);
    until_lock(&lock, false).await;
    drop(fakes);
}

#[wasm_bindgen_test]
async fn no_connection_is_opened_before_the_name_is_claimed() {
    let fakes = Fakes::install();
    let lock = lock_of(&named("held"));
    browser::hold_lock(&lock).await;
    let page = Page::load(fakes);
    until_claimed(&lock).await;
    settle().await;
    assert_eq!(browser::socket_count(), 0);
    browser::release_lock(&lock);
    page.connect(0, welcome()).await;
    let ClientFrame::Hello(hello) = &sent(0)[0] else { panic!("hello goes first") };
    assert_eq!(hello.client.as_str(), "held", "a reload finds its name held for a moment by the document before it");
}

#[wasm_bindgen_test]
async fn without_web_locks_the_page_connects_at_once() {
    let fakes = Fakes::install();
    browser::install_no_locks();
    named("kept");
    let page = Page::load(fakes);
    page.connect(0, welcome()).await;
    assert_eq!(client().as_str(), "kept");
}

#[wasm_bindgen_test]
async fn a_page_put_away_lets_go_of_its_name_and_closes_its_stream() {
    let page = streaming_slowly().await;
    let lock = lock_of(&client());
    browser::put_away();
    assert_eq!(browser::stream_handlers(0), 0);
    assert_eq!(browser::stream_close_calls(0), 1);
    until_lock(&lock, false).await;
    settle().await;
    assert!(locks_pending().await.is_empty(), "whoever waits for a lock is not kept for the back button");
    assert_eq!(page.transport.link_status(), LinkStatus::Offline);
}

#[wasm_bindgen_test]
async fn a_page_brought_back_claims_its_name_before_it_connects() {
    let page = Page::ready().await;
    let lock = lock_of(&client());
    browser::put_away();
    until_lock(&lock, false).await;
    browser::hold_lock(&lock).await;
    browser::bring_back();
    until_claimed(&lock).await;
    settle().await;
    assert_eq!(browser::socket_count(), 1);
    browser::release_lock(&lock);
    page.connect(1, welcome()).await;
    assert!(locks_held().await.contains(&lock));
}

#[wasm_bindgen_test]
async fn a_page_brought_back_whose_name_is_taken_takes_another_one() {
    let page = Page::ready().await;
    let before = client();
    browser::put_away();
    until_lock(&lock_of(&before), false).await;
    browser::hold_lock(&lock_of(&before)).await;
    browser::bring_back();
    page.connect(1, welcome()).await;
    let ClientFrame::Hello(hello) = &sent(1)[0] else { panic!("hello goes first") };
    assert_ne!(hello.client, before);
    assert_eq!(hello.client, client());
    assert!(locks_held().await.contains(&lock_of(&client())));
}

#[wasm_bindgen_test]
async fn a_page_put_away_before_it_had_its_name_begins_when_it_is_back() {
    let fakes = Fakes::install();
    let lock = lock_of(&named("held"));
    browser::hold_lock(&lock).await;
    let page = Page::load(fakes);
    until_claimed(&lock).await;
    browser::put_away();
    browser::release_lock(&lock);
    settle().await;
    assert_eq!(browser::socket_count(), 0);
    assert!(!locks_held().await.contains(&lock));
    browser::bring_back();
    page.connect(0, welcome()).await;
    assert_eq!(client().as_str(), "held");
}

#[wasm_bindgen_test]
async fn a_load_is_no_coming_back() {
    let page = Page::ready().await;
    browser::show_again(false);
    settle().await;
    assert_eq!(browser::socket_count(), 1);
    assert_eq!(page.transport.link_status(), LinkStatus::Ready);
}

#[wasm_bindgen_test]
async fn a_page_put_away_leaves_an_ack_that_outlives_it() {
    let page = streaming_slowly().await;
    let before = posted().len();
    browser::put_away();
    assert_eq!(posted()[before..], [ack(2)], "in the same task: there may be no other");
    assert_eq!(browser::posted_paths()[before], "/v1/ack");
    assert_eq!(browser::posted_field(before, "keepalive"), "true");
    assert_eq!(browser::posted_header(before, "moorline-connection"), welcome().connection.as_str());
    assert!(raw_storage().get_item("moorline.1.seen.s1").expect("readable").is_some());
    drop(page);
}

#[wasm_bindgen_test]
async fn a_page_put_away_with_nothing_new_posts_nothing() {
    let page = Page::streaming_with(Fakes::install(), &Settings::default(), slow()).await;
    let before = posted().len();
    browser::put_away();
    assert_eq!(posted().len(), before);
    drop(page);
}

#[wasm_bindgen_test]
async fn a_farewell_that_gets_no_answer_is_no_error() {
    let page = streaming_slowly().await;
    browser::fail_fetch("v1/");
    browser::listen_for_errors();
    browser::put_away();
    settle().await;
    assert_eq!(browser::errors_seen(), 0);
    drop(page);
}

#[wasm_bindgen_test]
async fn a_hidden_page_acks_at_once_over_a_stream() {
    let page = streaming_slowly().await;
    browser::hide();
    assert_eq!(count_posted("ack"), 1);
    assert!(posted().contains(&ack(2)));
    assert_eq!(page.transport.link_status(), LinkStatus::Ready);
    browser::reveal();
}

#[wasm_bindgen_test]
async fn a_hidden_page_whose_timers_sleep_acks_when_something_comes() {
    let page = Page::streaming().await;
    page.attach_on_stream(0).await;
    browser::hide();
    browser::install_timers();
    page.stream(0, events([1]));
    until("the event is applied", || page.sink.applied.get() == 1).await;
    assert_eq!(count_posted("ack"), 0);
    browser::pass(100.0, 100.0);
    page.stream(0, events([2]));
    until("the next message brings the ack that is due", || count_posted("ack") == 1).await;
    browser::reveal();
}

#[wasm_bindgen_test]
async fn a_page_about_to_be_frozen_acks_and_probes_when_it_thaws() {
    let page = streaming_slowly().await;
    browser::tell_document("freeze");
    assert_eq!(count_posted("ack"), 1);
    let pings = count_posted("ping");
    browser::tell_document("resume");
    until("it probes", || count_posted("ping") == pings + 1).await;
    drop(page);
}

#[wasm_bindgen_test]
async fn a_page_that_goes_offline_and_online_says_so_and_tries_at_once() {
    let patient = Timings { backoff_min: Millis(60_000), backoff_max: Millis(60_000), ..timings() };
    let page = Page::ready_with(Welcome { timings: patient, ..welcome() }).await;
    browser::tell_window("offline");
    browser::socket_close(0);
    until("it says offline", || page.transport.link_status() == LinkStatus::Offline).await;
    browser::tell_window("online");
    page.connect(1, welcome()).await;
}

#[wasm_bindgen_test]
async fn what_was_on_its_way_when_the_page_was_put_away_goes_again_when_it_is_back() {
    let page = Page::streaming().await;
    browser::answer_fetch("v1/send", 0, "", "");
    assert_eq!(page.transport.send(text("m1", "hello")), SendResult::Sent);
    browser::put_away();
    assert!(browser::aborted_fetches().iter().any(|url| url.ends_with("/v1/send")), "{:?}", browser::aborted_fetches());
    browser::bring_back();
    page.connect(2, welcome()).await;
    until("it goes again", || count(2, "send") == 1).await;
    assert!(!page.sink.saw(|event| matches!(event, ClientEvent::AttemptFailed { .. })), "cutting it was our doing");
}

#[wasm_bindgen_test]
async fn the_browser_asks_before_closing_only_while_something_waits_to_be_sent() {
    let page = Page::ready().await;
    page.attach(0).await;
    assert_eq!(browser::listeners_of("beforeunload"), 0, "a standing listener costs some browsers the back button's cache");
    assert!(!browser::would_ask());
    let _ = page.transport.send(text("m1", "hello"));
    let _ = page.transport.send(text("m2", "hello again"));
    assert!(browser::would_ask());
    assert_eq!(browser::listeners_of("beforeunload"), 1);
    for (name, seq) in [("m1", 1), ("m2", 2)] {
        assert!(browser::would_ask());
        until("it is sent", || sent(0).contains(&ClientFrame::Send(text(name, if seq == 1 { "hello" } else { "hello again" })))).await;
        let outcome = ReceiptOutcome::Accepted { seq: Seq::new(seq) };
        page.tell(0, GatewayFrame::Receipt(Receipt { session: session(), message: message(name), outcome }));
    }
    until("nothing waits any more", || !browser::would_ask()).await;
    assert_eq!(browser::listeners_of("beforeunload"), 0);
}

#[wasm_bindgen_test]
async fn the_browser_asks_for_what_an_earlier_document_left() {
    let page = Page::load(Fakes::install());
    let _ = page.transport.send(text("m1", "hello"));
    let Page { transport, fakes, .. } = page;
    drop(transport);
    assert_eq!(browser::listeners_of("beforeunload"), 0);
    let page = Page::load(fakes);
    until("the browser would ask", browser::would_ask).await;
    page.transport.remove(&message("m1"));
    drop(page);
}

#[wasm_bindgen_test]
async fn a_page_put_away_is_found_again_at_its_cursor_over_a_stream() {
    let page = streaming_slowly().await;
    browser::put_away();
    browser::bring_back();
    page.refuse_sockets(2..3).await;
    until("a stream is opened", || browser::stream_count() == 2).await;
    let attaches = page::hello_of_stream(1).attaches;
    assert_eq!(attaches.iter().map(|attach| (attach.epoch.clone(), attach.seq)).collect::<Vec<_>>(), [(Some(epoch()), Seq::new(2))]);
}

/// What a page may leave behind on the window, the document and among the tabs: listeners by kind, and locks.
async fn held() -> (Vec<(&'static str, usize)>, Vec<String>) {
    const KINDS: [&str; 8] = ["beforeunload", "freeze", "offline", "online", "pagehide", "pageshow", "resume", "visibilitychange"];
    let mut locks = [locks_held().await, locks_pending().await].concat();
    locks.sort();
    (KINDS.map(|kind| (kind, browser::listeners_of(kind))).to_vec(), locks)
}

#[wasm_bindgen_test]
async fn sends_that_fail_leave_no_listener_request_or_lock_behind() {
    let page = Page::streaming().await;
    let before = held().await;
    browser::answer_fetch("v1/send", 422, "application/json", r#"{"code": "unprocessable", "message": "there is no agent x"}"#);
    for n in 0..10 {
        let name = format!("m{n}");
        let _ = page.transport.send(text(&name, "hello"));
        until("the send fails", || page.sink.saw(|event| has_failed(event, &name))).await;
        browser::answer_fetch("v1/withdraw", 200, "application/json", &withdrawn(&name));
        page.transport.remove(&message(&name));
        until("it is taken back", || {
            page.sink.saw(|event| matches!(event, ClientEvent::SendGone { message: gone, .. } if *gone == message(&name)))
        })
        .await;
    }
    assert_eq!(held().await, before);
    assert_eq!((browser::held_fetches("v1/"), browser::stream_handlers(0) > 0), (0, true), "nothing is under way but the stream");
    let Page { transport, fakes, .. } = page;
    drop(transport);
    until("every listener is gone", || browser::listeners_of("pagehide") + browser::listeners_of("beforeunload") == 0).await;
    for lock in before.1 {
        until_lock(&lock, false).await;
    }
    drop(fakes);
}

fn has_failed(event: &ClientEvent, name: &str) -> bool {
    matches!(event, ClientEvent::Send(status) if status.send.message == message(name) && matches!(status.state, SendState::Failed(_)))
}

fn withdrawn(name: &str) -> String {
    encode(&GatewayFrame::Receipt(Receipt { session: session(), message: message(name), outcome: ReceiptOutcome::Withdrawn }))
}

#[wasm_bindgen_test]
async fn connections_that_fail_leave_no_handler_listener_or_lock_behind() {
    let page = Page::streaming().await;
    let before = held().await;
    for n in 0..3 {
        browser::stream_error(n);
        page.refuse_sockets(n + 2..n + 3).await;
        page.welcome_stream(n + 1, welcome()).await;
    }
    assert_eq!(held().await, before, "one name and one slot, as with the first stream");
    assert!((0..3).all(|n| browser::stream_handlers(n) == 0), "a lost stream can still call");
    assert!((0..5).all(|n| browser::socket_handlers(n) == 0), "a refused socket can still call");
    let Page { transport, fakes, .. } = page;
    drop(transport);
    for lock in before.1 {
        until_lock(&lock, false).await;
    }
    drop(fakes);
}
