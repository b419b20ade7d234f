//! Streams over HTTP/1.1: a browser opens six connections to one host for all tabs together, and POSTs need some of them.

use wasm_bindgen::JsCast as _;
use web_sys::PerformanceResourceTiming;

use super::locks::{Lock, NotGranted, claim};

/// So many tabs may have a stream to one gateway.
const SLOTS: u32 = 4;

/// Claims one of the gateway's slots. None where none is needed, or where nobody can say.
///
/// # Errors
/// All of them are taken.
pub(super) async fn claim_one(base: &str, origin: &str) -> Result<Option<Lock>, NotGranted> {
    if is_multiplexed(base) {
        return Ok(None);
    }
    for slot in 1..=SLOTS {
        match claim(format!("moorline.slot.{origin}.{slot}"), None).await {
            Ok(lock) => return Ok(Some(lock)),
            Err(NotGranted::NoLocks) => return Ok(None),
            Err(NotGranted::Taken) => {}
        }
    }
    Err(NotGranted::Taken)
}

/// Whether connections to the gateway carry many streams at once, as the last check, just before, has shown.
fn is_multiplexed(base: &str) -> bool {
    let Some(performance) = web_sys::window().and_then(|window| window.performance()) else { return false };
    let last = performance.get_entries_by_name(&format!("{base}v1/events")).pop();
    !last.is_undefined() && matches!(last.unchecked_into::<PerformanceResourceTiming>().next_hop_protocol().as_str(), "h2" | "h3")
}
