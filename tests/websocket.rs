//! The socket and the connection around it, against a fake WebSocket class.

#![cfg(target_family = "wasm")]

#[path = "support/browser.rs"]
mod browser;
#[path = "support/page.rs"]
mod page;

use std::{cell::RefCell, rc::Rc};

use browser::{Fakes, raw_storage, settle, until};
use moorline::{
    settings::Settings,
    transport::{LineInput, Socket},
};
use moorline_delivery::{ClientEvent, DropReason, LinkId, LinkStatus, SendResult};
use moorline_protocol::{
    Ack, Append, BlockId, ClientFrame, Cursor, Event, EventBody, Events, GatewayFrame, Limits, Millis, Seq, Timings, Welcome, encode,
};
use page::{Page, count, epoch, events, sent, session, text, timings, welcome};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

const LINK: LinkId = LinkId(1);

type Inbox = Rc<RefCell<Vec<LineInput>>>;

fn open(link: LinkId) -> (Socket, Inbox) {
    let inbox = Inbox::default();
    let queue = Rc::clone(&inbox);
    let socket = Socket::open("ws://gateway.test/v1/connect", link, move |input| queue.borrow_mut().push(input)).expect("a fine URL");
    (socket, inbox)
}

fn ends(inbox: &Inbox) -> usize {
    inbox.borrow().iter().filter(|input| matches!(input, LineInput::Closed(_))).count()
}

async fn lose(page: &Page, i: usize) {
    browser::socket_close(i);
    until("the loss is noticed", || page.transport.link_status() != LinkStatus::Ready).await;
}

#[wasm_bindgen_test]
fn handlers_are_null_after_drop_and_the_socket_is_closed() {
    let _fakes = Fakes::install();
    let (socket, _) = open(LINK);
    assert_eq!(browser::socket_handlers(0), 4);
    drop(socket);
    assert_eq!(browser::socket_handlers(0), 0);
    assert_eq!(browser::socket_close_calls(0), 1);
}

#[wasm_bindgen_test]
fn error_then_close_is_one_end() {
    let _fakes = Fakes::install();
    let (_socket, inbox) = open(LINK);
    browser::socket_error(0);
    browser::socket_close(0);
    assert_eq!(ends(&inbox), 1);
}

#[wasm_bindgen_test]
fn callbacks_carry_the_name_of_their_own_connection() {
    let _fakes = Fakes::install();
    let (_first, first_inbox) = open(LinkId(1));
    let (_second, second_inbox) = open(LinkId(2));
    browser::socket_close(0);
    browser::socket_text(1, "hi");
    assert!(matches!(first_inbox.borrow()[..], [LineInput::Closed(LinkId(1))]));
    assert!(matches!(second_inbox.borrow()[..], [LineInput::Text(LinkId(2), _)]));
}

#[wasm_bindgen_test]
fn the_subprotocol_is_asked_for() {
    let _fakes = Fakes::install();
    let _socket = open(LINK);
    assert_eq!(browser::socket_protocol(0), "moorline.v1");
}

#[wasm_bindgen_test]
fn nothing_is_written_before_open_or_in_mid_close() {
    let _fakes = Fakes::install();
    let (socket, _) = open(LINK);
    socket.send("early");
    browser::socket_open(0);
    socket.send("in time");
    browser::socket_state(0, 2);
    socket.send("late");
    assert_eq!(browser::socket_sent(0), ["in time"]);
}

#[wasm_bindgen_test]
fn a_binary_message_is_told_as_such() {
    let _fakes = Fakes::install();
    let (_socket, inbox) = open(LINK);
    browser::socket_binary(0);
    assert!(matches!(inbox.borrow()[..], [LineInput::Binary(LINK)]));
}

#[wasm_bindgen_test]
fn a_url_that_is_none_is_an_error_not_a_panic() {
    let _fakes = browser_without_fake_socket();
    assert!(Socket::open("ws://[", LINK, |_| {}).is_err());
}

fn browser_without_fake_socket() -> Fakes {
    drop(Fakes::install());
    Fakes
}

#[wasm_bindgen_test]
async fn the_first_frame_is_hello_at_the_pages_own_folder() {
    let page = Page::ready().await;
    assert_eq!(sent(0)[0].kind(), "hello");
    let own = web_sys::window().expect("a window").location().host().expect("a host");
    assert_eq!(browser::socket_url(0), format!("ws://{own}/v1/connect"));
    assert!(browser::fetched().is_empty(), "at the own origin nothing is asked before");
    drop(page);
}

#[wasm_bindgen_test]
async fn a_late_close_of_a_replaced_socket_changes_nothing() {
    let page = Page::ready().await;
    // Two ends of the same socket lie in the queue before the pump runs.
    browser::socket_error(0);
    lose(&page, 0).await;
    page.connect(1, welcome()).await;
    browser::socket_close(0);
    browser::socket_text(0, &encode(&events([1])));
    settle().await;
    assert_eq!(page.transport.link_status(), LinkStatus::Ready);
    assert_eq!(browser::socket_count(), 2);
    assert_eq!(page.sink.applied.get(), 0);
}

#[wasm_bindgen_test]
async fn bytes_that_come_behind_the_end_of_a_connection_are_not_applied() {
    let page = Page::ready().await;
    page.attach(0).await;
    browser::socket_text(0, &encode(&events([1])));
    browser::socket_error(0);
    browser::socket_text(0, &encode(&events([2])));
    until("the loss is noticed", || page.transport.link_status() != LinkStatus::Ready).await;
    assert_eq!(page.sink.applied.get(), 1);
    assert_eq!(page.transport.diagnostics().counters.stale, 1);
}

#[wasm_bindgen_test]
async fn a_long_frame_comes_whole_whatever_its_letters_are() {
    let page = Page::ready().await;
    page.attach(0).await;
    let long = "a nought, ein \u{df}, \u{6f22}\u{5b57} and \u{1f6a2}; ".repeat(100);
    let append = Append { block: BlockId::numbered(1), edition: 0, at: 0, text: long };
    let sent_events = vec![Event::plain(Seq::new(1), 0, EventBody::Append(append))];
    let frame = GatewayFrame::Events(Events { session: session(), events: sent_events.clone() });
    browser::socket_text(0, &encode(&frame));
    until("it to be applied", || page.sink.applied.get() == 1).await;
    assert!(page.sink.saw(|event| matches!(event, ClientEvent::Events { events, .. } if *events == sent_events)));
}

#[wasm_bindgen_test]
async fn bytes_that_come_in_mid_close_are_applied() {
    let page = Page::ready().await;
    page.attach(0).await;
    browser::socket_state(0, 2);
    browser::socket_text(0, &encode(&events([1, 2])));
    browser::socket_close(0);
    until("the loss is noticed", || page.transport.link_status() != LinkStatus::Ready).await;
    assert_eq!(page.sink.applied.get(), 2);
}

#[wasm_bindgen_test]
async fn a_message_that_is_no_frame_is_counted_and_costs_no_more_than_the_connection() {
    let page = Page::ready().await;
    browser::socket_text(0, "{\"events\": 5}");
    until("it is counted", || page.transport.diagnostics().counters.undecodable == 1).await;
    page.connect(1, welcome()).await;
    browser::socket_binary(1);
    until("it is counted", || page.transport.diagnostics().counters.undecodable == 2).await;
    page.connect(2, welcome()).await;
}

#[wasm_bindgen_test]
async fn a_send_on_a_ready_connection_is_sent() {
    let page = Page::ready().await;
    assert_eq!(page.transport.send(text("m1", "hello")), SendResult::Sent);
    assert_eq!(count(0, "send"), 1);
}

#[wasm_bindgen_test]
async fn a_send_while_connecting_is_queued_and_goes_out_behind_hello() {
    let page = Page::load(Fakes::install());
    until("a socket is opened", || browser::socket_count() == 1).await;
    assert_eq!(page.transport.send(text("m1", "hello")), SendResult::Queued);
    page.connect(0, welcome()).await;
    until("the send goes out", || count(0, "send") == 1).await;
    assert_eq!(sent(0)[0].kind(), "hello");
}

#[wasm_bindgen_test]
async fn a_send_while_the_socket_is_closing_is_queued() {
    let page = Page::ready().await;
    browser::socket_state(0, 2);
    assert_eq!(page.transport.send(text("m1", "hello")), SendResult::Queued);
    page.connect(1, welcome()).await;
    until("the send goes out on the next connection", || count(1, "send") == 1).await;
    assert_eq!(count(0, "send"), 0);
}

#[wasm_bindgen_test]
async fn a_send_while_a_reconnect_is_scheduled_is_queued() {
    let patient = Timings { backoff_min: Millis(60_000), backoff_max: Millis(60_000), ..timings() };
    let page = Page::ready_with(Welcome { timings: patient, ..welcome() }).await;
    browser::socket_close(0);
    until("a reconnect is scheduled", || matches!(page.transport.link_status(), LinkStatus::Waiting { .. })).await;
    assert_eq!(page.transport.send(text("m1", "hello")), SendResult::Queued);
}

#[wasm_bindgen_test]
async fn a_send_into_a_full_outbox_is_dropped() {
    let limits = Limits { outbox_sends: 2, ..Limits::default() };
    let page = Page::ready_with(Welcome { limits, ..welcome() }).await;
    assert_eq!(page.transport.send(text("m1", "one")), SendResult::Sent);
    assert_eq!(page.transport.send(text("m2", "two")), SendResult::Queued);
    assert_eq!(page.transport.send(text("m3", "three")), SendResult::Dropped(DropReason::OutboxFull));
    assert_eq!(raw_storage().get_item("moorline.1.outbox.m3").expect("readable"), None);
}

#[wasm_bindgen_test]
async fn a_send_while_signed_out_is_dropped() {
    let fakes = Fakes::install();
    browser::answer_fetch("v1/events", 401, "", "");
    let page = Page::load(fakes);
    until("a socket is opened", || browser::socket_count() == 1).await;
    browser::socket_close(0);
    until("the refusal is understood", || page.transport.link_status() == LinkStatus::SignedOut).await;
    assert_eq!(page.transport.send(text("m1", "hello")), SendResult::Dropped(DropReason::SignedOut));
}

#[wasm_bindgen_test]
async fn a_send_to_an_incompatible_gateway_is_dropped() {
    let page = Page::load(Fakes::install());
    until("a socket is opened", || browser::socket_count() == 1).await;
    browser::socket_open(0);
    until("hello is sent", || !sent(0).is_empty()).await;
    page.tell(0, GatewayFrame::Welcome(Welcome { version: 2, ..welcome() }));
    until("the version is noticed", || page.transport.link_status() == LinkStatus::Incompatible).await;
    assert_eq!(page.transport.send(text("m1", "hello")), SendResult::Dropped(DropReason::IncompatibleVersion));
}

#[wasm_bindgen_test]
async fn a_send_from_a_page_that_goes_away_is_dropped() {
    let page = Page::ready().await;
    browser::put_away();
    assert_eq!(page.transport.send(text("m1", "hello")), SendResult::Dropped(DropReason::PageGoingAway));
}

#[wasm_bindgen_test]
async fn signing_in_connects_again_and_sends_what_waits() {
    let fakes = Fakes::install();
    browser::answer_fetch("v1/events", 401, "", "");
    let page = Page::load(fakes);
    assert_eq!(page.transport.send(text("m1", "hello")), SendResult::Queued);
    until("a socket is opened", || browser::socket_count() == 1).await;
    browser::socket_close(0);
    until("the refusal is understood", || page.transport.link_status() == LinkStatus::SignedOut).await;

    browser::answer_fetch("v1/login", 204, "", "");
    page.transport.sign_in("secret").await.expect("the gateway takes it");
    page.connect(1, welcome()).await;
    until("the waiting send goes out", || count(1, "send") == 1).await;
    assert!(browser::fetched().iter().any(|request| request.contains("/v1/login") && request.contains("secret")));
}

#[wasm_bindgen_test]
async fn a_refused_token_is_told_and_changes_nothing() {
    let fakes = Fakes::install();
    let page = Page::load(fakes);
    browser::answer_fetch("v1/login", 401, "application/json", "{\"code\": \"unauthorized\", \"message\": \"no such token\"}");
    let refused = page.transport.sign_in("wrong").await.expect_err("the gateway refuses it");
    assert!(refused.is_unauthorized());
    assert_eq!(refused.to_string(), "no such token");
}

#[wasm_bindgen_test]
async fn the_links_token_is_spent_before_the_first_connection() {
    let fakes = Fakes::install();
    browser::answer_fetch("v1/login", 204, "", "");
    let page = Page::load_with(fakes, &Settings { token: Some("secret".to_owned()), ..Settings::default() });
    until("a socket is opened", || browser::socket_count() == 1).await;
    assert_eq!(browser::fetched().len(), 1);
    assert!(browser::fetched()[0].contains("/v1/login"));
    drop(page);
}

#[wasm_bindgen_test]
async fn a_gateway_elsewhere_is_entered_with_a_bearer_token_and_a_ticket() {
    let fakes = Fakes::install();
    browser::answer_fetch("v1/tickets", 200, "application/json", "{\"ticket\": \"t/1\"}");
    let gateway_url = Some("https://gateway.test/deep/folder".to_owned());
    let page = Page::load_with(fakes, &Settings { gateway_url, token: Some("secret".to_owned()), ..Settings::default() });
    until("a socket is opened", || browser::socket_count() == 1).await;
    assert_eq!(browser::socket_url(0), "wss://gateway.test/deep/folder/v1/connect?ticket=t%2F1");
    assert!(browser::fetched()[0].contains("\"authorization\":\"Bearer secret\""), "{}", browser::fetched()[0]);
    assert!(browser::fetched()[0].contains("\"credentials\":\"omit\""));
    // The cookie that would outlive a reload is not to be had there.
    assert_eq!(raw_storage().get_item("moorline.1.token").expect("readable").as_deref(), Some("\"secret\""));
    drop(page);
}

#[wasm_bindgen_test]
async fn a_plain_web_server_in_the_gateways_place_is_named_once() {
    let fakes = Fakes::install();
    browser::answer_fetch("v1/events", 404, "text/html", "");
    let page = Page::load(fakes);
    for i in 0..2 {
        until("a socket is opened", || browser::socket_count() == i + 1).await;
        browser::socket_close(i);
    }
    until("it is tried a third time", || browser::socket_count() == 3).await;
    let notices = page.sink.notices.borrow();
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert!(notices[0].contains("gatewayUrl") && notices[0].contains("config.json"), "{}", notices[0]);
}

#[wasm_bindgen_test]
async fn a_gateway_behind_a_proxy_that_says_502_is_waited_for() {
    let page = Page::ready().await;
    browser::answer_fetch("v1/events", 502, "text/html", "");
    lose(&page, 0).await;
    until("it is tried again", || browser::socket_count() == 2).await;
    browser::socket_close(1);
    page.connect(2, welcome()).await;
    assert_eq!(page.sink.notices.borrow()[..], [""; 0]);
}

#[wasm_bindgen_test]
async fn a_failed_upgrade_of_a_gateway_that_answers_is_tried_again_in_silence() {
    let fakes = Fakes::install();
    browser::answer_fetch("v1/events", 204, "", "");
    let page = Page::load(fakes);
    until("a socket is opened", || browser::socket_count() == 1).await;
    browser::socket_close(0);
    page.connect(1, welcome()).await;
    assert_eq!(page.sink.notices.borrow()[..], [""; 0]);
}

#[wasm_bindgen_test]
async fn an_origin_that_may_not_ask_is_told_the_option_that_lets_it() {
    let fakes = Fakes::install();
    browser::answer_fetch("v1/events", 403, "", "");
    let page = Page::load(fakes);
    until("a socket is opened", || browser::socket_count() == 1).await;
    browser::socket_close(0);
    until("it is told", || page.sink.notices.borrow().iter().any(|notice| notice.contains("--allow-origin"))).await;
}

#[wasm_bindgen_test]
async fn a_page_of_older_blocks_is_fetched_and_a_refusal_is_a_sentence() {
    let page = Page::ready().await;
    browser::answer_fetch(
        "v1/sessions/s1/blocks?before=7",
        200,
        "application/json",
        r#"{"epoch":"e1","seq":9,"from":1,"before":7,"items":[]}"#,
    );
    let older = page.transport.load_page(&session(), Seq::new(7)).await.expect("a page");
    assert_eq!((older.from, older.before), (Seq::new(1), Seq::new(7)));
    browser::answer_fetch(
        "v1/sessions/s1/blocks",
        404,
        "application/json",
        r#"{"code":"unknown_session","message":"there is no session s1"}"#,
    );
    let refused = page.transport.load_page(&session(), Seq::new(7)).await.expect_err("a refusal");
    assert_eq!(refused.to_string(), "there is no session s1");
}

#[wasm_bindgen_test]
async fn an_applied_cursor_is_acked_within_the_interval_and_only_when_it_advanced() {
    let page = Page::ready().await;
    page.attach(0).await;
    page.tell(0, events([1, 2, 3]));
    until("an ack", || count(0, "ack") == 1).await;
    let cursor = Cursor { session: session(), epoch: epoch(), seq: Seq::new(3) };
    assert!(sent(0).contains(&ClientFrame::Ack(Ack { cursors: vec![cursor.clone()] })));
    assert_eq!(raw_storage().get_item("moorline.1.seen.s1").expect("readable"), Some(encode(&cursor)));

    let quiet_since = browser::real_now();
    until("four intervals pass", || browser::real_now() - quiet_since > 200.0).await;
    assert_eq!(count(0, "ack"), 1);
}

#[wasm_bindgen_test]
async fn a_page_that_is_hidden_or_put_away_acks_at_once_and_once() {
    let slow = Timings { ack: Millis(60_000), ..timings() };
    let page = Page::ready_with(Welcome { timings: slow, ..welcome() }).await;
    page.attach(0).await;
    page.tell(0, events([1]));
    until("the event is applied", || page.sink.applied.get() == 1).await;
    browser::hide();
    assert_eq!(count(0, "ack"), 1, "in the same task: there may be no other");
    browser::put_away();
    assert_eq!(count(0, "ack"), 1, "nothing advanced in between");
    assert!(raw_storage().get_item("moorline.1.seen.s1").expect("readable").is_some());
    assert_eq!(browser::socket_close_calls(0), 1, "a page with an open socket is not kept for the back button");
    browser::reveal();
}

#[wasm_bindgen_test]
async fn a_page_brought_back_connects_and_attaches_where_it_was() {
    let page = Page::ready().await;
    page.attach(0).await;
    page.tell(0, events([1, 2]));
    until("the events are applied", || page.sink.applied.get() == 2).await;
    browser::put_away();
    browser::bring_back();
    page.connect(1, welcome()).await;
    let ClientFrame::Hello(hello) = &sent(1)[0] else { panic!("hello goes first") };
    assert_eq!(hello.attaches.iter().map(|attach| attach.seq).collect::<Vec<_>>(), [Seq::new(2)]);
}

#[wasm_bindgen_test]
async fn a_page_that_becomes_visible_probes_at_once() {
    let page = Page::ready().await;
    let before = count(0, "ping");
    browser::reveal();
    until("a ping goes out", || count(0, "ping") == before + 1).await;
    browser::tell_window("online");
    settle().await;
    assert!(page.sink.saw(|event| matches!(event, ClientEvent::Link(LinkStatus::Ready))));
}

#[wasm_bindgen_test]
async fn a_dropped_transport_closes_its_socket_and_hears_no_page_event() {
    let page = Page::ready().await;
    let Page { transport, sink, fakes } = page;
    drop(transport);
    assert_eq!(browser::socket_handlers(0), 0);
    assert_eq!(browser::socket_close_calls(0), 1);
    let told = sink.events.borrow().len();
    browser::listen_for_errors();
    browser::put_away();
    browser::bring_back();
    settle().await;
    assert_eq!(browser::errors_seen(), 0, "a listener outlived its closure");
    assert_eq!(browser::socket_count(), 1);
    assert_eq!(sink.events.borrow().len(), told);
    drop(fakes);
}
