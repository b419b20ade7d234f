//! What the user typed, once it is in the journal.

use std::sync::Arc;

use leptos::prelude::*;
use moorline_protocol::TurnState;

use crate::model::{BlockRow, Model, Screen, TurnRow};

use super::{
    beginning::beginning,
    live_text::live_text,
    part::{flag, part, press, view, words},
};

pub(super) fn message(model: &Model, screen: &Screen, row: &Arc<BlockRow>, turn: &Arc<TurnRow>) -> AnyView {
    let (withdrawing, id) = (screen.withdrawing(), turn.id.clone());
    let is_withdrawing = move || withdrawing.with(|messages| messages.contains(&id));
    let send_state = {
        let is_withdrawing = is_withdrawing.clone();
        move || if is_withdrawing() { "withdrawing" } else { "accepted" }
    };
    view! {
        <div class="message" data-message-id=turn.id.to_string() data-send-state=words(send_state)>
            <span class="unseen">"You: "</span>
            {beginning(model, row)}
            {live_text(screen, row, "text")}
            {queued(model, screen, turn, is_withdrawing)}
        </div>
    }
}

/// What a message offers while it waits for the turns before it.
fn queued<F>(model: &Model, screen: &Screen, turn: &Arc<TurnRow>, is_withdrawing: F) -> impl IntoView + use<F>
where
    F: Fn() -> bool + Clone + Send + Sync + 'static,
{
    let (model, screen, turn) = (model.clone(), screen.clone(), Arc::clone(turn));
    part(move || {
        if turn.state.get() != TurnState::Queued {
            return None;
        }
        let edit = {
            let (model, screen, turn) = (model.clone(), screen.clone(), turn.id.clone());
            move |_| model.withdraw(&turn, screen.message_text(&turn))
        };
        let remove = {
            let (model, turn) = (model.clone(), turn.id.clone());
            move |_| model.withdraw(&turn, None)
        };
        let now = {
            let (model, turn) = (model.clone(), turn.id.clone());
            move |_| model.send_now(&turn)
        };
        let (now_closed, edits_closed) = (is_withdrawing.clone(), is_withdrawing.clone());
        let (remove_closed, taken_back) = (is_withdrawing.clone(), is_withdrawing.clone());
        Some(view! {
            <div class="send-line">
                <span class="send-state">{words(move || if taken_back() { "Taking back…" } else { "Waits for its turn" })}</span>
                <button type="button" class="small" data-action="now" disabled=flag(now_closed) on:click=press(now)>"Send now"</button>
                <button type="button" class="small" data-action="edit" disabled=flag(edits_closed) on:click=press(edit)>"Edit"</button>
                <button type="button" class="small" data-action="remove" disabled=flag(remove_closed) on:click=press(remove)>"Remove"</button>
            </div>
        })
    })
}
