//! Which turns and blocks were at work around a seq.

use std::collections::{BTreeMap, BTreeSet};

use moorline_protocol::Seq;

use crate::entity::Entity;

/// Seqs in one stretch of a journal.
const STRETCH: u64 = 64;

/// The turns and blocks that changed in a later stretch of the journal than the one they were opened in.
///
/// What spans several stretches is kept at one boundary between them: the one that is divisible by the highest power of two. So
/// a boundary holds no more than was at work when the journal passed it, and what spans a given stretch is kept at one of few
/// boundaries, a single one for each power. What goes on for long moves to higher boundaries and is left at the lower ones: the
/// answer names it all the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spans(BTreeMap<u64, BTreeSet<(Seq, Entity)>>);

impl Spans {
    /// Notes where an entity was opened, and where it has changed last.
    pub(crate) fn note(&mut self, opened: Seq, rev: Seq, entity: impl FnOnce() -> Entity) {
        let (first, last) = (opened.value() / STRETCH, rev.value() / STRETCH);
        if let Some(power) = (first ^ last).checked_ilog2() {
            self.0.entry(last >> power << power).or_default().insert((opened, entity()));
        }
    }

    /// Everything noted that was opened before the stretch of `seq`, or in it, and changed in a later one; and some more.
    pub(crate) fn around(&self, seq: Seq) -> impl Iterator<Item = &(Seq, Entity)> {
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
    use moorline_protocol::BlockId;
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn block(n: usize) -> Entity {
        Entity::Block(BlockId::numbered(n as u64))
    }

    fn spans(lives: &[(u64, u64)]) -> Spans {
        let mut spans = Spans::default();
        for (n, &(opened, rev)) in lives.iter().enumerate() {
            // As it grows.
            for rev in [opened, opened.midpoint(rev), rev] {
                spans.note(Seq::new(opened), Seq::new(rev), || block(n));
            }
        }
        spans
    }

    proptest! {
        #[test]
        fn what_spans_a_stretch_is_found_from_any_seq_in_it(lives in vec((0..5_000_u64, 0..5_000_u64), 0..60), seq in 0..10_000_u64) {
            let lives: Vec<_> = lives.into_iter().map(|(opened, length)| (opened, opened + length)).collect();
            let spans = spans(&lives);
            let found: BTreeSet<_> = spans.around(Seq::new(seq)).map(|(_, entity)| entity.clone()).collect();
            for (n, (opened, rev)) in lives.into_iter().enumerate() {
                let reaches_on = opened / STRETCH <= seq / STRETCH && seq / STRETCH < rev / STRETCH;
                prop_assert!(!reaches_on || found.contains(&block(n)), "{}: {}..={} at {}", n, opened, rev, seq);
            }
        }
    }

    #[test]
    fn a_million_events_leave_few_around_any_seq() {
        // One turn around 100,000 blocks of ten events, every hundredth of which goes on for another 3,000.
        let blocks = (0..100_000_u64).map(|n| (n * 10 + 1, n * 10 + if n % 100 == 0 { 3_010 } else { 10 }));
        let lives: Vec<_> = std::iter::once((1, 1_000_000)).chain(blocks).collect();
        let spans = spans(&lives);
        let kept: usize = spans.0.values().map(BTreeSet::len).sum();
        assert!(kept < 25_000, "{kept} are kept");
        for seq in (0..1_000_000).step_by(997) {
            let found = spans.around(Seq::new(seq)).count();
            assert!(found < 60, "{found} around {seq}");
        }
    }
}
