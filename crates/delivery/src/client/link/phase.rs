//! Where a link stands.

use moorline_protocol::{ConnectionId, Millis};

use crate::client::output::{LinkId, Transport};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Phase {
    Resting(Rest),
    /// The backoff runs.
    Waiting {
        until: Millis,
    },
    /// From the first attempt until `welcome`.
    Connecting {
        link: LinkId,
        transport: Transport,
        since: Millis,
    },
    /// Nothing came of a connection; why is being asked.
    Checking {
        link: LinkId,
        transport: Transport,
        since: Millis,
    },
    Ready(Standing),
}

/// A connection that was welcomed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) link: LinkId,
    pub(super) transport: Transport,
    pub(super) connection: ConnectionId,
    pub(super) since: Millis,
    /// When a frame last came.
    pub(super) heard: Millis,
    /// When a `ping` last came.
    pub(super) pinged: Option<Millis>,
    /// When to give up unless a frame comes: a ping was sent on a suspicion.
    pub(super) probe: Option<Millis>,
    /// When to leave: the gateway is about to stop.
    pub(super) leaving: Option<Millis>,
    pub(super) look: Look,
}

/// On SSE, whether a WebSocket works again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// A WebSocket stands already.
    Needless,
    /// The next one.
    At(Millis),
    /// A WebSocket opens beside the stream, which goes on until then.
    Opening { link: LinkId, since: Millis },
}

/// Why nothing is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::client) enum Rest {
    NotStarted,
    PutAway,
    SignedOut,
    Incompatible,
}

/// What follows from the answer to [`crate::Output::Check`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::client) enum AfterCheck {
    /// Open a stream under this name.
    Stream(LinkId),
    SignedOut,
    /// Wait.
    Nothing,
}
