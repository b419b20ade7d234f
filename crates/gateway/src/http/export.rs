//! `GET /v1/sessions/{id}/export?format=`: a session as a file.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Path, Query, State, rejection::QueryRejection},
    http::{HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use moorline_protocol::{Code, Millis};
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio_stream::{StreamExt as _, wrappers::ReceiverStream};

use super::{
    Problem,
    sessions::{ask_store, bad_query, parse, there},
};
use crate::{
    door::Login,
    export::{Exported, Sink, json, markdown},
    hub::Hub,
};

/// Pieces that wait for the socket at most.
const PIECES: usize = 4;

/// When to try again while too many are under way.
const RETRY: Millis = Millis(1_000);

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    format: Format,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    #[default]
    Markdown,
    Json,
}

pub(super) async fn export(
    State(hub): State<Arc<Hub>>,
    _: Login,
    Path(id): Path<String>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Problem> {
    let (session, Query(Asked { format })) = (parse(&id)?, asked.map_err(bad_query)?);
    // Each holds a transcript of its own as long as somebody reads it.
    let place = Arc::clone(&hub.exports).try_acquire_owned();
    let place = place.map_err(|_| Problem::later(Code::TooMany, "too many exports are under way", RETRY))?;
    let meta = ask_store(&hub, {
        let session = session.clone();
        move |store| store.session(&session)
    })
    .await?;
    there(meta, &id, |meta| meta.row.deleted)?;
    let exported = there(ask_store(&hub, move |store| Exported::read(store, &session)).await?, &id, |_| false)?;
    let (content_type, ending) = match format {
        Format::Markdown => ("text/markdown; charset=utf-8", "md"),
        Format::Json => ("application/json", "json"),
    };
    let disposition = HeaderValue::try_from(format!("attachment; filename=\"{}.{ending}\"", exported.name()));
    let disposition = disposition.unwrap_or_else(|_| HeaderValue::from_static("attachment"));
    let (pieces, written) = mpsc::channel(PIECES);
    tokio::task::spawn_blocking(move || {
        let mut pieces = Pieces(pieces);
        match format {
            Format::Markdown => markdown(&exported, &mut pieces),
            Format::Json => json(&exported, &mut pieces),
        }
        drop(place);
    });
    let body = Body::from_stream(ReceiverStream::new(written).map(Ok::<_, std::convert::Infallible>));
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static(content_type)), (header::CONTENT_DISPOSITION, disposition)], body).into_response())
}

struct Pieces(mpsc::Sender<String>);

impl Sink for Pieces {
    fn take(&mut self, piece: String) -> bool {
        self.0.blocking_send(piece).is_ok()
    }
}
