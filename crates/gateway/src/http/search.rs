//! `GET /v1/search?q=&session=&limit=`: what holds every word of a query.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use moorline_protocol::{Code, Hits};
use moorline_session::Search;
use serde::Deserialize;

use super::{
    Problem,
    sessions::{ask_store, bad_query, parse},
};
use crate::{door::Login, hub::Hub};

/// Hits of one answer when no limit is given, and at most.
const HITS: usize = 20;
const HITS_MAX: usize = 100;

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    q: String,
    session: Option<String>,
    limit: Option<usize>,
}

pub(super) async fn search(
    State(hub): State<Arc<Hub>>,
    _: Login,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Hits>, Problem> {
    let Query(Asked { q, session, limit }) = asked.map_err(bad_query)?;
    let session = session.as_deref().map(parse).transpose()?;
    let search = Search::parse(&q, session, limit.unwrap_or(HITS).min(HITS_MAX));
    let search = search.ok_or_else(|| Problem::new(Code::Unprocessable, "there is no word in ?q=: type what is to be found"))?;
    let hits = ask_store(&hub, move |store| store.search(&search)).await?;
    Ok(Json(Hits { hits }))
}
