//! Where to go on from: a pure decision over a window and a cursor.

use moorline_protocol::{Epoch, Seq};

/// What a journal can serve: `oldest` is the oldest seq kept ([`Seq::ZERO`] when nothing is), `last` the newest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// The journal's incarnation.
    pub epoch: Epoch,
    /// The oldest seq kept.
    pub oldest: Seq,
    /// The newest seq.
    pub last: Seq,
}

/// How a cursor is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replay {
    /// Nothing is missing.
    UpToDate,
    /// The events behind the cursor, from this seq on.
    From(Seq),
    /// The events behind the cursor are not all here, or the cursor is not of this journal. Carries `last`.
    TooOld(Seq),
}

/// Decides how to answer a cursor: at the head, up to date; at or behind the event just before the oldest kept, a replay;
/// one earlier, ahead of the head or of another epoch, too old. It stores nothing and speaks of the window only.
#[must_use]
pub fn replay_since(window: &Window, epoch: &Epoch, seq: Seq) -> Replay {
    let behind_oldest = window.oldest == Seq::ZERO || seq.next() < window.oldest;
    if window.epoch != *epoch || seq > window.last {
        Replay::TooOld(window.last)
    } else if seq == window.last {
        Replay::UpToDate
    } else if behind_oldest {
        Replay::TooOld(window.last)
    } else {
        Replay::From(seq.next())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::{Replay, Window, replay_since};
    use moorline_protocol::{Epoch, Seq};

    /// A journal that keeps what springdrift's outbox kept, to state its vectors: acked events are pruned, at most `cap`
    /// are kept, and none older than `max_age`.
    struct Outbox {
        kept: VecDeque<(u64, u64)>,
        last: u64,
        acked: u64,
        cap: usize,
    }

    impl Outbox {
        fn new() -> Self {
            Self { kept: VecDeque::new(), last: 0, acked: 0, cap: usize::MAX }
        }

        fn after(appends: u64) -> Self {
            let mut outbox = Self::new();
            (0..appends).for_each(|_| outbox.append(0));
            outbox
        }

        fn append(&mut self, at: u64) {
            self.last += 1;
            self.kept.push_back((self.last, at));
            while self.kept.len() > self.cap {
                self.kept.pop_front();
            }
        }

        fn ack(&mut self, seq: u64) {
            self.acked = self.acked.max(seq.min(self.last));
            self.kept.retain(|(kept, _)| *kept > self.acked);
        }

        fn expire(&mut self, now: u64, max_age: u64) {
            self.kept.retain(|(_, at)| now - at <= max_age);
        }

        fn oldest(&self) -> u64 {
            self.kept.front().map_or(0, |(seq, _)| *seq)
        }

        fn since(&self, seq: u64) -> Replay {
            replay_since(&self.window(), &epoch("e"), Seq::new(seq))
        }

        fn window(&self) -> Window {
            Window { epoch: epoch("e"), oldest: Seq::new(self.oldest()), last: Seq::new(self.last) }
        }
    }

    fn epoch(text: &str) -> Epoch {
        Epoch::parse(text).expect("a valid epoch")
    }

    fn from(seq: u64) -> Replay {
        Replay::From(Seq::new(seq))
    }

    fn too_old(last: u64) -> Replay {
        Replay::TooOld(Seq::new(last))
    }

    #[test]
    fn a_fresh_journal_has_no_last_and_no_oldest() {
        let outbox = Outbox::new();
        assert_eq!((outbox.last, outbox.oldest()), (0, 0));
        assert_eq!(outbox.since(0), Replay::UpToDate);
    }

    #[test]
    fn three_appends_are_numbered_one_to_three() {
        let outbox = Outbox::after(3);
        assert_eq!(outbox.kept.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [1, 2, 3]);
    }

    #[test]
    fn an_ack_moves_the_oldest_and_a_stale_ack_does_not_move_it_back() {
        let mut outbox = Outbox::after(3);
        outbox.ack(2);
        assert_eq!(outbox.oldest(), 3);
        outbox.ack(1);
        assert_eq!(outbox.oldest(), 3);
    }

    #[test]
    fn a_cursor_at_the_head_is_up_to_date() {
        assert_eq!(Outbox::after(1).since(1), Replay::UpToDate);
    }

    #[test]
    fn a_cursor_behind_the_head_replays_what_follows_it() {
        assert_eq!(Outbox::after(3).since(1), from(2));
        assert_eq!(Outbox::after(3).since(0), from(1));
    }

    #[test]
    fn a_cursor_behind_what_was_pruned_is_too_old() {
        let mut outbox = Outbox::after(3);
        outbox.ack(2);
        assert_eq!(outbox.since(0), too_old(3));
        assert_eq!(outbox.since(1), too_old(3), "one earlier than just before the oldest");
        assert_eq!(outbox.since(2), from(3), "just before the oldest kept");
    }

    #[test]
    fn a_cap_keeps_the_newest() {
        let mut outbox = Outbox { cap: 3, ..Outbox::new() };
        (0..5).for_each(|_| outbox.append(0));
        assert_eq!((outbox.oldest(), outbox.last), (3, 5));
    }

    #[test]
    fn expiry_drops_what_is_older_than_its_age() {
        let mut outbox = Outbox::new();
        [0, 500, 1500].into_iter().for_each(|at| outbox.append(at));
        outbox.expire(1500, 1000);
        assert_eq!(outbox.oldest(), 2, "the event of 0 is gone, the one of 500 is kept");
    }

    #[test]
    fn appends_behind_an_ack_are_replayed() {
        let mut outbox = Outbox::after(3);
        outbox.ack(2);
        (0..2).for_each(|_| outbox.append(0));
        assert_eq!(outbox.since(2), from(3));
        assert_eq!(outbox.kept.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [3, 4, 5]);
    }

    #[test]
    fn a_cursor_ahead_of_the_head_or_of_another_epoch_is_too_old() {
        let outbox = Outbox::after(5);
        assert_eq!(outbox.since(9), too_old(5));
        assert_eq!(replay_since(&outbox.window(), &epoch("other"), Seq::new(5)), too_old(5));
    }

    #[test]
    fn nothing_kept_and_behind_the_head_is_too_old() {
        let mut outbox = Outbox::after(3);
        outbox.ack(3);
        assert_eq!(outbox.since(2), too_old(3));
        assert_eq!(outbox.since(3), Replay::UpToDate);
    }
}
