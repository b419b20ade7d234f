//! Folding a run of a journal, beside everything else that its session does.

use std::sync::Arc;

use moorline_protocol::SessionId;
use moorline_session::{Commit, StoreError};
use moorline_transcript::{Folded, Run};

use super::{
    Surroundings,
    load::{CHUNK_BYTES, CHUNK_EVENTS, panicked},
};

/// Reads what is to be folded, folds it, and makes the folds durable.
pub(super) async fn fold(surroundings: Arc<Surroundings>, session: SessionId, run: Run) -> Result<Folded, StoreError> {
    let (store, limits, id) = (Arc::clone(&surroundings.store), surroundings.limits().clone(), session.clone());
    let folding = tokio::task::spawn_blocking(move || {
        let rows = store.read(&id, run.after(), CHUNK_EVENTS, CHUNK_BYTES)?;
        Ok(run.fold(&rows, &limits))
    });
    let folded = folding.await.map_err(panicked).flatten()?;
    if !folded.folds().is_empty() {
        let commit = Commit { folds: folded.folds().to_vec(), ..Commit::of(session) };
        surroundings.commits.commit(commit).await.unwrap_or_else(|_| Err(StoreError::Unavailable("the writer has stopped".to_owned())))?;
    }
    Ok(folded)
}
