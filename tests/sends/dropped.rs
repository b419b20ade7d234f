//! A send that is not taken: nothing of it is left but its text, in the composer, and why.

use moorline_delivery::{ClientEvent, DropReason, LinkStatus, SendResult};
use moorline_protocol::Outcome;
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::KeyboardEventInit;

use crate::{
    browser::{settle, until},
    stage::{Stage, accepted, ended, started},
};

/// The message is taken back, nothing runs, an error beside the composer explains, and the text is in the composer.
async fn a_drop_is_taken_back(reason: DropReason, word: &str, part: &str) {
    let stage = Stage::open();
    stage.driver.answer.set(Some(SendResult::Dropped(reason)));
    stage.type_text("precious");
    stage.until_count("[data-send]:not([disabled])", 1).await;
    stage.click("[data-send]");
    stage.until_attribute(".composer [data-refusal]", "data-refusal", word).await;
    let sentence = stage.texts("[data-refusal]").concat();
    assert!(sentence.starts_with("Not sent: ") && sentence.contains(part), "{sentence}");
    settle().await;
    assert_eq!(stage.composer().value(), "precious");
    assert_eq!(stage.driver.drafts.borrow().get("s1").map(String::as_str), Some("precious"));
    for gone in ["[data-message-id]", "[data-stop]", ".working", "[data-waiting]", "[data-session-row]"] {
        assert_eq!(stage.count(gone), 0, "{gone}");
    }
    stage.until_texts("[role=status]", &[&sentence]).await;
    stage.type_text("precious too");
    stage.until_count("[data-refusal]", 0).await;
}

#[wasm_bindgen_test]
async fn a_send_dropped_because_the_outbox_is_full_is_taken_back() {
    a_drop_is_taken_back(DropReason::OutboxFull, "outbox-full", "too many messages are waiting").await;
}

#[wasm_bindgen_test]
async fn a_send_dropped_because_it_is_too_large_is_taken_back() {
    a_drop_is_taken_back(DropReason::TooLarge, "too-large", "Shorten it").await;
}

#[wasm_bindgen_test]
async fn a_send_dropped_because_nobody_is_signed_in_is_taken_back() {
    a_drop_is_taken_back(DropReason::SignedOut, "signed-out", "sign in").await;
}

#[wasm_bindgen_test]
async fn a_send_dropped_because_the_versions_do_not_fit_is_taken_back() {
    a_drop_is_taken_back(DropReason::IncompatibleVersion, "incompatible", "Reload the page").await;
}

#[wasm_bindgen_test]
async fn a_send_dropped_because_the_page_goes_away_is_taken_back() {
    a_drop_is_taken_back(DropReason::PageGoingAway, "page-going-away", "the page is closing").await;
}

#[wasm_bindgen_test]
async fn a_text_sent_again_that_is_dropped_is_in_the_composer_before_what_was_typed() {
    let stage = Stage::open();
    stage.events("s1", vec![accepted(1, "m1", "dangerous"), started(2, "m1"), ended(3, "m1", Outcome::Interrupted)]);
    stage.until_count("[data-turn=m1] [data-action=again]", 1).await;
    stage.type_text("typed");
    stage.driver.answer.set(Some(SendResult::Dropped(DropReason::OutboxFull)));
    for _ in 0..2 {
        stage.click("[data-turn=m1] [data-action=again]");
        stage.until_count("[data-refusal=outbox-full]", 1).await;
        settle().await;
        until("the text to be in the composer", || stage.composer().value() == "dangerous\n\ntyped").await;
    }
    assert_eq!(stage.count("[data-message-id]"), 1);
}

#[wasm_bindgen_test]
async fn a_refusal_for_want_of_a_login_goes_once_there_is_one() {
    let stage = Stage::open();
    for (reason, left) in [(DropReason::SignedOut, 0), (DropReason::TooLarge, 1)] {
        stage.driver.answer.set(Some(SendResult::Dropped(reason)));
        stage.type_text("text");
        stage.press(&KeyboardEventInit::new(), "Enter");
        stage.until_count("[data-refusal]", 1).await;
        stage.tell(ClientEvent::Link(LinkStatus::Connecting));
        stage.tell(ClientEvent::Link(LinkStatus::Ready));
        settle().await;
        assert_eq!(stage.count("[data-refusal]"), left);
    }
}
