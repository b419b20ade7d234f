//! The tables, their version, and how a file is opened.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::options::Durability;

/// The version of the tables that this build writes.
const VERSION: i64 = 1;

/// "moor" as a number: it tells our files from those of other programs.
const APPLICATION: i64 = 0x6d6f_6f72;

const TABLES: &str = "
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
";

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
    /// SQLite says no.
    #[error("{path:?} cannot be opened: {source}")]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
}

/// Opens the writing connection, and makes the tables of a new file.
pub(super) fn open_writer(path: &Path, durability: Durability) -> Result<Connection, OpenError> {
    let sqlite = |source: rusqlite::Error| {
        let path = path.to_owned();
        if source.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase) {
            return OpenError::Foreign { path };
        }
        OpenError::Sqlite { path, source }
    };
    let mut connection = connect(path).map_err(sqlite)?;
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (version, application) = (number("user_version").map_err(sqlite)?, number("application_id").map_err(sqlite)?);
    let empty = connection.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0)).map_err(sqlite)?;
    match (empty, application, version) {
        (true, 0, 0) => create(&mut connection).map_err(sqlite)?,
        (_, APPLICATION, VERSION) => {}
        (_, APPLICATION, found) => return Err(OpenError::Newer { path: path.to_owned(), found }),
        _ => return Err(OpenError::Foreign { path: path.to_owned() }),
    }
    let synchronous = match durability {
        Durability::Full => "FULL",
        Durability::Os => "NORMAL",
    };
    connection.pragma_update(None, "synchronous", synchronous).map_err(sqlite)?;
    Ok(connection)
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

fn create(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    transaction.execute_batch(TABLES)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.commit()
}
