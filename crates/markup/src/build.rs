//! From the parser's events to nodes.

use pulldown_cmark::{Alignment, CodeBlockKind, CowStr, Event, HeadingLevel, LinkType, Tag};

use crate::{
    Align, Block, Inline, Item,
    link::{self, linked},
    references::{References, events},
};

/// Deeper quotations, lists and styles are shown as if they stood less deep.
const DEPTH: usize = 24;

/// Parses a text as it stands.
pub(crate) fn blocks(text: &str, references: &References) -> Vec<Block> {
    let mut builder = Builder { blocks: Vec::new(), open: Vec::new() };
    for (event, _) in events(text, Some(references)) {
        builder.take(event);
    }
    while !builder.open.is_empty() {
        builder.close();
    }
    builder.blocks
}

struct Builder {
    blocks: Vec<Block>,
    open: Vec<Open>,
}

/// What has begun and not ended.
enum Open {
    Inlines(Kind, Vec<Inline>),
    Item {
        done: Option<bool>,
        blocks: Vec<Block>,
        line: Vec<Inline>,
    },
    List(Option<u64>, Vec<Item>),
    Quote(Vec<Block>),
    Code(String, String),
    Html(String),
    Image(String, String),
    Table {
        columns: Vec<Align>,
        head: Vec<Vec<Inline>>,
        rows: Vec<Vec<Vec<Inline>>>,
    },
    Row {
        is_head: bool,
        cells: Vec<Vec<Inline>>,
    },
    /// What is in it counts as its parent's.
    Nothing,
}

enum Kind {
    Paragraph,
    Heading(u8),
    Cell,
    Emphasis,
    Strong,
    Strike,
    Link(String),
}

impl Builder {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => {
                let open = self.opened(tag);
                self.open.push(open);
            }
            Event::End(_) => self.close(),
            Event::Text(text) => self.text(&text),
            Event::InlineHtml(text) | Event::InlineMath(text) | Event::DisplayMath(text) | Event::FootnoteReference(text) => {
                self.text(&text)
            }
            Event::Html(text) => self.text(&text),
            Event::Code(code) => self.code(code),
            // As typed: agents break lines where they mean it.
            Event::SoftBreak | Event::HardBreak => self.text("\n"),
            Event::Rule => self.add(Block::Rule),
            Event::TaskListMarker(is_done) => {
                if let Some(Open::Item { done, .. }) = self.holder() {
                    *done = Some(is_done);
                } else if let Some(Open::Item { done, .. }) = self.open.iter_mut().rev().find(|open| matches!(open, Open::Item { .. })) {
                    *done = Some(is_done);
                }
            }
        }
    }

    fn opened(&self, tag: Tag<'_>) -> Open {
        if self.open.len() > DEPTH && !matches!(tag, Tag::Paragraph | Tag::Heading { .. } | Tag::CodeBlock(_) | Tag::HtmlBlock) {
            return Open::Nothing;
        }
        let inlines = |kind| Open::Inlines(kind, Vec::new());
        match tag {
            Tag::Paragraph => inlines(Kind::Paragraph),
            Tag::Heading { level, .. } => inlines(Kind::Heading(number(level))),
            Tag::BlockQuote(_) => Open::Quote(Vec::new()),
            Tag::CodeBlock(CodeBlockKind::Fenced(info)) => {
                Open::Code(info.split_whitespace().next().unwrap_or_default().chars().take(40).collect(), String::new())
            }
            Tag::CodeBlock(CodeBlockKind::Indented) => Open::Code(String::new(), String::new()),
            Tag::HtmlBlock => Open::Html(String::new()),
            Tag::List(start) => Open::List(start, Vec::new()),
            Tag::Item => Open::Item { done: None, blocks: Vec::new(), line: Vec::new() },
            Tag::Table(columns) => Open::Table { columns: columns.into_iter().map(align).collect(), head: Vec::new(), rows: Vec::new() },
            Tag::TableHead => Open::Row { is_head: true, cells: Vec::new() },
            Tag::TableRow => Open::Row { is_head: false, cells: Vec::new() },
            Tag::TableCell => inlines(Kind::Cell),
            Tag::Emphasis => inlines(Kind::Emphasis),
            Tag::Strong => inlines(Kind::Strong),
            Tag::Strikethrough => inlines(Kind::Strike),
            Tag::Link { link_type, dest_url, .. } => self.link(link_type, &dest_url),
            Tag::Image { dest_url, .. } => Open::Image(dest_url.to_string(), String::new()),
            Tag::FootnoteDefinition(_)
            | Tag::DefinitionList
            | Tag::DefinitionListTitle
            | Tag::DefinitionListDefinition
            | Tag::Superscript
            | Tag::Subscript
            | Tag::MetadataBlock(_) => Open::Nothing,
        }
    }

    fn link(&self, link_type: LinkType, address: &str) -> Open {
        let address = if link_type == LinkType::Email { format!("mailto:{address}") } else { address.to_owned() };
        match link::safe(&address) {
            Some(_) if !self.is_in_link() => Open::Inlines(Kind::Link(address), Vec::new()),
            _ => Open::Nothing,
        }
    }

    fn is_in_link(&self) -> bool {
        self.open.iter().any(|open| matches!(open, Open::Inlines(Kind::Link(_), _)))
    }

    /// The innermost that holds something.
    fn holder(&mut self) -> Option<&mut Open> {
        self.open.iter_mut().rev().find(|open| !matches!(open, Open::Nothing))
    }

    fn text(&mut self, text: &str) {
        match self.holder() {
            Some(Open::Inlines(_, inlines) | Open::Item { line: inlines, .. }) => push_text(inlines, text),
            Some(Open::Code(_, held) | Open::Html(held) | Open::Image(_, held)) => held.push_str(text),
            Some(Open::List(..) | Open::Quote(_) | Open::Table { .. } | Open::Row { .. } | Open::Nothing) | None => {
                self.add(Block::Plain(text.to_owned()));
            }
        }
    }

    fn code(&mut self, code: CowStr<'_>) {
        match self.holder() {
            Some(Open::Inlines(_, inlines) | Open::Item { line: inlines, .. }) => inlines.push(Inline::Code(code.to_string())),
            _ => self.text(&code),
        }
    }

    fn inline(&mut self, inline: Inline) {
        match self.holder() {
            Some(Open::Inlines(_, inlines) | Open::Item { line: inlines, .. }) => inlines.push(inline),
            _ => {
                let mut text = String::new();
                Block::Line(vec![inline]).write(&mut text);
                self.text(&text);
            }
        }
    }

    fn add(&mut self, block: Block) {
        match self.holder() {
            Some(Open::Quote(blocks)) => blocks.push(block),
            Some(Open::Item { blocks, line, .. }) => {
                end_line(line, blocks);
                blocks.push(block);
            }
            Some(
                Open::Inlines(..)
                | Open::List(..)
                | Open::Code(..)
                | Open::Html(_)
                | Open::Image(..)
                | Open::Table { .. }
                | Open::Row { .. }
                | Open::Nothing,
            )
            | None => self.blocks.push(block),
        }
    }

    fn close(&mut self) {
        let Some(open) = self.open.pop() else { return };
        match open {
            Open::Inlines(kind, inlines) => self.close_inlines(kind, inlines),
            Open::Item { done, mut blocks, mut line } => {
                end_line(&mut line, &mut blocks);
                match self.holder() {
                    Some(Open::List(_, items)) => items.push(Item { done, blocks }),
                    _ => blocks.into_iter().for_each(|block| self.add(block)),
                }
            }
            Open::List(start, items) => self.add(Block::List { start, items }),
            Open::Quote(blocks) => self.add(Block::Quote(blocks)),
            Open::Code(language, text) => self.add(Block::Code { language, text }),
            Open::Html(text) => self.add(Block::Plain(text)),
            Open::Image(href, alt) => match link::host(&href) {
                Some(host) if !self.is_in_link() => {
                    let host = host.to_owned();
                    self.inline(Inline::Image { href, host, alt });
                }
                _ => self.text(&alt),
            },
            Open::Table { columns, head, rows } => self.add(Block::Table { columns, head, rows }),
            Open::Row { is_head, cells } => match self.holder() {
                Some(Open::Table { head, .. }) if is_head => *head = cells,
                Some(Open::Table { rows, .. }) => rows.push(cells),
                _ => cells.into_iter().for_each(|cell| self.add(Block::Line(cell))),
            },
            Open::Nothing => {}
        }
    }

    fn close_inlines(&mut self, kind: Kind, inlines: Vec<Inline>) {
        let inlines = if matches!(kind, Kind::Link(_)) || self.is_in_link() { inlines } else { linked(inlines) };
        match kind {
            Kind::Paragraph => self.add(Block::Paragraph(inlines)),
            Kind::Heading(level) => self.add(Block::Heading { level, text: inlines }),
            Kind::Cell => match self.holder() {
                Some(Open::Row { cells, .. }) => cells.push(inlines),
                _ => self.add(Block::Line(inlines)),
            },
            Kind::Emphasis => self.inline(Inline::Emphasis(inlines)),
            Kind::Strong => self.inline(Inline::Strong(inlines)),
            Kind::Strike => self.inline(Inline::Strike(inlines)),
            Kind::Link(href) => self.inline(Inline::Link { href, text: inlines }),
        }
    }
}

fn end_line(line: &mut Vec<Inline>, blocks: &mut Vec<Block>) {
    if !line.is_empty() {
        blocks.push(Block::Line(linked(std::mem::take(line))));
    }
}

fn push_text(inlines: &mut Vec<Inline>, text: &str) {
    match inlines.last_mut() {
        Some(Inline::Text(held)) => held.push_str(text),
        _ => inlines.push(Inline::Text(text.to_owned())),
    }
}

const fn number(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

const fn align(alignment: Alignment) -> Align {
    match alignment {
        Alignment::None | Alignment::Left => Align::Start,
        Alignment::Center => Align::Centre,
        Alignment::Right => Align::End,
    }
}
