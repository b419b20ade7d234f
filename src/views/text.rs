//! The agent's answer.

use std::sync::Arc;

use leptos::prelude::*;

use crate::model::{BlockRow, Screen};

use super::live_text::live_text;

pub(super) fn text(screen: &Screen, row: &Arc<BlockRow>) -> AnyView {
    live_text(screen, row, "text")
}
