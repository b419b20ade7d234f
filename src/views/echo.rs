//! A message whose event is not here yet.

use std::sync::Arc;

use leptos::prelude::*;

use crate::model::{EchoRow, Model};

use super::{
    part::{part, view, words},
    send_line::{send_line, word},
};

pub(super) fn echo(model: &Model, row: &Arc<EchoRow>) -> AnyView {
    let (state, line, id, model) = (row.line.clone(), row.line.clone(), row.message.clone(), model.clone());
    view! {
        <div class="turn echo">
            <div class="message" data-message-id=row.message.to_string() data-send-state=words(move || state.with(|line| word(&line.state)))>
                <span class="unseen">"You: "</span>
                <div class="text" data-text="">{row.text.clone()}</div>
                {part(move || line.with(|line| send_line(&model, &id, line, true)))}
            </div>
        </div>
    }
}
