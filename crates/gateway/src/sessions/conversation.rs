//! What was said in a session, for an agent that keeps no conversation itself.

use moorline_protocol::{Block, BlockKind};
use moorline_transcript::Transcript;

use crate::agent::{Conversation, Speaker};

/// A conversation's messages and answers at most: beyond what most models read at once, and little for a session to hold.
const MOST_BYTES: usize = 1 << 20;

/// The messages of the turns that are over, with what was answered, also by halves. A turn that never began was not said.
pub(super) fn conversation(transcript: &Transcript) -> Conversation {
    let turns = transcript.turns().rev().filter(|turn| turn.started.is_some() && turn.state.is_over());
    let blocks = turns.flat_map(|turn| transcript.blocks(&turn.id).rev());
    Conversation::behind(MOST_BYTES, blocks.filter_map(|block| Some((speaker(block)?, block.text.clone()))))
}

fn speaker(block: &Block) -> Option<Speaker> {
    match block.kind {
        BlockKind::Message => Some(Speaker::User),
        BlockKind::Text => Some(Speaker::Agent),
        BlockKind::Thought | BlockKind::Tool | BlockKind::Plan | BlockKind::Request | BlockKind::Unsupported => None,
    }
}
