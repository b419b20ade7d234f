//! The agent's thinking, folded away.

use std::sync::Arc;

use leptos::prelude::*;

use crate::model::{BlockRow, Screen};

use super::{disclosure::disclosure, markdown::markdown, part::view};

pub(super) fn thought(screen: &Screen, row: &Arc<BlockRow>) -> AnyView {
    let (screen, row) = (screen.clone(), Arc::clone(row));
    let body = move || markdown(&screen, &row, "text markdown thought-text");
    view! { <div class="thought">{disclosure("Thinking".into_any(), body)}</div> }
}
