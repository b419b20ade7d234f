//! The fold from events to turns and blocks; snapshots and pages.
//!
//! A [`Transcript`] is what a reader of a session sees. It is a pure fold: no I/O, no clock, no randomness, and no input
//! can make it panic. It is filled in three ways that may overlap and come in any order:
//!
//! - [`Transcript::apply`] takes the journal's events one after the other, folds among them;
//! - [`Transcript::merge_snapshot`] takes the newest part of the transcript as the gateway holds it, and records what it
//!   leaves out as a [`Gap`];
//! - [`Transcript::merge_page`] fills gaps.
//!
//! What makes the order irrelevant is that every turn and block carries `opened`, its place, and `rev`, the last seq
//! folded into it: what is not newer than the `rev` changes nothing. An event for something that lies in a gap waits until
//! a page or snapshot brings what it builds on.
//!
//! Every change is noted in [`Changes`], so that a keyed view does work in proportion to what changed and never to the
//! length of the transcript. The other direction, [`WholeTranscript`] with its snapshots and pages, [`Transcript::text`], [`parts()`],
//! [`fold()`], [`Folding`], [`Retention`] and [`Transcript::completed`], is for the gateway, which holds transcripts without gaps.
//!
//! Left out: which events may arrive (holes, heads and cursors are `moorline-delivery`'s) and which events may be written
//! (that nothing follows a turn's end is `moorline-session`'s).

mod apply;
mod changes;
mod completed;
mod entity;
mod folding;
mod gap;
mod merge;
mod named;
mod order;
mod parts;
mod range;
mod retention;
mod run;
mod snapshot;
mod span;
mod text;
mod transcript;
mod waiting;
mod whole;

pub use changes::{BlockChange, Changes, TextChange, TurnChange};
pub use folding::Folding;
pub use gap::Gap;
pub use parts::parts;
pub use range::NoText;
pub use retention::{Folded, Retention, RetentionLimits, Run};
pub use run::fold;
pub use snapshot::Snapshot;
pub use transcript::Transcript;
pub use whole::WholeTranscript;
