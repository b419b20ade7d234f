//! What arrives: news of the core, taken in at once.

use std::rc::Rc;

use leptos::prelude::*;
use moorline_delivery::{AttachmentStatus, ClientEvent, DropReason, LinkStatus, Notice};
use moorline_protocol::{SendBody, Seq, SessionId};
use moorline_transcript::Snapshot;

use super::{Model, Session, row::set_if_other};

impl Model {
    /// Takes one piece of news. `Some` = this session's transcript now holds everything up to this seq.
    pub fn event(&self, event: ClientEvent) -> Option<(SessionId, Seq)> {
        let inner = &self.0;
        match event {
            ClientEvent::Events { session, epoch, events } => {
                let seq = self.session(&session).apply(&epoch, &events);
                self.forget_if_off_screen(&session);
                return Some((session, seq));
            }
            ClientEvent::Snapshot { session, epoch, seq, from, replaces, items } => {
                let seq = self.session(&session).merge_snapshot(Snapshot { epoch, seq, from, items }, replaces);
                self.forget_if_off_screen(&session);
                return Some((session, seq));
            }
            ClientEvent::CaughtUp { session, seq, state } => self.session(&session).caught_up(seq, state),
            ClientEvent::Attachment { session, status } => {
                let session = self.session(&session);
                session.attachment.set(Some(status));
                if status == AttachmentStatus::Deleted {
                    session.forget();
                    self.forget_if_off_screen(&session.id);
                }
            }
            ClientEvent::Rows(rows) => self.take_rows(rows),
            ClientEvent::Link(link) => self.take_link(link),
            ClientEvent::Agent { session, agent } => self.session(&session).agent.set(Some((agent, self.now()))),
            ClientEvent::Agents(agents) => inner.agents.set(agents),
            ClientEvent::Send(status) => {
                let session = self.session(&status.send.session);
                if let SendBody::Text(text) = &status.send.body {
                    inner.list.expect(&session.id, text);
                }
                session.put_send(status);
            }
            ClientEvent::SendGone { session, message, text } => {
                let session = self.session(&session);
                session.drop_send(&message);
                session.withdrawing.borrow_mut().retain(|held| *held != message);
                if let Some(text) = text {
                    self.return_text(&session, &text);
                }
                if session.is_blank() && session.sends.borrow().is_empty() {
                    inner.list.expect_no_more(&session.id);
                }
            }
            ClientEvent::Notice(notice) => self.take_notice(notice),
            ClientEvent::Trouble(trouble) => inner.trouble.set(trouble),
            // The transport has written it to the console; the send's own standing says what becomes of it.
            ClientEvent::AttemptFailed { .. } => {}
        }
        None
    }

    /// Has what arrived shown at the next animation frame.
    pub fn flush(&self) {
        if let Some(frame) = self.0.frame.get() {
            frame.request();
        }
    }

    /// Shows what arrived now, without waiting for the frame.
    pub fn settle(&self) {
        if let Some(frame) = self.0.frame.get() {
            frame.cancel();
        }
        self.show_changes();
    }

    /// Shows a sentence that concerns no session.
    pub fn notice(&self, sentence: impl Into<String>) {
        self.0.notices.tell(sentence);
    }

    fn take_link(&self, link: LinkStatus) {
        self.0.link.set(link);
        if link == LinkStatus::Ready {
            // What stood in the way of a send is over, unless it was the send itself.
            let refusal = self.0.refusal.get_untracked();
            set_if_other(&self.0.refusal, &refusal.filter(|reason| matches!(reason, DropReason::OutboxFull | DropReason::TooLarge)));
        } else {
            // A withdrawal is not asked for again: the user may.
            for session in self.0.sessions.borrow().values() {
                session.withdrawing.borrow_mut().clear();
            }
        }
    }

    fn take_notice(&self, notice: Notice) {
        match notice {
            Notice::NotSaved => {
                let sessions = self.0.sessions.borrow();
                let newest = sessions.values().filter_map(|session| session.sends.borrow().last().map(|status| status.order)).max();
                self.0.unsaved.set(newest);
            }
            Notice::Settled { message, .. } => self.notice(as_sentence(&message)),
            Notice::TooLate { session, message } => {
                self.session(&session).withdrawing.borrow_mut().retain(|held| *held != message);
                self.notice("Too late to take the message back: the agent has started on it.");
            }
            Notice::CancelFailed { message, .. } => self.notice(format!("Not stopped: {message}.")),
            Notice::Refused { message, .. } => {
                for session in self.0.sessions.borrow().values() {
                    session.withdrawing.borrow_mut().clear();
                }
                self.notice(as_sentence(&message));
            }
        }
    }

    /// Text that comes back stands before what has been typed since.
    pub(super) fn return_text(&self, session: &Session, text: &str) {
        let typed = session.draft.get_untracked();
        let draft = if typed.trim().is_empty() { text.to_owned() } else { format!("{text}\n\n{typed}") };
        if let Some(driver) = self.driver() {
            driver.set_draft(&session.id, &draft);
        }
        session.draft.set(draft);
    }

    /// A session off screen keeps no account of what to show: it is mounted from its transcript when it is chosen.
    pub(super) fn forget_if_off_screen(&self, session: &SessionId) {
        let on_screen = self.0.screen.with_untracked(|screen| screen.as_ref().is_some_and(|screen| screen.session() == session));
        if !on_screen {
            self.session(session).forget_changes();
        }
    }

    pub(super) fn session(&self, id: &SessionId) -> Rc<Session> {
        if let Some(session) = self.0.sessions.borrow().get(id) {
            return Rc::clone(session);
        }
        let draft = self.driver().map(|driver| driver.draft(id)).unwrap_or_default();
        let session = Rc::new(Session::new(id.clone(), draft));
        self.0.sessions.borrow_mut().insert(id.clone(), Rc::clone(&session));
        session
    }
}

/// The gateway's words as a sentence: a capital first, a full stop last.
#[must_use]
pub fn as_sentence(words: &str) -> String {
    let mut chars = words.trim().chars();
    let first = chars.next().map(|first| first.to_ascii_uppercase().to_string()).unwrap_or_default();
    let end = if words.trim_end().ends_with(['.', '!', '?', '…']) { "" } else { "." };
    format!("{first}{}{end}", chars.as_str())
}
