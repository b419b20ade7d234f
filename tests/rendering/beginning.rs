//! A text of which only the end came: the page says so, and gets the rest when it is asked to.

use moorline_protocol::{BlockText, Item};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::stage::{Stage, block, epoch, whole_turn};

const BUTTON: &str = "[data-block=t-m1] [data-action=load-text]";

/// A finished turn whose answer came without its first six bytes.
fn tail_only() -> Stage {
    let mut items = whole_turn(1, "m1", "and an **end**");
    for item in &mut items {
        if let Item::Block(held) = item
            && held.id == block("t-m1")
        {
            held.from = 6;
        }
    }
    let stage = Stage::open();
    stage.snapshot("s1", 4, 1, items);
    stage
}

#[wasm_bindgen_test]
async fn the_beginning_of_a_text_is_loaded_when_it_is_asked_for() {
    let stage = tail_only();
    stage.until_texts("[data-block=t-m1] [data-text]", &["and an end"]).await;
    stage.until_count("[data-beginning]", 1).await;
    let part = BlockText { epoch: epoch(), block: block("t-m1"), edition: 0, from: 0, text: "*one* ".to_owned(), bytes: 20 };
    stage.driver.text.replace(Some(part));
    stage.click(BUTTON);
    stage.until_texts("[data-block=t-m1] [data-text]", &["one and an end"]).await;
    stage.until_count("[data-beginning]", 0).await;
    assert!(stage.driver.called("load_text t-m1 0 6"));
}

#[wasm_bindgen_test]
async fn a_beginning_that_does_not_come_leaves_its_button() {
    let stage = tail_only();
    stage.until_count(BUTTON, 1).await;
    stage.click(BUTTON);
    stage.until_count("[data-notice]", 1).await;
    stage.until_count(&format!("{BUTTON}:not([disabled])"), 1).await;
}
