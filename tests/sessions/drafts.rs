//! What is typed and not sent.

use wasm_bindgen_test::wasm_bindgen_test;

use crate::{
    browser::{settle, until},
    stage::{FakeDriver, Stage, row, rows, session},
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

#[wasm_bindgen_test]
async fn what_was_typed_for_a_new_session_comes_back_though_the_list_was_not_told_when_a_new_one_was_asked_for() {
    let driver = FakeDriver::default();
    driver.drafts.borrow_mut().insert("s1".to_owned(), "of a session that is told of".to_owned());
    driver.drafts.borrow_mut().insert("n1".to_owned(), "half a thought".to_owned());
    let stage = Stage::open_with(&leptos::prelude::document(), driver);
    stage.click("[data-new-session]");
    until("an empty composer", || stage.composer().value().is_empty()).await;
    stage.model.event(rows(vec![row("s1", 1, "first")]));
    stage.model.flush();
    until("the thought", || stage.composer().value() == "half a thought").await;
    assert_eq!(stage.attribute("[data-transcript]", "data-session"), "n1");

    let typed = Stage::open_with(&leptos::prelude::document(), FakeDriver::default());
    typed.driver.drafts.borrow_mut().insert("n1".to_owned(), "half a thought".to_owned());
    typed.click("[data-new-session]");
    until("an empty composer", || typed.composer().value().is_empty()).await;
    typed.type_text("something else");
    typed.model.event(rows(vec![row("s1", 1, "first")]));
    typed.model.flush();
    typed.until_count("[data-session-row=s1]", 1).await;
    settle().await;
    assert_eq!(typed.composer().value(), "something else", "what is typed meanwhile stays on screen");
}
