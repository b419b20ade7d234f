//! The search: titles at once, the rest from the gateway, and the way to what was found.

use moorline_protocol::{Hit, HitPlace, Hits, Page, Seq, SessionRow};
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::KeyboardEventInit;

use crate::{
    browser::{settle, until},
    stage::{Stage, block, epoch, message, row, rows, session, whole_turn},
};

const BOX: &str = "[data-search]";

async fn three_sessions() -> Stage {
    let stage = Stage::open();
    let old = SessionRow { archived: true, ..row("s3", 3, "Kitchen roof") };
    stage.tell(rows(vec![row("s1", 1, "Roof and cellar"), row("s2", 2, "Garden"), old]));
    stage.until_count("[data-session-row]", 2).await;
    stage
}

fn hit(name: &str, found: &str, at: u64) -> Hit {
    let place = HitPlace { turn: message("m1"), block: block(&format!("t-{found}")), opened: Seq::new(at) };
    Hit { session: session(name), place: Some(place), excerpt: vec!["the ".into(), found.into(), " here".into()] }
}

fn answer(stage: &Stage, at: usize, hits: Result<Vec<Hit>, String>) {
    stage.driver.searches.borrow()[at].1.replace(Some(hits.map(|hits| Hits { hits })));
}

async fn until_asked(stage: &Stage, questions: &[&str]) {
    let asked = || stage.driver.searches.borrow().iter().map(|(query, _)| query.clone()).collect::<Vec<_>>();
    until(&format!("{questions:?} to be asked"), || asked() == questions).await;
}

#[wasm_bindgen_test]
async fn titles_are_found_at_once_and_two_letters_ask_the_gateway() {
    let stage = three_sessions().await;
    stage.type_into(BOX, "r");
    stage.until_texts("[data-finding] .row-title", &["Garden", "Roof and cellar", "Kitchen roof"]).await;
    stage.until_attribute("[data-search-state]", "data-search-state", "too-short").await;
    stage.type_into(BOX, "ROOF");
    stage.until_texts("[data-finding] .row-title", &["Roof and cellar", "Kitchen roof"]).await;
    stage.until_attribute("[data-search-state]", "data-search-state", "asking").await;
    until_asked(&stage, &["ROOF"]).await;
    let title = Hit { session: session("s1"), place: None, excerpt: vec![String::new(), "Roof".into(), " and cellar".into()] };
    answer(&stage, 0, Ok(vec![title, hit("s2", "roofing", 5)]));
    stage.until_texts("[data-finding] .row-title", &["Roof and cellar", "Kitchen roof", "Garden"]).await;
    assert_eq!(stage.texts("[data-finding] mark"), ["roofing"]);
    assert_eq!(stage.texts(".excerpt"), ["the roofing here"]);
    stage.until_texts("[data-search-state]", &["3 found."]).await;
}

#[wasm_bindgen_test]
async fn a_stale_answer_is_dropped_and_what_is_typed_in_one_go_is_asked_once() {
    let stage = three_sessions().await;
    stage.type_into(BOX, "ga");
    until_asked(&stage, &["ga"]).await;
    stage.type_into(BOX, "xyl");
    stage.type_into(BOX, "xylo");
    until_asked(&stage, &["ga", "xylo"]).await;
    answer(&stage, 0, Ok(vec![hit("s2", "gardening", 5)]));
    settle().await;
    assert_eq!(stage.count("[data-finding]"), 0);
    answer(&stage, 1, Ok(Vec::new()));
    stage.until_texts("[data-search-state]", &["Nothing was found for “xylo”."]).await;
    stage.press_on(BOX, "Escape");
    stage.until_count("[data-search-state]", 0).await;
    stage.until_count("[data-session-row]", 2).await;
}

#[wasm_bindgen_test]
async fn an_answer_that_fails_is_said_and_titles_stay() {
    let stage = three_sessions().await;
    stage.type_into(BOX, "garden");
    until_asked(&stage, &["garden"]).await;
    answer(&stage, 0, Err("no answer from the gateway".into()));
    stage.until_texts("[data-search-state]", &["The conversations were not searched: No answer from the gateway."]).await;
    assert_eq!(stage.texts("[data-finding] .row-title"), ["Garden"]);
}

#[wasm_bindgen_test]
async fn a_key_goes_to_the_search_arrows_go_through_it_and_enter_chooses() {
    let stage = three_sessions().await;
    let ctrl = KeyboardEventInit::new();
    ctrl.set_ctrl_key(true);
    stage.press(&ctrl, "k");
    stage.until_focus(BOX).await;
    stage.type_into(BOX, "r");
    stage.until_count("[data-finding]", 3).await;
    stage.until_attribute("[data-finding=s2]", "aria-selected", "true").await;
    stage.press_here("ArrowUp");
    stage.until_attribute("[data-finding=s3]", "aria-selected", "true").await;
    stage.press_here("ArrowDown");
    stage.press_here("ArrowDown");
    stage.until_attribute("[data-finding=s1]", "aria-selected", "true").await;
    stage.press_here("ArrowUp");
    stage.press_here("ArrowUp");
    stage.until_attribute("[data-finding=s3]", "aria-selected", "true").await;
    assert_eq!(stage.attribute(BOX, "aria-activedescendant"), "found-s3");
    stage.press_here("Enter");
    stage.until_attribute("[data-transcript]", "data-session", "s3").await;
    stage.press_here("Escape");
    stage.until_count("[data-finding]", 0).await;
    assert!(!stage.has_focus(BOX));
}

#[wasm_bindgen_test]
async fn what_was_found_and_is_held_is_mounted_and_marked() {
    let stage = three_sessions().await;
    let items = (0..120).flat_map(|turn| whole_turn(turn * 4 + 1, &format!("m{turn}"), &format!("answer {turn}"))).collect();
    stage.snapshot("s1", 480, 1, items);
    stage.until_count("[data-block=t-m119]", 1).await;
    assert_eq!(stage.count("[data-block=t-m2]"), 0, "only the newest are mounted");
    let place = HitPlace { turn: message("m2"), block: block("t-m2"), opened: Seq::new(11) };
    stage.model.reveal(&session("s1"), Some(place));
    stage.until_count("[data-block=t-m2][data-found]", 1).await;
    stage.until_count("[data-block=t-m119]", 1).await;
}

#[wasm_bindgen_test]
async fn what_was_found_in_another_session_than_the_one_on_screen_is_mounted_and_marked() {
    let stage = three_sessions().await;
    let items = (0..120).flat_map(|turn| whole_turn(turn * 4 + 1, &format!("m{turn}"), &format!("answer {turn}"))).collect();
    stage.snapshot("s1", 480, 1, items);
    stage.until_count("[data-block=t-m119]", 1).await;
    stage.model.select(&session("s2"));
    stage.until_attribute("[data-transcript]", "data-session", "s2").await;
    let place = HitPlace { turn: message("m2"), block: block("t-m2"), opened: Seq::new(11) };
    stage.model.reveal(&session("s1"), Some(place));
    stage.until_count("[data-block=t-m2][data-found]", 1).await;
}

#[wasm_bindgen_test]
async fn what_was_found_and_is_not_held_is_fetched_in_one_page() {
    let stage = three_sessions().await;
    stage.snapshot("s1", 480, 477, whole_turn(477, "m119", "answer 119"));
    stage.until_count("[data-block=t-m119]", 1).await;
    let items = (0..3).flat_map(|turn| whole_turn(turn * 4 + 1, &format!("m{turn}"), &format!("answer {turn}"))).collect();
    stage.driver.page.replace(Some(Page { epoch: epoch(), seq: Seq::new(480), from: Seq::new(1), before: Seq::new(12), items }));
    let place = HitPlace { turn: message("m2"), block: block("t-m2"), opened: Seq::new(11) };
    stage.model.reveal(&session("s1"), Some(place.clone()));
    stage.until_count("[data-block=t-m2][data-found]", 1).await;
    assert!(stage.driver.called("load_page 12"));
    stage.model.reveal(&session("s1"), Some(HitPlace { block: block("gone"), ..place }));
    until("the reason", || stage.texts(".notice").concat().contains("What was found did not load: No answer.")).await;
}
