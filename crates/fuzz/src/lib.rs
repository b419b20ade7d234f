//! Inputs that nobody meant to send, for every decoder and core that a stranger reaches.
//!
//! A [`Target`] is one of them, with the corpus that its inputs are made from. An execution is named by a seed: the seed
//! alone makes the input ([`Maker`]), so what a run finds is replayed by naming the target and the seed. The inputs are the
//! examples of `docs/protocol.md` and a few lines of an agent, changed in two ways: as JSON (values swapped for others of
//! the same or another sort, keys dropped, parts doubled), which keeps most of them readable and reaches what is behind the
//! decoder; and as bytes (flips, splices, cuts, nesting, bad UTF-8 and escapes, huge numbers).
//!
//! An execution must not panic and must end within a time ([`run()`]). Where there are two decoders of one thing, they must
//! agree; where a value was decoded, it must survive being encoded again.
//!
//! Left out: the page's settings and the fragment of its address. They are read by the browser's own `JSON.parse`, `URL` and
//! `URLSearchParams`, and do not exist outside a browser; their tests are in `tests/`.

#![expect(clippy::wildcard_enum_match_arm, reason = "what changes a few sorts of value leaves the others as they are")]

mod corpus;
mod dice;
mod maker;
mod run;
mod targets;

pub use dice::Dice;
pub use maker::Maker;
pub use run::{Found, Report, run};
pub use targets::{TARGETS, Target};
