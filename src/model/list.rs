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

use super::{managing::Step, reading::Reading, row::set_if_other};

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
    /// It stands before those that are not.
    pub pinned: ArcRwSignal<bool>,
    /// It is put away.
    pub archived: ArcRwSignal<bool>,
    /// The gateway's time of its newest event; 0: the gateway has not told of it yet.
    pub changed_at: ArcRwSignal<u64>,
    /// What the user is at with it.
    pub step: ArcRwSignal<Option<Step>>,
    /// Something that the user asked for is under way.
    pub busy: ArcRwSignal<bool>,
    /// Why the last thing that the user asked for did not happen.
    pub trouble: ArcRwSignal<Option<String>>,
}

impl ListRow {
    fn new(row: &SessionRow) -> Self {
        Self {
            session: row.session.clone(),
            title: ArcRwSignal::new(row.title.clone()),
            running: ArcRwSignal::new(row.running),
            waiting: ArcRwSignal::new(row.waiting),
            unread: ArcRwSignal::default(),
            pinned: ArcRwSignal::new(row.pinned),
            archived: ArcRwSignal::new(row.archived),
            changed_at: ArcRwSignal::new(row.changed_at),
            step: ArcRwSignal::default(),
            busy: ArcRwSignal::default(),
            trouble: ArcRwSignal::default(),
        }
    }

    fn refresh(&self, row: &SessionRow) {
        set_if_other(&self.title, &row.title);
        set_if_other(&self.running, &row.running);
        set_if_other(&self.waiting, &row.waiting);
        set_if_other(&self.pinned, &row.pinned);
        set_if_other(&self.archived, &row.archived);
        set_if_other(&self.changed_at, &row.changed_at);
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
    archived: ArcRwSignal<Vec<SessionId>>,
    told: ArcRwSignal<bool>,
    managed: ArcRwSignal<Option<SessionId>>,
}

impl SessionList {
    /// The sessions: pinned ones first, then the newest.
    #[must_use]
    pub fn ids(&self) -> ArcReadSignal<Vec<SessionId>> {
        self.0.ids.read_only()
    }

    /// Those that are put away, in the same order.
    #[must_use]
    pub fn archived(&self) -> ArcReadSignal<Vec<SessionId>> {
        self.0.archived.read_only()
    }

    /// Whether the gateway has told its rows.
    #[must_use]
    pub fn told(&self) -> ArcReadSignal<bool> {
        self.0.told.read_only()
    }

    /// The line that the user is at: its step says what with.
    #[must_use]
    pub fn managed(&self) -> ArcRwSignal<Option<SessionId>> {
        self.0.managed.clone()
    }

    /// A line shown, or put away.
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

    /// The sessions and their titles, in the order of the list, those put away last.
    pub(super) fn titles(&self) -> Vec<(SessionId, String)> {
        let inner = &self.0;
        let mut ids = inner.ids.get_untracked();
        ids.extend(inner.archived.get_untracked());
        let shown = inner.shown.borrow();
        ids.into_iter().filter_map(|id| shown.get(&id).map(|line| line.title.get_untracked()).map(|title| (id, title))).collect()
    }

    /// How many sessions that are not deleted fit.
    pub(super) fn count(&self, fits: impl Fn(&SessionRow) -> bool) -> usize {
        self.0.rows.borrow().values().filter(|row| !row.deleted && fits(row)).count()
    }

    /// Whether the gateway has told its rows.
    pub(super) fn is_told(&self) -> bool {
        self.0.told.get_untracked()
    }

    /// The session that a page without an address opens.
    pub(super) fn newest(&self) -> Option<SessionId> {
        let rows = self.0.rows.borrow();
        rows.values().filter(|row| is_listed(row)).max_by_key(|row| row.changed_at).map(|row| row.session.clone())
    }

    /// Takes rows in; `note` sees each that counts beside the one that it replaces.
    pub(super) fn merge(&self, news: Rows, note: &mut dyn FnMut(&SessionRow, &SessionRow)) {
        let inner = &self.0;
        set_if_other(&inner.told, &true);
        let mut rows = inner.rows.borrow_mut();
        if news.list_reset {
            rows.clear();
        }
        for row in news.rows {
            let held = rows.get(&row.session);
            if held.is_none_or(|held| held.rev < row.rev) {
                if let Some(held) = held {
                    note(held, &row);
                }
                rows.insert(row.session.clone(), Box::new(row));
            }
        }
    }

    /// Takes a session out that the gateway has deleted; its own word for it may come later.
    pub(super) fn strike(&self, session: &SessionId) {
        if let Some(row) = self.0.rows.borrow_mut().get_mut(session) {
            row.deleted = true;
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
            rows.values().filter(|row| !row.deleted).map(|row| Reverse((row.pinned, row.created_at, &row.session))).collect();
        let lines: Vec<&SessionRow> =
            lines.into_sorted_vec().into_iter().filter_map(|Reverse((.., session))| rows.get(session)).map(Box::as_ref).collect();
        let unborn = inner.unborn.borrow();
        let (mut ids, mut archived): (Vec<SessionId>, _) = (unborn.iter().rev().map(|(id, _)| id.clone()).collect(), Vec::new());
        for row in &lines {
            let list = if row.archived { &mut archived } else { &mut ids };
            list.push(row.session.clone());
        }
        let mut shown = inner.shown.borrow_mut();
        let mut old = std::mem::take(&mut *shown);
        for (id, title) in unborn.iter() {
            let line = old.remove(id).unwrap_or_else(|| Arc::new(ListRow::new(&unborn_row(id, title))));
            shown.insert(id.clone(), line);
        }
        for row in lines {
            let line = old.remove(&row.session).unwrap_or_else(|| Arc::new(ListRow::new(row)));
            shown.insert(row.session.clone(), Arc::clone(&line));
            line.refresh(row);
            set_if_other(&line.unread, &reading.is_unread(&row.session, row.changed_at));
        }
        drop(shown);
        set_if_other(&inner.ids, &ids);
        set_if_other(&inner.archived, &archived);
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
