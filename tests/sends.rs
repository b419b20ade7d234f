//! What becomes of what the user types, on screen: the real views over a model fed by hand.

#![cfg(target_family = "wasm")]

#[path = "support/browser.rs"]
mod browser;
#[path = "support/dom.rs"]
mod dom;
#[path = "sends/dropped.rs"]
mod dropped;
#[path = "support/stage.rs"]
mod stage;

use moorline_delivery::{ClientEvent, Failure, LinkStatus, Notice, SendResult, SendState};
use moorline_protocol::{BlockKind, Code, Item, Millis, SendBody};
use stage::{Stage, accepted, asked, message, opened, session, started, whole_turn};
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
        (failed(), "failed", "Failed. No answer came. Retry is safe: it cannot arrive twice."),
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
async fn a_queued_message_says_what_it_waits_for() {
    let stage = Stage::open();
    stage.send_state(0, "m1", "one", SendState::Queued);
    let links = [
        (LinkStatus::Ready, "nothing", "Waiting to be sent"),
        (LinkStatus::Connecting, "connection", "Goes once the gateway is reached"),
        (LinkStatus::Waiting { until: Millis(9_000) }, "connection", "Goes once the gateway is reached"),
        (LinkStatus::Offline, "network", "Goes once this device is online"),
        (LinkStatus::SignedOut, "login", "Goes once you sign in"),
        (LinkStatus::Incompatible, "reload", "Goes after a reload of this page"),
    ];
    for (link, word, sentence) in links {
        stage.tell(ClientEvent::Link(link));
        stage.until_attribute("[data-message-id=m1] [data-waits-for]", "data-waits-for", word).await;
        assert_eq!(stage.texts("[data-message-id=m1] .send-state"), [sentence]);
    }
}

#[wasm_bindgen_test]
async fn messages_behind_another_say_so_and_one_behind_a_failed_one_asks_for_a_decision() {
    let stage = Stage::open();
    let waits_for = |name: &str| stage.attribute(&format!("[data-message-id={name}] [data-waits-for]"), "data-waits-for");
    stage.send_state(0, "m1", "one", SendState::Sending);
    stage.send_state(1, "m2", "two", SendState::Queued);
    stage.send_state(2, "m3", "three", SendState::Queued);
    stage.until_count("[data-waits-for=message]", 2).await;
    stage.send_state(0, "m1", "one", failed());
    stage.until_count("[data-waits-for=decision]", 2).await;
    // No connection mends what the user has to decide.
    stage.tell(ClientEvent::Link(LinkStatus::Offline));
    browser::settle().await;
    assert_eq!([waits_for("m2"), waits_for("m3")], ["decision", "decision"]);
    stage.tell(ClientEvent::Link(LinkStatus::Ready));
    stage.tell(ClientEvent::SendGone { session: session("s1"), message: message("m1"), text: None });
    stage.until_attribute("[data-message-id=m2] [data-waits-for]", "data-waits-for", "nothing").await;
    assert_eq!(waits_for("m3"), "message");
}

#[wasm_bindgen_test]
async fn a_long_wait_is_told_to_be_the_gateways() {
    let stage = Stage::open();
    stage.send_state(0, "m1", "one", SendState::Retrying { at: Millis(1_000 + 150_000) });
    stage.until_texts("[data-message-id=m1] .send-state", &["The gateway asks to wait. Next try in 2 min 30 s"]).await;
    assert_eq!(stage.count("[data-message-id=m1] [data-action=remove]"), 1);
}

#[wasm_bindgen_test]
async fn a_countdown_counts() {
    let stage = Stage::open();
    stage.send_state(0, "m1", "one", SendState::Retrying { at: Millis(4_000) });
    stage.until_texts(".countdown", &["3 s"]).await;
    stage.driver.now.set(1_001);
    stage.until_texts(".countdown", &["2 s"]).await;
}

#[wasm_bindgen_test]
async fn a_spent_budget_is_on_screen_with_its_reason_and_is_tried_again_by_hand() {
    let stage = Stage::open();
    let failure = Failure { code: Some(Code::Internal), message: "the store is away".to_owned() };
    stage.attempts(0, "m1", "one", 3, SendState::Failed(failure));
    stage.send_state(1, "m2", "two", SendState::Queued);
    stage.until_texts("[data-message-id=m1] .send-state", &["Failed after 3 attempts. The store is away."]).await;
    stage.click("[data-message-id=m1] [data-action=retry]");
    assert!(stage.driver.called("retry m1"));
    for state in [SendState::Queued, SendState::Sending, SendState::Accepted] {
        stage.attempts(0, "m1", "one", 0, state);
    }
    stage.until_attribute("[data-message-id=m1]", "data-send-state", "accepted").await;
    assert_eq!(stage.count("[data-message-id=m1] [data-action]"), 0);
    assert_eq!(stage.texts("[data-message-id] [data-text]"), ["one", "two"]);
}

#[wasm_bindgen_test]
async fn a_message_of_a_closed_tab_says_where_it_comes_from_and_that_retry_is_safe() {
    let stage = Stage::open();
    let message = "It was typed in a tab that this one was copied from, and that tab is closed.".to_owned();
    stage.attempts(0, "m1", "one", 0, SendState::Failed(Failure { code: None, message }));
    let sentence =
        "Failed. It was typed in a tab that this one was copied from, and that tab is closed. Retry is safe: it cannot arrive twice.";
    stage.until_texts("[data-message-id=m1] .send-state", &[sentence]).await;
    for action in ["retry", "edit", "remove"] {
        assert_eq!(stage.count(&format!("[data-message-id=m1] [data-action={action}]")), 1, "{action}");
    }
}

#[wasm_bindgen_test]
async fn two_identical_texts_in_flight_are_told_apart_until_each_is_seen() {
    let stage = Stage::open();
    stage.send_state(0, "m1", "again", SendState::Accepted);
    stage.send_state(1, "m2", "again", SendState::Sending);
    stage.until_texts("[data-message-id] [data-text]", &["again", "again"]).await;
    // The second one's event comes first: the first one's echo must stay.
    stage.events("s1", vec![accepted(1, "m2", "again")]);
    stage.until_count("[data-turn=m2]", 1).await;
    assert_eq!(stage.texts("[data-message-id] [data-text]"), ["again", "again"]);
    assert_eq!(stage.count(".echo [data-message-id=m1]"), 1);
    stage.tell(ClientEvent::SendGone { session: session("s1"), message: message("m2"), text: None });
    stage.events("s1", vec![accepted(2, "m1", "again")]);
    stage.tell(ClientEvent::SendGone { session: session("s1"), message: message("m1"), text: None });
    stage.until_count("[data-turn=m1]", 1).await;
    assert_eq!(stage.count(".echo"), 0);
    assert_eq!(stage.texts("[data-message-id] [data-text]"), ["again", "again"]);
}

#[wasm_bindgen_test]
async fn an_echo_is_replaced_by_the_snapshot_that_holds_its_message() {
    let stage = Stage::open();
    stage.send_state(0, "m1", "ask", SendState::Sending);
    stage.send_state(1, "m2", "ask", SendState::Sending);
    stage.until_count(".echo", 2).await;
    let items: Vec<Item> = whole_turn(1, "m1", "answer");
    stage.snapshot("s1", 4, 1, items);
    stage.until_count("[data-turn=m1]", 1).await;
    stage.until_count(".echo", 1).await;
    assert_eq!(stage.count(".echo [data-message-id=m2]"), 1);
}

#[wasm_bindgen_test]
async fn an_answer_that_fails_says_why_and_offers_retry_and_remove() {
    let stage = Stage::open();
    let request = opened(3, "m1", "rq", BlockKind::Request, asked("Delete it?"));
    stage.events("s1", vec![accepted(1, "m1", "go"), started(2, "m1"), request]);
    stage.until_count("[data-option=no]", 1).await;
    stage.click("[data-option=no]");
    let send = stage.driver.sends.borrow()[0].clone();
    let name = send.message.to_string();
    let tell = |state| stage.tell(ClientEvent::Send(moorline_delivery::SendStatus { send: send.clone(), order: 0, attempts: 3, state }));
    stage.tell(ClientEvent::Link(LinkStatus::Offline));
    tell(SendState::Queued);
    stage.until_count("[data-kind=request] [data-send-state=queued] [data-waits-for=network]", 1).await;
    tell(failed());
    stage.until_count("[data-kind=request] [data-send-state=failed]", 1).await;
    assert!(stage.texts("[data-kind=request] .send-state")[0].starts_with("Failed after 3 attempts. No answer came."));
    for action in ["retry", "remove"] {
        stage.click(&format!("[data-kind=request] [data-action={action}]"));
        assert!(stage.driver.called(&format!("{action} {name}")), "{action}");
    }
    assert_eq!(stage.count("[data-kind=request] [data-action=edit]"), 0);
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
    // A browser that tells of the end first.
    stage.dispatch("[data-composer]", "compositionend");
    stage.press(&KeyboardEventInit::new(), "Enter");
    assert_eq!(stage.driver.sends.borrow().len(), 0);
    browser::settle().await;
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
async fn a_send_that_storage_refused_is_said_to_be_in_this_tab_alone_for_as_long_as_it_is() {
    let stage = Stage::open();
    stage.send_state(0, "m1", "hello", SendState::Sending);
    stage.tell(ClientEvent::Notice(Notice::NotSaved));
    stage.until_count("[data-not-saved]", 1).await;
    assert!(stage.texts("[data-not-saved]")[0].contains("Keep this tab open"));
    stage.send_state(0, "m1", "hello", failed());
    // One that was typed later is in the storage.
    stage.send_state(1, "m2", "later", SendState::Queued);
    browser::settle().await;
    assert_eq!(stage.count("[data-not-saved]"), 1);
    stage.send_state(0, "m1", "hello", SendState::Accepted);
    stage.until_count("[data-not-saved]", 0).await;
    assert_eq!(stage.count("[data-message-id=m2]"), 1);
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
    let stopping = moorline_protocol::TurnStopping { turn: message("m1"), next: None };
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
