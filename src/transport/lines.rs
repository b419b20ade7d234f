//! The connections that the core has asked for: one, or two while a WebSocket is tried beside a stream.

use std::cell::RefCell;

use moorline_delivery::LinkId;
use wasm_bindgen::JsValue;

use super::{line::LineInput, locks::Lock, socket::Socket, stream::Stream};

/// Every connection, from being asked for to its end.
#[derive(Default)]
pub(super) struct Lines {
    lines: RefCell<Vec<Line>>,
}

struct Line {
    id: LinkId,
    opened: bool,
    /// None while a slot, a login or a ticket is fetched.
    wire: Option<Wire>,
}

/// What a connection travels on.
enum Wire {
    /// Both ways.
    Socket(Socket),
    /// Down; up goes by POSTs. The slot is free again once the stream is closed.
    Stream { _stream: Stream, _slot: Option<Lock> },
}

/// How a connection is opened.
pub(super) enum Way {
    Socket,
    /// With the slot that it takes, where it needs one.
    Stream(Option<Lock>),
}

impl Lines {
    /// The core asks for a connection.
    pub(super) fn expect(&self, id: LinkId) {
        self.lines.borrow_mut().push(Line { id, opened: false, wire: None });
    }

    /// Opens it, if it is still wanted.
    ///
    /// # Errors
    /// What the browser threw: the URL is malformed, or forbidden to this page.
    pub(super) fn open(&self, id: LinkId, way: Way, url: &str, inbox: impl Fn(LineInput) + Clone + 'static) -> Result<(), JsValue> {
        if let Some(line) = self.lines.borrow_mut().iter_mut().find(|line| line.id == id) {
            line.wire = Some(match way {
                Way::Socket => Wire::Socket(Socket::open(url, id, inbox)?),
                Way::Stream(slot) => Wire::Stream { _stream: Stream::open(url, id, inbox)?, _slot: slot },
            });
        }
        Ok(())
    }

    /// It stands.
    pub(super) fn opened(&self, id: LinkId) {
        if let Some(line) = self.lines.borrow_mut().iter_mut().find(|line| line.id == id) {
            line.opened = true;
        }
    }

    /// Writes a message to a WebSocket that is still there.
    pub(super) fn transmit(&self, id: LinkId, text: &str) {
        if let Some(Line { wire: Some(Wire::Socket(socket)), .. }) = self.lines.borrow().iter().find(|line| line.id == id) {
            socket.send(text);
        }
    }

    /// A WebSocket that stood and is closing takes nothing any more, although its `close` may be seconds away.
    pub(super) fn ended(&self) -> Option<LinkId> {
        let has_ended = |line: &&Line| line.opened && matches!(&line.wire, Some(Wire::Socket(socket)) if !socket.is_open());
        self.lines.borrow().iter().find(has_ended).map(|line| line.id)
    }

    /// Closes it.
    pub(super) fn end(&self, id: LinkId) {
        let mut lines = self.lines.borrow_mut();
        lines.retain(|line| line.id != id);
    }
}
