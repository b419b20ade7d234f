//! Waiting with a name and an end.

use std::time::Duration;

/// Waits for a future and names what was awaited when it does not come.
///
/// # Panics
/// When the deadline passes.
pub async fn within<F: Future>(what: &str, deadline: Duration, future: F) -> F::Output {
    match tokio::time::timeout(deadline, future).await {
        Ok(output) => output,
        Err(_) => panic!("waited {deadline:?} for {what}"),
    }
}
