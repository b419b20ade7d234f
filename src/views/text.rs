//! The agent's answer.

use std::sync::Arc;

use leptos::prelude::*;

use crate::model::{BlockRow, Model, Screen};

use super::{beginning::beginning, markdown::markdown, part::view};

pub(super) fn text(model: &Model, screen: &Screen, row: &Arc<BlockRow>) -> AnyView {
    view! { {beginning(model, row)} {markdown(screen, row, "text markdown")} }
}
