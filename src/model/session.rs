//! One session as the page holds it: its transcript, its sends, its draft.

use std::cell::{Cell, RefCell};

use leptos::prelude::*;
use moorline_delivery::{AttachmentStatus, SendStatus};
use moorline_protocol::{AgentStatus, BlockText, Epoch, Event, MessageId, Millis, Page, Seq, SessionId, SessionState};
use moorline_transcript::{Changes, Snapshot, Transcript};

/// A session's owner of everything but what is on screen. It is changed at once by what arrives, on screen or not.
pub(super) struct Session {
    pub(super) id: SessionId,
    pub(super) transcript: RefCell<Transcript>,
    /// What arrived since the screen last showed everything; empty while another session is on screen.
    changes: RefCell<Changes>,
    pub(super) attachment: Cell<Option<AttachmentStatus>>,
    /// What `caught_up` said, until the transcript moves on.
    told: RefCell<Option<SessionState>>,
    /// In their order.
    pub(super) sends: RefCell<Vec<SendStatus>>,
    /// Accepted messages that the user takes back, until the gateway has answered.
    pub(super) withdrawing: RefCell<Vec<MessageId>>,
    pub(super) draft: ArcRwSignal<String>,
    /// How its agent stands, as far as that was told, and since when.
    pub(super) agent: ArcRwSignal<Option<(AgentStatus, Millis)>>,
    /// The agent that it is to be made with.
    pub(super) picked: ArcRwSignal<Option<String>>,
}

impl Session {
    pub(super) fn new(id: SessionId, draft: String) -> Self {
        Self {
            id,
            transcript: RefCell::default(),
            changes: RefCell::default(),
            attachment: Cell::new(None),
            told: RefCell::new(None),
            sends: RefCell::default(),
            withdrawing: RefCell::default(),
            draft: ArcRwSignal::new(draft),
            agent: ArcRwSignal::default(),
            picked: ArcRwSignal::default(),
        }
    }

    /// Applies events; returns the seq up to which everything is applied.
    pub(super) fn apply(&self, epoch: &Epoch, events: &[Event]) -> Seq {
        let (mut transcript, mut changes) = (self.transcript.borrow_mut(), self.changes.borrow_mut());
        transcript.set_epoch(epoch, &mut changes);
        for event in events {
            transcript.apply(event, &mut changes);
        }
        self.told.replace(None);
        transcript.seq()
    }

    /// Merges a snapshot, or puts it in place of what is held; returns the seq up to which everything is applied.
    pub(super) fn merge_snapshot(&self, snapshot: Snapshot, replaces: bool) -> Seq {
        let (mut transcript, mut changes) = (self.transcript.borrow_mut(), self.changes.borrow_mut());
        if replaces && transcript.seq() > Seq::ZERO {
            transcript.reset(&mut changes);
        }
        transcript.merge_snapshot(snapshot, &mut changes);
        self.told.replace(None);
        transcript.seq()
    }

    /// Forgets what there was: the session was deleted.
    pub(super) fn forget(&self) {
        self.transcript.borrow_mut().reset(&mut self.changes.borrow_mut());
        self.told.replace(None);
        self.withdrawing.borrow_mut().clear();
        self.agent.set(None);
    }

    pub(super) fn is_deleted(&self) -> bool {
        self.attachment.get() == Some(AttachmentStatus::Deleted)
    }

    /// Merges a page of older blocks.
    pub(super) fn merge_page(&self, page: Page) {
        self.transcript.borrow_mut().merge_page(page, &mut self.changes.borrow_mut());
    }

    /// Merges a part of a text whose tail is held.
    pub(super) fn merge_text(&self, part: &BlockText) {
        self.transcript.borrow_mut().merge_text(part, &mut self.changes.borrow_mut());
    }

    /// Takes the gateway's word for where the session stands at a seq; it holds until the transcript moves on.
    pub(super) fn caught_up(&self, seq: Seq, state: SessionState) {
        if self.transcript.borrow().seq() == seq {
            self.told.replace(Some(state));
        }
    }

    /// Where the session stands.
    pub(super) fn standing(&self) -> SessionState {
        self.told.borrow().clone().unwrap_or_else(|| self.transcript.borrow().state())
    }

    /// Whether nothing has reached the page of it, so that the first send may have to make it.
    pub(super) fn is_blank(&self) -> bool {
        self.transcript.borrow().seq() == Seq::ZERO
    }

    /// Takes what changed since the last call.
    pub(super) fn take_changes(&self) -> Changes {
        self.changes.take()
    }

    pub(super) fn forget_changes(&self) {
        self.changes.borrow_mut().clear();
    }

    pub(super) fn put_send(&self, status: SendStatus) {
        let mut sends = self.sends.borrow_mut();
        let place = sends.partition_point(|held| held.order < status.order);
        match sends.get_mut(place).filter(|held| held.order == status.order) {
            Some(held) => *held = status,
            None => sends.insert(place, status),
        }
    }

    pub(super) fn drop_send(&self, message: &MessageId) {
        self.sends.borrow_mut().retain(|status| status.send.message != *message);
    }
}
