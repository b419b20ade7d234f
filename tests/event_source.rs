//! The event stream and the way to it, against a fake EventSource class.

#![cfg(target_family = "wasm")]

#[path = "support/browser.rs"]
mod browser;
#[path = "support/page.rs"]
mod page;

use std::{cell::RefCell, rc::Rc};

use browser::{Fakes, settle, until};
use moorline::{
    settings::Settings,
    transport::{LineInput, Stream},
};
use moorline_delivery::{ClientEvent, LinkId, LinkStatus, Transport, Trouble};
use moorline_protocol::{GatewayFrame, Millis, Rows, Seq, Timings, Welcome, encode};
use page::{Page, count_posted, events, hello_of_stream, sent, text, timings, welcome};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

const LINK: LinkId = LinkId(1);

type Inbox = Rc<RefCell<Vec<LineInput>>>;

fn open(link: LinkId) -> (Stream, Inbox) {
    open_at("http://gateway.test/v1/events", link)
}

fn open_at(url: &str, link: LinkId) -> (Stream, Inbox) {
    let inbox = Inbox::default();
    let queue = Rc::clone(&inbox);
    let stream = Stream::open(url, link, move |input| queue.borrow_mut().push(input)).expect("a fine URL");
    (stream, inbox)
}

fn ends(inbox: &Inbox) -> usize {
    inbox.borrow().iter().filter(|input| matches!(input, LineInput::Closed(_))).count()
}

#[wasm_bindgen_test]
fn handlers_are_null_after_drop_and_the_stream_is_closed() {
    let _fakes = Fakes::install();
    let (stream, _) = open(LINK);
    assert_eq!(browser::stream_handlers(0), 3);
    drop(stream);
    assert_eq!(browser::stream_handlers(0), 0);
    assert_eq!(browser::stream_close_calls(0), 1);
}

#[wasm_bindgen_test]
fn the_first_error_is_the_end_and_told_once() {
    let _fakes = Fakes::install();
    let (_stream, inbox) = open(LINK);
    browser::stream_open(0);
    browser::stream_error(0);
    assert_eq!(browser::stream_close_calls(0), 1, "the browser would open it again by itself, with the old hello");
    browser::stream_error(0);
    assert_eq!(ends(&inbox), 1);
}

#[wasm_bindgen_test]
fn callbacks_carry_the_name_of_their_own_connection() {
    let _fakes = Fakes::install();
    let (_first, first_inbox) = open(LinkId(1));
    let (_second, second_inbox) = open(LinkId(2));
    browser::stream_error(0);
    browser::stream_text(1, "hi");
    assert!(matches!(first_inbox.borrow()[..], [LineInput::Closed(LinkId(1))]));
    assert!(matches!(second_inbox.borrow()[..], [LineInput::Text(LinkId(2), _)]));
}

#[wasm_bindgen_test]
fn cookies_of_another_origin_are_not_asked_for() {
    let _fakes = Fakes::install();
    let _stream = open(LINK);
    assert!(!browser::stream_with_credentials(0));
}

#[wasm_bindgen_test]
fn a_url_that_is_none_is_an_error_not_a_panic() {
    let _fakes = Fakes::install();
    browser::install_real_stream();
    assert!(Stream::open("http://[", LINK, |_| {}).is_err());
}

#[wasm_bindgen_test]
async fn the_browsers_own_stream_is_read_to_its_end() {
    let _fakes = Fakes::install();
    browser::install_real_stream();
    let lines = js_sys::Array::of1(&"id: s1:e1:1\ndata: one\n\n: a remark\n\ndata: two\n\ndata: cut".into());
    let kind = web_sys::BlobPropertyBag::new();
    kind.set_type("text/event-stream");
    let blob = web_sys::Blob::new_with_str_sequence_and_options(&lines, &kind).expect("a blob");
    let url = web_sys::Url::create_object_url_with_blob(&blob).expect("a URL for it");
    let (_stream, inbox) = open_at(&url, LINK);
    until("the end is told", || ends(&inbox) == 1).await;
    let texts: Vec<String> = inbox
        .borrow()
        .iter()
        .filter_map(|input| if let LineInput::Text(_, text) = input { Some(String::from(text)) } else { None })
        .collect();
    assert_eq!(texts, ["one", "two"]);
    assert!(matches!(inbox.borrow()[0], LineInput::Opened(LINK)));
}

#[wasm_bindgen_test]
async fn two_refused_sockets_and_a_gateway_that_is_there_lead_to_a_stream() {
    let page = Page::streaming().await;
    assert_eq!(browser::socket_count(), 2);
    assert_eq!(page.transport.diagnostics().transport, Some(Transport::Sse));
    assert!(browser::fetched().iter().all(|request| !request.contains("v1/events") || request.contains("\"HEAD\"")));
    assert_eq!(page.sink.notices.borrow()[..], [""; 0]);
}

#[wasm_bindgen_test]
async fn one_refused_socket_is_no_reason_for_a_stream() {
    let fakes = Fakes::install();
    browser::answer_fetch("v1/events", 204, "", "");
    let page = Page::load(fakes);
    page.refuse_sockets(0..1).await;
    page.connect(1, welcome()).await;
    browser::socket_close(1);
    until("it is tried again", || browser::socket_count() == 3).await;
    page.refuse_sockets(2..3).await;
    until("a fourth socket is tried", || browser::socket_count() == 4).await;
    assert_eq!(browser::stream_count(), 0, "the refusals were not in a row");
}

/// Three WebSockets are refused, and so is the question why. What the page was told.
async fn refused_three_times(answer: impl Fn()) -> (Page, String) {
    let fakes = Fakes::install();
    answer();
    let page = Page::load(fakes);
    page.refuse_sockets(0..3).await;
    page.hurry_to_socket(3).await;
    assert_eq!(browser::stream_count(), 0);
    let notices = page.sink.notices.borrow().join("\n");
    (page, notices)
}

#[wasm_bindgen_test]
async fn a_gateway_that_answers_401_is_asked_for_a_login_and_for_no_stream() {
    let fakes = Fakes::install();
    browser::answer_fetch("v1/events", 401, "", "");
    let page = Page::load(fakes);
    page.refuse_sockets(0..1).await;
    until("a login is asked for", || page.transport.link_status() == LinkStatus::SignedOut).await;
    assert_eq!(browser::stream_count(), 0);
    assert_eq!(page.sink.notices.borrow()[..], [""; 0], "the login form says it");
}

#[wasm_bindgen_test]
async fn a_web_server_that_answers_404_gets_no_stream_and_is_named_once() {
    let (_page, told) = refused_three_times(|| browser::answer_fetch("v1/events", 404, "text/html", "")).await;
    assert!(told.contains("not a moorline gateway (HTTP 404)"), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
}

#[wasm_bindgen_test]
async fn a_web_server_that_answers_every_path_with_a_page_gets_no_stream() {
    let (_page, told) = refused_three_times(|| browser::answer_fetch("v1/events", 200, "text/html", "")).await;
    assert!(told.contains("not a moorline gateway (HTTP 200)"), "{told}");
}

#[wasm_bindgen_test]
async fn a_gateway_that_answers_503_gets_no_stream_and_the_page_says_why() {
    let (_page, told) = refused_three_times(|| browser::answer_fetch("v1/events", 503, "", "")).await;
    assert!(told.contains("takes no connection now (HTTP 503)"), "{told}");
}

#[wasm_bindgen_test]
async fn a_gateway_that_does_not_answer_gets_no_stream_and_the_page_says_why() {
    let (_page, told) = refused_three_times(|| {}).await;
    assert!(told.contains("no answer from the gateway"), "{told}");
}

#[wasm_bindgen_test]
async fn a_gateway_that_answers_429_is_left_alone_for_as_long_as_it_says() {
    let fakes = Fakes::install();
    browser::answer_fetch_with("v1/events", 429, r#"{"retry-after": "90"}"#, "");
    let page = Page::load(fakes);
    page.refuse_sockets(0..1).await;
    until("a reconnect is scheduled", || matches!(page.transport.link_status(), LinkStatus::Waiting { .. })).await;
    let LinkStatus::Waiting { until } = page.transport.link_status() else { panic!("it was just seen") };
    let wait = until.since(page.transport.now());
    assert!((Millis(85_000)..=Millis(90_000)).contains(&wait), "{wait:?}");
    assert!(page.sink.notices.borrow()[0].contains("HTTP 429"), "{:?}", page.sink.notices.borrow());
    assert_eq!(browser::stream_count(), 0);
}

#[wasm_bindgen_test]
async fn a_stream_begins_with_the_hello_in_its_url() {
    let page = Page::streaming().await;
    let own = web_sys::window().expect("a window").location().origin().expect("an origin");
    let url = browser::stream_url(0);
    assert!(url.starts_with(&format!("{own}/v1/events?hello=%7B%22version%22%3A1")), "{url}");
    assert!(hello_of_stream(0).attaches.is_empty());
    assert_eq!(browser::stream_query(0, "ticket"), "");
    assert_eq!(count_posted("hello"), 0);
    drop(page);
}

#[wasm_bindgen_test]
async fn a_lost_stream_is_opened_again_with_fresh_cursors() {
    let page = Page::streaming().await;
    page.attach_on_stream(0).await;
    page.stream(0, events([1, 2, 3]));
    until("the events are applied", || page.sink.applied.get() == 3).await;
    browser::stream_error(0);
    page.refuse_sockets(2..3).await;
    until("a stream is opened", || browser::stream_count() == 2).await;
    assert_eq!(hello_of_stream(1).attaches.iter().map(|attach| attach.seq).collect::<Vec<_>>(), [Seq::new(3)]);
    assert_eq!(browser::stream_close_calls(0), 2, "closed by its error, and again when it was dropped");
}

#[wasm_bindgen_test]
async fn late_events_of_a_lost_stream_change_nothing() {
    let page = Page::streaming().await;
    page.attach_on_stream(0).await;
    page.stream(0, events([1]));
    browser::stream_error(0);
    page.stream(0, events([2]));
    until("the loss is noticed", || page.transport.link_status() != LinkStatus::Ready).await;
    page.stream(0, events([2]));
    settle().await;
    assert_eq!(page.sink.applied.get(), 1);
    assert_eq!(page.transport.diagnostics().counters.stale, 1, "only what was in the queue by then came to anybody's notice");
}

/// What the page is told of a session when these frames come.
fn told(page: &Page) -> Vec<ClientEvent> {
    let about = |event: &&ClientEvent| {
        matches!(event, ClientEvent::Events { .. } | ClientEvent::Snapshot { .. } | ClientEvent::CaughtUp { .. } | ClientEvent::Rows(_))
    };
    page.sink.events.borrow().iter().filter(about).cloned().collect()
}

#[wasm_bindgen_test]
async fn the_same_frames_give_the_same_events_on_both_transports() {
    let frames = || [events([1, 2]), events([2, 3]), GatewayFrame::Sessions(Rows { rows: Vec::new(), list_reset: false }), events([4])];
    let socket = {
        let page = Page::ready().await;
        page.attach(0).await;
        frames().into_iter().for_each(|frame| page.tell(0, frame));
        until("all is applied", || page.sink.applied.get() == 4).await;
        told(&page)
    };
    let stream = {
        let page = Page::streaming().await;
        page.attach_on_stream(0).await;
        frames().into_iter().for_each(|frame| page.stream(0, frame));
        until("all is applied", || page.sink.applied.get() == 4).await;
        told(&page)
    };
    assert_eq!(socket, stream);
    assert_eq!(stream.len(), 6);
}

#[wasm_bindgen_test]
async fn data_that_is_no_frame_costs_the_stream() {
    let page = Page::streaming().await;
    browser::stream_text(0, "<html>");
    until("it is counted", || page.transport.diagnostics().counters.undecodable == 1).await;
    assert_eq!(browser::stream_handlers(0), 0);
}

#[wasm_bindgen_test]
async fn a_stream_that_opens_and_brings_nothing_is_blamed_on_a_proxy() {
    let fakes = Fakes::install();
    browser::answer_fetch("v1/", 204, "", "");
    let page = Page::load(fakes);
    page.refuse_sockets(0..2).await;
    until("a stream is opened", || browser::stream_count() == 1).await;
    browser::stream_open(0);
    settle().await;
    browser::pass(5_001.0, 5_001.0);
    // Any input looks at the clock first.
    page.transport.show(&page::session());
    until("it is said", || page.sink.saw(|event| *event == ClientEvent::Trouble(Some(Trouble::Withheld)))).await;
    assert_eq!(browser::stream_handlers(0), 0);
}

fn quick_upgrade() -> Welcome {
    Welcome { timings: Timings { upgrade: Millis(30), ..timings() }, ..welcome() }
}

#[wasm_bindgen_test]
async fn a_websocket_that_opens_beside_a_stream_takes_its_place() {
    let page = Page::streaming_with(Fakes::install(), &Settings::default(), quick_upgrade()).await;
    until("a WebSocket is tried", || browser::socket_count() == 3).await;
    assert_eq!(browser::stream_close_calls(0), 0, "the stream goes on until then");
    browser::socket_open(2);
    until("hello is sent", || !sent(2).is_empty()).await;
    assert_eq!(browser::stream_close_calls(0), 1);
    page.tell(2, GatewayFrame::Welcome(welcome()));
    until("frames travel on it", || page.transport.diagnostics().transport == Some(Transport::WebSocket)).await;
}

#[wasm_bindgen_test]
async fn a_websocket_that_fails_beside_a_stream_leaves_it_alone() {
    let page = Page::streaming_with(Fakes::install(), &Settings::default(), quick_upgrade()).await;
    until("a WebSocket is tried", || browser::socket_count() == 3).await;
    browser::socket_close(2);
    page.attach_on_stream(0).await;
    page.stream(0, events([1]));
    until("the event is applied", || page.sink.applied.get() == 1).await;
    assert_eq!(browser::stream_close_calls(0), 0);
    until("another one is tried later", || browser::socket_count() == 4).await;
}

#[wasm_bindgen_test]
async fn a_stream_elsewhere_carries_a_ticket_of_its_own() {
    let fakes = Fakes::install();
    let gateway_url = Some("https://gateway.test/deep".to_owned());
    let settings = Settings { gateway_url, token: Some("secret".to_owned()), ..Settings::default() };
    browser::answer_fetch("v1/events", 204, "", "");
    browser::answer_fetch("v1/tickets", 200, "application/json", "{\"ticket\": \"t/1\"}");
    let page = Page::load_with(fakes, &settings);
    page.refuse_sockets(0..2).await;
    until("a stream is opened", || browser::stream_count() == 1).await;
    assert!(browser::stream_url(0).starts_with("https://gateway.test/deep/v1/events?hello=%7B"), "{}", browser::stream_url(0));
    assert_eq!(browser::stream_query(0, "ticket"), "t/1");
    let asked: Vec<String> = browser::fetched().into_iter().filter(|request| request.contains("v1/events")).collect();
    assert!(asked.iter().all(|request| request.contains("\"authorization\":\"Bearer secret\"")), "{asked:?}");
    assert_eq!(browser::fetched().iter().filter(|request| request.contains("v1/tickets")).count(), 3, "each is good once");
    drop(page);
}

#[wasm_bindgen_test]
async fn a_ticket_that_is_refused_is_told_and_no_check_is_made() {
    let fakes = Fakes::install();
    browser::answer_fetch("v1/tickets", 429, "application/json", r#"{"code": "too_many", "message": "no more tickets now"}"#);
    let settings =
        Settings { gateway_url: Some("https://gateway.test".to_owned()), token: Some("secret".to_owned()), ..Settings::default() };
    let page = Page::load_with(fakes, &settings);
    until("it is told", || page.sink.notices.borrow()[..] == ["no more tickets now"]).await;
    until("a reconnect is scheduled", || matches!(page.transport.link_status(), LinkStatus::Waiting { .. })).await;
    assert!(browser::fetched().iter().all(|request| !request.contains("v1/events")));
    assert_eq!(browser::socket_count(), 0);
}

#[wasm_bindgen_test]
async fn a_dropped_transport_closes_its_stream() {
    let page = Page::streaming().await;
    let Page { transport, sink, fakes } = page;
    drop(transport);
    assert_eq!(browser::stream_handlers(0), 0);
    assert_eq!(browser::stream_close_calls(0), 1);
    let heard = sink.events.borrow().len();
    browser::stream_text(0, &encode(&events([1])));
    settle().await;
    assert_eq!(sink.events.borrow().len(), heard);
    drop(fakes);
}

#[wasm_bindgen_test]
async fn a_send_is_not_written_to_the_stream_but_posted() {
    let page = Page::streaming().await;
    let _ = page.transport.send(text("m1", "hello"));
    assert_eq!(count_posted("send"), 1);
}
