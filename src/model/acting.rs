//! What the user does: each ends in one call of the driver.

use leptos::prelude::*;
use moorline_delivery::SendResult;
use moorline_protocol::{BlockId, Create, MessageId, Millis, Page, Send, SendBody, Seq, SessionId, SetAgent, TurnId};

use super::{Awaited, Driver, Model, Pending, Screen, Session, as_sentence};
use crate::task::spawn;

impl Model {
    /// Puts a session on screen. The one on screen already: nothing happens.
    pub fn select(&self, session: &SessionId) {
        if self.0.screen.with_untracked(|screen| screen.as_ref().is_some_and(|screen| screen.session() == session)) {
            return;
        }
        self.settle();
        self.keep_read();
        self.0.awaited.set(None);
        self.0.refusal.set(None);
        let held = self.session(session);
        if !held.is_blank() || held.attachment.get().is_some() {
            self.0.shown_at.set(Millis::ZERO);
        } else {
            self.0.shown_at.set(self.now());
        }
        let read = self.0.reading.of(session);
        self.0.screen.set(Some(Screen::new(held, self.0.link.get_untracked(), read)));
        if let Some(driver) = self.driver() {
            driver.show(session);
        }
        self.settle();
    }

    /// Puts a new session on screen; its first message makes it. What was typed for one that was left is there again.
    pub fn select_new(&self) {
        match self.unborn() {
            Some(session) => self.select(&session),
            None => self.select_blank(),
        }
        if !self.list().is_told() {
            self.0.awaited.set(Some(Awaited::Unborn));
        }
    }

    /// The session for which something was typed and that nothing was sent to.
    pub(super) fn unborn(&self) -> Option<SessionId> {
        let drafts = self.driver().filter(|_| self.list().is_told())?.drafts();
        drafts.into_iter().find(|session| self.list().title(session).is_none() && self.is_untouched(session))
    }

    /// Puts a new session on screen for which nothing was ever typed.
    pub(super) fn select_blank(&self) {
        if let Some(driver) = self.driver() {
            self.select(&driver.new_session_id());
        }
    }

    /// Whether nothing was ever sent to a session, as far as the page knows.
    fn is_untouched(&self, session: &SessionId) -> bool {
        let session = self.session(session);
        session.is_blank() && !session.is_deleted() && session.sends.borrow().is_empty()
    }

    /// Puts an empty session on screen until the gateway has told its rows, then the newest.
    pub fn select_any(&self) {
        self.select_new();
        self.0.awaited.set(Some(Awaited::Newest));
        self.flush();
    }

    /// Keeps what is typed.
    pub fn set_draft(&self, text: String) {
        let Some(session) = self.on_screen() else { return };
        self.0.refusal.set(None);
        if let Some(driver) = self.driver() {
            driver.set_draft(&session.id, &text);
        }
        session.draft.set(text);
    }

    /// Sends the draft of the session on screen. It is cleared only once the send is in the outbox.
    pub fn send_draft(&self) {
        self.send_typed(None);
    }

    /// Sends the draft of the session on screen, and stops the turn at work for its sake.
    pub fn send_draft_now(&self) {
        self.send_typed(self.on_screen().and_then(|session| session.standing().running).map(|running| running.turn));
    }

    fn send_typed(&self, interrupt: Option<TurnId>) {
        let Some(mut session) = self.on_screen() else { return };
        let text = session.draft.get_untracked();
        if text.trim().is_empty() {
            return;
        }
        if session.is_deleted() {
            // What was typed goes with its writer.
            self.set_draft(String::new());
            self.select_blank();
            self.set_draft(text.clone());
            let Some(new) = self.on_screen() else { return };
            session = new;
        }
        if self.say(&session, &text, interrupt) {
            self.set_draft(String::new());
        }
    }

    /// Sends a text that is not the draft; one that is not taken goes to the composer.
    pub fn send_text(&self, text: &str) {
        let Some(session) = self.on_screen() else { return };
        let is_there = || session.draft.with_untracked(|draft| draft.starts_with(text));
        if !self.say(&session, text, None) && !is_there() {
            self.return_text(&session, text);
        }
    }

    /// Returns whether it is in the outbox.
    fn say(&self, session: &Session, text: &str, interrupt: Option<TurnId>) -> bool {
        self.0.awaited.set(None);
        let create = session.is_blank().then(|| Create { title: None, agent: session.picked.get_untracked() });
        let taken = self.send(session, SendBody::Text(text.to_owned()), create, interrupt);
        if let Some(screen) = self.0.screen.get_untracked().filter(|_| taken) {
            screen.repin().notify();
        }
        taken
    }

    /// Answers a request of the session on screen.
    pub fn answer(&self, request: &BlockId, option: &str) {
        let Some(session) = self.on_screen() else { return };
        self.send(&session, SendBody::Answer { request: request.clone(), option: option.to_owned() }, None, None);
    }

    fn send(&self, session: &Session, body: SendBody, create: Option<Create>, interrupt: Option<TurnId>) -> bool {
        let Some(driver) = self.driver() else { return false };
        let send = Send { session: session.id.clone(), message: driver.new_message_id(), body, create, interrupt };
        let refusal = match driver.send(send) {
            SendResult::Sent | SendResult::Queued => None,
            SendResult::Dropped(reason) => Some(reason),
        };
        let taken = refusal.is_none();
        self.0.refusal.set(refusal);
        self.settle();
        taken
    }

    /// Gives a failed send a new budget.
    pub fn retry(&self, message: &MessageId) {
        self.drive(|driver| driver.retry(message));
    }

    /// Takes a send back into the composer.
    pub fn edit(&self, message: &MessageId) {
        self.drive(|driver| driver.edit(message));
    }

    /// Takes a send back for good.
    pub fn remove(&self, message: &MessageId) {
        self.drive(|driver| driver.remove(message));
    }

    /// Takes back an accepted message of the session on screen that has not started; `text` returns to the composer.
    pub fn withdraw(&self, message: &MessageId, text: Option<String>) {
        let Some(session) = self.on_screen() else { return };
        let mut withdrawing = session.withdrawing.borrow_mut();
        if !withdrawing.contains(message) {
            withdrawing.push(message.clone());
        }
        drop(withdrawing);
        self.drive(|driver| driver.withdraw(&session.id, message, text));
    }

    /// Stops a turn of the session on screen.
    pub fn cancel(&self, turn: &TurnId) {
        let Some(session) = self.on_screen() else { return };
        self.drive(|driver| driver.cancel(&session.id, turn, None));
    }

    /// Stops the turn at work of the session on screen for the sake of a message that waits.
    pub fn send_now(&self, message: &MessageId) {
        let Some(session) = self.on_screen() else { return };
        if let Some(running) = session.standing().running {
            self.drive(|driver| driver.cancel(&session.id, &running.turn, Some(message)));
        }
    }

    /// Has the agent of the session on screen begin again.
    pub fn restart_agent(&self) {
        self.tell_agent("The agent was not restarted", |driver, session| driver.restart_agent(session));
    }

    /// Sets the agent of the session on screen.
    pub fn set_agent(&self, id: String, value: String) {
        self.tell_agent("The agent was not set", |driver, session| driver.set_agent(session, SetAgent { id, value }));
    }

    fn tell_agent(&self, failure: &'static str, tell: impl FnOnce(&dyn Driver, &SessionId) -> Pending<()>) {
        let (Some(driver), Some(session)) = (self.driver(), self.on_screen()) else { return };
        let told = tell(&*driver, &session.id);
        let this = self.clone();
        spawn(async move {
            if let Err(reason) = told.await {
                this.notice(format!("{failure}: {}", as_sentence(&reason)));
            }
        });
    }

    fn drive(&self, act: impl FnOnce(&dyn Driver)) {
        if let Some(driver) = self.driver() {
            act(&*driver);
            self.settle();
        }
    }

    /// Mounts older turns of the session on screen that the page holds already.
    pub fn show_earlier(&self) {
        if let Some(screen) = self.0.screen.get_untracked() {
            self.settle();
            screen.mount_earlier();
        }
    }

    /// Mounts newer turns of the session on screen, where the newest are not mounted.
    pub fn show_later(&self) {
        if let Some(screen) = self.0.screen.get_untracked() {
            self.settle();
            screen.mount_later();
        }
    }

    /// Mounts the newest turns of the session on screen.
    pub fn show_end(&self) {
        if let Some(screen) = self.0.screen.get_untracked() {
            self.settle();
            screen.set_at_end(true);
            screen.mount_end();
            self.flush();
        }
    }

    /// Fetches what a gap of the session on screen hides, from its end backwards.
    pub fn load(&self, gap: Seq) {
        let (Some(driver), Some(screen)) = (self.driver(), self.0.screen.get_untracked()) else { return };
        if screen.loading().get_untracked().is_some() {
            return;
        }
        screen.set_loading(Some(gap));
        let session = screen.session().clone();
        let page = driver.load_page(&session, gap.next());
        let this = self.clone();
        spawn(async move {
            match page.await {
                Ok(page) => this.take_page(&session, page),
                Err(reason) => this.notice(format!("Earlier messages did not load: {reason}")),
            }
            screen.set_loading(None);
        });
    }

    /// Merges a page of older blocks; what is on screen shows them.
    pub fn take_page(&self, session: &SessionId, page: Page) {
        self.session(session).merge_page(page);
        self.forget_if_off_screen(session);
        self.settle();
        let screen = self.0.screen.get_untracked();
        if let Some(screen) = screen.filter(|screen| screen.session() == session && screen.earlier().get_untracked()) {
            screen.mount_earlier();
        }
    }

    /// Fetches what of a block's text stands before what is held of it, for the session on screen; `loading` is set meanwhile.
    pub fn load_text(&self, block: &BlockId, loading: &ArcRwSignal<bool>) {
        let (Some(driver), Some(screen)) = (self.driver(), self.0.screen.get_untracked()) else { return };
        let Some((edition, to)) = screen.with_block(block, |block| (block.edition, block.from)) else { return };
        if loading.get_untracked() {
            return;
        }
        loading.set(true);
        let part = driver.load_text(screen.session(), block, edition, to);
        let (this, loading) = (self.clone(), loading.clone());
        spawn(async move {
            match part.await {
                Ok(part) => {
                    this.session(screen.session()).merge_text(&part);
                    this.forget_if_off_screen(screen.session());
                    this.settle();
                }
                Err(reason) => this.notice(format!("The beginning did not load: {}", as_sentence(&reason))),
            }
            loading.set(false);
        });
    }

    /// Logs in; the error is a sentence for the user.
    #[must_use]
    pub fn sign_in(&self, token: &str) -> Option<Pending<()>> {
        self.driver().map(|driver| driver.sign_in(token))
    }
}
