//! What the page shows of what arrives: the real views over a model fed by hand.

#![cfg(target_family = "wasm")]

#[path = "rendering/agent.rs"]
mod agent;
#[path = "rendering/beginning.rs"]
mod beginning;
#[path = "support/browser.rs"]
mod browser;
#[path = "rendering/diagnostics.rs"]
mod diagnostics;
#[path = "support/dom.rs"]
mod dom;
#[path = "rendering/fit.rs"]
mod fit;
#[path = "../crates/markup/tests/corpus/hostile.rs"]
mod hostile;
#[path = "rendering/markdown.rs"]
mod markdown;
#[path = "support/stage.rs"]
mod stage;
#[path = "rendering/standing.rs"]
mod standing;
#[path = "rendering/tools.rs"]
mod tools;
#[path = "rendering/window.rs"]
mod window;

use std::{cell::RefCell, rc::Rc};

use browser::until;
use moorline_delivery::{AttachmentStatus, ClientEvent, LinkStatus, SendState};
use moorline_protocol::{BlockKind, Event, FieldsPatch, Outcome, Page, SendBody, Seq, SessionRow, SessionState, ToolStatus};
use stage::{
    Stage, accepted, append, asked, changed, ended, epoch, event, message, opened, row, rows, session, started, titled, whole_turn,
};
use wasm_bindgen::{JsCast as _, closure::Closure};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::CustomEvent;

wasm_bindgen_test_configure!(run_in_browser);

/// A turn with a thought, a tool call and an answer.
fn turn() -> Vec<Event> {
    vec![
        accepted(1, "m1", "do it"),
        started(2, "m1"),
        opened(3, "m1", "th", BlockKind::Thought, FieldsPatch::default()),
        append(4, "th", 0, "hmm"),
        opened(5, "m1", "to", BlockKind::Tool, titled("ls -l", ToolStatus::InProgress)),
        append(6, "to", 0, "total 0"),
        changed(7, "to", titled("ls -l", ToolStatus::Completed)),
        opened(8, "m1", "tx", BlockKind::Text, FieldsPatch::default()),
        append(9, "tx", 0, "There is "),
        append(10, "tx", 9, "nothing — là."),
        ended(11, "m1", Outcome::Completed),
    ]
}

async fn until_seq(stage: &Stage, seq: u64) {
    stage.until_attribute("[data-transcript]", "data-applied-seq", &seq.to_string()).await;
}

#[wasm_bindgen_test]
async fn a_turn_replayed_twice_is_on_screen_once() {
    let stage = Stage::open();
    stage.events("s1", turn());
    until_seq(&stage, 11).await;
    let once = stage.transcript();
    assert_eq!(once.len(), 4);
    stage.events("s1", turn());
    browser::settle().await;
    assert_eq!(stage.transcript(), once);
}

#[wasm_bindgen_test]
async fn a_started_tool_and_its_result_are_one_card() {
    let stage = Stage::open();
    stage.events("s1", turn()[..6].to_vec());
    stage.until_attribute("[data-kind=tool] [data-tool-status]", "data-tool-status", "in_progress").await;
    stage.events("s1", turn()[6..].to_vec());
    stage.until_attribute("[data-kind=tool] [data-tool-status]", "data-tool-status", "completed").await;
    assert_eq!(stage.count("[data-kind=tool]"), 1);
    assert_eq!(stage.texts("[data-kind=tool] [data-title]"), ["ls -l"]);
}

#[wasm_bindgen_test]
async fn a_tools_output_is_built_when_its_card_is_opened_and_grows_from_then_on() {
    let stage = Stage::open();
    stage.events("s1", turn()[..6].to_vec());
    stage.until_count("[data-kind=tool]", 1).await;
    assert_eq!(stage.count("[data-kind=tool] [data-text]"), 0);
    stage.click("[data-kind=tool] [data-disclosure]");
    stage.until_texts("[data-kind=tool] [data-text]", &["total 0"]).await;
    stage.events("s1", vec![append(7, "to", 7, "\ndone")]);
    stage.until_texts("[data-kind=tool] [data-text]", &["total 0\ndone"]).await;
}

#[wasm_bindgen_test]
async fn a_snapshot_and_the_tail_show_what_live_events_show() {
    let live = Stage::open();
    live.events("s1", turn());
    until_seq(&live, 11).await;
    let shown = live.transcript();
    drop(live);

    let mut transcript = moorline_transcript::WholeTranscript::new();
    turn()[..9].iter().for_each(|event| transcript.apply(event));
    let snapshot = transcript.snapshot(None, &moorline_protocol::Limits::default(), &epoch());
    let stage = Stage::open();
    stage.snapshot("s1", 9, snapshot.from.value(), snapshot.items);
    stage.events("s1", turn()[9..].to_vec());
    until_seq(&stage, 11).await;
    until("the snapshot and its tail to equal live", || stage.transcript() == shown).await;
}

#[wasm_bindgen_test]
async fn a_growing_text_keeps_its_text_node() {
    let stage = Stage::open();
    stage.events("s1", turn()[..9].to_vec());
    stage.until_texts("[data-block=tx] [data-text]", &["There is"]).await;
    let node = |stage: &Stage| stage.find("[data-block=tx] [data-text] p").and_then(|element| element.first_child()).expect("a text node");
    let before = node(&stage);
    stage.events("s1", vec![turn()[9].clone()]);
    stage.until_texts("[data-block=tx] [data-text]", &["There is nothing — là."]).await;
    assert!(before.is_same_node(Some(&node(&stage))));
}

#[wasm_bindgen_test]
async fn a_page_is_merged_above_what_goes_on_live() {
    let stage = Stage::open();
    stage.snapshot("s1", 24, 21, whole_turn(21, "m6", "six"));
    stage.until_count("[data-gap]", 1).await;
    let items = (0..5).flat_map(|n| whole_turn(n * 4 + 1, &format!("m{}", n + 1), &format!("answer {n}"))).collect();
    let page = Page { epoch: epoch(), seq: Seq::new(24), from: Seq::new(1), before: Seq::new(21), items };
    stage.driver.page.replace(Some(page));
    stage.click("[data-gap] [data-action=load]");
    stage.events("s1", vec![accepted(25, "m7", "and now")]);
    stage.until_count("[data-gap]", 0).await;
    assert!(stage.driver.called("load_page 21"));
    let texts = ["answer 0", "answer 1", "answer 2", "answer 3", "answer 4", "six"];
    stage.until_texts("[data-kind=text] [data-text]", &texts).await;
    assert_eq!(stage.texts("[data-kind=message] [data-text]").last().map(String::as_str), Some("and now"));
}

#[wasm_bindgen_test]
async fn a_page_that_does_not_come_leaves_the_gap_with_its_button() {
    let stage = Stage::open();
    stage.snapshot("s1", 24, 21, whole_turn(21, "m6", "six"));
    stage.until_count("[data-gap]", 1).await;
    stage.click("[data-gap] [data-action=load]");
    stage.until_count("[data-notice]", 1).await;
    stage.until_count("[data-gap] [data-action=load]:not([disabled])", 1).await;
}

#[wasm_bindgen_test]
async fn turns_stand_in_the_order_in_which_they_start_and_queued_ones_behind() {
    let stage = Stage::open();
    let mut events = turn()[..2].to_vec();
    events.extend([
        accepted(3, "m2", "then this"),
        accepted(4, "m3", "and that"),
        opened(5, "m1", "x", BlockKind::Text, FieldsPatch::default()),
    ]);
    stage.events("s1", events);
    stage.until_count("[data-turn]", 3).await;
    let order: Vec<_> = stage.all("[data-turn]").iter().filter_map(|turn| turn.get_attribute("data-turn")).collect();
    assert_eq!(order, ["m1", "m2", "m3"]);
    assert_eq!(stage.attribute("[data-turn=m3]", "data-turn-state"), "queued");
}

#[wasm_bindgen_test]
async fn two_identical_texts_both_survive() {
    let stage = Stage::open();
    stage.events("s1", vec![accepted(1, "m1", "again"), accepted(2, "m2", "again")]);
    stage.until_texts("[data-kind=message] [data-text]", &["again", "again"]).await;
}

#[wasm_bindgen_test]
async fn events_of_a_session_off_screen_wait_there_until_it_is_chosen() {
    let stage = Stage::open();
    stage.events("s1", turn()[..9].to_vec());
    stage.events("s2", vec![accepted(1, "n1", "elsewhere")]);
    stage.until_texts("[data-kind=message] [data-text]", &["do it"]).await;

    stage.model.select(&session("s2"));
    stage.until_texts("[data-kind=message] [data-text]", &["elsewhere"]).await;
    assert_eq!(stage.attribute("[data-transcript]", "data-session"), "s2");
    // The first session goes on in mid-stream, unseen.
    stage.events("s1", turn()[9..].to_vec());
    browser::settle().await;
    assert_eq!(stage.texts("[data-kind=message] [data-text]"), ["elsewhere"]);

    stage.model.select(&session("s1"));
    stage.until_texts("[data-block=tx] [data-text]", &["There is nothing — là."]).await;
    until_seq(&stage, 11).await;
    assert!(stage.driver.called("show s2"));
}

#[wasm_bindgen_test]
async fn choosing_the_session_on_screen_again_does_nothing() {
    let stage = Stage::open();
    stage.events("s1", turn());
    until_seq(&stage, 11).await;
    let before = stage.find("[data-block=tx]");
    stage.model.select(&session("s1"));
    browser::settle().await;
    assert!(before.is_some_and(|block| block.is_same_node(stage.find("[data-block=tx]").as_deref())));
    assert_eq!(stage.driver.calls.borrow().iter().filter(|call| *call == "show s1").count(), 1);
}

#[wasm_bindgen_test]
async fn a_long_session_mounts_its_newest_turns_and_earlier_ones_on_demand() {
    let stage = Stage::open();
    let items = (0..300).flat_map(|n| whole_turn(n * 4 + 1, &format!("m{n}"), &format!("answer {n}"))).collect();
    stage.snapshot("s1", 1_200, 1, items);
    stage.until_count("[data-turn=m299]", 1).await;
    stage.until_count("[data-turn]", 50).await;
    browser::settle().await;
    assert_eq!(stage.count("[data-turn]"), 50);
    assert_eq!(stage.count("[data-turn=m249]"), 0);
    stage.click("[data-action=earlier]");
    stage.until_count("[data-turn=m249]", 1).await;
    assert!(stage.count("[data-turn]") < 120);
}

#[wasm_bindgen_test]
async fn a_burst_at_the_end_does_not_grow_the_page_without_bound() {
    let stage = Stage::open();
    let mut events = vec![accepted(1, "m1", "go"), started(2, "m1")];
    events.extend((3..2_000).map(|seq| opened(seq, "m1", &format!("b{seq}"), BlockKind::Text, FieldsPatch::default())));
    for batch in events.chunks(100) {
        stage.events("s1", batch.to_vec());
        browser::turn().await;
    }
    stage.until_count("[data-block=b1999]", 1).await;
    until("the page to be bounded", || stage.count("[data-block]") <= 400).await;
}

#[wasm_bindgen_test]
async fn an_epoch_that_changes_replaces_everything() {
    let stage = Stage::open();
    stage.events("s1", turn());
    until_seq(&stage, 11).await;
    let other = moorline_protocol::Epoch::parse("e2").expect("a valid id");
    stage.tell(ClientEvent::Events { session: session("s1"), epoch: other, events: vec![accepted(1, "k1", "after the restore")] });
    stage.until_texts("[data-kind=message] [data-text]", &["after the restore"]).await;
    assert_eq!(stage.count("[data-block]"), 1);
    stage.until_attribute("[data-transcript]", "data-epoch", "e2").await;
}

#[wasm_bindgen_test]
async fn a_turn_that_ended_while_the_line_was_down_leaves_nothing_running() {
    let stage = Stage::open();
    stage.events("s1", turn()[..9].to_vec());
    stage.until_count("[data-stop]", 1).await;
    stage.tell(ClientEvent::Link(LinkStatus::Waiting { until: moorline_protocol::Millis(4_000) }));
    stage.until_attribute("[data-transcript]", "data-status", "reconnecting").await;
    // Nothing on screen is cleared by a reconnect.
    assert_eq!(stage.texts("[data-block=tx] [data-text]"), ["There is"]);
    stage.tell(ClientEvent::Link(LinkStatus::Ready));
    stage.events("s1", turn()[9..].to_vec());
    stage.tell(ClientEvent::CaughtUp { session: session("s1"), seq: Seq::new(11), state: SessionState::default() });
    stage.until_attribute("[data-transcript]", "data-status", "live").await;
    stage.until_count("[data-stop]", 0).await;
    stage.until_attribute("[data-turn=m1]", "data-turn-state", "completed").await;
    stage.until_count(".working", 0).await;
}

#[wasm_bindgen_test]
async fn an_interrupted_turn_says_so_and_offers_to_send_again() {
    let stage = Stage::open();
    stage.events("s1", vec![accepted(1, "m1", "dangerous"), started(2, "m1"), ended(3, "m1", Outcome::Interrupted)]);
    stage.until_count("[data-turn=m1] [data-action=again]", 1).await;
    stage.click("[data-turn=m1] [data-action=again]");
    let sends = stage.driver.sends.borrow();
    assert_eq!(sends.len(), 1);
    assert_eq!(sends[0].body, SendBody::Text("dangerous".to_owned()));
    assert_ne!(sends[0].message.as_str(), "m1");
}

#[wasm_bindgen_test]
async fn a_request_is_answered_once_and_shows_how_it_was_settled() {
    let stage = Stage::open();
    let request = opened(3, "m1", "rq", BlockKind::Request, asked("Delete it?"));
    stage.events("s1", vec![accepted(1, "m1", "go"), started(2, "m1"), request]);
    stage.until_texts("[data-kind=request] [data-title]", &["Delete it?"]).await;
    stage.click("[data-option=no]");
    let answer = stage.driver.sends.borrow()[0].clone();
    let status = moorline_delivery::SendStatus { send: answer.clone(), order: 0, attempts: 0, state: SendState::Sending };
    stage.tell(ClientEvent::Send(status));
    stage.until_count("[data-option][disabled]", 2).await;
    let answered =
        moorline_protocol::Answered { message: answer.message, hash: String::new(), block: stage::block("rq"), option: "no".into() };
    stage.events("s1", vec![event(4, moorline_protocol::EventBody::Answered(answered))]);
    stage.until_count("[data-option]", 0).await;
    assert_eq!(stage.texts("[data-settled=answered] strong"), ["no!"]);
}

#[wasm_bindgen_test]
async fn the_list_takes_the_higher_rev_and_drops_the_deleted() {
    let stage = Stage::open();
    stage.tell(rows(vec![row("a", 5, "new title"), row("b", 6, "other")]));
    stage.tell(rows(vec![row("a", 3, "old title")]));
    stage.until_texts("[data-session-row=a] .row-title", &["new title"]).await;
    stage.tell(rows(vec![SessionRow { deleted: true, ..row("b", 7, "other") }]));
    stage.until_count("[data-session-row=b]", 0).await;
    stage.tell(rows(vec![row("b", 6, "other")]));
    browser::settle().await;
    assert_eq!(stage.count("[data-session-row]"), 1);
}

#[wasm_bindgen_test]
async fn pinned_sessions_stand_first_and_those_put_away_are_not_listed() {
    let stage = Stage::open();
    stage.tell(rows(vec![row("a", 1, "a"), row("b", 2, "b"), row("c", 3, "c")]));
    stage.until_count("[data-session-row]", 3).await;
    stage.tell(rows(vec![SessionRow { pinned: true, ..row("a", 4, "a") }, SessionRow { archived: true, ..row("b", 5, "b") }]));
    stage.until_texts("[data-session-row] .row-title", &["a", "c"]).await;
    stage.tell(rows(vec![row("a", 6, "a"), row("b", 7, "b")]));
    stage.until_texts("[data-session-row] .row-title", &["c", "b", "a"]).await;
}

#[wasm_bindgen_test]
async fn a_session_deleted_on_screen_keeps_what_was_typed_and_a_send_begins_a_new_one() {
    let stage = Stage::open();
    stage.events("s1", turn());
    stage.until_count("[data-block]", 4).await;
    stage.send_state(0, "m9", "waits", SendState::Queued);
    stage.tell(ClientEvent::Attachment { session: session("s1"), status: AttachmentStatus::Deleted });
    stage.tell(ClientEvent::SendGone { session: session("s1"), message: message("m9"), text: Some("waits".to_owned()) });
    stage.until_count("[data-block]", 0).await;
    stage.until_count("[data-stop]", 0).await;
    assert_eq!(stage.attribute("[data-transcript]", "data-status"), "deleted");
    assert_eq!(stage.composer().value(), "waits");
    stage.model.send_draft();
    until("an empty composer", || stage.composer().value().is_empty()).await;
    let sends = stage.driver.sends.borrow();
    let [sent] = &sends[..] else { panic!("one send: {sends:?}") };
    assert_eq!((&sent.body, sent.create.is_some()), (&SendBody::Text("waits".to_owned()), true));
    assert_ne!(sent.session, session("s1"));
    assert_eq!(stage.driver.drafts.borrow().get("s1").map(String::as_str), Some(""), "it is not kept twice");
}

#[wasm_bindgen_test]
async fn a_panic_leaves_a_banner_with_a_reload_button() {
    let stage = Stage::open();
    moorline::transport::Sink::crashed(&stage.model, "index out of bounds");
    moorline::transport::Sink::crashed(&stage.model, "a later one");
    let document = web_sys::window().and_then(|window| window.document()).expect("a document");
    let banners = document.query_selector_all("[data-crash]").expect("a valid selector");
    let banner: web_sys::Element = wasm_bindgen::JsCast::unchecked_into(banners.item(0).expect("a banner"));
    banner.remove();
    assert_eq!(banners.length(), 1);
    assert!(banner.text_content().is_some_and(|text| text.contains("index out of bounds")));
    assert!(banner.query_selector("[data-reload]").is_ok_and(|button| button.is_some()));
}

#[wasm_bindgen_test]
async fn events_are_applied_at_once_and_shown_at_the_next_frame() {
    let stage = Stage::open();
    let applied = stage.model.event(ClientEvent::Events { session: session("s1"), epoch: epoch(), events: turn() });
    assert_eq!(applied, Some((session("s1"), Seq::new(11))));
    stage.model.flush();
    assert_eq!(stage.count("[data-block]"), 0);
    stage.until_count("[data-block]", 4).await;
    until_seq(&stage, 11).await;
}

#[wasm_bindgen_test]
async fn what_waits_for_a_frame_is_shown_when_the_page_is_put_away() {
    let stage = Stage::open();
    stage.model.event(ClientEvent::Events { session: session("s1"), epoch: epoch(), events: turn() });
    browser::put_away();
    browser::bring_back();
    stage.until_count("[data-block]", 4).await;
}

#[wasm_bindgen_test]
async fn the_host_of_the_page_is_told_where_it_stands() {
    let told: Rc<RefCell<Vec<String>>> = Rc::default();
    let heard = Rc::clone(&told);
    let listener = Closure::<dyn Fn(CustomEvent)>::new(move |event: CustomEvent| {
        let detail = js_sys::JSON::stringify(&event.detail()).ok().and_then(|text| text.as_string());
        heard.borrow_mut().extend(detail);
    });
    let window = web_sys::window().unwrap();
    window.add_event_listener_with_callback("moorline", listener.as_ref().unchecked_ref()).unwrap();
    let stage = Stage::open();
    stage.tell(ClientEvent::Link(LinkStatus::SignedOut));
    until("the host to be told of the sign-out", || told.borrow().iter().any(|detail| detail == r#"{"status":"signed-out","waiting":0}"#))
        .await;
    window.remove_event_listener_with_callback("moorline", listener.as_ref().unchecked_ref()).unwrap();
}
