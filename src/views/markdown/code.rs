//! A block of code: its language, a way to copy it, its lines.

use moorline_markup::Block;
use web_sys::Element;

use crate::views::copy;

use super::{
    colour,
    dom::{Parts, add, reached, set},
};

/// Adds an empty block; returns it, and the element of the code.
pub(super) fn frame(parent: &Element, language: &str) -> (Element, Element) {
    let frame = add(parent, "div", "code");
    set(&frame, "data-language", language);
    set(&frame, "dir", "ltr");
    copy::button(&frame, "Copy the code");
    let pre = add(&frame, "pre", "");
    reached(&pre, "Code");
    let code = add(&pre, "code", "");
    (frame, code)
}

/// Adds a block with its code.
pub(super) fn whole(parent: &Element, language: &str, text: &str) -> Element {
    let (frame, code) = frame(parent, language);
    Parts::of_code(code).push(text);
    frame
}

/// Has the code of a finished block coloured, also where it stands in a list or quotation.
pub(super) fn ask_for_colours(element: &Element, block: &Block) {
    let mut codes = Vec::new();
    find(block, &mut codes);
    if codes.is_empty() {
        return;
    }
    if let [(language, text)] = codes[..]
        && element.class_name() == "code"
    {
        return colour::ask_for(element, language, text);
    }
    let Ok(frames) = element.query_selector_all(".code") else { return };
    for ((language, text), at) in codes.into_iter().zip(0..) {
        if let Some(frame) = frames.item(at) {
            colour::ask_for(&wasm_bindgen::JsCast::unchecked_into(frame), language, text);
        }
    }
}

fn find<'a>(block: &'a Block, out: &mut Vec<(&'a str, &'a str)>) {
    match block {
        Block::Code { language, text } => out.push((language, text)),
        Block::List { items, .. } => items.iter().flat_map(|item| &item.blocks).for_each(|block| find(block, out)),
        Block::Quote(blocks) => blocks.iter().for_each(|block| find(block, out)),
        Block::Heading { .. } | Block::Paragraph(_) | Block::Line(_) | Block::Table { .. } | Block::Plain(_) | Block::Rule => {}
    }
}
