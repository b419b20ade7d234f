//! A text of which only the end is here, and the way to what stands before.

use std::sync::Arc;

use leptos::prelude::*;

use crate::model::{BlockRow, Model};

use super::part::{flag, memo, part, press, view, words};

pub(super) fn beginning(model: &Model, row: &Arc<BlockRow>) -> AnyView {
    let (model, from, id) = (model.clone(), row.from.clone(), row.id.clone());
    let is_missing = memo(move || from.get() > 0);
    let loading = ArcRwSignal::new(false);
    part(move || {
        let (model, id, loading) = (model.clone(), id.clone(), loading.clone());
        let (closed, label) = (loading.clone(), loading.clone());
        is_missing.get().then(|| {
            view! {
                <div class="gap" data-beginning="">
                    <span>"The beginning of this text is not loaded."</span>
                    <button type="button" class="small" data-action="load-text" disabled=flag(move || closed.get()) on:click=press(move |_| model.load_text(&id, &loading))>
                        {words(move || if label.get() { "Loading…" } else { "Load more of it" })}
                    </button>
                </div>
            }
        })
    })
}
