//! The blocks that events complete, for whoever wants to find their texts again.

use std::collections::BTreeSet;

use moorline_protocol::{Block, BlockId, Event, EventBody, FieldsPatch, Patch};

use crate::{Changes, Transcript};

impl Transcript {
    /// The blocks that the next events of the journal complete, as they are behind them: messages by their acceptance, others
    /// by being closed. The transcript has everything before the events, and is not changed.
    #[must_use]
    pub fn completed(&self, events: &[Event]) -> Vec<Block> {
        let ids: BTreeSet<&BlockId> = events.iter().filter_map(completes).collect();
        let mut ahead = Self::new();
        ids.iter().filter_map(|id| self.block(id)).for_each(|block| ahead.put_block(block.clone()));
        if !ids.is_empty() {
            events.iter().for_each(|event| ahead.fold_in(event, &mut Changes::new()));
        }
        ids.into_iter().filter_map(|id| ahead.block(id).cloned()).collect()
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
