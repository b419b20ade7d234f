//! The session list, raw journals and pages.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Query, State, rejection::QueryRejection},
    http::StatusCode,
};
use moorline_protocol::{ChangeSession, Code, CreateSession, Page, RawEvents, Rows, Seq, SessionId, SessionRow, SetAgent};
use moorline_session::{Store, StoreError};
use serde::Deserialize;
use tokio::sync::oneshot;

use super::{Problem, problem::Body};
use crate::{door::Login, hub::Hub, sessions::Order};

/// Events of one answer when no limit is given, and at most.
const EVENTS: usize = 1_000;
const EVENTS_MAX: usize = 10_000;

/// Bytes of events in one answer at most.
const EVENTS_BYTES: usize = 8 << 20;

/// `GET /v1/sessions`: every session that is not deleted, by rev.
pub(super) async fn list(State(hub): State<Arc<Hub>>, _: Login) -> Result<Json<Rows>, Problem> {
    let rows = ask_store(&hub, |store| store.rows(0)).await?;
    Ok(Json(Rows { rows, list_reset: false }))
}

/// `POST /v1/sessions`: makes a session, or finds it made. Answers its row.
pub(super) async fn create(State(hub): State<Arc<Hub>>, _: Login, Body(create): Body<CreateSession>) -> Result<Json<SessionRow>, Problem> {
    let session = create.session.clone();
    let (answer, done) = oneshot::channel();
    hub.sessions.tell(&session, Order::Create { create, answer })?;
    done.await.map_err(|_| Problem::lost())??;
    row(&hub, session).await
}

/// `PATCH /v1/sessions/{id}`: names, pins or puts away. Answers its row.
pub(super) async fn change(
    State(hub): State<Arc<Hub>>,
    _: Login,
    Path(id): Path<String>,
    Body(change): Body<ChangeSession>,
) -> Result<Json<SessionRow>, Problem> {
    let session = parse(&id)?;
    let (answer, done) = oneshot::channel();
    hub.sessions.tell(&session, Order::Change { change, answer })?;
    done.await.map_err(|_| Problem::lost())??;
    row(&hub, session).await
}

/// `DELETE /v1/sessions/{id}`: ends it for good, whatever it is at.
pub(super) async fn delete(State(hub): State<Arc<Hub>>, _: Login, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    let (answer, done) = oneshot::channel();
    hub.sessions.tell(&parse(&id)?, Order::Delete { answer })?;
    done.await.map_err(|_| Problem::lost())??;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /v1/sessions/{id}/agent`: sets its agent. What it comes to shows in how the agent stands.
pub(super) async fn set_agent(
    State(hub): State<Arc<Hub>>,
    _: Login,
    Path(id): Path<String>,
    Body(set): Body<SetAgent>,
) -> Result<StatusCode, Problem> {
    let (answer, done) = oneshot::channel();
    hub.sessions.tell(&parse(&id)?, Order::SetAgent { set, answer })?;
    done.await.map_err(|_| Problem::lost())??;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /v1/sessions/{id}/agent/restart`: its agent begins again; a turn at work fails.
pub(super) async fn restart_agent(State(hub): State<Arc<Hub>>, _: Login, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    let (answer, done) = oneshot::channel();
    hub.sessions.tell(&parse(&id)?, Order::RestartAgent { answer })?;
    done.await.map_err(|_| Problem::lost())??;
    Ok(StatusCode::NO_CONTENT)
}

async fn row(hub: &Hub, session: SessionId) -> Result<Json<SessionRow>, Problem> {
    let meta = ask_store(hub, move |store| store.session(&session)).await?;
    Ok(Json(meta.ok_or_else(Problem::lost)?.row))
}

#[derive(Debug, Deserialize)]
pub(super) struct Behind {
    #[serde(default)]
    after: Seq,
    limit: Option<usize>,
}

/// `GET /v1/sessions/{id}/events?after=&limit=`: the journal as it is.
pub(super) async fn events(
    State(hub): State<Arc<Hub>>,
    _: Login,
    Path(id): Path<String>,
    behind: Result<Query<Behind>, QueryRejection>,
) -> Result<Json<RawEvents>, Problem> {
    let (session, Query(behind)) = (parse(&id)?, behind.map_err(bad_query)?);
    let limit = behind.limit.unwrap_or(EVENTS).min(EVENTS_MAX);
    let read = ask_store(&hub, move |store| {
        let Some(meta) = store.session(&session)? else { return Ok(None) };
        let events = if limit == 0 { Vec::new() } else { store.read(&session, behind.after, limit, EVENTS_BYTES)? };
        Ok(Some((meta, events)))
    });
    let (meta, events) = there(read.await?, &id, |(meta, _)| meta.row.deleted)?;
    let head = events.last().map_or(meta.head, |last| last.seq.max(meta.head));
    Ok(Json(RawEvents { epoch: meta.epoch, head, events }))
}

#[derive(Debug, Deserialize)]
pub(super) struct Before {
    before: Option<Seq>,
    limit: Option<usize>,
}

/// `GET /v1/sessions/{id}/blocks?before=&limit=`: a page of older blocks.
pub(super) async fn blocks(
    State(hub): State<Arc<Hub>>,
    _: Login,
    Path(id): Path<String>,
    before: Result<Query<Before>, QueryRejection>,
) -> Result<Json<Page>, Problem> {
    let (session, Query(asked)) = (parse(&id)?, before.map_err(bad_query)?);
    let most = hub.sessions.surroundings().limits().page_blocks;
    let limit = asked.limit.unwrap_or(most).min(most);
    let (answer, page) = oneshot::channel();
    hub.sessions.tell(&session, Order::Page { before: asked.before.unwrap_or(Seq::MAX), limit, answer })?;
    page.await.map_err(|_| Problem::lost())??.map(Json).ok_or_else(|| unknown(&id))
}

/// Asks the store, on a thread that may block.
pub(super) async fn ask_store<T: Send + 'static>(
    hub: &Hub,
    ask: impl FnOnce(&dyn Store) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, Problem> {
    let store = Arc::clone(&hub.sessions.surroundings().store);
    Ok(tokio::task::spawn_blocking(move || ask(&*store)).await.map_err(|_| Problem::lost())??)
}

/// What was found of a session, unless it was deleted.
pub(super) fn there<T>(found: Option<T>, id: &str, is_deleted: impl FnOnce(&T) -> bool) -> Result<T, Problem> {
    let found = found.ok_or_else(|| unknown(id))?;
    if is_deleted(&found) { Err(Problem::new(Code::Deleted, format!("session {id} was deleted"))) } else { Ok(found) }
}

pub(super) fn parse(id: &str) -> Result<SessionId, Problem> {
    SessionId::parse(id).map_err(|error| Problem::new(Code::BadFrame, error.to_string()))
}

pub(super) fn unknown(id: &str) -> Problem {
    Problem::new(Code::UnknownSession, format!("there is no session {id}"))
}

pub(super) fn bad_query(rejection: QueryRejection) -> Problem {
    Problem::new(Code::BadFrame, rejection.body_text())
}
