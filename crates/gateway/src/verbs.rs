//! What a client may ask of a session, once for both ways it comes: as a frame on a WebSocket, or posted.
//!
//! Each of these hands its order over when it is called, so that orders keep the order of their calls; the future only waits
//! for the answer. Dropping it takes nothing back.

use moorline_protocol::{Cancel, Code, ErrorFrame, MessageId, Receipt, Send, SessionId, Withdraw};
use tokio::sync::oneshot;

use crate::sessions::{Busy, Order, RETRY, Sessions};

/// Hands a send to its session.
///
/// # Errors
/// The refusal, which names the message and its session.
pub(crate) fn send(sessions: &Sessions, send: Send) -> impl Future<Output = Result<Receipt, ErrorFrame>> + use<> {
    let (session, message) = (send.session.clone(), send.message.clone());
    let (answer, receipt) = oneshot::channel();
    let told = sessions.tell(&session, Order::Submit { send, answer });
    async move { answered(told, receipt).await.map_err(|error| about_message(error, session, message)) }
}

/// Hands a withdrawal to its session.
///
/// # Errors
/// As [`send`].
pub(crate) fn withdraw(sessions: &Sessions, withdraw: Withdraw) -> impl Future<Output = Result<Receipt, ErrorFrame>> + use<> {
    let Withdraw { session, message } = withdraw;
    let (answer, receipt) = oneshot::channel();
    let told = sessions.tell(&session, Order::Withdraw { message: message.clone(), answer });
    async move { answered(told, receipt).await.map_err(|error| about_message(error, session, message)) }
}

/// Hands a cancel to its session.
///
/// # Errors
/// The refusal, which names the session, and the turn where that of a send names its message.
pub(crate) fn cancel(sessions: &Sessions, cancel: Cancel) -> impl Future<Output = Result<(), ErrorFrame>> + use<> {
    let Cancel { session, turn } = cancel;
    let (answer, done) = oneshot::channel();
    let told = sessions.tell(&session, Order::Cancel { turn: turn.clone(), answer });
    async move { answered(told, done).await.map_err(|error| about_message(error, session, turn)) }
}

async fn answered<T>(told: Result<(), Busy>, answer: oneshot::Receiver<Result<T, ErrorFrame>>) -> Result<T, ErrorFrame> {
    match told {
        Ok(()) => answer.await.unwrap_or_else(|_| Err(lost())),
        Err(busy) => Err(refusal(busy)),
    }
}

fn about_message(error: ErrorFrame, session: SessionId, message: MessageId) -> ErrorFrame {
    ErrorFrame { session: Some(session), message_id: Some(message), ..error }
}

/// The session went down with the order: nobody knows whether it counted, and the same id finds out.
fn lost() -> ErrorFrame {
    ErrorFrame { retry_after_ms: Some(RETRY), ..ErrorFrame::new(Code::StoreUnavailable, "the session begins again: send once more") }
}

fn refusal(busy: Busy) -> ErrorFrame {
    match busy {
        Busy::Full => ErrorFrame { retry_after_ms: Some(RETRY), ..ErrorFrame::new(Code::TooMany, "too many orders wait for this session") },
        Busy::Stopping => ErrorFrame { retry_after_ms: Some(RETRY), ..ErrorFrame::new(Code::GoingAway, "the gateway is about to stop") },
    }
}
