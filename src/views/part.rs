//! Parts of a view that change, each sort of one type: every type of closure is paid for in bytes on every page load.

use std::sync::Arc;

use leptos::{
    ev::{Event, MouseEvent},
    prelude::*,
};
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use crate::timer::after;

pub(super) use super::element::view;

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

/// What is computed from signals, and tells of a change only when it comes out different.
pub(super) fn memo<T: PartialEq + Send + Sync + 'static>(value: impl Fn() -> T + Send + Sync + 'static) -> ArcMemo<T> {
    let value: Box<dyn Fn() -> T + Send + Sync> = Box::new(value);
    ArcMemo::new(move |_| value())
}

/// What an event at the window does, until the part that asks for it goes.
pub(super) fn at_window(event: &'static str, act: impl Fn(Event) + 'static) {
    let act: Box<dyn Fn(Event)> = Box::new(act);
    let listener = window_event_listener_untyped(event, act);
    on_cleanup(move || listener.remove());
}

pub(super) fn flag(flag: impl FnMut() -> bool + Send + 'static) -> Flag {
    Box::new(flag)
}

pub(super) fn word(word: impl FnMut() -> Option<&'static str> + Send + 'static) -> Word {
    Box::new(word)
}

/// What a click does.
pub(super) fn press(mut press: impl FnMut(MouseEvent) + 'static) -> Happens {
    Box::new(move |event| press(event.unchecked_into()))
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
    document().query_selector(selector).ok().flatten().map(JsCast::unchecked_into)
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

/// What an event does.
pub(super) type Happens = Box<dyn FnMut(Event)>;

pub(super) fn happens(happens: impl FnMut(Event) + 'static) -> Happens {
    Box::new(happens)
}

pub(super) fn button(class: &'static str, action: &'static str, label: &'static str, press: Happens) -> AnyView {
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
    leptos::prelude::view! { <For each=list key=|line| line.key.clone() children=|line| (line.view)() /> }.into_inner().into_any()
}
