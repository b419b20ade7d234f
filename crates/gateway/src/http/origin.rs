//! Pages of other origins: refused, or on the list and answered as browsers ask it.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use moorline_protocol::Code;

use super::Problem;
use crate::hub::Hub;

/// What pages of other origins may put on a request; `last-event-id` for those that read a stream by `fetch`.
const HEADERS: &str = "authorization, content-type, moorline-connection, last-event-id";

/// Lets a request through if its page's origin may ask, and tells the browser so.
pub(super) async fn check(State(hub): State<Arc<Hub>>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    if !hub.door.admits_origin(headers) {
        return Problem::new(Code::OriginRefused, "pages of this origin may not ask: start the gateway with --allow-origin")
            .into_response();
    }
    let foreign = headers.get(header::ORIGIN).filter(|origin| origin.to_str().is_ok_and(|origin| hub.door.is_allowed(origin))).cloned();
    let is_preflight = request.method() == Method::OPTIONS && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if is_preflight { StatusCode::NO_CONTENT.into_response() } else { next.run(request).await };
    let answer = response.headers_mut();
    answer.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    answer.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer.append(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = foreign {
        answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        answer.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("retry-after, content-disposition"));
        if is_preflight {
            answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, HEAD, POST, PATCH, DELETE"));
            answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(HEADERS));
            answer.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
        }
    }
    response
}
