//! What the client's core is told by its driver.

use super::event::Failure;
use moorline_protocol::{ClientId, ErrorFrame, Limits, Millis, PageId, Receipt, Send, Timings};

/// What a client starts from.
#[derive(Debug, Clone)]
pub struct ClientConfig {
    /// The tab's name.
    pub client: ClientId,
    /// The document's name.
    pub page: PageId,
    /// For jitter and new ids; take it from the machine's randomness.
    pub seed: u64,
    /// In force until `welcome` tells the gateway's.
    pub timings: Timings,
    /// In force until `welcome` tells the gateway's.
    pub limits: Limits,
}

/// What was found in the tab's storage.
#[derive(Debug, Clone, Default)]
pub struct Restored {
    /// The outbox, in any order.
    pub outbox: Vec<StoredSend>,
    /// Sends of the tab that this one was copied from, under that tab's name.
    pub copied: Vec<(ClientId, StoredSend)>,
}

/// A send as it is kept in storage, one key each.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct StoredSend {
    /// Its place among the tab's sends.
    pub order: u64,
    /// The send itself.
    pub send: Send,
    /// Attempts that failed.
    #[serde(default)]
    pub attempts: u32,
    /// Why it has failed for good, if it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// The user took it back; what for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawing: Option<TakenBack>,
}

moorline_protocol::record!(StoredSend { order, send, attempts or default, failure, withdrawing });

/// What a send is taken back for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TakenBack {
    /// Its text returns to the composer.
    Edit,
    /// It goes.
    Remove,
}

moorline_protocol::words!(TakenBack { "edit" => Edit, "remove" => Remove });

/// What came of a POST.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Posted {
    /// 2xx with a receipt.
    Receipt(Receipt),
    /// 2xx with nothing.
    Done,
    /// An error of the gateway's own; `retry_after_ms` from its body, or else from the header.
    Refused(ErrorFrame),
    /// Any other answer: a proxy's, or one that cannot be read.
    Status {
        /// The HTTP status.
        status: u16,
        /// From the header.
        retry_after: Option<Millis>,
    },
    /// None: the network failed.
    NoAnswer,
}

/// What `HEAD /v1/events` answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checked {
    /// 204: the gateway would open a stream.
    Welcome,
    /// 401.
    Unauthorized,
    /// Another status: that is the reason.
    Refused {
        /// From the header.
        retry_after: Option<Millis>,
    },
    /// None: the network failed.
    NoAnswer,
}

/// Why a connection ended, as far as the driver can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkClosed {
    /// It ended, or never stood.
    Lost,
    /// It was not opened: the gateway wants a login.
    Unauthorized,
    /// It was not opened: a login or a ticket was asked for, and the driver has told the page what came of it.
    NotAdmitted,
    /// It was not opened: [`super::Trouble::NoSlot`].
    NoSlot,
}

/// What the browser says of the page and the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// The page became visible, or the clock shows that the machine slept: probe the connection.
    Awake,
    /// The page is hidden: ack and remember now, since timers will be rare.
    Hidden,
    /// The network is back.
    Online,
    /// The network is gone.
    Offline,
    /// The page is put away (unloaded, or kept for the back button): ack, remember, close.
    PutAway,
    /// The page is back from the back button's cache.
    BroughtBack,
}
