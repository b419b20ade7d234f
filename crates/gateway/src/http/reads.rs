//! How many reads one login may have under way.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Request, State},
    http::Method,
    middleware::Next,
    response::Response,
};
use futures_util::StreamExt as _;
use moorline_protocol::Code;

use super::Problem;
use crate::{door::Login, hub::Hub, sessions::RETRY};

/// Lets a read through if its login has not too many under way. One lasts until its answer is written, or its reader is gone.
pub(super) async fn limit(State(hub): State<Arc<Hub>>, login: Login, request: Request, next: Next) -> Result<Response, Problem> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(next.run(request).await);
    }
    let Some(read) = login.begin_read() else {
        let sentence = format!("{} reads of one login at once are the most: wait for one to end", hub.door.reads());
        return Err(Problem::later(Code::TooMany, sentence, RETRY));
    };
    let (head, body) = next.run(request).await.into_parts();
    let written = body.into_data_stream().map(move |piece| {
        let _ = &read;
        piece
    });
    Ok(Response::from_parts(head, Body::from_stream(written)))
}
