//! Who may come in.

use moorline_protocol::{GatewayFrame, SUBPROTOCOL};
use reqwest::{StatusCode, header};
use serde_json::Value;
use tokio_tungstenite::tungstenite::{Error, client::IntoClientRequest as _};

use crate::{
    page::{Page, hello},
    world::{TOKEN, World, assert_problem, within},
};

/// Logs in; the cookie as it is set.
pub(crate) async fn log_in(world: &World) -> String {
    let body = format!(r#"{{"token":"{TOKEN}"}}"#);
    let response = world.http.post(world.url("/v1/login")).body(body).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    response.headers()[header::SET_COOKIE].to_str().unwrap().to_owned()
}

/// What a browser sends back of a cookie.
pub(crate) fn pair(cookie: &str) -> &str {
    cookie.split(';').next().unwrap()
}

fn refused(result: Result<Page, Error>) -> (StatusCode, Value) {
    match result {
        Err(Error::Http(response)) => {
            let body = response.body().as_deref().unwrap_or_default();
            (StatusCode::from_u16(response.status().as_u16()).unwrap(), serde_json::from_slice(body).unwrap_or_default())
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("let in"),
    }
}

#[tokio::test]
async fn nothing_is_told_to_a_stranger() {
    let world = World::start(&[]).await;
    for path in ["/v1/sessions", "/v1/sessions/a/events", "/v1/sessions/a/blocks", "/v1/connect"] {
        assert_problem(world.http.get(world.url(path)), StatusCode::UNAUTHORIZED, "unauthorized").await;
        assert_problem(world.http.get(world.url(path)).bearer_auth("wrong"), StatusCode::UNAUTHORIZED, "unauthorized").await;
    }
    assert_problem(world.http.post(world.url("/v1/tickets")), StatusCode::UNAUTHORIZED, "unauthorized").await;
    let (status, _) = refused(Page::try_connect(&world, "/v1/connect", &[]).await);
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let health = world.http.get(world.url("/healthz")).send().await.unwrap();
    assert_eq!((health.status(), health.text().await.unwrap().as_str()), (StatusCode::OK, "ok\n"));
}

#[tokio::test]
async fn the_token_buys_a_cookie_that_opens_everything() {
    let world = World::start(&[]).await;
    let cookie = log_in(&world).await;
    assert!(cookie.starts_with("moorline_"), "{cookie}");
    for attribute in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    let list = world.http.get(world.url("/v1/sessions")).header(header::COOKIE, pair(&cookie)).send().await.unwrap();
    assert_eq!(list.status(), StatusCode::OK);
    Page::try_connect(&world, "/v1/connect", &[(header::COOKIE, pair(&cookie))]).await.unwrap().assert_alive_after_hello().await;
}

#[tokio::test]
async fn a_login_outlives_the_gateway_but_not_its_token() {
    let world = World::start(&[]).await;
    let cookie = log_in(&world).await;
    let world = World::on(world.stop().await, &[]).await;
    let list = |world: &World| world.http.get(world.url("/v1/sessions")).header(header::COOKIE, pair(&cookie).to_owned());
    assert_eq!(list(&world).send().await.unwrap().status(), StatusCode::OK);
    let world = World::on(world.stop().await, &["--token", "another"]).await;
    assert_problem(list(&world), StatusCode::UNAUTHORIZED, "unauthorized").await;
}

#[tokio::test]
async fn a_wrong_token_buys_nothing() {
    let world = World::start(&[]).await;
    let post = |body: &'static str| world.http.post(world.url("/v1/login")).body(body);
    assert_problem(post(r#"{"token":"wrong"}"#), StatusCode::UNAUTHORIZED, "unauthorized").await;
    assert_problem(post("{}"), StatusCode::BAD_REQUEST, "bad_frame").await;
}

#[tokio::test]
async fn a_logout_ends_the_login_and_its_connections() {
    let world = World::start(&[]).await;
    let cookie = log_in(&world).await;
    let mut page = Page::try_connect(&world, "/v1/connect", &[(header::COOKIE, pair(&cookie))]).await.unwrap();
    page.send(&hello("a")).await;
    let logout = world.http.post(world.url("/v1/logout")).header(header::COOKIE, pair(&cookie)).send().await.unwrap();
    assert_eq!(logout.status(), StatusCode::NO_CONTENT);
    assert!(logout.headers()[header::SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
    page.until("auth_expired", |frame| matches!(frame, GatewayFrame::AuthExpired(_)).then_some(())).await;
    assert_eq!(page.closed().await.as_deref(), Some("auth_expired"));
    let list = world.http.get(world.url("/v1/sessions")).header(header::COOKIE, pair(&cookie));
    assert_problem(list, StatusCode::UNAUTHORIZED, "unauthorized").await;
}

#[tokio::test]
async fn a_ticket_opens_one_connection_once() {
    let world = World::start(&["--allow-origin", "https://page.example"]).await;
    let body: Value = world.post("/v1/tickets", "").send().await.unwrap().json().await.unwrap();
    let path = format!("/v1/connect?ticket={}", body["ticket"].as_str().unwrap());
    let origin = [(header::ORIGIN, "https://page.example")];
    Page::try_connect(&world, &path, &origin).await.unwrap().assert_alive_after_hello().await;
    assert_eq!(refused(Page::try_connect(&world, &path, &origin).await).0, StatusCode::UNAUTHORIZED);
    assert_eq!(refused(Page::try_connect(&world, "/v1/connect?ticket=guess", &origin).await).0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn pages_of_other_origins_are_refused_unless_they_are_on_the_list() {
    let world = World::start(&["--allow-origin", "https://page.example"]).await;
    let own = format!("http://{}", world.gateway.address());
    for (origin, status) in [("https://evil.example", 403), ("null", 403), ("https://page.example", 200), (own.as_str(), 200)] {
        let response = world.get("/v1/sessions").header(header::ORIGIN, origin).send().await.unwrap();
        assert_eq!(response.status(), status, "{origin}");
        let allowed = response.headers().get(header::ACCESS_CONTROL_ALLOW_ORIGIN).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(allowed.as_deref(), (origin == "https://page.example").then_some(origin), "{origin}");
        let shown = response.headers().get(header::ACCESS_CONTROL_EXPOSE_HEADERS).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(shown.is_some_and(|shown| shown.contains("content-disposition")), origin == "https://page.example", "{origin}");
    }
    let bearer = format!("Bearer {TOKEN}");
    let headers = [(header::ORIGIN, "https://evil.example"), (header::AUTHORIZATION, bearer.as_str())];
    assert_eq!(refused(Page::try_connect(&world, "/v1/connect", &headers).await).0, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_preflight_of_an_allowed_origin_is_answered() {
    let world = World::start(&["--allow-origin", "https://page.example"]).await;
    let preflight = |origin: &str| {
        let request = world.http.request(reqwest::Method::OPTIONS, world.url("/v1/sessions"));
        request.header(header::ORIGIN, origin).header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST").send()
    };
    let allowed = preflight("https://page.example").await.unwrap();
    assert_eq!(allowed.status(), StatusCode::NO_CONTENT);
    assert!(allowed.headers()[header::ACCESS_CONTROL_ALLOW_HEADERS].to_str().unwrap().contains("authorization"));
    assert_eq!(preflight("https://evil.example").await.unwrap().status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_socket_of_another_protocol_is_refused_with_a_sentence() {
    let world = World::start(&[]).await;
    let mut request = format!("ws://{}/v1/connect", world.gateway.address()).into_client_request().unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {TOKEN}").parse().unwrap());
    request.headers_mut().insert("sec-websocket-protocol", "moorline.v0".parse().unwrap());
    match within("an answer", tokio_tungstenite::connect_async(request)).await {
        Err(Error::Http(response)) => {
            let body = String::from_utf8(response.body().clone().unwrap()).unwrap();
            assert!(body.contains("incompatible_version") && body.contains(SUBPROTOCOL), "{body}");
        }
        other => panic!("{other:?}"),
    }
    assert_problem(world.get("/v1/connect"), StatusCode::BAD_REQUEST, "bad_frame").await;
}

impl Page {
    async fn assert_alive_after_hello(&mut self) {
        self.send(&hello("visitor")).await;
        self.assert_alive().await;
    }
}
