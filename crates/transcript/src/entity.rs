//! What an event can touch.

use moorline_protocol::{BlockId, TurnId};

/// A turn or a block, by name. Turns sort first, so that a turn stands before the message block opened at the same seq.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Entity {
    Turn(TurnId),
    Block(BlockId),
}
