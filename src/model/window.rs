//! Which part of a transcript is mounted: everything from one place to the end.

use moorline_protocol::{BlockId, BlockKind, Seq, Turn, TurnId, TurnState};
use moorline_transcript::{Gap, Transcript};

use super::row::{Entry, Place};

/// Turns that are mounted before the reader asks for more.
pub(super) const TURNS: usize = 50;
/// Blocks that are mounted before the reader asks for more.
pub(super) const BLOCKS: usize = 200;
/// Blocks of the first slice, so that the newest are on screen within one frame.
pub(super) const FIRST_SLICE: usize = 24;
/// Blocks of every further slice.
pub(super) const SLICE: usize = 48;
/// Blocks that "Show earlier" adds.
pub(super) const EARLIER: usize = 100;
/// While the reader is at the end, the window is cut back to [`BLOCKS`] when it holds more than this.
pub(super) const TRIM_ABOVE: usize = 320;

/// The first block mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Top {
    turn: TurnId,
    /// None = the turn is mounted from its start.
    opened: Option<Seq>,
}

/// What stands between a top and the end.
#[derive(Debug, Default)]
pub(super) struct View {
    pub(super) entries: Vec<Entry>,
    pub(super) turns: Vec<(TurnId, Vec<Place>)>,
    pub(super) blocks: usize,
    /// Something older is held than what is mounted.
    pub(super) earlier: bool,
}

/// The top that leaves at most so many blocks and turns below it; at least one block.
pub(super) fn top(transcript: &Transcript, max_blocks: usize, max_turns: usize) -> Option<Top> {
    let (mut blocks, mut turns) = (0, 0);
    let mut top = None;
    for turn in transcript.turns().rev() {
        turns += 1;
        if turns > max_turns || blocks >= max_blocks {
            return top;
        }
        for block in transcript.blocks(&turn.id).rev() {
            if blocks >= max_blocks {
                return top;
            }
            blocks += 1;
            top = Some(Top { turn: turn.id.clone(), opened: Some(block.opened) });
        }
        top = Some(Top { turn: turn.id.clone(), opened: None });
    }
    top
}

/// Everything from a top to the end, gaps in their places. None when the top is not in the transcript any more.
pub(super) fn view(transcript: &Transcript, top: &Top) -> Option<View> {
    let mut shown: Vec<&Turn> = Vec::new();
    let mut newest_first = transcript.turns().rev();
    loop {
        let turn = newest_first.next()?;
        shown.push(turn);
        if turn.id == top.turn {
            break;
        }
    }
    let mut view = View { earlier: newest_first.next().is_some(), ..View::default() };
    let mut gaps = transcript.gaps();
    for turn in shown.into_iter().rev() {
        let is_top = turn.id == top.turn;
        let from = top.opened.filter(|_| is_top);
        let anchor = if turn.state == TurnState::Queued { Seq::MAX } else { turn.started.unwrap_or(turn.opened) };
        let hidden =
            if is_top && (view.earlier || from.is_some()) { drop_before(&mut gaps, anchor.max(from.unwrap_or(anchor))) } else { false };
        view.earlier |= hidden;
        while let Some(gap) = take_before(&mut gaps, anchor) {
            view.entries.push(Entry::Gap(gap.to));
        }
        let mut places = Vec::new();
        for block in transcript.blocks(&turn.id) {
            if from.is_some_and(|from| block.opened < from) {
                view.earlier = true;
                continue;
            }
            if block.kind != BlockKind::Message {
                while let Some(gap) = take_before(&mut gaps, block.opened) {
                    places.push(Place::Gap(gap.to));
                }
            }
            places.push(Place::Block(BlockId::clone(&block.id)));
            view.blocks += 1;
        }
        view.entries.push(Entry::Turn(turn.id.clone()));
        view.turns.push((turn.id.clone(), places));
    }
    view.entries.extend(gaps.iter().map(|gap| Entry::Gap(gap.to)));
    Some(view)
}

fn take_before<'a>(gaps: &mut &'a [Gap], seq: Seq) -> Option<&'a Gap> {
    let (first, rest) = gaps.split_first()?;
    if first.to >= seq {
        return None;
    }
    *gaps = rest;
    Some(first)
}

/// Skips the gaps that lie above the top: they show once what is below them is mounted.
fn drop_before(gaps: &mut &[Gap], seq: Seq) -> bool {
    let before = gaps.len();
    while take_before(gaps, seq).is_some() {}
    gaps.len() < before
}
