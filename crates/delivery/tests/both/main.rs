//! Both ends back to back over a virtual clock.

#![expect(clippy::wildcard_enum_match_arm, reason = "a check looks at the frames it is about")]

mod pair;

mod cuts;
mod slow;
mod storms;
