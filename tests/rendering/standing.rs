//! The status line: one line, quiet, and true.

use moorline_delivery::{AttachmentStatus, ClientEvent, LinkStatus, SendState, Trouble};
use moorline_protocol::{Millis, Outcome};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::{
    browser::{real_now, settle, turn, until},
    stage::{Stage, accepted, ended, session, started},
};

const LINE: &str = ".connection-sentence";

fn link(stage: &Stage, status: LinkStatus) {
    stage.tell(ClientEvent::Link(status));
}

async fn live() -> Stage {
    let stage = Stage::open();
    stage.until_texts(LINE, &["Live"]).await;
    stage
}

#[wasm_bindgen_test]
async fn the_line_says_where_the_page_stands() {
    let stage = live().await;
    stage.driver.now.set(0);
    let standings = [
        (LinkStatus::Offline, "offline", "Offline"),
        (LinkStatus::Waiting { until: Millis(6_000) }, "reconnecting", "Reconnecting in 5 s"),
        (LinkStatus::Connecting, "reconnecting", "Connecting…"),
        (LinkStatus::SignedOut, "signed-out", "Signed out"),
        (LinkStatus::Incompatible, "incompatible", "Reload needed"),
        (LinkStatus::Ready, "live", "Live"),
    ];
    for (status, word, sentence) in standings {
        link(&stage, status);
        stage.until_texts(LINE, &[sentence]).await;
        assert_eq!(stage.attribute("[data-connection]", "data-connection"), word);
    }
    stage.tell(ClientEvent::Attachment { session: session("s1"), status: AttachmentStatus::CatchingUp });
    stage.until_texts(LINE, &["Catching up…"]).await;
}

#[wasm_bindgen_test]
async fn offline_says_how_many_wait() {
    let stage = live().await;
    stage.send_state(0, "m1", "one", SendState::Queued);
    stage.send_state(1, "m2", "two", SendState::Queued);
    link(&stage, LinkStatus::Offline);
    stage.until_texts("button[data-connection=offline]", &["Offline2 waiting"]).await;
}

#[wasm_bindgen_test]
async fn a_reconnect_that_is_over_within_a_second_is_neither_shown_nor_announced() {
    let stage = live().await;
    link(&stage, LinkStatus::Offline);
    stage.until_texts("[role=status]", &["Offline"]).await;
    link(&stage, LinkStatus::Ready);
    stage.until_texts("[role=status]", &["Live"]).await;
    let (shown, announced) = (stage.watch("button[data-connection]"), stage.watch("[role=status]"));
    for status in [LinkStatus::Waiting { until: Millis(1_400) }, LinkStatus::Connecting, LinkStatus::Ready] {
        link(&stage, status);
        settle().await;
    }
    stage.tell(ClientEvent::Attachment { session: session("s1"), status: AttachmentStatus::CatchingUp });
    settle().await;
    stage.tell(ClientEvent::Attachment { session: session("s1"), status: AttachmentStatus::Live });
    // Longer than a second after the first loss: by then it is over.
    let started = real_now();
    until("a second and a half to pass", || real_now() - started > 1_500.0).await;
    assert_eq!([shown.count(), announced.count()], [0, 0]);
}

#[wasm_bindgen_test]
async fn a_turns_end_is_announced_though_the_line_changes_in_the_same_moment() {
    let stage = live().await;
    stage.events("s1", vec![accepted(1, "m1", "do it"), started(2, "m1")]);
    stage.until_texts("[role=status]", &["The agent is working."]).await;
    stage.events("s1", vec![ended(3, "m1", Outcome::Completed)]);
    settle().await;
    link(&stage, LinkStatus::Offline);
    stage.until_texts("[role=status]", &["The agent has finished. Offline"]).await;
}

#[wasm_bindgen_test]
async fn a_reconnect_that_lasts_is_said_though_its_attempts_are_short() {
    let stage = live().await;
    let started = real_now();
    let mut until_ms = 2_000;
    // An attempt each turn: none of them lasts, the outage does.
    while stage.texts(LINE) == ["Live"] {
        assert!(real_now() - started < 3_000.0, "the outage was not said within 3 s");
        until_ms += 1;
        link(&stage, LinkStatus::Waiting { until: Millis(until_ms) });
        link(&stage, LinkStatus::Connecting);
        turn().await;
    }
    assert!(real_now() - started > 900.0, "it was said within 0.9 s");
    link(&stage, LinkStatus::Waiting { until: Millis(8_000) });
    stage.until_texts(LINE, &["Reconnecting in 7 s"]).await;
}

#[wasm_bindgen_test]
async fn what_stands_in_the_way_is_named_on_the_line_and_told_with_a_remedy() {
    let stage = live().await;
    let troubles = [
        (Trouble::NoSlot, "no-slot", "Four other tabs already use the connections this browser allows; close one of them."),
        (Trouble::Withheld, "withheld", "Something between this page and the gateway holds its data back"),
    ];
    assert_eq!(stage.count("[data-trouble]"), 0);
    for (trouble, word, sentence) in troubles {
        stage.tell(ClientEvent::Trouble(Some(trouble)));
        stage.until_attribute("[data-connection]", "data-trouble", word).await;
        until("the sentence", || stage.texts(".banner").concat().starts_with(sentence)).await;
        until("it to be announced", || stage.texts("[role=status]").concat().starts_with(sentence)).await;
    }
    stage.tell(ClientEvent::Trouble(None));
    stage.until_count("[data-trouble]", 0).await;
    stage.until_count(".banner", 0).await;
}
