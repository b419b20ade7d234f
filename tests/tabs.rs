//! Several tabs of one page: the browser's own Web Locks, held by the test as other tabs would.

#![cfg(target_family = "wasm")]
#![expect(clippy::wildcard_enum_match_arm, reason = "a check looks at the events it is about")]

#[path = "support/browser.rs"]
mod browser;
#[path = "support/page.rs"]
mod page;

use browser::{Fakes, locks_held, locks_pending, raw_storage, settle, until, until_claimed, until_lock};
use moorline::{settings::Settings, transport::Storage};
use moorline_delivery::{ClientEvent, LinkStatus, Notice, Persist, SendResult, SendState, StoredSend, Trouble};
use moorline_protocol::{ClientFrame, ClientId, Code, ErrorFrame, GatewayFrame, decode};
use page::{Page, count, message, sent, text, welcome};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

const ORIGINAL_LOCK: &str = "moorline.client.original";

fn original() -> ClientId {
    ClientId::parse("original").expect("valid")
}

fn client() -> ClientId {
    decode(&at("moorline.1.client").expect("a name is stored")).expect("a name")
}

fn at(key: &str) -> Option<String> {
    raw_storage().get_item(key).expect("readable")
}

fn stored(name: &str) -> StoredSend {
    StoredSend { order: 7, send: text(name, "typed with care"), attempts: 2, failure: None, withdrawing: None }
}

/// The storage of the tab `original`, which holds a send. What waits for a name does not wait for long.
fn of_the_original() -> Fakes {
    let fakes = Fakes::install();
    browser::install_quick_timers();
    let storage = Storage::open();
    storage.write(&Persist::ClientId(original())).expect("there is room");
    storage.write(&Persist::PutSend(stored("m1"))).expect("there is room");
    fakes
}

/// A tab that was duplicated from `original`, which is still open; it is connected.
async fn duplicated() -> Page {
    let fakes = of_the_original();
    browser::hold_lock(ORIGINAL_LOCK).await;
    let page = Page::load(fakes);
    page.connect(0, welcome()).await;
    page
}

fn states(page: &Page, name: &str) -> Vec<SendState> {
    let events = page.sink.events.borrow();
    let of = |event: &ClientEvent| match event {
        ClientEvent::Send(status) if status.send.message == message(name) => Some(status.state.clone()),
        _ => None,
    };
    events.iter().filter_map(of).collect()
}

fn has_failed(page: &Page, name: &str) -> bool {
    matches!(states(page, name).last(), Some(SendState::Failed(_)))
}

#[wasm_bindgen_test]
async fn a_reload_keeps_the_name() {
    let page = Page::load(of_the_original());
    page.connect(0, welcome()).await;
    let ClientFrame::Hello(hello) = &sent(0)[0] else { panic!("hello goes first") };
    assert_eq!(hello.client, original());
    assert!(locks_held().await.contains(&ORIGINAL_LOCK.to_owned()));
    until("what it held is sent", || count(0, "send") == 1).await;
}

#[wasm_bindgen_test]
async fn a_name_that_is_free_when_the_wait_ends_is_kept() {
    let fakes = of_the_original();
    browser::hold_lock(ORIGINAL_LOCK).await;
    browser::install_timers();
    let page = Page::load(fakes);
    until_claimed(ORIGINAL_LOCK).await;
    // A page that was busy hears its timer before it hears of the lock.
    browser::release_lock(ORIGINAL_LOCK);
    browser::fire_timers();
    page.connect(0, welcome()).await;
    assert_eq!(client(), original());
}

#[wasm_bindgen_test]
async fn a_duplicated_tab_takes_a_new_name_and_holds_it() {
    let page = duplicated().await;
    let ClientFrame::Hello(hello) = &sent(0)[0] else { panic!("hello goes first") };
    assert_ne!(hello.client, original());
    assert_eq!(client(), hello.client);
    assert!(locks_held().await.contains(&format!("moorline.client.{}", hello.client)));
    drop(page);
}

#[wasm_bindgen_test]
async fn a_duplicated_tab_neither_sends_nor_shows_what_the_other_one_holds() {
    let page = duplicated().await;
    settle().await;
    assert_eq!(count(0, "send"), 0);
    let last = page.sink.events.borrow().iter().rev().find_map(|event| match event {
        ClientEvent::Send(status) if status.send.message == message("m1") => Some("shown"),
        ClientEvent::SendGone { message: gone, text: None, .. } if *gone == message("m1") => Some("gone"),
        _ => None,
    });
    assert_ne!(last, Some("shown"));
    assert_eq!(at("moorline.1.outbox.m1"), None);
    assert!(at("moorline.1.copied.original.m1").is_some());
    assert!(!browser::would_ask(), "the other tab holds it");
}

#[wasm_bindgen_test]
async fn nothing_of_a_copied_send_is_shown_while_the_name_is_claimed() {
    let fakes = of_the_original();
    browser::hold_lock(ORIGINAL_LOCK).await;
    let page = Page::load(fakes);
    until_claimed(ORIGINAL_LOCK).await;
    // A page shows its session as soon as it is there.
    page.transport.show(&page::session());
    settle().await;
    assert!(states(&page, "m1").is_empty());
    assert_eq!(browser::socket_count(), 0);
}

#[wasm_bindgen_test]
async fn what_was_copied_is_shown_as_failed_when_the_other_tab_is_closed() {
    let page = duplicated().await;
    until_claimed(ORIGINAL_LOCK).await;
    browser::release_lock(ORIGINAL_LOCK);
    until("it is shown as failed", || has_failed(&page, "m1")).await;
    assert_eq!(at("moorline.1.copied.original.m1"), None);
    assert!(at("moorline.1.outbox.m1").is_some());
    assert_eq!(count(0, "send"), 0, "nobody knows how far the other tab came: the user decides");
    assert!(locks_held().await.contains(&ORIGINAL_LOCK.to_owned()), "so that nobody else takes it up, too");
    page.transport.retry(&message("m1"));
    until("it goes under its own id", || sent(0).contains(&ClientFrame::Send(text("m1", "typed with care")))).await;
}

#[wasm_bindgen_test]
async fn a_reload_of_the_other_tab_is_not_its_end() {
    let page = duplicated().await;
    until_claimed(ORIGINAL_LOCK).await;
    browser::release_lock(ORIGINAL_LOCK);
    browser::hold_lock(ORIGINAL_LOCK).await;
    until_claimed(ORIGINAL_LOCK).await;
    assert!(!has_failed(&page, "m1"), "the next document of that tab goes on with it");
    browser::release_lock(ORIGINAL_LOCK);
    until("it is shown as failed once the tab is gone", || has_failed(&page, "m1")).await;
}

#[wasm_bindgen_test]
async fn what_was_typed_in_the_copy_itself_is_its_own() {
    let fakes = of_the_original();
    browser::hold_lock(ORIGINAL_LOCK).await;
    let page = Page::load(fakes);
    assert_eq!(page.transport.send(text("m2", "typed here")), SendResult::Queued);
    page.connect(0, welcome()).await;
    until("it is sent", || sent(0).contains(&ClientFrame::Send(text("m2", "typed here")))).await;
    assert_eq!(count(0, "send"), 1);
}

#[wasm_bindgen_test]
async fn a_reloaded_copy_still_waits_for_the_other_tab() {
    let page = duplicated().await;
    let name = client();
    let Page { transport, fakes, .. } = page;
    drop(transport);
    let page = Page::load(fakes);
    page.connect(1, welcome()).await;
    assert_eq!(client(), name);
    assert!(states(&page, "m1").is_empty());
    until_claimed(ORIGINAL_LOCK).await;
    browser::release_lock(ORIGINAL_LOCK);
    until("it is shown as failed", || has_failed(&page, "m1")).await;
}

#[wasm_bindgen_test]
async fn a_copy_that_was_put_away_still_waits_for_the_other_tab() {
    let page = duplicated().await;
    until_claimed(ORIGINAL_LOCK).await;
    browser::put_away();
    settle().await;
    assert!(locks_pending().await.is_empty());
    browser::release_lock(ORIGINAL_LOCK);
    settle().await;
    assert!(!has_failed(&page, "m1"), "a page that is away does nothing");
    browser::bring_back();
    until("it is shown as failed", || has_failed(&page, "m1")).await;
}

#[wasm_bindgen_test]
async fn a_dropped_page_waits_for_no_tab() {
    let page = duplicated().await;
    until_claimed(ORIGINAL_LOCK).await;
    let Page { transport, fakes, .. } = page;
    drop(transport);
    settle().await;
    assert!(locks_pending().await.is_empty());
    drop(fakes);
}

#[wasm_bindgen_test]
async fn copies_that_cannot_be_stored_are_told_and_not_lost_to_this_page() {
    let fakes = of_the_original();
    browser::hold_lock(ORIGINAL_LOCK).await;
    browser::install_full_storage();
    let page = Page::load(fakes);
    page.connect(0, welcome()).await;
    assert!(page.sink.saw(|event| *event == ClientEvent::Notice(Notice::NotSaved)));
    until_claimed(ORIGINAL_LOCK).await;
    browser::release_lock(ORIGINAL_LOCK);
    until("it is shown as failed", || has_failed(&page, "m1")).await;
}

#[wasm_bindgen_test]
async fn a_tab_without_storage_has_a_name_of_its_own() {
    let fakes = of_the_original();
    browser::hold_lock(ORIGINAL_LOCK).await;
    browser::install_blocked_storage();
    let page = Page::load(fakes);
    page.connect(0, welcome()).await;
    let ClientFrame::Hello(hello) = &sent(0)[0] else { panic!("hello goes first") };
    assert_ne!(hello.client, original());
    assert!(locks_held().await.contains(&format!("moorline.client.{}", hello.client)));
    assert!(states(&page, "m1").is_empty());
}

#[wasm_bindgen_test]
async fn a_tab_whose_name_another_page_has_at_the_gateway_claims_the_new_one() {
    let page = Page::load(of_the_original());
    page.connect(0, welcome()).await;
    page.tell(0, GatewayFrame::Error(ErrorFrame::new(Code::ClientTaken, "another page goes by this name")));
    page.connect(1, welcome()).await;
    let ClientFrame::Hello(hello) = &sent(1)[0] else { panic!("hello goes first") };
    assert_ne!(hello.client, original());
    until_lock(&format!("moorline.client.{}", hello.client), true).await;
    until_lock(ORIGINAL_LOCK, false).await;
}

// --- streams

fn slot(number: usize) -> String {
    let origin = web_sys::window().expect("a window").location().origin().expect("an origin");
    format!("moorline.slot.{origin}.{number}")
}

/// A page that two refused WebSockets have driven to ask for a stream, while other tabs hold these slots.
async fn asking_for_a_stream(taken: std::ops::RangeInclusive<usize>) -> Page {
    let fakes = Fakes::install();
    browser::answer_fetch("v1/", 204, "", "");
    for number in taken {
        browser::hold_lock(&slot(number)).await;
    }
    let page = Page::load(fakes);
    page.refuse_sockets(0..2).await;
    page
}

fn says_no_slot(page: &Page) -> bool {
    page.sink.saw(|event| *event == ClientEvent::Trouble(Some(Trouble::NoSlot)))
}

#[wasm_bindgen_test]
async fn a_stream_holds_a_slot_for_as_long_as_it_is_open() {
    let page = Page::streaming().await;
    assert!(locks_held().await.contains(&slot(1)));
    browser::stream_error(0);
    until("the loss is noticed", || page.transport.link_status() != LinkStatus::Ready).await;
    until_lock(&slot(1), false).await;
}

#[wasm_bindgen_test]
async fn the_fourth_stream_takes_the_last_slot() {
    let page = asking_for_a_stream(1..=3).await;
    page.welcome_stream(0, welcome()).await;
    assert!(locks_held().await.contains(&slot(4)));
    assert!(!says_no_slot(&page));
}

#[wasm_bindgen_test]
async fn a_fifth_tab_opens_no_stream_and_says_so() {
    let page = asking_for_a_stream(1..=4).await;
    until("it says so", || says_no_slot(&page)).await;
    assert_eq!(browser::stream_count(), 0);
    assert!(matches!(page.transport.link_status(), LinkStatus::Waiting { .. }), "it goes on trying");
}

#[wasm_bindgen_test]
async fn a_slot_that_is_freed_is_taken_at_the_next_try() {
    let page = asking_for_a_stream(1..=4).await;
    until("it says so", || says_no_slot(&page)).await;
    browser::release_lock(&slot(3));
    until_lock(&slot(3), false).await;
    page.refuse_sockets(2..3).await;
    page.welcome_stream(0, welcome()).await;
    assert!(locks_held().await.contains(&slot(3)));
    until("nothing stands in the way any more", || page.sink.saw(|event| *event == ClientEvent::Trouble(None))).await;
}

#[wasm_bindgen_test]
async fn a_connection_that_carries_many_streams_needs_no_slot() {
    let own = web_sys::window().expect("a window").location().origin().expect("an origin");
    for protocol in ["h2", "h3"] {
        let page = {
            let fakes = Fakes::install();
            browser::answer_fetch("v1/", 204, "", "");
            for number in 1..=4 {
                browser::hold_lock(&slot(number)).await;
            }
            browser::install_protocol(&format!("{own}/v1/events"), protocol);
            Page::load(fakes)
        };
        page.refuse_sockets(0..2).await;
        page.welcome_stream(0, welcome()).await;
        assert!(!says_no_slot(&page), "{protocol}");
    }
}

#[wasm_bindgen_test]
async fn what_another_server_speaks_says_nothing_of_the_gateway() {
    let fakes = Fakes::install();
    browser::answer_fetch("v1/", 204, "", "");
    for number in 1..=4 {
        browser::hold_lock(&slot(number)).await;
    }
    browser::install_protocol("https://elsewhere.test/v1/events", "h2");
    let page = Page::load(fakes);
    page.refuse_sockets(0..2).await;
    until("it says so", || says_no_slot(&page)).await;
}

#[wasm_bindgen_test]
async fn slots_of_another_gateway_are_others() {
    let fakes = Fakes::install();
    browser::answer_fetch("v1/", 204, "", "");
    browser::answer_fetch("v1/tickets", 200, "application/json", "{\"ticket\": \"t\"}");
    for number in 1..=4 {
        browser::hold_lock(&slot(number)).await;
    }
    let page = Page::load_with(fakes, &Settings { gateway_url: Some("https://gateway.test".to_owned()), ..Settings::default() });
    page.refuse_sockets(0..2).await;
    page.welcome_stream(0, welcome()).await;
    assert!(locks_held().await.contains(&"moorline.slot.https://gateway.test.1".to_owned()));
}

#[wasm_bindgen_test]
async fn without_web_locks_streams_open_all_the_same() {
    let fakes = Fakes::install();
    browser::install_no_locks();
    browser::answer_fetch("v1/", 204, "", "");
    let page = Page::load(fakes);
    page.refuse_sockets(0..2).await;
    page.welcome_stream(0, welcome()).await;
}
