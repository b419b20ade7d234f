//! Deleted sessions: what is left of them goes in small steps, so that no commit waits for a long journal to be removed.

use moorline_protocol::WallTime;
use moorline_session::Upkeep;
use rusqlite::{Transaction, params};

use super::{
    fault::Fault,
    sqlite::{FIRST_REV, fact, integer, natural, set_fact},
    texts,
};

/// Removes events and texts of deleted sessions, at most `most` of each; once none is left, forgets those that were deleted
/// before a wall time.
pub(super) fn purge(transaction: &Transaction<'_>, before: WallTime, most: usize) -> Result<Upkeep, Fault> {
    let sql = "DELETE FROM events WHERE (session, seq) IN
        (SELECT session, seq FROM sessions JOIN events ON session = key WHERE deleted LIMIT ?1)";
    let removed = transaction.prepare_cached(sql)?.execute([integer(most as u64)])?;
    if removed + texts::remove_deleted(transaction, most)? > 0 {
        return Ok(Upkeep::Unfinished);
    }
    let forgotten = "FROM sessions WHERE deleted AND changed_at < ?1";
    let newest = transaction
        .prepare_cached(&format!("SELECT coalesce(max(rev), 0) {forgotten}"))?
        .query_row([integer(before)], |row| natural(row, 0))?;
    if newest > 0 {
        transaction.prepare_cached(&format!("DELETE {forgotten}"))?.execute(params![integer(before)])?;
        // Who holds an older list cannot be told any more that they are gone.
        set_fact(transaction, FIRST_REV, newest.max(fact(transaction, FIRST_REV)?))?;
    }
    Ok(Upkeep::Done)
}
