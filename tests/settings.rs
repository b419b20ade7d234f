//! What a host may set, and the one sentence that every mistake gets.

#![cfg(target_family = "wasm")]

#[path = "support/browser.rs"]
mod browser;

use browser::Fakes;
use moorline::settings::{Complaint, Fragment, Settings, Theme};
use moorline_protocol::SessionId;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

fn sentences(complaints: &[Complaint]) -> Vec<String> {
    complaints.iter().map(ToString::to_string).collect()
}

fn from_file(text: &str) -> (Settings, Vec<String>) {
    let mut settings = Settings::default();
    let complaints = settings.take_file(text);
    (settings, sentences(&complaints))
}

fn from_global(script: &str) -> (Settings, Vec<String>) {
    browser::set_global(script);
    let mut settings = Settings::default();
    let complaints = settings.take_global();
    (settings, sentences(&complaints))
}

fn hash() -> String {
    web_sys::window().expect("a window").location().hash().expect("an address")
}

fn set_hash(hash: &str) {
    web_sys::window().expect("a window").location().set_hash(hash).expect("an address");
}

#[wasm_bindgen_test]
fn every_key_of_the_file_is_taken() {
    let (settings, complaints) = from_file(r#"{"gatewayUrl": "https://g.test/x/", "title": "Mine", "theme": "dark"}"#);
    assert_eq!(complaints, [""; 0]);
    assert_eq!(settings.gateway_url.as_deref(), Some("https://g.test/x/"));
    assert_eq!(settings.title.as_deref(), Some("Mine"));
    assert_eq!(settings.theme, Theme::Dark);
}

#[wasm_bindgen_test]
fn a_path_is_a_gateway_address() {
    let (settings, complaints) = from_file(r#"{"gatewayUrl": "../gateway/"}"#);
    assert_eq!(complaints, [""; 0]);
    assert_eq!(settings.gateway_url.as_deref(), Some("../gateway/"));
}

#[wasm_bindgen_test]
fn a_wrong_type_names_the_key_the_value_and_the_remedy_and_the_others_hold() {
    let (settings, complaints) = from_file(r#"{"title": 5, "theme": "light"}"#);
    assert_eq!(complaints, [r#"config.json: "title" must be a text, not 5: correct it or remove the key"#]);
    assert_eq!(settings, Settings { theme: Theme::Light, ..Settings::default() });
}

#[wasm_bindgen_test]
fn an_invented_theme_is_named_with_the_three_that_exist() {
    let (settings, complaints) = from_file(r#"{"theme": "blue"}"#);
    assert_eq!(complaints, [r#"config.json: "theme" must be "light", "dark" or "system", not "blue": correct it or remove the key"#]);
    assert_eq!(settings.theme, Theme::System);
}

#[wasm_bindgen_test]
fn a_gateway_address_of_another_scheme_is_refused() {
    let (settings, complaints) = from_file(r#"{"gatewayUrl": "ws://g.test/"}"#);
    assert_eq!(
        complaints,
        [r#"config.json: "gatewayUrl" must be an http or https address, or a path, not "ws://g.test/": correct it or remove the key"#]
    );
    assert_eq!(settings.gateway_url, None);
}

#[wasm_bindgen_test]
fn an_unknown_key_is_named_with_those_that_exist() {
    let (_, complaints) = from_file(r#"{"gateway_url": "https://g.test/"}"#);
    assert_eq!(complaints, [r#"config.json: unknown key "gateway_url": remove it; the keys are gatewayUrl, title and theme"#]);
}

#[wasm_bindgen_test]
fn what_is_not_json_is_one_sentence() {
    let (settings, complaints) = from_file("{'title': 1}");
    assert_eq!(complaints.len(), 1);
    assert!(complaints[0].starts_with("config.json is not JSON (") && complaints[0].ends_with("correct it or remove the file"));
    assert_eq!(settings, Settings::default());
}

#[wasm_bindgen_test]
fn what_is_no_object_is_one_sentence() {
    let (_, complaints) = from_file("[1]");
    assert_eq!(complaints, ["config.json must be an object with the keys gatewayUrl, title and theme, not [1]"]);
}

#[wasm_bindgen_test]
fn the_global_overrides_the_file_key_by_key() {
    let _fakes = Fakes::install();
    let (mut settings, _) = from_file(r#"{"title": "file", "theme": "dark"}"#);
    browser::set_global("{ title: 'global' }");
    assert_eq!(settings.take_global(), []);
    assert_eq!((settings.title.as_deref(), settings.theme), (Some("global"), Theme::Dark));
}

#[wasm_bindgen_test]
fn the_global_is_checked_like_the_file() {
    let _fakes = Fakes::install();
    let (_, complaints) = from_global("{ title: 5, colour: 'red' }");
    assert_eq!(
        complaints,
        [
            r#"globalThis.moorline: unknown key "colour": remove it; the keys are gatewayUrl, title and theme"#,
            r#"globalThis.moorline: "title" must be a text, not 5: correct it or remove the key"#,
        ]
    );
}

#[wasm_bindgen_test]
fn a_global_with_what_json_cannot_hold_gets_a_sentence_too() {
    let _fakes = Fakes::install();
    let (_, complaints) = from_global("{ title: () => 'x' }");
    assert_eq!(complaints.len(), 1);
    assert!(complaints[0].starts_with(r#"globalThis.moorline: "title" must be a text"#), "{complaints:?}");
    for (script, found) in [("'text'", "text"), ("[1]", "object"), ("() => 1", "function")] {
        let (_, complaints) = from_global(script);
        assert_eq!(complaints, [format!("globalThis.moorline must be an object with the keys gatewayUrl, title and theme, not {found}")]);
    }
}

#[wasm_bindgen_test]
fn no_global_is_no_mistake() {
    let _fakes = Fakes::install();
    for script in ["undefined", "null"] {
        assert_eq!(from_global(script), (Settings::default(), vec![]));
    }
}

#[wasm_bindgen_test]
async fn the_file_is_read_beside_the_page_and_then_the_global() {
    let _fakes = Fakes::install();
    browser::answer_fetch("config.json", 200, "application/json", r#"{"title": "file", "theme": "dark"}"#);
    browser::set_global("{ title: 'global' }");
    let (settings, complaints) = Settings::load().await;
    assert_eq!(complaints, []);
    assert_eq!((settings.title.as_deref(), settings.theme), (Some("global"), Theme::Dark));
    assert!(browser::fetched()[0].contains(r#""url":"config.json""#), "a relative address: {}", browser::fetched()[0]);
}

#[wasm_bindgen_test]
async fn a_missing_file_means_the_defaults_and_a_line_in_the_console() {
    for (status, kind, body) in [(404, "text/plain", "no"), (200, "text/html; charset=utf-8", "<!doctype html>"), (200, "", "  <html>")] {
        let _fakes = Fakes::install();
        browser::listen_to_console();
        browser::answer_fetch("config.json", status, kind, body);
        let (settings, complaints) = Settings::load().await;
        assert_eq!((settings, complaints), (Settings::default(), vec![]), "HTTP {status} {kind}");
        let lines = browser::console_lines();
        assert!(lines.len() == 1 && lines[0].starts_with("config.json is missing beside index.html"), "{lines:?}");
    }
}

#[wasm_bindgen_test]
async fn a_file_that_cannot_be_loaded_is_one_sentence() {
    let _fakes = Fakes::install();
    let (_, complaints) = Settings::load().await;
    assert_eq!(sentences(&complaints), ["config.json could not be loaded (no answer), so the defaults hold: reload the page"]);
    browser::answer_fetch("config.json", 502, "text/html", "<h1>bad gateway</h1>");
    let (_, complaints) = Settings::load().await;
    assert_eq!(sentences(&complaints), ["config.json could not be loaded (HTTP 502), so the defaults hold: reload the page"]);
}

#[wasm_bindgen_test]
async fn the_token_of_the_link_is_taken_and_leaves_the_address() {
    let _fakes = Fakes::install();
    browser::answer_fetch("config.json", 404, "text/plain", "no");
    set_hash("#token=s%2Fcret&session=s1");
    let (settings, _) = Settings::load().await;
    assert_eq!(settings.token.as_deref(), Some("s/cret"));
    assert_eq!(hash(), "#session=s1");
    assert_eq!(Fragment::take_token(), None);
    set_hash("");
}

#[wasm_bindgen_test]
fn the_file_cannot_set_the_token() {
    let (settings, complaints) = from_file(r#"{"token": "x"}"#);
    assert_eq!(settings.token, None);
    assert_eq!(complaints.len(), 1);
}

#[wasm_bindgen_test]
fn the_session_stands_in_the_address() {
    let session = SessionId::parse("s_1-A").expect("valid");
    Fragment::set_session(Some(&session));
    assert_eq!(hash(), "#session=s_1-A");
    assert_eq!(Fragment::session(), Some(session));
    Fragment::set_session(None);
    assert_eq!(Fragment::session(), None);
    set_hash("#session=not%20valid");
    assert_eq!(Fragment::session(), None);
    set_hash("");
}
