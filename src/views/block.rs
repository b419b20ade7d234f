//! One block: its hooks, and the view of its kind.

use std::sync::Arc;

use leptos::prelude::*;

use crate::model::{BlockRow, Content, Model, Screen, TurnRow};

use super::{
    message,
    part::{view, words},
    plan, request, text, thought, tool, unsupported,
};

pub(super) fn block(model: &Model, screen: &Screen, row: &Arc<BlockRow>, turn: &Arc<TurnRow>) -> AnyView {
    let body = match &row.content {
        Content::Message => message::message(model, screen, row, turn),
        Content::Text => text::text(model, screen, row),
        Content::Thought => thought::thought(model, screen, row),
        Content::Tool { title, tool, status, exit, times } => tool::tool(model, screen, row, title, tool, (status, exit, times)),
        Content::Plan { entries } => plan::plan(entries),
        Content::Request { title, options, settled } => request::request(model, screen, row, title, options, settled),
        Content::Unsupported { title } => unsupported::unsupported(title),
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
