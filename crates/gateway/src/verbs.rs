//! What a client may ask of a session, once for both ways it comes: as a frame on a WebSocket, or posted.
//!
//! Each of these hands its order over when it is called, so that orders keep the order of their calls; the future only waits
//! for the answer. Dropping it takes nothing back.

use moorline_protocol::{Cancel, ClientId, Code, ErrorFrame, MessageId, Millis, Receipt, Send, SessionId, Withdraw};
use tokio::sync::oneshot;

use crate::{
    hub::Hub,
    sessions::{Busy, Order, RETRY, Sessions},
};

/// Hands a client's send to its session, unless the client sends too much.
///
/// # Errors
/// The refusal, which names the message and its session.
pub(crate) fn send(hub: &Hub, client: &ClientId, send: Send) -> impl Future<Output = Result<Receipt, ErrorFrame>> + use<> {
    let (session, message) = (send.session.clone(), send.message.clone());
    let (answer, receipt) = oneshot::channel();
    let told = counted(hub, client).and_then(|()| Ok(hub.sessions.tell(&session, Order::Submit { send, answer })?));
    async move { answered(told, receipt).await.map_err(|error| about_message(error, session, message)) }
}

/// Hands a client's withdrawal to its session; it counts like a send.
///
/// # Errors
/// As [`send`].
pub(crate) fn withdraw(hub: &Hub, client: &ClientId, withdraw: Withdraw) -> impl Future<Output = Result<Receipt, ErrorFrame>> + use<> {
    let Withdraw { session, message } = withdraw;
    let (answer, receipt) = oneshot::channel();
    let order = Order::Withdraw { message: message.clone(), answer };
    let told = counted(hub, client).and_then(|()| Ok(hub.sessions.tell(&session, order)?));
    async move { answered(told, receipt).await.map_err(|error| about_message(error, session, message)) }
}

/// Hands a cancel to its session.
///
/// # Errors
/// The refusal, which names the session, and the turn where that of a send names its message.
pub(crate) fn cancel(sessions: &Sessions, cancel: Cancel) -> impl Future<Output = Result<(), ErrorFrame>> + use<> {
    let Cancel { session, turn, next } = cancel;
    let (answer, done) = oneshot::channel();
    let told = sessions.tell(&session, Order::Cancel { turn: turn.clone(), next, answer }).map_err(Untold::Busy);
    async move { answered(told, done).await.map_err(|error| about_message(error, session, turn)) }
}

/// Why an order did not reach its session.
enum Untold {
    /// Its client sends too much, and may again after this time.
    TooOften(Millis),
    Busy(Busy),
}

impl From<Busy> for Untold {
    fn from(busy: Busy) -> Self {
        Self::Busy(busy)
    }
}

fn counted(hub: &Hub, client: &ClientId) -> Result<(), Untold> {
    hub.count_send(client).map_err(Untold::TooOften)
}

async fn answered<T>(told: Result<(), Untold>, answer: oneshot::Receiver<Result<T, ErrorFrame>>) -> Result<T, ErrorFrame> {
    match told {
        Ok(()) => answer.await.unwrap_or_else(|_| Err(lost())),
        Err(untold) => Err(refusal(untold)),
    }
}

fn about_message(error: ErrorFrame, session: SessionId, message: MessageId) -> ErrorFrame {
    ErrorFrame { session: Some(session), message_id: Some(message), ..error }
}

/// The session went down with the order: nobody knows whether it counted, and the same id finds out.
fn lost() -> ErrorFrame {
    ErrorFrame { retry_after_ms: Some(RETRY), ..ErrorFrame::new(Code::StoreUnavailable, "the session begins again: send once more") }
}

fn refusal(untold: Untold) -> ErrorFrame {
    match untold {
        Untold::TooOften(wait) => {
            ErrorFrame { retry_after_ms: Some(wait), ..ErrorFrame::new(Code::TooMany, "more was sent than a client may in this time") }
        }
        Untold::Busy(Busy::Full) => {
            ErrorFrame { retry_after_ms: Some(RETRY), ..ErrorFrame::new(Code::TooMany, "too many orders wait for this session") }
        }
        Untold::Busy(Busy::Stopping) => {
            ErrorFrame { retry_after_ms: Some(RETRY), ..ErrorFrame::new(Code::GoingAway, "the gateway is about to stop") }
        }
    }
}
