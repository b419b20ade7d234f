//! The client's end, seen from its driver: what it asks for, and in which order.

#![expect(clippy::wildcard_enum_match_arm, reason = "a check looks at the outputs it is about")]

mod scene;

mod acks;
mod attaching;
mod cancelling;
mod copies;
mod deleting;
mod holes;
mod link;
mod order;
mod posting;
mod restoring;
mod retrying;
mod sending;
mod showing;
mod signals;
mod snapshots;
mod taking_back;
mod transports;
