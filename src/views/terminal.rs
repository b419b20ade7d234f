//! A tool's output as a terminal shows it, growing in place.

use std::sync::Arc;

use leptos::{html, prelude::*};
use moorline_markup::{Colour, Run, Style, Terminal};
use wasm_bindgen::JsCast as _;
use web_sys::{Element, HtmlElement, Text};

use crate::model::{BlockRow, Screen};

use super::{
    growing::{self, grow},
    markdown::dom::{add, add_text},
    part::view,
};

/// A part ends with the line that goes beyond this: what is added costs the layout of the last part and no more.
const PART_BYTES: usize = 4 << 10;

/// An element that shows a block's text with colours; its text is what [`moorline_markup::terminal_plain`] says.
pub(super) fn terminal(screen: &Screen, row: &Arc<BlockRow>) -> AnyView {
    let node = NodeRef::<html::Div>::new();
    grow::<Sheet>(screen, row, node);
    view! { <div class="tool-output" data-text="" tabindex="0" role="group" aria-label="Output" node_ref=node></div> }
}

struct Sheet {
    host: Element,
    terminal: Terminal,
    part: Option<(Element, usize)>,
    /// The last text without a style, to which the next one is added.
    last: Option<Text>,
    open: Vec<Element>,
}

impl growing::Sheet for Sheet {
    fn new(host: &Element) -> Self {
        host.set_text_content(None);
        Self { host: host.clone(), terminal: Terminal::default(), part: None, last: None, open: Vec::new() }
    }

    fn push(&mut self, text: &str) {
        self.open.drain(..).for_each(|element| element.remove());
        for run in self.terminal.push(text) {
            self.add(&run);
        }
        let line = self.terminal.open_line();
        if !line.is_empty() {
            let part = self.part(0);
            self.open = line.iter().map(|run| styled(&part, &run.text, run.style)).collect();
        }
    }
}

impl Sheet {
    /// Adds what can no longer be written over, cut behind the line that fills a part.
    fn add(&mut self, run: &Run) {
        let mut rest = run.text.as_str();
        while !rest.is_empty() {
            let fill = self.part.as_ref().map_or(0, |(_, fill)| *fill);
            let line = rest.match_indices('\n').map(|(at, _)| at + 1).find(|at| fill + at >= PART_BYTES);
            let (now, later) = rest.split_at(line.unwrap_or(rest.len()));
            let part = self.part(now.len());
            if run.style != Style::default() {
                styled(&part, now, run.style);
                self.last = None;
            } else if let Some(last) = &self.last {
                drop(last.append_data(now));
            } else {
                self.last = Some(add_text(&part, now));
            }
            if line.is_some() {
                self.part = None;
                self.last = None;
            }
            rest = later;
        }
    }

    fn part(&mut self, bytes: usize) -> Element {
        let (part, fill) = self.part.get_or_insert_with(|| (add(&self.host, "span", "part"), 0));
        *fill += bytes;
        part.clone()
    }
}

fn styled(parent: &Element, text: &str, style: Style) -> Element {
    let element = add(parent, "span", &classes(style));
    let (ink, paper) = if style.inverse { (style.paper, style.ink) } else { (style.ink, style.paper) };
    for (name, colour) in [("color", ink), ("background-color", paper)] {
        if let (Some(Colour::Exact([red, green, blue])), Some(element)) = (colour, element.dyn_ref::<HtmlElement>()) {
            let _ = element.style().set_property(name, &format!("rgb({red} {green} {blue})"));
        }
    }
    add_text(&element, text);
    element
}

fn classes(style: Style) -> String {
    let flags = [(style.bold, "b"), (style.dim, "d"), (style.italic, "i"), (style.underline, "u"), (style.inverse, "v")];
    let mut classes: Vec<String> = flags.iter().filter(|(is_set, _)| *is_set).map(|(_, class)| (*class).to_owned()).collect();
    let (ink, paper) = if style.inverse { (style.paper, style.ink) } else { (style.ink, style.paper) };
    for (colour, letter) in [(ink, 'f'), (paper, 'p')] {
        if let Some(Colour::Named(number)) = colour {
            classes.push(format!("{letter}{number}"));
        }
    }
    classes.join(" ")
}
