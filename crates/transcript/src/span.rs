//! Which turns and blocks were at work around a seq.

use std::collections::{BTreeMap, BTreeSet};

use moorline_protocol::Seq;

use crate::order::{Numbered, Placed};

/// Seqs in one stretch of a journal.
const STRETCH: u64 = 64;

/// The turns and blocks that changed in a later stretch of the journal than the one they were opened in.
///
/// What spans several stretches is kept at one boundary between them: the one that is divisible by the highest power of two. So
/// a boundary holds no more than was at work when the journal passed it, and what spans a given stretch is kept at one of few
/// boundaries, a single one for each power. What goes on for long moves to higher boundaries and is left at the lower ones: the
/// answer names it all the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spans(BTreeMap<u64, BTreeSet<Placed>>);

impl Spans {
    /// Notes where a turn or block was opened, and where it has changed last.
    pub(crate) fn note(&mut self, opened: Seq, rev: Seq, numbered: Numbered) {
        let (first, last) = (opened.value() / STRETCH, rev.value() / STRETCH);
        if let Some(power) = (first ^ last).checked_ilog2() {
            self.0.entry(last >> power << power).or_default().insert((opened, numbered));
        }
    }

    /// Everything noted that was opened before the stretch of `seq`, or in it, and changed in a later one; and some more.
    pub(crate) fn around(&self, seq: Seq) -> impl Iterator<Item = &Placed> {
        let stretch = seq.value() / STRETCH;
        let boundaries = (0..=Seq::MAX.value().ilog2()).map(move |power| (stretch >> power | 1) << power);
        boundaries.filter_map(|boundary| self.0.get(&boundary)).flatten()
    }

    /// Where the stretch of `seq` begins.
    pub(crate) const fn stretch_of(seq: Seq) -> Seq {
        Seq::new(seq.value() / STRETCH * STRETCH)
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::named::Named;

    /// With the blocks that are noted.
    fn spans(lives: &[(u64, u64)]) -> (Spans, Vec<Numbered>) {
        let (mut spans, mut named) = (Spans::default(), Named::default());
        let noted = lives.iter().enumerate().map(|(n, &(opened, rev))| {
            named.put(n, ());
            let block = Numbered::Block(named.slot(&n).unwrap());
            // As it grows.
            for rev in [opened, opened.midpoint(rev), rev] {
                spans.note(Seq::new(opened), Seq::new(rev), block);
            }
            block
        });
        let noted = noted.collect();
        (spans, noted)
    }

    proptest! {
        #[test]
        fn what_spans_a_stretch_is_found_from_any_seq_in_it(lives in vec((0..5_000_u64, 0..5_000_u64), 0..60), seq in 0..10_000_u64) {
            let lives: Vec<_> = lives.into_iter().map(|(opened, length)| (opened, opened + length)).collect();
            let (spans, blocks) = spans(&lives);
            let found: BTreeSet<_> = spans.around(Seq::new(seq)).map(|(_, block)| *block).collect();
            for ((opened, rev), block) in lives.into_iter().zip(blocks) {
                let reaches_on = opened / STRETCH <= seq / STRETCH && seq / STRETCH < rev / STRETCH;
                prop_assert!(!reaches_on || found.contains(&block), "{:?}: {}..={} at {}", block, opened, rev, seq);
            }
        }
    }

    #[test]
    fn a_million_events_leave_few_around_any_seq() {
        // One turn around 100,000 blocks of ten events, every hundredth of which goes on for another 3,000.
        let blocks = (0..100_000_u64).map(|n| (n * 10 + 1, n * 10 + if n % 100 == 0 { 3_010 } else { 10 }));
        let lives: Vec<_> = std::iter::once((1, 1_000_000)).chain(blocks).collect();
        let (spans, _) = spans(&lives);
        let kept: usize = spans.0.values().map(BTreeSet::len).sum();
        assert!(kept < 25_000, "{kept} are kept");
        for seq in (0..1_000_000).step_by(997) {
            let found = spans.around(Seq::new(seq)).count();
            assert!(found < 60, "{found} around {seq}");
        }
    }
}
