//! Elements made by hand, under one that the framework renders without children.
//!
//! A text that grows is many small nodes. As views of the framework each would bring its own state and code; made by hand, they
//! cost what the browser takes for them.

use leptos::prelude::document;
use web_sys::{Element, Text};

/// Adds an element at the end; it stands in for it where the browser refuses to make one.
pub(crate) fn add(parent: &Element, name: &str, class: &str) -> Element {
    let element = make(name, class).unwrap_or_else(|| parent.clone());
    let _ = parent.append_child(&element);
    element
}

/// Makes an element that stands nowhere yet.
pub(crate) fn make(name: &str, class: &str) -> Option<Element> {
    let element = document().create_element(name).ok()?;
    if !class.is_empty() {
        element.set_class_name(class);
    }
    Some(element)
}

/// Adds text at the end.
pub(crate) fn add_text(parent: &Element, text: &str) -> Text {
    let node = document().create_text_node(text);
    let _ = parent.append_child(&node);
    node
}

pub(crate) fn set(element: &Element, name: &str, value: &str) {
    let _ = element.set_attribute(name, value);
}

/// Lets an element that scrolls be reached by keys, under a name.
pub(crate) fn reached(element: &Element, name: &str) {
    set(element, "tabindex", "0");
    set(element, "role", "group");
    set(element, "aria-label", name);
}

/// Text that grows without end: in parts, so that what is added costs the layout of the last one and no more.
pub(crate) struct Parts {
    host: Element,
    is_code: bool,
    last: Option<Text>,
    /// Bytes and lines in the last part.
    fill: (usize, usize),
    /// Bytes in all.
    pub(crate) bytes: usize,
}

/// A part ends behind so many lines of code…
const PART_LINES: usize = 50;
/// …or behind the line, or the word, that goes beyond this.
const PART_BYTES: usize = 4 << 10;

impl Parts {
    pub(crate) const fn of_code(host: Element) -> Self {
        Self { host, is_code: true, last: None, fill: (0, 0), bytes: 0 }
    }

    pub(crate) const fn of_words(host: Element) -> Self {
        Self { host, is_code: false, last: None, fill: (0, 0), bytes: 0 }
    }

    pub(crate) fn push(&mut self, text: &str) {
        self.bytes += text.len();
        let mut rest = text;
        while !rest.is_empty() {
            let (part, is_full) = self.fitting(rest);
            self.add(part);
            rest = &rest[part.len()..];
            if is_full {
                self.last = None;
                self.fill = (0, 0);
            }
        }
    }

    fn add(&mut self, text: &str) {
        match &self.last {
            // Refused only beyond the longest string that the browser can hold.
            Some(last) => drop(last.append_data(text)),
            None => self.last = Some(add_text(&add(&self.host, "span", "part"), text)),
        }
    }

    /// As much of a text as the last part takes, and whether it is full then.
    fn fitting<'a>(&mut self, text: &'a str) -> (&'a str, bool) {
        let (bytes, lines) = &mut self.fill;
        for (at, _) in text.match_indices(if self.is_code { &['\n'][..] } else { &['\n', ' '] }) {
            *lines += 1;
            if *bytes + at >= PART_BYTES || (self.is_code && *lines >= PART_LINES) {
                return (&text[..=at], true);
            }
        }
        // A word without an end is cut where it is.
        if !self.is_code && *bytes + text.len() > 4 * PART_BYTES {
            let end = (4 * PART_BYTES).saturating_sub(*bytes);
            let end = (end..text.len()).find(|end| *end > 0 && text.is_char_boundary(*end)).unwrap_or(text.len());
            return (&text[..end], true);
        }
        *bytes += text.len();
        (text, false)
    }
}
