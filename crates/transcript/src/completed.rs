//! The blocks that events complete, for whoever wants to find their texts again.

use std::collections::{BTreeMap, BTreeSet};

use moorline_protocol::{Append, Block, BlockId, Event, EventBody, FieldsPatch, Patch};

use crate::{Changes, Transcript};

impl Transcript {
    /// The blocks that the next events of the journal complete, as they are behind them: messages by their acceptance, others
    /// by being closed. The transcript has everything before the events, and is not changed. Of a text that holds more than
    /// `most` bytes already, its beginning of at most so many is enough.
    #[must_use]
    pub fn completed(&self, events: &[Event], most: usize) -> Vec<Block> {
        let ids: BTreeSet<&BlockId> = events.iter().filter_map(completes).collect();
        let mut ahead = Self::new();
        let mut enough = BTreeMap::new();
        for block in ids.iter().filter_map(|id| self.block(id)) {
            if block.text.len() > most {
                enough.insert(&block.id, block.edition);
            }
            ahead.put_block(beginning(block, most));
        }
        if !ids.is_empty() {
            let adds_to = |append: &Append| enough.get(&append.block) == Some(&append.edition);
            let counts = |event: &&Event| !matches!(&event.body, EventBody::Append(append) if adds_to(append));
            events.iter().filter(counts).for_each(|event| ahead.fold_in(event, &mut Changes::new()));
        }
        ids.into_iter().filter_map(|id| ahead.block(id).cloned()).collect()
    }
}

/// A block with the beginning of its text alone: what follows is never copied.
fn beginning(block: &Block, most: usize) -> Block {
    let end = (0..=block.text.len().min(most)).rev().find(|at| block.text.is_char_boundary(*at)).unwrap_or(0);
    let Block { id, turn, kind, opened, rev, fields, edition, from, text: _ } = block;
    Block {
        id: id.clone(),
        turn: turn.clone(),
        kind: *kind,
        opened: *opened,
        rev: *rev,
        fields: fields.clone(),
        edition: *edition,
        from: *from,
        text: block.text[..end].to_owned(),
    }
}

/// The block behind which nothing more comes.
fn completes(event: &Event) -> Option<&BlockId> {
    let closes = |fields: &FieldsPatch| fields.closed == Patch::Set(true);
    match &event.body {
        EventBody::Accepted(accepted) => Some(&accepted.block),
        EventBody::Opened(opened) => closes(&opened.fields).then_some(&opened.block),
        EventBody::Changed(changed) => closes(&changed.fields).then_some(&changed.block),
        EventBody::Answered(_)
        | EventBody::Withdrawn(_)
        | EventBody::TurnStarted(_)
        | EventBody::TurnStopping(_)
        | EventBody::TurnEnded(_)
        | EventBody::Append(_)
        | EventBody::Fold(_)
        | EventBody::Unknown { .. } => None,
    }
}
