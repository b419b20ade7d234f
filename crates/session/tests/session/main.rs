//! A session's rules, seen from its driver: what it writes, says and hands to the agent.

#![expect(clippy::wildcard_enum_match_arm, reason = "a check looks at the events it is about")]

mod driver;

mod line;
mod recovery;
mod reports;
mod requests;
mod restarts;
mod sends;
mod stops;
mod withdrawals;
