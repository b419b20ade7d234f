//! What is decided and not yet durable: the events and answers of the next commit.

use moorline_protocol::{Append, BlockId, Event, EventBody, Seq, SessionState, WallTime, encode, mutant};

use super::Session;
use crate::{Commit, Early, NewSession, Now, Output, RowChange, split};

/// The next commit.
#[derive(Debug, Default)]
pub(super) struct Pending {
    pub(super) create: Option<NewSession>,
    events: Vec<Event>,
    /// Taken back while there is no journal.
    pub(super) early: Vec<Early>,
    /// The encoded size of the last event's body, while it is an append.
    last_bytes: usize,
    pub(super) deletion: Option<WallTime>,
    turn_ended: bool,
    at: WallTime,
    /// What may be said once it is durable.
    after: Vec<Output>,
}

impl Pending {
    fn is_empty(&self) -> bool {
        self.create.is_none() && self.events.is_empty() && self.early.is_empty() && self.deletion.is_none()
    }
}

/// The commit that the driver is making durable.
#[derive(Debug)]
pub(super) struct Outstanding {
    /// The session exists with it.
    exists: bool,
    /// It is gone with it.
    is_gone: bool,
    head: Option<Seq>,
    state: SessionState,
    after: Vec<Output>,
}

impl Session {
    /// Decides an event: it gets the next seq and counts from here on, and is shown once it is durable.
    pub(super) fn push(&mut self, now: Now, body: EventBody) -> Seq {
        self.pending.last_bytes = match &body {
            EventBody::Append(_) => encode(&body).len(),
            EventBody::Accepted(_)
            | EventBody::Answered(_)
            | EventBody::Withdrawn(_)
            | EventBody::TurnStarted(_)
            | EventBody::TurnStopping(_)
            | EventBody::TurnEnded(_)
            | EventBody::Opened(_)
            | EventBody::Changed(_)
            | EventBody::Fold(_)
            | EventBody::Unknown { .. } => 0,
        };
        self.pending.turn_ended |= matches!(body, EventBody::TurnEnded(_));
        self.pending.at = now.wall;
        let event = Event::plain(self.state.head.next(), now.wall, body);
        self.state.fold(&event);
        self.pending.events.push(event);
        self.state.head
    }

    /// Decides that a block's text goes on. Text that waits for the same commit is joined; what is too long for an event is split.
    pub(super) fn push_text(&mut self, now: Now, block: &BlockId, edition: u32, at: u64, text: &str) {
        let joined = self.join(block, edition, text);
        let (mut at, mut rest) = (at + joined as u64, &text[joined..]);
        let append = |at, text: &str| EventBody::Append(Append { block: block.clone(), edition, at, text: text.to_owned() });
        while let Some(first) = rest.chars().next() {
            let room = self.config.limits.event_bytes.saturating_sub(encode(&append(at, "")).len());
            let taken = split::fitting(rest, room).max(first.len_utf8());
            self.push(now, append(at, &rest[..taken]));
            at += taken as u64;
            rest = &rest[taken..];
        }
    }

    /// Continues the last event that waits, if it is of the same text; returns how much of `text` it took.
    fn join(&mut self, block: &BlockId, edition: u32, text: &str) -> usize {
        let room = self.config.limits.event_bytes.saturating_sub(self.pending.last_bytes);
        let Some(EventBody::Append(last)) = self.pending.events.last_mut().map(|event| &mut event.body) else {
            return 0;
        };
        if last.block != *block || last.edition != edition {
            return 0;
        }
        let taken = split::fitting(text, room);
        last.text.push_str(&text[..taken]);
        self.pending.last_bytes += split::encoded_len(&text[..taken]);
        taken
    }

    /// Says something once everything decided before it is durable.
    pub(super) fn say(&mut self, output: Output) {
        if mutant::is("says_before_durable") {
            self.outputs.push_back(output);
        } else if self.has_more_to_commit() {
            self.pending.after.push(output);
        } else if let Some(outstanding) = &mut self.outstanding {
            outstanding.after.push(output);
        } else {
            self.outputs.push_back(output);
        }
    }

    /// Whether anything is decided that no commit holds.
    fn has_more_to_commit(&self) -> bool {
        !self.pending.is_empty() || self.line != self.listed
    }

    /// Seals what is decided; none when nothing is.
    pub(super) fn next_commit(&mut self) -> Option<Commit> {
        if !self.has_more_to_commit() {
            return None;
        }
        let row = self.row_change();
        let pending = std::mem::take(&mut self.pending);
        self.outstanding = Some(Outstanding {
            exists: self.made.is_some(),
            is_gone: self.is_gone,
            // With the session its journal goes.
            head: pending.events.last().map(|event| event.seq).filter(|_| !self.is_gone),
            state: self.state.session_state(),
            after: pending.after,
        });
        let Pending { create, events, early, deletion, .. } = pending;
        Some(Commit { create, events, early, row, deletion, ..Commit::of(self.id.clone()) })
    }

    /// The outstanding commit is durable: what it holds is visible, and what waited for it may be said.
    pub(super) fn committed(&mut self) {
        let Some(outstanding) = self.outstanding.take() else {
            return;
        };
        (self.visible.exists, self.visible.is_gone) = (outstanding.exists, outstanding.is_gone);
        self.visible.state = outstanding.state;
        if let Some(head) = outstanding.head {
            self.visible.head = head;
            self.outputs.push_back(Output::Head(head));
        }
        self.outputs.extend(outstanding.after);
    }

    /// What the commit changes in the list: the line, or that a turn ended.
    fn row_change(&mut self) -> Option<RowChange> {
        self.line.running = self.state.running.is_some();
        self.line.waiting = self.state.waiting().next().is_some();
        let change = self.line.change_from(&self.listed);
        let changes = self.line != self.listed || self.pending.turn_ended;
        self.listed = self.line.clone();
        // To be named or put away is no news of the session.
        let at = (!self.pending.events.is_empty()).then_some(self.pending.at);
        changes.then_some(RowChange { at, ..change })
    }
}
