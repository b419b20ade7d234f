//! The HTTP side: the routes, who may use them, and how errors are told.

mod client_files;
mod connect;
mod events;
mod export;
mod login;
mod origin;
mod posts;
mod problem;
mod reads;
mod search;
mod sessions;
#[cfg(feature = "testing")]
pub(crate) mod testing;
mod texts;
mod visitor;

use std::{path::Path, sync::Arc};

use axum::{
    Router,
    extract::FromRequestParts,
    http::request::Parts,
    middleware,
    routing::{get, patch, post},
};
use moorline_protocol::Code;

use crate::{door::Login, hub::Hub};
use problem::Problem;

/// The largest request body, in bytes: 64 KiB.
const BODY_BYTES: usize = 64 << 10;

/// Everything the gateway answers.
pub(crate) fn app(hub: Arc<Hub>, client: Option<&Path>) -> Router {
    let verbs = posts::VERBS.into_iter().fold(Router::new(), |verbs, verb| verbs.route(&format!("/{verb}"), posts::verb(verb)));
    let sessions = Router::new()
        .route("/sessions", get(sessions::list).post(sessions::create))
        .route("/sessions/{id}", patch(sessions::change).delete(sessions::delete))
        .route("/sessions/{id}/agent", post(sessions::set_agent))
        .route("/sessions/{id}/agent/restart", post(sessions::restart_agent))
        .route("/sessions/{id}/export", get(export::export))
        .route("/search", get(search::search))
        .route("/sessions/{id}/events", get(sessions::events))
        .route("/sessions/{id}/blocks", get(sessions::blocks))
        .route("/sessions/{id}/blocks/{block}/text", get(texts::text))
        .route_layer(middleware::from_fn_with_state(Arc::clone(&hub), reads::limit));
    let api = verbs
        .route("/connect", get(connect::connect))
        .route("/events", get(events::open).head(events::check))
        .route("/login", post(login::log_in))
        .route("/logout", post(login::log_out))
        .route("/tickets", post(login::make_ticket))
        .merge(sessions)
        .fallback(no_such_path)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(Arc::clone(&hub), origin::check));
    let rest = match client {
        Some(folder) => client_files::serve(folder),
        None => Router::new().fallback(no_client),
    };
    Router::new().route("/healthz", get(healthy)).nest("/v1", api).with_state(hub).merge(rest)
}

async fn healthy() -> &'static str {
    "ok\n"
}

async fn no_such_path() -> Problem {
    Problem::new(Code::NotFound, "nothing lives at this path")
}

async fn wrong_method() -> Problem {
    Problem::new(Code::MethodNotAllowed, "this path takes another method")
}

async fn no_client() -> Problem {
    Problem::new(Code::NotFound, "this gateway serves no page: start it with --client and the folder of the built one")
}

impl FromRequestParts<Arc<Hub>> for Login {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, hub: &Arc<Hub>) -> Result<Self, Problem> {
        hub.door.login_of(&parts.headers).map_err(Problem::not_admitted)
    }
}
