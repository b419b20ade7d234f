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
mod attention;
mod driver;
mod frame;
mod list;
mod managing;
mod notices;
mod preferences;
mod reading;
mod reveal;
mod row;
mod screen;
mod search;
mod send_line;
mod session;
mod status;
mod window;

use std::{
    cell::{Cell, OnceCell, RefCell},
    collections::BTreeMap,
    rc::Rc,
};

use leptos::prelude::*;
use moorline_delivery::{AttachmentStatus, Diagnostics, DropReason, LinkStatus, SendState, Trouble};
use moorline_protocol::{Millis, SessionId};
use send_wrapper::SendWrapper;

pub use self::{
    arriving::as_sentence,
    attention::{Call, Caller, Reason},
    driver::{Driver, Format, Pending},
    list::{ListRow, SessionList},
    managing::Step,
    notices::{Notices, Sentence},
    preferences::Alerts,
    reading::{ReadMark, ReadMarks},
    row::{Answering, BlockRow, Content, EchoRow, Entry, Place, Times, TurnRow},
    screen::Screen,
    search::{Finding, Search, SearchState},
    send_line::{SendLine, WaitsFor},
    status::{Said, Status},
};
use self::{
    attention::Attention, frame::Frame, preferences::Preferences, reading::Reading, reveal::Reveal, row::set_if_other, session::Session,
    status::Calm,
};

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
    reading: Reading,
    search: Search,
    reveal: Reveal,
    attention: Attention,
    preferences: Preferences,
    notices: Notices,
    link: ArcRwSignal<LinkStatus>,
    status: ArcRwSignal<Status>,
    calm: Calm,
    trouble: ArcRwSignal<Option<Trouble>>,
    sends_waiting: ArcRwSignal<usize>,
    not_saved: ArcRwSignal<bool>,
    /// The newest send there was when the tab's storage last refused one.
    unsaved: Cell<Option<u64>>,
    agents: ArcRwSignal<Vec<String>>,
    /// Why the composer's text was not taken.
    refusal: ArcRwSignal<Option<DropReason>>,
    /// What may take the place of the empty session on screen once the gateway has told its rows.
    awaited: Cell<Option<Awaited>>,
    shown_at: Cell<Millis>,
    frame: OnceCell<Frame>,
}

/// Which session is chosen before it can be named.
#[derive(Clone, Copy)]
enum Awaited {
    /// A page that was opened without a session in its address goes to the newest.
    Newest,
    /// What was typed for a new session that was left is there again in the next new one.
    Unborn,
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
            reading: Reading::default(),
            search: Search::default(),
            reveal: Reveal::default(),
            attention: Attention::new(),
            preferences: Preferences::default(),
            notices: Notices::default(),
            link: ArcRwSignal::new(LinkStatus::Connecting),
            status: ArcRwSignal::new(Status::Reconnecting),
            calm: Calm::new(),
            trouble: ArcRwSignal::default(),
            sends_waiting: ArcRwSignal::default(),
            not_saved: ArcRwSignal::default(),
            unsaved: Cell::default(),
            agents: ArcRwSignal::default(),
            refusal: ArcRwSignal::default(),
            awaited: Cell::default(),
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
        if self.0.driver.set(Rc::clone(&driver)).is_ok() {
            self.0.preferences.restore(&*driver);
            self.restore_read();
        }
    }

    fn driver(&self) -> Option<Rc<dyn Driver>> {
        self.0.driver.get().cloned()
    }
}

/// What is shown.
impl Model {
    fn on_frame(&self) {
        self.show_changes();
        self.show_awaited();
    }

    fn show_changes(&self) {
        self.show_session();
        // What has just come on screen is read there.
        self.note_read();
        self.0.list.show(&self.0.reading);
        self.show_calling();
    }

    fn show_session(&self) {
        let inner = &self.0;
        let sessions = inner.sessions.borrow();
        let (mut waiting, mut not_saved) = (0, false);
        for session in sessions.values() {
            for status in session.sends.borrow().iter() {
                waiting += usize::from(!matches!(status.state, SendState::Accepted | SendState::Sending));
                not_saved |= status.state != SendState::Accepted && Some(status.order) <= inner.unsaved.get();
            }
        }
        set_if_other(&inner.sends_waiting, &waiting);
        set_if_other(&inner.not_saved, &not_saved);
        let Some(screen) = inner.screen.get_untracked() else { return };
        let Some(session) = sessions.get(screen.session()) else { return };
        let (link, attachment) = (inner.link.get_untracked(), session.attachment.get());
        let status = Status::of(link, attachment);
        set_if_other(&inner.status, &status);
        inner.calm.tell(Said::of(status, link));
        screen.show_standing();
        let now = self.now();
        let drains = attachment == Some(AttachmentStatus::CatchingUp) && now.since(inner.shown_at.get()) < Millis(CATCHING_UP_MS);
        let is_blank = session.is_blank() && !session.is_deleted();
        if is_blank || drains {
            screen.show_sends(link);
            return if drains && !is_blank {
                self.flush()
            };
        }
        inner.shown_at.set(now);
        // What is new; or, if that is little, also a slice of what an earlier frame began.
        if !screen.show_changes() {
            screen.mount_more();
        }
        if status == Status::Live {
            screen.settle_read();
        }
        screen.show_sends(link);
        self.go_on_revealing(&screen, attachment);
        if screen.wants_more() {
            self.flush();
        }
    }

    /// Leaves the empty session on screen for the one it stands in for, unless something was typed by then.
    fn show_awaited(&self) {
        let inner = &self.0;
        let Some(awaited) = inner.awaited.get().filter(|_| inner.list.is_told()) else { return };
        inner.awaited.set(None);
        let untouched = self.draft().is_some_and(|draft| draft.with_untracked(String::is_empty))
            && self.on_screen().is_some_and(|session| session.sends.borrow().is_empty());
        let session = match awaited {
            Awaited::Newest => inner.list.newest(),
            Awaited::Unborn => self.unborn(),
        };
        if let Some(session) = session.filter(|_| untouched) {
            self.select(&session);
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

    /// The search among the sessions.
    #[must_use]
    pub fn search(&self) -> &Search {
        &self.0.search
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

    /// Where the page stands, as far as it is worth a word by now.
    #[must_use]
    pub fn said(&self) -> ArcReadSignal<Said> {
        self.0.calm.said()
    }

    /// What stands in the way of a connection.
    #[must_use]
    pub fn trouble(&self) -> ArcReadSignal<Option<Trouble>> {
        self.0.trouble.read_only()
    }

    /// Whether something that is still to be sent is in this page alone, because the tab's storage refused it.
    #[must_use]
    pub fn not_saved(&self) -> ArcReadSignal<bool> {
        self.0.not_saved.read_only()
    }

    /// How the tab stands, for the diagnostics.
    #[must_use]
    pub fn diagnostics(&self) -> Option<Diagnostics> {
        self.driver().map(|driver| driver.diagnostics())
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
    pub fn refusal(&self) -> ArcReadSignal<Option<DropReason>> {
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
