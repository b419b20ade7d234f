//! A session as a file: its whole transcript, as Markdown to be read or as JSON to be worked on.
//!
//! It is folded from the journal for this alone, so that a long one holds up neither the session nor its readers.

mod json;
mod markdown;

use moorline_protocol::{Epoch, Seq, SessionId, SessionRow};
use moorline_session::{Store, StoreError};
use moorline_transcript::{Changes, Transcript};

pub(crate) use json::json;
pub(crate) use markdown::markdown;

/// Events read in one go, in number and in bytes.
const CHUNK_EVENTS: usize = 2_000;
const CHUNK_BYTES: usize = 4 << 20;

/// A session's transcript as of its last seq.
pub(crate) struct Exported {
    pub(crate) row: SessionRow,
    pub(crate) epoch: Epoch,
    pub(crate) transcript: Transcript,
}

impl Exported {
    /// Reads a session; none when there is none, or it was deleted. Blocks.
    pub(crate) fn read(store: &dyn Store, session: &SessionId) -> Result<Option<Self>, StoreError> {
        let Some(meta) = store.session(session)?.filter(|meta| !meta.row.deleted) else { return Ok(None) };
        let (mut transcript, mut changes) = (Transcript::new(), Changes::new());
        let mut after = Seq::ZERO;
        loop {
            let events = store.read(session, after, CHUNK_EVENTS, CHUNK_BYTES)?;
            let Some(last) = events.last() else { break };
            after = last.seq;
            for event in &events {
                transcript.apply(event, &mut changes);
                changes.clear();
            }
        }
        Ok(Some(Self { row: meta.row, epoch: meta.epoch, transcript }))
    }

    /// A name for the file, without its ending: the title's letters and digits, or the session's id.
    pub(crate) fn name(&self) -> String {
        const CHARS: usize = 60;
        let words = self.row.title.split(|char: char| !char.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        let name: String = words.collect::<Vec<_>>().join("-").chars().take(CHARS).collect();
        if name.is_empty() { self.row.session.to_string() } else { name }
    }
}

/// Takes a file's pieces, in order; says no more once nobody reads them.
pub(crate) trait Sink {
    /// Takes the next piece. Returns whether more is wanted.
    fn take(&mut self, piece: String) -> bool;
}
