//! Frames up by POST, and what their answers come to, against a fake fetch.

#![cfg(target_family = "wasm")]
#![expect(clippy::wildcard_enum_match_arm, reason = "a check looks at the events it is about")]

#[path = "support/browser.rs"]
mod browser;
#[path = "support/page.rs"]
mod page;

use browser::{Fakes, settle, until};
use moorline::settings::Settings;
use moorline_delivery::{ClientEvent, Failure, LinkStatus, Notice, SendState, SendStatus};
use moorline_protocol::{
    ChangeSession, ClientFrame, Code, GatewayFrame, Limits, Millis, Receipt, ReceiptOutcome, Seq, Timings, Welcome, encode,
};
use page::{Page, count_posted, events, message, posted, session, text, timings, welcome};
use wasm_bindgen::JsValue;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

const JSON: &str = "application/json";

fn receipt(name: &str) -> String {
    let outcome = ReceiptOutcome::Accepted { seq: Seq::new(1) };
    encode(&GatewayFrame::Receipt(Receipt { session: session(), message: message(name), outcome }))
}

/// The last state that the page was told of a send.
fn state(page: &Page, name: &str) -> Option<SendState> {
    let events = page.sink.events.borrow();
    events.iter().rev().find_map(|event| match event {
        ClientEvent::Send(SendStatus { send, state, .. }) if send.message == message(name) => Some(state.clone()),
        _ => None,
    })
}

/// When the next attempt of a send comes, once one has failed.
async fn next_attempt(page: &Page, name: &str) -> Millis {
    until("an attempt has failed", || matches!(state(page, name), Some(SendState::Retrying { .. }))).await;
    let Some(SendState::Retrying { at }) = state(page, name) else { panic!("it was just seen") };
    at.since(page.transport.now())
}

async fn failure(page: &Page, name: &str) -> Failure {
    until("the send has failed", || matches!(state(page, name), Some(SendState::Failed(_)))).await;
    let Some(SendState::Failed(failure)) = state(page, name) else { panic!("it was just seen") };
    failure
}

fn attempts_failed(page: &Page) -> usize {
    page.sink.events.borrow().iter().filter(|event| matches!(event, ClientEvent::AttemptFailed { .. })).count()
}

/// Sends `m1` on a stream to a gateway that gives this answer.
async fn sent_and_answered(status: u16, headers: &str, body: &str) -> Page {
    let page = Page::streaming().await;
    browser::answer_fetch_with("v1/send", status, headers, body);
    let _ = page.transport.send(text("m1", "hello"));
    page
}

#[wasm_bindgen_test]
async fn a_send_is_posted_under_the_connections_name() {
    let page = Page::streaming().await;
    let _ = page.transport.send(text("m1", "hello"));
    let at = posted().iter().position(|frame| frame.kind() == "send").expect("posted at once");
    assert_eq!(posted()[at], ClientFrame::Send(text("m1", "hello")));
    assert_eq!(browser::posted_paths()[at], "/v1/send");
    assert_eq!(browser::posted_field(at, "method"), "POST");
    assert_eq!(browser::posted_header(at, "moorline-connection"), welcome().connection.as_str());
    assert_eq!(browser::posted_header(at, "content-type"), JSON);
    assert_eq!(browser::posted_field(at, "credentials"), "same-origin");
    assert_eq!(browser::posted_field(at, "keepalive"), "false");
    drop(page);
}

#[wasm_bindgen_test]
async fn every_frame_has_its_kind_for_a_path() {
    let page = Page::streaming().await;
    page.attach_on_stream(0).await;
    page.stream(0, events([1]));
    until("an ack", || count_posted("ack") == 1).await;
    browser::reveal();
    until("a ping", || count_posted("ping") > 0).await;
    let paths: Vec<String> = posted().iter().map(|frame| format!("/v1/{}", frame.kind())).collect();
    assert_eq!(browser::posted_paths(), paths);
    assert!(paths.contains(&"/v1/attach".to_owned()));
    settle().await;
    assert_eq!(browser::stream_handlers(0), 3, "204 is all that these are answered");
    drop(page);
}

#[wasm_bindgen_test]
async fn a_receipt_in_the_answer_accepts_the_send() {
    let page = sent_and_answered(200, "{}", &receipt("m1")).await;
    until("it is accepted", || state(&page, "m1") == Some(SendState::Accepted)).await;
    assert_eq!(page.transport.diagnostics().counters.attempts.accepted, 1);
    assert_eq!(browser::raw_storage().get_item("moorline.1.outbox.m1").expect("readable"), None);
}

#[wasm_bindgen_test]
async fn a_204_is_no_receipt() {
    let page = sent_and_answered(204, "{}", "").await;
    next_attempt(&page, "m1").await;
    assert_eq!(attempts_failed(&page), 1);
}

#[wasm_bindgen_test]
async fn a_page_of_some_proxy_is_no_receipt_whatever_its_status() {
    let page = sent_and_answered(200, r#"{"content-type": "text/html"}"#, "<h1>log in to the hotel</h1>").await;
    next_attempt(&page, "m1").await;
    assert_eq!(page.transport.diagnostics().counters.attempts.transient, 1);
}

#[wasm_bindgen_test]
async fn a_network_error_is_an_attempt_without_an_answer() {
    let page = Page::streaming().await;
    browser::fail_fetch("v1/");
    let _ = page.transport.send(text("m1", "hello"));
    let wait = next_attempt(&page, "m1").await;
    assert!(wait <= Millis(1_500), "{wait:?}");
    assert_eq!(page.transport.diagnostics().counters.attempts.unanswered, 1);
}

#[wasm_bindgen_test]
async fn a_refusal_of_the_gateways_fails_the_send_with_its_sentence_and_at_once() {
    let page = sent_and_answered(422, "{}", r#"{"code": "unprocessable", "message": "there is no agent x"}"#).await;
    let failure = failure(&page, "m1").await;
    assert_eq!(failure, Failure { code: Some(Code::Unprocessable), message: "there is no agent x".to_owned() });
    assert_eq!(count_posted("send"), 1);
}

#[wasm_bindgen_test]
async fn a_refusal_of_some_proxys_is_not_taken_for_the_gateways() {
    let page = sent_and_answered(403, r#"{"content-type": "text/html"}"#, "<h1>forbidden</h1>").await;
    let failure = failure(&page, "m1").await;
    assert_eq!(failure.code, None);
    assert!(failure.message.contains("HTTP status 403"), "{}", failure.message);
}

#[wasm_bindgen_test]
async fn a_502_of_some_proxys_is_tried_again() {
    let page = sent_and_answered(502, r#"{"content-type": "text/html"}"#, "<h1>bad gateway</h1>").await;
    let wait = next_attempt(&page, "m1").await;
    assert!(wait <= Millis(1_500), "{wait:?}");
}

#[wasm_bindgen_test]
async fn an_end_that_is_no_failure_is_told_as_such() {
    let page = sent_and_answered(409, "{}", r#"{"code": "turn_over", "message": "the turn is over"}"#).await;
    until("it is told", || page.sink.saw(|event| matches!(event, ClientEvent::Notice(Notice::Settled { code: Code::TurnOver, .. })))).await;
    assert_eq!(attempts_failed(&page), 0);
}

#[wasm_bindgen_test]
async fn retry_after_in_seconds_is_waited_for() {
    let page = sent_and_answered(503, r#"{"retry-after": "120"}"#, "").await;
    let wait = next_attempt(&page, "m1").await;
    assert!((Millis(118_000)..=Millis(120_000)).contains(&wait), "{wait:?}");
}

#[wasm_bindgen_test]
async fn retry_after_as_a_date_is_held_against_the_servers_own_clock() {
    let headers = r#"{"retry-after": "Fri, 31 Dec 1999 23:59:59 GMT", "date": "Fri, 31 Dec 1999 23:57:59 GMT"}"#;
    let page = sent_and_answered(429, headers, "").await;
    let wait = next_attempt(&page, "m1").await;
    assert!((Millis(118_000)..=Millis(120_000)).contains(&wait), "{wait:?}");
}

#[wasm_bindgen_test]
async fn retry_after_as_a_date_without_the_servers_clock_is_held_against_the_pages() {
    let then = js_sys::Date::new(&(js_sys::Date::now() + 120_000.0).into());
    let headers = format!(r#"{{"retry-after": "{}"}}"#, String::from(then.to_utc_string()));
    let page = sent_and_answered(503, &headers, "").await;
    let wait = next_attempt(&page, "m1").await;
    // The header has no fractions of a second.
    assert!((Millis(117_000)..=Millis(120_000)).contains(&wait), "{wait:?}");
}

#[wasm_bindgen_test]
async fn retry_after_of_a_day_is_cut_to_the_most_that_is_waited() {
    let page = sent_and_answered(503, r#"{"retry-after": "99999999999999999999999"}"#, "").await;
    let wait = next_attempt(&page, "m1").await;
    assert!((Millis(598_000)..=Millis(600_000)).contains(&wait), "{wait:?}");
}

#[wasm_bindgen_test]
async fn retry_after_in_the_past_is_now() {
    let headers = r#"{"retry-after": "Fri, 31 Dec 1999 23:57:59 GMT", "date": "Fri, 31 Dec 1999 23:59:59 GMT"}"#;
    let page = sent_and_answered(503, headers, "").await;
    until("it is tried again at once, and again", || count_posted("send") == 3).await;
    failure(&page, "m1").await;
}

#[wasm_bindgen_test]
async fn a_retry_after_that_says_nothing_is_as_good_as_none() {
    // Browsers would take the last three for dates.
    for nonsense in ["soon", "", "1.5", "2099-01-01", "Sun Nov  6 08:49:37 2094"] {
        let headers = format!(r#"{{"retry-after": "{nonsense}"}}"#);
        let page = sent_and_answered(503, &headers, "").await;
        let wait = next_attempt(&page, "m1").await;
        assert!((Millis(300)..=Millis(1_500)).contains(&wait), "{nonsense}: {wait:?}");
        assert_eq!(page.transport.diagnostics().counters.attempts.told_to_wait, 0, "{nonsense}");
    }
}

#[wasm_bindgen_test]
async fn the_time_in_the_body_counts_before_the_one_in_the_header() {
    let body = r#"{"code": "too_many", "message": "slow down", "retry_after_ms": 30000}"#;
    let page = sent_and_answered(429, r#"{"retry-after": "120"}"#, body).await;
    let wait = next_attempt(&page, "m1").await;
    assert!((Millis(28_000)..=Millis(30_000)).contains(&wait), "{wait:?}");
}

#[wasm_bindgen_test]
async fn a_typed_refusal_without_a_time_takes_the_one_in_the_header() {
    let body = r#"{"code": "store_unavailable", "message": "the disk is full"}"#;
    let page = sent_and_answered(503, r#"{"retry-after": "120"}"#, body).await;
    let wait = next_attempt(&page, "m1").await;
    assert!((Millis(118_000)..=Millis(120_000)).contains(&wait), "{wait:?}");
}

/// A page on a stream to a gateway that answers no send, and not for long.
async fn sent_and_unanswered() -> Page {
    let welcome = Welcome { timings: Timings { receipt: Millis(100), ..timings() }, ..welcome() };
    let page = Page::streaming_with(Fakes::install(), &Settings::default(), welcome).await;
    browser::answer_fetch("v1/send", 0, "", "");
    let _ = page.transport.send(text("m1", "hello"));
    assert_eq!(browser::held_fetches("v1/send"), 1);
    page
}

#[wasm_bindgen_test]
async fn an_unanswered_post_is_aborted_after_the_time_for_a_receipt_and_counted_once() {
    let page = sent_and_unanswered().await;
    next_attempt(&page, "m1").await;
    assert!(browser::aborted_fetches()[0].ends_with("/v1/send"), "{:?}", browser::aborted_fetches());
    settle().await;
    assert_eq!(attempts_failed(&page), 1);
    assert_eq!(page.transport.diagnostics().counters.stale, 0, "the end of an aborted request is no news");
    assert_eq!(page.transport.link_status(), LinkStatus::Ready, "the stream is as good as before");
}

#[wasm_bindgen_test]
async fn a_post_is_not_aborted_before_its_time() {
    let page = Page::streaming().await;
    browser::answer_fetch("v1/send", 0, "", "");
    let _ = page.transport.send(text("m1", "hello"));
    // Longer than any other request may take.
    browser::pass(10_500.0, 10_500.0);
    page.transport.show(&session());
    settle().await;
    assert_eq!(browser::aborted_fetches().len(), 0);
    browser::release_fetch("v1/send", 200, JSON, &receipt("m1"));
    until("it is accepted", || state(&page, "m1") == Some(SendState::Accepted)).await;
}

#[wasm_bindgen_test]
async fn posts_of_a_dropped_page_are_aborted() {
    let page = sent_and_unanswered().await;
    let Page { transport, fakes, .. } = page;
    drop(transport);
    assert_eq!(browser::aborted_fetches().len(), 1);
    browser::listen_for_errors();
    settle().await;
    assert_eq!(browser::errors_seen(), 0);
    drop(fakes);
}

#[wasm_bindgen_test]
async fn an_unknown_connection_is_replaced_and_the_same_message_goes_again() {
    let body = r#"{"code": "unknown_connection", "message": "there is no such connection"}"#;
    let page = sent_and_answered(404, "{}", body).await;
    until("the stream is given up", || browser::stream_handlers(0) == 0).await;
    browser::answer_fetch("v1/send", 200, JSON, &receipt("m1"));
    page.refuse_sockets(2..3).await;
    page.welcome_stream(1, welcome()).await;
    until("it is accepted", || state(&page, "m1") == Some(SendState::Accepted)).await;
    let sends: Vec<ClientFrame> = posted().into_iter().filter(|frame| frame.kind() == "send").collect();
    assert_eq!(sends, [ClientFrame::Send(text("m1", "hello")), ClientFrame::Send(text("m1", "hello"))]);
    assert_eq!(attempts_failed(&page), 1);
}

#[wasm_bindgen_test]
async fn a_login_that_has_ended_is_a_pause_and_no_attempt() {
    let page = sent_and_answered(401, "{}", r#"{"code": "unauthorized", "message": "log in"}"#).await;
    until("a login is asked for", || page.transport.link_status() == LinkStatus::SignedOut).await;
    assert_eq!(browser::stream_handlers(0), 0);
    browser::answer_fetch("v1/login", 204, "", "");
    page.transport.sign_in("secret").await.expect("the gateway takes it");
    page.connect(2, welcome()).await;
    until("it goes again", || page::count(2, "send") == 1).await;
    assert_eq!(attempts_failed(&page), 0);
}

#[wasm_bindgen_test]
async fn a_cancel_that_gets_no_answer_is_told_and_not_tried_again() {
    let page = Page::streaming().await;
    browser::fail_fetch("v1/");
    page.transport.cancel(&session(), &message("m1"), None);
    until("it is told", || page.sink.saw(|event| matches!(event, ClientEvent::Notice(Notice::CancelFailed { .. })))).await;
    settle().await;
    assert_eq!(count_posted("cancel"), 1);
}

#[wasm_bindgen_test]
async fn a_cancel_that_gets_through_is_no_news() {
    let page = Page::streaming().await;
    page.transport.cancel(&session(), &message("m1"), None);
    assert_eq!(count_posted("cancel"), 1);
    settle().await;
    assert!(!page.sink.saw(|event| matches!(event, ClientEvent::Notice(_))));
}

#[wasm_bindgen_test]
async fn a_gateway_elsewhere_is_told_by_token_and_never_by_cookie() {
    let fakes = Fakes::install();
    let gateway_url = Some("https://gateway.test/deep/folder/".to_owned());
    let settings = Settings { gateway_url, token: Some("secret".to_owned()), ..Settings::default() };
    let page = Page::load_with(fakes, &settings);
    browser::answer_fetch("v1/", 204, "", "");
    browser::answer_fetch("v1/tickets", 200, JSON, "{\"ticket\": \"t\"}");
    page.refuse_sockets(0..2).await;
    page.welcome_stream(0, welcome()).await;
    let _ = page.transport.send(text("m1", "hello"));
    let at = posted().iter().position(|frame| frame.kind() == "send").expect("posted at once");
    assert_eq!(browser::posted_field(at, "url"), "https://gateway.test/deep/folder/v1/send");
    assert_eq!(browser::posted_header(at, "authorization"), "Bearer secret");
    assert_eq!(browser::posted_field(at, "credentials"), "omit");
}

#[wasm_bindgen_test]
async fn a_failed_attempt_is_one_line_in_the_console() {
    let page = Page::streaming().await;
    browser::listen_to_warnings();
    browser::answer_fetch("v1/send", 500, JSON, r#"{"code": "internal", "message": "it broke"}"#);
    let _ = page.transport.send(text("m1", "hello"));
    next_attempt(&page, "m1").await;
    assert_eq!(browser::warnings(), ["attempt 1 of m1 failed: internal"]);
    browser::answer_fetch("v1/send", 502, "text/html", "");
    until("the second one has failed", || browser::warnings().len() == 2).await;
    assert!(browser::warnings()[1].starts_with("attempt 2 of m1 failed: Something other than the gateway"), "{:?}", browser::warnings());
    assert_eq!(attempts_failed(&page), 2);
}

#[wasm_bindgen_test]
async fn one_message_of_a_session_is_posted_at_a_time() {
    let limits = Limits { outbox_sends: 3, ..Limits::default() };
    let page = Page::streaming_with(Fakes::install(), &Settings::default(), Welcome { limits, ..welcome() }).await;
    browser::answer_fetch("v1/send", 0, "", "");
    for name in ["m1", "m2"] {
        let _ = page.transport.send(text(name, "hello"));
    }
    settle().await;
    assert_eq!(browser::held_fetches("v1/send"), 1);
    browser::release_fetch("v1/send", 200, JSON, &receipt("m1"));
    until("the next one goes", || browser::held_fetches("v1/send") == 1).await;
    assert_eq!(count_posted("send"), 2);
}

/// The requests since the page was connected that are about a session or the login, as their method, path and login.
fn asked() -> Vec<(String, String, String)> {
    let fetched = browser::fetched();
    let parsed = fetched.iter().map(|request| js_sys::JSON::parse(request).expect("it was written as JSON"));
    let field =
        |of: &JsValue, name: &str| js_sys::Reflect::get(of, &name.into()).ok().and_then(|field| field.as_string()).unwrap_or_default();
    let asked = parsed.map(|request| {
        let headers = js_sys::Reflect::get(&request, &"headers".into()).expect("it has headers");
        let url = web_sys::Url::new(&field(&request, "url")).expect("an address");
        let login = format!("{} {}", field(&request, "credentials"), field(&headers, "authorization"));
        (field(&request, "method"), format!("{}{}", url.pathname(), url.search()), login.trim().to_owned())
    });
    asked.filter(|(_, path, _)| ["/sessions", "/search", "/logout"].iter().any(|part| path.contains(part))).collect()
}

async fn ask_everything(page: &Page) {
    browser::answer_fetch("v1/sessions/", 200, JSON, r#"{"session":"s1","rev":4,"title":"Notes","created_at":1,"changed_at":1}"#);
    browser::answer_fetch("v1/search", 200, JSON, r#"{"hits":[{"session":"s1","excerpt":["","No","tes"]}]}"#);
    let change = ChangeSession { pinned: Some(true), ..ChangeSession::default() };
    assert_eq!(page.transport.change(&session(), change).await.expect("it is changed").title, "Notes");
    assert_eq!(page.transport.search("no & on").await.expect("it is found").hits.len(), 1);
    page.transport.export(&session(), "json", "Notes".to_owned()).await.expect("it is saved");
    page.transport.delete(&session()).await.expect("it is deleted");
}

#[wasm_bindgen_test]
async fn what_is_asked_about_sessions_comes_with_the_login_here_and_elsewhere() {
    let page = Page::ready().await;
    ask_everything(&page).await;
    let expected = |folder: &str, login: &str| {
        let asked = |method: &str, path: &str| (method.to_owned(), format!("{folder}v1/{path}"), login.to_owned());
        vec![
            asked("PATCH", "sessions/s1"),
            asked("GET", "search?q=no%20%26%20on"),
            asked("GET", "sessions/s1/export?format=json"),
            asked("DELETE", "sessions/s1"),
        ]
    };
    assert_eq!(asked(), expected("/", "same-origin"));
    drop(page);

    let fakes = Fakes::install();
    browser::answer_fetch("v1/tickets", 200, JSON, "{\"ticket\": \"t1\"}");
    let gateway_url = Some("https://gateway.test/deep".to_owned());
    let page = Page::load_with(fakes, &Settings { gateway_url, token: Some("secret".to_owned()), ..Settings::default() });
    until("a socket is opened", || browser::socket_count() == 1).await;
    ask_everything(&page).await;
    assert_eq!(asked(), expected("/deep/", "omit Bearer secret"));
}

#[wasm_bindgen_test]
async fn what_the_gateway_refuses_about_a_session_is_its_sentence() {
    let page = Page::ready().await;
    browser::answer_fetch("v1/sessions/", 413, JSON, r#"{"code":"too_large","message":"a title has at most 200 characters"}"#);
    let refused = page.transport.change(&session(), ChangeSession::default()).await.expect_err("it is refused");
    assert_eq!(refused.to_string(), "a title has at most 200 characters");
    let refused = page.transport.export(&session(), "markdown", String::new()).await.expect_err("it is refused");
    assert_eq!(refused.to_string(), "a title has at most 200 characters");
    browser::fail_fetch("v1/sessions/");
    assert!(page.transport.delete(&session()).await.expect_err("nobody answers").to_string().starts_with("no answer from the gateway"));
}
