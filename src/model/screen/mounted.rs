//! What of a transcript is mounted, and how that follows what arrives and where the reader goes.

use std::sync::Arc;

use leptos::prelude::*;
use moorline_protocol::BlockId;
use moorline_transcript::{Changes, Transcript};

use super::{Screen, set_if_other};
use crate::model::{
    reading::ReadMark,
    row::{BlockRow, Place, TurnRow},
    window::{self, View, Window},
};

impl Screen {
    /// Shows what arrived since the last time; the first call mounts the newest turns. Returns whether that is enough for a frame.
    pub(in crate::model) fn show_changes(&self) -> bool {
        let inner = &self.0;
        let changes = inner.session.take_changes();
        self.refresh(&changes);
        let opened = changes.blocks().filter(|(_, change)| change.opened).count();
        if self.is_at_end() && opened > window::SLICE {
            // After a burst the newest come first and the rest in slices, as at the start.
            inner.window.replace(None);
        }
        let is_first = !inner.is_open.replace(true);
        if is_first || moves(&changes) {
            self.arrange();
        }
        let transcript = inner.session.transcript.borrow();
        set_if_other(&inner.applied, &transcript.seq());
        let epoch = transcript.epoch().cloned();
        set_if_other(&inner.epoch, &epoch);
        is_first || opened > window::FIRST_SLICE
    }

    /// Mounts one more slice above what is mounted, if more is wanted.
    pub(in crate::model) fn mount_more(&self) {
        let inner = &self.0;
        if !self.wants_more() {
            inner.is_filling.set(false);
            return;
        }
        let more = {
            let window = inner.window.borrow();
            window.as_ref().and_then(|window| window.with_slice(&inner.session.transcript.borrow(), inner.mounted.get()))
        };
        if *inner.window.borrow() == more {
            return inner.is_filling.set(false);
        }
        inner.window.replace(more);
        self.arrange();
    }

    /// Whether more slices are to follow.
    pub(in crate::model) fn wants_more(&self) -> bool {
        self.0.is_filling.get() && self.0.mounted.get() < window::BLOCKS && self.0.earlier.get_untracked()
    }

    /// Mounts older blocks than those mounted.
    pub(in crate::model) fn mount_earlier(&self) {
        self.move_window(Window::with_earlier);
    }

    /// Mounts newer blocks than those mounted.
    pub(in crate::model) fn mount_later(&self) {
        self.move_window(Window::with_later);
    }

    fn move_window(&self, moved: fn(&Window, &Transcript, usize) -> Option<Window>) {
        let inner = &self.0;
        let moved = {
            let window = inner.window.borrow();
            window.as_ref().and_then(|window| moved(window, &inner.session.transcript.borrow(), inner.mounted.get()))
        };
        // From now on the reader says what is mounted.
        inner.is_filling.set(false);
        inner.window.replace(moved);
        self.arrange();
    }

    /// Mounts the newest blocks in place of what is mounted, if those are not there.
    pub(in crate::model) fn mount_end(&self) {
        let inner = &self.0;
        if inner.later.get_untracked() {
            inner.window.replace(None);
            self.arrange();
        }
    }

    /// Mounts a block that the transcript holds, with what is around it; returns whether it is mounted.
    pub(in crate::model) fn mount_around(&self, id: &BlockId) -> bool {
        let inner = &self.0;
        if !inner.block_rows.borrow().contains_key(id) {
            let around = {
                let transcript = inner.session.transcript.borrow();
                transcript.block(id).and_then(|block| Window::around(&transcript, block))
            };
            let Some(around) = around else { return false };
            inner.is_filling.set(false);
            inner.window.replace(Some(around));
            self.arrange();
        }
        inner.block_rows.borrow().contains_key(id)
    }

    /// Everything that there was to be caught up with is here: what comes from now on comes before the reader's eyes.
    pub(in crate::model) fn settle_read(&self) {
        let inner = &self.0;
        let is_read = |mark: &ReadMark| inner.session.transcript.borrow().seq() <= mark.seq;
        inner.read.replace_with(|read| read.take().filter(|mark| !is_read(mark)));
    }

    /// Sets up to where everything has been read, if something came since: the mark before that shows at once.
    pub(in crate::model) fn set_read(&self, read: ReadMark) {
        if self.0.session.transcript.borrow().seq() > read.seq {
            self.0.read.replace(Some(read));
            self.arrange();
        }
    }

    fn refresh(&self, changes: &Changes) {
        let inner = &self.0;
        let transcript = inner.session.transcript.borrow();
        if changes.reset() {
            inner.turn_rows.borrow_mut().clear();
            inner.block_rows.borrow_mut().clear();
            inner.window.replace(None);
            return;
        }
        if let Some(left_at) = inner.left_at.get() {
            let is_new = |id: &BlockId| transcript.block(id).is_some_and(|block| block.opened > left_at);
            let opened = changes.blocks().filter(|(id, change)| change.opened && is_new(id)).count();
            set_if_other(&inner.unseen, &(inner.unseen.get_untracked() + opened));
        }
        let turn_rows = inner.turn_rows.borrow();
        for (id, _) in changes.turns() {
            if let (Some(row), Some(turn)) = (turn_rows.get(id), transcript.turn(id)) {
                row.refresh(turn);
            }
        }
        let block_rows = inner.block_rows.borrow();
        for (id, _) in changes.blocks() {
            if let (Some(row), Some(block)) = (block_rows.get(id), transcript.block(id)) {
                row.refresh(block);
            }
        }
    }

    /// Brings the lists in line with the part of the transcript that is to be mounted.
    fn arrange(&self) {
        let inner = &self.0;
        inner.arrangements.set(inner.arrangements.get().wrapping_add(1));
        let transcript = inner.session.transcript.borrow();
        let Some(view) = self.look(&transcript) else {
            inner.entries.set(Vec::new());
            inner.mounted.set(0);
            inner.earlier.set(false);
            inner.later.set(false);
            return self.clear_rows();
        };
        inner.mounted.set(view.blocks);
        let mut old_turns = std::mem::take(&mut *inner.turn_rows.borrow_mut());
        let mut old_blocks = std::mem::take(&mut *inner.block_rows.borrow_mut());
        for (id, places) in &view.turns {
            let row = old_turns.remove(id).or_else(|| transcript.turn(id).map(|turn| Arc::new(TurnRow::new(turn))));
            for place in places {
                let Place::Block(id) = place else { continue };
                let row = old_blocks.remove(id).or_else(|| transcript.block(id).map(|block| Arc::new(BlockRow::new(block))));
                if let Some(row) = row {
                    inner.block_rows.borrow_mut().insert(id.clone(), row);
                }
            }
            if let Some(row) = row {
                set_if_other(&row.places, places);
                inner.turn_rows.borrow_mut().insert(id.clone(), row);
            }
        }
        set_if_other(&inner.entries, &view.entries);
        set_if_other(&inner.earlier, &view.earlier);
        set_if_other(&inner.later, &view.later);
    }

    fn look(&self, transcript: &Transcript) -> Option<View> {
        let inner = &self.0;
        let read = inner.read.borrow();
        let read = read.as_ref().filter(|read| Some(&read.epoch) == transcript.epoch()).map(|read| read.seq);
        let mut window = inner.window.borrow_mut();
        if let Some((held, view)) = window.as_ref().and_then(|held| Some((held, held.view(transcript, read)?))) {
            let is_at_end = self.is_at_end();
            if view.blocks <= if is_at_end { window::MOST_AT_END } else { window::MOST } {
                return Some(view);
            }
            *window = if is_at_end { Window::newest(transcript, window::BLOCKS) } else { Some(held.cut_below(transcript)) };
        } else {
            inner.is_filling.set(true);
            *window = Window::newest(transcript, window::FIRST_SLICE);
        }
        window.as_ref()?.view(transcript, read)
    }

    fn clear_rows(&self) {
        self.0.turn_rows.borrow_mut().clear();
        self.0.block_rows.borrow_mut().clear();
    }
}

/// Whether something came, went or changed its place.
fn moves(changes: &Changes) -> bool {
    changes.reset()
        || changes.order()
        || changes.gaps()
        || changes.turns().any(|(_, change)| change.opened)
        || changes.blocks().any(|(_, change)| change.opened)
}
