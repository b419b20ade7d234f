//! What one text has come to: finished elements, and those of the tail.

use moorline_markup::{Block, Document, Growing};
use web_sys::Element;

use super::{
    super::growing,
    code, colour,
    dom::{Parts, add, set},
    draw,
};

/// Blocks of a section: as long as none is touched, the browser passes over them all in one step.
const SECTION_BLOCKS: usize = 32;

/// The elements of a growing text.
pub(super) struct Sheet {
    host: Element,
    /// Where the next element goes, and how many went there before.
    section: Element,
    filled: usize,
    document: Document,
    /// The elements of the tail, behind the finished ones.
    tail: Vec<(Block, Element)>,
    growing: Option<Grown>,
}

/// The element of a block that only grows.
struct Grown {
    element: Element,
    parts: Parts,
    is_code: bool,
}

impl growing::Sheet for Sheet {
    fn new(host: &Element) -> Self {
        host.set_text_content(None);
        Self { host: host.clone(), section: section(host), filled: 0, document: Document::default(), tail: Vec::new(), growing: None }
    }

    fn push(&mut self, text: &str) {
        let finished = self.document.push(text);
        self.show(finished.into_iter().map(|finished| finished.block).collect());
    }

    fn finish(&mut self) {
        let finished = self.document.finish();
        self.show(finished.into_iter().map(|finished| finished.block).collect());
    }
}

impl Sheet {
    /// Brings the elements in line: those of finished blocks are left alone from then on.
    fn show(&mut self, finished: Vec<Block>) {
        let Self { host, section: current, filled, document, tail: shown, growing } = self;
        let count = finished.len();
        let tail = document.tail();
        let mut old = std::mem::take(shown).into_iter();
        for (at, block) in finished.into_iter().chain(tail.blocks).enumerate() {
            let is_finished = at < count;
            let element = match old.next() {
                Some((held, element)) if held == block => {
                    if is_finished {
                        code::ask_for_colours(&element, &block);
                    }
                    element
                }
                Some((held, element)) => draw::redrawn(&element, &held, &block, is_finished),
                None if is_finished && grows_into(growing, &block) => continue,
                None => {
                    // What grows stands behind everything else, and stays where it is.
                    if *filled >= SECTION_BLOCKS && growing.is_none() {
                        (*current, *filled) = (section(host), 0);
                    }
                    *filled += 1;
                    let element = draw::block(current, &block, is_finished);
                    if let Some(grown) = growing {
                        let _ = current.insert_before(&element, Some(&grown.element));
                    }
                    element
                }
            };
            if !is_finished {
                shown.push((block, element));
            }
        }
        old.for_each(|(_, element)| element.remove());
        match tail.growing {
            Some(next) => grow(growing, current, &next),
            None => growing.take().iter().for_each(|grown| grown.element.remove()),
        }
    }
}

fn section(host: &Element) -> Element {
    add(host, "div", "section")
}

/// Whether the block is what the growing element was to become; then it is that now, and finished.
fn grows_into(growing: &mut Option<Grown>, block: &Block) -> bool {
    let (text, is_code) = match block {
        Block::Code { text, .. } => (text, true),
        Block::Plain(text) => (text, false),
        Block::Heading { .. }
        | Block::Paragraph(_)
        | Block::Line(_)
        | Block::List { .. }
        | Block::Quote(_)
        | Block::Table { .. }
        | Block::Rule => return false,
    };
    let Some(mut grown) = growing.take_if(|grown| grown.is_code == is_code) else { return false };
    match text.get(grown.parts.bytes..) {
        Some(rest) => grown.parts.push(rest),
        None => {
            grown.element.remove();
            return false;
        }
    }
    if let Block::Code { language, text } = block {
        colour::ask_for(&grown.element, language, text);
    }
    true
}

fn grow(held: &mut Option<Grown>, host: &Element, growing: &Growing<'_>) {
    let (text, is_code) = match growing {
        Growing::Code { text, .. } => (text, true),
        Growing::Plain(text) => (text, false),
    };
    if let Some(old) = held.take_if(|grown| grown.is_code != is_code || grown.parts.bytes > text[0].len() + text[1].len()) {
        old.element.remove();
    }
    let grown = held.get_or_insert_with(|| match growing {
        Growing::Code { language, .. } => {
            let (element, inner) = code::frame(host, language);
            Grown { element, parts: Parts::of_code(inner), is_code }
        }
        Growing::Plain(_) => {
            let element = add(host, "div", "plain");
            set(&element, "dir", "auto");
            Grown { parts: Parts::of_words(element.clone()), element, is_code }
        }
    });
    let shown = grown.parts.bytes;
    let [head, tail] = *text;
    if let Some(rest) = head.get(shown..) {
        grown.parts.push(rest);
        grown.parts.push(tail);
    } else if let Some(rest) = tail.get(shown - head.len()..) {
        grown.parts.push(rest);
    }
}
