//! What all clients of a run were shown, told and made to send.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use moorline_protocol::{Epoch, Event, EventBody, MessageId, Receipt, ReceiptOutcome, Seq, SessionId};

/// Sentences kept at most: what goes wrong once goes wrong again.
const KEPT: usize = 50;

/// One run's memory, shared by its clients; a clone writes into the same one.
#[derive(Debug, Clone, Default)]
pub struct Ledger(Arc<Mutex<Written>>, Memory);

/// How much a ledger keeps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Memory {
    /// Every event, to be held against the others' and the journal.
    #[default]
    Whole,
    /// What is wrong.
    Violations,
}

/// What stands in it.
#[derive(Debug, Default)]
pub(super) struct Written {
    violations: Vec<String>,
    /// The incarnation of each journal: nothing in a run that has one ledger may change it.
    pub(super) epochs: BTreeMap<SessionId, Epoch>,
    /// Every event that anybody was shown, but for folds.
    pub(super) shown: BTreeMap<SessionId, BTreeMap<Seq, Event>>,
    /// In the order of typing.
    pub(super) typed: Vec<Typed>,
    /// Where a receipt says that a message was accepted.
    pub(super) receipts: BTreeMap<MessageId, (SessionId, Seq)>,
}

/// A message that a client took.
#[derive(Debug, Clone)]
pub(super) struct Typed {
    pub(super) client: String,
    pub(super) session: SessionId,
    pub(super) message: MessageId,
    pub(super) kind: Kind,
}

/// What was sent.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    Text(String),
    /// Somebody else may have settled the request first.
    Answer,
}

impl Ledger {
    /// One that keeps no events: for loads that are larger than memory.
    #[must_use]
    pub fn of_violations() -> Self {
        Self(Arc::default(), Memory::Violations)
    }

    /// The promises that did not hold, a sentence each, in the order in which they were noticed.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        self.lock().violations.clone()
    }

    /// How many events anybody was shown, each counted once, and how many messages were sent and answered by a receipt.
    #[must_use]
    pub fn counts(&self) -> (usize, usize, usize) {
        let written = self.lock();
        (written.shown.values().map(BTreeMap::len).sum(), written.typed.len(), written.receipts.len())
    }

    /// Holds that every promise was kept.
    ///
    /// # Panics
    /// When one was not, with the sentences; `run` says how to see it again.
    pub fn assert_kept(&self, run: &str) {
        let violations = self.violations();
        assert!(violations.is_empty(), "{run}: {} promises were broken\n{}", violations.len(), violations.join("\n"));
    }

    pub(super) fn violate(&self, sentence: String) {
        self.lock().violate(sentence);
    }

    /// A client was shown these.
    pub(super) fn shown(&self, session: &SessionId, epoch: &Epoch, events: &[Event]) {
        let mut written = self.lock();
        written.note_epoch(session, epoch);
        if self.1 == Memory::Violations {
            return;
        }
        for event in events.iter().filter(|event| !matches!(event.body, EventBody::Fold(_))) {
            written.note_acceptance(session, event);
            let shown = written.shown.entry(session.clone()).or_default();
            let known = shown.entry(event.seq).or_insert_with(|| event.clone());
            if known != event {
                let sentence = format!("session {session}: event {} was shown as {known:?} and as {event:?}", event.seq);
                written.violate(sentence);
            }
        }
    }

    pub(super) fn epoch(&self, session: &SessionId, epoch: &Epoch) {
        self.lock().note_epoch(session, epoch);
    }

    /// A receipt came, whatever the core makes of it.
    pub(super) fn receipt(&self, receipt: &Receipt) {
        let ReceiptOutcome::Accepted { seq } = receipt.outcome else { return };
        let (session, message) = (&receipt.session, &receipt.message);
        let mut written = self.lock();
        let known = written.receipts.entry(message.clone()).or_insert_with(|| (session.clone(), seq)).clone();
        if known != (session.clone(), seq) {
            written.violate(format!("session {session}: {message} was said to be accepted at {seq} and, of {}, at {}", known.0, known.1));
        }
        let shown = written.shown.get(session).and_then(|shown| shown.get(&seq));
        if let Some(event) = shown.filter(|event| acceptance(event) != Some(message)) {
            let sentence = format!("session {session}: the receipt of {message} names event {seq}, which is {:?}", event.body);
            written.violate(sentence);
        }
    }

    pub(super) fn typed(&self, typed: Typed) {
        self.lock().typed.push(typed);
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Written> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Written {
    pub(super) fn violate(&mut self, sentence: String) {
        if self.violations.len() < KEPT {
            self.violations.push(sentence);
        }
    }

    fn note_epoch(&mut self, session: &SessionId, epoch: &Epoch) {
        let known = self.epochs.entry(session.clone()).or_insert_with(|| epoch.clone()).clone();
        if known != *epoch {
            self.violate(format!("session {session}: the epoch changed from {known} to {epoch}, and no data was given up"));
        }
    }

    fn note_acceptance(&mut self, session: &SessionId, event: &Event) {
        let Some(message) = acceptance(event) else { return };
        if let Some(told) = self.receipts.get(message).filter(|told| **told != (session.clone(), event.seq)) {
            let sentence =
                format!("session {session}: {message} is accepted at {}, its receipt says at {} of {}", event.seq, told.1, told.0);
            self.violate(sentence);
        }
    }
}

/// The message that an event accepts.
pub(super) const fn acceptance(event: &Event) -> Option<&MessageId> {
    match &event.body {
        EventBody::Accepted(accepted) => Some(&accepted.message),
        EventBody::Answered(answered) => Some(&answered.message),
        EventBody::Withdrawn(_)
        | EventBody::TurnStarted(_)
        | EventBody::TurnStopping(_)
        | EventBody::TurnEnded(_)
        | EventBody::Opened(_)
        | EventBody::Changed(_)
        | EventBody::Append(_)
        | EventBody::Fold(_)
        | EventBody::Unknown { .. } => None,
    }
}
