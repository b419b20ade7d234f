//! What is looked for among the sessions: titles that the page holds at once, everything else by asking the gateway.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use gloo_timers::callback::Timeout;
use js_sys::JsString;
use leptos::prelude::*;
use moorline_protocol::{HitPlace, Hits, SessionId};
use send_wrapper::SendWrapper;

use super::{Model, as_sentence, row::set_if_other};
use crate::{task::spawn, timer::after};

/// The gateway is asked once nothing has been typed for this long.
const CALM_MS: u32 = 200;
/// Fewer letters fit too much.
const LETTERS: usize = 2;

/// How the search stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum SearchState {
    /// Nothing is looked for.
    #[default]
    Idle,
    /// Too few letters to ask the gateway.
    TooShort,
    /// The gateway has not answered yet.
    Asking,
    /// It has.
    Answered,
    /// It has not, and why.
    Failed(String),
}

/// One thing found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The session.
    pub session: SessionId,
    /// Its title.
    pub title: String,
    /// Where in it; none for a title.
    pub place: Option<HitPlace>,
    /// A part of the text in pieces: one at an odd place was found, the others stand around it. Empty for a title.
    pub excerpt: Vec<String>,
}

impl Finding {
    /// What tells it from the others.
    #[must_use]
    pub fn key(&self) -> String {
        self.place.as_ref().map_or_else(|| self.session.to_string(), |place| format!("{}.{}", self.session, place.block))
    }
}

/// The search.
#[derive(Clone)]
pub struct Search(SendWrapper<Rc<Inner>>);

#[derive(Default)]
struct Inner {
    query: ArcRwSignal<String>,
    state: ArcRwSignal<SearchState>,
    findings: ArcRwSignal<Vec<Finding>>,
    chosen: ArcRwSignal<usize>,
    /// The number of the last question: an answer to another is stale.
    asked: Cell<u32>,
    timer: RefCell<Option<Timeout>>,
}

impl Default for Search {
    fn default() -> Self {
        Self(SendWrapper::new(Rc::default()))
    }
}

impl Search {
    /// What is typed.
    #[must_use]
    pub fn query(&self) -> ArcReadSignal<String> {
        self.0.query.read_only()
    }

    /// How it stands.
    #[must_use]
    pub fn state(&self) -> ArcReadSignal<SearchState> {
        self.0.state.read_only()
    }

    /// What was found, titles first.
    #[must_use]
    pub fn findings(&self) -> ArcReadSignal<Vec<Finding>> {
        self.0.findings.read_only()
    }

    /// The place of the finding that Enter chooses.
    #[must_use]
    pub fn chosen(&self) -> ArcReadSignal<usize> {
        self.0.chosen.read_only()
    }

    /// Goes up or down among what was found, around its ends.
    pub fn step(&self, down: bool) {
        let count = self.0.findings.with_untracked(Vec::len);
        if count > 0 {
            let step = if down { 1 } else { count - 1 };
            self.0.chosen.set((self.0.chosen.get_untracked() + step) % count);
        }
    }

    fn find(&self, findings: Vec<Finding>) {
        let last = findings.len().saturating_sub(1);
        set_if_other(&self.0.chosen, &self.0.chosen.get_untracked().min(last));
        self.0.findings.set(findings);
    }
}

impl Model {
    /// Looks for something else; an empty text ends the search.
    pub fn look_for(&self, typed: String) {
        let search = &self.0.search;
        let inner = &search.0;
        let asked = inner.asked.get() + 1;
        inner.asked.set(asked);
        inner.timer.take();
        inner.chosen.set(0);
        let query = typed.trim().to_owned();
        inner.query.set(typed);
        search.find(if query.is_empty() { Vec::new() } else { self.titles_with(&query) });
        let state = match query.chars().count() {
            0 => SearchState::Idle,
            1..LETTERS => SearchState::TooShort,
            _ => SearchState::Asking,
        };
        if state == SearchState::Asking {
            let this = self.clone();
            inner.timer.replace(Some(after(CALM_MS, move || this.ask_for(query, asked))));
        }
        inner.state.set(state);
    }

    /// Opens what was found.
    pub fn open_finding(&self, finding: &Finding) {
        let search = &self.0.search.0;
        if let Some(at) = search.findings.with_untracked(|findings| findings.iter().position(|held| held == finding)) {
            search.chosen.set(at);
        }
        self.reveal(&finding.session, finding.place.clone());
    }

    fn ask_for(&self, query: String, asked: u32) {
        let Some(driver) = self.driver() else { return };
        let answer = driver.search(&query);
        let this = self.clone();
        spawn(async move {
            let answer = answer.await;
            let search = this.search();
            if search.0.asked.get() != asked {
                return;
            }
            let state = match answer {
                Ok(hits) => {
                    search.find(this.findings_of(hits, &query));
                    SearchState::Answered
                }
                Err(reason) => SearchState::Failed(as_sentence(&reason)),
            };
            search.0.state.set(state);
        });
    }

    /// The titles that the page holds, then what the gateway found beside them.
    fn findings_of(&self, hits: Hits, query: &str) -> Vec<Finding> {
        let mut findings = self.titles_with(query);
        for hit in hits.hits {
            if hit.place.is_some() || findings.iter().all(|held| held.session != hit.session) {
                let title = self.list().title(&hit.session).unwrap_or_default();
                findings.push(Finding { session: hit.session, title, place: hit.place, excerpt: hit.excerpt });
            }
        }
        findings
    }

    /// Titles in which every word stands, in any case.
    fn titles_with(&self, query: &str) -> Vec<Finding> {
        let query = String::from(lower(query));
        let fits = |title: &str| {
            let title = lower(title);
            query.split_whitespace().all(|word| title.includes(word, 0))
        };
        let titles = self.list().titles().into_iter().filter(|(_, title)| fits(title));
        titles.map(|(session, title)| Finding { session, title, place: None, excerpt: Vec::new() }).collect()
    }
}

/// By the browser, whose tables need not be loaded.
fn lower(text: &str) -> JsString {
    JsString::from(text).to_lower_case()
}
