//! The keys that the page listens to: one table for what they do and for what the help says of them.

use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use web_sys::KeyboardEvent;

use crate::model::Model;

use super::{
    drawer,
    list::focus_search,
    part::{at_window, focus, soon},
    request::{answer_by_key, is_typing},
};

/// A key, and what it is for.
pub(super) struct Shortcut {
    /// As a reader knows it.
    pub(super) keys: &'static str,
    pub(super) what: &'static str,
    /// None: whoever has the focus listens to it.
    does: Option<Does>,
}

#[derive(Clone, Copy)]
struct Does {
    is_pressed: fn(&KeyboardEvent) -> bool,
    act: fn(&Model, &ArcRwSignal<bool>, &KeyboardEvent),
}

/// All of them, in the order of the help.
pub(super) const SHORTCUTS: [Shortcut; 10] = [
    Shortcut { keys: "Enter", what: "Send what is typed", does: None },
    Shortcut { keys: "Shift+Enter", what: "Begin a new line", does: None },
    Shortcut { keys: "Escape", what: "Leave the message, close what is open", does: None },
    Shortcut {
        keys: "/",
        what: "Type a message",
        does: Some(Does { is_pressed: |event| is_plain(event, "/"), act: |_, drawer, event| write(drawer, event) }),
    },
    Shortcut {
        keys: "Ctrl+K, ⌘K",
        what: "Search",
        does: Some(Does { is_pressed: is_search, act: |_, drawer, event| search(drawer, event) }),
    },
    Shortcut {
        keys: "Alt+N",
        what: "Begin a new session",
        does: Some(Does { is_pressed: is_new, act: |model, drawer, event| begin(model, drawer, event) }),
    },
    Shortcut {
        keys: "1 to 4",
        what: "Answer the request that waits",
        does: Some(Does { is_pressed: is_digit, act: |model, _, event| answer_by_key(model, event) }),
    },
    Shortcut {
        keys: "g",
        what: "Go to the end of the conversation",
        does: Some(Does { is_pressed: |event| is_plain(event, "g"), act: |model, _, _| to_end(model) }),
    },
    Shortcut { keys: "↑ ↓", what: "Go through menus and what was found", does: None },
    Shortcut {
        keys: "?",
        what: "Open this help",
        does: Some(Does { is_pressed: |event| is_plain(event, "?"), act: |model, _, _| model.help().set(true) }),
    },
];

/// Listens to them for as long as the page is there. While the help is open it has all keys.
pub(super) fn listen(model: &Model, drawer: &ArcRwSignal<bool>) {
    let (model, drawer) = (model.clone(), drawer.clone());
    at_window("keydown", move |event| {
        let event: KeyboardEvent = event.unchecked_into();
        if event.default_prevented() || event.repeat() || model.help().get_untracked() {
            return;
        }
        let does = SHORTCUTS.iter().filter_map(|shortcut| shortcut.does).find(|does| (does.is_pressed)(&event));
        if let Some(does) = does {
            (does.act)(&model, &drawer, &event);
        }
    });
}

/// A sign by itself, while nothing is being typed. Some keyboards need Shift for it.
fn is_plain(event: &KeyboardEvent, key: &str) -> bool {
    event.key() == key && !event.ctrl_key() && !event.alt_key() && !event.meta_key() && !is_typing(event)
}

fn is_digit(event: &KeyboardEvent) -> bool {
    matches!(event.key().as_str(), "1" | "2" | "3" | "4") && is_plain(event, &event.key())
}

fn is_search(event: &KeyboardEvent) -> bool {
    event.key().eq_ignore_ascii_case("k") && (event.ctrl_key() != event.meta_key()) && !event.alt_key() && !event.shift_key()
}

/// By the place of the key: on a Mac, Option and N begin another letter.
fn is_new(event: &KeyboardEvent) -> bool {
    event.code() == "KeyN" && event.alt_key() && !event.ctrl_key() && !event.meta_key()
}

fn write(drawer: &ArcRwSignal<bool>, event: &KeyboardEvent) {
    event.prevent_default();
    drawer.set(false);
    focus("[data-composer]");
}

fn search(drawer: &ArcRwSignal<bool>, event: &KeyboardEvent) {
    event.prevent_default();
    // On a narrow page the box is in the drawer, which must be visible before it can have the focus.
    drawer::open(drawer);
    soon(focus_search);
}

fn begin(model: &Model, drawer: &ArcRwSignal<bool>, event: &KeyboardEvent) {
    event.prevent_default();
    model.select_new();
    write(drawer, event);
}

fn to_end(model: &Model) {
    if let Some(screen) = model.screen().get_untracked() {
        screen.repin().notify();
    }
}
