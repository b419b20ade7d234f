//! What is kept beside the journals: where clients stand, and what was taken back from sessions that do not exist.

use moorline_session::{Commit, EARLY_AGE, EARLY_KEPT, POSITIONS_KEPT, Position};
use rusqlite::{Transaction, params};

use super::{fault::Fault, sqlite::integer};

/// Takes in where clients stand.
pub(super) fn place(transaction: &Transaction<'_>, positions: &[Position]) -> Result<(), Fault> {
    if positions.is_empty() {
        return Ok(());
    }
    let sql = "INSERT INTO positions (client, session, epoch, seq, seen_at) VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT (client, session) DO UPDATE SET epoch = ?3, seen_at = ?5, seq = CASE WHEN epoch = ?3 THEN max(seq, ?4) ELSE ?4 END";
    let mut upsert = transaction.prepare_cached(sql)?;
    for Position { client, session, epoch, seq, seen_at } in positions {
        upsert.execute(params![client.as_str(), session.as_str(), epoch.as_str(), integer(seq.value()), integer(*seen_at)])?;
    }
    let surplus = "DELETE FROM positions WHERE (client, session) IN
        (SELECT client, session FROM positions ORDER BY seen_at DESC LIMIT -1 OFFSET ?1)";
    transaction.prepare_cached(surplus)?.execute([integer(POSITIONS_KEPT as u64)])?;
    Ok(())
}

/// Takes in what was taken back from a session that does not exist.
pub(super) fn remember(transaction: &Transaction<'_>, commit: &Commit) -> Result<(), Fault> {
    for early in &commit.early {
        let row = params![commit.session.as_str(), early.message.as_str(), integer(early.at)];
        transaction.prepare_cached("INSERT OR REPLACE INTO early (session, message, at) VALUES (?1, ?2, ?3)")?.execute(row)?;
        let ages = [integer(EARLY_AGE.0), integer(early.at)];
        transaction.prepare_cached("DELETE FROM early WHERE at + ?1 <= ?2")?.execute(ages)?;
    }
    let surplus = "DELETE FROM early WHERE (session, message) IN (SELECT session, message FROM early ORDER BY at DESC LIMIT -1 OFFSET ?1)";
    transaction.prepare_cached(surplus)?.execute([integer(EARLY_KEPT as u64)])?;
    Ok(())
}
