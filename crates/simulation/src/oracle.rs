//! What really happened, written down outside the system, and what must hold of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use moorline_protocol::{
    Append, BlockId, BlockKind, Epoch, Event, EventBody, MessageId, Millis, Outcome, Seq, SessionId, TurnId, WallTime, encode,
};

/// Three attempts take at least this long: the shortest wait that anybody names, twice.
const BUDGET_MIN: Millis = Millis(900);

/// A promise that did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The invariant of the design, 1 to 11; 0 = the run itself went wrong.
    pub invariant: u8,
    /// What was seen.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invariant {}: {}", self.invariant, self.what)
    }
}

/// What was committed, event by event.
pub(crate) type Histories = BTreeMap<SessionId, Vec<Event>>;

/// A message as it was typed.
#[derive(Debug, Clone)]
pub(crate) struct Typed {
    pub(crate) tab: usize,
    pub(crate) session: SessionId,
    pub(crate) text: String,
    /// The user took it back, closed its tab, or its storage failed before a reload: it may be accepted, and need not be.
    pub(crate) is_waived: bool,
}

/// Everything a run wrote down.
#[derive(Debug, Default)]
pub struct Oracle {
    violation: Option<Violation>,
    /// In the order of typing.
    pub(crate) typed: Vec<(MessageId, Typed)>,
    /// Every prompt that an agent was handed.
    prompts: BTreeMap<TurnId, u64>,
    /// What the journals hold, whatever becomes of their rows.
    pub(crate) histories: Histories,
    /// Every event that a tab was given, by its content; folds stand for what was committed, and are held against that.
    shown: BTreeMap<(SessionId, Epoch, Seq), String>,
    /// How a turn has to end, as long as only its agent has a say in it.
    pub(crate) endings: BTreeMap<TurnId, Outcome>,
    /// What the agent said in a turn, as long as nothing could take it away.
    pub(crate) said: BTreeMap<TurnId, String>,
    /// Each tab's real tries of each send on the network, and when those of the present budget began, if that was seen.
    tries: BTreeMap<(MessageId, usize), (u32, Option<Millis>)>,
    /// Messages that another tab than the one they were typed in may have sent, when its user decided to.
    pub(crate) moved: BTreeSet<MessageId>,
    /// Messages that the page says were taken back.
    pub(crate) taken_back: BTreeSet<MessageId>,
    /// Turns that somebody asked to stop, whatever came of it.
    pub(crate) stopped: BTreeSet<TurnId>,
    /// What is durable.
    started: BTreeSet<TurnId>,
    accepted: BTreeSet<MessageId>,
    /// Durable data was taken back on purpose (power cut without sync, backup): what was promised before no longer binds.
    pub(crate) has_lost_data: bool,
}

impl Oracle {
    /// The first promise that did not hold.
    #[must_use]
    pub const fn violation(&self) -> Option<&Violation> {
        self.violation.as_ref()
    }

    pub(crate) fn violate(&mut self, invariant: u8, what: impl Into<String>) {
        self.violation.get_or_insert(Violation { invariant, what: what.into() });
    }

    pub(crate) fn check(&mut self, invariant: u8, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.violate(invariant, what());
        }
    }

    pub(crate) fn waive(&mut self, mut which: impl FnMut(&MessageId, &Typed) -> bool) {
        for (message, typed) in &mut self.typed {
            typed.is_waived |= which(message, typed);
        }
    }

    pub(crate) fn committed(&mut self, session: &SessionId, events: &[Event]) {
        self.histories.entry(session.clone()).or_default().extend_from_slice(events);
        for event in events {
            match &event.body {
                EventBody::Accepted(accepted) => {
                    self.accepted.insert(accepted.message.clone());
                }
                EventBody::Answered(answered) => {
                    self.accepted.insert(answered.message.clone());
                }
                EventBody::TurnStarted(started) => {
                    self.started.insert(started.turn.clone());
                }
                _ => {}
            }
        }
    }

    /// What a deleted session had accepted is gone with it; what it had not is still owed to whoever typed it.
    pub(crate) fn deleted(&mut self, session: &SessionId, deletion: Option<WallTime>) {
        if deletion.is_none() {
            return;
        }
        for (message, typed) in &mut self.typed {
            typed.is_waived |= typed.session == *session && self.accepted.contains(message);
        }
    }

    pub(crate) fn prompted(&mut self, turn: &TurnId) {
        let times = self.prompts.entry(turn.clone()).or_default();
        *times += 1;
        let (times, is_durable) = (*times, self.started.contains(turn));
        let lost = self.has_lost_data;
        self.check(5, times == 1 || lost, || format!("turn {turn} was handed to the agent {times} times"));
        self.check(8, is_durable, || format!("turn {turn} was handed to the agent before its start was durable"));
    }

    pub(crate) fn receipted(&mut self, message: &MessageId) {
        let is_durable = self.accepted.contains(message);
        self.check(8, is_durable, || format!("the receipt of {message} came before its acceptance was durable"));
    }

    /// A send leaves a tab; so many attempts of it have failed before.
    pub(crate) fn tried(&mut self, now: Millis, tab: usize, message: &MessageId, attempts: u32) {
        let (tries, began) = self.tries.entry((message.clone(), tab)).or_default();
        *tries += 1;
        if attempts == 0 {
            *began = Some(now);
        }
    }

    /// A tab counts so many failed attempts of a send: no more than there were.
    pub(crate) fn counted(&mut self, message: &MessageId, attempts: u32) {
        let of = self.tries.range((message.clone(), 0)..=(message.clone(), usize::MAX));
        let tries: u32 = of.map(|(_, (tries, _))| *tries).sum();
        self.check(6, attempts <= tries, || format!("{attempts} attempts of {message} are counted and {tries} were made"));
    }

    /// A send's budget is spent: over time.
    pub(crate) fn spent(&mut self, now: Millis, tab: usize, message: &MessageId) {
        if let Some((_, Some(began))) = self.tries.get(&(message.clone(), tab)) {
            let took = now.since(*began);
            self.check(6, took >= BUDGET_MIN, || format!("three attempts of {message} were spent in {} ms", took.0));
        }
    }

    pub(crate) fn shown(&mut self, session: &SessionId, epoch: &Epoch, events: &[Event]) {
        for event in events.iter().filter(|event| !matches!(event.body, EventBody::Fold(_))) {
            let content = encode(event);
            let known = self.shown.entry((session.clone(), epoch.clone(), event.seq)).or_insert_with(|| content.clone());
            if *known != content {
                let what = format!("event {} of {session} was shown as {known} and as {content}", event.seq);
                return self.violate(1, what);
            }
        }
    }

    /// Holds a session's final journal against everything that was written down.
    pub(crate) fn judge(&mut self, session: &SessionId, epoch: &Epoch, journal: &[Event]) {
        self.judge_shown(session, epoch, journal);
        self.judge_acceptances(session, journal);
        self.judge_taken_back(journal);
        self.judge_turns(journal);
    }

    /// Nothing that anyone was shown is taken back.
    fn judge_shown(&mut self, session: &SessionId, epoch: &Epoch, journal: &[Event]) {
        let by_seq: BTreeMap<Seq, &Event> = journal.iter().map(|event| (event.seq, event)).collect();
        let taken_back = self.shown.iter().find(|((of, in_epoch, seq), content)| {
            of == session && in_epoch == epoch && by_seq.get(seq).is_none_or(|event| encode(*event) != **content)
        });
        if let Some(((_, _, seq), content)) = taken_back {
            let what = format!("event {seq} of {session} was shown and is not in the journal: {content}");
            self.violate(8, what);
        }
    }

    /// What the page says was taken back is not handed to an agent.
    fn judge_taken_back(&mut self, journal: &[Event]) {
        let started = journal.iter().find_map(|event| match &event.body {
            EventBody::TurnStarted(start) if self.taken_back.contains(&start.turn) => Some(start.turn.clone()),
            _ => None,
        });
        if let Some(turn) = started.filter(|_| !self.has_lost_data) {
            self.violate(5, format!("{turn} was taken back, and its turn was started all the same"));
        }
    }

    fn judge_acceptances(&mut self, session: &SessionId, journal: &[Event]) {
        let mut ids: BTreeMap<&MessageId, usize> = BTreeMap::new();
        let mut order: Vec<&MessageId> = Vec::new();
        for event in journal {
            match &event.body {
                EventBody::Accepted(accepted) => {
                    *ids.entry(&accepted.message).or_default() += 1;
                    order.push(&accepted.message);
                }
                EventBody::Answered(answered) => *ids.entry(&answered.message).or_default() += 1,
                _ => {}
            }
        }
        if let Some((message, times)) = ids.iter().find(|(_, times)| **times > 1) {
            let what = format!("{message} was accepted {times} times");
            return self.violate(5, what);
        }
        let known: BTreeMap<&MessageId, (usize, usize)> =
            self.typed.iter().enumerate().map(|(no, (message, typed))| (message, (typed.tab, no))).collect();
        if let Some(stranger) = order.iter().find(|message| !known.contains_key(**message)) {
            let what = format!("{stranger} was accepted under an id that nobody typed");
            return self.violate(5, what);
        }
        let mut last: BTreeMap<usize, usize> = BTreeMap::new();
        for message in order {
            let Some((tab, no)) = known.get(message).filter(|_| !self.moved.contains(message)) else { continue };
            if last.insert(*tab, *no).is_some_and(|before| before > *no) {
                let what = format!("{message} was accepted after a message of its tab that was typed later");
                return self.violate(7, what);
            }
        }
        if self.has_lost_data {
            return;
        }
        let lost = self.typed.iter().find(|(message, typed)| typed.session == *session && !typed.is_waived && !ids.contains_key(message));
        if let Some((message, typed)) = lost {
            let what = format!("{message} ({}) was typed and is neither accepted nor on screen", typed.text);
            self.violate(6, what);
        }
    }

    /// Every turn ends once, nothing is written into it afterwards, and it ends as its agent ended it.
    fn judge_turns(&mut self, journal: &[Event]) {
        let mut ended: BTreeMap<TurnId, Outcome> = BTreeMap::new();
        let mut started: BTreeSet<TurnId> = BTreeSet::new();
        let mut blocks: BTreeMap<BlockId, (TurnId, BlockKind, String)> = BTreeMap::new();
        let mut said: BTreeMap<TurnId, String> = BTreeMap::new();
        for event in journal {
            let into = match &event.body {
                EventBody::TurnStarted(start) => {
                    if !started.insert(start.turn.clone()) {
                        return self.violate(5, format!("turn {} was started twice", start.turn));
                    }
                    Some(start.turn.clone())
                }
                EventBody::TurnEnded(end) => {
                    if !started.contains(&end.turn) || ended.contains_key(&end.turn) {
                        return self.violate(11, format!("turn {} ended without a start, or twice", end.turn));
                    }
                    ended.insert(end.turn.clone(), end.outcome);
                    None
                }
                EventBody::TurnStopping(stopping) => Some(stopping.turn.clone()),
                EventBody::Opened(opened) => {
                    blocks.insert(opened.block.clone(), (opened.turn.clone(), opened.kind, String::new()));
                    Some(opened.turn.clone())
                }
                EventBody::Changed(changed) => blocks.get(&changed.block).map(|(turn, ..)| turn.clone()),
                EventBody::Append(Append { block, at, text, .. }) => blocks.get_mut(block).map(|(turn, kind, held)| {
                    if *kind == BlockKind::Text {
                        held.truncate(*at as usize);
                        held.push_str(text);
                        said.entry(turn.clone()).or_default().push_str(text);
                    }
                    turn.clone()
                }),
                _ => None,
            };
            if let Some(turn) = into.filter(|turn| ended.contains_key(turn)) {
                return self.violate(11, format!("event {} writes into turn {turn}, which had ended", event.seq));
            }
        }
        if let Some(turn) = started.iter().find(|turn| !ended.contains_key(*turn)) {
            return self.violate(11, format!("turn {turn} never ended"));
        }
        for (turn, outcome) in &ended {
            if let Some(expected) = self.endings.get(turn)
                && expected != outcome
            {
                let what = format!("turn {turn} ended {outcome:?} and should have ended {expected:?}");
                return self.violate(if *expected == Outcome::Interrupted { 11 } else { 10 }, what);
            }
            if let Some(expected) = self.said.get(turn)
                && said.get(turn).map_or("", String::as_str) != expected
            {
                let what = format!("turn {turn} says {:?}, its agent said {expected:?}", said.get(turn));
                return self.violate(10, what);
            }
        }
    }
}
