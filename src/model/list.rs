//! The session list.

use std::{
    cell::RefCell,
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    rc::Rc,
    sync::Arc,
};

use leptos::prelude::*;
use moorline_protocol::{Rows, SessionId, SessionRow, WallTime};
use send_wrapper::SendWrapper;

use super::{reading::Reading, row::set_if_other};

/// One line of the list.
pub struct ListRow {
    /// The session.
    pub session: SessionId,
    /// Its title.
    pub title: ArcRwSignal<String>,
    /// A turn is running.
    pub running: ArcRwSignal<bool>,
    /// A request waits for an answer.
    pub waiting: ArcRwSignal<bool>,
    /// It went on since the reader was there.
    pub unread: ArcRwSignal<bool>,
}

impl ListRow {
    fn new(row: &SessionRow) -> Self {
        Self {
            session: row.session.clone(),
            title: ArcRwSignal::new(row.title.clone()),
            running: ArcRwSignal::new(row.running),
            waiting: ArcRwSignal::new(row.waiting),
            unread: ArcRwSignal::default(),
        }
    }
}

/// The session list: of two rows of one session the one with the higher `rev` counts, in whatever order they come.
#[derive(Clone)]
pub struct SessionList(SendWrapper<Rc<Inner>>);

impl Default for SessionList {
    fn default() -> Self {
        Self(SendWrapper::new(Rc::default()))
    }
}

#[derive(Default)]
struct Inner {
    /// Deleted ones included: a late row of theirs must not bring them back.
    rows: RefCell<BTreeMap<SessionId, Box<SessionRow>>>,
    /// Sessions that the gateway has not told of yet, with the start of what was typed; the newest last.
    unborn: RefCell<Vec<(SessionId, String)>>,
    shown: RefCell<BTreeMap<SessionId, Arc<ListRow>>>,
    ids: ArcRwSignal<Vec<SessionId>>,
    told: std::cell::Cell<bool>,
}

impl SessionList {
    /// The sessions: pinned ones first, then the newest.
    #[must_use]
    pub fn ids(&self) -> ArcReadSignal<Vec<SessionId>> {
        self.0.ids.read_only()
    }

    /// A line shown.
    #[must_use]
    pub fn row(&self, session: &SessionId) -> Option<Arc<ListRow>> {
        self.0.shown.borrow().get(session).cloned()
    }

    /// The title of a session, if it is known.
    #[must_use]
    pub fn title(&self, session: &SessionId) -> Option<String> {
        self.0.rows.borrow().get(session).map(|row| row.title.clone())
    }

    /// When a session changed last, if it is known.
    pub(super) fn changed_at(&self, session: &SessionId) -> Option<WallTime> {
        self.0.rows.borrow().get(session).map(|row| row.changed_at)
    }

    /// When any session changed last.
    pub(super) fn newest_change(&self) -> WallTime {
        self.0.rows.borrow().values().map(|row| row.changed_at).max().unwrap_or_default()
    }

    /// Whether the gateway has told its rows.
    pub(super) fn is_told(&self) -> bool {
        self.0.told.get()
    }

    /// The session that a page without an address opens.
    pub(super) fn newest(&self) -> Option<SessionId> {
        let rows = self.0.rows.borrow();
        rows.values().filter(|row| is_listed(row)).max_by_key(|row| row.changed_at).map(|row| row.session.clone())
    }

    pub(super) fn merge(&self, news: Rows) {
        let inner = &self.0;
        inner.told.set(true);
        let mut rows = inner.rows.borrow_mut();
        if news.list_reset {
            rows.clear();
        }
        for row in news.rows {
            if rows.get(&row.session).is_none_or(|held| held.rev < row.rev) {
                rows.insert(row.session.clone(), Box::new(row));
            }
        }
    }

    /// Shows a session to which something was typed before the gateway told of it.
    pub(super) fn expect(&self, session: &SessionId, title: &str) {
        let mut unborn = self.0.unborn.borrow_mut();
        if !unborn.iter().any(|(held, _)| held == session) {
            unborn.push((session.clone(), title.lines().next().unwrap_or_default().chars().take(80).collect()));
        }
    }

    /// Forgets a session of which nothing is left to be sent.
    pub(super) fn expect_no_more(&self, session: &SessionId) {
        self.0.unborn.borrow_mut().retain(|(held, _)| held != session);
    }

    /// Brings the signals in line with the rows.
    pub(super) fn show(&self, reading: &Reading) {
        let inner = &self.0;
        let rows = inner.rows.borrow();
        inner.unborn.borrow_mut().retain(|(session, _)| !rows.contains_key(session));
        // A heap, because a sort is ten times its code.
        let lines: BinaryHeap<_> =
            rows.values().filter(|row| is_listed(row)).map(|row| Reverse((row.pinned, row.created_at, &row.session))).collect();
        let lines: Vec<&SessionRow> =
            lines.into_sorted_vec().into_iter().filter_map(|Reverse((.., session))| rows.get(session)).map(Box::as_ref).collect();
        let unborn = inner.unborn.borrow();
        let ids: Vec<SessionId> = unborn.iter().rev().map(|(id, _)| id).chain(lines.iter().map(|row| &row.session)).cloned().collect();
        let mut shown = inner.shown.borrow_mut();
        let mut old = std::mem::take(&mut *shown);
        for (id, title) in unborn.iter() {
            let line = old.remove(id).unwrap_or_else(|| Arc::new(ListRow::new(&unborn_row(id, title))));
            shown.insert(id.clone(), line);
        }
        for row in lines {
            let line = old.remove(&row.session).unwrap_or_else(|| Arc::new(ListRow::new(row)));
            shown.insert(row.session.clone(), Arc::clone(&line));
            set_if_other(&line.title, &row.title);
            set_if_other(&line.running, &row.running);
            set_if_other(&line.waiting, &row.waiting);
            set_if_other(&line.unread, &reading.is_unread(&row.session, row.changed_at));
        }
        drop(shown);
        set_if_other(&inner.ids, &ids);
    }
}

/// What is put away is looked for, and not listed.
const fn is_listed(row: &SessionRow) -> bool {
    !row.deleted && !row.archived
}

fn unborn_row(session: &SessionId, title: &str) -> SessionRow {
    SessionRow {
        session: session.clone(),
        rev: 0,
        title: title.to_owned(),
        created_at: 0,
        changed_at: 0,
        running: false,
        waiting: false,
        pinned: false,
        archived: false,
        deleted: false,
    }
}
