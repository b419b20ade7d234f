//! Parts of a view that change, each sort of one type: every type of closure is paid for in bytes on every page load.

use leptos::prelude::*;

/// Elements that change.
pub(super) type Part = Box<dyn FnMut() -> AnyView + Send>;
/// A text or an attribute that changes.
pub(super) type Words = Box<dyn FnMut() -> String + Send>;
/// An attribute that comes and goes.
pub(super) type Flag = Box<dyn FnMut() -> bool + Send>;

pub(super) fn part<V: IntoAny>(mut view: impl FnMut() -> V + Send + 'static) -> Part {
    Box::new(move || view().into_any())
}

pub(super) fn words<W: Into<String>>(mut words: impl FnMut() -> W + Send + 'static) -> Words {
    Box::new(move || words().into())
}

pub(super) fn flag(flag: impl FnMut() -> bool + Send + 'static) -> Flag {
    Box::new(flag)
}
