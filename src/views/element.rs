//! Elements and attributes by their names, all of one type.
//!
//! Leptos' `view!` has a type for every tag, attribute and event, and each type is paid for in bytes on every page load: it
//! brings its own copy of the code that shows, changes and removes it. The page's [`view!`] reads the same and has one.

mod built;

use leptos::{
    html::ElementType,
    prelude::*,
    tachys::{html::node_ref::NodeRefContainer as _, view::iterators::StaticVec},
};
use wasm_bindgen::JsCast as _;
use web_sys::Element;

use super::part::{Flag, Happens, Word, Words};
use built::Blueprint;

/// Who is told of an element.
type Tell = Box<dyn FnOnce(&Element)>;

/// Elements as HTML writes them.
///
/// An attribute's value is a literal, a name, a path or a call with what is called on it, or anything in braces: a string,
/// [`Words`], [`Flag`], [`Word`], or a `bool` or an option of a static string that stays. `on:` takes what an event does,
/// `prop:` the [`Words`] of a property, `node_ref` a reference. A child is a literal, an element, or a view in braces.
macro_rules! view {
    // All is read: the views on the outermost level.
    (@holds [] [$one:tt]) => { $one };
    (@holds [] [$($many:tt)*]) => { $crate::views::element::many(vec![$($many),*]) };
    // What an element holds: a text, a view, the element's end, or the begin of another one.
    (@holds $outer:tt [$($held:tt)*] $text:literal $($rest:tt)*) => {
        $crate::views::element::view!(@holds $outer [$($held)* { leptos::prelude::IntoAny::into_any($text) }] $($rest)*)
    };
    (@holds $outer:tt [$($held:tt)*] { $($view:tt)* } $($rest:tt)*) => {
        $crate::views::element::view!(@holds $outer [$($held)* { leptos::prelude::IntoAny::into_any({ $($view)* }) }] $($rest)*)
    };
    (@holds [[[$($head:tt)*] [$($has:tt)*] [$($beside:tt)*]] $($outer:tt)*] [$($held:tt)*] </ $end:ident > $($rest:tt)*) => {
        $crate::views::element::view!(@holds [$($outer)*] [$($beside)* {
            // Children come first, as Leptos has it: what an attribute takes they may still copy.
            let held = vec![$($held),*];
            $crate::views::element::lasting(concat!($($head)*), vec![$($has),*], held)
        }] $($rest)*)
    };
    (@holds $outer:tt $held:tt < $tag:ident $($rest:tt)*) => {
        $crate::views::element::view!(@has $outer $held [stringify!($tag)] [] $($rest)*)
    };
    // What an element has: nothing more, or one attribute, whose value comes next.
    (@has [$($outer:tt)*] $beside:tt $head:tt $has:tt > $($rest:tt)*) => {
        $crate::views::element::view!(@holds [[$head $has $beside] $($outer)*] [] $($rest)*)
    };
    (@has [$($outer:tt)*] $beside:tt $head:tt $has:tt /> $($rest:tt)*) => {
        $crate::views::element::view!(@holds [[$head $has $beside] $($outer)*] [] </ end > $($rest)*)
    };
    (@has $outer:tt $beside:tt [$($head:tt)*] $has:tt $name:ident $(-$more:ident)* = $value:literal $($rest:tt)*) => {
        $crate::views::element::view!(
            @has $outer $beside [$($head)*, "\n", stringify!($name) $(, "-", stringify!($more))*, "=", $value] $has $($rest)*
        )
    };
    (@has $outer:tt $beside:tt $head:tt $has:tt on:$event:ident = $value:tt $($rest:tt)*) => {
        $crate::views::element::view!(@value [$outer $beside $head $has] [On { stringify!($event) }] [$value] $($rest)*)
    };
    (@has $outer:tt $beside:tt $head:tt $has:tt prop:$name:ident = $value:tt $($rest:tt)*) => {
        $crate::views::element::view!(@value [$outer $beside $head $has] [Property { stringify!($name) }] [$value] $($rest)*)
    };
    (@has $outer:tt $beside:tt $head:tt $has:tt node_ref = $value:tt $($rest:tt)*) => {
        $crate::views::element::view!(@value [$outer $beside $head $has] [reference] [$value] $($rest)*)
    };
    (@has $outer:tt $beside:tt $head:tt $has:tt $name:ident $(-$more:ident)* = $value:tt $($rest:tt)*) => {
        $crate::views::element::view!(
            @value [$outer $beside $head $has] [new { concat!(stringify!($name) $(, "-", stringify!($more))*) }] [$value] $($rest)*
        )
    };
    // A value goes on by what is called, named or called on it.
    (@value $at:tt $name:tt [$($value:tt)*] ($($given:tt)*) $($rest:tt)*) => {
        $crate::views::element::view!(@value $at $name [$($value)* ($($given)*)] $($rest)*)
    };
    (@value $at:tt $name:tt [$($value:tt)*] .$called:ident $($rest:tt)*) => {
        $crate::views::element::view!(@value $at $name [$($value)* .$called] $($rest)*)
    };
    (@value $at:tt $name:tt [$($value:tt)*] ::$named:ident $($rest:tt)*) => {
        $crate::views::element::view!(@value $at $name [$($value)* ::$named] $($rest)*)
    };
    (@value $at:tt $name:tt [$($value:tt)*] !($($given:tt)*) $($rest:tt)*) => {
        $crate::views::element::view!(@value $at $name [$($value)* !($($given)*)] $($rest)*)
    };
    (@value [$outer:tt $beside:tt $head:tt [$($has:tt)*]] [$sort:ident $($name:tt)?] [$($value:tt)*] $($rest:tt)*) => {
        $crate::views::element::view!(
            @has $outer $beside $head [$($has)* { $crate::views::element::Has::$sort($($name,)? $($value)*) }] $($rest)*
        )
    };
    ($($view:tt)*) => { $crate::views::element::view!(@holds [] [] $($view)*) };
}

pub(super) use view;

/// What an element has.
pub(super) enum Has {
    /// An attribute that stays.
    Is(&'static str, &'static str),
    /// The same, made at run time.
    Text(&'static str, String),
    /// An attribute that changes.
    Words(&'static str, Words),
    /// An attribute that comes and goes.
    Flag(&'static str, Flag),
    /// An attribute that comes, changes and goes.
    Word(&'static str, Word),
    /// A property that changes.
    Property(&'static str, Words),
    /// A listener to an event.
    On(&'static str, Happens),
    /// Who wants to know the element.
    Ref(Tell),
    /// An attribute that is not there.
    Not(&'static str),
}

/// What an attribute's value can be.
pub(super) trait Value {
    /// The attribute of this name.
    fn named(self, name: &'static str) -> Has;
}

impl Value for &'static str {
    fn named(self, name: &'static str) -> Has {
        Has::Is(name, self)
    }
}

impl Value for Option<&'static str> {
    fn named(self, name: &'static str) -> Has {
        self.map_or(Has::Not(name), |value| Has::Is(name, value))
    }
}

impl Value for bool {
    fn named(self, name: &'static str) -> Has {
        self.then_some("").named(name)
    }
}

impl Value for String {
    fn named(self, name: &'static str) -> Has {
        Has::Text(name, self)
    }
}

impl Value for Words {
    fn named(self, name: &'static str) -> Has {
        Has::Words(name, self)
    }
}

impl Value for Flag {
    fn named(self, name: &'static str) -> Has {
        Has::Flag(name, self)
    }
}

impl Value for Word {
    fn named(self, name: &'static str) -> Has {
        Has::Word(name, self)
    }
}

impl Has {
    /// An attribute.
    pub(super) fn new(name: &'static str, value: impl Value) -> Self {
        value.named(name)
    }

    const fn name(&self) -> &'static str {
        match self {
            Self::Is(name, _) | Self::Text(name, _) | Self::Words(name, _) | Self::Flag(name, _) | Self::Word(name, _) => name,
            Self::Property(name, _) | Self::On(name, _) | Self::Not(name) => name,
            Self::Ref(_) => "",
        }
    }

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

    /// Tells a reference of the element.
    pub(super) fn reference<E>(wanted: NodeRef<E>) -> Self
    where
        E: ElementType + 'static,
        E::Output: wasm_bindgen::JsCast + Clone + 'static,
    {
        Self::Ref(Box::new(move |element| wanted.load(element)))
    }
}

/// An element with what it has and holds; shown again, it is made anew.
pub(super) fn element(tag: &'static str, has: Vec<Has>, holds: Vec<AnyView>) -> AnyView {
    Blueprint::new(tag, has, holds, false).into_any()
}

/// An element of `view!`, which stays in the document when one of its place in the code is shown again.
pub(super) fn lasting(head: &'static str, has: Vec<Has>, holds: Vec<AnyView>) -> AnyView {
    Blueprint::new(head, has, holds, true).into_any()
}

/// Views side by side.
pub(super) fn many(views: Vec<AnyView>) -> AnyView {
    StaticVec::from(views).into_any()
}
