//! Everything merges, in any order, to the transcript that a reader from the first event has.

use moorline_protocol::{Block, Event, EventBody, Item, Limits, Page, Seq};
use moorline_transcript::{Changes, Folding, Snapshot, Transcript, WholeTranscript, fold};
use proptest::{collection::vec, prelude::*, sample::Index};

use crate::journal::{blocks_of, epoch, huge_turns, in_epoch, journals, prefixes, whole, wholes};

/// What happens to a reader next.
#[derive(Debug, Clone)]
enum Turnout {
    /// Some events arrive.
    Live(usize),
    /// Some events arrive as one fold, or one by one if they do not fold.
    Folded(usize),
    /// An event that is known arrives again.
    Again(Index),
    /// The line is down while this many events happen; then a snapshot comes.
    Down(usize),
    /// A page is asked for when the journal is this much longer than what the reader has, and comes at once.
    Page { ahead: usize, limit: usize },
    /// A page of anything is made when the journal is this much longer than what the reader has, and kept back.
    SlowPage { ahead: usize, before: Index, limit: usize },
    /// A kept-back page comes.
    PageComes,
    /// The last snapshot comes again.
    SnapshotAgain,
    /// A page of what is no gap comes.
    Overlap { before: Index, limit: usize },
}

fn turnouts() -> impl Strategy<Value = Vec<Turnout>> {
    let one = prop_oneof![
        4 => (1..12_usize).prop_map(Turnout::Live),
        2 => (1..12_usize).prop_map(Turnout::Folded),
        1 => any::<Index>().prop_map(Turnout::Again),
        4 => (0..40_usize).prop_map(Turnout::Down),
        2 => (0..12_usize, 1..6_usize).prop_map(|(ahead, limit)| Turnout::Page { ahead, limit }),
        4 => (0..12_usize, any::<Index>(), 1..6_usize).prop_map(|(ahead, before, limit)| Turnout::SlowPage { ahead, before, limit }),
        4 => Just(Turnout::PageComes),
        1 => Just(Turnout::SnapshotAgain),
        1 => (any::<Index>(), 1..6_usize).prop_map(|(before, limit)| Turnout::Overlap { before, limit }),
    ];
    vec(one, 0..24)
}

fn limits() -> impl Strategy<Value = Limits> {
    let text = prop_oneof![Just(1 << 20), 1..40_usize];
    (1..5_usize, 200..4_000_usize, 1..20_usize, text).prop_map(|(snapshot_turns, snapshot_bytes, page_blocks, text_bytes)| Limits {
        snapshot_turns,
        snapshot_bytes,
        page_blocks,
        text_bytes,
        ..Limits::default()
    })
}

/// One reader, and the journal's transcript as of every seq to compare with.
struct Reader<'a> {
    journal: &'a [Event],
    truth: &'a [Transcript],
    wholes: &'a [WholeTranscript],
    limits: &'a Limits,
    here: Transcript,
    last_snapshot: Option<Snapshot>,
    slow: Vec<Page>,
}

impl Reader<'_> {
    fn seq(&self) -> usize {
        usize::try_from(self.here.seq().value()).expect("a short journal")
    }

    /// The journal's transcript when it is this much longer than what the reader has.
    fn truth(&self, ahead: usize) -> &Transcript {
        &self.truth[(self.seq() + ahead).min(self.journal.len())]
    }

    /// The same as the gateway holds it.
    fn whole(&self, ahead: usize) -> &WholeTranscript {
        &self.wholes[(self.seq() + ahead).min(self.journal.len())]
    }

    fn arrive(&mut self, events: &[Event]) {
        for event in events {
            self.here.apply(event, &mut Changes::new());
        }
    }

    fn next(&self, count: usize) -> &[Event] {
        &self.journal[self.seq()..(self.seq() + count).min(self.journal.len())]
    }

    fn page(&self, ahead: usize, limit: usize) -> Option<Page> {
        let gap = self.here.gaps().last()?;
        Some(self.whole(ahead).page(gap.to.next(), limit, self.limits, &epoch("e")))
    }

    fn take(&mut self, turnout: &Turnout) {
        let changes = &mut Changes::new();
        match turnout {
            Turnout::Live(count) => {
                let events = self.next(*count).to_vec();
                self.arrive(&events);
            }
            Turnout::Folded(count) => {
                let run = self.next(*count).to_vec();
                let folded = fold(&mut self.truth(0).clone(), &run, &roomy());
                match folded {
                    Some(event) => self.arrive(&[event]),
                    None => self.arrive(&run),
                }
            }
            Turnout::Again(index) => {
                let known = &self.journal[..self.seq()];
                if !known.is_empty() {
                    self.arrive(&[index.get(known).clone()]);
                }
            }
            Turnout::Down(count) => {
                let since = self.here.seq();
                let snapshot = self.whole(*count).snapshot((since > Seq::ZERO).then_some(since), self.limits, &epoch("e"));
                self.last_snapshot = Some(snapshot.clone());
                self.here.merge_snapshot(snapshot, changes);
            }
            Turnout::Page { ahead, limit } => {
                if let Some(page) = self.page(*ahead, *limit) {
                    self.here.merge_page(page, changes);
                }
            }
            Turnout::SlowPage { ahead, before, limit } => {
                let then = self.whole(*ahead);
                let before = Seq::new(before.index(self.seq() + ahead + 1) as u64 + 1);
                self.slow.push(then.page(before, *limit, self.limits, &epoch("e")));
            }
            Turnout::PageComes => {
                if let Some(page) = self.slow.pop() {
                    self.here.merge_page(page, changes);
                }
            }
            Turnout::SnapshotAgain => {
                if let Some(snapshot) = self.last_snapshot.clone() {
                    self.here.merge_snapshot(snapshot, changes);
                    assert!(changes.is_empty());
                }
            }
            Turnout::Overlap { before, limit } => {
                let before = Seq::new(before.index(self.journal.len() + 1) as u64 + 1);
                let page = self.whole(0).page(before, *limit, self.limits, &epoch("e"));
                self.here.merge_page(page, changes);
            }
        }
    }

    /// What is here is as in the journal, and what is not here lies in a gap.
    fn check(&self) {
        let now = self.truth(0);
        for queued in now.state().queue {
            assert!(now.blocks(&queued).all(|block| self.here.block(&block.id).is_some()), "what waits comes with its message");
        }
        for turn in now.turns() {
            let gap = self.here.gaps().iter().any(|gap| gap.from <= turn.opened && turn.opened <= gap.to);
            match self.here.turn(&turn.id) {
                Some(held) => {
                    let then = &self.truth[usize::try_from(held.rev.max(now.seq()).value()).expect("a short journal")];
                    assert_eq!(Some(held), then.turn(&turn.id));
                }
                None => assert!(gap, "{turn:?} is neither here nor in a gap"),
            }
            for block in now.blocks(&turn.id) {
                let gap = self.here.gaps().iter().any(|gap| gap.from <= block.opened && block.opened <= gap.to);
                match self.here.block(&block.id) {
                    Some(held) => {
                        assert!(self.here.turn(&turn.id).is_some(), "a block comes with its turn");
                        let then = &self.truth[usize::try_from(held.rev.max(now.seq()).value()).expect("a short journal")];
                        assert_tail(held, then.block(&block.id).expect("it was there before"));
                    }
                    None => assert!(gap, "{block:?} is neither here nor in a gap"),
                }
            }
        }
        assert!(!self.here.needs_snapshot());
        if now.seq() == Seq::new(self.journal.len() as u64) {
            assert_eq!(self.here.state(), now.state());
        }
    }

    fn read_to_the_end(&mut self) {
        self.take(&Turnout::Live(usize::MAX / 2));
        while !self.here.gaps().is_empty() {
            let before = self.here.gaps().to_vec();
            self.take(&Turnout::Page { ahead: 0, limit: 3 });
            assert_ne!(self.here.gaps(), before, "a page of a gap fills some of it");
        }
    }
}

fn roomy() -> Limits {
    Limits { event_bytes: 1 << 20, ..Limits::default() }
}

/// A block is another one, but may have only the tail of its text.
fn assert_tail(held: &Block, whole: &Block) {
    let from = usize::try_from(held.from).expect("a short text");
    let cut = Block { from: held.from, text: whole.text.get(from..).expect("a whole character").to_owned(), ..whole.clone() };
    assert_eq!(held, &cut);
}

/// Both show the same; withdrawn turns are not shown.
fn assert_same(here: &Transcript, truth: &Transcript) {
    assert_eq!(here.seq(), truth.seq());
    assert_eq!(here.gaps(), truth.gaps());
    assert_eq!(here.state(), truth.state());
    assert!(here.turns().eq(truth.turns()));
    for turn in truth.turns() {
        assert_eq!(here.blocks(&turn.id).count(), truth.blocks(&turn.id).count());
        for (held, whole) in here.blocks(&turn.id).zip(truth.blocks(&turn.id)) {
            assert_tail(held, whole);
        }
    }
}

/// A reader to whom all this happens has in the end what a reader from the first event has.
fn read_through(journal: &[Event], turnouts: &[Turnout], limits: &Limits) {
    let (truth, wholes) = (prefixes(journal), wholes(journal));
    let mut reader = Reader { journal, truth: &truth, wholes: &wholes, limits, here: in_epoch("e"), last_snapshot: None, slow: Vec::new() };
    for turnout in turnouts {
        reader.take(turnout);
        reader.check();
    }
    reader.read_to_the_end();
    assert_same(&reader.here, &truth[journal.len()]);
}

/// What is kept of a journal that is folded run by run.
fn folded(journal: &[Event], lengths: &[usize], limits: &Limits) -> Vec<Event> {
    let (mut folding, mut rows, mut rest) = (Folding::new(), Vec::new(), journal);
    for length in lengths.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (run, behind) = rest.split_at((*length).min(rest.len()));
        rest = behind;
        rows.extend(folding.fold(run, limits));
    }
    rows
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn snapshots_pages_folds_and_events_merge_in_any_order(journal in journals(160), turnouts in turnouts(), limits in limits()) {
        read_through(&journal, &turnouts, &limits);
    }

    #[test]
    fn so_they_do_inside_one_huge_turn(journal in huge_turns(300), turnouts in turnouts(), limits in limits()) {
        read_through(&journal, &turnouts, &limits);
    }

    #[test]
    fn replay_from_any_cut_changes_nothing_twice(journal in journals(60)) {
        let truth = prefixes(&journal);
        for (cut, here) in truth.iter().enumerate() {
            let (mut again, mut changes) = (here.clone(), Changes::new());
            for event in &journal[..cut] {
                again.apply(event, &mut changes);
            }
            prop_assert!(changes.is_empty());
            prop_assert_eq!(&again, here);
            for event in &journal {
                again.apply(event, &mut changes);
            }
            prop_assert_eq!(Some(&again), truth.last());
        }
    }

    #[test]
    fn a_snapshot_at_any_cut_and_its_tail_are_the_whole(journal in journals(60), limits in limits()) {
        let (truth, wholes) = (prefixes(&journal), wholes(&journal));
        for cut in 0..truth.len() {
            let mut reader = Reader {
                journal: &journal, truth: &truth, wholes: &wholes, limits: &limits, here: Transcript::new(), last_snapshot: None, slow: Vec::new(),
            };
            reader.take(&Turnout::Down(cut));
            reader.check();
            prop_assert_eq!(reader.here.state(), truth[cut].state());
            reader.read_to_the_end();
            assert_same(&reader.here, &truth[journal.len()]);
        }
    }

    #[test]
    fn folds_of_any_runs_stand_for_them(journal in journals(80), lengths in vec(1..20_usize, 1..40)) {
        let truth = prefixes(&journal);
        let (mut base, mut reader, mut rest) = (in_epoch("e"), in_epoch("e"), journal.as_slice());
        for length in lengths.into_iter().cycle() {
            if rest.is_empty() { break; }
            let (run, behind) = rest.split_at(length.min(rest.len()));
            rest = behind;
            match fold(&mut base, run, &roomy()) {
                Some(event) => {
                    prop_assert_eq!((event.first(), event.seq), (run[0].first(), run[run.len() - 1].seq));
                    reader.apply(&event, &mut Changes::new());
                }
                None => run.iter().for_each(|event| reader.apply(event, &mut Changes::new())),
            }
            prop_assert_eq!(&reader, &base);
        }
        prop_assert_eq!(Some(&reader), truth.last());
    }

    #[test]
    fn a_folded_journal_is_read_from_every_cursor_to_the_same_end(
        journal in prop_oneof![journals(120), huge_turns(200)], lengths in vec(1..60_usize, 1..10), event_bytes in 300..4_000_usize
    ) {
        let truth = prefixes(&journal);
        let rows = folded(&journal, &lengths, &Limits { event_bytes, ..Limits::default() });
        let mut covered = Seq::ZERO;
        for row in &rows {
            prop_assert_eq!(row.first(), covered.next(), "without a hole");
            covered = row.seq;
        }
        prop_assert_eq!(covered, journal.last().map_or(Seq::ZERO, |last| last.seq));
        let kept = |events: &[Event]| events.iter().filter(|event| matches!(event.body,
            EventBody::Accepted(_) | EventBody::Answered(_) | EventBody::Withdrawn(_) | EventBody::Unknown { .. })).cloned().collect::<Vec<_>>();
        prop_assert_eq!(kept(&rows), kept(&journal));
        for (cut, there) in truth.iter().enumerate() {
            let mut reader = there.clone();
            rows.iter().filter(|row| row.seq.value() > cut as u64).for_each(|row| reader.apply(row, &mut Changes::new()));
            prop_assert_eq!(Some(&reader), truth.last(), "from {}", cut);
        }
    }

    #[test]
    fn a_folded_journal_gives_the_snapshots_and_pages_that_its_events_give(
        journal in prop_oneof![journals(200), huge_turns(400)],
        lengths in vec(1..60_usize, 1..10),
        event_bytes in 300..4_000_usize,
        limits in limits(),
        cursors in vec(any::<Index>(), 12),
    ) {
        let rows = folded(&journal, &lengths, &Limits { event_bytes, ..Limits::default() });
        let (of_events, of_rows) = (whole(&journal), whole(&rows));
        for at in cursors.iter().map(|cursor| cursor.index(journal.len() + 1) as u64) {
            let since = (at > 0).then(|| Seq::new(at));
            let snapshot = of_events.snapshot(since, &limits, &epoch("e"));
            prop_assert_eq!(&of_rows.snapshot(since, &limits, &epoch("e")), &snapshot);
            let before = Seq::new(at + 1);
            prop_assert_eq!(of_rows.page(before, 5, &limits, &epoch("e")), of_events.page(before, 5, &limits, &epoch("e")));
        }
    }

    #[test]
    fn a_snapshot_for_any_cursor_brings_all_that_changed_and_little_else(
        journal in prop_oneof![journals(200), huge_turns(400)], cursors in vec(any::<Index>(), 12)
    ) {
        let whole = whole(&journal);
        let tight = Limits { snapshot_turns: 1, snapshot_bytes: 1, ..Limits::default() };
        let fresh = whole.snapshot(None, &tight, &epoch("e"));
        let unsettled = blocks_of(&fresh.items);
        let blocks = || whole.transcript().turns().flat_map(|turn| whole.transcript().blocks(&turn.id));
        for since in cursors.iter().map(|cursor| Seq::new(cursor.index(journal.len() + 1) as u64)) {
            let snapshot = whole.snapshot(Some(since), &tight, &epoch("e"));
            let brought = blocks_of(&snapshot.items);
            for block in blocks() {
                let is_older = block.opened <= since && block.rev > since;
                prop_assert_eq!(brought.contains(&block), is_older || unsettled.contains(&block), "{:?} since {}", block, since);
            }
            for turn in whole.transcript().turns().filter(|turn| turn.opened <= since && turn.rev > since) {
                prop_assert!(snapshot.items.contains(&Item::Turn(turn.clone())), "{:?} since {}", turn, since);
            }
        }
    }

    #[test]
    fn a_fold_that_begins_before_the_cursor_is_applied_whole(journal in journals(60), cut in any::<Index>()) {
        let truth = prefixes(&journal);
        let Some(event) = fold(&mut in_epoch("e"), &journal, &roomy()) else { return Ok(()) };
        let mut reader = truth[cut.index(truth.len())].clone();
        reader.apply(&event, &mut Changes::new());
        prop_assert_eq!(Some(&reader), truth.last());
    }

    #[test]
    fn changes_name_all_that_changed(journal in journals(80), cut in any::<Index>()) {
        let truth = prefixes(&journal);
        let cut = cut.index(truth.len());
        let (before, mut after, mut changes) = (&truth[cut], truth[cut].clone(), Changes::new());
        journal[cut..].iter().for_each(|event| after.apply(event, &mut changes));
        for turn in after.turns() {
            let noted = changes.turns().any(|(id, _)| *id == turn.id);
            prop_assert_eq!(noted, before.turn(&turn.id) != Some(turn));
            for block in after.blocks(&turn.id) {
                let noted = changes.blocks().find(|(id, _)| **id == block.id).map(|(_, change)| change);
                prop_assert_eq!(noted.is_some(), before.block(&block.id) != Some(block));
                prop_assert_eq!(noted.is_some_and(|change| change.opened), before.block(&block.id).is_none());
                let Some((old, change)) = before.block(&block.id).zip(noted) else { continue };
                prop_assert!(change.fields || old.fields == block.fields);
                match change.text {
                    moorline_transcript::TextChange::Same => prop_assert_eq!(&old.text, &block.text),
                    moorline_transcript::TextChange::Appended { at } => prop_assert_eq!(&old.text, &block.text[..at]),
                    moorline_transcript::TextChange::Replaced => prop_assert_ne!(old.edition, block.edition),
                }
            }
        }
        let shown = |transcript: &Transcript| transcript.turns().map(|turn| turn.id.clone()).collect::<Vec<_>>();
        prop_assert!(changes.order() || shown(before) == shown(&after));
    }
}
