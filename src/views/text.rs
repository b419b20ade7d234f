//! The agent's answer.

use std::sync::Arc;

use leptos::prelude::*;

use crate::model::{BlockRow, Screen};

use super::markdown::markdown;

pub(super) fn text(screen: &Screen, row: &Arc<BlockRow>) -> AnyView {
    markdown(screen, row, "text markdown")
}
