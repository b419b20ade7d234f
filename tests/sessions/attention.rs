//! What calls for the user while the page is hidden.

use std::{cell::RefCell, rc::Rc};

use moorline::model::{Call, Driver as _, Reason};
use moorline_protocol::SessionRow;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::{
    browser::{settle, until},
    help::untracked,
    stage::{FakeDriver, Stage, row, rows, session},
};

type Calls = Rc<RefCell<Vec<(String, Reason)>>>;

fn document() -> web_sys::Document {
    web_sys::window().and_then(|window| window.document()).expect("a document")
}

fn running(name: &str, rev: u64) -> SessionRow {
    SessionRow { running: true, ..row(name, rev, name) }
}

fn asking(name: &str, rev: u64) -> SessionRow {
    SessionRow { waiting: true, ..running(name, rev) }
}

/// A page whose calls are written down, and which is hidden.
fn hidden(stage: &Stage) -> Calls {
    let calls = Calls::default();
    let noted = Rc::clone(&calls);
    stage.model.set_caller(Some(Rc::new(move |call: &Call| noted.borrow_mut().push((call.session.to_string(), call.reason)))));
    stage.model.set_hidden(true);
    calls
}

async fn until_calls(calls: &Calls, expected: &[(&str, Reason)]) {
    let are = || calls.borrow().iter().map(|(session, reason)| (session.as_str().to_owned(), *reason)).collect::<Vec<_>>();
    let expected: Vec<_> = expected.iter().map(|(session, reason)| ((*session).to_owned(), *reason)).collect();
    until(&format!("the calls {expected:?}"), || are() == expected).await;
}

#[wasm_bindgen_test]
async fn an_end_and_a_question_call_while_the_page_is_hidden_and_what_was_before_does_not() {
    let stage = Stage::open();
    let calls = hidden(&stage);
    stage.tell(rows(vec![running("s1", 1), asking("s2", 2), row("s3", 3, "s3")]));
    stage.tell(rows(vec![row("s1", 4, "s1"), row("s3", 5, "renamed")]));
    stage.tell(rows(vec![asking("s3", 6)]));
    until_calls(&calls, &[("s1", Reason::Ended), ("s3", Reason::Asks)]).await;
    stage.tell(rows(vec![running("s1", 2)]));
    stage.tell(rows(vec![SessionRow { deleted: true, ..row("s2", 7, "s2") }]));
    stage.tell(rows(vec![running("s4", 8)]));
    stage.tell(rows(vec![row("s4", 9, "s4")]));
    until_calls(&calls, &[("s1", Reason::Ended), ("s3", Reason::Asks), ("s4", Reason::Ended)]).await;
}

#[wasm_bindgen_test]
async fn nothing_calls_while_the_page_can_be_seen_nor_what_another_tab_has_told() {
    let stage = Stage::open();
    let calls = hidden(&stage);
    stage.model.set_hidden(false);
    stage.tell(rows(vec![running("s1", 1), running("s2", 2), running("s3", 3)]));
    stage.tell(rows(vec![row("s1", 4, "s1")]));
    stage.model.set_hidden(true);
    let told = stage.driver.preference("told").expect("what was seen");
    assert!(told.contains("s1 4"), "{told}");
    // Another tab tells of one while this one still waits.
    stage.tell(rows(vec![row("s2", 5, "s2"), row("s3", 6, "s3")]));
    stage.driver.set_preference("told", "s2 5");
    until_calls(&calls, &[("s3", Reason::Ended)]).await;
    assert_eq!(stage.driver.preference("told").as_deref(), Some("s3 6\ns2 5"));
}

#[wasm_bindgen_test]
async fn what_is_told_of_is_remembered_within_bounds() {
    let driver = FakeDriver::default();
    let many: Vec<String> = (0..40).map(|n| format!("x{n} {n}")).collect();
    driver.set_preference("told", &many.join("\n"));
    let stage = Stage::open_with(&document(), driver);
    stage.tell(rows(vec![running("s1", 100)]));
    stage.tell(rows(vec![row("s1", 101, "s1")]));
    let told = stage.driver.preference("told").expect("what was seen");
    assert_eq!((told.lines().count(), told.lines().next()), (32, Some("s1 101")));
}

#[wasm_bindgen_test]
async fn the_title_counts_what_calls_until_it_is_looked_at() {
    let base = "A page of tests";
    document().set_title(base);
    let stage = Stage::open();
    stage.tell(rows(vec![running("s1", 1), running("s2", 2), row("s3", 3, "s3")]));
    settle().await;
    assert_eq!(document().title(), base);
    let _calls = hidden(&stage);
    stage.tell(rows(vec![row("s1", 4, "s1"), row("s2", 5, "s2"), asking("s3", 6)]));
    until("three", || document().title() == format!("(3) {base}")).await;
    stage.model.set_hidden(false);
    until("the one on screen to be seen", || document().title() == format!("(2) {base}")).await;
    stage.model.select(&session("s2"));
    until("the next, too", || document().title() == format!("(1) {base}")).await;
    stage.tell(rows(vec![running("s3", 7)]));
    until("the question to be answered", || document().title() == base).await;
    assert_eq!(untracked(&stage.model.calling()), 0);
}
