//! Nodes as elements.

use moorline_markup::{Align, Block, Inline, Item};
use wasm_bindgen::JsCast as _;
use web_sys::{CharacterData, Element};

use super::{
    code,
    dom::{Parts, add, add_text, make, reached, set},
};

/// Adds a block at the end of an element.
pub(super) fn block(parent: &Element, block: &Block, is_finished: bool) -> Element {
    let element = match block {
        Block::Heading { level, text } => {
            // The page has headings of its own above.
            let (name, class) = match level {
                1 => ("h3", "h1"),
                2 => ("h4", "h2"),
                3 => ("h5", "h3"),
                _ => ("h6", "h4"),
            };
            lettered(parent, name, class, text)
        }
        Block::Paragraph(text) => lettered(parent, "p", "", text),
        Block::Line(text) => lettered(parent, "span", "line", text),
        Block::List { start, items } => {
            let list = add(parent, if start.is_some() { "ol" } else { "ul" }, "");
            if let Some(start) = start.filter(|start| *start != 1) {
                set(&list, "start", &start.to_string());
            }
            items.iter().for_each(|held| item(&list, held));
            list
        }
        Block::Quote(blocks) => {
            let quote = add(parent, "blockquote", "");
            blocks.iter().for_each(|inner| drop(self::block(&quote, inner, false)));
            quote
        }
        Block::Code { language, text } => code::whole(parent, language, text),
        Block::Table { columns, head, rows } => table(parent, columns, head, rows),
        Block::Rule => add(parent, "hr", ""),
        Block::Plain(text) => {
            let plain = add(parent, "div", "plain");
            set(&plain, "dir", "auto");
            Parts::of_words(plain.clone()).push(text);
            plain
        }
    };
    if is_finished {
        code::ask_for_colours(&element, block);
    }
    element
}

/// Puts a block in the place of an older state of the tail; of a list or table, what is the same stays.
pub(super) fn redrawn(element: &Element, old: &Block, new: &Block, is_finished: bool) -> Element {
    match (old, new) {
        (Block::Paragraph(old), Block::Paragraph(new)) => regrown(element, old, new),
        (Block::Heading { level: one, text: old }, Block::Heading { level: other, text: new }) if one == other => {
            regrown(element, old, new)
        }
        (Block::List { start: one, items: old }, Block::List { start: other, items: new }) if one == other => {
            let same = old.iter().zip(new).take_while(|(old, new)| old == new).count();
            cut(element, same);
            new[same..].iter().for_each(|held| item(element, held));
        }
        (Block::Table { columns: one, head: old_head, rows: old }, Block::Table { columns: other, head, rows: new })
            if one == other && old_head == head && !old.is_empty() && !new.is_empty() =>
        {
            let Ok(Some(body)) = element.query_selector("tbody") else { return element.clone() };
            let same = old.iter().zip(new).take_while(|(old, new)| old == new).count();
            cut(&body, same);
            new[same..].iter().for_each(|cells| row(&body, "td", one, cells));
        }
        _ => return replaced(element, new, is_finished),
    }
    if is_finished {
        code::ask_for_colours(element, new);
    }
    element.clone()
}

/// Brings the text of an element in line: what is the same stays, and a text that only grew keeps its node.
fn regrown(element: &Element, old: &[Inline], new: &[Inline]) {
    let mut same = old.iter().zip(new).take_while(|(old, new)| old == new).count();
    let nodes = element.child_nodes();
    if let (Some(Inline::Text(old)), Some(Inline::Text(new))) = (old.get(same), new.get(same))
        && let Some(rest) = new.strip_prefix(old.as_str())
        && let Some(node) = u32::try_from(same).ok().and_then(|at| nodes.item(at))
        && node.unchecked_ref::<CharacterData>().append_data(rest).is_ok()
    {
        same += 1;
    }
    while nodes.length() as usize > same {
        if let Some(last) = element.last_child() {
            let _ = element.remove_child(&last);
        }
    }
    inlines(element, &new[same..]);
}

fn replaced(element: &Element, new: &Block, is_finished: bool) -> Element {
    let Some(parent) = element.parent_element() else { return element.clone() };
    let made = block(&parent, new, is_finished);
    let _ = parent.replace_child(&made, element);
    made
}

/// Leaves so many children.
fn cut(element: &Element, count: usize) {
    while element.child_element_count() as usize > count {
        element.last_element_child().iter().for_each(Element::remove);
    }
}

fn lettered(parent: &Element, name: &str, class: &str, text: &[Inline]) -> Element {
    let element = add(parent, name, class);
    set(&element, "dir", "auto");
    inlines(&element, text);
    element
}

fn item(list: &Element, item: &Item) {
    let element = add(list, "li", if item.done.is_some() { "task" } else { "" });
    if let Some(is_done) = item.done {
        let mark = add(&element, "span", "task-mark");
        set(&mark, "role", "img");
        set(&mark, "aria-label", if is_done { "Done" } else { "Open" });
    }
    item.blocks.iter().for_each(|inner| drop(block(&element, inner, false)));
}

fn table(parent: &Element, columns: &[Align], head: &[Vec<Inline>], rows: &[Vec<Vec<Inline>>]) -> Element {
    // Wider than the page, it is scrolled, by keys too.
    let frame = add(parent, "div", "table");
    reached(&frame, "Table");
    let table = add(&frame, "table", "");
    row(&add(&table, "thead", ""), "th", columns, head);
    if !rows.is_empty() {
        let body = add(&table, "tbody", "");
        rows.iter().for_each(|cells| row(&body, "td", columns, cells));
    }
    frame
}

fn row(parent: &Element, name: &str, columns: &[Align], cells: &[Vec<Inline>]) {
    let row = add(parent, "tr", "");
    for (at, cell) in cells.iter().enumerate() {
        let class = match columns.get(at) {
            Some(Align::Centre) => "centre",
            Some(Align::End) => "end",
            Some(Align::Start) | None => "",
        };
        inlines(&add(&row, name, class), cell);
    }
}

fn inlines(parent: &Element, all: &[Inline]) {
    for inline in all {
        match inline {
            Inline::Text(text) => drop(add_text(parent, text)),
            Inline::Code(text) => drop(add_text(&add(parent, "code", ""), text)),
            Inline::Emphasis(inner) => inlines(&add(parent, "em", ""), inner),
            Inline::Strong(inner) => inlines(&add(parent, "strong", ""), inner),
            Inline::Strike(inner) => inlines(&add(parent, "del", ""), inner),
            Inline::Link { href, text } => inlines(&link(parent, href, ""), text),
            Inline::Image { href, host, alt } => {
                // The page's policy loads nothing from elsewhere, so the image opens where a link would.
                let image = link(parent, href, "image");
                set(&image, "data-host", host);
                set(&image, "title", &format!("An image on {host}. Press to open it there."));
                add_text(&image, alt);
            }
        }
    }
}

fn link(parent: &Element, href: &str, class: &str) -> Element {
    // Filled in before it stands anywhere.
    let element = make("a", class).unwrap_or_else(|| parent.clone());
    set(&element, "href", href);
    set(&element, "rel", "noopener noreferrer");
    set(&element, "target", "_blank");
    let _ = parent.append_child(&element);
    element
}
