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

/// Gives a block that carries only the tail of its text what stands before that, from a text of an edition that begins at an
/// offset and reaches as far as the tail; returns whether it did.
pub(crate) fn join_head(block: &mut Block, edition: u32, from: u64, text: &str) -> bool {
    let missing = block.from.checked_sub(from).filter(|missing| *missing > 0 && edition == block.edition);
    let Some(head) = missing.and_then(|missing| text.get(..usize::try_from(missing).ok()?)) else { return false };
    block.text.insert_str(0, head);
    block.from = from;
    true
}

/// Gives a newer copy of a block the beginning of its text that an older one holds, and says what changes for a view.
///
/// It takes as long as the newer copy's text: a fold that goes on with a long text costs what it adds.
pub(crate) fn take_head(block: &mut Block, old: &mut Block) -> TextChange {
    let goes_on = block.edition == old.edition && (old.from..=end(old)).contains(&block.from);
    let at = if goes_on { usize::try_from(block.from - old.from).ok() } else { None };
    let Some(known) = at.and_then(|at| old.text.get(at..)) else { return TextChange::Replaced };
    let change = if !block.text.starts_with(known) {
        TextChange::Replaced
    } else if block.text.len() == known.len() {
        TextChange::Same
    } else {
        TextChange::Appended { at: old.text.len() }
    };
    let mut text = std::mem::take(&mut old.text);
    text.truncate(at.unwrap_or(0));
    text.push_str(&block.text);
    block.text = text;
    block.from = old.from;
    change
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

#[cfg(test)]
mod tests {
    use moorline_protocol::{BlockId, BlockKind, Fields, MessageId, Seq};

    use super::*;

    fn block(from: u64, text: &str) -> Block {
        Block {
            id: BlockId::numbered(1),
            turn: MessageId::parse("m").unwrap(),
            kind: BlockKind::Text,
            opened: Seq::new(1),
            rev: Seq::new(1),
            fields: Fields::default(),
            edition: 0,
            from,
            text: text.to_owned(),
        }
    }

    #[test]
    fn a_head_is_taken_only_by_what_goes_on_with_it() {
        let taken = |old: (u64, &str), new: (u64, &str)| {
            let mut block = block(new.0, new.1);
            let change = take_head(&mut block, &mut self::block(old.0, old.1));
            (change, block.from, block.text)
        };
        let text = |from, text: &str, change| (change, from, text.to_owned());
        assert_eq!(taken((0, "abc"), (3, "de")), text(0, "abcde", TextChange::Appended { at: 3 }));
        assert_eq!(taken((2, "abc"), (3, "bcde")), text(2, "abcde", TextChange::Appended { at: 3 }));
        assert_eq!(taken((0, "abc"), (1, "bc")), text(0, "abc", TextChange::Same));
        assert_eq!(taken((0, "abc"), (1, "xyz")), text(0, "axyz", TextChange::Replaced));
        assert_eq!(taken((0, "abc"), (4, "e")), text(4, "e", TextChange::Replaced), "something between them is missing");
        assert_eq!(taken((3, "d"), (1, "bcd")), text(1, "bcd", TextChange::Replaced), "it reaches further back");
        assert_eq!(taken((0, "é"), (1, "x")), text(1, "x", TextChange::Replaced), "inside a character");
    }

    #[test]
    fn a_long_text_is_not_copied_for_what_is_added_to_it() {
        let mut old = block(0, &"x".repeat(1 << 20));
        old.text.reserve(10);
        let (kept, mut new) = (old.text.as_ptr(), block(1 << 20, "more"));
        take_head(&mut new, &mut old);
        assert_eq!((new.text.as_ptr(), new.text.len()), (kept, (1 << 20) + 4));
    }
}
