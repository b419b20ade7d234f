//! Where the page stands, in one word, and when the reader is told.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use gloo_timers::callback::Timeout;
use leptos::prelude::*;
use moorline_delivery::{AttachmentStatus, LinkStatus};
use moorline_protocol::Millis;
use send_wrapper::SendWrapper;

use crate::timer::after;

/// What is over within this time is not worth a word.
const UNSAID_MS: u32 = 1_000;

/// The connection and the session on screen, taken together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Everything shown is what the gateway has.
    Live,
    /// Connected; events are still missing.
    CatchingUp,
    /// No connection; the page tries by itself.
    Reconnecting,
    /// The browser says that there is no network.
    Offline,
    /// A login is needed.
    SignedOut,
    /// The page is too old or too new for the gateway.
    Incompatible,
    /// The session on screen was deleted.
    Deleted,
}

impl Status {
    pub(super) const fn of(link: LinkStatus, attachment: Option<AttachmentStatus>) -> Self {
        match (link, attachment) {
            (LinkStatus::Connecting | LinkStatus::Waiting { .. }, _) => Self::Reconnecting,
            (LinkStatus::Offline, _) => Self::Offline,
            (LinkStatus::SignedOut, _) => Self::SignedOut,
            (LinkStatus::Incompatible, _) => Self::Incompatible,
            (LinkStatus::Ready, Some(AttachmentStatus::Deleted)) => Self::Deleted,
            (LinkStatus::Ready, Some(AttachmentStatus::Live | AttachmentStatus::Missing)) => Self::Live,
            (LinkStatus::Ready, Some(AttachmentStatus::CatchingUp) | None) => Self::CatchingUp,
        }
    }

    /// The word of the `data-status` attribute.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::CatchingUp => "catching-up",
            Self::Reconnecting => "reconnecting",
            Self::Offline => "offline",
            Self::SignedOut => "signed-out",
            Self::Incompatible => "incompatible",
            Self::Deleted => "deleted",
        }
    }

    /// Whether it stays until something happens, rather than passing by itself.
    const fn is_settled(self) -> bool {
        match self {
            Self::Live | Self::Offline | Self::SignedOut | Self::Incompatible | Self::Deleted => true,
            Self::CatchingUp | Self::Reconnecting => false,
        }
    }
}

/// What the status line says: the status, and when the next connection is tried, if that is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said {
    /// The status.
    pub status: Status,
    /// In monotonic time.
    pub next_try: Option<Millis>,
}

impl Said {
    pub(super) const fn of(status: Status, link: LinkStatus) -> Self {
        let next_try = match link {
            LinkStatus::Waiting { until } => Some(until),
            LinkStatus::Connecting | LinkStatus::Ready | LinkStatus::Offline | LinkStatus::SignedOut | LinkStatus::Incompatible => None,
        };
        Self { status, next_try }
    }
}

/// The status line's words: a reconnect that is over within a second never shows.
#[derive(Clone)]
pub(super) struct Calm(SendWrapper<Rc<Inner>>);

struct Inner {
    said: ArcRwSignal<Said>,
    unsaid: Cell<Said>,
    timer: RefCell<Option<Timeout>>,
}

impl Calm {
    pub(super) fn new() -> Self {
        let said = Said { status: Status::Reconnecting, next_try: None };
        Self(SendWrapper::new(Rc::new(Inner { said: ArcRwSignal::new(said), unsaid: Cell::new(said), timer: RefCell::default() })))
    }

    pub(super) fn said(&self) -> ArcReadSignal<Said> {
        self.0.said.read_only()
    }

    /// Says it now, or once it has lasted.
    pub(super) fn tell(&self, now: Said) {
        let inner = &self.0;
        inner.unsaid.set(now);
        let said = inner.said.get_untracked();
        // A countdown follows a countdown, or the word that there is no connection, at once.
        let goes_on = said.status == now.status && now.next_try.is_some();
        if said == now || now.status.is_settled() || goes_on {
            inner.timer.take();
            if said != now {
                inner.said.set(now);
            }
            return;
        }
        let mut timer = inner.timer.borrow_mut();
        if timer.is_none() {
            let inner = Rc::downgrade(inner);
            *timer = Some(after(UNSAID_MS, move || {
                if let Some(inner) = inner.upgrade() {
                    inner.timer.take();
                    inner.said.set(inner.unsaid.get());
                }
            }));
        }
    }
}
