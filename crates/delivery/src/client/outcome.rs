//! What the answer to an attempt of a send means: the one place that decides whether something is tried again.

use moorline_protocol::{Code, ErrorFrame, Event, EventBody, Millis, TurnId};

use super::diagnostics::Attempts;
use super::event::Failure;
use super::input::Posted;

/// What an answer that is no receipt comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) disposition: Disposition,
    pub(super) failure: Failure,
}

/// What becomes of a send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Disposition {
    /// Try again; the wait when one was named.
    Retry { after: Option<Millis> },
    /// Try again, on another connection: this one is not known any more.
    Reconnect,
    /// Not an attempt: it waits for a login.
    SignedOut,
    /// An end that is not a failure: the page shows what was settled.
    Settled,
    /// Failed at once.
    Failed,
}

impl Verdict {
    /// Of an `error` frame, or the body of a refused POST.
    pub(super) fn of_error(error: ErrorFrame) -> Self {
        let disposition = match error.code {
            Code::AlreadySettled | Code::TurnOver | Code::Withdrawn | Code::Deleted => Disposition::Settled,
            Code::UnknownConnection => Disposition::Reconnect,
            Code::Unauthorized => Disposition::SignedOut,
            Code::TooMany | Code::Internal | Code::StoreUnavailable | Code::GoingAway => Disposition::Retry { after: error.retry_after_ms },
            Code::BadFrame
            | Code::HelloExpected
            | Code::IncompatibleVersion
            | Code::OriginRefused
            | Code::UnknownSession
            | Code::NotFound
            | Code::MethodNotAllowed
            | Code::MessageConflict
            | Code::ClientTaken
            | Code::TooLarge
            | Code::Unprocessable
            | Code::Unknown => Disposition::Failed,
        };
        Self { disposition, failure: Failure { code: Some(error.code), message: error.message } }
    }

    /// Of what a POST came to; none for a receipt.
    pub(super) fn of_post(posted: Posted) -> Option<Self> {
        let (disposition, message) = match posted {
            Posted::Receipt(_) => return None,
            Posted::Refused(error) => return Some(Self::of_error(error)),
            Posted::Done => (Disposition::Retry { after: None }, "The gateway answered without a receipt.".to_owned()),
            Posted::NoAnswer => return Some(Self::unanswered()),
            Posted::Status { status, retry_after } => {
                let disposition = match status {
                    401 => Disposition::SignedOut,
                    404 => Disposition::Reconnect,
                    200..=299 | 408 | 425 | 429 | 500..=599 => Disposition::Retry { after: retry_after },
                    _ => Disposition::Failed,
                };
                (disposition, format!("Something other than the gateway answered, with HTTP status {status}."))
            }
        };
        Some(Self { disposition, failure: Failure { code: None, message } })
    }

    /// No answer in time, or none because the connection went.
    pub(super) fn unanswered() -> Self {
        let message = "The gateway did not answer, or the connection was lost before it did.".to_owned();
        Self { disposition: Disposition::Retry { after: None }, failure: Failure { code: None, message } }
    }

    /// Counts an attempt under what came of it.
    pub(super) const fn count(&self, attempts: &mut Attempts, is_unanswered: bool) {
        match self.disposition {
            Disposition::Retry { after: Some(_) } => attempts.told_to_wait += 1,
            Disposition::Retry { after: None } if is_unanswered => attempts.unanswered += 1,
            Disposition::Retry { after: None } | Disposition::Reconnect => attempts.transient += 1,
            Disposition::Settled => attempts.settled += 1,
            Disposition::Failed => attempts.refused += 1,
            Disposition::SignedOut => {}
        }
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
