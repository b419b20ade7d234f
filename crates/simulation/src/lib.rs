//! The whole of Moorline without its edges: browser tabs, network, gateway, sessions, store and agents under one seed and a
//! virtual clock.
//!
//! A run draws its scenario from the seed ([`Plan`]): what is typed where and when, how the agents behave, and what breaks:
//! the line (cleanly, by reset, half-open, one way), frames, wake-ups, the gateway, the power, the tab's storage, the tab
//! itself. Then the faults stop, everything gets time to settle, and what the [`Oracle`] wrote down (what was really typed,
//! shown and done) is held against the journals and the screens. Some checks need no end: they are made at each step.
//!
//! The cores are the real ones. What stands in for the edges is in [`world`]: the network carries encoded frames, the store
//! is the in-memory twin of the real one, the agents follow scripts. The same seed gives the same run to the last byte.

#![expect(clippy::wildcard_enum_match_arm, reason = "an observer looks for the few things that it writes down")]

mod gateway;
mod network;
mod oracle;
mod plan;
mod run;
mod script;
mod tab;
mod trace;
pub mod world;

pub use network::Quality;
pub use oracle::{Oracle, Violation};
pub use plan::{Act, Cut, Plan, Shape, Sockets};
pub use run::{Report, run, run_plan};
