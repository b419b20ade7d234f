//! The nodes that a view draws.

/// A block of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// A heading.
    Heading {
        /// 1 to 6.
        level: u8,
        /// Its text.
        text: Vec<Inline>,
    },
    /// A paragraph.
    Paragraph(Vec<Inline>),
    /// A text without the space around a paragraph, as in an item of a tight list.
    Line(Vec<Inline>),
    /// A list.
    List {
        /// The first number; none for bullets.
        start: Option<u64>,
        /// One at least.
        items: Vec<Item>,
    },
    /// A quotation.
    Quote(Vec<Self>),
    /// Code, with the end of its last line.
    Code {
        /// The first word behind the fence, as written; empty when there is none.
        language: String,
        /// The code.
        text: String,
    },
    /// A table.
    Table {
        /// One a column.
        columns: Vec<Align>,
        /// The first row.
        head: Vec<Vec<Inline>>,
        /// The others.
        rows: Vec<Vec<Vec<Inline>>>,
    },
    /// A line across.
    Rule,
    /// Text as it was typed: HTML, and what is too long or too deep to be read.
    Plain(String),
}

/// An item of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Whether a task is done; none for what is no task.
    pub done: Option<bool>,
    /// Its content.
    pub blocks: Vec<Block>,
}

/// How a column of a table is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each word says what it is")]
pub enum Align {
    Start,
    Centre,
    End,
}

/// A part of a line of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inline {
    /// Text; the end of a line stands in it.
    Text(String),
    /// Code.
    Code(String),
    /// Stressed.
    Emphasis(Vec<Self>),
    /// Stressed more.
    Strong(Vec<Self>),
    /// Taken back.
    Strike(Vec<Self>),
    /// A link.
    Link {
        /// Begins with `http://`, `https://` or `mailto:`, without a space or control character.
        href: String,
        /// What leads there; no link in it.
        text: Vec<Self>,
    },
    /// An image on another host, not loaded.
    Image {
        /// Begins with `http://` or `https://`, like a link's.
        href: String,
        /// The host in it.
        host: String,
        /// What it shows.
        alt: String,
    },
}

impl Block {
    /// Adds the text that a view of it shows.
    pub(crate) fn write(&self, out: &mut String) {
        match self {
            Self::Heading { text, .. } | Self::Paragraph(text) | Self::Line(text) => write_all(text, out),
            Self::List { items, .. } => items.iter().flat_map(|item| &item.blocks).for_each(|block| block.write(out)),
            Self::Quote(blocks) => blocks.iter().for_each(|block| block.write(out)),
            Self::Code { text, .. } | Self::Plain(text) => out.push_str(text),
            Self::Table { head, rows, .. } => {
                for cell in head.iter().chain(rows.iter().flatten()) {
                    write_all(cell, out);
                }
            }
            Self::Rule => {}
        }
    }
}

fn write_all(inlines: &[Inline], out: &mut String) {
    for inline in inlines {
        match inline {
            Inline::Text(text) | Inline::Code(text) | Inline::Image { alt: text, .. } => out.push_str(text),
            Inline::Emphasis(inner) | Inline::Strong(inner) | Inline::Strike(inner) | Inline::Link { text: inner, .. } => {
                write_all(inner, out);
            }
        }
    }
}
