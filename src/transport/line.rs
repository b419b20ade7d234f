//! What the callbacks of a connection have in common, whatever it travels on.

use std::cell::Cell;

use js_sys::JsString;
use moorline_delivery::LinkId;
use wasm_bindgen::{JsCast as _, closure::Closure};
use web_sys::MessageEvent;

/// What a connection's callbacks put into the queue, each tagged with its connection.
#[derive(Debug, Clone)]
pub enum LineInput {
    /// It stands.
    Opened(LinkId),
    /// A text message, not yet decoded.
    Text(LinkId, JsString),
    /// A message that is no text.
    Binary(LinkId),
    /// It failed or ended; told once.
    Closed(LinkId),
}

/// The closures of one connection. Whoever owns them nulls the browser's handlers before they go.
pub(super) struct Handlers {
    pub(super) on_open: Closure<dyn FnMut()>,
    pub(super) on_message: Closure<dyn FnMut(MessageEvent)>,
    pub(super) on_end: Closure<dyn FnMut()>,
}

impl Handlers {
    pub(super) fn new(link: LinkId, inbox: impl Fn(LineInput) + Clone + 'static) -> Self {
        let on_open = Closure::<dyn FnMut()>::new({
            let inbox = inbox.clone();
            move || inbox(LineInput::Opened(link))
        });
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new({
            let inbox = inbox.clone();
            move |event: MessageEvent| {
                inbox(match event.data().dyn_into::<JsString>() {
                    Ok(text) => LineInput::Text(link, text),
                    Err(_) => LineInput::Binary(link),
                });
            }
        });
        // A WebSocket's `error` is always followed by a `close`; whichever comes first is the end.
        let ended = Cell::new(false);
        let on_end = Closure::<dyn FnMut()>::new(move || {
            if !ended.replace(true) {
                inbox(LineInput::Closed(link));
            }
        });
        Self { on_open, on_message, on_end }
    }
}
