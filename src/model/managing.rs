//! What the user does with a session as a whole: each is one request, and its line says what came of it.

use leptos::prelude::*;
use moorline_protocol::{ChangeSession, Rows, SessionId, SessionRow, TITLE_CHARS};

use super::{Driver, Format, Model, Pending, as_sentence};
use crate::task::spawn;

/// What the user is at with a line of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Choosing what to do.
    Menu,
    /// Typing a name.
    Rename,
    /// Being asked whether it shall be deleted.
    Delete,
}

/// A request's answer: the line as it is then, or none for a session that is gone or as it was.
type Done = Pending<Option<SessionRow>>;

/// What follows once it is done.
type Then = Box<dyn FnOnce(&Model, &SessionId)>;

impl Model {
    /// Begins something with a line of the list, in place of what was begun before; `None` leaves it.
    pub fn manage(&self, step: Option<(&SessionId, Step)>) {
        let managed = self.list().managed();
        if let Some(row) = managed.get_untracked().and_then(|session| self.list().row(&session)) {
            row.step.set(None);
        }
        if let Some((row, step)) = step.and_then(|(session, step)| Some((self.list().row(session)?, step))) {
            row.trouble.set(None);
            row.step.set(Some(step));
        }
        managed.set(step.map(|(session, _)| session.clone()));
    }

    /// Names a session. The field stays open until the gateway has taken the name.
    pub fn rename(&self, session: &SessionId, title: &str) {
        let chars = title.trim().chars().count();
        if (1..=TITLE_CHARS).contains(&chars) {
            let change = ChangeSession { title: Some(title.trim().to_owned()), ..ChangeSession::default() };
            self.change(session, "Not renamed", change, |_, _| {});
        } else if let Some(row) = self.list().row(session) {
            let told = if chars == 0 {
                "A name needs at least one character.".to_owned()
            } else {
                format!("A name has at most {TITLE_CHARS} characters; this one has {chars}.")
            };
            row.trouble.set(Some(told));
        }
    }

    /// Puts a session before the others, or back among them.
    pub fn set_pinned(&self, session: &SessionId, pinned: bool) {
        let failure = if pinned { "Not pinned" } else { "Not unpinned" };
        self.change(session, failure, ChangeSession { pinned: Some(pinned), ..ChangeSession::default() }, |_, _| {});
    }

    /// Puts a session away, or brings it back. One that is put away leaves the screen; its draft stays with it.
    pub fn set_archived(&self, session: &SessionId, archived: bool) {
        let failure = if archived { "Not archived" } else { "Not brought back" };
        let change = ChangeSession { archived: Some(archived), ..ChangeSession::default() };
        self.change(session, failure, change, move |model, session| {
            if archived && model.shows(session) {
                model.select_new();
            }
        });
    }

    /// Deletes a session for good. What was typed for it goes to an empty one, if it is on screen.
    pub fn delete(&self, session: &SessionId) {
        let ask = |driver: &dyn Driver| -> Done {
            let done = driver.delete(session);
            Box::pin(async move { done.await.map(|()| None) })
        };
        self.ask(session, "Not deleted", ask, |model, session| {
            model.list().strike(session);
            let typed = model.session(session).draft.get_untracked();
            if let Some(driver) = model.driver() {
                driver.set_draft(session, "");
            }
            match (model.shows(session), typed.trim().is_empty()) {
                (true, true) => model.select_new(),
                (true, false) => {
                    model.select_blank();
                    model.set_draft(typed);
                }
                (false, _) => {}
            }
        });
    }

    /// Has the browser save a session's transcript.
    pub fn export(&self, session: &SessionId, format: Format) {
        let title = self.list().title(session).filter(|title| !title.is_empty()).unwrap_or_else(|| session.to_string());
        let ask = |driver: &dyn Driver| -> Done {
            let done = driver.export(session, format, title);
            Box::pin(async move { done.await.map(|()| None) })
        };
        self.ask(session, "Not exported", ask, |_, _| {});
    }

    /// Ends the login.
    pub fn sign_out(&self) {
        let Some(driver) = self.driver() else { return };
        let done = driver.sign_out();
        let this = self.clone();
        spawn(async move {
            if let Err(reason) = done.await {
                this.notice(format!("Not signed out: {}", as_sentence(&reason)));
            }
        });
    }

    fn change(&self, session: &SessionId, failure: &'static str, change: ChangeSession, then: impl FnOnce(&Self, &SessionId) + 'static) {
        let ask = |driver: &dyn Driver| -> Done {
            let done = driver.change(session, change);
            Box::pin(async move { done.await.map(Some) })
        };
        self.ask(session, failure, ask, then);
    }

    /// Nothing of the page changes before the gateway has said that it did.
    fn ask(
        &self,
        session: &SessionId,
        failure: &'static str,
        ask: impl FnOnce(&dyn Driver) -> Done,
        then: impl FnOnce(&Self, &SessionId) + 'static,
    ) {
        let (Some(driver), Some(row)) = (self.driver(), self.list().row(session)) else { return };
        if row.busy.get_untracked() {
            return;
        }
        row.trouble.set(None);
        row.busy.set(true);
        let done = ask(&*driver);
        let then: Then = Box::new(then);
        let (this, session) = (self.clone(), session.clone());
        spawn(async move { this.take_done(&session, failure, done.await, then) });
    }

    fn take_done(&self, session: &SessionId, failure: &'static str, done: Result<Option<SessionRow>, String>, then: Then) {
        if let Some(row) = self.list().row(session) {
            row.busy.set(false);
            row.trouble.set(done.as_ref().err().map(|reason| format!("{failure}: {}", as_sentence(reason))));
        }
        let Ok(row) = done else { return };
        self.take_rows(Rows { rows: row.into_iter().collect(), list_reset: false });
        if self.list().managed().with_untracked(|managed| managed.as_ref() == Some(session)) {
            self.manage(None);
        }
        then(self, session);
        self.settle();
    }

    /// Whether a session is on screen.
    pub(super) fn shows(&self, session: &SessionId) -> bool {
        self.0.screen.with_untracked(|screen| screen.as_ref().is_some_and(|screen| screen.session() == session))
    }
}
