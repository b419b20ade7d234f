//! One session as a client reads it, and what must hold of every step.

use std::collections::BTreeSet;

use moorline_protocol::{BlockId, Cursor, Epoch, Event, EventBody, Item, Seq, SessionId, SessionState, TurnId};
use moorline_transcript::{Changes, Snapshot, Transcript};

use super::ledger::Ledger;

/// A session's transcript, as far as one client has it.
#[derive(Debug)]
pub(super) struct Reader {
    /// Whose, for the sentences.
    client: String,
    session: SessionId,
    epoch: Option<Epoch>,
    transcript: Transcript,
    applied: Seq,
    /// At the head, as the gateway said.
    pub(super) is_live: bool,
    /// Requests that the user has seen.
    noticed: BTreeSet<BlockId>,
    changes: Changes,
}

impl Reader {
    pub(super) fn new(client: &str, session: SessionId) -> Self {
        let (client, changes) = (client.to_owned(), Changes::new());
        let (epoch, transcript, applied, is_live, noticed) = (None, Transcript::new(), Seq::ZERO, false, BTreeSet::new());
        Self { client, session, epoch, transcript, applied, is_live, noticed, changes }
    }

    /// Applies a batch; answers up to where.
    pub(super) fn events(&mut self, ledger: &Ledger, epoch: &Epoch, events: &[Event]) -> Seq {
        if self.epoch.as_ref() != Some(epoch) {
            let held = self.epoch.clone();
            self.violate(ledger, &format!("was given events of epoch {epoch} and holds {held:?}"));
        }
        for event in events {
            if event.seq <= self.applied {
                self.violate(ledger, &format!("was given event {} again and has applied {}", event.seq, self.applied));
            }
            if event.first() > self.applied.next() {
                self.violate(ledger, &format!("was given event {} across a hole behind {}", event.seq, self.applied));
            }
            self.check_turn(ledger, event);
            self.transcript.apply(event, &mut self.changes);
            self.applied = self.applied.max(event.seq);
        }
        if self.transcript.needs_snapshot() {
            self.violate(ledger, &format!("holds something that does not connect, at {}", self.applied));
        }
        ledger.shown(&self.session, epoch, events);
        self.changes.clear();
        self.applied
    }

    /// Merges a snapshot; answers up to where.
    pub(super) fn snapshot(&mut self, ledger: &Ledger, snapshot: Snapshot, replaces: bool) -> Seq {
        if replaces {
            self.transcript = Transcript::new();
            (self.epoch, self.applied) = (None, Seq::ZERO);
            self.noticed.clear();
        }
        let held = self.epoch.get_or_insert_with(|| snapshot.epoch.clone());
        if *held != snapshot.epoch {
            let sentence = format!("was given a snapshot of epoch {}, not told to replace {held}", snapshot.epoch);
            self.violate(ledger, &sentence);
        }
        if snapshot.seq < self.applied {
            self.violate(ledger, &format!("was moved back from {} to {} by a snapshot", self.applied, snapshot.seq));
        }
        for item in &snapshot.items {
            if let Item::Turn(turn) = item
                && self.is_over(&turn.id)
                && self.transcript.turn(&turn.id).is_some_and(|held| held.state != turn.state)
            {
                self.violate(
                    ledger,
                    &format!("was told as of {} that turn {}, which was over, is {:?}", snapshot.seq, turn.id, turn.state),
                );
            }
        }
        ledger.epoch(&self.session, &snapshot.epoch);
        self.applied = snapshot.seq;
        self.transcript.merge_snapshot(snapshot, &mut self.changes);
        self.changes.clear();
        self.applied
    }

    /// The gateway says where the session stands.
    pub(super) fn caught_up(&self, ledger: &Ledger, seq: Seq, state: &SessionState) {
        if seq != self.applied {
            self.violate(ledger, &format!("is caught up at {seq} and has applied {}", self.applied));
        }
        let folded = self.transcript.state();
        if folded != *state {
            self.violate(ledger, &format!("shows {folded:?} at {seq}, the gateway says {state:?}"));
        }
    }

    /// A cursor leaves the client: it may not run ahead of what was applied.
    pub(super) fn told(&self, ledger: &Ledger, cursor: &Cursor) {
        if self.epoch.as_ref() != Some(&cursor.epoch) || cursor.seq > self.applied {
            self.violate(ledger, &format!("told the cursor {} of epoch {} and has applied {}", cursor.seq, cursor.epoch, self.applied));
        }
    }

    /// Requests that nobody has looked at, each with the option that stands first.
    pub(super) fn new_requests(&mut self) -> Vec<(BlockId, String)> {
        let open = self.transcript.state().waiting.into_iter().filter(|request| self.noticed.insert(request.clone()));
        let first = |request: BlockId| {
            let option = self.transcript.block(&request)?.fields.options.as_ref()?.first()?.id.clone();
            Some((request, option))
        };
        open.collect::<Vec<_>>().into_iter().filter_map(first).collect()
    }

    /// The turn at work.
    pub(super) fn running(&self) -> Option<TurnId> {
        self.transcript.state().running.map(|running| running.turn)
    }

    /// Whether it is live and nothing is going on.
    pub(super) fn rests(&self) -> bool {
        self.is_live && self.transcript.state() == SessionState::default()
    }

    pub(super) const fn applied(&self) -> Seq {
        self.applied
    }

    pub(super) fn is_over(&self, turn: &TurnId) -> bool {
        self.transcript.turn(turn).is_some_and(|turn| turn.state.is_over())
    }

    /// Whether a turn is over, or lies where the client has a gap.
    pub(super) fn may_be_over(&self, turn: &TurnId) -> bool {
        let is_far = self.transcript.turn(turn).is_none() && !self.transcript.gaps().is_empty();
        is_far || self.is_over(turn)
    }

    pub(super) fn into_transcript(self) -> Transcript {
        self.transcript
    }

    /// A turn ends once, and nothing is written into it behind its end.
    fn check_turn(&self, ledger: &Ledger, event: &Event) {
        let of_block = |block| self.transcript.block(block).map(|block| &block.turn);
        let into = match &event.body {
            EventBody::TurnStarted(started) => Some(&started.turn),
            EventBody::TurnStopping(stopping) => Some(&stopping.turn),
            EventBody::TurnEnded(ended) => Some(&ended.turn),
            EventBody::Opened(opened) => Some(&opened.turn),
            EventBody::Changed(changed) => of_block(&changed.block),
            EventBody::Append(append) => of_block(&append.block),
            EventBody::Answered(answered) => of_block(&answered.block),
            EventBody::Accepted(accepted) => Some(&accepted.message),
            EventBody::Withdrawn(_) | EventBody::Unknown { .. } => None,
            // A client that has a part of the run gets the whole of it: it may tell of an end again, but not of another one.
            EventBody::Fold(fold) => fold
                .turns
                .iter()
                .find(|turn| self.is_over(&turn.id) && self.transcript.turn(&turn.id).is_some_and(|held| held.state != turn.state))
                .map(|turn| &turn.id),
        };
        if let Some(turn) = into.filter(|turn| self.is_over(turn)) {
            self.violate(
                ledger,
                &format!("was given event {} ({}), which writes into turn {turn} behind its end", event.seq, event.body.kind()),
            );
        }
    }

    fn violate(&self, ledger: &Ledger, what: &str) {
        ledger.violate(format!("session {}: {} {what}", self.session, self.client));
    }
}

#[cfg(test)]
mod tests {
    use moorline_protocol::{Accepted, Append, BlockKind, MessageId, Opened, Outcome, Running, TurnEnded, TurnStarted};

    use super::*;

    fn id<T>(parse: fn(&str) -> Result<T, moorline_protocol::InvalidId>, text: &str) -> T {
        parse(text).unwrap()
    }

    fn epoch() -> Epoch {
        id(Epoch::parse, "e")
    }

    /// A turn that says something: accepted, started, opened, appended to, ended.
    fn events() -> Vec<Event> {
        let turn: MessageId = id(MessageId::parse, "m");
        let accepted =
            Accepted { message: turn.clone(), hash: String::new(), block: BlockId::numbered(1), text: "hi".into(), interrupt: None };
        let opened = Opened { block: BlockId::numbered(2), turn: turn.clone(), kind: BlockKind::Text, fields: Default::default() };
        let append = Append { block: BlockId::numbered(2), edition: 0, at: 0, text: "hello".into() };
        let bodies = [
            EventBody::Accepted(accepted),
            EventBody::TurnStarted(TurnStarted { turn: turn.clone() }),
            EventBody::Opened(opened),
            EventBody::Append(append),
            EventBody::TurnEnded(TurnEnded { turn, outcome: Outcome::Completed, error: None, usage: None }),
        ];
        (1..).zip(bodies).map(|(seq, body)| Event::plain(Seq::new(seq), 0, body)).collect()
    }

    fn reader(ledger: &Ledger) -> Reader {
        let mut reader = Reader::new("c", id(SessionId::parse, "s"));
        reader.snapshot(ledger, Snapshot { epoch: epoch(), seq: Seq::ZERO, from: Seq::new(1), items: Vec::new() }, true);
        reader
    }

    /// What is noted when the events come in this order.
    fn noted(order: &[usize]) -> Vec<String> {
        let (ledger, events) = (Ledger::default(), events());
        let mut reader = reader(&ledger);
        for at in order {
            reader.events(&ledger, &epoch(), &events[*at..=*at]);
        }
        ledger.violations()
    }

    #[test]
    fn a_turn_read_in_order_is_fine() {
        assert_eq!(noted(&[0, 1, 2, 3, 4]), Vec::<String>::new());
    }

    #[test]
    fn an_event_that_comes_twice_is_noted() {
        assert!(noted(&[0, 1, 1])[0].contains("session s: c was given event 2 again"));
    }

    #[test]
    fn a_hole_is_noted() {
        assert!(noted(&[0, 1, 3])[0].contains("event 4 across a hole behind 2"));
    }

    #[test]
    fn what_is_written_into_a_turn_behind_its_end_is_noted() {
        let (ledger, mut events) = (Ledger::default(), events());
        let mut reader = reader(&ledger);
        for (seq, body) in [(6, events[4].body.clone()), (7, events[3].body.clone())] {
            events.push(Event::plain(Seq::new(seq), 0, body));
        }
        reader.events(&ledger, &epoch(), &events);
        let noted = ledger.violations();
        assert!(noted[0].contains("event 6 (turn_ended), which writes into turn m behind its end"), "{noted:?}");
        assert!(noted[1].contains("event 7 (append)"), "{noted:?}");
    }

    #[test]
    fn another_epoch_that_nobody_told_of_is_noted() {
        let ledger = Ledger::default();
        let other = id(Epoch::parse, "other");
        reader(&ledger).events(&ledger, &other, &events()[..1]);
        assert!(ledger.violations()[0].contains("events of epoch other and holds Some(e)"));
    }

    #[test]
    fn a_standing_that_the_fold_does_not_come_to_is_noted() {
        let ledger = Ledger::default();
        let mut reader = reader(&ledger);
        reader.events(&ledger, &epoch(), &events());
        reader.caught_up(&ledger, Seq::new(5), &SessionState::default());
        assert_eq!(ledger.violations(), Vec::<String>::new());
        let running = Some(Running { turn: id(MessageId::parse, "m"), stopping: false });
        reader.caught_up(&ledger, Seq::new(5), &SessionState { running, ..SessionState::default() });
        assert!(ledger.violations()[0].contains("the gateway says"));
    }

    #[test]
    fn a_cursor_ahead_of_what_was_applied_is_noted() {
        let ledger = Ledger::default();
        let mut reader = reader(&ledger);
        reader.events(&ledger, &epoch(), &events()[..2]);
        let cursor = |seq| Cursor { session: id(SessionId::parse, "s"), epoch: epoch(), seq: Seq::new(seq) };
        reader.told(&ledger, &cursor(2));
        assert_eq!(ledger.violations(), Vec::<String>::new());
        reader.told(&ledger, &cursor(3));
        assert!(ledger.violations()[0].contains("told the cursor 3"));
    }
}
