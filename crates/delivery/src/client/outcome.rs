//! What the answer to an attempt of a send means: the one place that decides whether something is tried again.

use moorline_protocol::{Code, ErrorFrame, Event, EventBody, Millis, Timings, TurnId};

/// What becomes of a send after an answer that is no receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Disposition {
    /// Try again; the wait when the gateway named one.
    Retry { after: Option<Millis> },
    /// An end that is not a failure: the page shows what was settled.
    Settled,
    /// Failed at once.
    Failed,
}

pub(super) fn disposition(error: &ErrorFrame, timings: &Timings) -> Disposition {
    let after = error.retry_after_ms.map(|after| after.min(timings.retry_after_max));
    match error.code {
        Code::AlreadySettled | Code::TurnOver | Code::Withdrawn | Code::Deleted => Disposition::Settled,
        Code::TooMany | Code::Internal | Code::StoreUnavailable | Code::GoingAway | Code::UnknownConnection => Disposition::Retry { after },
        Code::BadFrame
        | Code::HelloExpected
        | Code::IncompatibleVersion
        | Code::Unauthorized
        | Code::OriginRefused
        | Code::UnknownSession
        | Code::NotFound
        | Code::MethodNotAllowed
        | Code::MessageConflict
        | Code::ClientTaken
        | Code::TooLarge
        | Code::Unprocessable
        | Code::Unknown => Disposition::Failed,
    }
}

/// Whether an event shows that a cancel of this turn got through, or came too late to matter.
pub(super) fn settles_cancel(event: &Event, turn: &TurnId) -> bool {
    match &event.body {
        EventBody::TurnStopping(stopping) => stopping.turn == *turn,
        EventBody::TurnEnded(ended) => ended.turn == *turn,
        EventBody::Fold(fold) => fold.turns.iter().any(|folded| folded.id == *turn && folded.state.is_over()),
        EventBody::Accepted(_)
        | EventBody::Answered(_)
        | EventBody::Withdrawn(_)
        | EventBody::TurnStarted(_)
        | EventBody::Opened(_)
        | EventBody::Changed(_)
        | EventBody::Append(_)
        | EventBody::Unknown { .. } => false,
    }
}
