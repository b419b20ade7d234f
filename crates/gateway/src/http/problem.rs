//! Errors as the wire has them: a status, a code, a sentence.

use axum::{
    Json,
    extract::{FromRequest, Request},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::StreamExt as _;
use moorline_protocol::{Code, ErrorBody, ErrorFrame, Millis};
use moorline_session::StoreError;
use serde::de::DeserializeOwned;

use crate::{
    door::NotAdmitted,
    sessions::{Busy, RETRY},
};

/// Bytes of a body that is too large that are read all the same: 8 MiB.
const DISCARDED_BYTES: usize = 8 << 20;

/// Why a request was refused.
#[derive(Debug)]
pub(crate) struct Problem(ErrorBody);

impl Problem {
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self(ErrorBody { code, message: message.into(), retry_after_ms: None })
    }

    /// Nobody we know, or nobody we may look at now.
    pub(super) fn not_admitted(why: NotAdmitted) -> Self {
        match why {
            NotAdmitted::Unknown => Self::unauthorized(),
            NotAdmitted::Later(wait) => {
                Self::later(Code::TooMany, "there were too many wrong tokens: none is looked at for a while, a cookie is", wait)
            }
        }
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(Code::Unauthorized, "log in first: POST v1/login with the token, or send it as a bearer")
    }

    pub(super) fn later(code: Code, message: impl Into<String>, after: Millis) -> Self {
        Self(ErrorBody { code, message: message.into(), retry_after_ms: Some(after) })
    }

    /// The session went down with the request.
    pub(super) fn lost() -> Self {
        Self::later(Code::StoreUnavailable, "the gateway's store cannot read or write now: it is tried again", RETRY)
    }
}

impl From<ErrorFrame> for Problem {
    fn from(error: ErrorFrame) -> Self {
        Self(ErrorBody { code: error.code, message: error.message, retry_after_ms: error.retry_after_ms })
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store refused");
        Self::lost()
    }
}

impl From<Busy> for Problem {
    fn from(busy: Busy) -> Self {
        match busy {
            Busy::Full => Self::later(Code::TooMany, "too many orders wait for this session", RETRY),
            Busy::Stopping => Self::later(Code::GoingAway, "the gateway is about to stop", RETRY),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after = self.0.retry_after_ms.map(|after| HeaderValue::from(after.0.div_ceil(1_000)));
        let mut response = (status, Json(self.0)).into_response();
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }
}

/// A request's body as JSON, whatever its content type says.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let bytes = read(request.into_body(), super::BODY_BYTES).await?;
        let body =
            serde_json::from_slice(&bytes).map_err(|error| Problem::new(Code::BadFrame, format!("not the body expected: {error}")))?;
        Ok(Self(body))
    }
}

/// Reads a body of at most `most` bytes. One that is too large is [discarded](discard).
pub(super) async fn read(body: axum::body::Body, most: usize) -> Result<Vec<u8>, Problem> {
    let mut stream = body.into_data_stream();
    let mut read = Vec::new();
    while let Some(piece) = stream.next().await {
        let piece = piece.map_err(|error| Problem::new(Code::BadFrame, format!("the body did not arrive whole: {error}")))?;
        if read.len() + piece.len() > most {
            drop(read);
            discard(axum::body::Body::from_stream(stream)).await;
            return Err(Problem::new(Code::TooLarge, format!("the body is larger than {most} bytes")));
        }
        read.extend_from_slice(&piece);
    }
    Ok(read)
}

/// Reads a body on for a while, and throws it away: a client that is still writing when its connection closes never sees the
/// answer.
pub(super) async fn discard(body: axum::body::Body) {
    let mut stream = body.into_data_stream();
    let mut seen = 0;
    while let Some(Ok(piece)) = stream.next().await {
        seen += piece.len();
        if seen > DISCARDED_BYTES {
            return;
        }
    }
}
