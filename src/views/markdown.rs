//! A block's markdown as elements that grow in place.

mod code;
mod colour;
pub(super) mod dom;
mod draw;
mod sheet;

use std::sync::Arc;

use leptos::{html, prelude::*};

use crate::model::{BlockRow, Screen};

use super::{growing::grow, part::view};
use sheet::Sheet;

/// An element that shows the block's text as markdown. Its text is what [`moorline_markup::plain`] says. A token costs what the
/// open tail costs; what is finished is not touched again.
pub(super) fn markdown(screen: &Screen, row: &Arc<BlockRow>, class: &'static str) -> AnyView {
    let node = NodeRef::<html::Div>::new();
    grow::<Sheet>(screen, row, node);
    view! { <div class=class data-text="" node_ref=node></div> }
}
