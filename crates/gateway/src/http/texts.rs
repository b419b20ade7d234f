//! Parts of long texts.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Query, State, rejection::QueryRejection},
};
use moorline_protocol::{BlockId, BlockText, Code};
use moorline_transcript::NoText;
use serde::Deserialize;
use tokio::sync::oneshot;

use super::{
    Problem,
    sessions::{bad_query, parse, unknown},
};
use crate::{door::Login, hub::Hub, sessions::Order};

#[derive(Debug, Deserialize)]
pub(super) struct Between {
    edition: Option<u32>,
    #[serde(default)]
    from: u64,
    to: Option<u64>,
}

/// `GET /v1/sessions/{id}/blocks/{block}/text?edition=&from=&to=`: a part of a block's text.
pub(super) async fn text(
    State(hub): State<Arc<Hub>>,
    _: Login,
    Path((id, block)): Path<(String, String)>,
    between: Result<Query<Between>, QueryRejection>,
) -> Result<Json<BlockText>, Problem> {
    let (session, Query(Between { edition, from, to })) = (parse(&id)?, between.map_err(bad_query)?);
    let block = BlockId::parse(&block).map_err(|error| Problem::new(Code::BadFrame, error.to_string()))?;
    let (answer, part) = oneshot::channel();
    let asked = from..to.unwrap_or(u64::MAX);
    hub.sessions.tell(&session, Order::Text { block: block.clone(), edition, asked, answer })?;
    let part = part.await.map_err(|_| Problem::lost())??.ok_or_else(|| unknown(&id))?;
    part.map(Json).map_err(|why| match why {
        NoText::UnknownBlock => Problem::new(Code::NotFound, format!("there is no block {block} in session {id}")),
        NoText::Edition(held) => {
            Problem::new(Code::Unprocessable, format!("the text was replaced: its edition is {held} now, ask for that"))
        }
    })
}
