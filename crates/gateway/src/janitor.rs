//! Work that nobody waits for: clients that went away, sessions that were deleted, texts that are to be found.

use std::{sync::Arc, time::Duration};

use moorline_session::{DELETED_AGE, StoreError, Upkeep};

use crate::{clock::wall, hub::Hub};

/// Rows of one step of the upkeep: commits wait no longer than for so many.
const STEP: usize = 1_000;

/// Forgets, until the gateway stops, where those clients stand that have said nothing for long.
pub(crate) async fn forget_idle_clients(hub: Arc<Hub>) {
    let idle = hub.sessions.surroundings().client_idle;
    let between = Duration::from_millis((idle.0 / 4).max(1_000));
    while hub.closing.run_until_cancelled(tokio::time::sleep(between)).await.is_some() {
        let store = Arc::clone(&hub.sessions.surroundings().store);
        let forgetting = tokio::task::spawn_blocking(move || store.forget_positions(wall().saturating_sub(idle.0)));
        if let Ok(Err(error)) = forgetting.await {
            tracing::warn!(%error, "idle clients could not be forgotten");
        }
    }
}

/// Does the store's upkeep, step by step, until the gateway stops.
pub(crate) async fn keep_up(hub: Arc<Hub>, between: Duration) {
    while hub.closing.run_until_cancelled(tokio::time::sleep(between)).await.is_some() {
        let mut upkeep = Ok(Upkeep::Unfinished);
        while upkeep == Ok(Upkeep::Unfinished) && !hub.draining.is_cancelled() {
            let store = Arc::clone(&hub.sessions.surroundings().store);
            let step = tokio::task::spawn_blocking(move || store.upkeep(wall().saturating_sub(DELETED_AGE.0), STEP));
            upkeep = step.await.unwrap_or_else(|panic| Err(StoreError::Unavailable(panic.to_string())));
        }
        if let Err(error) = upkeep {
            tracing::warn!(%error, "the store's upkeep waits");
        }
    }
}
