//! Events whose turn or block lies in a gap.

use std::collections::BTreeMap;

use moorline_protocol::{BlockId, Event, TurnId};

use crate::entity::Entity;

/// How many events wait at most, in all.
const WAITING_EVENTS: usize = 10_000;

/// Events that wait for what they build on, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// Apart and boxed, so that these maps share the code of the transcript's.
    by_turn: BTreeMap<TurnId, Box<Events>>,
    by_block: BTreeMap<BlockId, Box<Events>>,
    count: usize,
}

type Events = Vec<Event>;

/// There was no room.
#[derive(Debug)]
pub(crate) struct Full;

impl Waiting {
    pub(crate) fn push(&mut self, entity: Entity, event: Event) -> Result<(), Full> {
        if self.count == WAITING_EVENTS {
            return Err(Full);
        }
        self.count += 1;
        let events = match entity {
            Entity::Turn(turn) => self.by_turn.entry(turn).or_default(),
            Entity::Block(block) => self.by_block.entry(block).or_default(),
        };
        events.push(event);
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(crate) fn holds(&self, block: &BlockId) -> bool {
        self.by_block.contains_key(block)
    }

    pub(crate) fn take(&mut self, entity: &Entity) -> Events {
        let events = match entity {
            Entity::Turn(turn) => self.by_turn.remove(turn),
            Entity::Block(block) => self.by_block.remove(block),
        };
        let events = *events.unwrap_or_default();
        self.count -= events.len();
        events
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}
