//! Nothing of a text leads anywhere but to the web and a letter.

use moorline_markup::{Block, Inline};

/// Holds it for a block and all that is in it.
pub(crate) fn check(block: &Block) {
    match block {
        Block::Heading { text, .. } | Block::Paragraph(text) | Block::Line(text) => check_inlines(text),
        Block::List { items, .. } => items.iter().flat_map(|item| &item.blocks).for_each(check),
        Block::Quote(blocks) => blocks.iter().for_each(check),
        Block::Table { head, rows, .. } => head.iter().chain(rows.iter().flatten()).for_each(|cell| check_inlines(cell)),
        Block::Code { .. } | Block::Plain(_) | Block::Rule => {}
    }
}

fn check_inlines(inlines: &[Inline]) {
    for inline in inlines {
        match inline {
            Inline::Text(_) | Inline::Code(_) => {}
            Inline::Emphasis(inner) | Inline::Strong(inner) | Inline::Strike(inner) => check_inlines(inner),
            Inline::Link { href, text } => {
                check_address(href);
                check_inlines(text);
            }
            Inline::Image { href, .. } => check_address(href),
        }
    }
}

fn check_address(address: &str) {
    let lower = address.to_ascii_lowercase();
    assert!(["http://", "https://", "mailto:"].iter().any(|scheme| lower.starts_with(scheme)), "{address} leads elsewhere");
    assert!(!address.chars().any(|sign| sign.is_control() || sign.is_whitespace()), "{address:?} is not clean");
}
