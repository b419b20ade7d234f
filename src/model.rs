//! The view model: the one owner of everything the page shows.
//!
//! What arrives goes in by plain method calls ([`Model::event`]) and is applied at once, whether the page is visible or
//! not and whether its session is on screen or not. Signals carry state only, and are written once an animation frame
//! ([`Model::flush`]), for what is mounted and nothing else. What waits for the next frame is shown before another session
//! comes on screen ([`Model::settle`]).
//!
//! What a user does goes out by method calls, too; each ends in one call of the [`Driver`].

mod acting;
mod arriving;
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
use moorline_delivery::{AttachmentStatus, LinkStatus, SendState};
use moorline_protocol::{Millis, SessionId};
use send_wrapper::SendWrapper;

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
        let count = sessions.values().map(|session| session.sends.borrow().iter().filter(|status| waiting(&status.state)).count()).sum();
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
