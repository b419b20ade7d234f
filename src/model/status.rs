//! Where the page stands, in one word.

use moorline_delivery::{AttachmentStatus, LinkStatus};

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
}

impl Status {
    pub(super) const fn of(link: LinkStatus, attachment: Option<AttachmentStatus>) -> Self {
        match (link, attachment) {
            (LinkStatus::Connecting | LinkStatus::Waiting { .. }, _) => Self::Reconnecting,
            (LinkStatus::Offline, _) => Self::Offline,
            (LinkStatus::SignedOut, _) => Self::SignedOut,
            (LinkStatus::Incompatible, _) => Self::Incompatible,
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
        }
    }
}
