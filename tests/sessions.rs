//! Sessions as things, and the page as an application: the list and its menu, the search, help, settings, what calls.

#![cfg(target_family = "wasm")]

#[path = "sessions/attention.rs"]
mod attention;
#[path = "support/browser.rs"]
mod browser;
#[path = "support/dom.rs"]
mod dom;
#[path = "sessions/drafts.rs"]
mod drafts;
#[path = "sessions/help.rs"]
mod help;
#[path = "sessions/menu.rs"]
mod menu;
#[path = "sessions/search.rs"]
mod search;
#[path = "support/stage.rs"]
mod stage;

use wasm_bindgen_test::wasm_bindgen_test_configure;

wasm_bindgen_test_configure!(run_in_browser);
