//! What is typed and not sent.

use wasm_bindgen_test::wasm_bindgen_test;

use crate::{
    browser::until,
    stage::{Stage, row, rows, session},
};

#[wasm_bindgen_test]
async fn what_was_typed_for_a_new_session_is_there_again_in_the_next_new_one() {
    let stage = Stage::open();
    stage.tell(rows(vec![row("s1", 1, "first")]));
    stage.type_text("for the first");
    stage.click("[data-new-session]");
    until("an empty composer", || stage.composer().value().is_empty()).await;
    let new = stage.attribute("[data-transcript]", "data-session");
    stage.type_text("half a thought");
    stage.model.select(&session("s1"));
    until("the other's draft", || stage.composer().value() == "for the first").await;
    stage.click("[data-new-session]");
    until("the thought", || stage.composer().value() == "half a thought").await;
    assert_eq!(stage.attribute("[data-transcript]", "data-session"), new);
}
