//! The page's elements, mounted in a host of their own.

#![allow(dead_code, reason = "every test binary uses its own part")]

use std::{cell::Cell, rc::Rc};

use moorline::{model::Model, views};
use wasm_bindgen::{JsCast as _, closure::Closure};
use web_sys::{Document, Element, HtmlElement};

use crate::browser::until;

/// A mounted page. Dropping it takes the page out of the document.
pub(crate) struct Dom {
    host: HtmlElement,
    _mount: Box<dyn std::any::Any>,
}

impl Dom {
    pub(crate) fn mount(document: &Document, model: &Model) -> Self {
        let host: HtmlElement = document.create_element("div").expect("an element").unchecked_into();
        document.body().expect("a body").append_child(&host).expect("it can be mounted");
        let model = model.clone();
        let mount = leptos::mount::mount_to(host.clone(), move || views::page(&model));
        Self { host, _mount: Box::new(mount) }
    }

    pub(crate) fn find(&self, selector: &str) -> Option<Element> {
        self.host.query_selector(selector).expect("a valid selector")
    }

    pub(crate) fn all(&self, selector: &str) -> Vec<Element> {
        let list = self.host.query_selector_all(selector).expect("a valid selector");
        (0..list.length()).filter_map(|at| list.item(at)).map(|node| node.unchecked_into()).collect()
    }

    pub(crate) fn count(&self, selector: &str) -> usize {
        self.all(selector).len()
    }

    /// The texts of all elements of a selector, in document order.
    pub(crate) fn texts(&self, selector: &str) -> Vec<String> {
        self.all(selector).iter().map(|element| element.text_content().unwrap_or_default()).collect()
    }

    pub(crate) fn attribute(&self, selector: &str, name: &str) -> String {
        self.find(selector).and_then(|element| element.get_attribute(name)).unwrap_or_default()
    }

    pub(crate) fn click(&self, selector: &str) {
        let element = self.find(selector).unwrap_or_else(|| panic!("{selector} is on screen"));
        element.unchecked_into::<HtmlElement>().click();
    }

    pub(crate) fn composer(&self) -> web_sys::HtmlTextAreaElement {
        self.find("textarea[data-composer]").expect("the composer is on screen").unchecked_into()
    }

    /// Types as a user does: the value, then the event.
    pub(crate) fn type_text(&self, text: &str) {
        let composer = self.composer();
        composer.set_value(text);
        let init = web_sys::EventInit::new();
        init.set_bubbles(true);
        let event = web_sys::Event::new_with_event_init_dict("input", &init).expect("an event");
        composer.dispatch_event(&event).expect("it is dispatched");
    }

    /// Types into another field as a user does.
    pub(crate) fn type_into(&self, selector: &str, text: &str) {
        self.input(selector).set_value(text);
        self.dispatch(selector, "input");
    }

    pub(crate) fn input(&self, selector: &str) -> web_sys::HtmlInputElement {
        self.find(selector).unwrap_or_else(|| panic!("{selector} is on screen")).unchecked_into()
    }

    /// Dispatches an event that bubbles and can be cancelled.
    pub(crate) fn dispatch(&self, selector: &str, kind: &str) {
        let init = web_sys::EventInit::new();
        init.set_bubbles(true);
        init.set_cancelable(true);
        let event = web_sys::Event::new_with_event_init_dict(kind, &init).expect("an event");
        let element = self.find(selector).unwrap_or_else(|| panic!("{selector} is on screen"));
        element.dispatch_event(&event).expect("it is dispatched");
    }

    /// Whether what has the focus matches a selector.
    pub(crate) fn has_focus(&self, selector: &str) -> bool {
        let active = self.host.owner_document().and_then(|document| document.active_element());
        active.is_some_and(|active| active.matches(selector).expect("a valid selector"))
    }

    pub(crate) async fn until_focus(&self, selector: &str) {
        until(&format!("the focus to be on {selector}"), || self.has_focus(selector)).await;
    }

    /// Presses a key where the focus is.
    pub(crate) fn press_key_here(&self, init: &web_sys::KeyboardEventInit, key: &str) {
        let active = self.host.owner_document().and_then(|document| document.active_element()).expect("a document with a body");
        init.set_key(key);
        init.set_bubbles(true);
        init.set_cancelable(true);
        let event = web_sys::KeyboardEvent::new_with_keyboard_event_init_dict("keydown", init).expect("an event");
        active.dispatch_event(&event).expect("it is dispatched");
    }

    pub(crate) fn press_here(&self, key: &str) {
        self.press_key_here(&web_sys::KeyboardEventInit::new(), key);
    }

    pub(crate) fn press(&self, init: &web_sys::KeyboardEventInit, key: &str) {
        self.press_key("textarea[data-composer]", init, key);
    }

    pub(crate) fn press_on(&self, selector: &str, key: &str) {
        self.press_key(selector, &web_sys::KeyboardEventInit::new(), key);
    }

    fn press_key(&self, selector: &str, init: &web_sys::KeyboardEventInit, key: &str) {
        let element = self.find(selector).unwrap_or_else(|| panic!("{selector} is on screen"));
        init.set_key(key);
        init.set_bubbles(true);
        init.set_cancelable(true);
        let event = web_sys::KeyboardEvent::new_with_keyboard_event_init_dict("keydown", init).expect("an event");
        element.dispatch_event(&event).expect("it is dispatched");
    }

    /// Counts what changes below an element, and on it.
    pub(crate) fn watch(&self, selector: &str) -> Changes {
        self.observe(selector, |count, records, _| count.set(count.get() + records.length()))
    }

    /// Notes how many of a selector there are below an element when the first of another one comes; 0 before.
    pub(crate) fn count_when(&self, selector: &str, comes: &str, counted: &str) -> Changes {
        let (comes, counted) = (comes.to_owned(), counted.to_owned());
        self.observe(selector, move |count, _, element| {
            if count.get() == 0 && element.query_selector(&comes).expect("a selector").is_some() {
                count.set(element.query_selector_all(&counted).expect("a selector").length());
            }
        })
    }

    fn observe(&self, selector: &str, act: impl Fn(&Cell<u32>, &js_sys::Array, &Element) + 'static) -> Changes {
        let count = Rc::new(Cell::new(0));
        let element = self.find(selector).unwrap_or_else(|| panic!("{selector} is on screen"));
        let (counted, observed) = (Rc::clone(&count), element.clone());
        let callback = Closure::<dyn Fn(js_sys::Array)>::new(move |records: js_sys::Array| act(&counted, &records, &observed));
        let observer = web_sys::MutationObserver::new(callback.as_ref().unchecked_ref()).expect("an observer");
        let init = web_sys::MutationObserverInit::new();
        init.set_subtree(true);
        init.set_child_list(true);
        init.set_attributes(true);
        init.set_character_data(true);
        observer.observe_with_options(&element, &init).expect("it can be observed");
        Changes { count, observer, _callback: callback }
    }

    /// Waits until a selector finds so many elements.
    pub(crate) async fn until_count(&self, selector: &str, count: usize) {
        until(&format!("{count} of {selector}"), || self.count(selector) == count).await;
    }

    /// Waits until the texts of a selector are these.
    pub(crate) async fn until_texts(&self, selector: &str, texts: &[&str]) {
        until(&format!("{selector} to be {texts:?}"), || self.texts(selector) == texts).await;
    }

    pub(crate) async fn until_attribute(&self, selector: &str, name: &str, value: &str) {
        until(&format!("{selector} to have {name}={value}"), || self.attribute(selector, name) == value).await;
    }
}

impl Drop for Dom {
    fn drop(&mut self) {
        self.host.remove();
    }
}

/// What a watched element has seen.
pub(crate) struct Changes {
    count: Rc<Cell<u32>>,
    observer: web_sys::MutationObserver,
    _callback: Closure<dyn Fn(js_sys::Array)>,
}

impl Changes {
    pub(crate) fn count(&self) -> u32 {
        self.count.get()
    }
}

impl Drop for Changes {
    fn drop(&mut self) {
        self.observer.disconnect();
    }
}
