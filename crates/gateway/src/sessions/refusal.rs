//! What those hear whose session cannot be asked, because the store fails.

use moorline_protocol::{Code, ErrorFrame, MessageId};

use super::{Order, RETRY};

pub(super) fn store_unavailable(message: Option<MessageId>) -> ErrorFrame {
    ErrorFrame {
        message_id: message,
        retry_after_ms: Some(RETRY),
        ..ErrorFrame::new(Code::StoreUnavailable, "the gateway's store cannot write or read now: it is tried again")
    }
}

/// Answers an order that cannot be carried out; one that reads hears it by the loss of its answer.
pub(super) fn refuse(order: Order) {
    // Whoever asked may be gone.
    match order {
        Order::Submit { send, answer } => drop(answer.send(Err(store_unavailable(Some(send.message))))),
        Order::Withdraw { message, answer } => drop(answer.send(Err(store_unavailable(Some(message))))),
        Order::Cancel { answer, .. }
        | Order::Create { answer, .. }
        | Order::Change { answer, .. }
        | Order::Delete { answer }
        | Order::SetAgent { answer, .. }
        | Order::RestartAgent { answer } => {
            drop(answer.send(Err(store_unavailable(None))));
        }
        #[cfg(test)]
        Order::Panic => {}
        Order::Snapshot { .. } | Order::Page { .. } | Order::Text { .. } => {}
    }
}
