//! One WebSocket and its closures, alive and dead together.

use std::{cell::Cell, rc::Rc};

use js_sys::JsString;
use moorline_delivery::LinkId;
use moorline_protocol::SUBPROTOCOL;
use wasm_bindgen::{JsCast as _, JsValue, closure::Closure};
use web_sys::{MessageEvent, WebSocket};

/// What a socket's callbacks put into the queue, each tagged with its connection.
#[derive(Debug, Clone)]
pub enum SocketInput {
    /// The socket is open.
    Opened(LinkId),
    /// A text message, not yet decoded.
    Text(LinkId, JsString),
    /// A message that is no text.
    Binary(LinkId),
    /// The socket failed or closed; told once.
    Closed(LinkId),
}

/// A WebSocket of subprotocol `moorline.v1`. On drop its handlers are nulled, then it is closed, then its closures go.
pub struct Socket {
    socket: WebSocket,
    _on_open: Closure<dyn FnMut()>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_end: Closure<dyn FnMut()>,
}

impl Socket {
    /// Begins to connect to an absolute `ws:` or `wss:` URL.
    ///
    /// # Errors
    /// What the browser threw: the URL is malformed, or forbidden to this page.
    pub fn open(url: &str, link: LinkId, inbox: impl Fn(SocketInput) + 'static) -> Result<Self, JsValue> {
        let socket = WebSocket::new_with_str(url, SUBPROTOCOL)?;
        let inbox = Rc::new(inbox);

        let on_open = Closure::<dyn FnMut()>::new({
            let inbox = Rc::clone(&inbox);
            move || inbox(SocketInput::Opened(link))
        });
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new({
            let inbox = Rc::clone(&inbox);
            move |event: MessageEvent| {
                inbox(match event.data().dyn_into::<JsString>() {
                    Ok(text) => SocketInput::Text(link, text),
                    Err(_) => SocketInput::Binary(link),
                });
            }
        });
        // An `error` is always followed by a `close`; whichever comes first is the end.
        let ended = Cell::new(false);
        let on_end = Closure::<dyn FnMut()>::new(move || {
            if !ended.replace(true) {
                inbox(SocketInput::Closed(link));
            }
        });

        socket.set_onopen(Some(on_open.as_ref().unchecked_ref()));
        socket.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        socket.set_onerror(Some(on_end.as_ref().unchecked_ref()));
        socket.set_onclose(Some(on_end.as_ref().unchecked_ref()));
        Ok(Self { socket, _on_open: on_open, _on_message: on_message, _on_end: on_end })
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
