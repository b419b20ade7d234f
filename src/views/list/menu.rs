//! What can be done with a session, as a menu at its line.

use std::sync::Arc;

use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use web_sys::{Element, FocusEvent, HtmlElement, KeyboardEvent, Node};

use crate::model::{Format, ListRow, Model, Step};

use super::super::{
    element::{Has, element},
    part::{find, soon},
};

/// Between the menu and the window's edges.
const EDGE_PX: f64 = 8.0;

/// What an item of the menu does.
#[derive(Debug, Clone, Copy)]
enum Act {
    Rename,
    Pin(bool),
    Archive(bool),
    Export(Format),
    Delete,
}

pub(super) fn menu(model: &Model, row: &Arc<ListRow>) -> AnyView {
    soon(|| {
        if let Some(menu) = find("[data-menu]") {
            place(&menu);
            give_focus(menu.first_element_child());
        }
    });
    let (pinned, archived) = (row.pinned.get_untracked(), row.archived.get_untracked());
    let items = [
        ("rename", "Rename", Act::Rename),
        ("pin", if pinned { "Unpin" } else { "Pin" }, Act::Pin(!pinned)),
        ("archive", if archived { "Bring back" } else { "Archive" }, Act::Archive(!archived)),
        ("export-markdown", "Export as Markdown", Act::Export(Format::Markdown)),
        ("export-json", "Export as JSON", Act::Export(Format::Json)),
        ("delete", "Delete…", Act::Delete),
    ];
    let items: Vec<AnyView> = items.into_iter().map(|(word, label, act)| item(model, row, word, label, act)).collect();
    let (walker, leaver, step) = (model.clone(), model.clone(), row.step.clone());
    let leave = move |event: web_sys::Event| {
        let goes_to = event.dyn_ref::<FocusEvent>().and_then(FocusEvent::related_target).and_then(|target| target.dyn_into::<Node>().ok());
        let line = event_target::<Element>(&event).closest(".line").ok().flatten();
        let stays = line.is_some_and(|line| goes_to.is_some_and(|target| line.contains(Some(&target))));
        if step.get_untracked() == Some(Step::Menu) && !stays {
            leaver.manage(None);
        }
    };
    let has = vec![
        Has::Is("class", "line-menu"),
        Has::Is("role", "menu"),
        Has::Is("tabindex", "-1"),
        Has::Is("aria-label", "Session"),
        Has::Is("data-menu", ""),
        Has::key(move |event| walk(&walker, event)),
        Has::on("focusout", leave),
    ];
    element("div", has, items)
}

fn item(model: &Model, row: &Arc<ListRow>, word: &'static str, label: &'static str, act: Act) -> AnyView {
    let (model, session) = (model.clone(), row.session.clone());
    let act = move |_| {
        model.manage(match act {
            Act::Rename => Some((&session, Step::Rename)),
            Act::Delete => Some((&session, Step::Delete)),
            Act::Pin(_) | Act::Archive(_) | Act::Export(_) => None,
        });
        match act {
            Act::Rename | Act::Delete => {}
            Act::Pin(pinned) => model.set_pinned(&session, pinned),
            Act::Archive(archived) => model.set_archived(&session, archived),
            Act::Export(format) => model.export(&session, format),
        }
    };
    let has = vec![
        Has::Is("type", "button"),
        Has::Is("class", "line-act"),
        Has::Is("role", "menuitem"),
        Has::Is("tabindex", "-1"),
        Has::Is("data-act", word),
        Has::on("click", act),
    ];
    element("button", has, vec![label.into_any()])
}

/// Goes through the items, around the ends; Escape and Tab leave.
fn walk(model: &Model, event: &KeyboardEvent) {
    let item = event_target::<Element>(event);
    let Some(menu) = item.closest("[role=menu]").ok().flatten() else { return };
    let next = match event.key().as_str() {
        "ArrowDown" => item.next_element_sibling().or_else(|| menu.first_element_child()),
        "ArrowUp" => item.previous_element_sibling().or_else(|| menu.last_element_child()),
        "Home" => menu.first_element_child(),
        "End" => menu.last_element_child(),
        "Escape" | "Tab" => {
            model.manage(None);
            None
        }
        _ => return,
    };
    event.prevent_default();
    event.stop_propagation();
    give_focus(next);
}

fn give_focus(element: Option<Element>) {
    if let Some(element) = element.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        let _ = element.focus();
    }
}

/// Puts the menu below its button, or above it where there is no room: the list, which scrolls, would cut it off.
fn place(menu: &HtmlElement) {
    let button = menu.parent_element().and_then(|line| line.query_selector(".more").ok()?);
    let (Some(button), Some(root)) = (button, document().document_element()) else { return };
    let (at, own) = (button.get_bounding_client_rect(), menu.get_bounding_client_rect());
    let (width, height) = (f64::from(root.client_width()), f64::from(root.client_height()));
    let top = if at.bottom() + own.height() + EDGE_PX > height { (at.top() - own.height()).max(EDGE_PX) } else { at.bottom() };
    let left = at.left().min(width - own.width() - EDGE_PX).max(EDGE_PX);
    for (name, px) in [("top", top), ("left", left)] {
        #[expect(clippy::cast_possible_truncation, reason = "a distance on a screen")]
        let px = px as i32;
        let _ = HtmlElement::style(menu).set_property(name, &format!("{px}px"));
    }
}
