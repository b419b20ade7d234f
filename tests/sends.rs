//! What becomes of what the user types, on screen: the real views over a model fed by hand.

#![cfg(target_family = "wasm")]

#[path = "support/browser.rs"]
mod browser;
#[path = "support/stage.rs"]
mod stage;

use moorline_delivery::{ClientEvent, DropReason, Failure, Notice, SendResult, SendState};
use moorline_protocol::{Millis, SendBody};
use stage::{Stage, accepted, message, session, started};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::KeyboardEventInit;

wasm_bindgen_test_configure!(run_in_browser);

fn failed() -> SendState {
    SendState::Failed(Failure { code: None, message: "no answer came".to_owned() })
}

#[wasm_bindgen_test]
async fn every_state_of_a_send_is_on_screen() {
    let stage = Stage::open();
    let states = [
        (SendState::Queued, "queued", "Waiting to be sent"),
        (SendState::Sending, "sending", "Sending…"),
        (SendState::Retrying { at: Millis(4_000) }, "retrying", "Not through yet. Next try in 3 s"),
        (failed(), "failed", "Not sent. no answer came"),
        (SendState::Withdrawing, "withdrawing", "Taking back…"),
        (SendState::Accepted, "accepted", "Sent"),
    ];
    for (state, word, sentence) in states {
        stage.send_state(0, "m1", "hello", state);
        stage.until_attribute("[data-message-id=m1]", "data-send-state", word).await;
        stage.until_texts("[data-message-id=m1] .send-state", &[sentence]).await;
        assert_eq!(stage.texts("[data-message-id=m1] [data-text]"), ["hello"]);
    }
}

#[wasm_bindgen_test]
async fn a_failed_send_offers_retry_edit_and_remove_and_each_calls_through() {
    let stage = Stage::open();
    stage.send_state(0, "m1", "hello", failed());
    for action in ["retry", "edit", "remove"] {
        let button = format!("[data-message-id=m1] [data-action={action}]");
        stage.until_count(&button, 1).await;
        stage.click(&button);
        assert!(stage.driver.called(&format!("{action} m1")), "{action}");
    }
}

#[wasm_bindgen_test]
async fn a_send_on_its_way_offers_nothing() {
    let stage = Stage::open();
    stage.send_state(0, "m1", "hello", SendState::Sending);
    stage.until_count("[data-message-id=m1]", 1).await;
    assert_eq!(stage.count("[data-message-id=m1] [data-action]"), 0);
}

#[wasm_bindgen_test]
async fn a_dropped_send_keeps_its_text_and_says_why() {
    let stage = Stage::open();
    stage.driver.answer.set(Some(SendResult::Dropped(DropReason::OutboxFull)));
    stage.type_text("precious");
    stage.until_count("[data-send]:not([disabled])", 1).await;
    stage.click("[data-send]");
    stage.until_count("[data-refusal]", 1).await;
    assert_eq!(stage.composer().value(), "precious");
    assert_eq!(stage.count("[data-message-id]"), 0);
    assert_eq!(stage.count("[data-stop]"), 0);
    assert_eq!(stage.driver.drafts.borrow().get("s1").map(String::as_str), Some("precious"));
    stage.type_text("precious too");
    stage.until_count("[data-refusal]", 0).await;
}

#[wasm_bindgen_test]
async fn a_queued_send_clears_the_composer() {
    let stage = Stage::open();
    stage.driver.answer.set(Some(SendResult::Queued));
    stage.type_text("later");
    stage.press(&KeyboardEventInit::new(), "Enter");
    browser::until("the composer to be empty", || stage.composer().value().is_empty()).await;
    assert_eq!(stage.driver.sends.borrow()[0].body, SendBody::Text("later".to_owned()));
    assert!(stage.driver.sends.borrow()[0].create.is_some());
}

#[wasm_bindgen_test]
async fn enter_sends_neither_with_shift_nor_while_an_input_method_composes() {
    let stage = Stage::open();
    stage.type_text("かん");
    let shift = KeyboardEventInit::new();
    shift.set_shift_key(true);
    stage.press(&shift, "Enter");
    let composing = KeyboardEventInit::new();
    composing.set_is_composing(true);
    stage.press(&composing, "Enter");
    let process = KeyboardEventInit::new();
    process.set_key_code(229);
    stage.press(&process, "Enter");
    assert_eq!(stage.driver.sends.borrow().len(), 0);
    stage.press(&KeyboardEventInit::new(), "Enter");
    assert_eq!(stage.driver.sends.borrow().len(), 1);
}

#[wasm_bindgen_test]
async fn a_receipt_alone_leaves_the_echo_and_the_event_takes_its_place() {
    let stage = Stage::open();
    stage.send_state(0, "m1", "first", SendState::Accepted);
    stage.send_state(1, "m2", "second", SendState::Queued);
    stage.until_texts("[data-message-id] [data-text]", &["first", "second"]).await;
    assert_eq!(stage.count("[data-turn]"), 0);
    stage.events("s1", vec![accepted(1, "m1", "first")]);
    stage.until_count("[data-turn=m1]", 1).await;
    assert_eq!(stage.count("[data-message-id=m1]"), 1);
    assert_eq!(stage.texts("[data-message-id] [data-text]"), ["first", "second"]);
    assert_eq!(stage.attribute("[data-message-id=m1]", "data-send-state"), "accepted");
    stage.tell(ClientEvent::SendGone { session: session("s1"), message: message("m1"), text: None });
    browser::settle().await;
    assert_eq!(stage.texts("[data-message-id] [data-text]"), ["first", "second"]);
}

#[wasm_bindgen_test]
async fn a_removed_send_is_gone_and_an_edited_one_is_in_the_composer() {
    let stage = Stage::open();
    stage.send_state(0, "m1", "one", SendState::Queued);
    stage.send_state(1, "m2", "two", SendState::Queued);
    stage.type_text("typed since");
    stage.tell(ClientEvent::SendGone { session: session("s1"), message: message("m1"), text: None });
    stage.until_texts("[data-message-id] [data-text]", &["two"]).await;
    stage.tell(ClientEvent::SendGone { session: session("s1"), message: message("m2"), text: Some("two".to_owned()) });
    stage.until_count("[data-message-id]", 0).await;
    browser::until("the text to be back", || stage.composer().value() == "two\n\ntyped since").await;
}

#[wasm_bindgen_test]
async fn a_send_that_storage_refused_says_to_keep_the_tab_open() {
    let stage = Stage::open();
    stage.send_state(0, "m1", "hello", SendState::Sending);
    stage.tell(ClientEvent::Notice(Notice::NotSaved));
    stage.until_count("[data-notice]", 1).await;
    assert!(stage.texts("[data-notice] p")[0].contains("Keep this tab open"));
    assert_eq!(stage.count("[data-message-id=m1]"), 1);
}

#[wasm_bindgen_test]
async fn an_accepted_message_that_waits_can_be_taken_back() {
    let stage = Stage::open();
    stage.events("s1", vec![accepted(1, "m1", "now"), started(2, "m1"), accepted(3, "m2", "then")]);
    stage.until_count("[data-turn=m2] [data-action=edit]", 1).await;
    assert_eq!(stage.count("[data-turn=m1] [data-action]"), 0);
    stage.click("[data-turn=m2] [data-action=edit]");
    assert!(stage.driver.called("withdraw m2 then"));
    stage.until_attribute("[data-message-id=m2]", "data-send-state", "withdrawing").await;
    stage.tell(ClientEvent::Notice(Notice::TooLate { session: session("s1"), message: message("m2") }));
    stage.until_attribute("[data-message-id=m2]", "data-send-state", "accepted").await;
}

#[wasm_bindgen_test]
async fn stop_names_the_running_turn_and_shows_that_it_is_stopping() {
    let stage = Stage::open();
    stage.events("s1", vec![accepted(1, "m1", "now"), started(2, "m1")]);
    stage.until_count("[data-stop]", 1).await;
    stage.click("[data-stop]");
    assert!(stage.driver.called("cancel m1"));
    let stopping = moorline_protocol::TurnStopping { turn: message("m1") };
    stage.events("s1", vec![stage::event(3, moorline_protocol::EventBody::TurnStopping(stopping))]);
    stage.until_count("[data-stop][disabled]", 1).await;
    stage.until_texts("[data-stop]", &["Stopping…"]).await;
}

#[wasm_bindgen_test]
async fn a_draft_is_kept_for_each_session() {
    let stage = Stage::open();
    stage.type_text("for the first");
    stage.model.select(&session("s2"));
    browser::until("the other draft", || stage.composer().value().is_empty()).await;
    stage.type_text("for the second");
    stage.model.select(&session("s1"));
    browser::until("the first draft", || stage.composer().value() == "for the first").await;
    assert_eq!(stage.driver.drafts.borrow().get("s2").map(String::as_str), Some("for the second"));
}

#[wasm_bindgen_test]
async fn the_line_counts_what_waits() {
    let stage = Stage::open();
    stage.send_state(0, "m1", "one", SendState::Queued);
    stage.send_state(1, "m2", "two", failed());
    stage.until_attribute("[data-waiting]", "data-waiting", "2").await;
    stage.tell(ClientEvent::SendGone { session: session("s1"), message: message("m1"), text: None });
    stage.tell(ClientEvent::SendGone { session: session("s1"), message: message("m2"), text: None });
    stage.until_count("[data-waiting]", 0).await;
}
