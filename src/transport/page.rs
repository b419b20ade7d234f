//! What the browser says of the page and the network.

use std::{cell::RefCell, rc::Rc};

use moorline_delivery::Signal;
use wasm_bindgen::{JsCast as _, JsValue, closure::Closure};
use web_sys::{BeforeUnloadEvent, Document, Event, EventTarget, PageTransitionEvent, VisibilityState};

/// The page's listeners; they are removed on drop.
pub(super) struct PageSignals {
    _listeners: Vec<Listener>,
    guard: RefCell<Option<Listener>>,
}

impl PageSignals {
    /// Listens to visibility, network, life-cycle and history-cache events of this page.
    pub(super) fn listen(tell: impl Fn(Signal) + 'static) -> Self {
        let Some(window) = web_sys::window() else { return Self { _listeners: Vec::new(), guard: RefCell::default() } };
        let tell = Rc::new(tell);
        let mut listeners = Vec::new();
        let mut listen = |target: &EventTarget, kind: &'static str, read: fn(&Event) -> Option<Signal>| {
            let tell = Rc::clone(&tell);
            listeners.push(Listener::add(target, kind, move |event| {
                if let Some(signal) = read(event) {
                    tell(signal);
                }
            }));
        };
        listen(&window, "online", |_| Some(Signal::Online));
        listen(&window, "offline", |_| Some(Signal::Offline));
        listen(&window, "pagehide", |_| Some(Signal::PutAway));
        listen(&window, "pageshow", |event| is_persisted(event).then_some(Signal::BroughtBack));
        if let Some(document) = window.document() {
            listen(&document, "visibilitychange", visibility);
            listen(&document, "freeze", |_| Some(Signal::Hidden));
            listen(&document, "resume", |_| Some(Signal::Awake));
        }
        Self { _listeners: listeners, guard: RefCell::default() }
    }

    /// Has the browser ask before it closes the page, or stops that. Some browsers do not keep a page for the back button that
    /// listens for this, so it is listened for only while there is something to lose.
    pub(super) fn guard(&self, needed: bool) {
        let mut guard = self.guard.borrow_mut();
        if guard.is_some() != needed {
            let window = needed.then(web_sys::window).flatten();
            *guard = window.map(|window| Listener::add(&window, "beforeunload", hold_back));
        }
    }
}

fn visibility(event: &Event) -> Option<Signal> {
    let document = event.target()?.dyn_into::<Document>().ok()?;
    let hidden = document.visibility_state() == VisibilityState::Hidden;
    Some(if hidden { Signal::Hidden } else { Signal::Awake })
}

/// Every load ends in a `pageshow`; only a page from the back button's cache was away.
fn is_persisted(event: &Event) -> bool {
    event.dyn_ref::<PageTransitionEvent>().is_some_and(PageTransitionEvent::persisted)
}

fn hold_back(event: &Event) {
    event.prevent_default();
    // Chrome before 119 asks only where this is set.
    event.unchecked_ref::<BeforeUnloadEvent>().set_return_value("1");
}

struct Listener {
    target: EventTarget,
    kind: &'static str,
    closure: Closure<dyn FnMut(Event)>,
}

impl Listener {
    fn add(target: &EventTarget, kind: &'static str, act: impl Fn(&Event) + 'static) -> Self {
        let closure = Closure::<dyn FnMut(Event)>::new(move |event: Event| act(&event));
        // Neither adding nor removing a listener throws in any browser; the signature only allows for it.
        let _: Result<(), JsValue> = target.add_event_listener_with_callback(kind, closure.as_ref().unchecked_ref());
        Self { target: target.clone(), kind, closure }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _: Result<(), JsValue> = self.target.remove_event_listener_with_callback(self.kind, self.closure.as_ref().unchecked_ref());
    }
}
