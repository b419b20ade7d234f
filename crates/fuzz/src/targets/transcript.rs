//! Events, folds, snapshots and pages in a transcript.

use moorline_protocol::{Epoch, Event, Limits, Page, Seq, SessionId, SnapshotPart, TurnState};
use moorline_transcript::{Changes, Snapshot, Transcript, WholeTranscript, fold, parts};
use serde_json::{Value, json};

use super::Execute;
use crate::{
    Dice,
    corpus::{contents, examples},
    maker::{Maker, Shape},
};

/// Inputs of one execution at most.
const INPUTS: usize = 6;

pub(super) fn inputs() -> Execute {
    let (events, snapshots) = (Maker::new(examples(&["event"])), Maker::new(contents(&["gateway"], "snapshot")));
    let pages = Maker::new(examples(&["http:Page"]));
    let limits = Limits { text_bytes: 40, frame_bytes: 400, snapshot_bytes: 600, snapshot_turns: 2, ..Limits::default() };
    Box::new(move |dice| {
        let (mut there, mut whole, mut changes) = (Transcript::new(), WholeTranscript::new(), Changes::new());
        for _ in 0..=dice.below(INPUTS) {
            match dice.below(6) {
                0 => {
                    let read = (0..=dice.below(2)).filter_map(|_| read::<SnapshotPart>(snapshots.value(dice)));
                    if let Some(snapshot) = Snapshot::join(read.collect::<Vec<_>>()) {
                        there.merge_snapshot(snapshot, &mut changes);
                    }
                }
                1 => {
                    if let Some(page) = read::<Page>(pages.value(dice)) {
                        there.merge_page(page, &mut changes);
                    }
                }
                _ => apply((&mut there, &mut whole), &events, dice, &mut changes, &limits),
            }
            check(&there, &whole, dice, &limits);
        }
        let _ = (events.bytes(Shape::Near, dice), changes);
    })
}

/// Applies an event, most of the time the one that follows.
fn apply((there, whole): (&mut Transcript, &mut WholeTranscript), events: &Maker, dice: &mut Dice, changes: &mut Changes, limits: &Limits) {
    let mut event = events.value(dice);
    if let Some(fields) = event.as_object_mut().filter(|_| !dice.once_in(4)) {
        fields.insert("seq".to_owned(), json!(there.seq().value() + 1));
    }
    let Some(event) = read::<Event>(event) else { return };
    let folded = fold(&mut there.clone(), std::slice::from_ref(&event), limits);
    there.apply(&event, changes);
    whole.apply(&event);
    assert!(folded.iter().all(|fold| fold.first() <= fold.seq), "a fold begins behind its end");
}

fn check(there: &Transcript, whole: &WholeTranscript, dice: &mut Dice, limits: &Limits) {
    assert!(there.gaps().windows(2).all(|pair| pair[0].to < pair[1].from), "gaps touch each other");
    let queued = there.turns().filter(|turn| turn.state == TurnState::Queued).count();
    assert_eq!(there.state().queue.len(), queued, "the queue is not what is shown as queued");
    if !dice.once_in(4) {
        return;
    }
    let (session, epoch) = (SessionId::parse("s").expect("an id"), Epoch::parse("e").expect("an id"));
    let since = dice.once_in(2).then(|| Seq::new(dice.below(60) as u64));
    let snapshot = whole.snapshot(since, limits, &epoch);
    let parts = parts(snapshot.clone(), &session, 1, limits);
    assert_eq!(parts.iter().filter(|part| part.last).count(), 1, "a snapshot has one last part");
    let page = whole.page(Seq::new(dice.below(60) as u64), dice.below(4), limits, &epoch);
    assert!(page.from <= page.before, "a page begins behind its end");
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> Option<T> {
    serde_json::from_value(value).ok()
}
