//! Of a long transcript a part is mounted: around the reader, wherever that is.

use moorline::model::{ReadMark, ReadMarks};
use moorline_delivery::{AttachmentStatus, ClientEvent};
use moorline_protocol::{BlockKind, Event, FieldsPatch, Item, Outcome, Seq, SessionRow, encode};
use wasm_bindgen::JsCast as _;
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::{Element, Event as DomEvent};

use crate::{
    browser,
    stage::{Stage, accepted, ended, epoch, opened, row, rows, session, started, whole_turn},
};

/// What may be mounted at most.
const MOST: usize = 320;

/// One turn that goes on: its blocks are b3, b4, …
fn long_turn(blocks: u64) -> Vec<Event> {
    let mut events = vec![accepted(1, "m1", "go"), started(2, "m1")];
    events.extend(more(3, blocks));
    events
}

fn more(from: u64, blocks: u64) -> impl Iterator<Item = Event> {
    (from..from + blocks).map(|seq| opened(seq, "m1", &format!("b{seq}"), BlockKind::Text, FieldsPatch::default()))
}

/// The reader's first upward intent, in a scroller that can be scrolled.
fn leave_the_end(stage: &Stage) {
    let scroller: Element = stage.find("[data-transcript]").expect("a scroller");
    scroller.set_attribute("style", "height:8px;overflow-y:auto").expect("a style");
    let init = web_sys::WheelEventInit::new();
    init.set_delta_y(-100.0);
    let wheel = web_sys::WheelEvent::new_with_event_init_dict("wheel", &init).expect("an event");
    scroller.dispatch_event(wheel.unchecked_ref::<DomEvent>()).expect("it can be dispatched");
}

async fn feed(stage: &Stage, events: Vec<Event>) {
    for batch in events.chunks(100) {
        stage.events("s1", batch.to_vec());
        browser::turn().await;
    }
}

#[wasm_bindgen_test]
async fn what_comes_while_the_reader_is_elsewhere_is_counted_and_neither_mounted_nor_in_the_way() {
    let stage = Stage::open();
    feed(&stage, long_turn(200)).await;
    stage.until_count("[data-block=b202]", 1).await;
    leave_the_end(&stage);
    stage.until_texts("[data-action=latest]", &["Jump to latest"]).await;
    let before = stage.find("[data-block=b150]").expect("it is mounted");
    feed(&stage, more(203, 2_000).collect()).await;
    stage.until_texts("[data-action=latest]", &["Jump to latest (2000 new)"]).await;
    assert!(stage.count("[data-block]") <= MOST, "{} blocks are mounted", stage.count("[data-block]"));
    assert!(before.is_connected(), "what the reader looks at has gone");
    assert_eq!(stage.count("[data-block=b2202]"), 0);
    assert_eq!(stage.count("[data-later]"), 1, "a turn that goes on does not say so");
    stage.click("[data-action=latest]");
    stage.until_count("[data-block=b2202]", 1).await;
    stage.until_count("[data-action=latest]", 0).await;
    assert_eq!(stage.count("[data-later]"), 0);
}

#[wasm_bindgen_test]
async fn blocks_come_and_go_on_both_sides_as_the_reader_goes_through_a_long_turn() {
    let stage = Stage::open();
    feed(&stage, long_turn(1_000)).await;
    stage.until_count("[data-block=b1002]", 1).await;
    leave_the_end(&stage);
    let ids = || stage.all("[data-block]").iter().map(|block| block.get_attribute("data-block").unwrap_or_default()).collect::<Vec<_>>();
    let mut seen = std::collections::BTreeSet::new();
    while stage.find("[data-action=earlier]").is_some() {
        stage.model.show_earlier();
        browser::settle().await;
        assert!(ids().len() <= MOST, "{} blocks are mounted", ids().len());
        seen.extend(ids());
    }
    assert_eq!(stage.count("[data-block=b3]"), 1, "the beginning is not mounted");
    assert_eq!(stage.count("[data-block=b1002]"), 0, "the end is mounted from the beginning on");
    while stage.count("[data-block=b1002]") == 0 {
        let last = ids().last().cloned();
        stage.model.show_later();
        browser::settle().await;
        assert_ne!(ids().last().cloned(), last, "nothing came");
        assert!(ids().len() <= MOST, "{} blocks are mounted", ids().len());
        seen.extend(ids());
    }
    assert_eq!(seen.len(), 1_001, "not every block was mounted on the way");
    let mut expected = ids();
    expected.sort_by_key(|id| id.trim_start_matches('b').parse::<u64>().unwrap_or(0));
    assert_eq!(ids(), expected, "blocks are out of order");
}

#[wasm_bindgen_test]
async fn a_burst_before_the_readers_eyes_is_mounted_from_the_newest_on_in_slices() {
    let stage = Stage::open();
    live(&stage);
    feed(&stage, long_turn(150)).await;
    stage.until_count("[data-block=b152]", 1).await;
    stage.until_count("[data-block]", 151).await;
    let at_once = stage.count_when("[data-transcript]", "[data-block=b252]", "[data-block]");
    stage.events("s1", more(153, 100).collect());
    stage.until_count("[data-block=b252]", 1).await;
    stage.until_count("[data-block]", 200).await;
    assert_eq!(at_once.count(), 24, "not the newest alone are mounted in the first frame");
    assert_eq!(stage.count("[data-block=b53]"), 1, "the rest is not what stands before the newest");
}

fn turns(from: u64, to: u64) -> Vec<Item> {
    (from..to).flat_map(|n| whole_turn(n * 4 + 1, &format!("m{n}"), &format!("answer {n}"))).collect()
}

fn live(stage: &Stage) {
    stage.tell(ClientEvent::Attachment { session: session("s1"), status: AttachmentStatus::Live });
}

fn read_up_to(stage: &Stage, seq: u64) {
    let mark = ReadMark { session: session("s1"), epoch: epoch(), seq: Seq::new(seq), at: 1 };
    stage.driver.preferences.borrow_mut().insert("read".to_owned(), encode(&ReadMarks { since: 1, marks: vec![mark] }));
    stage.model.restore_read();
    stage.model.select(&session("s2"));
    stage.model.select(&session("s1"));
}

#[wasm_bindgen_test]
async fn what_came_since_the_reader_left_stands_below_a_mark() {
    let stage = Stage::open();
    read_up_to(&stage, 8);
    stage.snapshot("s1", 16, 1, turns(0, 4));
    stage.until_count("[data-new]", 1).await;
    let follows = stage.find("[data-new]").and_then(|mark| mark.next_element_sibling());
    assert_eq!(follows.and_then(|turn| turn.get_attribute("data-turn")).as_deref(), Some("m2"));
}

#[wasm_bindgen_test]
async fn what_comes_before_the_readers_eyes_is_not_new() {
    let stage = Stage::open();
    read_up_to(&stage, 16);
    stage.snapshot("s1", 16, 1, turns(0, 4));
    live(&stage);
    stage.until_count("[data-turn=m3]", 1).await;
    stage.events("s1", vec![accepted(17, "m4", "more"), started(18, "m4"), ended(19, "m4", Outcome::Completed)]);
    stage.until_count("[data-turn=m4]", 1).await;
    assert_eq!(stage.count("[data-new]"), 0);
}

#[wasm_bindgen_test]
async fn a_session_that_comes_on_screen_in_one_frame_is_read_in_that_frame() {
    let stage = Stage::open();
    stage.tell(rows(vec![row("s1", 1, "one")]));
    stage.tell(ClientEvent::Attachment { session: session("s1"), status: AttachmentStatus::CatchingUp });
    stage.model.event(rows(vec![SessionRow { changed_at: 7, ..row("s1", 2, "one") }]));
    stage.model.event(ClientEvent::Events {
        session: session("s1"),
        epoch: epoch(),
        events: vec![accepted(1, "m1", "go"), started(2, "m1"), ended(3, "m1", Outcome::Completed)],
    });
    live(&stage);
    stage.until_count("[data-turn=m1]", 1).await;
    browser::settle().await;
    assert_eq!(stage.count("[data-mark=unread]"), 0);
}

#[wasm_bindgen_test]
async fn what_comes_while_the_page_is_hidden_stands_below_a_mark_when_it_is_shown_again() {
    let stage = Stage::open();
    stage.tell(rows(vec![row("s1", 1, "one")]));
    stage.snapshot("s1", 16, 1, turns(0, 4));
    live(&stage);
    stage.until_count("[data-turn=m3]", 1).await;
    browser::settle().await;
    stage.model.set_hidden(true);
    stage.events("s1", vec![accepted(17, "m4", "more"), started(18, "m4"), ended(19, "m4", Outcome::Completed)]);
    stage.until_count("[data-turn=m4]", 1).await;
    assert_eq!(stage.count("[data-new]"), 0, "a mark is set while nobody looks");
    stage.model.set_hidden(false);
    stage.until_count("[data-new]", 1).await;
    let follows = stage.find("[data-new]").and_then(|mark| mark.next_element_sibling());
    assert_eq!(follows.and_then(|turn| turn.get_attribute("data-turn")).as_deref(), Some("m4"));
}
