//! The built page, from a folder.

use std::path::Path;

use axum::{
    Router,
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
};
use moorline_protocol::Code;
use tower_http::services::ServeDir;

use super::Problem;

/// Serves a folder: types by name, `.br` and `.gz` beside a file to those who take them.
pub(super) fn serve(folder: &Path) -> Router {
    let files = ServeDir::new(folder).precompressed_br().precompressed_gzip();
    Router::new().fallback_service(files).layer(middleware::from_fn(dress))
}

/// Puts on what the files do not say themselves: how long they keep, and what the page may do.
async fn dress(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let policy = policy(request.headers());
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let mut response = next.run(request).await;
    match response.status() {
        StatusCode::NOT_FOUND if is_read && path == "/config.json" => {
            response = ([(header::CONTENT_TYPE, "application/json")], "{}").into_response();
        }
        StatusCode::NOT_FOUND => return Problem::new(Code::NotFound, "no file lives at this path").into_response(),
        StatusCode::METHOD_NOT_ALLOWED => return Problem::new(Code::MethodNotAllowed, "files are only read").into_response(),
        _ => {}
    }
    let keep = if is_hashed(&path) { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut put = |name: HeaderName, value: &'static str| response.headers_mut().insert(name, HeaderValue::from_static(value));
    put(header::CACHE_CONTROL, keep);
    put(header::VARY, "Accept-Encoding");
    put(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    put(header::REFERRER_POLICY, "no-referrer");
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}

/// No inline script or style, no frame, nothing from elsewhere but what the page's own host answers.
fn policy(headers: &HeaderMap) -> HeaderValue {
    // 'self' covers WebSockets in newer browsers only.
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let is_plain = |host: &&str| host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.:[]".contains(&b));
    let sockets = host.filter(is_plain).map(|host| format!(" ws://{host} wss://{host}")).unwrap_or_default();
    let policy = format!(
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
         manifest-src 'self'; connect-src 'self'{sockets}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'"))
}

/// Whether a file's name carries a hash of its content, as the build gives to all but the entry: `page-0a1b2c3d4e5f6071.js`.
fn is_hashed(path: &str) -> bool {
    const DIGITS: usize = 8;
    let name = path.rsplit('/').next().unwrap_or_default();
    let is_hash = |part: &str| part.len() >= DIGITS && part.bytes().all(|b| b.is_ascii_hexdigit());
    name.contains('.') && name.split(['-', '.', '_']).skip(1).any(is_hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_hash_is_told_from_one_without() {
        for name in ["/moorline-5f3a9c0d1e2b4a67.js", "/moorline-5f3a9c0d1e2b4a67_bg.wasm", "/a/style-0011223344556677.css"] {
            assert!(is_hashed(name), "{name}");
        }
        for name in ["/", "/index.html", "/config.json", "/moorline.js", "/favicon-32x32.png", "/deadbeefdeadbeef"] {
            assert!(!is_hashed(name), "{name}");
        }
    }
}
