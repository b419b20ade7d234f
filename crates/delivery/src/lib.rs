//! Both ends of a connection as state machines, without I/O, clock or randomness of their own.
//!
//! [`Client`] is the browser's end: it decides when to connect, what to attach, what an event's seq means for the
//! cursor, when to ack, and what becomes of every send. [`Connection`] is the gateway's end of one connection: it
//! decides what to read from which journal, how much may be in flight, and when the other side is gone. Retry,
//! backoff, acks, liveness, attach and replay live here and nowhere else.
//!
//! # The loop
//!
//! A driver feeds an input (`handle_…(now, …)` or a command such as [`Client::send`]), then drains
//! `poll_output()` until it yields nothing, completing each output before the next, and arms one timer for
//! `deadline()`. The order of outputs is part of the contract: a send is persisted before it is transmitted, events are
//! applied (and the driver has called [`Client::applied`]) before they are acked. After any input the deadline may have
//! moved; it is a monotonic time, and a deadline in the past means: call `handle_deadline` now.
//!
//! # What is guaranteed
//!
//! - Nothing is applied across a hole, nothing is applied twice, a cursor never runs ahead of what was applied.
//! - A send ends accepted, failed, or refused at once; a message never overtakes another one of its session.
//! - The same inputs at the same times with the same seed give the same outputs.
//!
//! # What is left out
//!
//! Encoding and sockets (the driver's), what a turn or a block is (`moorline-transcript`), what a message does to a
//! session (`moorline-session`). A message's attempts are counted per connection-level try; whether bytes left the
//! machine is nobody's to know.

mod client;
mod gateway;
mod random;
mod replay;

pub use client::{
    AttachmentStatus, Attempts, Checked, Client, ClientConfig, ClientEvent, Counters, Diagnostics, DropReason, Failure, LinkClosed, LinkId,
    LinkStatus, Notice, Output, Persist, PostId, Posted, Restored, SendResult, SendState, SendStatus, Signal, StoredSend, TakenBack,
    Transport, Trouble,
};
pub use gateway::{
    Allowances, Bucket, Connection, ConnectionConfig, ConnectionInput, ConnectionOutput, End, Holder, Holders, Journal, Rate, Terms,
};
pub use random::Random;
pub use replay::{Replay, Window, replay_since};
