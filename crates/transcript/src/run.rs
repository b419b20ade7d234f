//! A run of events as one.

use moorline_protocol::{Block, Event, EventBody, Fold, Limits, encode, mutant};

use crate::{Changes, Transcript};

/// Applies a run of consecutive events to the transcript as of the seq before it, and returns the one fold that stands for them.
///
/// Of a text of which the transcript holds only the tail, the fold carries that tail: whoever has all up to the run has its beginning.
///
/// None when there is no such fold: the run is empty or does not begin right behind the transcript, what it touched is not
/// here, or the fold would be longer than the run or than [`Limits::event_bytes`]. The run is applied in any case.
pub fn fold(base: &mut Transcript, run: &[Event], limits: &Limits) -> Option<Event> {
    let (first, last) = (run.first()?, run.last()?);
    let begins_behind = first.first() == base.seq().next();
    let mut changes = Changes::new();
    for event in run {
        base.apply(event, &mut changes);
    }
    if !begins_behind || base.seq() != last.seq || base.needs_snapshot() || !base.gaps().is_empty() {
        return None;
    }
    let turns = changes.turns().filter_map(|(turn, _)| base.turn(turn).cloned()).collect();
    let mut blocks: Vec<Block> = changes.blocks().filter_map(|(block, _)| base.block(block).cloned()).collect();
    if mutant::is("forgets_in_folds") {
        forget_last_append(run, &mut blocks);
    }
    let fold = Event::folded(first.first(), last.seq, last.at, Fold { turns, blocks });
    let length = |event: &Event| encode(event).len();
    let fits = encode(&fold.body).len() <= limits.event_bytes && length(&fold) <= run.iter().map(length).sum();
    fits.then_some(fold)
}

/// What a fold without its run's last piece of text would carry.
fn forget_last_append(run: &[Event], blocks: &mut [Block]) {
    let appends = run.iter().rev().filter_map(|event| if let EventBody::Append(append) = &event.body { Some(append) } else { None });
    for append in appends.take(1) {
        let block = blocks.iter_mut().find(|block| block.id == append.block && block.text.ends_with(&append.text));
        if let Some(block) = block {
            block.text.truncate(block.text.len() - append.text.len());
        }
    }
}
