//! Web Locks: what only one tab of this origin may have at a time.
//!
//! The browser gives them to pages of secure origins alone. Elsewhere every claim ends in [`NotGranted::NoLocks`].

use gloo_timers::callback::Timeout;
use js_sys::{Array, Function, Object, Promise, Reflect};
use wasm_bindgen::{JsCast as _, JsValue, closure::Closure, prelude::wasm_bindgen};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, AbortSignal};

use crate::timer::after;

#[wasm_bindgen]
extern "C" {
    // In web-sys this needs a flag for the compiler, because it counts as unstable.
    #[wasm_bindgen(js_namespace = ["navigator", "locks"], catch)]
    fn request(name: &str, options: &Object, granted: &Function) -> Result<Promise, JsValue>;
}

/// A Web Lock. It is released on drop, and by the browser when the page goes.
pub(super) struct Lock {
    release: Function,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Settles a promise, which never throws.
        let _ = self.release.call0(&JsValue::UNDEFINED);
    }
}

/// Why there is no lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotGranted {
    /// Somebody else has it, and kept it for as long as was waited.
    Taken,
    /// The browser has no locks for this page.
    NoLocks,
}

/// For how long a claim waits. Dropping it ends the wait; a lock that was granted before stays.
pub(super) struct Wait {
    /// None where there is no AbortController: in no browser that has Web Locks.
    controller: Option<AbortController>,
    _limit: Option<Timeout>,
}

impl Wait {
    pub(super) fn without_limit() -> Self {
        Self { controller: AbortController::new().ok(), _limit: None }
    }

    pub(super) fn at_most(ms: u32) -> Self {
        let controller = AbortController::new().ok();
        let limit = controller.clone().map(|controller| after(ms, move || controller.abort()));
        Self { controller, _limit: limit }
    }

    pub(super) fn signal(&self) -> Option<AbortSignal> {
        self.controller.as_ref().map(AbortController::signal)
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        if let Some(controller) = &self.controller {
            controller.abort();
        }
    }
}

/// Claims a lock, until the signal ends the wait; without a signal nothing is waited for.
pub(super) async fn claim(name: String, wait: Option<AbortSignal>) -> Result<Lock, NotGranted> {
    let options = Object::new();
    // Setting a property of a plain object never fails.
    let _ = match &wait {
        Some(signal) => Reflect::set(&options, &"signal".into(), signal),
        None => Reflect::set(&options, &"ifAvailable".into(), &JsValue::TRUE),
    };
    // A default function would be one evaluated from a string, which the page's policy forbids.
    let mut tell: Function = JsValue::UNDEFINED.unchecked_into();
    let told = Promise::new(&mut |resolve, _| tell = resolve);
    // The browser takes the lock back when the promise that this gives is settled: by what it tells.
    let granted = Closure::<dyn FnMut(JsValue) -> Promise>::new(move |lock: JsValue| {
        Promise::new(&mut |release, _| {
            let answer = if lock.is_null() { JsValue::NULL } else { release.clone().into() };
            if lock.is_null() {
                let _ = release.call0(&lock);
            }
            let _ = tell.call1(&JsValue::UNDEFINED, &answer);
        })
    });
    let asked = request(&name, &options, granted.as_ref().unchecked_ref()).map_err(|_| NotGranted::NoLocks)?;
    // Of the two, the request itself ends first only when it fails.
    match JsFuture::from(Promise::race(&Array::of2(&told, &asked))).await {
        Ok(release) => release.dyn_into().map(|release| Lock { release }).map_err(|_| NotGranted::Taken),
        Err(_) if wait.is_some_and(|wait| wait.aborted()) => Err(NotGranted::Taken),
        Err(_) => Err(NotGranted::NoLocks),
    }
}
