//! One block: its hooks, and the view of its kind.

use std::sync::Arc;

use leptos::prelude::*;

use crate::model::{BlockRow, Content, Model, Screen, TurnRow};

use super::{message, part::words, plan, request, text, thought, tool, unsupported};

pub(super) fn block(model: &Model, screen: &Screen, row: &Arc<BlockRow>, turn: &Arc<TurnRow>) -> impl IntoView + use<> {
    let body = match &row.content {
        Content::Message => message::message(model, screen, row, turn).into_any(),
        Content::Text => text::text(screen, row).into_any(),
        Content::Thought => thought::thought(screen, row).into_any(),
        Content::Tool { title, tool, status } => tool::tool(screen, row, title, tool, status).into_any(),
        Content::Plan { entries } => plan::plan(entries).into_any(),
        Content::Request { title, options, settled } => request::request(model, screen, row, title, options, settled).into_any(),
        Content::Unsupported { title } => unsupported::unsupported(title).into_any(),
    };
    let rev = row.rev.clone();
    view! {
        <div
            class="block"
            data-block=row.id.to_string()
            data-kind=row.content.word()
            data-first-seq=row.opened.to_string()
            data-last-seq=words(move || rev.get().to_string())
        >
            {body}
        </div>
    }
}
