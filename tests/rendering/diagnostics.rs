//! The diagnostics panel.

use moorline_delivery::{Attempts, Counters, Diagnostics, Transport};
use moorline_protocol::{ConnectionId, Cursor, Millis, Seq};
use wasm_bindgen::JsCast as _;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::{
    browser::{real_now, settle, until},
    stage::{Stage, epoch, session, whole_turn},
};

fn figures() -> Diagnostics {
    let cursor = |name: &str, seq| Cursor { session: session(name), epoch: epoch(), seq: Seq::new(seq) };
    Diagnostics {
        transport: Some(Transport::Sse),
        connection: ConnectionId::parse("c7").ok(),
        pinged: Some(Millis(1_000)),
        cursors: vec![cursor("s1", 24), cursor("s2", 3)],
        counters: Counters {
            connections: 4,
            duplicates: 11,
            holes: 1,
            snapshots: 2,
            undecodable: 0,
            attempts: Attempts { accepted: 5, settled: 0, refused: 1, told_to_wait: 2, transient: 0, unanswered: 3 },
            stale: 0,
        },
    }
}

fn figure(stage: &Stage, word: &str) -> String {
    stage.texts(&format!("[data-diagnostics] [data-diagnostic={word}]")).concat()
}

fn focused() -> String {
    let document = web_sys::window().and_then(|window| window.document()).expect("a document");
    document.active_element().map(|element| element.class_name()).unwrap_or_default()
}

#[wasm_bindgen_test]
async fn the_panel_shows_how_the_tab_stands() {
    let stage = Stage::open();
    stage.driver.diagnostics.replace(Some(figures()));
    stage.driver.now.set(7_000);
    stage.snapshot("s1", 24, 21, whole_turn(21, "m6", "six"));
    assert_eq!(stage.count("[data-diagnostics]"), 0);
    stage.click("button[data-connection]");
    stage.until_count("[data-diagnostics]", 1).await;
    let shown = [
        ("transport", "SSE"),
        ("connection", "c7"),
        ("ping", "7 s ago"),
        ("connections", "4"),
        ("cursors", "s1:e1:24\ns2:e1:3"),
        ("gaps", "1–20"),
        ("snapshots", "2"),
        ("duplicates", "11"),
        ("holes", "1"),
        ("attempts", "5 accepted, 1 refused, 2 told to wait, 3 unanswered"),
    ];
    for (word, text) in shown {
        assert_eq!(figure(&stage, word), text, "{word}");
    }
}

#[wasm_bindgen_test]
async fn a_panel_without_a_connection_says_none() {
    let stage = Stage::open();
    stage.click("button[data-connection]");
    stage.until_count("[data-diagnostics]", 1).await;
    for word in ["transport", "connection", "ping", "cursors", "gaps", "attempts"] {
        assert_eq!(figure(&stage, word), "none", "{word}");
    }
}

#[wasm_bindgen_test]
async fn the_panel_looks_again_each_second_and_only_while_it_is_open() {
    let stage = Stage::open();
    settle().await;
    assert_eq!(stage.driver.looks.get(), 0);
    stage.click("button[data-connection]");
    stage.until_count("[data-diagnostics]", 1).await;
    assert_eq!(figure(&stage, "connections"), "0");
    stage.driver.diagnostics.replace(Some(figures()));
    until("the second look", || figure(&stage, "connections") == "4").await;
    stage.click("[data-diagnostics] [data-action=close]");
    stage.until_count("[data-diagnostics]", 0).await;
    let looks = stage.driver.looks.get();
    let started = real_now();
    until("another second to pass", || real_now() - started > 1_300.0).await;
    assert_eq!(stage.driver.looks.get(), looks);
}

#[wasm_bindgen_test]
async fn the_panel_is_closed_by_its_button_by_escape_and_by_the_line_and_the_focus_returns() {
    let stage = Stage::open();
    let line = || stage.find("button[data-connection]").expect("the line").unchecked_into::<web_sys::HtmlElement>();
    let closers: [(&str, &dyn Fn()); 3] = [
        ("its button", &|| stage.click("[data-diagnostics] [data-action=close]")),
        ("escape", &|| stage.press_on("[data-diagnostics] [data-action=close]", "Escape")),
        ("the line", &|| stage.click("button[data-connection]")),
    ];
    for (closer, close) in closers {
        line().focus().expect("it can be focused");
        line().click();
        stage.until_count("[data-diagnostics]", 1).await;
        stage.until_attribute("button[data-connection]", "aria-expanded", "true").await;
        // The panel follows its button in the order of the tab key.
        let button = stage.find("[data-diagnostics] [data-action=close]").expect("a button").unchecked_into::<web_sys::HtmlElement>();
        if closer != "the line" {
            button.focus().expect("it can be focused");
        }
        close();
        stage.until_count("[data-diagnostics]", 0).await;
        stage.until_attribute("button[data-connection]", "aria-expanded", "false").await;
        assert!(focused().contains("connection"), "{closer}: the focus is on {:?}", focused());
    }
}
