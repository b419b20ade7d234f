//! Texts that can be found: kept as they come, and put into the index later, since no commit should wait for that.

use moorline_protocol::{Block, BlockId, BlockKind, Event, Hit, HitPlace, Seq, SessionId, TurnId};
use moorline_session::{Search, Text, Upkeep};
use moorline_transcript::{Changes, Transcript};
use rusqlite::{Connection, Transaction, params};

use super::{
    fault::Fault,
    sqlite::{fact, integer, natural, set_fact},
};

/// The longest piece in which a text is kept, in bytes: so much is looked through to show what was found in it.
const PIECE_BYTES: usize = 16 << 10;

/// Characters of a text that was found by what its excerpt does not find, such as a letter without its accent.
const BEGINNING_CHARS: usize = 160;

/// The fact that says up to which of the texts the index reaches.
const INDEXED: &str = "indexed";

/// So much of one text can be found, in bytes: all of it goes into one transaction, for which every session waits.
pub(crate) const FOUND_BYTES: usize = 1 << 20;

/// What can be found of a block that is complete.
pub(crate) fn text_of(block: Block) -> Option<Text> {
    let Block { id, turn, kind, opened, fields, text, .. } = block;
    let mut text = match kind {
        BlockKind::Message | BlockKind::Text | BlockKind::Thought => text,
        BlockKind::Tool => [fields.title.unwrap_or_default(), text].join("\n"),
        BlockKind::Plan | BlockKind::Request | BlockKind::Unsupported => return None,
    };
    text.truncate(boundary(&text, FOUND_BYTES));
    text.shrink_to_fit();
    (!text.trim().is_empty()).then_some(Text { turn, block: id, opened, text })
}

/// Keeps texts of a session.
pub(super) fn keep(transaction: &Transaction<'_>, key: i64, texts: &[Text]) -> Result<(), Fault> {
    for Text { turn, block, opened, text } in texts {
        let sql = "INSERT INTO texts (session, turn, block, opened, text) VALUES (?1, ?2, ?3, ?4, ?5)";
        let mut insert = transaction.prepare_cached(sql)?;
        for piece in pieces(text) {
            insert.execute(params![key, turn.as_str(), block.as_str(), integer(opened.value()), piece])?;
        }
    }
    Ok(())
}

/// The end of a text's beginning of at most so many bytes.
fn boundary(text: &str, most: usize) -> usize {
    (0..=text.len().min(most)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// Cuts a text at white space where it can.
fn pieces(mut text: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        let mut end = boundary(text, PIECE_BYTES);
        if end < text.len() {
            end = text[..end].rfind(char::is_whitespace).filter(|space| *space > 0).unwrap_or(end);
        }
        let (piece, rest) = text.split_at(end);
        text = rest;
        (!piece.is_empty()).then_some(piece)
    })
}

/// Takes at most `most` further texts into the index.
pub(super) fn index(transaction: &Transaction<'_>, most: usize) -> Result<Upkeep, Fault> {
    let from = fact(transaction, INDEXED)?;
    let last = "SELECT coalesce(max(id), 0) FROM (SELECT id FROM texts WHERE id > ?1 ORDER BY id LIMIT ?2)";
    let to = transaction.prepare_cached(last)?.query_row([integer(from), integer(most as u64)], |row| natural(row, 0))?;
    if to == 0 {
        return Ok(Upkeep::Done);
    }
    let sql = "INSERT INTO words (rowid, text) SELECT id, text FROM texts WHERE id > ?1 AND id <= ?2";
    transaction.prepare_cached(sql)?.execute([integer(from), integer(to)])?;
    set_fact(transaction, INDEXED, to)?;
    Ok(Upkeep::Unfinished)
}

/// Removes at most `most` texts of deleted sessions; returns how many.
pub(super) fn remove_deleted(transaction: &Transaction<'_>, most: usize) -> Result<usize, Fault> {
    let sql = "SELECT texts.id FROM sessions JOIN texts ON session = key WHERE deleted LIMIT ?1";
    let mut statement = transaction.prepare_cached(sql)?;
    let ids: Vec<i64> = statement.query_map([integer(most as u64)], |row| row.get(0))?.collect::<Result<_, _>>()?;
    // The index has to be told what it was given.
    let told = "INSERT INTO words (words, rowid, text) SELECT 'delete', id, text FROM texts WHERE id = ?1 AND id <= ?2";
    let indexed = integer(fact(transaction, INDEXED)?);
    for id in &ids {
        transaction.prepare_cached(told)?.execute([*id, indexed])?;
        transaction.prepare_cached("DELETE FROM texts WHERE id = ?1")?.execute([*id])?;
    }
    Ok(ids.len())
}

/// What a search finds: titles, then the texts in the index, the newest first.
pub(super) fn find(connection: &Connection, search: &Search) -> Result<Vec<Hit>, Fault> {
    let only = search.session.as_ref().map(SessionId::as_str);
    let mut hits = Vec::new();
    let sql = "SELECT id, title FROM sessions WHERE NOT deleted AND (?1 IS NULL OR id = ?1) ORDER BY changed_at DESC";
    let mut titles = connection.prepare_cached(sql)?;
    let mut rows = titles.query([only])?;
    while let Some(row) = rows.next()?.filter(|_| hits.len() < search.limit) {
        if let Some(excerpt) = search.excerpt(row.get_ref(1)?.as_str().map_err(Fault::inconsistent)?) {
            hits.push(Hit { session: id(row.get_ref(0)?, SessionId::parse)?, place: None, excerpt });
        }
    }
    let sql = "SELECT sessions.id, turn, block, opened, texts.text FROM words
        JOIN texts ON texts.id = words.rowid JOIN sessions ON key = session
        WHERE words MATCH ?1 AND NOT deleted AND (?2 IS NULL OR sessions.id = ?2) ORDER BY words.rowid DESC LIMIT ?3";
    let mut texts = connection.prepare_cached(sql)?;
    let mut rows = texts.query(params![query(search), only, integer((search.limit - hits.len()) as u64)])?;
    while let Some(row) = rows.next()? {
        let text = row.get_ref(4)?.as_str().map_err(Fault::inconsistent)?;
        let place = HitPlace {
            turn: id(row.get_ref(1)?, TurnId::parse)?,
            block: id(row.get_ref(2)?, BlockId::parse)?,
            opened: Seq::new(natural(row, 3)?),
        };
        let mut excerpt = search.excerpt(text).unwrap_or_else(|| vec![text.chars().take(BEGINNING_CHARS).collect()]);
        // Most texts are markdown, and an excerpt is shown as it stands.
        excerpt.iter_mut().for_each(|piece| piece.retain(|letter| !matches!(letter, '*' | '`')));
        hits.push(Hit { session: id(row.get_ref(0)?, SessionId::parse)?, place: Some(place), excerpt });
    }
    Ok(hits)
}

/// The search in SQLite's words: each of ours as it stands, or as the beginning of a longer one.
fn query(search: &Search) -> String {
    let words = search.words().iter().map(|word| format!("\"{}\"*", word.replace('"', "\"\"")));
    words.collect::<Vec<_>>().join(" ")
}

fn id<T, E: std::fmt::Display>(value: rusqlite::types::ValueRef<'_>, parse: impl FnOnce(&str) -> Result<T, E>) -> Result<T, Fault> {
    parse(value.as_str().map_err(Fault::inconsistent)?).map_err(Fault::inconsistent)
}

/// Takes the texts of journals that were written before texts were kept.
pub(super) fn take_texts(transaction: &Transaction<'_>) -> Result<(), Fault> {
    let mut sessions = transaction.prepare("SELECT key FROM sessions WHERE NOT deleted")?;
    let keys: Vec<i64> = sessions.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for key in keys {
        let (mut transcript, mut changes) = (Transcript::new(), Changes::new());
        let mut events = transaction.prepare_cached("SELECT event FROM events WHERE session = ?1 ORDER BY seq")?;
        let mut rows = events.query([key])?;
        while let Some(row) = rows.next()? {
            let event: Event = serde_json::from_str(row.get_ref(0)?.as_str().map_err(Fault::inconsistent)?).map_err(Fault::inconsistent)?;
            transcript.apply(&event, &mut changes);
            changes.clear();
        }
        let complete = |block: &&Block| block.kind == BlockKind::Message || block.fields.closed == Some(true);
        let blocks = transcript.turns().flat_map(|turn| transcript.blocks(&turn.id)).filter(complete);
        let texts: Vec<Text> = blocks.cloned().filter_map(text_of).collect();
        keep(transaction, key, &texts)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use moorline_protocol::{Fields, Seq};

    use super::*;

    #[test]
    fn of_a_text_its_first_mebibyte_can_be_found_cut_between_two_characters() {
        let block = |text: String| Block {
            id: BlockId::numbered(1),
            turn: TurnId::parse("t").unwrap(),
            kind: BlockKind::Text,
            opened: Seq::new(1),
            rev: Seq::new(1),
            fields: Fields::default(),
            edition: 0,
            from: 0,
            text,
        };
        let found = |text: String| text_of(block(text)).unwrap().text.len();
        assert_eq!(found("x".repeat(FOUND_BYTES + 1)), FOUND_BYTES);
        assert_eq!(found(format!("x{}", "ü".repeat(FOUND_BYTES))), FOUND_BYTES - 1);
        assert_eq!(found("short".to_owned()), 5);
    }
}
