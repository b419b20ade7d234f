//! Events whose turn or block lies in a gap.

use std::collections::BTreeMap;

use moorline_protocol::Event;

use crate::entity::Entity;

/// How many events wait at most, in all.
const WAITING_EVENTS: usize = 10_000;

/// Events that wait for what they build on, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Waiting {
    events: BTreeMap<Entity, Vec<Event>>,
    count: usize,
}

/// There was no room.
#[derive(Debug)]
pub(crate) struct Full;

impl Waiting {
    pub(crate) fn push(&mut self, entity: Entity, event: Event) -> Result<(), Full> {
        if self.count == WAITING_EVENTS {
            return Err(Full);
        }
        self.count += 1;
        self.events.entry(entity).or_default().push(event);
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(crate) fn holds(&self, entity: &Entity) -> bool {
        self.events.contains_key(entity)
    }

    pub(crate) fn take(&mut self, entity: &Entity) -> Vec<Event> {
        let events = self.events.remove(entity).unwrap_or_default();
        self.count -= events.len();
        events
    }

    pub(crate) fn clear(&mut self) {
        self.events.clear();
        self.count = 0;
    }
}
