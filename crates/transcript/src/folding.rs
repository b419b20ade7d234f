//! A journal's old events as few folds.

use moorline_protocol::{Event, EventBody, Limits, Seq, encode};

use crate::{Changes, Transcript, run::fold, text::end};

/// A run whose events take more than this many times an event's limit is not tried as one fold.
const TRIED: usize = 4;

/// Makes folds of a journal's events, run after run.
///
/// Acceptances, answers and withdrawals stay as they are: ids and hashes of messages are read from them as long as the session
/// lives. So do events of an unknown kind, which a newer page may understand.
///
/// It holds what later events can still touch, the turns that are not over and their blocks, and of texts their length only. So a
/// fold carries of a text what its run added: a reader at any cursor inside the run, or right before it, has the beginning.
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
        self.base = self.base.outline();
    }

    /// Takes the next events of the journal, and returns what stands for them: as few folds as the limits allow, and as
    /// they are those events for which there is no shorter fold.
    pub fn fold(&mut self, mut run: &[Event], limits: &Limits) -> Vec<Event> {
        let mut rows = Vec::new();
        while !run.is_empty() {
            let mut length = tried(run, limits);
            loop {
                let mut after = self.base.clone();
                let folded = if length > 1 { fold(&mut after, &run[..length], limits) } else { None };
                if let Some(folded) = folded {
                    self.base = after.outline();
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
}

/// How many events are tried as one fold first.
fn tried(run: &[Event], limits: &Limits) -> usize {
    let mut bytes = 0;
    let fits = |event: &&Event| {
        bytes += encode(event).len();
        may_be_folded(event) && bytes <= TRIED * limits.event_bytes
    };
    run.iter().take_while(fits).count().max(1)
}

const fn may_be_folded(event: &Event) -> bool {
    match event.body {
        EventBody::TurnStarted(_)
        | EventBody::TurnStopping(_)
        | EventBody::TurnEnded(_)
        | EventBody::Opened(_)
        | EventBody::Changed(_)
        | EventBody::Append(_)
        | EventBody::Fold(_) => true,
        EventBody::Accepted(_) | EventBody::Answered(_) | EventBody::Withdrawn(_) | EventBody::Unknown { .. } => false,
    }
}

impl Transcript {
    /// What later events can still touch, with the lengths of texts in place of the texts.
    fn outline(&self) -> Self {
        let mut outline = Self::default();
        (outline.epoch, outline.seq, outline.torn) = (self.epoch.clone(), self.seq, self.torn);
        // An event of an unknown kind belongs to the newest turn, also when that is over.
        let newest = self.newest_turn(self.seq.next());
        for turn in self.turns.values().filter(|turn| !turn.state.is_over() || newest == Some(&turn.id)) {
            outline.put_turn((**turn).clone(), &mut Changes::new());
            for block in self.blocks(&turn.id) {
                let from = end(block);
                outline.put_block(moorline_protocol::Block { text: String::new(), from, ..block.clone() });
            }
        }
        outline
    }
}
