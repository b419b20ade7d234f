//! The agent's thinking, folded away.

use std::sync::Arc;

use leptos::prelude::*;

use crate::model::{BlockRow, Model, Screen};

use super::{beginning::beginning, disclosure::disclosure, markdown::markdown, part::view};

pub(super) fn thought(model: &Model, screen: &Screen, row: &Arc<BlockRow>) -> AnyView {
    let (model, screen, row) = (model.clone(), screen.clone(), Arc::clone(row));
    let body = move || view! { {beginning(&model, &row)} {markdown(&screen, &row, "text markdown thought-text")} };
    view! { <div class="thought">{disclosure("Thinking".into_any(), body)}</div> }
}
