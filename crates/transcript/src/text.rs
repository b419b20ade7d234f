//! Texts that travel in pieces: continued, joined, cut.

use moorline_protocol::{Append, Block};

use crate::TextChange;

/// What became of an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Continued {
    /// It is in the text now, or was before.
    Fits(TextChange),
    /// Its place lies behind the end of the text or inside a character: something before it is missing.
    Apart,
}

/// Continues a block's text. A higher edition begins anew, a lower one is late; what is there already is skipped.
pub(crate) fn continue_text(block: &mut Block, append: &Append) -> Continued {
    if append.edition < block.edition {
        return Continued::Fits(TextChange::Same);
    }
    if append.edition > block.edition {
        if append.at > 0 {
            return Continued::Apart;
        }
        block.edition = append.edition;
        block.from = 0;
        block.text.clone_from(&append.text);
        return Continued::Fits(TextChange::Replaced);
    }
    let Some(known) = end(block).checked_sub(append.at) else {
        return Continued::Apart;
    };
    let known = usize::try_from(known).unwrap_or(usize::MAX);
    if known >= append.text.len() {
        return Continued::Fits(TextChange::Same);
    }
    let Some(rest) = append.text.get(known..) else {
        return Continued::Apart;
    };
    let at = block.text.len();
    block.text.push_str(rest);
    Continued::Fits(TextChange::Appended { at })
}

/// The UTF-8 offset behind a block's text.
pub(crate) fn end(block: &Block) -> u64 {
    block.from.saturating_add(block.text.len() as u64)
}

/// Gives a block that carries only the tail of its text the beginning that another copy of it holds; returns whether it did.
pub(crate) fn join_head(block: &mut Block, other: &Block) -> bool {
    if block.edition != other.edition || other.from >= block.from || block.from > end(other) {
        return false;
    }
    let Some(head) = usize::try_from(block.from - other.from).ok().and_then(|n| other.text.get(..n)) else {
        return false;
    };
    block.text.insert_str(0, head);
    block.from = other.from;
    true
}

/// What changes for a view when one copy of a block's text takes the place of another.
pub(crate) fn difference(old: &Block, new: &Block) -> TextChange {
    if old.from != new.from || old.edition != new.edition || !new.text.starts_with(&old.text) {
        return TextChange::Replaced;
    }
    if new.text.len() == old.text.len() { TextChange::Same } else { TextChange::Appended { at: old.text.len() } }
}

/// A copy of a block with at most the last `max_bytes` of its text.
pub(crate) fn with_tail(block: &Block, max_bytes: usize) -> Block {
    let mut start = block.text.len().saturating_sub(max_bytes);
    while !block.text.is_char_boundary(start) {
        start += 1;
    }
    Block {
        id: block.id.clone(),
        turn: block.turn.clone(),
        kind: block.kind,
        opened: block.opened,
        rev: block.rev,
        fields: block.fields.clone(),
        edition: block.edition,
        from: block.from.saturating_add(start as u64),
        text: block.text.get(start..).unwrap_or_default().to_owned(),
    }
}

/// Splits a text so that the first piece takes at most `max_bytes` inside a JSON string.
pub(crate) fn split_encoded(text: &str, max_bytes: usize) -> (&str, &str) {
    let mut bytes = 0;
    for (index, char) in text.char_indices() {
        bytes += encoded_len(char);
        if bytes > max_bytes {
            return text.split_at(index);
        }
    }
    (text, "")
}

/// The bytes that a character takes inside a JSON string.
const fn encoded_len(char: char) -> usize {
    match char {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        '\0'..='\u{1f}' => 6,
        _ => char.len_utf8(),
    }
}
