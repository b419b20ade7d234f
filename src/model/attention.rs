//! What wants the user's eye while the page is hidden: a turn that ended, a request that waits.
//!
//! It is told from how a session's line changes while the page looks on. A first line, or one after the list began anew, is
//! what happened before, and calls nobody.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use leptos::prelude::*;
use moorline_protocol::{Rows, SessionId, SessionRow};

use super::{Driver, Model, row::set_if_other};
use crate::timer::after;

/// A hidden tab waits so long, so that one that is visible can say first that it was seen.
const WAIT_MS: u32 = 1_000;
/// The preference in which all tabs of this origin keep what the user was told of.
const TOLD: &str = "told";
/// Sessions kept in it.
const TOLD_LINES: usize = 32;

/// What a session calls for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// A request waits for an answer.
    Asks,
    /// The last turn is over.
    Ended,
}

/// One call for the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The session.
    pub session: SessionId,
    /// Its title.
    pub title: String,
    /// Why.
    pub reason: Reason,
    /// The line's rev: the same in every tab.
    rev: u64,
}

/// Who tells the user of calls.
pub type Caller = Rc<dyn Fn(&Call)>;

pub(super) struct Attention {
    is_hidden: Cell<bool>,
    /// Sessions whose turn ended while nobody looked, until they are looked at.
    ended: RefCell<Vec<SessionId>>,
    count: ArcRwSignal<usize>,
    caller: RefCell<Option<Caller>>,
}

impl Attention {
    pub(super) fn new() -> Self {
        Self { is_hidden: Cell::new(false), ended: RefCell::default(), count: ArcRwSignal::default(), caller: RefCell::default() }
    }

    pub(super) fn is_hidden(&self) -> bool {
        self.is_hidden.get()
    }
}

impl Model {
    /// Takes rows of the list in.
    pub(super) fn take_rows(&self, rows: Rows) {
        let mut calls = Vec::new();
        self.0.list.merge(rows, &mut |old, new| calls.extend(call(old, new)));
        for call in calls {
            self.attend(call);
        }
    }

    /// Says whether the page can be seen.
    pub fn set_hidden(&self, is_hidden: bool) {
        let was_hidden = self.0.attention.is_hidden.get();
        self.settle();
        self.note_read();
        self.0.attention.is_hidden.set(is_hidden);
        if is_hidden != was_hidden {
            self.mark_absence(is_hidden);
        }
        self.settle();
    }

    /// Names who tells the user of what calls while the page is hidden; `None`: nobody.
    pub fn set_caller(&self, caller: Option<Caller>) {
        self.0.attention.caller.replace(caller);
    }

    /// How many sessions wait for an answer, or ended while the page was hidden, and have not been looked at.
    #[must_use]
    pub fn calling(&self) -> ArcReadSignal<usize> {
        self.0.attention.count.read_only()
    }

    /// Brings the number in line with what is on screen.
    pub(super) fn show_calling(&self) {
        let attention = &self.0.attention;
        let looked_at = self.0.screen.get_untracked().filter(|_| !attention.is_hidden.get());
        let looked_at = looked_at.as_ref().map(super::Screen::session);
        let mut ended = attention.ended.borrow_mut();
        ended.retain(|session| Some(session) != looked_at);
        let calls = |row: &SessionRow| Some(&row.session) != looked_at && (row.waiting || ended.contains(&row.session));
        set_if_other(&attention.count, &self.0.list.count(calls));
    }

    fn attend(&self, call: Call) {
        let attention = &self.0.attention;
        let Some(driver) = self.driver() else { return };
        if !attention.is_hidden.get() {
            // Who looks at this tab needs no word from the others.
            is_news(&*driver, &call);
            return;
        }
        let mut ended = attention.ended.borrow_mut();
        if call.reason == Reason::Ended && !ended.contains(&call.session) {
            ended.push(call.session.clone());
        }
        drop(ended);
        let this = Rc::downgrade(&self.0);
        let wait = after(WAIT_MS, move || {
            let Some(inner) = this.upgrade() else { return };
            let caller = inner.attention.caller.borrow().clone();
            if let Some(caller) = caller.filter(|_| inner.attention.is_hidden.get() && is_news(&*driver, &call)) {
                caller(&call);
            }
        });
        wait.forget();
    }
}

fn call(old: &SessionRow, new: &SessionRow) -> Option<Call> {
    let reason = match (new.waiting && !old.waiting, old.running && !new.running) {
        _ if new.deleted => return None,
        (true, _) => Reason::Asks,
        (false, true) => Reason::Ended,
        (false, false) => return None,
    };
    Some(Call { session: new.session.clone(), title: new.title.clone(), reason, rev: new.rev })
}

/// Whether no tab has told of it, which this one now does. Two tabs that ask in the same moment may both hear yes; their
/// notifications have one tag, so that the user sees one.
fn is_news(driver: &dyn Driver, call: &Call) -> bool {
    let told = driver.preference(TOLD).unwrap_or_default();
    let of =
        |line: &str| line.split_once(' ').and_then(|(session, rev)| (session == call.session.as_str()).then(|| rev.parse::<u64>().ok())?);
    if told.lines().filter_map(of).any(|rev| rev >= call.rev) {
        return false;
    }
    let others = told.lines().filter(|line| of(line).is_none()).take(TOLD_LINES - 1);
    let lines: Vec<String> = std::iter::once(format!("{} {}", call.session, call.rev)).chain(others.map(str::to_owned)).collect();
    driver.set_preference(TOLD, &lines.join("\n"));
    true
}
