//! The store in SQLite.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use moorline_protocol::{ClientId, Epoch, Event, MessageId, Seq, SessionId, SessionRow, WallTime, encode};
use moorline_session::{Commit, NewSession, Position, RowChange, SessionMeta, Store, StoreError};
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, TransactionBehavior, params};

use super::{
    beside::{place, remember},
    fault::Fault,
    schema::{OpenError, open_reader, open_writer},
};
use crate::options::Durability;

/// Connections kept open for reading.
const READERS: usize = 4;

/// The fact that counts the changes of the session list.
const REV: &str = "rev";

/// The fact that holds the lowest rev that means something.
const FIRST_REV: &str = "first_rev";

const SESSION: &str =
    "SELECT key, id, epoch, agent, title, created_at, changed_at, running, waiting, deleted, rev, oldest, head FROM sessions";

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
        Ok(self.fact(REV)?.and_then(|rev| rev.parse().ok()).unwrap_or(0))
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
        self.reading(|connection| {
            let sql =
                "SELECT event FROM events WHERE session = (SELECT key FROM sessions WHERE id = ?1) AND seq > ?2 ORDER BY seq LIMIT ?3";
            let mut statement = connection.prepare_cached(sql)?;
            let limit = i64::try_from(max_events).unwrap_or(i64::MAX);
            let mut rows = statement.query(params![session.as_str(), integer(after.value()), limit])?;
            let (mut events, mut bytes) = (Vec::new(), 0);
            while let Some(row) = rows.next()? {
                let text = row.get_ref(0)?.as_str().map_err(Fault::inconsistent)?;
                bytes += text.len();
                if !events.is_empty() && bytes > max_bytes {
                    break;
                }
                events.push(serde_json::from_str(text).map_err(Fault::inconsistent)?);
            }
            Ok(events)
        })
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
                (SELECT 1 FROM events WHERE session = (SELECT key FROM sessions WHERE id = ?1) AND seq > ?2 LIMIT ?3)";
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
        Ok(self.fact(FIRST_REV)?.and_then(|rev| rev.parse().ok()).unwrap_or(0))
    }
}

/// A session as the table holds it.
struct Stored {
    key: i64,
    meta: SessionMeta,
}

/// Writes one commit; the session's row if it changed.
fn write(transaction: &Transaction<'_>, commit: &Commit) -> Result<Option<SessionRow>, Fault> {
    let known = find(transaction, &commit.session)?;
    if commit.is_early() {
        if known.is_none() {
            remember(transaction, commit)?;
        }
        return Ok(None);
    }
    let is_new = known.is_none();
    let mut stored = match (known, &commit.create) {
        (Some(stored), _) => stored,
        (None, Some(new)) => make(transaction, &commit.session, new)?,
        (None, None) => return Err(Fault::Inconsistent(format!("there is no session {}", commit.session))),
    };
    append(transaction, &mut stored, commit)?;
    replace(transaction, &stored, commit)?;
    if commit.row.is_none() && !is_new {
        let sql = "UPDATE sessions SET oldest = ?1, head = ?2 WHERE key = ?3";
        let (oldest, head) = (integer(stored.meta.oldest.value()), integer(stored.meta.head.value()));
        transaction.prepare_cached(sql)?.execute(params![oldest, head, stored.key])?;
        return Ok(None);
    }
    if let Some(change) = &commit.row {
        change_row(&mut stored.meta.row, change);
    }
    stored.meta.row.rev = next_rev(transaction)?;
    let (meta, row) = (&stored.meta, &stored.meta.row);
    let sql =
        "UPDATE sessions SET title = ?1, changed_at = ?2, running = ?3, waiting = ?4, rev = ?5, oldest = ?6, head = ?7 WHERE key = ?8";
    transaction.prepare_cached(sql)?.execute(params![
        row.title,
        integer(row.changed_at),
        row.running,
        row.waiting,
        integer(row.rev),
        integer(meta.oldest.value()),
        integer(meta.head.value()),
        stored.key,
    ])?;
    Ok(Some(stored.meta.row))
}

fn make(transaction: &Transaction<'_>, session: &SessionId, new: &NewSession) -> Result<Stored, Fault> {
    let sql = "INSERT INTO sessions (id, epoch, agent, title, created_at, changed_at, rev) VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6)";
    let rev = next_rev(transaction)?;
    transaction.prepare_cached("DELETE FROM early WHERE session = ?1")?.execute([session.as_str()])?;
    transaction.prepare_cached(sql)?.execute(params![
        session.as_str(),
        new.epoch.as_str(),
        new.agent,
        new.title,
        integer(new.at),
        integer(rev)
    ])?;
    find(transaction, session)?.ok_or_else(|| Fault::Inconsistent(format!("session {session} was made and is not there")))
}

fn append(transaction: &Transaction<'_>, stored: &mut Stored, commit: &Commit) -> Result<(), Fault> {
    let mut insert = transaction.prepare_cached("INSERT INTO events (session, seq, event) VALUES (?1, ?2, ?3)")?;
    for event in &commit.events {
        let meta = &mut stored.meta;
        if event.first() != meta.head.next() {
            let sentence = format!("event {} of session {} does not follow its head {}", event.first(), commit.session, meta.head);
            return Err(Fault::Inconsistent(sentence));
        }
        insert.execute(params![stored.key, integer(event.seq.value()), encode(event)])?;
        meta.head = event.seq;
        if meta.oldest == Seq::ZERO {
            meta.oldest = event.first();
        }
    }
    Ok(())
}

/// Puts folds in the place of the events that they stand for.
fn replace(transaction: &Transaction<'_>, stored: &Stored, commit: &Commit) -> Result<(), Fault> {
    for fold in &commit.folds {
        let (first, last) = (integer(fold.first().value()), integer(fold.seq.value()));
        // The run begins right behind an event that is kept, or at the beginning, and ends with one.
        let sql = "SELECT (?2 = 1 OR EXISTS (SELECT 1 FROM events WHERE session = ?1 AND seq = ?2 - 1))
            AND EXISTS (SELECT 1 FROM events WHERE session = ?1 AND seq = ?3)";
        let fits: bool = transaction.prepare_cached(sql)?.query_row(params![stored.key, first, last], |row| row.get(0))?;
        if !fits {
            let (first, last) = (fold.first(), fold.seq);
            let sentence = format!("the fold {first} to {last} of session {} stands for no run of kept events", commit.session);
            return Err(Fault::Inconsistent(sentence));
        }
        transaction
            .prepare_cached("DELETE FROM events WHERE session = ?1 AND seq BETWEEN ?2 AND ?3")?
            .execute(params![stored.key, first, last])?;
        transaction.prepare_cached("INSERT INTO events (session, seq, event) VALUES (?1, ?2, ?3)")?.execute(params![
            stored.key,
            last,
            encode(fold)
        ])?;
    }
    Ok(())
}

fn change_row(row: &mut SessionRow, change: &RowChange) {
    row.changed_at = change.at;
    if let Some(title) = &change.title {
        row.title.clone_from(title);
    }
    row.running = change.running.unwrap_or(row.running);
    row.waiting = change.waiting.unwrap_or(row.waiting);
}

/// The next value of the counter of the whole list; it never falls, also when the highest row goes.
fn next_rev(transaction: &Transaction<'_>) -> Result<u64, Fault> {
    let sql = "INSERT INTO facts (name, value) VALUES (?1, '1')
        ON CONFLICT (name) DO UPDATE SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT) RETURNING CAST(value AS INTEGER)";
    Ok(transaction.prepare_cached(sql)?.query_row([REV], |row| natural(row, 0))?)
}

fn find(connection: &Connection, session: &SessionId) -> Result<Option<Stored>, Fault> {
    let mut statement = connection.prepare_cached(&format!("{SESSION} WHERE id = ?1"))?;
    let mut rows = statement.query([session.as_str()])?;
    rows.next()?.map(stored).transpose()
}

fn stored(row: &Row<'_>) -> Result<Stored, Fault> {
    let session = SessionId::parse(row.get_ref(1)?.as_str().map_err(Fault::inconsistent)?).map_err(Fault::inconsistent)?;
    let epoch = Epoch::parse(row.get_ref(2)?.as_str().map_err(Fault::inconsistent)?).map_err(Fault::inconsistent)?;
    let line = SessionRow {
        session,
        rev: natural(row, 10)?,
        title: row.get(4)?,
        created_at: natural(row, 5)?,
        changed_at: natural(row, 6)?,
        running: row.get(7)?,
        waiting: row.get(8)?,
        deleted: row.get(9)?,
    };
    let meta = SessionMeta { epoch, oldest: Seq::new(natural(row, 11)?), head: Seq::new(natural(row, 12)?), agent: row.get(3)?, row: line };
    Ok(Stored { key: row.get(0)?, meta })
}

/// SQLite has signed integers only; none of ours reaches 2^63.
pub(super) fn integer(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn natural(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    Ok(u64::try_from(row.get::<_, i64>(column)?).unwrap_or(0))
}

/// A panic elsewhere cannot leave a connection half-written: an open transaction is rolled back when it is dropped.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
