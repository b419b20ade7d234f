//! An element in the document, and how it gets there.
//!
//! Leptos builds an element call by call and gives each of its attributes an effect, a handle and a box of its own. Here what is
//! known when the page is built is set up once for every place in the code and cloned from then on, and one effect keeps all
//! of an element's attributes: transcripts are long, and every block is several elements.

use std::{cell::RefCell, collections::BTreeMap};

use leptos::{
    prelude::*,
    tachys::{
        html::attribute::{Attribute, any_attribute::AnyAttribute},
        hydration::Cursor,
        view::{Mountable, Position, PositionState, add_attr::AddAnyAttr, any_view::AnyViewState},
    },
};
use send_wrapper::SendWrapper;
use wasm_bindgen::{JsCast as _, JsValue, closure::Closure};
use web_sys::{Element, Event, Node};

use super::Has;
use crate::views::part::Happens;

/// The tag and, a line each, the attributes that stay, as `name=value`: one string is less code than a list.
type Head = &'static str;

/// An element that is to be built.
pub(super) struct Blueprint(SendWrapper<Parts>);

struct Parts {
    head: Head,
    has: Vec<Has>,
    holds: Vec<AnyView>,
    lasts: bool,
}

impl Blueprint {
    /// One that `lasts` stays in the document when one of the same head is shown in its place.
    pub(super) fn new(head: Head, has: Vec<Has>, holds: Vec<AnyView>, lasts: bool) -> Self {
        Self(SendWrapper::new(Parts { head, has, holds, lasts }))
    }
}

/// An element that is built.
pub(super) struct Built {
    element: Element,
    head: Head,
    names: Vec<&'static str>,
    keeper: Option<Keeper>,
    listeners: Vec<Listener>,
    holds: Vec<AnyViewState>,
}

/// The values that an effect has written.
type Values = Vec<Option<String>>;
type Keeper = RenderEffect<Values>;

/// What an effect keeps up to date.
struct Kept {
    name: &'static str,
    is_property: bool,
    value: Box<dyn FnMut() -> Option<String> + Send>,
}

impl Kept {
    fn write(&self, element: &Element, value: Option<&str>) {
        match value {
            Some(value) if self.is_property => {
                drop(js_sys::Reflect::set(element, &JsValue::from_str(self.name), &JsValue::from_str(value)))
            }
            Some(value) => set(element, self.name, value),
            None => drop(element.remove_attribute(self.name)),
        }
    }
}

impl Render for Blueprint {
    type State = Built;

    fn build(self) -> Built {
        let Parts { head, has, holds, .. } = self.0.take();
        let element = first(head);
        let names = has.iter().map(Has::name).collect();
        let mut holds: Vec<AnyViewState> = holds.into_iter().map(AnyView::build).collect();
        for held in &mut holds {
            held.mount(&element, None);
        }
        // Behind what it holds: the value of a select is one of its options.
        let (keeper, listeners) = dress(&element, has, None);
        Built { element, head, names, keeper, listeners, holds }
    }

    fn rebuild(self, built: &mut Built) {
        let Parts { head, has, holds, lasts } = &*self.0;
        let is_alike = *head == built.head && has.iter().map(Has::name).eq(built.names.iter().copied()) && holds.len() == built.holds.len();
        if !lasts || !is_alike {
            let mut new = self.build();
            built.insert_before_this(&mut new);
            built.unmount();
            *built = new;
            return;
        }
        let Parts { has, holds, .. } = self.0.take();
        for (view, held) in holds.into_iter().zip(&mut built.holds) {
            view.rebuild(held);
        }
        let known = built.keeper.take().and_then(|keeper| keeper.take_value());
        built.listeners.clear();
        (built.keeper, built.listeners) = dress(&built.element, has, known);
    }
}

/// A new element with what its head says.
fn first(head: Head) -> Element {
    thread_local! {
        static FIRSTS: RefCell<BTreeMap<(usize, usize), Element>> = RefCell::default();
    }
    FIRSTS.with_borrow_mut(|firsts| {
        let first = firsts.entry((head.as_ptr().addr(), head.len())).or_insert_with(|| {
            let mut lines = head.split('\n');
            let element = document().create_element(lines.next().unwrap_or_default()).expect("the tag is a name");
            for (name, value) in lines.filter_map(|line| line.split_once('=')) {
                set(&element, name, value);
            }
            element
        });
        first.clone_node().expect("elements can be cloned").unchecked_into()
    })
}

/// Gives an element what it has; `known` is what an effect before had written.
fn dress(element: &Element, has: Vec<Has>, known: Option<Values>) -> (Option<Keeper>, Vec<Listener>) {
    let (mut kept, mut listeners) = (Vec::new(), Vec::new());
    for has in has {
        let (name, is_property, value): (_, _, Box<dyn FnMut() -> Option<String> + Send>) = match has {
            Has::Is(name, value) => {
                set(element, name, value);
                continue;
            }
            Has::Text(name, value) => {
                set(element, name, &value);
                continue;
            }
            Has::Not(name) => {
                drop(element.remove_attribute(name));
                continue;
            }
            Has::On(event, act) => {
                listeners.push(Listener::new(element, event, act));
                continue;
            }
            Has::Ref(tell) => {
                tell(element);
                continue;
            }
            Has::Words(name, mut words) => (name, false, Box::new(move || Some(words()))),
            Has::Flag(name, mut flag) => (name, false, Box::new(move || flag().then(String::new))),
            Has::Word(name, mut word) => (name, false, Box::new(move || word().map(str::to_owned))),
            Has::Property(name, mut words) => (name, true, Box::new(move || Some(words()))),
        };
        kept.push(Kept { name, is_property, value });
    }
    let element = element.clone();
    let keeper = (!kept.is_empty()).then(|| {
        let count = kept.len();
        let keep = move |held: Option<Values>| {
            let mut held = held.unwrap_or_else(|| vec![None; count]);
            for (kept, held) in kept.iter_mut().zip(&mut held) {
                let value = (kept.value)();
                // Users change properties, too: what was written last need not be there.
                if kept.is_property || value != *held {
                    kept.write(&element, value.as_deref());
                    *held = value;
                }
            }
            held
        };
        RenderEffect::new_with_value(keep, known)
    });
    (keeper, listeners)
}

fn set(element: &Element, name: &str, value: &str) {
    drop(element.set_attribute(name, value));
}

/// A listener to an event, until it is dropped.
struct Listener {
    element: Element,
    event: &'static str,
    act: Closure<dyn FnMut(Event)>,
}

impl Listener {
    fn new(element: &Element, event: &'static str, act: Happens) -> Self {
        let listener = Self { element: element.clone(), event, act: Closure::wrap(act) };
        drop(element.add_event_listener_with_callback(event, listener.act.as_ref().unchecked_ref()));
        listener
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        drop(self.element.remove_event_listener_with_callback(self.event, self.act.as_ref().unchecked_ref()));
    }
}

impl Mountable for Built {
    fn unmount(&mut self) {
        self.element.remove();
    }

    fn mount(&mut self, parent: &Element, marker: Option<&Node>) {
        drop(parent.insert_before(&self.element, marker));
    }

    fn insert_before_this(&self, child: &mut dyn Mountable) -> bool {
        let parent = self.element.parent_element();
        parent.inspect(|parent| child.mount(parent, Some(&self.element))).is_some()
    }

    fn elements(&self) -> Vec<Element> {
        vec![self.element.clone()]
    }
}

impl AddAnyAttr for Blueprint {
    type Output<SomeNewAttr: Attribute> = Self;

    fn add_any_attr<NewAttr: Attribute>(self, _attr: NewAttr) -> Self {
        self
    }
}

/// The page is built in the browser: nothing is written as HTML, or found there.
impl RenderHtml for Blueprint {
    type AsyncOutput = Self;
    type Owned = Self;

    const MIN_LENGTH: usize = 0;

    fn dry_resolve(&mut self) {}

    async fn resolve(self) -> Self {
        self
    }

    fn to_html_with_buf(self, _: &mut String, _: &mut Position, _: bool, _: bool, _: Vec<AnyAttribute>) {}

    fn hydrate<const FROM_SERVER: bool>(self, _: &Cursor, _: &PositionState) -> Built {
        self.build()
    }

    fn into_owned(self) -> Self {
        self
    }
}
