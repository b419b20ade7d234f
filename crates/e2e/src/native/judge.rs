//! The end of a run: the journals, held against everything that anybody was shown, told or made to send.

use std::collections::{BTreeMap, BTreeSet};

use moorline_protocol::{BlockId, Event, EventBody, MessageId, Seq, SessionId, TurnId};
use moorline_transcript::Transcript;

use super::{
    Screens,
    ledger::{Kind, Ledger, Written, acceptance},
};
use crate::Journal;

impl Ledger {
    /// Holds a session's journal, and what each client shows of it, against what was written down. Everything is at rest: all
    /// that was sent is accepted, and every turn is over.
    pub fn judge(&self, session: &SessionId, journal: &Journal, seen: &BTreeMap<String, Screens>) {
        let whole = journal.transcript();
        let mut written = self.lock();
        let mut found = Vec::new();
        if let Some(epoch) = written.epochs.get(session).filter(|epoch| **epoch != journal.epoch) {
            found.push(format!("the journal is of epoch {}, its readers were shown {epoch}", journal.epoch));
        }
        found.extend(taken_back(&written, session, journal));
        found.extend(acceptances(&written, session, journal));
        found.extend(turns(journal));
        let screens = seen.iter().filter_map(|(client, seen)| Some((client, seen.transcripts.get(session)?)));
        found.extend(screens.filter_map(|(client, screen)| difference(client, screen, &whole)));
        found.into_iter().for_each(|what| written.violate(format!("session {session}: {what}")));
    }

    /// Holds what the agents were handed, one text each, against what was sent: each message at most once.
    pub fn judge_prompts<'a>(&self, prompts: impl Iterator<Item = &'a str>) {
        let mut handed: BTreeMap<&str, u64> = BTreeMap::new();
        prompts.for_each(|prompt| *handed.entry(prompt).or_default() += 1);
        let mut written = self.lock();
        for (prompt, times) in handed {
            let typed = written.typed.iter().find(|typed| matches!(&typed.kind, Kind::Text(text) if text == prompt));
            let what = match typed {
                None => format!("an agent was handed {prompt:?}, which nobody sent"),
                Some(typed) if times > 1 => format!("session {}: {} was handed to an agent {times} times", typed.session, typed.message),
                Some(_) => continue,
            };
            written.violate(what);
        }
    }
}

/// What was shown and is not there; of what was folded since, what each client shows tells.
fn taken_back(written: &Written, session: &SessionId, journal: &Journal) -> Vec<String> {
    let kept: BTreeMap<Seq, &Event> = journal.events.iter().map(|event| (event.seq, event)).collect();
    let is_kept = |event: &Event| match kept.range(event.seq..).next() {
        Some((_, kept)) if matches!(kept.body, EventBody::Fold(_)) => true,
        Some((_, kept)) => *kept == event,
        None => false,
    };
    let shown = written.shown.get(session).into_iter().flat_map(BTreeMap::values);
    let gone = shown.filter(|event| !is_kept(event));
    gone.map(|event| format!("event {} was shown and is not in the journal: {:?}", event.seq, event.body)).collect()
}

/// Everything sent is accepted once, in the order of each client, and where its receipt says.
fn acceptances(written: &Written, session: &SessionId, journal: &Journal) -> Vec<String> {
    let mut found = Vec::new();
    let mut accepted: BTreeMap<&MessageId, Seq> = BTreeMap::new();
    for event in &journal.events {
        let Some(message) = acceptance(event) else { continue };
        if let Some(before) = accepted.insert(message, event.seq) {
            found.push(format!("{message} was accepted at {before} and again at {}", event.seq));
        }
    }
    for (message, (_, seq)) in written.receipts.iter().filter(|(_, (of, _))| of == session) {
        if accepted.get(message) != Some(seq) {
            found.push(format!("{message} was acknowledged at {seq}, the journal has it at {:?}", accepted.get(message)));
        }
    }
    let mut last: BTreeMap<&str, Seq> = BTreeMap::new();
    for typed in written.typed.iter().filter(|typed| typed.session == *session) {
        match (&typed.kind, accepted.remove(&typed.message)) {
            (Kind::Answer, _) => {}
            (Kind::Text(text), None) => found.push(format!("{} ({text:?}) was sent and is not in the journal", typed.message)),
            (Kind::Text(_), Some(seq)) => {
                if last.insert(&typed.client, seq).is_some_and(|before| before > seq) {
                    found.push(format!("{} was accepted at {seq}, before a message that {} sent earlier", typed.message, typed.client));
                }
            }
        }
    }
    found.extend(accepted.into_keys().map(|message| format!("{message} was accepted, and nobody sent it")));
    found
}

/// Every turn starts once and ends once, and nothing is written into it behind its end.
fn turns(journal: &Journal) -> Vec<String> {
    let mut found = Vec::new();
    let mut course = Course::default();
    for event in &journal.events {
        let broken = match &event.body {
            EventBody::Accepted(accepted) => {
                course.blocks.insert(accepted.block.clone(), accepted.message.clone());
                course.accepted.push(accepted.message.clone());
                None
            }
            EventBody::TurnStarted(started) => course.start(&started.turn),
            EventBody::TurnEnded(ended) => course.end(&ended.turn),
            EventBody::TurnStopping(stopping) => course.write(&stopping.turn),
            EventBody::Opened(opened) => {
                course.blocks.insert(opened.block.clone(), opened.turn.clone());
                course.write(&opened.turn)
            }
            EventBody::Changed(changed) => course.write_block(&changed.block),
            EventBody::Append(append) => course.write_block(&append.block),
            EventBody::Answered(answered) => course.write_block(&answered.block),
            EventBody::Fold(fold) => {
                let blocks = fold.blocks.iter().filter_map(|block| {
                    course.blocks.insert(block.id.clone(), block.turn.clone());
                    course.write(&block.turn)
                });
                let broken = blocks.last();
                let ends = fold.turns.iter().filter(|turn| turn.state.is_over()).filter_map(|turn| course.end(&turn.id));
                ends.last().or(broken)
            }
            EventBody::Withdrawn(_) | EventBody::Unknown { .. } => None,
        };
        found.extend(broken.map(|what| format!("event {}: {what}", event.seq)));
    }
    let endless = course.accepted.iter().filter(|turn| !course.ended.contains(*turn));
    found.extend(endless.map(|turn| format!("turn {turn} never ended")));
    found
}

/// The turns of a journal, as far as it was read.
#[derive(Debug, Default)]
struct Course {
    accepted: Vec<TurnId>,
    started: BTreeSet<TurnId>,
    ended: BTreeSet<TurnId>,
    blocks: BTreeMap<BlockId, TurnId>,
}

impl Course {
    fn start(&mut self, turn: &TurnId) -> Option<String> {
        let is_first = self.started.insert(turn.clone());
        if is_first { self.write(turn) } else { Some(format!("turn {turn} starts a second time")) }
    }

    fn end(&mut self, turn: &TurnId) -> Option<String> {
        let is_first = self.ended.insert(turn.clone());
        (!is_first).then(|| format!("turn {turn} ends a second time"))
    }

    fn write(&self, turn: &TurnId) -> Option<String> {
        self.ended.contains(turn).then(|| format!("it writes into turn {turn} behind its end"))
    }

    fn write_block(&self, block: &BlockId) -> Option<String> {
        self.write(self.blocks.get(block)?)
    }
}

/// What a client shows and the journal does not, or otherwise.
fn difference(client: &str, screen: &Transcript, whole: &Transcript) -> Option<String> {
    if (screen.epoch(), screen.seq()) != (whole.epoch(), whole.seq()) {
        return Some(format!("{client} stands at {}, the journal at {}", screen.seq(), whole.seq()));
    }
    if screen.gaps().is_empty() && screen.turns().count() != whole.turns().count() {
        return Some(format!("{client} shows {} turns, the journal has {}", screen.turns().count(), whole.turns().count()));
    }
    for turn in screen.turns() {
        if whole.turn(&turn.id) != Some(turn) {
            return Some(format!("{client} shows {turn:?}, the journal has {:?}", whole.turn(&turn.id)));
        }
        if let Some(block) = screen.blocks(&turn.id).find(|block| whole.block(&block.id) != Some(*block)) {
            return Some(format!("{client} shows {block:?}, the journal has {:?}", whole.block(&block.id)));
        }
        if screen.gaps().is_empty() && screen.blocks(&turn.id).count() != whole.blocks(&turn.id).count() {
            return Some(format!("{client} does not show all blocks of turn {}", turn.id));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native::ledger::Typed;
    use moorline_protocol::{Accepted, Epoch, Fold, Outcome, Receipt, ReceiptOutcome, TurnEnded, TurnStarted};

    fn session() -> SessionId {
        SessionId::parse("s").unwrap()
    }

    fn message(name: &str) -> MessageId {
        MessageId::parse(name).unwrap()
    }

    /// The events of one turn, from a seq on.
    fn turn(name: &str, first: u64) -> Vec<Event> {
        let id = message(name);
        let block = BlockId::numbered(first);
        let accepted = Accepted { message: id.clone(), hash: String::new(), block, text: name.to_owned(), interrupt: None };
        let ended = TurnEnded { turn: id.clone(), outcome: Outcome::Completed, error: None, usage: None };
        let bodies = [EventBody::Accepted(accepted), EventBody::TurnStarted(TurnStarted { turn: id }), EventBody::TurnEnded(ended)];
        (first..).zip(bodies).map(|(seq, body)| Event::plain(Seq::new(seq), 0, body)).collect()
    }

    fn again(event: &Event, seq: u64) -> Event {
        Event::plain(Seq::new(seq), 0, event.body.clone())
    }

    fn journal(events: Vec<Event>) -> Journal {
        Journal { epoch: Epoch::parse("e").unwrap(), head: events.last().unwrap().seq, events }
    }

    /// A ledger in which one client sent `m1` and `m2`, was shown their turns, and had a receipt of each.
    fn ledger() -> Ledger {
        let ledger = Ledger::default();
        for (name, seq) in [("m1", 1), ("m2", 4)] {
            let kind = Kind::Text(name.to_owned());
            ledger.typed(Typed { client: "c".to_owned(), session: session(), message: message(name), kind });
            let outcome = ReceiptOutcome::Accepted { seq: Seq::new(seq) };
            ledger.receipt(&Receipt { session: session(), message: message(name), outcome });
            ledger.shown(&session(), &Epoch::parse("e").unwrap(), &turn(name, seq));
        }
        ledger
    }

    fn whole() -> Vec<Event> {
        [turn("m1", 1), turn("m2", 4)].concat()
    }

    fn judged(events: Vec<Event>) -> Vec<String> {
        let ledger = ledger();
        ledger.judge(&session(), &journal(events), &BTreeMap::new());
        ledger.violations()
    }

    #[test]
    fn a_journal_that_holds_everything_is_fine_raw_and_folded() {
        assert_eq!(judged(whole()), Vec::<String>::new());
        let turns = journal(turn("m1", 1)).transcript().turns().cloned().collect();
        let folded = Event::folded(Seq::new(2), Seq::new(3), 0, Fold { turns, blocks: Vec::new() });
        assert_eq!(judged([&whole()[..1], &[folded], &whole()[3..]].concat()), Vec::<String>::new());
    }

    #[test]
    fn what_was_shown_and_acknowledged_and_is_gone_is_found() {
        let found = judged(whole()[..3].to_vec());
        assert!(found[0].contains("session s: event 4 was shown and is not in the journal"), "{found:?}");
        assert!(found.iter().any(|what| what.contains("m2 was acknowledged at 4, the journal has it at None")), "{found:?}");
        assert!(found.iter().any(|what| what.contains("m2 (\"m2\") was sent and is not in the journal")), "{found:?}");
    }

    #[test]
    fn a_second_acceptance_start_and_end_are_found() {
        let mut events = whole();
        for at in 0..3 {
            events.push(again(&whole()[at], 7 + at as u64));
        }
        let found = judged(events);
        assert!(found[0].contains("m1 was accepted at 1 and again at 7"), "{found:?}");
        assert!(found.iter().any(|what| what.contains("event 8: turn m1 starts a second time")), "{found:?}");
        assert!(found.iter().any(|what| what.contains("event 9: turn m1 ends a second time")), "{found:?}");
    }

    #[test]
    fn a_turn_without_an_end_is_found() {
        let ledger = ledger();
        ledger.judge(&session(), &journal(whole()[..5].to_vec()), &BTreeMap::new());
        assert!(ledger.violations().contains(&"session s: turn m2 never ended".to_owned()), "{:?}", ledger.violations());
    }

    #[test]
    fn a_message_that_overtook_an_earlier_one_is_found() {
        let ledger = Ledger::default();
        for name in ["m2", "m1"] {
            let kind = Kind::Text(name.to_owned());
            ledger.typed(Typed { client: "c".to_owned(), session: session(), message: message(name), kind });
        }
        ledger.judge(&session(), &journal(whole()), &BTreeMap::new());
        assert_eq!(ledger.violations(), ["session s: m1 was accepted at 1, before a message that c sent earlier"]);
    }

    #[test]
    fn a_screen_that_differs_from_the_journal_is_found() {
        let screen = journal(turn("other", 1)).transcript();
        let found = difference("c", &screen, &journal(turn("m1", 1)).transcript());
        assert!(found.is_some_and(|what| what.starts_with("c shows Turn")));
    }

    #[test]
    fn a_prompt_that_was_handed_over_twice_is_found() {
        let ledger = ledger();
        ledger.judge_prompts(["m1", "m2"].into_iter());
        assert_eq!(ledger.violations(), Vec::<String>::new());
        ledger.judge_prompts(["m1", "m2", "m1"].into_iter());
        assert_eq!(ledger.violations(), ["session s: m1 was handed to an agent 2 times"]);
    }

    #[test]
    fn a_receipt_that_names_another_event_is_found() {
        let ledger = ledger();
        let outcome = ReceiptOutcome::Accepted { seq: Seq::new(2) };
        ledger.receipt(&Receipt { session: session(), message: message("m3"), outcome });
        assert!(ledger.violations()[0].contains("the receipt of m3 names event 2"), "{:?}", ledger.violations());
    }
}
