//! Tells whoever hosts or embeds the page where it stands: a CustomEvent named `moorline` on the window.

use leptos::prelude::*;
use serde::Serialize;
use web_sys::{CustomEvent, CustomEventInit};

use crate::model::Model;

use super::part::effect;

/// The event's `detail`.
#[derive(Serialize)]
struct Standing {
    /// The word of the `data-status` attribute.
    status: &'static str,
    /// Sends that are not accepted yet.
    waiting: usize,
}

/// Tells it now, and whenever it changes.
pub(super) fn tell_host(model: &Model) {
    let (status, waiting) = (model.status(), model.sends_waiting());
    effect(move || tell(&Standing { status: status.get().word(), waiting: waiting.get() }));
}

/// Nobody may be listening, and a host that throws in its listener must not stop the page.
fn tell(standing: &Standing) {
    let Ok(detail) = serde_wasm_bindgen::to_value(standing) else { return };
    let init = CustomEventInit::new();
    init.set_detail(&detail);
    if let (Some(window), Ok(event)) = (web_sys::window(), CustomEvent::new_with_event_init_dict("moorline", &init)) {
        let _ = window.dispatch_event(&event);
    }
}
