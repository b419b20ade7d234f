//! A journal's old events as few folds.

use std::collections::BTreeSet;

use moorline_protocol::{Block, BlockId, Event, EventBody, Limits, Seq, Turn, encode};

use crate::{Changes, Transcript, WholeTranscript, run::fold, text::with_tail};

/// A run whose events take more than this many times an event's limit is not tried as one fold.
const TRIED: usize = 4;

/// Makes folds of a journal's events, run after run.
///
/// Acceptances, answers and withdrawals stay as they are: ids and hashes of messages are read from them as long as the session
/// lives. So do events of an unknown kind, which a newer page may understand, and those of a block that an earlier run has closed,
/// which an agent may still write and hardly ever does.
///
/// It holds what events of later runs are folded with, the turns that are not over and their open blocks, and of texts their
/// length only. So it does not grow with the journal, nor with a turn; and a fold carries of a text what its run added: a reader at
/// any cursor inside the run, or right before it, has the beginning.
#[derive(Debug, Clone, Default)]
pub struct Folding {
    base: Transcript,
}

impl Folding {
    /// Begins at a journal's beginning.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Goes on behind a transcript's last event.
    #[must_use]
    pub fn behind(whole: &WholeTranscript) -> Self {
        let there = &whole.transcript;
        // An event of an unknown kind belongs to the newest turn, also when that is over.
        let turns = there.newest_turn(there.seq.next()).into_iter().chain(there.queued());
        Self { base: there.outline(turns.filter_map(|turn| there.turn(turn)), whole.open_blocks()) }
    }

    /// The seq up to which events were taken.
    #[must_use]
    pub const fn seq(&self) -> Seq {
        self.base.seq()
    }

    /// Takes events that are folded already, or stay as they are.
    pub fn pass(&mut self, events: &[Event]) {
        for event in events {
            self.base.apply(event, &mut Changes::new());
        }
        self.base = self.base.all_open();
    }

    /// Takes the next events of the journal, and returns what stands for them: as few folds as the limits allow, and as
    /// they are those events for which there is no shorter fold.
    pub fn fold(&mut self, mut run: &[Event], limits: &Limits) -> Vec<Event> {
        let mut rows = Vec::new();
        while !run.is_empty() {
            let mut length = self.tried(run, limits);
            loop {
                let mut after = self.base.clone();
                let folded = if length > 1 { fold(&mut after, &run[..length], limits) } else { None };
                if let Some(folded) = folded {
                    self.base = after.all_open();
                    rows.push(folded);
                    break;
                }
                if length <= 1 {
                    self.pass(&run[..1]);
                    rows.push(run[0].clone());
                    length = 1;
                    break;
                }
                length /= 2;
            }
            run = &run[length..];
        }
        rows
    }

    /// How many events are tried as one fold first.
    fn tried(&self, run: &[Event], limits: &Limits) -> usize {
        let (mut bytes, mut opened) = (0, BTreeSet::new());
        let fits = run.iter().map(|event| {
            bytes += encode(event).len();
            self.may_be_folded(event, &mut opened) && bytes <= TRIED * limits.event_bytes
        });
        fits.take_while(|fits| *fits).count().max(1)
    }

    /// Whether a fold can stand for an event behind others of its run, which opened some blocks.
    fn may_be_folded<'a>(&self, event: &'a Event, opened: &mut BTreeSet<&'a BlockId>) -> bool {
        let is_here = |block: &'a BlockId| opened.contains(block) || self.base.block(block).is_some();
        match &event.body {
            EventBody::TurnStarted(_) | EventBody::TurnStopping(_) | EventBody::TurnEnded(_) => true,
            EventBody::Changed(changed) => is_here(&changed.block),
            EventBody::Append(append) => is_here(&append.block),
            EventBody::Opened(body) => {
                opened.insert(&body.block);
                true
            }
            EventBody::Fold(fold) => {
                opened.extend(fold.blocks.iter().map(|block| &block.id));
                true
            }
            EventBody::Accepted(_) | EventBody::Answered(_) | EventBody::Withdrawn(_) | EventBody::Unknown { .. } => false,
        }
    }
}

impl Transcript {
    /// The outline of everything that is not closed; it looks at everything.
    fn all_open(&self) -> Self {
        let newest = self.newest_turn(self.seq.next());
        let goes_on = |turn: &Turn| !turn.state.is_over() || newest == Some(&turn.id);
        let is_open = |block: &Block| block.fields.closed != Some(true) && self.turn(&block.turn).is_none_or(goes_on);
        let turns = self.turns.values().filter(|turn| goes_on(turn));
        self.outline(turns, self.blocks.values().filter(|block| is_open(block)))
    }

    /// Some turns and blocks of it, with the lengths of texts in place of the texts.
    fn outline<'a>(&self, turns: impl Iterator<Item = &'a Turn>, blocks: impl Iterator<Item = &'a Block>) -> Self {
        let mut outline = Self::default();
        (outline.epoch, outline.seq, outline.torn) = (self.epoch.clone(), self.seq, self.torn);
        turns.for_each(|turn| outline.put_turn(turn.clone(), &mut Changes::new()));
        blocks.for_each(|block| outline.put_block(with_tail(block, 0)));
        outline
    }
}

#[cfg(test)]
mod tests {
    use moorline_protocol::{Accepted, Append, BlockKind, Changed, FieldsPatch, MessageId, Opened, Patch, TurnStarted};

    use super::*;

    fn turn() -> MessageId {
        MessageId::parse("m").unwrap()
    }

    fn append(block: u64, at: u64) -> EventBody {
        EventBody::Append(Append { block: BlockId::numbered(block), edition: 0, at, text: "what is said ".to_owned() })
    }

    /// A turn that goes on, of blocks of six events, the last of which is open.
    fn turn_of(blocks: u64) -> Vec<Event> {
        let accepted =
            Accepted { message: turn(), hash: String::new(), block: BlockId::numbered(1), text: "go".to_owned(), interrupt: None };
        let mut bodies = vec![EventBody::Accepted(accepted), EventBody::TurnStarted(TurnStarted { turn: turn() })];
        for n in 2..2 + blocks {
            let (block, fields) = (BlockId::numbered(n), FieldsPatch::default());
            bodies.push(EventBody::Opened(Opened { block: block.clone(), turn: turn(), kind: BlockKind::Tool, fields }));
            bodies.extend((0..4).map(|piece| append(n, piece * 13)));
            let fields = FieldsPatch { closed: Patch::Set(true), ..FieldsPatch::default() };
            bodies.push(EventBody::Changed(Changed { block, fields }));
        }
        bodies.pop();
        (1..).zip(bodies).map(|(seq, body)| Event::plain(Seq::new(seq), 0, body)).collect()
    }

    #[test]
    fn a_turn_that_goes_on_costs_what_is_open_in_it() {
        let mut folding = Folding::new();
        for run in turn_of(1_000).chunks(500) {
            folding.fold(run, &Limits::default());
            let held = folding.base.blocks.values().count();
            assert!(held <= 2, "{held} blocks are held");
        }
    }

    #[test]
    fn an_event_of_a_block_that_an_earlier_run_has_closed_stays_as_it_is() {
        let mut events = turn_of(100);
        let late = Event::plain(Seq::new(events.len() as u64 + 1), 0, append(50, 52));
        events.insert(500, late.clone());
        for (seq, event) in (1..).zip(&mut events) {
            *event = Event::plain(Seq::new(seq), 0, event.body.clone());
        }
        let mut folding = Folding::new();
        let mut rows = folding.fold(&events[..400], &Limits::default());
        rows.extend(folding.fold(&events[400..], &Limits::default()));
        assert!(rows.contains(&events[500]), "{late:?} is no row");
        assert!(rows.len() < 20, "{} rows", rows.len());
        let read = |rows: &[Event]| {
            let mut transcript = Transcript::new();
            rows.iter().for_each(|row| transcript.apply(row, &mut Changes::new()));
            transcript
        };
        assert_eq!(read(&rows), read(&events));
    }
}
