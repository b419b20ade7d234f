//! The tables, their version, and how a file is opened.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::{fault::Fault, texts::take_texts};
use crate::{data_dir::REMEDY, options::Durability};

/// The version of the tables that this build writes.
const VERSION: i64 = STEPS.len() as i64;

/// "moor" as a number: it tells our files from those of other programs.
const APPLICATION: i64 = 0x6d6f_6f72;

/// What each version adds to the one before; the first makes the tables of an empty file.
const STEPS: [&str; 4] = [
    "
    CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE sessions (
        key INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        epoch TEXT NOT NULL,
        agent TEXT NOT NULL,
        title TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        changed_at INTEGER NOT NULL,
        running INTEGER NOT NULL DEFAULT 0,
        waiting INTEGER NOT NULL DEFAULT 0,
        deleted INTEGER NOT NULL DEFAULT 0,
        rev INTEGER NOT NULL UNIQUE,
        oldest INTEGER NOT NULL DEFAULT 0,
        head INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE events (
        session INTEGER NOT NULL REFERENCES sessions (key),
        seq INTEGER NOT NULL,
        event TEXT NOT NULL,
        PRIMARY KEY (session, seq)
    ) WITHOUT ROWID;
    CREATE TABLE logins (hash BLOB PRIMARY KEY, token BLOB NOT NULL, expires_at INTEGER NOT NULL) WITHOUT ROWID;
",
    "
    CREATE TABLE early (
        session TEXT NOT NULL,
        message TEXT NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (session, message)
    ) WITHOUT ROWID;
    CREATE INDEX early_by_age ON early (at);
    CREATE TABLE positions (
        client TEXT NOT NULL,
        session TEXT NOT NULL,
        epoch TEXT NOT NULL,
        seq INTEGER NOT NULL,
        seen_at INTEGER NOT NULL,
        PRIMARY KEY (client, session)
    ) WITHOUT ROWID;
    CREATE INDEX positions_by_age ON positions (seen_at);
",
    "
    ALTER TABLE sessions ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE sessions ADD COLUMN archived INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE texts (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        session INTEGER NOT NULL REFERENCES sessions (key),
        turn TEXT NOT NULL,
        block TEXT NOT NULL,
        opened INTEGER NOT NULL,
        text TEXT NOT NULL
    );
    CREATE INDEX texts_by_session ON texts (session);
    CREATE VIRTUAL TABLE words USING fts5 (text, content = 'texts', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2');
",
    // Without rowids, what is longer than a quarter of a page took pages of its own: most folds did.
    "
    CREATE TABLE kept (
        session INTEGER NOT NULL REFERENCES sessions (key),
        seq INTEGER NOT NULL,
        event TEXT NOT NULL,
        PRIMARY KEY (session, seq)
    );
    INSERT INTO kept SELECT session, seq, event FROM events ORDER BY session, seq;
    DROP TABLE events;
    ALTER TABLE kept RENAME TO events;
",
];

/// The first version whose commits bring the texts that they complete.
const TEXTS_SINCE: i64 = 3;

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A later build wrote it.
    #[error("{path:?} was written by a newer gateway (version {found}, this one knows {VERSION}): start that one, or restore a backup")]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version found.
        found: i64,
    },
    /// Another program's file.
    #[error("{path:?} is not a gateway's store: move it away, or choose another --data")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Parts of it are not what was written.
    #[error("{path:?} is damaged ({what}): put a backup in its place with moorline-gateway restore --data DIR FILE")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite found first.
        what: String,
    },
    /// SQLite says no.
    #[error("{path:?} cannot be opened: {source}; {REMEDY}")]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
}

/// Opens the writing connection, makes the tables of a new file and brings those of an older one up to date, and looks
/// whether the file is whole.
pub(super) fn open_writer(path: &Path, durability: Durability) -> Result<Connection, OpenError> {
    let sqlite = |source| sqlite_error(path, source);
    let mut connection = connect(path).map_err(sqlite)?;
    let found = version(&connection, path)?;
    check(&connection, path)?;
    if found < VERSION {
        migrate(&mut connection, found).map_err(|fault| fault_error(path, fault))?;
    }
    let synchronous = match durability {
        Durability::Full => "FULL",
        Durability::Os => "NORMAL",
    };
    connection.pragma_update(None, "synchronous", synchronous).map_err(sqlite)?;
    Ok(connection)
}

/// What SQLite's word comes to.
pub(super) fn sqlite_error(path: &Path, source: rusqlite::Error) -> OpenError {
    let path = path.to_owned();
    match source.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => OpenError::Foreign { path },
        Some(rusqlite::ErrorCode::DatabaseCorrupt) => OpenError::Damaged { path, what: source.to_string() },
        _ => OpenError::Sqlite { path, source },
    }
}

fn fault_error(path: &Path, fault: Fault) -> OpenError {
    match fault {
        Fault::Sqlite(source) => sqlite_error(path, source),
        Fault::Inconsistent(what) => OpenError::Damaged { path: path.to_owned(), what },
    }
}

/// The version of the tables; 0 for a new file.
pub(super) fn version(connection: &Connection, path: &Path) -> Result<i64, OpenError> {
    let sqlite = |source| sqlite_error(path, source);
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (version, application) = (number("user_version").map_err(sqlite)?, number("application_id").map_err(sqlite)?);
    let empty = connection.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0)).map_err(sqlite)?;
    match (empty, application, version) {
        (true, 0, 0) => Ok(0),
        (_, APPLICATION, known) if (1..=VERSION).contains(&known) => Ok(known),
        (_, APPLICATION, found) => Err(OpenError::Newer { path: path.to_owned(), found }),
        _ => Err(OpenError::Foreign { path: path.to_owned() }),
    }
}

/// Looks through the whole file.
pub(super) fn check(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(|source| sqlite_error(path, source))?;
    if found == "ok" { Ok(()) } else { Err(OpenError::Damaged { path: path.to_owned(), what: found }) }
}

/// Opens one more connection, for reading.
pub(super) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let connection = connect(path)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

/// Brings the tables from a version to this build's, in one transaction: all of it or nothing.
fn migrate(connection: &mut Connection, from: i64) -> Result<(), Fault> {
    let transaction = connection.transaction()?;
    for (_, step) in (0..).zip(STEPS).filter(|(version, _)| *version >= from) {
        transaction.execute_batch(step)?;
    }
    if (1..TEXTS_SINCE).contains(&from) {
        take_texts(&transaction)?;
    }
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    Ok(transaction.commit()?)
}
