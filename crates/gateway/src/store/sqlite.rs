//! The store in SQLite.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use moorline_protocol::{ClientId, Epoch, Event, Hit, MessageId, Seq, SessionId, SessionRow, WallTime};
use moorline_session::{Commit, Position, Search, SessionMeta, Store, StoreError, Upkeep};
use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};

use super::{
    beside::place,
    fault::Fault,
    purge::purge,
    schema::{OpenError, open_reader, open_writer},
    texts,
    writing::{find, next_rev, stored, write},
};
use crate::options::Durability;

/// Texts put into the index in one step before a search.
const INDEXED_AT_ONCE: usize = 256;

/// Connections kept open for reading.
const READERS: usize = 4;

/// The fact that counts the changes of the session list.
pub(super) const REV: &str = "rev";

/// The fact that holds the lowest rev that means something.
pub(super) const FIRST_REV: &str = "first_rev";

pub(super) const SESSION: &str =
    "SELECT key, id, epoch, agent, title, created_at, changed_at, running, waiting, deleted, rev, oldest, head,
    pinned, archived FROM sessions";

/// Journals, session list, logins and a few facts in one SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    path: PathBuf,
    writer: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
}

impl SqliteStore {
    /// Opens or makes the file.
    ///
    /// # Errors
    /// [`OpenError`] when it was written by a newer build, by another program, or cannot be opened.
    pub fn open(path: &Path, durability: Durability) -> Result<Self, OpenError> {
        let writer = Mutex::new(open_writer(path, durability)?);
        Ok(Self { path: path.to_owned(), writer, readers: Mutex::new(Vec::new()) })
    }

    /// A named fact about this store.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it cannot be read.
    pub fn fact(&self, name: &str) -> Result<Option<String>, StoreError> {
        let sql = "SELECT value FROM facts WHERE name = ?1";
        self.reading(|connection| Ok(connection.query_row(sql, [name], |row| row.get(0)).optional()?))
    }

    /// Records a named fact.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it cannot be written.
    pub fn set_fact(&self, name: &str, value: &str) -> Result<(), StoreError> {
        let sql = "INSERT OR REPLACE INTO facts (name, value) VALUES (?1, ?2)";
        self.writing(|transaction| Ok(transaction.execute(sql, [name, value])?)).map(drop)
    }

    /// The highest rev that the session list ever had.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it cannot be read.
    pub fn newest_row(&self) -> Result<u64, StoreError> {
        self.reading(|connection| Ok(fact(connection, REV)?))
    }

    /// Gives every session a new epoch: what clients have seen may not be what is here. The revs of the list go on from `now`,
    /// a wall time, which is above all that were ever told.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it cannot be written.
    pub fn renew_epochs(&self, now: WallTime, mut fresh: impl FnMut() -> Epoch) -> Result<(), StoreError> {
        let first = self.newest_row()?.max(now);
        self.set_fact(REV, &first.to_string())?;
        self.set_fact(FIRST_REV, &first.to_string())?;
        self.writing(|transaction| {
            transaction.execute("DELETE FROM positions", [])?;
            let mut statement = transaction.prepare("SELECT key FROM sessions")?;
            let keys: Vec<i64> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
            for key in keys {
                let rev = integer(next_rev(transaction)?);
                transaction.execute("UPDATE sessions SET epoch = ?1, rev = ?2 WHERE key = ?3", params![fresh().as_str(), rev, key])?;
            }
            Ok(())
        })
    }

    /// The logins made with this token that have not expired, soonest first: hash and expiry, a wall time in milliseconds.
    /// All others are removed.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when they cannot be read.
    pub fn logins(&self, token: &[u8], now: u64) -> Result<Vec<(Vec<u8>, u64)>, StoreError> {
        self.writing(|transaction| {
            transaction.execute("DELETE FROM logins WHERE token <> ?1 OR expires_at <= ?2", params![token, integer(now)])?;
            let mut statement = transaction.prepare("SELECT hash, expires_at FROM logins ORDER BY expires_at")?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, natural(row, 1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Records a login.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it cannot be written.
    pub fn add_login(&self, hash: &[u8], token: &[u8], expires_at: u64) -> Result<(), StoreError> {
        let sql = "INSERT OR REPLACE INTO logins (hash, token, expires_at) VALUES (?1, ?2, ?3)";
        self.writing(|transaction| Ok(transaction.execute(sql, params![hash, token, integer(expires_at)])?)).map(drop)
    }

    /// Removes a login.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it cannot be written.
    pub fn remove_login(&self, hash: &[u8]) -> Result<(), StoreError> {
        self.writing(|transaction| Ok(transaction.execute("DELETE FROM logins WHERE hash = ?1", [hash])?)).map(drop)
    }

    fn writing<T>(&self, write: impl FnOnce(&Transaction<'_>) -> Result<T, Fault>) -> Result<T, StoreError> {
        let attempt = || {
            let mut writer = lock(&self.writer);
            let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let result = write(&transaction)?;
            transaction.commit()?;
            Ok::<T, Fault>(result)
        };
        Ok(attempt()?)
    }

    /// What some rows of a journal come to, by their seq and text; see [`Store::read`].
    fn rows_behind<T>(
        &self,
        session: &SessionId,
        after: Seq,
        max_events: usize,
        max_bytes: usize,
        take: impl Fn(Seq, &str) -> Result<T, Fault>,
    ) -> Result<Vec<T>, StoreError> {
        self.reading(|connection| {
            let sql = "SELECT seq, event FROM events WHERE session = (SELECT key FROM sessions WHERE id = ?1 AND NOT deleted) AND seq > ?2
                ORDER BY seq LIMIT ?3";
            let mut statement = connection.prepare_cached(sql)?;
            let limit = i64::try_from(max_events).unwrap_or(i64::MAX);
            let mut rows = statement.query(params![session.as_str(), integer(after.value()), limit])?;
            let (mut taken, mut bytes) = (Vec::new(), 0);
            while let Some(row) = rows.next()? {
                let text = row.get_ref(1)?.as_str().map_err(Fault::inconsistent)?;
                bytes += text.len();
                if !taken.is_empty() && bytes > max_bytes {
                    break;
                }
                taken.push(take(Seq::new(natural(row, 0)?), text)?);
            }
            Ok(taken)
        })
    }

    fn reading<T>(&self, read: impl FnOnce(&Connection) -> Result<T, Fault>) -> Result<T, StoreError> {
        let kept = lock(&self.readers).pop();
        let connection = match kept {
            Some(connection) => connection,
            None => open_reader(&self.path).map_err(Fault::from)?,
        };
        let result = read(&connection);
        let mut readers = lock(&self.readers);
        if readers.len() < READERS {
            readers.push(connection);
        }
        Ok(result?)
    }
}

impl Store for SqliteStore {
    fn write(&self, commits: &[Commit], positions: &[Position]) -> Result<Vec<SessionRow>, StoreError> {
        self.writing(|transaction| {
            let mut changed: Vec<SessionRow> = Vec::new();
            for commit in commits {
                if let Some(row) = write(transaction, commit)? {
                    changed.retain(|other| other.session != row.session);
                    changed.push(row);
                }
            }
            place(transaction, positions)?;
            Ok(changed)
        })
    }

    fn session(&self, session: &SessionId) -> Result<Option<SessionMeta>, StoreError> {
        self.reading(|connection| Ok(find(connection, session)?.map(|stored| stored.meta)))
    }

    fn read(&self, session: &SessionId, after: Seq, max_events: usize, max_bytes: usize) -> Result<Vec<Event>, StoreError> {
        self.rows_behind(session, after, max_events, max_bytes, |_, text| serde_json::from_str(text).map_err(Fault::inconsistent))
    }

    fn read_encoded(&self, session: &SessionId, after: Seq, max_events: usize, max_bytes: usize) -> Result<Vec<(Seq, String)>, StoreError> {
        self.rows_behind(session, after, max_events, max_bytes, |seq, text| Ok((seq, text.to_owned())))
    }

    fn position(&self, client: &ClientId, session: &SessionId) -> Result<Option<Position>, StoreError> {
        self.reading(|connection| {
            let sql = "SELECT epoch, seq, seen_at FROM positions WHERE client = ?1 AND session = ?2";
            let mut statement = connection.prepare_cached(sql)?;
            let mut rows = statement.query([client.as_str(), session.as_str()])?;
            let Some(row) = rows.next()? else { return Ok(None) };
            let epoch = Epoch::parse(row.get_ref(0)?.as_str().map_err(Fault::inconsistent)?).map_err(Fault::inconsistent)?;
            let (client, session) = (client.clone(), session.clone());
            Ok(Some(Position { client, session, epoch, seq: Seq::new(natural(row, 1)?), seen_at: natural(row, 2)? }))
        })
    }

    fn forget_positions(&self, before: WallTime) -> Result<(), StoreError> {
        self.writing(|transaction| {
            Ok(transaction.prepare_cached("DELETE FROM positions WHERE seen_at < ?1")?.execute([integer(before)])?)
        })
        .map(drop)
    }

    fn early(&self, session: &SessionId) -> Result<Vec<MessageId>, StoreError> {
        self.reading(|connection| {
            let mut statement = connection.prepare_cached("SELECT message FROM early WHERE session = ?1 ORDER BY at, message")?;
            let mut rows = statement.query([session.as_str()])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push(MessageId::parse(row.get_ref(0)?.as_str().map_err(Fault::inconsistent)?).map_err(Fault::inconsistent)?);
            }
            Ok(found)
        })
    }

    fn count(&self, session: &SessionId, after: Seq, most: u64) -> Result<u64, StoreError> {
        self.reading(|connection| {
            let sql = "SELECT count(*) FROM
                (SELECT 1 FROM events WHERE session = (SELECT key FROM sessions WHERE id = ?1 AND NOT deleted) AND seq > ?2 LIMIT ?3)";
            let asked = params![session.as_str(), integer(after.value()), integer(most)];
            Ok(connection.prepare_cached(sql)?.query_row(asked, |row| natural(row, 0))?)
        })
    }

    fn rows(&self, since: u64) -> Result<Vec<SessionRow>, StoreError> {
        self.reading(|connection| {
            let sql = format!("{SESSION} WHERE rev > ?1 AND (?1 > 0 OR NOT deleted) ORDER BY rev");
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query([integer(since)])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push(stored(row)?.meta.row);
            }
            Ok(found)
        })
    }

    fn first_rev(&self) -> Result<u64, StoreError> {
        self.reading(|connection| Ok(fact(connection, FIRST_REV)?))
    }

    fn search(&self, search: &Search) -> Result<Vec<Hit>, StoreError> {
        // What was committed a moment ago is found, if the store can write.
        while let Ok(Upkeep::Unfinished) = self.writing(|transaction| texts::index(transaction, INDEXED_AT_ONCE)) {}
        self.reading(|connection| texts::find(connection, search))
    }

    fn upkeep(&self, before: WallTime, most: usize) -> Result<Upkeep, StoreError> {
        let indexed = self.writing(|transaction| texts::index(transaction, most))?;
        let purged = self.writing(|transaction| purge(transaction, before, most))?;
        Ok(if (indexed, purged) == (Upkeep::Done, Upkeep::Done) { Upkeep::Done } else { Upkeep::Unfinished })
    }
}

/// A fact that is a number; 0 until it was recorded.
pub(super) fn fact(connection: &Connection, name: &str) -> rusqlite::Result<u64> {
    let sql = "SELECT CAST(value AS INTEGER) FROM facts WHERE name = ?1";
    Ok(connection.prepare_cached(sql)?.query_row([name], |row| natural(row, 0)).optional()?.unwrap_or(0))
}

/// Records a fact that is a number.
pub(super) fn set_fact(transaction: &Transaction<'_>, name: &str, value: u64) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO facts (name, value) VALUES (?1, ?2)";
    transaction.prepare_cached(sql)?.execute([name, &value.to_string()]).map(drop)
}

/// SQLite has signed integers only; none of ours reaches 2^63.
pub(super) fn integer(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

pub(super) fn natural(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<u64> {
    Ok(u64::try_from(row.get::<_, i64>(column)?).unwrap_or(0))
}

/// A panic elsewhere cannot leave a connection half-written: an open transaction is rolled back when it is dropped.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
