//! Parts of a view that change, each sort of one type: every type of closure is paid for in bytes on every page load.

use std::sync::Arc;

use leptos::{
    ev::{Event, MouseEvent},
    prelude::*,
};
use web_sys::HtmlElement;

use crate::timer::after;

/// Leptos' `view!` as one type for all elements: each further type of view brings its own copy of the code that shows,
/// changes and removes it.
macro_rules! view {
    ($($view:tt)*) => { $crate::views::part::erased(leptos::prelude::view! { $($view)* }) };
}

pub(super) use view;

pub(super) fn erased<V: IntoAny>(view: View<V>) -> AnyView {
    view.into_inner().into_any()
}

/// A text or an attribute that changes.
pub(super) type Words = Box<dyn FnMut() -> String + Send>;
/// An attribute that comes and goes.
pub(super) type Flag = Box<dyn FnMut() -> bool + Send>;
/// An attribute that comes, changes and goes.
pub(super) type Word = Box<dyn FnMut() -> Option<&'static str> + Send>;

/// Elements that change.
pub(super) fn part<V: IntoAny>(mut view: impl FnMut() -> V + Send + 'static) -> AnyView {
    let view: Box<dyn FnMut() -> AnyView + Send> = Box::new(move || view().into_any());
    view.into_any()
}

pub(super) fn words<W: Into<String>>(mut words: impl FnMut() -> W + Send + 'static) -> Words {
    Box::new(move || words().into())
}

/// What is done again whenever a signal that it reads changes.
pub(super) fn effect(run: impl FnMut() + 'static) -> Effect<LocalStorage> {
    let mut run: Box<dyn FnMut()> = Box::new(run);
    Effect::new(move |_: Option<()>| run())
}

pub(super) fn flag(flag: impl FnMut() -> bool + Send + 'static) -> Flag {
    Box::new(flag)
}

pub(super) fn word(word: impl FnMut() -> Option<&'static str> + Send + 'static) -> Word {
    Box::new(word)
}

/// What a click does.
pub(super) type Press = Box<dyn FnMut(MouseEvent)>;

pub(super) fn press(press: impl FnMut(MouseEvent) + 'static) -> Press {
    Box::new(press)
}

/// Does something once what changes now is in the document. All of one type: the browser's side of a timer is paid for by type.
pub(super) fn soon(act: impl FnOnce() + 'static) {
    later(0, act);
}

pub(super) fn later(ms: u32, act: impl FnOnce() + 'static) {
    let act: Box<dyn FnOnce()> = Box::new(act);
    after(ms, act).forget();
}

/// The first element that matches, as what can have the focus.
pub(super) fn find(selector: &str) -> Option<HtmlElement> {
    document().query_selector(selector).ok().flatten().map(wasm_bindgen::JsCast::unchecked_into)
}

/// Gives the focus to the first element that matches.
pub(super) fn focus(selector: &str) -> Option<HtmlElement> {
    find(selector).inspect(|element| drop(element.focus()))
}

/// Keeps a reader who pressed a key on a button that goes away from being left nowhere; who pressed it with a pointer is not moved.
pub(super) fn leave_for(selector: &str, event: &MouseEvent) {
    if event.detail() == 0 {
        focus(selector);
    }
}

/// What any other event does.
pub(super) type Happens = Box<dyn FnMut(Event)>;

pub(super) fn happens(happens: impl FnMut(Event) + 'static) -> Happens {
    Box::new(happens)
}

pub(super) fn button(class: &'static str, action: &'static str, label: &'static str, press: Press) -> AnyView {
    view! { <button type="button" class=class data-action=action on:click=press>{label}</button> }
}

/// One line of a list.
struct Line {
    key: String,
    view: Box<dyn FnOnce() -> AnyView + Send>,
}

/// A list whose lines stay while their keys do; `view` makes the line of a new key.
pub(super) fn lines<T: Send + 'static>(
    list: impl Fn() -> Vec<T> + Send + Sync + 'static,
    key: fn(&T) -> String,
    view: impl Fn(T) -> AnyView + Send + Sync + 'static,
) -> AnyView {
    let view = Arc::new(view);
    let line = move |item| {
        let (key, view) = (key(&item), Arc::clone(&view));
        Line { key, view: Box::new(move || view(item)) }
    };
    keyed(Box::new(move || list().into_iter().map(&line).collect()))
}

fn keyed(list: Box<dyn Fn() -> Vec<Line> + Send + Sync>) -> AnyView {
    view! { <For each=list key=|line| line.key.clone() children=|line| (line.view)() /> }
}
