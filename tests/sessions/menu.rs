//! What is done with a session from its line.

use leptos::task::tick;
use moorline_protocol::SessionRow;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::{
    browser::{settle, until},
    stage::{Stage, row, rows, session},
};

async fn two_sessions() -> Stage {
    let stage = Stage::open();
    stage.tell(rows(vec![row("s1", 1, "first"), SessionRow { created_at: 2, ..row("s2", 2, "second") }]));
    stage.until_count("[data-session-row]", 2).await;
    stage
}

async fn choose(stage: &Stage, name: &str, act: &str) {
    stage.click(&format!("[data-more={name}]"));
    stage.until_count("[data-menu]", 1).await;
    stage.click(&format!("[data-act={act}]"));
    stage.until_count("[data-menu]", 0).await;
}

#[wasm_bindgen_test]
async fn the_menu_is_walked_by_keys_and_gives_the_focus_back() {
    let stage = two_sessions().await;
    stage.click("[data-more=s1]");
    stage.until_focus("[data-act=rename]").await;
    assert_eq!(stage.attribute("[data-more=s1]", "aria-expanded"), "true");
    stage.press_here("ArrowDown");
    assert!(stage.has_focus("[data-act=pin]"));
    stage.press_here("End");
    assert!(stage.has_focus("[data-act=delete]"));
    stage.press_here("ArrowDown");
    assert!(stage.has_focus("[data-act=rename]"), "around the end");
    stage.press_here("ArrowUp");
    assert!(stage.has_focus("[data-act=delete]"), "and back");
    stage.press_here("Escape");
    stage.until_count("[data-menu]", 0).await;
    stage.until_focus("[data-more=s1]").await;
    stage.dispatch("[data-session-row=s2]", "contextmenu");
    stage.until_focus("[data-act=rename]").await;
    assert_eq!(stage.attribute("[data-more=s2]", "aria-expanded"), "true");
}

#[wasm_bindgen_test]
async fn a_menu_that_loses_the_focus_closes() {
    let stage = two_sessions().await;
    stage.click("[data-more=s1]");
    stage.until_focus("[data-act=rename]").await;
    stage.composer().focus().expect("it takes the focus");
    stage.until_count("[data-menu]", 0).await;
    settle().await;
    assert!(stage.has_focus("[data-composer]"), "and leaves it where it went");
}

#[wasm_bindgen_test]
async fn a_name_is_typed_in_the_line_and_shown_once_the_gateway_has_taken_it() {
    let stage = two_sessions().await;
    choose(&stage, "s1", "rename").await;
    stage.until_focus("[data-rename]").await;
    stage.type_into("[data-rename]", " The roof ");
    stage.driver.changes.borrow_mut().push_back(Ok(row("s1", 9, "The roof")));
    stage.dispatch(".rename", "submit");
    assert!(stage.driver.called(r#"change s1 {"title":"The roof"}"#));
    stage.until_texts("[data-session-row=s1] .row-title", &["The roof"]).await;
    stage.until_focus("[data-more=s1]").await;
    stage.tell(rows(vec![row("s1", 3, "first")]));
    assert_eq!(stage.texts("[data-session-row=s1] .row-title"), ["The roof"], "an older line does not undo it");
}

#[wasm_bindgen_test]
async fn a_name_typed_before_the_field_has_the_focus_stays() {
    let stage = two_sessions().await;
    stage.click("[data-more=s1]");
    stage.until_count("[data-menu]", 1).await;
    stage.click("[data-act=rename]");
    for _ in 0..100 {
        if stage.count("[data-rename]") == 1 {
            break;
        }
        // Less than a turn of the browser, after which the field has the focus.
        tick().await;
    }
    stage.type_into("[data-rename]", "The roof");
    stage.until_focus("[data-rename]").await;
    settle().await;
    assert_eq!(stage.input("[data-rename]").value(), "The roof");
}

#[wasm_bindgen_test]
async fn a_name_that_is_refused_stays_in_its_field_with_the_reason() {
    let stage = two_sessions().await;
    choose(&stage, "s1", "rename").await;
    stage.type_into("[data-rename]", "taken");
    stage.driver.changes.borrow_mut().push_back(Err("the session is locked".to_owned()));
    stage.dispatch(".rename", "submit");
    stage.until_texts("[data-line-trouble]", &["Not renamed: The session is locked."]).await;
    assert_eq!(stage.count("[data-rename]"), 1);
    stage.type_into("[data-rename]", &"x".repeat(201));
    stage.dispatch(".rename", "submit");
    stage.until_texts("[data-line-trouble]", &["A name has at most 200 characters; this one has 201."]).await;
    stage.type_into("[data-rename]", "  ");
    stage.dispatch(".rename", "submit");
    stage.until_texts("[data-line-trouble]", &["A name needs at least one character."]).await;
    stage.press_on("[data-rename]", "Escape");
    stage.until_texts("[data-session-row=s1] .row-title", &["first"]).await;
    assert_eq!(stage.driver.calls.borrow().iter().filter(|call| call.starts_with("change")).count(), 1);
}

#[wasm_bindgen_test]
async fn a_pinned_session_stands_first_and_says_so() {
    let stage = two_sessions().await;
    assert_eq!(stage.texts("[data-session-row] .row-title"), ["second", "first"]);
    stage.driver.changes.borrow_mut().push_back(Ok(SessionRow { pinned: true, ..row("s1", 9, "first") }));
    choose(&stage, "s1", "pin").await;
    stage.until_texts("[data-session-row] .row-title", &["first", "second"]).await;
    until("the word", || stage.texts("[data-session-row=s1] [data-age]").concat().starts_with("Pinned")).await;
    stage.click("[data-more=s1]");
    stage.until_texts("[data-act=pin]", &["Unpin"]).await;
}

#[wasm_bindgen_test]
async fn what_does_not_get_through_is_said_at_the_line_and_changes_nothing() {
    let stage = two_sessions().await;
    choose(&stage, "s1", "pin").await;
    stage.until_texts("[data-line-trouble]", &["Not pinned: No answer."]).await;
    choose(&stage, "s2", "archive").await;
    stage.until_texts("[data-line-trouble]", &["Not archived: No answer.", "Not pinned: No answer."]).await;
    assert_eq!(stage.texts("[data-session-row] .row-title"), ["second", "first"]);
    choose(&stage, "s1", "export-json").await;
    until("the newest reason", || stage.texts("[data-line-trouble]").concat().contains("Not exported: No answer.")).await;
    assert!(stage.driver.called("export s1 json first"));
}

#[wasm_bindgen_test]
async fn an_archived_session_leaves_list_and_screen_and_is_brought_back_from_the_lists_end() {
    let stage = two_sessions().await;
    stage.type_text("unsent");
    stage.driver.changes.borrow_mut().push_back(Ok(SessionRow { archived: true, ..row("s1", 9, "first") }));
    choose(&stage, "s1", "archive").await;
    stage.until_texts("[data-session-row] .row-title", &["second"]).await;
    stage.until_texts("[data-archived] [data-disclosure]", &["Archived (1)"]).await;
    until("an empty session on screen", || stage.attribute("[data-transcript]", "data-session").starts_with("new")).await;
    assert_eq!(stage.driver.drafts.borrow()["s1"], "unsent", "its draft stays with it");
    stage.click("[data-archived] [data-disclosure]");
    stage.until_count("[data-archived] [data-session-row=s1]", 1).await;
    stage.driver.changes.borrow_mut().push_back(Ok(row("s1", 10, "first")));
    choose(&stage, "s1", "archive").await;
    stage.until_count("[data-archived]", 0).await;
    stage.until_texts("[data-session-row] .row-title", &["second", "first"]).await;
    assert!(stage.driver.called(r#"change s1 {"archived":false}"#));
}

#[wasm_bindgen_test]
async fn deleting_asks_first_and_names_the_session() {
    let stage = two_sessions().await;
    choose(&stage, "s2", "delete").await;
    stage.until_focus("[data-action=keep]").await;
    assert!(stage.texts("[data-ask]").concat().contains("Delete “second” for good?"));
    stage.press_here("Escape");
    stage.until_count("[data-ask]", 0).await;
    assert!(!stage.driver.called("delete s2"));
    choose(&stage, "s2", "delete").await;
    stage.click("[data-ask] [data-action=delete]");
    stage.until_texts("[data-line-trouble]", &["Not deleted: No answer."]).await;
    assert_eq!(stage.count("[data-session-row=s2]"), 1);
    stage.driver.done.borrow_mut().push_back(Ok(()));
    stage.click("[data-ask] [data-action=delete]");
    stage.until_count("[data-session-row=s2]", 0).await;
    assert_eq!(stage.attribute("[data-transcript]", "data-session"), "s1", "the one on screen stays");
}

#[wasm_bindgen_test]
async fn what_was_typed_for_a_session_deleted_here_goes_to_an_empty_one() {
    let stage = two_sessions().await;
    stage.type_text("still to be sent");
    stage.driver.done.borrow_mut().push_back(Ok(()));
    choose(&stage, "s1", "delete").await;
    stage.click("[data-ask] [data-action=delete]");
    until("an empty session on screen", || stage.attribute("[data-transcript]", "data-session").starts_with("new")).await;
    until("the text", || stage.composer().value() == "still to be sent").await;
    assert_eq!(stage.driver.drafts.borrow()["s1"], "");
    stage.until_texts("[data-session-row] .row-title", &["second"]).await;
}

#[wasm_bindgen_test]
async fn a_list_without_sessions_says_so_once_that_is_known() {
    let stage = Stage::open();
    assert_eq!(stage.count("[data-no-sessions]"), 0);
    stage.tell(rows(Vec::new()));
    stage.until_count("[data-no-sessions]", 1).await;
    stage.tell(rows(vec![row("s1", 1, "first")]));
    stage.until_count("[data-no-sessions]", 0).await;
}

#[wasm_bindgen_test]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the clock's milliseconds")]
async fn a_line_says_when_its_session_was_last_at_something() {
    let stage = Stage::open();
    let now = js_sys::Date::now() as u64;
    let at = |name: &str, ago: u64| SessionRow { changed_at: now - ago, ..row(name, 1, name) };
    let day = 86_400_000;
    stage.tell(rows(vec![at("a", 1_000), at("b", 5 * 60_000 + 1_000), at("c", 400 * day)]));
    let age = |name: &str| stage.texts(&format!("[data-session-row={name}] [data-age]")).concat();
    until("the ages", || age("a") == "now" && age("b") == "5 min").await;
    let year = js_sys::Date::new(&((now - 400 * day) as f64).into()).get_full_year();
    assert!(age("c").contains(&year.to_string()), "{}", age("c"));
    stage.tell(rows(vec![SessionRow { running: true, ..row("a", 2, "a") }]));
    until("the mark in place of it", || age("a").is_empty() && stage.count("[data-session-row=a] [data-mark=running]") == 1).await;
    let _ = session("a");
}
