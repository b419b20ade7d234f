//! The view model: the one owner of everything the page shows.
//!
//! What arrives goes in by plain method calls ([`Model::event`]) and is applied at once, whether the page is visible or
//! not and whether its session is on screen or not. Signals carry state only, and are written once an animation frame
//! ([`Model::flush`]), for what is mounted and nothing else. What waits for the next frame is shown before another session
//! comes on screen ([`Model::settle`]).
//!
//! What a user does goes out by method calls, too; each ends in one call of the [`Driver`].

mod driver;
mod frame;
mod list;
mod notices;
mod row;
mod screen;
mod session;
mod status;
mod window;

use std::{
    cell::{Cell, OnceCell, RefCell},
    collections::BTreeMap,
    rc::Rc,
};

use leptos::prelude::*;
use moorline_delivery::{AttachmentStatus, ClientEvent, DropReason, LinkStatus, Notice, SendResult, SendState};
use moorline_protocol::{BlockId, Create, MessageId, Millis, Page, Send, SendBody, Seq, SessionId, TurnId};
use moorline_transcript::Snapshot;
use send_wrapper::SendWrapper;
use wasm_bindgen_futures::spawn_local;

pub use self::{
    driver::{Driver, Pending},
    list::{ListRow, SessionList},
    notices::{Notices, Sentence},
    row::{Answering, BlockRow, Content, EchoRow, Entry, Place, TurnRow},
    screen::Screen,
    status::Status,
};
use self::{frame::Frame, row::set_if_other, session::Session};

/// While a replay goes on, what it brings is shown this often; once it has ended, at the next frame.
const CATCHING_UP_MS: u64 = 400;

/// The page's state. Cloning is cheap; all clones are one.
#[derive(Clone)]
pub struct Model(SendWrapper<Rc<Inner>>);

struct Inner {
    driver: OnceCell<Rc<dyn Driver>>,
    sessions: RefCell<BTreeMap<SessionId, Rc<Session>>>,
    screen: ArcRwSignal<Option<Screen>>,
    list: SessionList,
    notices: Notices,
    link: ArcRwSignal<LinkStatus>,
    status: ArcRwSignal<Status>,
    sends_waiting: ArcRwSignal<usize>,
    agents: ArcRwSignal<Vec<String>>,
    /// Why the composer's text was not taken.
    refusal: ArcRwSignal<Option<String>>,
    /// Nobody has chosen the session on screen: another may take its place.
    is_unchosen: Cell<bool>,
    shown_at: Cell<Millis>,
    frame: OnceCell<Frame>,
}

impl Default for Model {
    fn default() -> Self {
        Self::new()
    }
}

impl Model {
    /// Makes an empty one. Call [`Model::connect`] before anything is shown.
    #[must_use]
    pub fn new() -> Self {
        let inner = Rc::new(Inner {
            driver: OnceCell::new(),
            sessions: RefCell::default(),
            screen: ArcRwSignal::new(None),
            list: SessionList::default(),
            notices: Notices::default(),
            link: ArcRwSignal::new(LinkStatus::Connecting),
            status: ArcRwSignal::new(Status::Reconnecting),
            sends_waiting: ArcRwSignal::default(),
            agents: ArcRwSignal::default(),
            refusal: ArcRwSignal::default(),
            is_unchosen: Cell::new(false),
            shown_at: Cell::new(Millis::ZERO),
            frame: OnceCell::new(),
        });
        let weak = Rc::downgrade(&inner);
        let frame = Frame::new(move || weak.upgrade().iter().for_each(|inner| Self(SendWrapper::new(Rc::clone(inner))).on_frame()));
        let _ = inner.frame.set(frame);
        Self(SendWrapper::new(inner))
    }

    /// Names the transport; the first call counts.
    pub fn connect(&self, driver: Rc<dyn Driver>) {
        let _ = self.0.driver.set(driver);
    }

    fn driver(&self) -> Option<Rc<dyn Driver>> {
        self.0.driver.get().cloned()
    }
}

/// What arrives.
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
            ClientEvent::Snapshot { session, epoch, seq, from, items, .. } => {
                let seq = self.session(&session).merge_snapshot(Snapshot { epoch, seq, from, items });
                self.forget_if_off_screen(&session);
                return Some((session, seq));
            }
            ClientEvent::CaughtUp { session, seq, state } => self.session(&session).caught_up(seq, state),
            ClientEvent::Attachment { session, status } => self.session(&session).attachment.set(Some(status)),
            ClientEvent::Rows(rows) => inner.list.merge(rows),
            ClientEvent::Link(link) => self.take_link(link),
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
        if link != LinkStatus::Ready {
            // A withdrawal is not asked for again: the user may.
            for session in self.0.sessions.borrow().values() {
                session.withdrawing.borrow_mut().clear();
            }
        }
    }

    fn take_notice(&self, notice: Notice) {
        match notice {
            Notice::NotSaved => {
                self.notice("Not saved: this browser refuses to store what waits to be sent. Keep this tab open until it is sent.");
            }
            Notice::Settled { message, .. } => self.notice(sentence(&message)),
            Notice::TooLate { session, message } => {
                self.session(&session).withdrawing.borrow_mut().retain(|held| *held != message);
                self.notice("Too late to take the message back: the agent has started on it.");
            }
            Notice::CancelFailed { message, .. } => self.notice(format!("Not stopped: {message}.")),
            Notice::Refused { message, .. } => {
                for session in self.0.sessions.borrow().values() {
                    session.withdrawing.borrow_mut().clear();
                }
                self.notice(sentence(&message));
            }
        }
    }

    /// Text that comes back stands before what has been typed since.
    fn return_text(&self, session: &Session, text: &str) {
        let typed = session.draft.get_untracked();
        let draft = if typed.trim().is_empty() { text.to_owned() } else { format!("{text}\n\n{typed}") };
        if let Some(driver) = self.driver() {
            driver.set_draft(&session.id, &draft);
        }
        session.draft.set(draft);
    }

    /// A session off screen keeps no account of what to show: it is mounted from its transcript when it is chosen.
    fn forget_if_off_screen(&self, session: &SessionId) {
        let on_screen = self.0.screen.with_untracked(|screen| screen.as_ref().is_some_and(|screen| screen.session() == session));
        if !on_screen {
            self.session(session).forget_changes();
        }
    }

    fn session(&self, id: &SessionId) -> Rc<Session> {
        if let Some(session) = self.0.sessions.borrow().get(id) {
            return Rc::clone(session);
        }
        let draft = self.driver().map(|driver| driver.draft(id)).unwrap_or_default();
        let session = Rc::new(Session::new(id.clone(), draft));
        self.0.sessions.borrow_mut().insert(id.clone(), Rc::clone(&session));
        session
    }
}

/// What is shown.
impl Model {
    fn on_frame(&self) {
        self.show_changes();
        self.leave_unchosen();
    }

    fn show_changes(&self) {
        let inner = &self.0;
        inner.list.show();
        let sessions = inner.sessions.borrow();
        let waiting = |state: &SendState| !matches!(state, SendState::Accepted | SendState::Sending);
        let count = sessions.values().map(|session| session.sends.borrow().values().filter(|status| waiting(&status.state)).count()).sum();
        set_if_other(&inner.sends_waiting, &count);
        let Some(screen) = inner.screen.get_untracked() else { return };
        let Some(session) = sessions.get(screen.session()) else { return };
        let attachment = session.attachment.get();
        set_if_other(&inner.status, &Status::of(inner.link.get_untracked(), attachment));
        screen.show_standing();
        let now = self.now();
        let drains = attachment == Some(AttachmentStatus::CatchingUp) && now.since(inner.shown_at.get()) < Millis(CATCHING_UP_MS);
        if session.is_blank() || drains {
            screen.show_sends();
            return if drains && !session.is_blank() {
                self.flush()
            };
        }
        inner.shown_at.set(now);
        screen.show_changes();
        screen.show_sends();
        if screen.mount_more() {
            self.flush();
        }
    }

    /// A page that was opened without a session in its address goes to the newest one, unless something was typed by then.
    fn leave_unchosen(&self) {
        let inner = &self.0;
        if !inner.is_unchosen.get() || !inner.list.is_told() {
            return;
        }
        inner.is_unchosen.set(false);
        let untouched = self.draft().is_some_and(|draft| draft.with_untracked(String::is_empty))
            && self.on_screen().is_some_and(|session| session.sends.borrow().is_empty());
        if let Some(newest) = inner.list.newest().filter(|_| untouched) {
            self.select(&newest);
        }
    }

    fn on_screen(&self) -> Option<Rc<Session>> {
        self.0.screen.with_untracked(|screen| screen.as_ref().map(|screen| self.session(screen.session())))
    }

    /// The session on screen.
    #[must_use]
    pub fn screen(&self) -> ArcReadSignal<Option<Screen>> {
        self.0.screen.read_only()
    }

    /// The session list.
    #[must_use]
    pub fn list(&self) -> &SessionList {
        &self.0.list
    }

    /// The sentences on screen.
    #[must_use]
    pub fn notices(&self) -> &Notices {
        &self.0.notices
    }

    /// How the connection stands.
    #[must_use]
    pub fn link(&self) -> ArcReadSignal<LinkStatus> {
        self.0.link.read_only()
    }

    /// Where the page stands.
    #[must_use]
    pub fn status(&self) -> ArcReadSignal<Status> {
        self.0.status.read_only()
    }

    /// How many sends of all sessions wait, failed ones included.
    #[must_use]
    pub fn sends_waiting(&self) -> ArcReadSignal<usize> {
        self.0.sends_waiting.read_only()
    }

    /// The gateway's agents, the default first.
    #[must_use]
    pub fn agents(&self) -> ArcReadSignal<Vec<String>> {
        self.0.agents.read_only()
    }

    /// Why the composer's text was not taken, until it is changed.
    #[must_use]
    pub fn refusal(&self) -> ArcReadSignal<Option<String>> {
        self.0.refusal.read_only()
    }

    /// The draft of the session on screen.
    #[must_use]
    pub fn draft(&self) -> Option<ArcRwSignal<String>> {
        self.on_screen().map(|session| session.draft.clone())
    }

    /// The monotonic time in which retries and reconnects are told.
    #[must_use]
    pub fn now(&self) -> Millis {
        self.driver().map_or(Millis::ZERO, |driver| driver.now())
    }
}

/// What the user does.
impl Model {
    /// Puts a session on screen. The one on screen already: nothing happens.
    pub fn select(&self, session: &SessionId) {
        if self.0.screen.with_untracked(|screen| screen.as_ref().is_some_and(|screen| screen.session() == session)) {
            return;
        }
        self.settle();
        self.0.is_unchosen.set(false);
        self.0.refusal.set(None);
        let held = self.session(session);
        if !held.is_blank() || held.attachment.get().is_some() {
            self.0.shown_at.set(Millis::ZERO);
        } else {
            self.0.shown_at.set(self.now());
        }
        self.0.screen.set(Some(Screen::new(held)));
        if let Some(driver) = self.driver() {
            driver.show(session);
        }
        self.settle();
    }

    /// Puts a new, empty session on screen; its first message makes it.
    pub fn select_new(&self) {
        if let Some(driver) = self.driver() {
            self.select(&driver.new_session_id());
        }
    }

    /// Puts an empty session on screen until the gateway has told its rows, then the newest.
    pub fn select_any(&self) {
        self.select_new();
        self.0.is_unchosen.set(true);
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
        let Some(session) = self.on_screen() else { return };
        let text = session.draft.get_untracked();
        if text.trim().is_empty() {
            return;
        }
        if self.send_text(&text) {
            self.set_draft(String::new());
        }
    }

    /// Sends a text to the session on screen under a new message id; returns whether it is in the outbox.
    pub fn send_text(&self, text: &str) -> bool {
        let Some(session) = self.on_screen() else { return false };
        self.0.is_unchosen.set(false);
        let create = session.is_blank().then(Create::default);
        let taken = self.send(&session, SendBody::Text(text.to_owned()), create);
        if let Some(screen) = self.0.screen.get_untracked().filter(|_| taken) {
            screen.repin().notify();
        }
        taken
    }

    /// Answers a request of the session on screen.
    pub fn answer(&self, request: &BlockId, option: &str) {
        let Some(session) = self.on_screen() else { return };
        self.send(&session, SendBody::Answer { request: request.clone(), option: option.to_owned() }, None);
    }

    fn send(&self, session: &Session, body: SendBody, create: Option<Create>) -> bool {
        let Some(driver) = self.driver() else { return false };
        let send = Send { session: session.id.clone(), message: driver.new_message_id(), body, create, interrupt: None };
        let result = driver.send(send);
        let refusal = match result {
            SendResult::Sent | SendResult::Queued => None,
            SendResult::Dropped(reason) => Some(refusal(reason).to_owned()),
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
        self.drive(|driver| driver.cancel(&session.id, turn));
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
            screen.want_earlier();
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
        spawn_local(async move {
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
            screen.want_earlier();
        }
    }

    /// Logs in; the error is a sentence for the user.
    #[must_use]
    pub fn sign_in(&self, token: &str) -> Option<Pending<()>> {
        self.driver().map(|driver| driver.sign_in(token))
    }
}

const fn refusal(reason: DropReason) -> &'static str {
    match reason {
        DropReason::OutboxFull => "Not sent: too many messages are waiting already. Send it once some of them are through.",
        DropReason::TooLarge => "Not sent: the message is longer than the gateway accepts. Shorten it.",
        DropReason::SignedOut => "Not sent: sign in first.",
        DropReason::IncompatibleVersion => "Not sent: this page and the gateway are of different versions. Reload the page.",
        DropReason::PageGoingAway => "Not sent: the page is closing.",
    }
}

/// The gateway's words as a sentence: a capital first, a full stop last.
fn sentence(words: &str) -> String {
    let mut chars = words.trim().chars();
    let first = chars.next().map(|first| first.to_ascii_uppercase().to_string()).unwrap_or_default();
    let end = if words.trim_end().ends_with(['.', '!', '?', '…']) { "" } else { "." };
    format!("{first}{}{end}", chars.as_str())
}
