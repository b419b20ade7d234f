//! Work that goes on beside what began it, all of one type: every type of future is paid for in bytes on every page load.

use std::pin::Pin;

use wasm_bindgen_futures::spawn_local;

/// Begins some work in a later task of the browser's; nothing waits for it.
pub(crate) fn spawn(work: impl Future<Output = ()> + 'static) {
    let work: Pin<Box<dyn Future<Output = ()>>> = Box::pin(work);
    spawn_local(work);
}
