//! The loop under the page: inputs in a queue, fed in slices, the browser in between.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::{Rc, Weak},
};

use gloo_timers::callback::Timeout;
use js_sys::Promise;
use wasm_bindgen::{JsCast as _, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::{MessageChannel, MessagePort, VisibilityState};

use super::clock::monotonic_ms;
use crate::{task::spawn, timer::after};

/// A slice ends after this many inputs …
const SLICE_INPUTS: usize = 256;
/// … or after this long, whichever comes first.
const SLICE_MS: f64 = 8.0;
/// After this many inputs the effects they set off get to run, so that their time counts toward the slice.
const RUN_INPUTS: usize = 64;
/// What can wait is fed this long after the last slice: a slice changes the page, and what a changed page costs is layout and
/// paint, however little is new.
const PAUSE_MS: u32 = 50;

/// What the pump drives.
pub trait Driven {
    /// One thing that a callback put into the queue.
    type Input;

    /// Begins a slice: looks at the clock and handles what is due.
    fn begin(&self);

    /// Takes one input.
    fn feed(&self, input: Self::Input);

    /// Follows a run of inputs, also an empty one.
    fn settle(&self);
}

/// A queue of inputs and at most one scheduled slice.
///
/// Slices are tasks of a `MessageChannel`: not throttled in a hidden page as timers are, not stopped as animation frames
/// are, and clicks and keys get in between.
pub struct Pump<I: 'static> {
    shared: Rc<Shared<I>>,
    own_port: MessagePort,
    _on_message: Closure<dyn FnMut()>,
}

struct Shared<I> {
    queue: RefCell<VecDeque<I>>,
    scheduled: Cell<bool>,
    wake: MessagePort,
    /// When the last slice ended.
    ended_ms: Cell<f64>,
    pause: RefCell<Option<Timeout>>,
}

impl<I: 'static> Pump<I> {
    /// Makes a pump at rest.
    ///
    /// # Panics
    /// Where there is no `MessageChannel`: in no browser that runs WebAssembly.
    pub fn new(driven: Weak<dyn Driven<Input = I>>) -> Self {
        let Ok(channel) = MessageChannel::new() else { panic!("this browser has no MessageChannel") };
        let shared = Rc::new(Shared {
            queue: RefCell::default(),
            scheduled: Cell::new(false),
            wake: channel.port2(),
            ended_ms: Cell::default(),
            pause: RefCell::default(),
        });
        let on_message = Closure::<dyn FnMut()>::new({
            let shared = Rc::downgrade(&shared);
            move || {
                if let (Some(shared), Some(driven)) = (shared.upgrade(), driven.upgrade()) {
                    spawn(slice(shared, driven));
                }
            }
        });
        let own_port = channel.port1();
        own_port.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        Self { shared, own_port, _on_message: on_message }
    }

    /// Queues an input and sees to it that a slice comes.
    pub fn push(&self, input: I) {
        self.push_in_time(input, false);
    }

    /// Queues an input. One that can wait is fed when a pause has passed since the last slice, unless the page is hidden: its
    /// timers are slow.
    pub fn push_in_time(&self, input: I, can_wait: bool) {
        self.shared.queue.borrow_mut().push_back(input);
        if can_wait {
            self.shared.wake_after_pause();
        } else {
            self.shared.wake();
        }
    }

    /// Sees to it that a slice comes, also without an input.
    pub fn wake(&self) {
        self.shared.wake();
    }
}

impl<I> Drop for Pump<I> {
    fn drop(&mut self) {
        self.own_port.set_onmessage(None);
        self.own_port.close();
        self.shared.wake.close();
    }
}

impl<I: 'static> Shared<I> {
    fn wake_after_pause(self: &Rc<Self>) {
        if self.scheduled.get() {
            return;
        }
        if is_hidden() {
            return self.wake();
        }
        if self.pause.borrow().is_some() {
            return;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the pause")]
        let passed_ms = (monotonic_ms() - self.ended_ms.get()).clamp(0.0, PAUSE_MS.into()) as u32;
        if passed_ms == PAUSE_MS {
            return self.wake();
        }
        let this = Rc::downgrade(self);
        let pause = after(PAUSE_MS - passed_ms, move || this.upgrade().iter().for_each(|shared| shared.wake()));
        self.pause.replace(Some(pause));
    }

    fn wake(&self) {
        self.pause.replace(None);
        if !self.scheduled.replace(true) {
            // Throws only for values that cannot be cloned.
            let _ = self.wake.post_message(&JsValue::NULL);
        }
    }
}

fn is_hidden() -> bool {
    web_sys::window().and_then(|window| window.document()).is_some_and(|document| document.visibility_state() == VisibilityState::Hidden)
}

async fn slice<I: 'static>(shared: Rc<Shared<I>>, driven: Rc<dyn Driven<Input = I>>) {
    let started_ms = monotonic_ms();
    let in_time = || monotonic_ms() - started_ms < SLICE_MS;
    let next = || shared.queue.borrow_mut().pop_front();
    driven.begin();
    let mut fed = 0;
    loop {
        let run_end = fed + RUN_INPUTS;
        while fed < run_end && in_time() {
            let Some(input) = next() else { break };
            driven.feed(input);
            fed += 1;
        }
        driven.settle();
        // Effects are microtasks of this task: they run here, before the clock is looked at again.
        let _ = JsFuture::from(Promise::resolve(&JsValue::UNDEFINED)).await;
        if fed >= SLICE_INPUTS || !in_time() || shared.queue.borrow().is_empty() {
            break;
        }
    }
    shared.scheduled.set(false);
    shared.ended_ms.set(monotonic_ms());
    if !shared.queue.borrow().is_empty() {
        shared.wake();
    }
}
