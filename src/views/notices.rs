//! News that is no state.

use leptos::prelude::*;

use crate::model::{Model, Sentence};

use super::part::{lines, press, view};

pub(super) fn notices(model: &Model) -> AnyView {
    let (notices, shown) = (model.notices().clone(), model.notices().shown());
    let notice = move |sentence: Sentence| {
        let (notices, no) = (notices.clone(), sentence.no);
        view! {
            <div class="notice" data-notice="">
                <p>{sentence.text}</p>
                <button type="button" class="small" on:click=press(move |_| notices.dismiss(no))>"Dismiss"</button>
            </div>
        }
    };
    view! {
        <div class="notices">
            {lines(move || shown.get(), |sentence| sentence.no.to_string(), notice)}
        </div>
    }
}
