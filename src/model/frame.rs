//! The one pending animation frame.

use std::{cell::RefCell, rc::Rc};

use gloo_timers::callback::Timeout;
use wasm_bindgen::{JsCast as _, closure::Closure};

use crate::timer::after;

/// A page that is hidden or covered gets no frames: then this passes instead.
const NO_FRAME_MS: u32 = 250;

/// Runs one action at the next animation frame, however often it is asked for before.
pub(super) struct Frame {
    on_frame: Closure<dyn FnMut()>,
    pending: Rc<RefCell<Option<Pending>>>,
}

struct Pending {
    request: Option<i32>,
    _timeout: Timeout,
}

impl Frame {
    pub(super) fn new(act: impl Fn() + 'static) -> Self {
        let pending = Rc::new(RefCell::new(None));
        let on_frame = {
            let pending = Rc::clone(&pending);
            Closure::<dyn FnMut()>::new(move || {
                if take(&pending) {
                    act();
                }
            })
        };
        Self { on_frame, pending }
    }

    /// Asks for a frame.
    pub(super) fn request(&self) {
        if self.pending.borrow().is_some() {
            return;
        }
        let on_frame = self.on_frame.as_ref().unchecked_ref::<js_sys::Function>().clone();
        let request = web_sys::window().and_then(|window| window.request_animation_frame(&on_frame).ok());
        let timeout = after(NO_FRAME_MS, move || {
            let _ = on_frame.call0(&wasm_bindgen::JsValue::NULL);
        });
        self.pending.replace(Some(Pending { request, _timeout: timeout }));
    }

    /// Forgets the frame asked for.
    pub(super) fn cancel(&self) {
        take(&self.pending);
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        self.cancel();
    }
}

/// Takes what is pending and silences whichever of frame and timer did not come first.
fn take(pending: &RefCell<Option<Pending>>) -> bool {
    let Some(Pending { request, .. }) = pending.take() else { return false };
    if let (Some(request), Some(window)) = (request, web_sys::window()) {
        let _ = window.cancel_animation_frame(request);
    }
    true
}
