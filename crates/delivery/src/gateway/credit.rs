//! What was delivered and not yet acked.

use std::collections::VecDeque;

use moorline_protocol::Seq;

/// Deliveries closer together than this share an entry, so that a reader that stops costs at most
/// credit / 4 KiB entries.
const ENTRY_BYTES: usize = 4 << 10;

/// Bytes delivered, by the seq that acks them.
#[derive(Debug, Default)]
pub(super) struct Credit {
    entries: VecDeque<(Seq, usize)>,
    unacked: usize,
}

impl Credit {
    pub(super) fn delivered(&mut self, seq: Seq, bytes: usize) {
        self.unacked += bytes;
        match self.entries.back_mut() {
            Some((last, held)) if *last == seq || *held < ENTRY_BYTES => {
                *last = seq;
                *held += bytes;
            }
            Some(_) | None => self.entries.push_back((seq, bytes)),
        }
    }

    pub(super) fn acked(&mut self, seq: Seq) {
        while let Some((last, bytes)) = self.entries.front().copied() {
            if last > seq {
                return;
            }
            self.unacked -= bytes;
            self.entries.pop_front();
        }
    }

    pub(super) const fn unacked(&self) -> usize {
        self.unacked
    }
}
