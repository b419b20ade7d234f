//! News that is no state: one sentence each, shown until the user has read it.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use gloo_timers::callback::Timeout;
use leptos::prelude::*;
use send_wrapper::SendWrapper;

use crate::timer::after;

/// How many are shown; an older one gives way.
const SHOWN: usize = 3;
/// How long one stays by itself.
const STAY_MS: u32 = 12_000;

/// One sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence {
    /// Rises.
    pub no: u64,
    /// The sentence.
    pub text: String,
}

/// The sentences on screen.
#[derive(Clone)]
pub struct Notices(SendWrapper<Rc<Inner>>);

impl Default for Notices {
    fn default() -> Self {
        Self(SendWrapper::new(Rc::default()))
    }
}

#[derive(Default)]
struct Inner {
    shown: ArcRwSignal<Vec<Sentence>>,
    next: Cell<u64>,
    timers: RefCell<Vec<(u64, Timeout)>>,
}

impl Notices {
    /// What is shown, the newest last.
    #[must_use]
    pub fn shown(&self) -> ArcReadSignal<Vec<Sentence>> {
        self.0.shown.read_only()
    }

    /// Shows a sentence; one that is on screen already is not repeated.
    pub fn tell(&self, text: impl Into<String>) {
        let text = text.into();
        if self.0.shown.with_untracked(|shown| shown.iter().any(|sentence| sentence.text == text)) {
            return;
        }
        let no = self.0.next.get();
        self.0.next.set(no + 1);
        self.0.shown.update(|shown| {
            shown.push(Sentence { no, text });
            let surplus = shown.len().saturating_sub(SHOWN);
            shown.drain(..surplus);
        });
        let this = self.clone();
        let timer = after(STAY_MS, move || this.dismiss(no));
        self.0.timers.borrow_mut().push((no, timer));
    }

    /// Takes a sentence away.
    pub fn dismiss(&self, no: u64) {
        self.0.shown.update(|shown| shown.retain(|sentence| sentence.no != no));
        self.0.timers.borrow_mut().retain(|(held, _)| *held != no);
    }
}
