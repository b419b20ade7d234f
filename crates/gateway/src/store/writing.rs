//! What a commit does to the tables.

use moorline_protocol::{Epoch, Seq, SessionId, SessionRow, WallTime, encode};
use moorline_session::{Commit, NewSession, SessionMeta};
use rusqlite::{Connection, Row, Transaction, params};

use super::{
    beside::remember,
    fault::Fault,
    sqlite::{REV, SESSION, integer, natural},
    texts,
};

/// A session as the table holds it.
pub(super) struct Stored {
    pub(super) key: i64,
    pub(super) meta: SessionMeta,
}

/// Writes one commit; the session's row if it changed.
pub(super) fn write(transaction: &Transaction<'_>, commit: &Commit) -> Result<Option<SessionRow>, Fault> {
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
    if stored.meta.row.deleted {
        return Err(Fault::Inconsistent(format!("session {} was deleted", commit.session)));
    }
    append(transaction, &mut stored, commit)?;
    replace(transaction, &stored, commit)?;
    texts::keep(transaction, stored.key, &commit.texts)?;
    if let Some(at) = commit.deletion {
        return delete(transaction, stored, at).map(Some);
    }
    if commit.row.is_none() && !is_new {
        let sql = "UPDATE sessions SET oldest = ?1, head = ?2 WHERE key = ?3";
        let (oldest, head) = (integer(stored.meta.oldest.value()), integer(stored.meta.head.value()));
        transaction.prepare_cached(sql)?.execute(params![oldest, head, stored.key])?;
        return Ok(None);
    }
    if let Some(change) = &commit.row {
        change.apply(&mut stored.meta.row);
    }
    stored.meta.row.rev = next_rev(transaction)?;
    let (meta, row) = (&stored.meta, &stored.meta.row);
    let sql = "UPDATE sessions SET title = ?1, changed_at = ?2, running = ?3, waiting = ?4, pinned = ?5, archived = ?6, rev = ?7, oldest = ?8, head = ?9 WHERE key = ?10";
    transaction.prepare_cached(sql)?.execute(params![
        row.title,
        integer(row.changed_at),
        row.running,
        row.waiting,
        row.pinned,
        row.archived,
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

/// Leaves of a session its row, as news. What else there is of it goes with the upkeep.
fn delete(transaction: &Transaction<'_>, stored: Stored, at: WallTime) -> Result<SessionRow, Fault> {
    let Stored { key, meta } = stored;
    let rev = next_rev(transaction)?;
    let sql = "UPDATE sessions SET deleted = 1, title = '', changed_at = ?1, running = 0, waiting = 0, pinned = 0, archived = 0, rev = ?2,
        oldest = 0, head = 0 WHERE key = ?3";
    transaction.prepare_cached(sql)?.execute(params![integer(at), integer(rev), key])?;
    transaction.prepare_cached("DELETE FROM positions WHERE session = ?1")?.execute([meta.row.session.as_str()])?;
    let left = find(transaction, &meta.row.session)?;
    left.map(|stored| stored.meta.row).ok_or_else(|| Fault::Inconsistent(format!("session {} left no row", meta.row.session)))
}

/// The next value of the counter of the whole list; it never falls, also when the highest row goes.
pub(super) fn next_rev(transaction: &Transaction<'_>) -> Result<u64, Fault> {
    let sql = "INSERT INTO facts (name, value) VALUES (?1, '1')
        ON CONFLICT (name) DO UPDATE SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT) RETURNING CAST(value AS INTEGER)";
    Ok(transaction.prepare_cached(sql)?.query_row([REV], |row| natural(row, 0))?)
}

pub(super) fn find(connection: &Connection, session: &SessionId) -> Result<Option<Stored>, Fault> {
    let mut statement = connection.prepare_cached(&format!("{SESSION} WHERE id = ?1"))?;
    let mut rows = statement.query([session.as_str()])?;
    rows.next()?.map(stored).transpose()
}

pub(super) fn stored(row: &Row<'_>) -> Result<Stored, Fault> {
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
        pinned: row.get(13)?,
        archived: row.get(14)?,
    };
    let meta = SessionMeta { epoch, oldest: Seq::new(natural(row, 11)?), head: Seq::new(natural(row, 12)?), agent: row.get(3)?, row: line };
    Ok(Stored { key: row.get(0)?, meta })
}
