//! Which part of a transcript is mounted: a run of blocks at its end, or anywhere in it.

use moorline_protocol::{Block, BlockId, BlockKind, Seq, Turn, TurnId, TurnState};
use moorline_transcript::{Gap, Transcript};

use super::row::{Entry, Place};

/// Turns that are mounted before the reader asks for more.
pub(super) const TURNS: usize = 50;
/// Blocks that are mounted before the reader asks for more.
pub(super) const BLOCKS: usize = 200;
/// Blocks of the first slice, so that the newest are on screen within one frame and fill it.
pub(super) const FIRST_SLICE: usize = 24;
/// Blocks of every further slice: two of them, because a frame costs something by itself, and neither so large that it is felt.
pub(super) const SLICE: usize = (BLOCKS - FIRST_SLICE).div_ceil(2);
/// Blocks that are added above or below when the reader comes near an edge of what is mounted.
pub(super) const MORE: usize = 100;
/// Blocks that are mounted at most; those on the far side of the reader give way.
pub(super) const MOST: usize = 320;
/// Blocks that are mounted at most while the end is followed; those above give way to [`BLOCKS`], a few at a time.
pub(super) const MOST_AT_END: usize = BLOCKS + FIRST_SLICE;

/// The first or the last block mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Edge {
    turn: TurnId,
    /// None = the turn is mounted from its start, or up to its end.
    opened: Option<Seq>,
}

/// The part that is mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Window {
    top: Edge,
    /// None = it goes to the end, whatever arrives.
    bottom: Option<Edge>,
}

/// What a window shows.
#[derive(Debug, Default)]
pub(super) struct View {
    pub(super) entries: Vec<Entry>,
    pub(super) turns: Vec<(TurnId, Vec<Place>)>,
    pub(super) blocks: usize,
    /// Something older is held than what is mounted.
    pub(super) earlier: bool,
    /// Something newer is held than what is mounted.
    pub(super) later: bool,
}

impl Window {
    /// The newest blocks, at most so many of at most [`TURNS`] turns; none when nothing is held.
    pub(super) fn newest(transcript: &Transcript, blocks: usize) -> Option<Self> {
        Some(Self { top: up_from(transcript, None, blocks, TURNS)?, bottom: None })
    }

    /// With a slice more above, up to [`BLOCKS`] blocks of [`TURNS`] turns.
    pub(super) fn with_slice(&self, transcript: &Transcript, mounted: usize) -> Option<Self> {
        let top = up_from(transcript, self.bottom.as_ref(), (mounted + SLICE).min(BLOCKS), TURNS)?;
        Some(Self { top, bottom: self.bottom.clone() })
    }

    /// The blocks around one.
    pub(super) fn around(transcript: &Transcript, block: &Block) -> Option<Self> {
        let middle = Edge { turn: block.turn.clone(), opened: Some(block.opened) };
        let top = up_from(transcript, Some(&middle), MOST / 2, usize::MAX)?;
        let bottom = down_from(transcript, &top, MOST);
        Some(Self { top, bottom })
    }

    /// With more blocks above; those far below give way.
    pub(super) fn with_earlier(&self, transcript: &Transcript, mounted: usize) -> Option<Self> {
        let top = up_from(transcript, self.bottom.as_ref(), mounted + MORE, usize::MAX)?;
        let is_full = mounted + MORE > MOST;
        let bottom = if is_full { down_from(transcript, &top, MOST) } else { self.bottom.clone() };
        Some(Self { top, bottom })
    }

    /// With more blocks below; those far above give way.
    pub(super) fn with_later(&self, transcript: &Transcript, mounted: usize) -> Option<Self> {
        let bottom = down_from(transcript, &self.top, mounted + MORE);
        let is_full = mounted + MORE > MOST;
        let top = if is_full { up_from(transcript, bottom.as_ref(), MOST, usize::MAX)? } else { self.top.clone() };
        Some(Self { top, bottom })
    }

    /// With at most [`MOST`] blocks: what is below them is left to the reader's coming.
    pub(super) fn cut_below(&self, transcript: &Transcript) -> Self {
        Self { top: self.top.clone(), bottom: down_from(transcript, &self.top, MOST) }
    }

    /// What it shows, gaps in their places; none when its top is not in the transcript any more.
    ///
    /// A mark stands before what was opened behind `read`, if what stands before that is mounted too.
    pub(super) fn view(&self, transcript: &Transcript, read: Option<Seq>) -> Option<View> {
        let Self { top, bottom } = self;
        let mut view = View { earlier: transcript.turns_up_to(Some(&top.turn)).nth(1).is_some(), ..View::default() };
        let mut gaps = transcript.gaps();
        let mut mark = Mark { read, something_is_before: false };
        let mut is_there = false;
        for turn in transcript.turns_from(&top.turn) {
            let is_top = !std::mem::replace(&mut is_there, true);
            let from = top.opened.filter(|_| is_top);
            let anchor = anchor(turn);
            if is_top && (view.earlier || from.is_some()) {
                view.earlier |= drop_before(&mut gaps, anchor.max(from.unwrap_or(anchor)));
            }
            while let Some(gap) = take_before(&mut gaps, anchor) {
                view.entries.push(Entry::Gap(gap.to));
            }
            if turn.state != TurnState::Queued && mark.stands_before(turn.opened) {
                view.entries.push(Entry::New);
            }
            let is_last = bottom.as_ref().is_some_and(|bottom| bottom.turn == turn.id);
            let to = bottom.as_ref().and_then(|bottom| bottom.opened).filter(|_| is_last);
            let mut places = Vec::new();
            for block in transcript.blocks(&turn.id) {
                if from.is_some_and(|from| block.opened < from) {
                    view.earlier = true;
                    continue;
                }
                if to.is_some_and(|to| block.opened > to) {
                    places.push(Place::Later);
                    view.later = true;
                    break;
                }
                if block.kind != BlockKind::Message {
                    while let Some(gap) = take_before(&mut gaps, block.opened) {
                        places.push(Place::Gap(gap.to));
                    }
                }
                if turn.state != TurnState::Queued && mark.stands_before(block.opened) {
                    places.push(Place::New);
                }
                places.push(Place::Block(BlockId::clone(&block.id)));
                view.blocks += 1;
            }
            view.entries.push(Entry::Turn(turn.id.clone()));
            view.turns.push((turn.id.clone(), places));
            if is_last {
                view.later |= transcript.turns_from(&turn.id).nth(1).is_some();
                return Some(view);
            }
        }
        view.entries.extend(gaps.iter().map(|gap| Entry::Gap(gap.to)));
        is_there.then_some(view)
    }
}

/// Where the mark before what is new goes: once, and behind something that is not new.
struct Mark {
    read: Option<Seq>,
    something_is_before: bool,
}

impl Mark {
    fn stands_before(&mut self, opened: Seq) -> bool {
        let Some(read) = self.read else { return false };
        if opened <= read {
            self.something_is_before = true;
            return false;
        }
        self.read = None;
        self.something_is_before
    }
}

const fn anchor(turn: &Turn) -> Seq {
    match (turn.state, turn.started) {
        (TurnState::Queued, _) => Seq::MAX,
        (_, Some(started)) => started,
        (_, None) => turn.opened,
    }
}

/// The edge that leaves at most so many blocks and turns between it and a bottom; at least one block.
fn up_from(transcript: &Transcript, bottom: Option<&Edge>, max_blocks: usize, max_turns: usize) -> Option<Edge> {
    let (mut blocks, mut turns) = (0, 0);
    let mut top = None;
    for turn in transcript.turns_up_to(bottom.map(|bottom| &bottom.turn)) {
        let to = bottom.and_then(|bottom| bottom.opened).filter(|_| turns == 0);
        turns += 1;
        if turns > max_turns || blocks >= max_blocks {
            return top;
        }
        for block in transcript.blocks(&turn.id).rev().filter(|block| to.is_none_or(|to| block.opened <= to)) {
            if blocks >= max_blocks {
                return top;
            }
            blocks += 1;
            top = Some(Edge { turn: turn.id.clone(), opened: Some(block.opened) });
        }
        top = Some(Edge { turn: turn.id.clone(), opened: None });
    }
    top
}

/// The edge that leaves at most so many blocks between a top and it; none when that is the end.
fn down_from(transcript: &Transcript, top: &Edge, max_blocks: usize) -> Option<Edge> {
    let mut blocks = 0;
    let mut last = None;
    for turn in transcript.turns_from(&top.turn) {
        let from = top.opened.filter(|_| last.is_none());
        for block in transcript.blocks(&turn.id).filter(|block| from.is_none_or(|from| block.opened >= from)) {
            if blocks >= max_blocks {
                return last;
            }
            blocks += 1;
            last = Some(Edge { turn: turn.id.clone(), opened: Some(block.opened) });
        }
    }
    None
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
