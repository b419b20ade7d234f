//! A range known to be missing, and the way to fill it.

use leptos::prelude::*;
use moorline_protocol::Seq;

use crate::model::{Model, Screen};

use super::part::{flag, press, view, words};

pub(super) fn gap(model: &Model, screen: &Screen, end: Seq) -> AnyView {
    let (model, loading) = (model.clone(), screen.loading());
    let is_loading = move || loading.get().is_some();
    let label = is_loading.clone();
    view! {
        <div class="gap" data-gap=end.to_string()>
            <span>"Earlier messages are not loaded."</span>
            <button type="button" class="small" data-action="load" disabled=flag(is_loading) on:click=press(move |_| model.load(end))>
                {words(move || if label() { "Loading…" } else { "Load" })}
            </button>
        </div>
    }
}
