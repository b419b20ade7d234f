//! One WebSocket and its closures, alive and dead together.

use moorline_delivery::LinkId;
use moorline_protocol::SUBPROTOCOL;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::WebSocket;

use super::line::{Handlers, LineInput};

/// A WebSocket of subprotocol `moorline.v1`. On drop its handlers are nulled, then it is closed, then its closures go.
pub struct Socket {
    socket: WebSocket,
    _handlers: Handlers,
}

impl Socket {
    /// Begins to connect to an absolute `ws:` or `wss:` URL.
    ///
    /// # Errors
    /// What the browser threw: the URL is malformed, or forbidden to this page.
    pub fn open(url: &str, link: LinkId, inbox: impl Fn(LineInput) + Clone + 'static) -> Result<Self, JsValue> {
        let socket = WebSocket::new_with_str(url, SUBPROTOCOL)?;
        let handlers = Handlers::new(link, inbox);
        socket.set_onopen(Some(handlers.on_open.as_ref().unchecked_ref()));
        socket.set_onmessage(Some(handlers.on_message.as_ref().unchecked_ref()));
        socket.set_onerror(Some(handlers.on_end.as_ref().unchecked_ref()));
        socket.set_onclose(Some(handlers.on_end.as_ref().unchecked_ref()));
        Ok(Self { socket, _handlers: handlers })
    }

    /// Whether messages can be written.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.socket.ready_state() == WebSocket::OPEN
    }

    /// Writes a message. On a socket that is not open nothing happens: its end is told by the callbacks.
    pub fn send(&self, text: &str) {
        if self.is_open() {
            // Throws only while connecting.
            let _ = self.socket.send_with_str(text);
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.socket.set_onopen(None);
        self.socket.set_onmessage(None);
        self.socket.set_onerror(None);
        self.socket.set_onclose(None);
        // Throws only for a bad code or reason, and there is none.
        let _ = self.socket.close();
    }
}
