//! Reading a session back from the store.

use moorline_protocol::{Seq, SessionId};
use moorline_session::{Config, Session, Store, StoreError};
use moorline_transcript::{Retention, RetentionLimits, WholeTranscript};

/// Events read in one go, in number and in bytes.
pub(super) const CHUNK_EVENTS: usize = 2_000;
pub(super) const CHUNK_BYTES: usize = 4 << 20;

/// A session as its journal says it is.
pub(super) struct Restored {
    pub(super) session: Session,
    pub(super) transcript: WholeTranscript,
    pub(super) oldest: Seq,
    pub(super) retention: Retention,
}

/// Reads a session's whole journal, folds in the place of what is old; a session that the store does not know is a new one. Blocks.
pub(super) fn restore(store: &dyn Store, id: &SessionId, config: Config, limits: RetentionLimits) -> Result<Restored, StoreError> {
    let (mut transcript, mut retention) = (WholeTranscript::new(), Retention::new(limits));
    let Some(meta) = store.session(id)? else {
        let mut session = Session::new(id.clone(), config);
        session.remember(store.early(id)?);
        return Ok(Restored { session, transcript, oldest: Seq::ZERO, retention });
    };
    let mut session = Session::restore(id.clone(), &meta, config);
    let mut after = Seq::ZERO;
    loop {
        let events = store.read(id, after, CHUNK_EVENTS, CHUNK_BYTES)?;
        let Some(last) = events.last() else { break };
        after = last.seq;
        for event in &events {
            session.fold(event);
            transcript.apply(event);
            retention.recall(event, &transcript);
        }
    }
    Ok(Restored { session, transcript, oldest: meta.oldest, retention })
}

/// The sessions that must be recovered at once: a turn was running, or messages wait for theirs. Blocks.
///
/// Whenever a turn ends and messages wait, the next one starts in the same commit; so a queue stands behind a running turn.
pub(super) fn unsettled(store: &dyn Store) -> Result<Vec<SessionId>, StoreError> {
    Ok(store.rows(0)?.into_iter().filter(|row| row.running).map(|row| row.session).collect())
}

/// A store call that panicked is a store that failed.
pub(super) fn panicked(error: tokio::task::JoinError) -> StoreError {
    StoreError::Unavailable(error.to_string())
}
