//! News that is no state.

use leptos::prelude::*;

use crate::model::{Model, Sentence};

pub(super) fn notices(model: &Model) -> impl IntoView + use<> {
    let (notices, shown) = (model.notices().clone(), model.notices().shown());
    let notice = move |sentence: Sentence| {
        let (notices, no) = (notices.clone(), sentence.no);
        view! {
            <div class="notice" data-notice="">
                <p>{sentence.text}</p>
                <button type="button" class="small" on:click=move |_| notices.dismiss(no)>"Dismiss"</button>
            </div>
        }
    };
    view! {
        <div class="notices">
            <For each=move || shown.get() key=|sentence| sentence.no children=notice />
        </div>
    }
}
