//! The browser glue under the client's core: the only place of the client that touches sockets, streams, timers, storage, locks
//! and fetch.
//!
//! A browser callback does one thing: it puts an input, tagged with the connection it is about, into the pump's queue. The
//! pump feeds [`moorline_delivery::Client`], completes every output before it polls the next, and gives the browser back
//! its turn after 256 inputs or 8 ms. No decision about retry, backoff, acks, liveness or order is made here.
//!
//! # What is guaranteed
//!
//! - A send is in the tab's storage before it is transmitted; when it cannot be, the core is told and goes on.
//! - A cursor moves only by what [`Sink::event`] says it has applied.
//! - A callback of a connection that is gone changes nothing.
//! - No connection is opened, and no send of an earlier document shown, before the tab's name is claimed.
//! - A deadline counts as passed because the clock says so, never because a timer fired; every input looks at the clock
//!   first, so that a hidden page, whose timers fire once a minute, still acks.
//!
//! # What is left out
//!
//! What an event means to the page: the [`Sink`] knows. This module knows no view and no framework.

mod clock;
mod crash;
mod download;
mod driver;
mod gateway;
mod http;
mod line;
mod lines;
mod locks;
mod name;
mod page;
mod posts;
pub mod preferences;
mod pump;
mod retry_after;
mod slots;
mod socket;
mod storage;
mod stream;
mod text;

use std::rc::Rc;

use moorline_delivery::{ClientEvent, Diagnostics, LinkStatus, SendResult};
use moorline_protocol::{
    BlockId, BlockText, ChangeSession, Hits, MessageId, Page, Send, Seq, SessionId, SessionRow, SetAgent, TurnId, encode,
};

use self::driver::Driver;
pub use self::{
    clock::{Alarm, Clock, Reading},
    http::{Asked, HttpError},
    line::LineInput,
    pump::{Driven, Pump},
    socket::Socket,
    storage::{Restored, Storage, StorageError},
    stream::Stream,
};
use crate::settings::Settings;

/// What the page does with what the transport learns. It is called on the pump, never while the transport holds a lock.
pub trait Sink {
    /// Takes one piece of news. `Some` = this session's transcript now holds everything up to this seq.
    fn event(&self, event: ClientEvent) -> Option<(SessionId, Seq)>;

    /// Follows a run of events: whatever waits to be shown may be shown now. Effects it sets off count toward the slice's 8 ms.
    fn flush(&self);

    /// Takes a sentence for the user that concerns no session: storage set aside, no gateway at the address, a refused link.
    fn notice(&self, sentence: &str);

    /// The program has panicked and will not go on: outbox and cursors are stored, the page should offer Reload.
    fn crashed(&self, message: &str);
}

/// The running transport: one per page. Cloning is cheap; dropping the last clone closes everything.
#[derive(Clone)]
pub struct Transport(Rc<Driver>);

impl Transport {
    /// Restores the tab's outbox and begins to connect. The first event comes in a later task, never from within this call.
    #[must_use]
    pub fn start(settings: &Settings, sink: Rc<dyn Sink>) -> Self {
        Self(Driver::start(settings, sink))
    }

    /// Takes a send. When it answers sent or queued, the send is in the outbox and the composer may be cleared.
    #[must_use]
    pub fn send(&self, send: Send) -> SendResult {
        self.0.command(|core, now| core.send(now, send))
    }

    /// Puts a session on screen: it is attached, the last three stay so.
    pub fn show(&self, session: &SessionId) {
        self.0.command(|core, now| core.show(now, session));
    }

    /// Gives a failed send a new budget under the same id.
    pub fn retry(&self, message: &MessageId) {
        self.0.command(|core, now| core.retry(now, message));
    }

    /// Takes a send back; its text returns by [`ClientEvent::SendGone`].
    pub fn edit(&self, message: &MessageId) {
        self.0.command(|core, now| core.edit(now, message));
    }

    /// Takes a send out of the outbox.
    pub fn remove(&self, message: &MessageId) {
        self.0.command(|core, now| core.remove(now, message));
    }

    /// Takes back an accepted message that waits in the session's queue; `text`, when given, returns to the composer.
    pub fn withdraw(&self, session: &SessionId, message: &MessageId, text: Option<String>) {
        self.0.command(|core, now| core.withdraw(now, session, message, text));
    }

    /// Stops a turn. Tried once.
    pub fn cancel(&self, session: &SessionId, turn: &TurnId, next: Option<&MessageId>) {
        self.0.command(|core, now| core.cancel(now, session, turn, next.cloned()));
    }

    /// Has a session's agent begin again.
    ///
    /// # Errors
    /// [`HttpError`], whose text is for the user.
    pub fn restart_agent(&self, session: &SessionId) -> Asked<()> {
        let (driver, path) = (Rc::clone(&self.0), format!("v1/sessions/{session}/agent/restart"));
        Box::pin(async move { driver.post(path, None).await })
    }

    /// Sets a session's agent.
    ///
    /// # Errors
    /// [`HttpError`], whose text is for the user.
    pub fn set_agent(&self, session: &SessionId, set: SetAgent) -> Asked<()> {
        let (driver, path) = (Rc::clone(&self.0), format!("v1/sessions/{session}/agent"));
        Box::pin(async move { driver.post(path, Some(encode(&set))).await })
    }

    /// Names, pins, puts away or brings back a session; gives its line of the list.
    ///
    /// # Errors
    /// [`HttpError`], whose text is for the user.
    pub fn change(&self, session: &SessionId, change: ChangeSession) -> Asked<SessionRow> {
        self.0.gateway().change(session, &change).json()
    }

    /// Deletes a session for good.
    ///
    /// # Errors
    /// [`HttpError`], whose text is for the user.
    pub fn delete(&self, session: &SessionId) -> Asked<()> {
        self.0.gateway().delete(session).done()
    }

    /// Looks for what holds every word of a query, in titles and texts of all sessions.
    ///
    /// # Errors
    /// [`HttpError`], whose text is for the user.
    pub fn search(&self, query: &str) -> Asked<Hits> {
        self.0.gateway().search(query).json()
    }

    /// Hands a session's transcript to the browser as a file, in one of the formats of `GET /v1/sessions/{id}/export`. It has
    /// the gateway's name for it, or else `title` and an ending.
    ///
    /// # Errors
    /// [`HttpError`], whose text is for the user.
    pub fn export(&self, session: &SessionId, format: &'static str, title: String) -> Asked<()> {
        let answer = self.0.gateway().export(session, format).accepted();
        Box::pin(async move {
            let file = answer.await?;
            let ending = if format == "json" { ".json" } else { ".md" };
            download::hand_over(&file.text, &file.file_name.unwrap_or_else(|| title + ending));
            Ok(())
        })
    }

    /// Ends the login and loads the page anew, so that nothing of any session stays in it. Drafts and outbox stay in the tab's
    /// storage, and go on with the next login.
    ///
    /// # Errors
    /// [`HttpError`], whose text is for the user: the login has not ended.
    pub fn sign_out(&self) -> Asked<()> {
        let driver = Rc::clone(&self.0);
        Box::pin(async move {
            driver.gateway().log_out().await?;
            if let Some(window) = web_sys::window() {
                // Where the reader stays because something is unsent, the end of the login shows by itself.
                let _ = window.location().reload();
            }
            Ok(())
        })
    }

    /// Logs in with a token; the connection and the outbox then go on by themselves.
    ///
    /// # Errors
    /// [`HttpError`], whose text is for the user: the token was refused, or no answer came.
    pub fn sign_in(&self, token: &str) -> Asked<()> {
        let driver = Rc::clone(&self.0);
        let token = token.to_owned();
        Box::pin(async move { driver.sign_in(token).await })
    }

    /// Fetches the newest blocks opened before a seq, as many as the gateway gives.
    ///
    /// # Errors
    /// [`HttpError`], whose text is for the user.
    pub fn load_page(&self, session: &SessionId, before: Seq) -> Asked<Page> {
        let driver = Rc::clone(&self.0);
        let session = session.clone();
        Box::pin(async move { driver.load_page(&session, before).await })
    }

    /// Fetches what of a block's text stands before an offset (UTF-8, of the edition's whole text), as much as the gateway gives.
    ///
    /// # Errors
    /// [`HttpError`], whose text is for the user.
    pub fn load_text(&self, session: &SessionId, block: &BlockId, edition: u32, to: u64) -> Asked<BlockText> {
        let driver = Rc::clone(&self.0);
        let path = format!("v1/sessions/{session}/blocks/{block}/text?edition={edition}");
        Box::pin(async move { driver.gateway().text_before(&path, to).await })
    }

    /// The draft kept for a session; empty when there is none.
    #[must_use]
    pub fn draft(&self, session: &SessionId) -> String {
        self.0.storage().draft(session)
    }

    /// Keeps a session's draft over reloads; an empty one is forgotten.
    ///
    /// # Errors
    /// [`StorageError`] when the draft is too long, or the tab's storage is full or blocked: the text then lives in the composer alone.
    pub fn set_draft(&self, session: &SessionId, text: &str) -> Result<(), StorageError> {
        self.0.storage().set_draft(session, text)
    }

    /// The sessions with a draft, the one typed at last first.
    #[must_use]
    pub fn drafts(&self) -> Vec<SessionId> {
        self.0.storage().drafts()
    }

    /// How the tab stands, for the diagnostics.
    #[must_use]
    pub fn diagnostics(&self) -> Diagnostics {
        self.0.ask(|core| core.diagnostics())
    }

    /// How the connection stands.
    #[must_use]
    pub fn link_status(&self) -> LinkStatus {
        self.0.ask(|core| core.link_status())
    }

    /// The monotonic time that [`LinkStatus::Waiting`] and retries are told in, for countdowns.
    #[must_use]
    pub fn now(&self) -> moorline_protocol::Millis {
        Clock::now()
    }

    /// Makes a message id.
    #[must_use]
    pub fn new_message_id(&self) -> MessageId {
        self.0.ask(moorline_delivery::Client::new_message_id)
    }

    /// Makes a session id.
    #[must_use]
    pub fn new_session_id(&self) -> SessionId {
        self.0.ask(moorline_delivery::Client::new_session_id)
    }
}
