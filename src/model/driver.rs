//! What the page asks of the transport.

use std::{future::Future, pin::Pin};

use moorline_delivery::{Diagnostics, SendResult};
use moorline_protocol::{
    BlockId, BlockText, ChangeSession, Hits, MessageId, Millis, Page, Send, Seq, SessionId, SessionRow, SetAgent, TurnId,
};

/// An answer that comes later; its error is a sentence for the user.
pub type Pending<T> = Pin<Box<dyn Future<Output = Result<T, String>>>>;

/// What a transcript is saved as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// To be read.
    Markdown,
    /// To be worked on.
    Json,
}

impl Format {
    /// Its word in the address.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Markdown => "markdown",
            Self::Json => "json",
        }
    }
}

/// The transport as the page sees it: everything a view can set off ends in one of these calls.
///
/// The page calls these from event handlers and animation frames, never from within [`super::Model::event`].
pub trait Driver {
    /// Takes a send. `Sent` or `Queued` = it is in the outbox, and the composer may be cleared.
    fn send(&self, send: Send) -> SendResult;
    /// Follows the session that is on screen now.
    fn show(&self, session: &SessionId);
    /// Gives a failed send a new budget.
    fn retry(&self, message: &MessageId);
    /// Takes a send back; its text returns to the composer.
    fn edit(&self, message: &MessageId);
    /// Takes a send out of the outbox.
    fn remove(&self, message: &MessageId);
    /// Takes back a message that the gateway has queued; `text` returns to the composer once it is withdrawn.
    fn withdraw(&self, session: &SessionId, message: &MessageId, text: Option<String>);
    /// Stops a turn, for the sake of a message that waits if one is named. Tried once.
    fn cancel(&self, session: &SessionId, turn: &TurnId, next: Option<&MessageId>);
    /// Has a session's agent begin again. Tried once.
    fn restart_agent(&self, session: &SessionId) -> Pending<()>;
    /// Sets a session's agent. Tried once.
    fn set_agent(&self, session: &SessionId, set: SetAgent) -> Pending<()>;
    /// Changes a session's line of the list; gives it as it is then. Tried once.
    fn change(&self, session: &SessionId, change: ChangeSession) -> Pending<SessionRow>;
    /// Deletes a session for good. Tried once.
    fn delete(&self, session: &SessionId) -> Pending<()>;
    /// Looks for what holds every word of a query.
    fn search(&self, query: &str) -> Pending<Hits>;
    /// Has the browser save a transcript; `title` names the file if the gateway does not.
    fn export(&self, session: &SessionId, format: Format, title: String) -> Pending<()>;
    /// Ends the login.
    fn sign_out(&self) -> Pending<()>;
    /// Logs in.
    fn sign_in(&self, token: &str) -> Pending<()>;
    /// Fetches the newest blocks opened before a seq.
    fn load_page(&self, session: &SessionId, before: Seq) -> Pending<Page>;
    /// Fetches what of a block's text stands before an offset, as much as the gateway gives.
    fn load_text(&self, session: &SessionId, block: &BlockId, edition: u32, to: u64) -> Pending<BlockText>;
    /// The draft kept for a session.
    fn draft(&self, session: &SessionId) -> String;
    /// Keeps a session's draft over reloads.
    fn set_draft(&self, session: &SessionId, text: &str);
    /// The sessions with a draft, the one typed at last first.
    fn drafts(&self) -> Vec<SessionId>;
    /// What is kept under a name for all tabs of this browser.
    fn preference(&self, name: &str) -> Option<String>;
    /// Keeps something for all tabs of this browser, if it can be kept.
    fn set_preference(&self, name: &str, value: &str);
    /// How the tab stands, for the diagnostics.
    fn diagnostics(&self) -> Diagnostics;
    /// The monotonic time in which retries and reconnects are told.
    fn now(&self) -> Millis;
    /// Makes a message id.
    fn new_message_id(&self) -> MessageId;
    /// Makes a session id.
    fn new_session_id(&self) -> SessionId;
}
