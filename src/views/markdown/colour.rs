//! Colours for finished code, when nothing else is to be done.

use std::cell::RefCell;

use gloo_timers::callback::Timeout;
use leptos::prelude::{document, window};
use moorline_markup::{Highlighter, Token};
use wasm_bindgen::JsCast as _;
use web_sys::{Element, Node};

use super::dom::{add, add_text};

/// How long a slice may take, and how long the page has for itself between two of them.
const SLICE_MS: f64 = 4.0;
const PAUSE_MS: u32 = 16;

/// Code that waits for its colours: part by part, in order.
struct Job {
    frame: Element,
    part: Option<Element>,
    highlighter: Highlighter,
}

#[derive(Default)]
struct Queue {
    jobs: Vec<Job>,
    next: Option<Timeout>,
}

thread_local! {
    static QUEUE: RefCell<Queue> = RefCell::default();
}

/// Has code coloured, once; code that is too long or in an unknown language stays as it is.
pub(super) fn ask_for(frame: &Element, language: &str, text: &str) {
    let Some(highlighter) = Highlighter::new(language, text) else { return };
    let part = frame.query_selector("code > .part").ok().flatten();
    QUEUE.with_borrow_mut(|queue| {
        queue.jobs.push(Job { frame: frame.clone(), part, highlighter });
        queue.schedule();
    });
}

impl Queue {
    fn schedule(&mut self) {
        if self.next.is_none() && !self.jobs.is_empty() {
            self.next = Some(Timeout::new(PAUSE_MS, || QUEUE.with_borrow_mut(Self::slice)));
        }
    }

    /// Works for a while, on what is on screen first and then on the newest.
    fn slice(&mut self) {
        self.next = None;
        self.jobs.retain(|job| job.part.is_some() && job.frame.is_connected());
        let now = || window().performance().map_or(0.0, |performance| performance.now());
        let until = now() + SLICE_MS;
        while let Some(last) = self.jobs.len().checked_sub(1) {
            let at = self.jobs.iter().rposition(|job| is_on_screen(&job.frame)).unwrap_or(last);
            while self.jobs[at].step() && now() < until {}
            if self.jobs[at].part.is_none() {
                self.jobs.swap_remove(at);
            }
            if now() >= until {
                break;
            }
        }
        self.schedule();
    }
}

impl Job {
    /// Colours the next part; returns whether there is another one.
    fn step(&mut self) -> bool {
        let Some(part) = self.part.take() else { return false };
        self.part = part.next_element_sibling();
        let text = part.text_content().unwrap_or_default();
        let Ok(coloured) = document().create_element("span") else { return false };
        coloured.set_class_name("part");
        let mut plain = String::new();
        for line in text.split_inclusive('\n') {
            self.highlighter.line(line, |token, text| match class(token) {
                "" => plain.push_str(text),
                class => {
                    if !plain.is_empty() {
                        add_text(&coloured, &std::mem::take(&mut plain));
                    }
                    add_text(&add(&coloured, "span", class), text);
                }
            });
        }
        if !plain.is_empty() {
            add_text(&coloured, &plain);
        }
        // Replaced at once: the text is the same before and after.
        let _ = part.unchecked_ref::<Element>().replace_with_with_node_1(coloured.unchecked_ref::<Node>());
        self.part.is_some()
    }
}

const fn class(token: Token) -> &'static str {
    match token {
        Token::Plain => "",
        Token::Comment => "t-comment",
        Token::Text => "t-text",
        Token::Number => "t-number",
        Token::Keyword => "t-word",
        Token::Name => "t-name",
        Token::Added => "t-added",
        Token::Removed => "t-removed",
    }
}

fn is_on_screen(element: &Element) -> bool {
    let place = element.get_bounding_client_rect();
    let height = window().inner_height().ok().and_then(|height| height.as_f64()).unwrap_or_default();
    place.bottom() > 0.0 && place.top() < height
}
