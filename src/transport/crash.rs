//! A panic reaches the page instead of leaving it silently dead.

use std::{
    cell::RefCell,
    panic,
    rc::{Rc, Weak},
    sync::Once,
};

use super::Sink;

static HOOK: Once = Once::new();

thread_local! {
    static SINK: RefCell<Option<Weak<dyn Sink>>> = const { RefCell::new(None) };
}

/// Tells this sink, instead of an earlier one, of the program's panic.
pub(super) fn tell(sink: &Rc<dyn Sink>) {
    SINK.with(|slot| slot.replace(Some(Rc::downgrade(sink))));
    HOOK.call_once(|| {
        let earlier = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            earlier(info);
            let message = info.to_string();
            web_sys::console::error_1(&message.as_str().into());
            let sink = SINK.with(|slot| slot.try_borrow().ok().and_then(|slot| slot.as_ref().and_then(Weak::upgrade)));
            if let Some(sink) = sink {
                sink.crashed(&message);
            }
        }));
    });
}
