//! Link reference definitions, from where they stand on.

use std::collections::BTreeMap;

use pulldown_cmark::{BrokenLink, CowStr, Options, Parser};

/// More definitions than this are not kept.
const COUNT: usize = 1_000;

/// A longer address is not kept.
const ADDRESS_BYTES: usize = 1 << 10;

/// Addresses put in for references of one block, in all: a short reference may stand for a long address.
const EXPANDED_BYTES: usize = 100 << 10;

/// The definitions of the blocks before: address by label.
#[derive(Debug, Clone, Default)]
pub(crate) struct References(BTreeMap<String, String>);

pub(crate) const OPTIONS: Options = Options::ENABLE_TABLES.union(Options::ENABLE_STRIKETHROUGH).union(Options::ENABLE_TASKLISTS);

impl References {
    /// Keeps a block's definitions; the first of a label counts.
    pub(crate) fn learn(&mut self, text: &str) {
        if !text.contains("]:") {
            return;
        }
        for (label, definition) in Parser::new_ext(text, OPTIONS).reference_definitions().iter() {
            if self.0.len() < COUNT && label.len() + definition.dest.len() <= ADDRESS_BYTES {
                self.0.entry(key(label)).or_insert_with(|| definition.dest.to_string());
            }
        }
    }

    /// Finds the addresses of references for one parse.
    pub(crate) fn resolver<'a>(&self) -> impl FnMut(BrokenLink<'a>) -> Option<(CowStr<'a>, CowStr<'a>)> + use<'a, '_> {
        let mut left = EXPANDED_BYTES;
        move |link| {
            if self.0.is_empty() {
                return None;
            }
            let address = self.0.get(&key(&link.reference))?;
            left = left.checked_sub(address.len())?;
            Some((CowStr::from(address.clone()), CowStr::Borrowed("")))
        }
    }
}

fn key(label: &str) -> String {
    label.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}
