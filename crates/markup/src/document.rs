//! A markdown text as it grows.

use crate::{
    Block, build,
    fence::Fence,
    lines::{self, is_blank, is_too_much},
    references::References,
    split::{self, Start, StartKind},
    tail,
};

/// A list goes on as another one behind the first item that begins so far from its start.
const LIST_BYTES: usize = 16 << 10;

/// A longer block that is not code between fences is shown as it is, up to the next empty line.
const BLOCK_BYTES: usize = 32 << 10;

/// How much is looked at first to find where a block ends.
const WINDOW_BYTES: usize = 1 << 10;

/// A markdown text as it grows: finished blocks, and an open tail.
///
/// A block is finished when the line that begins the next one is whole, or at [`Document::finish`]; then it never changes. What is
/// fed costs a time in proportion to the tail, which is bounded: a line of 16 KB, a block of 32 KB (a list of 16 KB and an item)
/// is the most that is parsed at once, and only code between fences grows beyond, which is not parsed again.
///
/// Markdown's one rule that looks ahead does not hold: a link reference definition counts from the block behind which it stands.
#[derive(Debug, Default)]
pub struct Document {
    /// What is not finished. Everything from here on is open.
    rest: String,
    /// Where in the rest the line begins that is not whole.
    line: usize,
    open: Open,
    references: References,
    /// A carriage return was the last sign: a line feed behind it is no other line.
    is_return_last: bool,
    /// So much of the rest is known to be one block.
    known: usize,
    finished: u64,
}

#[derive(Debug, Default)]
enum Open {
    #[default]
    Blocks,
    Code(Fence),
    /// A block that is too long, up to the next empty line: its whole lines.
    Plain(String),
}

/// A block that never changes again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// Its number in the document, from 0.
    pub key: u64,
    /// What it is.
    pub block: Block,
}

/// What is not finished, as it would be shown if the text ended here, but that nothing flickers: stress and code that are open are
/// closed, and signs that may be the beginning of markup are left out.
#[derive(Debug, PartialEq, Eq)]
pub struct Tail<'a> {
    /// What changes with every piece.
    pub blocks: Vec<Block>,
    /// What only grows, behind them.
    pub growing: Option<Growing<'a>>,
}

/// A block of which more and more is known; its text is the two parts, and is continued by the text of the next tail or of the
/// block that it becomes.
#[derive(Debug, PartialEq, Eq)]
pub enum Growing<'a> {
    /// [`Block::Code`].
    #[expect(missing_docs, reason = "the block's fields")]
    Code { language: &'a str, text: [&'a str; 2] },
    /// [`Block::Plain`].
    Plain([&'a str; 2]),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Take {
    /// Whole lines: more may follow.
    Lines,
    /// Everything.
    All,
}

impl Document {
    /// Takes what follows in the text; returns the blocks that are finished by it.
    pub fn push(&mut self, text: &str) -> Vec<Finished> {
        self.append(text);
        let mut blocks = Vec::new();
        if text.contains(['\n', '\r']) {
            self.advance(Take::Lines, &mut blocks);
        }
        self.numbered(blocks)
    }

    /// Ends the text; returns the rest of the blocks. The document is then as new, but for its keys and definitions.
    pub fn finish(&mut self) -> Vec<Finished> {
        let mut blocks = Vec::new();
        self.advance(Take::All, &mut blocks);
        match std::mem::take(&mut self.open) {
            Open::Code(fence) => blocks.push(code(fence)),
            Open::Plain(text) if !text.is_empty() => blocks.push(Block::Plain(text)),
            Open::Plain(_) | Open::Blocks => {}
        }
        self.rest.clear();
        (self.line, self.known) = (0, 0);
        self.numbered(blocks)
    }

    /// What is open now.
    #[must_use]
    pub fn tail(&self) -> Tail<'_> {
        match &self.open {
            Open::Code(fence) => {
                let line = if fence.may_be_closed_by(&self.rest) { "" } else { fence.content(&self.rest) };
                Tail { blocks: Vec::new(), growing: Some(Growing::Code { language: &fence.language, text: [&fence.text, line] }) }
            }
            Open::Plain(text) => {
                let line = if is_blank(&self.rest) { "" } else { self.rest.as_str() };
                Tail { blocks: Vec::new(), growing: Some(Growing::Plain([text, line])) }
            }
            Open::Blocks => {
                let (whole, line) = self.rest.split_at(self.line);
                let (text, growing) =
                    if is_too_much(line) { (whole, Some(Growing::Plain(["", line]))) } else { (self.rest.as_str(), None) };
                Tail { blocks: build::blocks(&tail::closed(text), &self.references), growing }
            }
        }
    }

    fn numbered(&mut self, blocks: Vec<Block>) -> Vec<Finished> {
        let from = self.finished;
        self.finished += blocks.len() as u64;
        (from..).zip(blocks).map(|(key, block)| Finished { key, block }).collect()
    }

    /// Every end of a line becomes a line feed.
    fn append(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        let new = if self.is_return_last { text.strip_prefix('\n').unwrap_or(text) } else { text };
        self.is_return_last = text.ends_with('\r');
        let start = self.rest.len();
        if new.contains('\r') {
            self.rest.push_str(&new.replace("\r\n", "\n").replace('\r', "\n"));
        } else {
            self.rest.push_str(new);
        }
        // Found in what is new: a line may be longer than all else.
        if let Some(end) = self.rest[start..].rfind('\n') {
            self.line = start + end + 1;
        }
    }

    fn advance(&mut self, take: Take, out: &mut Vec<Block>) {
        // Taken from the front as one piece at the end: a text of many blocks would be moved for each.
        let rest = std::mem::take(&mut self.rest);
        let text = if take == Take::All { &rest[..] } else { &rest[..self.line] };
        let mut at = 0;
        while at < text.len() {
            let left = &text[at..];
            let taken = match &mut self.open {
                Open::Code(_) => self.take_code(left, out),
                Open::Plain(_) => self.take_plain(left, out),
                Open::Blocks => self.take_blocks(left, take, out),
            };
            match taken {
                0 => break,
                taken => at += taken,
            }
        }
        self.rest = rest[at..].to_owned();
        self.line = self.line.saturating_sub(at);
    }

    fn take_code(&mut self, text: &str, out: &mut Vec<Block>) -> usize {
        let Open::Code(fence) = &mut self.open else { return 0 };
        for (at, line) in lines::lines(text) {
            if fence.is_closed_by(line) {
                if let Open::Code(fence) = std::mem::take(&mut self.open) {
                    out.push(code(fence));
                }
                return at + line.len();
            }
            fence.text.push_str(fence.content(line));
        }
        text.len()
    }

    fn take_plain(&mut self, text: &str, out: &mut Vec<Block>) -> usize {
        let Open::Plain(held) = &mut self.open else { return 0 };
        for (at, line) in lines::lines(text) {
            if is_blank(line) {
                out.push(Block::Plain(std::mem::take(held)));
                self.open = Open::Blocks;
                return at + line.len();
            }
            held.push_str(line);
        }
        text.len()
    }

    /// Takes as many blocks as are known to be finished, and returns the length of their text; 0 when more has to follow.
    fn take_blocks(&mut self, text: &str, take: Take, out: &mut Vec<Block>) -> usize {
        let blank: usize = text.split_inclusive('\n').take_while(|line| is_blank(line)).map(str::len).sum();
        if blank > 0 {
            return blank;
        }
        let mut window = self.known + WINDOW_BYTES;
        loop {
            let end = text.len().min(window);
            let end = text[floor(text, end)..].find('\n').map_or(text.len(), |line| floor(text, end) + line + 1);
            let limit = lines::lines(&text[..end]).find(|(_, line)| is_too_much(line));
            let (end, is_end) = match limit {
                Some((0, line)) => {
                    out.push(Block::Plain(line.to_owned()));
                    self.known = 0;
                    return line.len();
                }
                Some((at, _)) => (at, true),
                None => (end, take == Take::All && end == text.len()),
            };
            match self.take_from(&text[..end], is_end, out) {
                0 if is_end || end > BLOCK_BYTES => {
                    // Definitions and nothing else, or a block without an end.
                    if is_end && end <= BLOCK_BYTES {
                        self.references.learn(&text[..end]);
                        return end;
                    }
                    return self.begin_plain(text);
                }
                0 if end < text.len() => window *= 2,
                0 => {
                    self.known = end;
                    return 0;
                }
                taken => {
                    self.known = 0;
                    return taken;
                }
            }
        }
    }

    /// Takes the finished blocks of a text; 0 when its first block is not.
    fn take_from(&mut self, text: &str, is_end: bool, out: &mut Vec<Block>) -> usize {
        let starts = split::starts(text);
        let mut from = 0;
        for (at, Start { at: start, kind }) in starts.iter().enumerate() {
            if let StartKind::Fence(info) = kind {
                let line = text[*start..].split_inclusive('\n').next().unwrap_or_default();
                self.references.learn(&text[from..*start]);
                let Some(fence) = Fence::open(line, info) else { return from };
                self.open = Open::Code(fence);
                return start + line.len();
            }
            let end = starts.get(at + 1).map(|next| next.at).or_else(|| is_end.then_some(text.len()));
            let item = match kind {
                StartKind::List(items) => items.iter().find(|item| **item >= from + LIST_BYTES).copied(),
                StartKind::Fence(_) | StartKind::Other => None,
            };
            match item.or(end) {
                Some(end) if end - from <= BLOCK_BYTES => {
                    self.finish_block(&text[from..end], out);
                    from = end;
                    if item.is_some() {
                        return from;
                    }
                }
                Some(_) | None => return from,
            }
        }
        from
    }

    fn finish_block(&mut self, text: &str, out: &mut Vec<Block>) {
        out.extend(build::blocks(text, &self.references));
        self.references.learn(text);
    }

    /// Shows what is too long as it is: from its start to the first empty line that begins behind the limit.
    fn begin_plain(&mut self, text: &str) -> usize {
        self.known = 0;
        let head = floor(text, BLOCK_BYTES.min(text.len()));
        let head = text[head..].find('\n').map_or(text.len(), |line| head + line + 1);
        self.open = Open::Plain(text[..head].to_owned());
        head
    }
}

fn code(fence: Fence) -> Block {
    Block::Code { language: fence.language, text: fence.text }
}

/// The nearest place at or before this one that is between two characters.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// No definitions, for they are what differs, and no tab: behind an indented fence the parser cuts it into spaces.
    const PIECES: [&str; 43] = [
        "# ",
        "a",
        "b c",
        "word ",
        "\n",
        "\n\n",
        " ",
        "  ",
        "    ",
        "- ",
        "* ",
        "1. ",
        "2) ",
        "- [x] ",
        "> ",
        ">",
        "```\n",
        "```rust\n",
        "~~~\n",
        "`",
        "*",
        "**",
        "_",
        "~~",
        "[",
        "]",
        "(",
        ")",
        "](",
        "![",
        "<b>",
        "<div>\n",
        "<!--",
        "-->",
        "<script>",
        "</script>",
        "<?",
        "|",
        "| a | b |\n",
        "|---|---|\n",
        "---\n",
        "===\n",
        "\\",
    ];

    fn whole(text: &str) -> Vec<Block> {
        let mut document = Document::default();
        let mut finished = document.push(text);
        finished.extend(document.finish());
        finished.into_iter().map(|finished| finished.block).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 3_000, ..ProptestConfig::default() })]

        #[test]
        fn block_by_block_gives_what_parsing_at_once_gives(pieces in prop::collection::vec(0..PIECES.len(), 0..60)) {
            // The parser leaves out a last line of spaces in an open fence.
            let text: String = pieces.into_iter().map(|at| PIECES[at]).chain(["\n"]).collect();
            prop_assert_eq!(whole(&text), build::blocks(&text, &References::default()));
        }
    }
}
