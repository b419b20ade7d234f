//! Up to where the reader has read each session, in whichever tab.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
};

use leptos::prelude::*;
use moorline_protocol::{Epoch, Seq, SessionId, WallTime, decode, encode};
use serde::Serialize;

use super::{Model, Status};

/// The preference in which all tabs of this origin keep the marks.
const READ: &str = "read";
/// Sessions whose mark is kept; of the others, what has not changed since counts as read.
const KEPT: usize = 300;

/// Up to where one session was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReadMark {
    /// The session.
    pub session: SessionId,
    /// The journal's incarnation.
    pub epoch: Epoch,
    /// The last seq that was on screen.
    pub seq: Seq,
    /// The session's [`changed_at`](moorline_protocol::SessionRow::changed_at) at that time.
    pub at: WallTime,
}

moorline_protocol::record!(ReadMark { session, epoch, seq, at });

/// What the browser keeps of it for all tabs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ReadMarks {
    /// What has not changed since then counts as read, whether it has a mark or not.
    pub since: WallTime,
    /// One for each session that was on screen.
    pub marks: Vec<ReadMark>,
}

moorline_protocol::record!(default ReadMarks { since, marks });

/// The marks' owner. Of two marks of one session the one of the later change counts, in whatever order they come.
#[derive(Default)]
pub(super) struct Reading {
    since: Cell<WallTime>,
    marks: RefCell<BTreeMap<SessionId, Box<ReadMark>>>,
    is_dirty: Cell<bool>,
}

impl Reading {
    /// Takes in what the browser keeps, or another tab has noted.
    pub(super) fn merge(&self, kept: ReadMarks) {
        self.since.set(self.since.get().max(kept.since));
        let mut marks = self.marks.borrow_mut();
        for mark in kept.marks {
            if marks.get(&mark.session).is_none_or(|held| (held.at, held.seq) < (mark.at, mark.seq)) {
                marks.insert(mark.session.clone(), Box::new(mark));
            }
        }
    }

    /// On the first visit of a browser, everything there is counts as read.
    pub(super) fn begin(&self, newest: WallTime) {
        if self.since.get() == 0 {
            self.since.set(newest.max(1));
            self.is_dirty.set(true);
        }
    }

    pub(super) fn of(&self, session: &SessionId) -> Option<ReadMark> {
        self.marks.borrow().get(session).map(|mark| ReadMark::clone(mark))
    }

    pub(super) fn is_unread(&self, session: &SessionId, changed_at: WallTime) -> bool {
        let read = self.marks.borrow().get(session).map_or(0, |mark| mark.at);
        changed_at > read.max(self.since.get()) && self.since.get() > 0
    }

    /// Notes that the reader has seen this.
    pub(super) fn note(&self, mark: ReadMark) {
        let mut marks = self.marks.borrow_mut();
        if marks.get(&mark.session).is_none_or(|held| **held != mark) {
            marks.insert(mark.session.clone(), Box::new(mark));
            self.is_dirty.set(true);
        }
    }

    /// What is to be kept, if that has changed since the last call; the oldest marks give way.
    pub(super) fn take_news(&self) -> Option<ReadMarks> {
        if !self.is_dirty.take() {
            return None;
        }
        let mut marks = self.marks.borrow_mut();
        while marks.len() > KEPT {
            let oldest = marks.values().min_by_key(|mark| mark.at).map(|mark| (mark.session.clone(), mark.at));
            let Some((session, at)) = oldest else { break };
            marks.remove(&session);
            self.since.set(self.since.get().max(at));
        }
        Some(ReadMarks { since: self.since.get(), marks: marks.values().map(|mark| ReadMark::clone(mark)).collect() })
    }
}

impl Model {
    /// Marks what came while the page was hidden, once it is shown again.
    pub(super) fn mark_absence(&self, is_hidden: bool) {
        let inner = &self.0;
        if is_hidden {
            return self.keep_read();
        }
        let screen = inner.screen.get_untracked();
        if let Some((screen, mark)) = screen.and_then(|screen| Some((screen.clone(), inner.reading.of(screen.session())?))) {
            screen.set_read(mark);
        }
    }

    /// Takes in what this browser keeps, which another tab may have noted.
    pub fn restore_read(&self) {
        let kept = self.driver().and_then(|driver| driver.preference(READ)).and_then(|kept| decode(&kept).ok());
        if let Some(kept) = kept {
            self.0.reading.merge(kept);
            self.flush();
        }
    }

    /// Notes that what is on screen has been read, if somebody can have read it.
    pub(super) fn note_read(&self) {
        let inner = &self.0;
        if inner.list.is_told() {
            inner.reading.begin(inner.list.newest_change());
        }
        let is_read = !inner.attention.is_hidden() && inner.status.get_untracked() == Status::Live;
        let Some(screen) = inner.screen.get_untracked().filter(|screen| is_read && screen.is_at_end()) else { return };
        let (session, seq) = (screen.session(), screen.applied().get_untracked());
        if let (Some(epoch), Some(at)) = (screen.epoch().get_untracked(), inner.list.changed_at(session)) {
            inner.reading.note(ReadMark { session: session.clone(), epoch, seq, at });
        }
    }

    /// Has the browser keep it.
    pub(super) fn keep_read(&self) {
        let Some(driver) = self.driver() else { return };
        self.restore_read();
        if let Some(news) = self.0.reading.take_news() {
            driver.set_preference(READ, &encode(&news));
        }
    }
}
