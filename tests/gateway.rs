//! The whole page against a real gateway on another loopback port, over a WebSocket and over SSE.

#![cfg(target_family = "wasm")]

#[path = "support/browser.rs"]
mod browser;
#[path = "support/dom.rs"]
mod dom;
#[path = "support/real.rs"]
mod real;

use browser::until;
use moorline::transport::HttpError;
use moorline_delivery::{SendResult, Transport as On};
use moorline_protocol::{Code, Send, SendBody, Seq};
use real::{Page, TOKEN, allow_sockets, ask, refuse_sockets, socket_urls, ticket};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

/// Each of these on both transports.
macro_rules! on_both {
    ($($name:ident;)+) => {
        mod websocket {
            $(#[wasm_bindgen_test::wasm_bindgen_test] async fn $name() { super::$name(super::On::WebSocket).await; })+
        }
        mod sse {
            $(#[wasm_bindgen_test::wasm_bindgen_test] async fn $name() { super::$name(super::On::Sse).await; })+
        }
    };
}

on_both! {
    a_message_is_accepted_once_and_its_turn_streams_and_ends;
    two_identical_texts_are_two_messages;
    a_turn_is_stopped;
    a_request_is_answered;
    a_message_that_waits_is_taken_back;
    a_session_that_the_gateway_does_not_know_is_empty_and_a_send_to_it_fails_at_once;
}

async fn a_message_is_accepted_once_and_its_turn_streams_and_ends(on: On) {
    let page = Page::live(on).await;
    page.say("/stream 40");
    page.until_count("[data-stop]", 1).await;
    let text = || page.texts("[data-kind=text] [data-text]").concat();
    until("the answer to begin", || !text().is_empty()).await;
    let begun = text();
    page.until_turns(1, "completed").await;
    assert!(text().len() > begun.len() && text().starts_with(&begun));
    for gone in [".echo", "[data-stop]", ".working", "[data-waiting]"] {
        assert_eq!(page.count(gone), 0, "{gone}");
    }
    page.say("/echo héllo — 你好");
    page.until_turns(2, "completed").await;
    assert_eq!(page.texts("[data-kind=text] [data-text]").last().map(String::as_str), Some("héllo — 你好"));
    let diagnostics = page.transport.diagnostics();
    assert_eq!((diagnostics.transport, diagnostics.counters.connections), (Some(on), 1));
}

async fn two_identical_texts_are_two_messages(on: On) {
    let page = Page::live(on).await;
    page.say("/echo again");
    page.say("/echo again");
    page.until_count("[data-message-id]", 2).await;
    page.until_turns(2, "completed").await;
    assert_eq!(page.texts("[data-message-id] [data-text]"), ["/echo again", "/echo again"]);
    assert_eq!(page.texts("[data-kind=text] [data-text]"), ["again", "again"]);
}

async fn a_turn_is_stopped(on: On) {
    let page = Page::live(on).await;
    page.say("/sleep 600");
    page.until_turns(1, "running").await;
    page.click("[data-stop]");
    page.until_turns(1, "cancelled").await;
    page.until_count("[data-stop]", 0).await;
    assert_eq!(page.count("[data-notice]"), 0);
}

async fn a_request_is_answered(on: On) {
    let page = Page::live(on).await;
    page.say("/ask");
    until("the request to be open", || page.count("[data-kind=request] [data-option]:not([disabled])") > 1).await;
    page.click("[data-kind=request] [data-option]");
    page.until_count("[data-settled=answered]", 1).await;
    page.until_turns(1, "completed").await;
    assert_eq!(page.count("[data-option]"), 0);
}

async fn a_message_that_waits_is_taken_back(on: On) {
    let page = Page::live(on).await;
    page.say("/sleep 600");
    page.until_turns(1, "running").await;
    page.say("/echo later");
    page.until_turns(1, "queued").await;
    page.click("[data-turn-state=queued] [data-action=edit]");
    page.until_turns(0, "queued").await;
    until("the text to be in the composer", || page.composer().value() == "/echo later").await;
    page.click("[data-stop]");
    page.until_turns(1, "cancelled").await;
    assert_eq!(page.texts("[data-message-id] [data-text]"), ["/sleep 600"]);
}

async fn a_session_that_the_gateway_does_not_know_is_empty_and_a_send_to_it_fails_at_once(on: On) {
    let page = Page::live(on).await;
    assert_eq!(page.count("[data-block]"), 0);
    page.until_count(".welcome", 1).await;
    let nowhere = page.transport.load_page(&page.session(), Seq::new(9)).await;
    assert!(matches!(nowhere, Err(HttpError::Refused { code: Code::UnknownSession, .. })), "{nowhere:?}");
    let message = page.transport.new_message_id();
    let body = SendBody::Text("to nobody".to_owned());
    let result = page.transport.send(Send { session: page.session(), message, body, create: None, interrupt: None });
    assert_eq!(result, SendResult::Sent);
    page.until_attribute("[data-message-id]", "data-send-state", "failed").await;
    assert_eq!(page.count("[data-message-id] [data-action]"), 3);
    let attempts = page.transport.diagnostics().counters.attempts;
    assert_eq!((attempts.refused, attempts.transient), (1, 0));
    // A first message that makes the session is taken, behind the one that is decided about.
    page.click("[data-action=remove]");
    page.until_count("[data-message-id]", 0).await;
    page.say("/echo here");
    page.until_turns(1, "completed").await;
}

#[wasm_bindgen_test]
async fn a_page_of_another_origin_gets_in_with_a_ticket_and_tells_no_url_its_token() {
    let page = Page::live(On::WebSocket).await;
    let urls = socket_urls();
    assert_eq!(urls.len(), 1);
    assert!(urls[0].contains("/v1/connect?ticket="), "{}", urls[0]);
    assert!(!urls[0].contains(TOKEN), "{}", urls[0]);
    drop(page);
}

#[wasm_bindgen_test]
async fn a_wrong_token_signs_the_page_out_and_the_right_one_lets_it_go_on() {
    let page = Page::open(On::WebSocket, "wrong", None).await;
    page.until_attribute("[data-connection]", "data-connection", "signed-out").await;
    page.say("/echo precious");
    page.until_count("[data-refusal=signed-out]", 1).await;
    assert_eq!(page.composer().value(), "/echo precious");
    page.enter("[data-token]", "wrong too");
    page.click("[data-action=sign-in]");
    page.until_count(".sign-in .refusal", 1).await;
    page.enter("[data-token]", TOKEN);
    page.click("[data-action=sign-in]");
    page.until_live(On::WebSocket).await;
    page.until_count("[data-refusal]", 0).await;
    page.click("[data-send]");
    page.until_turns(1, "completed").await;
    assert_eq!(page.texts("[data-kind=text] [data-text]"), ["precious"]);
}

#[wasm_bindgen_test]
async fn head_answers_as_a_stream_would_and_spends_no_ticket() {
    let page = Page::live(On::WebSocket).await;
    assert_eq!(ask("HEAD", "v1/events", "").await, 401);
    assert_eq!(ask("HEAD", "v1/events", "wrong").await, 401);
    assert_eq!(ask("HEAD", "v1/events?ticket=none", "").await, 401);
    let path = format!("v1/events?ticket={}", ticket().await);
    for _ in 0..3 {
        assert_eq!(ask("HEAD", &path, "").await, 204);
    }
    drop(page);
}

#[wasm_bindgen_test]
async fn older_blocks_are_loaded_into_their_gap() {
    let page = Page::live(On::WebSocket).await;
    let answers = ["one", "two", "three", "four", "five", "six"];
    for (at, answer) in answers.iter().enumerate() {
        page.say(&format!("/echo {answer}"));
        page.until_turns(at + 1, "completed").await;
    }
    let session = page.session();
    drop(page);
    let page = Page::live_with(On::Sse, &session).await;
    page.until_texts("[data-kind=text] [data-text]", &answers[3..]).await;
    assert_eq!(page.count("[data-gap]"), 1);
    page.click("[data-gap] [data-action=load]");
    page.until_count("[data-gap]", 0).await;
    page.until_texts("[data-kind=text] [data-text]", &answers).await;
}

#[wasm_bindgen_test]
async fn a_turn_goes_on_while_a_websocket_takes_the_place_of_sse() {
    let page = Page::live(On::Sse).await;
    page.say("/stream 400");
    page.until_turns(1, "running").await;
    allow_sockets();
    page.until_on(On::WebSocket).await;
    assert_eq!(page.count("[data-turn-state=running]"), 1, "the turn ended before the switch");
    page.say("/echo behind it");
    page.until_turns(2, "completed").await;
    let shown = page.blocks();
    assert_eq!(shown, page.shown_afresh().await);
}

#[wasm_bindgen_test]
async fn a_turn_goes_on_while_sse_takes_the_place_of_a_websocket() {
    let page = Page::live(On::WebSocket).await;
    page.say("/stream 600");
    page.until_turns(1, "running").await;
    refuse_sockets();
    page.say("/echo behind it");
    page.until_on(On::Sse).await;
    assert_eq!(page.count("[data-turn-state=running]"), 1, "the turn ended before the switch");
    page.until_turns(2, "completed").await;
    let shown = page.blocks();
    assert_eq!(shown, page.shown_afresh().await);
}
