//! Link reference definitions, from where they stand on.

use std::collections::BTreeMap;

use pulldown_cmark::{BrokenLink, BrokenLinkCallback, CowStr, OffsetIter, Options, Parser};

/// More definitions than this are not kept.
const COUNT: usize = 1_000;

/// A longer address is not kept.
const ADDRESS_BYTES: usize = 1 << 10;

/// Addresses put in for references of one block, in all: a short reference may stand for a long address.
const EXPANDED_BYTES: usize = 100 << 10;

/// The definitions of the blocks before: address by label.
#[derive(Debug, Clone, Default)]
pub(crate) struct References(BTreeMap<String, String>);

const OPTIONS: Options = Options::ENABLE_TABLES.union(Options::ENABLE_STRIKETHROUGH).union(Options::ENABLE_TASKLISTS);

impl References {
    /// Keeps a block's definitions; the first of a label counts.
    pub(crate) fn learn(&mut self, text: &str) {
        if !text.contains("]:") {
            return;
        }
        for (label, definition) in events(text, None).reference_definitions().iter() {
            if self.0.len() < COUNT && label.len() + definition.dest.len() <= ADDRESS_BYTES {
                self.0.entry(key(label)).or_insert_with(|| definition.dest.to_string());
            }
        }
    }
}

/// Finds the addresses of references for one parse.
pub(crate) struct Resolver<'a> {
    references: Option<&'a References>,
    left: usize,
}

impl<'a> BrokenLinkCallback<'a> for Resolver<'_> {
    fn handle_broken_link(&mut self, link: BrokenLink<'a>) -> Option<(CowStr<'a>, CowStr<'a>)> {
        let held = &self.references?.0;
        if held.is_empty() {
            return None;
        }
        let address = held.get(&key(&link.reference))?;
        self.left = self.left.checked_sub(address.len())?;
        Some((CowStr::from(address.clone()), CowStr::Borrowed("")))
    }
}

/// The parser's events with their places. All ask here: each further type of parser would be another copy of it in the page.
pub(crate) fn events<'a, 'r>(text: &'a str, references: Option<&'r References>) -> OffsetIter<'a, Resolver<'r>> {
    Parser::new_with_broken_link_callback(text, OPTIONS, Some(Resolver { references, left: EXPANDED_BYTES })).into_offset_iter()
}

/// Case is folded in ASCII alone: the tables of all others are large.
fn key(label: &str) -> String {
    label.split_whitespace().collect::<Vec<_>>().join(" ").to_ascii_lowercase()
}
