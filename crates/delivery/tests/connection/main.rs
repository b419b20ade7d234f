//! The gateway's end of one connection, seen from its driver.

#![expect(clippy::wildcard_enum_match_arm, reason = "a check looks at the outputs it is about")]

mod scene;

mod attaching;
mod credit;
mod cursors;
mod deleting;
mod greeting;
mod holding;
mod life;
mod orders;
mod serving;
mod standing;
