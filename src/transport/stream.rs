//! One EventSource and its closures, alive and dead together.

use moorline_delivery::LinkId;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::EventSource;

use super::line::{Handlers, LineInput};

/// An event stream. Its first `error` is its end, whatever the browser would do about it: the core opens another one, with
/// fresh cursors. On drop its handlers are nulled, then it is closed, then its closures go.
pub struct Stream {
    source: EventSource,
    _handlers: Handlers,
}

impl Stream {
    /// Begins to connect to an absolute `http:` or `https:` URL. A cookie goes along at the page's own origin only.
    ///
    /// # Errors
    /// What the browser threw: the URL is malformed.
    pub fn open(url: &str, link: LinkId, inbox: impl Fn(LineInput) + Clone + 'static) -> Result<Self, JsValue> {
        let source = EventSource::new(url)?;
        let handlers = Handlers::new(link, {
            let source = source.clone();
            move |input| {
                if matches!(input, LineInput::Closed(_)) {
                    source.close();
                }
                inbox(input);
            }
        });
        source.set_onopen(Some(handlers.on_open.as_ref().unchecked_ref()));
        source.set_onmessage(Some(handlers.on_message.as_ref().unchecked_ref()));
        source.set_onerror(Some(handlers.on_end.as_ref().unchecked_ref()));
        Ok(Self { source, _handlers: handlers })
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.source.set_onopen(None);
        self.source.set_onmessage(None);
        self.source.set_onerror(None);
        self.source.close();
    }
}
