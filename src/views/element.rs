//! Elements and attributes by their names, all of one type.
//!
//! `view!` has a type for every tag, attribute and event, and each type is paid for in bytes where it is used first. What has
//! attributes or events that stand nowhere else is made here.

use leptos::{
    ev::{Custom, on},
    html::custom,
    prelude::*,
    tachys::html::attribute::{any_attribute::AnyAttribute, custom::custom_attribute},
};
use wasm_bindgen::JsCast as _;

use super::part::{Happens, Words};

/// What an element has.
pub(super) enum Has {
    /// An attribute that stays.
    Is(&'static str, &'static str),
    /// The same, made at run time.
    Text(&'static str, String),
    /// An attribute that changes.
    Words(&'static str, Words),
    /// A listener to an event.
    On(&'static str, Happens),
}

impl Has {
    /// An attribute that changes.
    pub(super) fn words<W: Into<String>>(name: &'static str, words: impl FnMut() -> W + Send + 'static) -> Self {
        Self::Words(name, super::part::words(words))
    }

    /// A listener to an event.
    pub(super) fn on(event: &'static str, act: impl FnMut(web_sys::Event) + 'static) -> Self {
        Self::On(event, Box::new(act))
    }

    /// A listener to a key.
    pub(super) fn key(mut act: impl FnMut(&web_sys::KeyboardEvent) + 'static) -> Self {
        Self::on("keydown", move |event| act(event.unchecked_ref()))
    }

    fn attribute(self) -> AnyAttribute {
        match self {
            Self::Is(name, value) => custom_attribute(name, value).into_any_attr(),
            Self::Text(name, value) => custom_attribute(name, value).into_any_attr(),
            Self::Words(name, words) => custom_attribute(name, words).into_any_attr(),
            Self::On(event, act) => on(Custom::new(event), act).into_any_attr(),
        }
    }
}

/// An element with what it has and holds.
pub(super) fn element(tag: &'static str, has: Vec<Has>, holds: Vec<AnyView>) -> AnyView {
    let attributes: Vec<AnyAttribute> = has.into_iter().map(Has::attribute).collect();
    custom(tag).child(holds).add_any_attr(attributes).into_any()
}
