//! A session's life as a state machine: turns, queue, requests, receipts, recovery; no I/O, clock or randomness, so that
//! the gateway and the simulation run the same code.
//!
//! # What it guarantees
//!
//! - **A message is accepted exactly once.** Its acceptance is an event with the message id and a hash of the payload. The same
//!   id again gets the same receipt and has no second effect; with another payload it is refused. A refusal leaves no trace.
//! - **It is handed to the agent at most once.** `turn_started` is durable before the agent is called. After a crash,
//!   accepted messages that had not started are started; a turn that had is ended `interrupted`, never prompted again.
//! - **Nothing is said before it is durable.** Whatever a session says (receipts, refusals, heads, prompts) it says after the
//!   commit of everything it had decided before, in the order of the decisions.
//! - **Every turn ends once**, with its requests settled and its blocks closed in the same commit, also if the agent hangs
//!   ([`Config::idle_limit`]), ignores a cancel ([`Config::stop_limit`]) or dies with the gateway. Nothing is written into it
//!   afterwards: a late report is dropped. The next message of the queue starts in that same commit.
//! - **A cancel names its turn** and never stops another. A message that interrupts is accepted, goes to the queue's head and
//!   cancels the turn it names, in one step; if that turn is over it is an ordinary message.
//! - **Every event body fits [`Limits::event_bytes`](moorline_protocol::Limits)** as it is encoded: text is split between characters, a title
//!   or an input is cut with an ellipsis, a tool's output at 1 MiB with a line that says so.
//!
//! # The loop that drives it
//!
//! ```
//! use moorline_session::{Commit, Config, Durability, Input, MemoryStore, Now, Output, Session, Store, StoreError};
//!
//! fn drive(session: &mut Session, store: &dyn Store, now: Now, input: Input) -> Result<(), StoreError> {
//!     session.handle(now, input);
//!     while let Some(output) = session.poll_output() {
//!         match output {
//!             Output::Store(commit) => {
//!                 store.commit(&[commit])?;
//!                 session.handle(now, Input::Committed);
//!             }
//!             Output::Head(_seq) => { /* wake the readers of the journal */ }
//!             Output::Agent(_command) => { /* hand it to the adapter */ }
//!             Output::Receipt { .. } | Output::Done { .. } | Output::Refused { .. } => { /* answer */ }
//!             Output::Gone => { /* kill the agent; the session is never used again */ }
//!         }
//!     }
//!     // Arm one timer for session.deadline(), and handle Input::Deadline when it is due.
//!     Ok(())
//! }
//! # let mut session = Session::new(moorline_protocol::SessionId::from_random(1), Config::default());
//! # drive(&mut session, &MemoryStore::new(Durability::Synced), Now::default(), Input::Deadline).unwrap();
//! ```
//!
//! A driver that commits on another thread goes on calling [`Session::handle`] meanwhile: what is decided then gathers for the
//! next commit, with the text of one block joined into few events, and nothing is yielded until [`Input::Committed`].
//!
//! **A commit that fails** has no input. The driver kills the agent, drops the session, answers those who wait with
//! `store_unavailable`, and begins again as after a crash: [`Session::restore`] from the store's
//! [`SessionMeta`], [`Session::fold`] for every event of its journal, [`Session::recover`] once. Clients send again under the
//! same ids.
//!
//! # What it leaves out
//!
//! - It does not know connections, cursors or readers (`moorline-delivery`), nor block texts (`moorline-transcript`), nor how an
//!   agent is started or spoken to (the gateway's adapters, behind [`AgentCommand`] and [`AgentReport`]).
//! - A message withdrawn before its session exists has no journal to be recorded in, and a withdrawal alone makes no session.
//!   The store keeps it beside the journals for a time ([`EARLY_AGE`]), durably before the receipt, and it is written first when
//!   the session is made; so a driver tells a session that does not exist yet what it had taken back ([`Session::remember`]).
//! - It holds no text of the transcript back, and bounds neither the number of turns nor that of blocks: a session grows with its journal.
//! - A store that folds its journal keeps `accepted`, `answered` and `withdrawn` events as they are: they carry the hashes that tell an
//!   honest retry from a reused id. Without one, the same id counts as the same send.

mod agent;
mod input;
mod memory;
mod search;
mod session;
mod split;
mod state;
mod store;
#[cfg(any(test, feature = "testing"))]
pub mod store_suite;

pub use agent::{AgentCommand, AgentReport, AgentUpdate, ToolUpdate};
pub use input::{Config, Input, Now, Output, Reply};
pub use memory::{Durability, MemoryStore};
pub use search::Search;
pub use session::Session;
pub use store::{
    Commit, DELETED_AGE, EARLY_AGE, EARLY_KEPT, Early, NewSession, POSITIONS_KEPT, Position, RowChange, SessionMeta, Store, StoreError,
    Text, Upkeep,
};
