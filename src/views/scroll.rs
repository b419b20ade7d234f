//! The scroll position's one owner.
//!
//! It follows the end while the reader is there. Wheel, touch, keys and the scroll bar are intent: the first upward one
//! lets go. Arriving at the end again, a send, or the button takes hold.

use std::{
    cell::{Cell, RefCell},
    mem,
    rc::Rc,
};

use leptos::{html, prelude::*};
use moorline_protocol::Millis;
use send_wrapper::SendWrapper;
use wasm_bindgen::{JsCast as _, closure::Closure};
use web_sys::{AddEventListenerOptions, Element, Event, HtmlDivElement, KeyboardEvent, ResizeObserver, TouchEvent, WheelEvent};

use crate::model::{Model, Screen};

use super::{disclosure, part::effect};

/// This close to the end counts as there: fractions of a pixel are lost in rounding.
const AT_END_PX: i32 = 2;
/// This close to an edge of what is mounted, more is mounted there.
const NEAR_PX: i32 = 600;
/// A smooth scroll that was under way when the reader asked for the end goes on for so long, and is no intent any more.
const JUMP: Millis = Millis(600);
/// A scroll is under way for so long behind its last step.
const UNDER_WAY: Millis = Millis(200);

/// Follows the end of a scroller's column; returns whether it does.
pub(super) fn follow_end(model: &Model, screen: &Screen, scroller: NodeRef<html::Div>, column: NodeRef<html::Div>) -> ArcRwSignal<bool> {
    let pinned = ArcRwSignal::new(true);
    let (model, screen) = (model.clone(), screen.clone());
    let signal = pinned.clone();
    effect(move || {
        let (Some(scroller), Some(column)) = (scroller.get(), column.get()) else { return };
        let follower = Follower::attach(model.clone(), screen.clone(), signal.clone(), scroller, &column);
        let (repin, kept) = (screen.repin(), Rc::clone(&follower));
        let mut is_first = true;
        let repin = effect(move || {
            repin.track();
            if !mem::replace(&mut is_first, false) {
                kept.pin();
            }
        });
        let follower = SendWrapper::new(follower);
        on_cleanup(move || {
            repin.dispose();
            follower.detach();
        });
    });
    pinned
}

type OnResize = Closure<dyn FnMut()>;
type OnEvent = Closure<dyn FnMut(Event)>;

struct Follower {
    model: Model,
    screen: Screen,
    pinned: ArcRwSignal<bool>,
    scroller: HtmlDivElement,
    /// How the scroller stood when it was last looked at.
    last: Cell<Stand>,
    touch_y: Cell<i32>,
    /// Where the reader was last on the way to: a scroll alone does not say so, because what is mounted moves too.
    heads_up: Cell<bool>,
    /// When the reader last scrolled elsewhere than at the end.
    scrolled: Cell<Option<Millis>>,
    /// When the reader last asked for the end with a scroll under way.
    jumped: Cell<Option<Millis>>,
    /// An element that must not move when turns come or go above it, and its distance from the scroller's upper edge.
    held: RefCell<Option<(Element, f64)>>,
    observer: RefCell<Option<(ResizeObserver, OnResize)>>,
    listeners: RefCell<Vec<(&'static str, OnEvent)>>,
}

/// How a scroller stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Stand {
    top: i32,
    height: i32,
    arrangements: u32,
}

impl Follower {
    fn attach(model: Model, screen: Screen, pinned: ArcRwSignal<bool>, scroller: HtmlDivElement, column: &HtmlDivElement) -> Rc<Self> {
        let follower = Rc::new(Self {
            model,
            screen,
            pinned,
            scroller,
            last: Cell::default(),
            touch_y: Cell::new(0),
            heads_up: Cell::default(),
            scrolled: Cell::new(None),
            jumped: Cell::new(None),
            held: RefCell::default(),
            observer: RefCell::default(),
            listeners: RefCell::default(),
        });
        follower.observe(column);
        follower.listen("scroll", |this, _| this.on_scroll());
        follower.listen("wheel", |this, event| {
            let by = event.dyn_ref::<WheelEvent>().map(WheelEvent::delta_y).unwrap_or_default();
            if by > 0.0 {
                this.heads_up.set(false);
            } else if by < 0.0 && !scrolls_inside(event, &this.scroller) {
                this.unpin();
            }
        });
        follower.listen("touchstart", |this, event| this.touch_y.set(touch_y(event).unwrap_or_default()));
        follower.listen("touchmove", |this, event| {
            let Some(y) = touch_y(event) else { return };
            let before = this.touch_y.replace(y);
            if y < before {
                this.heads_up.set(false);
            } else if y > before && !scrolls_inside(event, &this.scroller) {
                this.unpin();
            }
        });
        // The focus goes where the reader goes.
        follower.listen("focusin", |this, _| this.jumped.set(None));
        // Whoever opens a card reads there: the end may move away.
        follower.listen("click", |this, event| {
            let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
            if target.is_some_and(|target| target.closest(disclosure::ANY).is_ok_and(|button| button.is_some())) {
                this.set_pinned(false);
            }
        });
        follower.listen("keydown", |this, event| {
            let Some(key) = event.dyn_ref::<KeyboardEvent>() else { return };
            match key.key().as_str() {
                "ArrowUp" | "PageUp" | "Home" => this.unpin(),
                "ArrowDown" | "PageDown" | "End" => this.heads_up.set(false),
                _ => {}
            }
        });
        follower
    }

    fn observe(self: &Rc<Self>, column: &HtmlDivElement) {
        let this = Rc::downgrade(self);
        let on_resize = OnResize::new(move || this.upgrade().iter().for_each(|this| this.on_resize()));
        let Ok(observer) = ResizeObserver::new(on_resize.as_ref().unchecked_ref()) else { return };
        observer.observe(column);
        observer.observe(&self.scroller);
        self.observer.replace(Some((observer, on_resize)));
    }

    fn listen(self: &Rc<Self>, kind: &'static str, act: impl Fn(&Rc<Self>, &Event) + 'static) {
        let this = Rc::downgrade(self);
        let closure = OnEvent::new(move |event: Event| this.upgrade().iter().for_each(|this| act(this, &event)));
        let options = AddEventListenerOptions::new();
        options.set_passive(true);
        let listener = closure.as_ref().unchecked_ref();
        if self.scroller.add_event_listener_with_callback_and_add_event_listener_options(kind, listener, &options).is_ok() {
            self.listeners.borrow_mut().push((kind, closure));
        }
    }

    fn detach(&self) {
        if let Some((observer, _)) = self.observer.take() {
            observer.disconnect();
        }
        for (kind, closure) in self.listeners.take() {
            let _ = self.scroller.remove_event_listener_with_callback(kind, closure.as_ref().unchecked_ref());
        }
    }

    fn pin(&self) {
        self.set_pinned(true);
        self.heads_up.set(false);
        let now = self.model.now();
        self.jumped.set(self.scrolled.get().filter(|at| now.since(*at) < UNDER_WAY).map(|_| now));
        self.held.replace(None);
        self.model.show_end();
        self.to_end();
    }

    fn unpin(&self) {
        self.jumped.set(None);
        self.heads_up.set(true);
        if self.scroller.scroll_height() > self.scroller.client_height() {
            self.set_pinned(false);
        }
    }

    fn set_pinned(&self, pinned: bool) {
        self.screen.set_at_end(pinned);
        if self.pinned.get_untracked() != pinned {
            self.pinned.set(pinned);
        }
    }

    fn to_end(&self) {
        self.scroller.set_scroll_top(self.scroller.scroll_height());
        self.look();
    }

    /// Notes how the scroller stands; returns how it stood, and stands.
    fn look(&self) -> (Stand, Stand) {
        let (top, height) = (self.scroller.scroll_top(), self.scroller.scroll_height());
        let now = Stand { top, height, arrangements: self.screen.arrangements() };
        (self.last.replace(now), now)
    }

    fn on_scroll(self: &Rc<Self>) {
        let (last, now) = self.look();
        let Stand { top, height, .. } = now;
        let below = height - top - self.scroller.client_height();
        let at_end = below <= AT_END_PX && !self.screen.later().get_untracked();
        // Whoever drags the bar gives no other sign. What is measured moves everything too, but not in one height; and what is
        // mounted in place of something else may have the height of that by chance.
        let is_readers = height == last.height && now.arrangements == last.arrangements;
        if is_readers && top != last.top {
            self.heads_up.set(top < last.top);
        }
        if at_end && !self.heads_up.get() {
            self.set_pinned(true);
        } else if !at_end && is_readers && top < last.top {
            if self.pinned.get_untracked() && self.jumped.get().is_some_and(|at| self.model.now().since(at) < JUMP) {
                // On its way from before: nobody has gone up since.
                return self.to_end();
            }
            self.set_pinned(false);
        }
        if self.pinned.get_untracked() {
            return;
        }
        self.scrolled.set(Some(self.model.now()));
        if self.held.borrow().is_some() {
            return;
        }
        let more = if top < NEAR_PX && self.screen.earlier().get_untracked() {
            Model::show_earlier
        } else if below < NEAR_PX && self.screen.later().get_untracked() {
            Model::show_later
        } else {
            return;
        };
        self.hold();
        more(&self.model);
        // What comes may be as high as what goes: then nobody is told of a new size.
        let this = Rc::clone(self);
        request_animation_frame(move || this.on_resize());
    }

    /// Content or window changed their size; layout is done and nothing is painted yet.
    fn on_resize(&self) {
        if self.scroller.scroll_height() <= self.scroller.client_height() && !self.screen.later().get_untracked() {
            self.set_pinned(true);
        }
        if self.pinned.get_untracked() {
            self.held.replace(None);
            return self.to_end();
        }
        if let Some((element, offset)) = self.held.take() {
            #[expect(clippy::cast_possible_truncation, reason = "a distance on a screen")]
            let moved = (self.offset(&element) - offset).round() as i32;
            if element.is_connected() && moved != 0 {
                self.scroller.set_scroll_top(self.scroller.scroll_top() + moved);
            }
        }
        self.look();
    }

    /// Remembers where the first block on screen stands.
    fn hold(&self) {
        let turn = self.first_on_screen(&self.scroller, "[data-turn]");
        let first = turn.and_then(|turn| self.first_on_screen(&turn, "[data-block]").or(Some(turn)));
        self.held.replace(first.map(|element| {
            let offset = self.offset(&element);
            (element, offset)
        }));
    }

    fn first_on_screen(&self, within: &Element, selector: &str) -> Option<Element> {
        let upper_edge = self.scroller.get_bounding_client_rect().top();
        let elements = within.query_selector_all(selector).ok()?;
        let mut elements = (0..elements.length()).filter_map(|at| elements.item(at)?.dyn_into::<Element>().ok());
        elements.find(|element| element.get_bounding_client_rect().bottom() > upper_edge)
    }

    fn offset(&self, element: &Element) -> f64 {
        element.get_bounding_client_rect().top() - self.scroller.get_bounding_client_rect().top()
    }
}

/// Whether an upward gesture would move a scroller inside this one.
fn scrolls_inside(event: &Event, scroller: &HtmlDivElement) -> bool {
    let mut at = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    while let Some(element) = at {
        if element.is_same_node(Some(scroller)) {
            return false;
        }
        if element.scroll_top() > 0 {
            return true;
        }
        at = element.parent_element();
    }
    false
}

fn touch_y(event: &Event) -> Option<i32> {
    event.dyn_ref::<TouchEvent>()?.touches().item(0).map(|touch| touch.client_y())
}
