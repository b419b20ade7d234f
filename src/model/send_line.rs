//! Where a send stands, and what it waits for.

use moorline_delivery::{LinkStatus, SendState, SendStatus};
use moorline_protocol::SendBody;

/// Where a send stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendLine {
    /// Its state.
    pub state: SendState,
    /// Attempts that failed so far.
    pub attempts: u32,
    /// What it waits for while it is queued.
    pub waits_for: WaitsFor,
}

/// What a queued send waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitsFor {
    /// Nothing but its turn: it goes next.
    Nothing,
    /// A message before it, on its way.
    Message,
    /// A message before it that has failed: the user decides about that one.
    Decision,
    /// A connection.
    Connection,
    /// The network.
    Network,
    /// A login.
    Login,
    /// A newer page.
    Reload,
}

impl WaitsFor {
    const fn of(link: LinkStatus) -> Self {
        match link {
            LinkStatus::Ready => Self::Nothing,
            LinkStatus::Connecting | LinkStatus::Waiting { .. } => Self::Connection,
            LinkStatus::Offline => Self::Network,
            LinkStatus::SignedOut => Self::Login,
            LinkStatus::Incompatible => Self::Reload,
        }
    }

    /// The word of the `data-waits-for` attribute.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Message => "message",
            Self::Decision => "decision",
            Self::Connection => "connection",
            Self::Network => "network",
            Self::Login => "login",
            Self::Reload => "reload",
        }
    }
}

/// Each send of a session with its line; `sends` in their order.
pub(super) fn lines(sends: &[SendStatus], link: LinkStatus) -> impl Iterator<Item = (&SendStatus, SendLine)> {
    let mut before = WaitsFor::Nothing;
    sends.iter().map(move |status| {
        let is_message = matches!(status.send.body, SendBody::Text(_));
        let waits_for = match (WaitsFor::of(link), before) {
            // No connection mends what the user has to decide.
            (_, WaitsFor::Decision) if is_message => WaitsFor::Decision,
            (WaitsFor::Nothing, before) if is_message => before,
            (link, _) => link,
        };
        if is_message {
            match &status.state {
                SendState::Failed(_) => before = WaitsFor::Decision,
                SendState::Accepted => {}
                SendState::Queued | SendState::Sending | SendState::Retrying { .. } | SendState::Withdrawing => {
                    if before == WaitsFor::Nothing {
                        before = WaitsFor::Message;
                    }
                }
            }
        }
        (status, SendLine { state: status.state.clone(), attempts: status.attempts, waits_for })
    })
}
