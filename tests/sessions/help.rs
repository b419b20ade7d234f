//! Help, settings and keys.

use moorline::{
    model::{Alerts, Driver as _},
    settings::Theme,
};
use wasm_bindgen::JsCast as _;
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::KeyboardEventInit;

use crate::{
    browser::until,
    stage::{FakeDriver, Stage, row, rows},
};

fn document() -> web_sys::Document {
    web_sys::window().and_then(|window| window.document()).expect("a document")
}

fn value(stage: &Stage) -> Option<String> {
    js_sys::Reflect::get(&stage.find("[data-theme-choice]")?.into(), &"value".into()).ok()?.as_string()
}

fn choose(stage: &Stage, theme: &str) {
    let select = stage.find("[data-theme-choice]").expect("the choice of colours");
    js_sys::Reflect::set(&select, &"value".into(), &theme.into()).expect("it takes a value");
    stage.dispatch("[data-theme-choice]", "change");
}

fn is_open(stage: &Stage) -> bool {
    stage.find("dialog").expect("the dialog").unchecked_into::<web_sys::HtmlDialogElement>().open()
}

#[wasm_bindgen_test]
async fn help_opens_by_key_lists_the_keys_and_gives_the_focus_back() {
    let stage = Stage::open();
    stage.composer().focus().expect("it takes the focus");
    stage.press_here("?");
    assert!(!is_open(&stage), "a question mark in a message is one");
    stage.press_here("Escape");
    let new = stage.find("[data-new-session]").expect("a button").unchecked_into::<web_sys::HtmlElement>();
    new.focus().expect("it takes the focus");
    stage.press_here("?");
    until("the dialog", || is_open(&stage)).await;
    assert!(stage.texts("[data-shortcuts] dt").contains(&"1 to 4".to_owned()));
    stage.until_count("[data-action=close-help]", 1).await;
    stage.click("[data-action=close-help]");
    until("the dialog to close", || !is_open(&stage)).await;
    stage.until_focus("[data-new-session]").await;
    stage.click("[data-help]");
    until("the dialog by its button", || is_open(&stage)).await;
    stage.find("dialog").expect("the dialog").unchecked_into::<web_sys::HtmlDialogElement>().close();
    until("what Escape does to be taken in", || !untracked(&stage.model.help().read_only())).await;
}

#[wasm_bindgen_test]
async fn keys_write_begin_and_go_to_the_end_but_not_while_something_is_typed() {
    let stage = Stage::open();
    stage.find("[data-new-session]").expect("a button").unchecked_into::<web_sys::HtmlElement>().focus().expect("it takes the focus");
    stage.press_here("/");
    stage.until_focus("[data-composer]").await;
    stage.press_here("g");
    let alt = KeyboardEventInit::new();
    alt.set_alt_key(true);
    alt.set_code("KeyN");
    stage.press_key_here(&alt, "˜");
    until("a new session", || stage.attribute("[data-transcript]", "data-session").starts_with("new")).await;
}

#[wasm_bindgen_test]
async fn an_open_drawer_has_the_focus_to_itself_and_gives_it_back() {
    let stage = Stage::open();
    stage.click(".menu");
    stage.until_count(".main[inert]", 1).await;
    stage.until_focus("[data-new-session]").await;
    stage.press_here("Escape");
    stage.until_count(".main[inert]", 0).await;
    stage.until_focus(".menu").await;
}

#[wasm_bindgen_test]
async fn the_theme_that_was_chosen_is_worn_and_kept() {
    let root = document().document_element().expect("a root");
    let stage = Stage::open();
    stage.click("[data-help]");
    stage.until_count("[data-theme-choice]", 1).await;
    choose(&stage, "dark");
    until("the dark theme", || root.get_attribute("data-theme").as_deref() == Some("dark")).await;
    assert_eq!(stage.driver.preference("theme").as_deref(), Some("dark"));
    let driver = FakeDriver::default();
    driver.preferences.replace(stage.driver.preferences.borrow().clone());
    drop(stage);
    let stage = Stage::open_with(&document(), driver);
    stage.click("[data-help]");
    until("the choice", || value(&stage).as_deref() == Some("dark")).await;
    choose(&stage, "system");
    until("the system's", || root.get_attribute("data-theme").is_none()).await;
}

#[wasm_bindgen_test]
async fn what_the_host_sets_holds_until_the_user_chooses() {
    let model = moorline::model::Model::new();
    model.set_default_theme(Theme::Light);
    let driver = FakeDriver::default();
    driver.set_preference("theme", "dark");
    model.connect(std::rc::Rc::new(driver));
    assert_eq!(untracked(&model.theme()), Theme::Dark);
    let model = moorline::model::Model::new();
    model.set_default_theme(Theme::Light);
    model.connect(std::rc::Rc::new(FakeDriver::default()));
    assert_eq!(untracked(&model.theme()), Theme::Light);
}

#[wasm_bindgen_test]
async fn notifications_that_the_browser_refuses_are_explained() {
    let stage = Stage::open();
    stage.click("[data-help]");
    stage.until_attribute("[data-alerts]", "data-alerts", "off").await;
    stage.model.set_alerts(Alerts::Denied);
    stage.until_attribute("[data-alerts]", "data-alerts", "denied").await;
    assert!(stage.texts("[data-alerts-note]").concat().starts_with("This browser blocks them"));
    assert_eq!(stage.driver.preference("alerts").as_deref(), Some(""));
}

#[wasm_bindgen_test]
async fn signing_out_asks_the_gateway_and_a_refusal_is_said() {
    let stage = Stage::open();
    stage.tell(rows(vec![row("s1", 1, "first")]));
    stage.click("[data-help]");
    stage.until_count("[data-action=sign-out]", 1).await;
    stage.click("[data-action=sign-out]");
    assert!(stage.driver.called("sign_out"));
    until("the refusal", || stage.texts(".notice").concat().contains("Not signed out: No answer.")).await;
}

pub(crate) fn untracked<T: Clone + Send + Sync + 'static>(signal: &leptos::prelude::ArcReadSignal<T>) -> T {
    use leptos::prelude::GetUntracked as _;
    signal.get_untracked()
}
