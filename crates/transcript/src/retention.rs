//! When a journal's old events are folded, and which of them.

use moorline_protocol::{Event, EventBody, Limits, Millis, Seq, WallTime};

use crate::{Folding, WholeTranscript};

/// Up to when a journal keeps its events as they were committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetentionLimits {
    /// More of them are folded. Default 500.
    pub events: usize,
    /// Older ones are folded. Default 5 min.
    pub age: Millis,
}

impl Default for RetentionLimits {
    fn default() -> Self {
        Self { events: 500, age: Millis(300_000) }
    }
}

/// Says when a journal's newest events are to be folded, and goes through its runs one by one.
///
/// The driver tells it of every event that was committed ([`Retention::note`]). When [`Retention::due`] has come, it takes a
/// [`Run`], reads the rows behind it, folds them, makes the folds durable, and says that it is [`Retention::done`], or that
/// it [failed](Retention::failed). Nothing waits for any of this: a crash in between leaves the events or their folds.
#[derive(Debug, Clone)]
pub struct Retention {
    limits: RetentionLimits,
    /// It has everything up to the last run.
    folding: Folding,
    head: Seq,
    waiting: Waiting,
    /// The end of the run that is out.
    out: Option<Seq>,
    /// What came since the run was taken.
    since: Waiting,
    /// Not again before.
    not_before: WallTime,
}

/// Events that are not folded.
#[derive(Debug, Clone, Copy, Default)]
struct Waiting {
    events: usize,
    oldest: WallTime,
}

impl Waiting {
    const fn add(&mut self, other: Self) {
        if self.events == 0 {
            self.oldest = other.oldest;
        }
        self.events += other.events;
    }
}

impl Retention {
    /// Begins with an empty journal.
    #[must_use]
    pub fn new(limits: RetentionLimits) -> Self {
        Self {
            limits,
            folding: Folding::new(),
            head: Seq::ZERO,
            waiting: Waiting::default(),
            out: None,
            since: Waiting::default(),
            not_before: 0,
        }
    }

    /// Counts an event that was committed: each one, in order.
    pub fn note(&mut self, event: &Event) {
        self.head = event.seq;
        let one = Waiting { events: 1, oldest: event.at };
        if self.out.is_some() { self.since.add(one) } else { self.waiting.add(one) }
    }

    /// Counts a row of a kept journal: each one, in order. `whole` has everything up to it.
    ///
    /// Folding goes on behind the last fold.
    pub fn recall(&mut self, row: &Event, whole: &WholeTranscript) {
        self.note(row);
        if matches!(row.body, EventBody::Fold(_)) {
            self.folding = Folding::behind(whole);
            self.waiting = Waiting::default();
        }
    }

    /// The seq up to which events were folded, or left as they are because there is no shorter fold.
    #[must_use]
    pub const fn folded(&self) -> Seq {
        self.folding.seq()
    }

    /// The wall time from which on a run is to be folded; none while nothing waits, or a run is out.
    #[must_use]
    pub fn due(&self) -> Option<WallTime> {
        if self.out.is_some() || self.waiting.events == 0 {
            return None;
        }
        let is_full = self.waiting.events > self.limits.events;
        let at = if is_full { 0 } else { self.waiting.oldest.saturating_add(self.limits.age.0) };
        Some(at.max(self.not_before))
    }

    /// Takes the next run: everything that was noted and is not folded.
    pub fn begin(&mut self) -> Run {
        self.out = Some(self.head);
        Run { folding: self.folding.clone(), last: self.head }
    }

    /// A run's folds are durable, or there were none.
    pub fn done(&mut self, folded: Folded) {
        self.folding = folded.folding;
        if self.out.take().is_some_and(|last| self.folding.seq() >= last) {
            self.waiting = Waiting::default();
        } else {
            // It was longer than what was read at once.
            self.waiting.events = self.waiting.events.saturating_sub(folded.taken).max(1);
        }
        self.waiting.add(std::mem::take(&mut self.since));
    }

    /// A run could not be read, or its folds not be written: the same again, not before a wall time.
    pub fn failed(&mut self, not_before: WallTime) {
        self.out = None;
        self.not_before = not_before;
        self.waiting.add(std::mem::take(&mut self.since));
    }
}

/// Events of a journal that are to be folded.
#[derive(Debug)]
pub struct Run {
    folding: Folding,
    last: Seq,
}

impl Run {
    /// The rows behind this seq are wanted: all of the run, or the first part of it.
    #[must_use]
    pub const fn after(&self) -> Seq {
        self.folding.seq()
    }

    /// Folds the rows; those behind the run's end are left.
    #[must_use]
    pub fn fold(self, rows: &[Event], limits: &Limits) -> Folded {
        let Self { mut folding, last } = self;
        let rows = &rows[..rows.partition_point(|row| row.seq <= last)];
        let mut folds = folding.fold(rows, limits);
        folds.retain(|fold| matches!(fold.body, EventBody::Fold(_)) && !rows.contains(fold));
        Folded { folding, taken: rows.len(), folds }
    }
}

/// A run that was folded.
#[derive(Debug)]
pub struct Folded {
    folding: Folding,
    taken: usize,
    folds: Vec<Event>,
}

impl Folded {
    /// What is to be written in the place of the events that it stands for; other events stay as they are.
    #[must_use]
    pub fn folds(&self) -> &[Event] {
        &self.folds
    }
}

#[cfg(test)]
mod tests {
    use moorline_protocol::{Append, BlockId, BlockKind, FieldsPatch, MessageId, Opened, TurnStarted};

    use super::*;

    const LIMITS: RetentionLimits = RetentionLimits { events: 10, age: Millis(1_000) };

    /// The n-th event of a turn that goes on and on, committed at `n * 10`.
    fn event(n: u64) -> Event {
        let (turn, block) = (MessageId::parse("m").unwrap(), BlockId::numbered(1));
        let body = match n {
            1 => EventBody::TurnStarted(TurnStarted { turn }),
            2 => EventBody::Opened(Opened { block, turn, kind: BlockKind::Text, fields: FieldsPatch::default() }),
            n => EventBody::Append(Append { block, edition: 0, at: n - 3, text: "x".to_owned() }),
        };
        Event::plain(Seq::new(n), n * 10, body)
    }

    fn events(seqs: std::ops::RangeInclusive<u64>) -> Vec<Event> {
        seqs.map(event).collect()
    }

    fn noted(seqs: std::ops::RangeInclusive<u64>) -> Retention {
        let mut retention = Retention::new(LIMITS);
        events(seqs).iter().for_each(|event| retention.note(event));
        retention
    }

    fn recalled(rows: &[Event]) -> Retention {
        let (mut retention, mut whole) = (Retention::new(LIMITS), WholeTranscript::new());
        for row in rows {
            whole.apply(row);
            retention.recall(row, &whole);
        }
        retention
    }

    fn places(folds: &[Event]) -> Vec<(u64, u64)> {
        folds.iter().map(|fold| (fold.first().value(), fold.seq.value())).collect()
    }

    #[test]
    fn nothing_is_due_without_events_and_the_oldest_decides_with_a_few() {
        assert_eq!(Retention::new(LIMITS).due(), None);
        assert_eq!(noted(1..=10).due(), Some(1_010), "the first came at 10 and may become 1000 ms old");
    }

    #[test]
    fn more_events_than_the_limit_are_due_at_once() {
        assert_eq!(noted(1..=11).due(), Some(0));
    }

    #[test]
    fn a_run_ends_with_what_was_noted_when_it_was_taken_and_the_next_begins_behind_it() {
        let mut retention = noted(1..=11);
        let run = retention.begin();
        assert_eq!((run.after(), retention.due()), (Seq::ZERO, None), "one run at a time");
        retention.note(&event(12));
        let folded = run.fold(&events(1..=12), &Limits::default());
        assert_eq!(places(folded.folds()), [(1, 11)]);
        retention.done(folded);
        assert_eq!(retention.due(), Some(1_120), "the twelfth came at 120");
        assert_eq!(retention.begin().after(), Seq::new(11));
    }

    #[test]
    fn a_run_that_failed_is_taken_again_with_what_came_since() {
        let mut retention = noted(1..=11);
        drop(retention.begin());
        retention.note(&event(12));
        retention.failed(5_000);
        assert_eq!(retention.due(), Some(5_000));
        let folded = retention.begin().fold(&events(1..=12), &Limits::default());
        assert_eq!(places(folded.folds()), [(1, 12)]);
    }

    #[test]
    fn a_run_read_in_parts_goes_on_behind_each_part() {
        let mut retention = noted(1..=40);
        let run = retention.begin();
        retention.done(run.fold(&events(1..=25), &Limits::default()));
        assert_eq!(retention.due(), Some(0));
        let run = retention.begin();
        assert_eq!(run.after(), Seq::new(25));
        retention.done(run.fold(&events(26..=40), &Limits::default()));
        assert_eq!(retention.due(), None);
    }

    #[test]
    fn a_kept_journal_goes_on_behind_its_last_fold() {
        let folded = noted(1..=30).begin().fold(&events(1..=30), &Limits::default());
        let mut rows = folded.folds().to_vec();
        rows.extend(events(31..=35));
        let mut retention = recalled(&rows);
        assert_eq!(retention.due(), Some(1_310), "the oldest of five came at 310");
        let run = retention.begin();
        assert_eq!(run.after(), Seq::new(30));
        assert_eq!(places(run.fold(&rows[1..], &Limits::default()).folds()), [(31, 35)]);
    }

    #[test]
    fn a_journal_without_a_fold_waits_as_a_whole() {
        let mut retention = recalled(&events(1..=30));
        assert_eq!(retention.due(), Some(0));
        assert_eq!(places(retention.begin().fold(&events(1..=30), &Limits::default()).folds()), [(1, 30)]);
    }

    #[test]
    fn folds_that_are_there_already_are_not_written_again() {
        let rows = noted(1..=11).begin().fold(&events(1..=11), &Limits::default()).folds().to_vec();
        assert!(noted(1..=11).begin().fold(&rows, &Limits::default()).folds().is_empty());
    }
}
