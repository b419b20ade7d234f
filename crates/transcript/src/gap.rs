//! Ranges known to be missing.

use moorline_protocol::Seq;

/// A range of `opened` seqs whose turns and blocks are known to be missing, both ends inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// The first missing place.
    pub from: Seq,
    /// The last missing place.
    pub to: Seq,
}

/// Gaps, ascending, without overlap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Gaps(Vec<Gap>);

impl Gaps {
    pub(crate) fn as_slice(&self) -> &[Gap] {
        &self.0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a range behind all others; returns whether it holds anything.
    pub(crate) fn push(&mut self, from: Seq, to: Seq) -> bool {
        let from = self.0.last().map_or(from, |last| from.max(last.to.next()));
        if from > to {
            return false;
        }
        match self.0.last_mut() {
            Some(last) if last.to.next() == from => last.to = to,
            _ => self.0.push(Gap { from, to }),
        }
        true
    }

    /// Takes a range out; returns whether anything of it was missing.
    pub(crate) fn subtract(&mut self, from: Seq, to: Seq) -> bool {
        if from > to || !self.0.iter().any(|gap| gap.from <= to && from <= gap.to) {
            return false;
        }
        let mut left = Vec::with_capacity(self.0.len() + 1);
        for gap in self.0.drain(..) {
            if gap.to < from || to < gap.from {
                left.push(gap);
                continue;
            }
            if gap.from < from {
                left.push(Gap { from: gap.from, to: from.before() });
            }
            if to < gap.to {
                left.push(Gap { from: to.next(), to: gap.to });
            }
        }
        self.0 = left;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gaps(ranges: &[(u64, u64)]) -> Gaps {
        Gaps(ranges.iter().map(|&(from, to)| Gap { from: Seq::new(from), to: Seq::new(to) }).collect())
    }

    #[test]
    fn a_middle_taken_out_leaves_both_ends() {
        let mut left = gaps(&[(1, 10), (20, 30)]);
        assert!(left.subtract(Seq::new(5), Seq::new(24)));
        assert_eq!(left, gaps(&[(1, 4), (25, 30)]));
        assert!(!left.subtract(Seq::new(5), Seq::new(24)));
    }

    #[test]
    fn neighbours_become_one() {
        let mut left = gaps(&[(1, 4)]);
        assert!(left.push(Seq::new(3), Seq::new(8)));
        assert!(!left.push(Seq::new(3), Seq::new(8)));
        assert_eq!(left, gaps(&[(1, 8)]));
    }
}
