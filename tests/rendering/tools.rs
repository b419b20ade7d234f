//! Tool cards: how long a call takes, how it ended, what can be copied.

use moorline_protocol::{BlockKind, Event, EventBody, FieldsPatch, Patch, ToolStatus};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::stage::{Stage, accepted, block, changed, message, opened, started, titled};

fn at(time: u64, event: Event) -> Event {
    let mut event = event;
    event.at = time;
    event
}

#[wasm_bindgen_test]
async fn a_running_call_shows_its_time_and_a_finished_one_what_it_took_and_its_exit_code() {
    let stage = Stage::open();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "milliseconds since 1970")]
    let now = js_sys::Date::now() as u64;
    let call = opened(3, "m1", "to", BlockKind::Tool, titled("make", ToolStatus::InProgress));
    stage.events("s1", vec![accepted(1, "m1", "do it"), started(2, "m1"), at(now - 65_000, call)]);
    stage.until_count("[data-block=to] [data-time]", 1).await;
    let shown = stage.texts("[data-block=to] [data-time]").concat();
    assert!(shown.starts_with("1 min "), "{shown}");
    assert_eq!(stage.count("[data-block=to] [data-exit]"), 0);
    let end =
        FieldsPatch { status: Patch::Set(ToolStatus::Failed), exit: Patch::Set(101), closed: Patch::Set(true), ..FieldsPatch::default() };
    stage.events("s1", vec![at(now - 62_000, changed(4, "to", end))]);
    stage.until_texts("[data-block=to] [data-time]", &["3 s"]).await;
    assert_eq!(stage.texts("[data-block=to] [data-exit]"), ["exit code 101"]);
    assert_eq!(stage.attribute("[data-block=to] [data-exit]", "data-exit"), "101");
}

#[wasm_bindgen_test]
async fn the_time_goes_on_while_a_call_runs() {
    let stage = Stage::open();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "milliseconds since 1970")]
    let now = js_sys::Date::now() as u64;
    let call = opened(3, "m1", "to", BlockKind::Tool, titled("make", ToolStatus::InProgress));
    stage.events("s1", vec![accepted(1, "m1", "do it"), started(2, "m1"), at(now - 10_000, call)]);
    stage.until_count("[data-block=to] [data-time]", 1).await;
    let first = stage.texts("[data-block=to] [data-time]");
    crate::browser::until("the next second", || stage.texts("[data-block=to] [data-time]") != first).await;
}

#[wasm_bindgen_test]
async fn input_and_output_can_each_be_copied() {
    let stage = Stage::open();
    let fields = FieldsPatch { input: Patch::Set("{}".to_owned()), ..titled("make", ToolStatus::InProgress) };
    let opened = crate::stage::event(
        3,
        EventBody::Opened(moorline_protocol::Opened { block: block("to"), turn: message("m1"), kind: BlockKind::Tool, fields }),
    );
    stage.events("s1", vec![accepted(1, "m1", "do it"), started(2, "m1"), opened]);
    stage.until_count("[data-block=to] [data-disclosure]", 1).await;
    stage.click("[data-block=to] [data-disclosure]");
    stage.until_count("[data-block=to] [data-copy]", 2).await;
    assert_eq!(stage.attribute("[data-block=to] [data-copy]", "aria-label"), "Copy the input");
    // Without a clipboard the text is marked; either way the button says what it did, and nothing is added to the text.
    stage.click("[data-block=to] [data-copy]");
    let said = stage.attribute("[data-block=to] [data-copy]", "data-copy");
    assert!(said == "copied" || said == "selected", "{said}");
    let aloud = || stage.texts("[role=status]").concat().to_lowercase();
    crate::browser::until("it to be said aloud, too", || aloud().contains(&said)).await;
}
