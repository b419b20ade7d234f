//! What survives: the journals and the session list in SQLite, one writer with group commit, and the newest events in memory.
//!
//! [`SqliteStore`] is the `Store` of `moorline-session`: one file in the data folder, in WAL mode, one connection that
//! writes and a few that read in short transactions. [`CommitQueue`] stands before it: sessions queue their commits, one
//! thread takes everything that waits into one transaction, and so one fsync serves them all. `Tail` keeps a session's
//! newest committed events as the text they travel in, encoded once for all readers.

mod backup;
mod beside;
mod fault;
mod purge;
mod queue;
mod schema;
mod sqlite;
mod tail;
mod texts;
mod writing;

pub use backup::{BackupError, backup, restore};
pub use queue::CommitQueue;
pub use schema::OpenError;
pub use sqlite::SqliteStore;
pub(crate) use tail::{Tail, frame};
pub(crate) use texts::{FOUND_BYTES, text_of};
