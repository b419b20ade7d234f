//! `GET` and `HEAD /v1/events`: who gets a stream, how it begins and how it ends.

use std::time::Duration;

use moorline_protocol::{ClientFrame, ClientPing, Code, GatewayFrame, Hello, Welcome, encode};
use reqwest::{Method, RequestBuilder, StatusCode, header};
use serde_json::Value;

use crate::{
    access::{log_in, pair},
    event_stream::{EventStream, greeting, post, posted, stream_request},
    page::{Page, message},
    world::{TOKEN, World, assert_problem, within},
};

fn head(world: &World) -> RequestBuilder {
    world.http.head(world.url("/v1/events"))
}

/// The status, and `Retry-After` in seconds.
async fn status(request: RequestBuilder) -> (u16, Option<u64>) {
    let response = within("an answer", request.send()).await.unwrap();
    let seconds = response.headers().get(header::RETRY_AFTER).map(|seconds| seconds.to_str().unwrap().parse().unwrap());
    (response.status().as_u16(), seconds)
}

async fn buy_ticket(request: RequestBuilder) -> String {
    let body: Value = within("a ticket", request.send()).await.unwrap().json().await.unwrap();
    body["ticket"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_stream_begins_with_welcome_and_the_list() {
    let world = World::start(&[]).await;
    let mut stream = EventStream::open(&world, &greeting("a", vec![])).await;
    let welcome = stream.welcome().await;
    assert_eq!((welcome.version, welcome.agents.as_slice()), (1, ["demo".to_owned()].as_slice()));
    assert!(matches!(stream.next().await, GatewayFrame::Sessions(rows) if rows.list_reset));
    assert_eq!(stream.last_id, None, "no cursor has moved");
}

#[tokio::test]
async fn a_stream_says_that_nobody_may_keep_or_change_or_hold_it_back() {
    let world = World::start(&[]).await;
    let response = stream_request(&world, &greeting("a", vec![])).bearer_auth(TOKEN).send().await.unwrap();
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store, no-transform");
    assert_eq!(response.headers()["x-accel-buffering"], "no");
    assert_eq!(response.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
}

#[tokio::test]
async fn a_stranger_gets_neither_a_stream_nor_the_answer_whether_there_would_be_one() {
    let world = World::start(&[]).await;
    let hello = greeting("a", vec![]);
    assert_problem(stream_request(&world, &hello), StatusCode::UNAUTHORIZED, "unauthorized").await;
    assert_problem(stream_request(&world, &hello).bearer_auth("wrong"), StatusCode::UNAUTHORIZED, "unauthorized").await;
    assert_problem(stream_request(&world, &hello).query(&[("ticket", "guess")]), StatusCode::UNAUTHORIZED, "unauthorized").await;
    assert_problem(world.http.get(world.url("/v1/events")), StatusCode::UNAUTHORIZED, "unauthorized").await;
    for request in [head(&world), head(&world).bearer_auth("wrong"), head(&world).query(&[("ticket", "guess")])] {
        assert_eq!(status(request).await, (401, None));
    }
}

#[tokio::test]
async fn a_cookie_or_the_token_opens_a_stream() {
    let world = World::start(&[]).await;
    let cookie = log_in(&world).await;
    let by_cookie = |request: RequestBuilder| request.header(header::COOKIE, pair(&cookie));
    EventStream::of(by_cookie(stream_request(&world, &greeting("a", vec![])))).await.welcome().await;
    assert_eq!(status(by_cookie(head(&world))).await, (204, None));
    EventStream::greet(&world, "b").await;
    assert_eq!(status(head(&world).bearer_auth(TOKEN)).await, (204, None));
}

#[tokio::test]
async fn a_ticket_opens_one_stream_and_a_head_does_not_use_it_up() {
    let world = World::start(&["--allow-origin", "https://page.example"]).await;
    let ticket = buy_ticket(world.post("/v1/tickets", "")).await;
    let with_ticket = |request: RequestBuilder| request.query(&[("ticket", &ticket)]).header(header::ORIGIN, "https://page.example");
    for _ in 0..3 {
        assert_eq!(status(with_ticket(head(&world))).await, (204, None));
    }
    let hello = greeting("a", vec![]);
    // What opens nothing uses nothing up.
    assert_problem(with_ticket(world.http.get(world.url("/v1/events"))), StatusCode::BAD_REQUEST, "bad_frame").await;
    let mut stream = EventStream::of(with_ticket(stream_request(&world, &hello))).await;
    let connection = stream.welcome().await.connection;
    assert_problem(with_ticket(stream_request(&world, &hello)), StatusCode::UNAUTHORIZED, "unauthorized").await;
    assert_eq!(status(with_ticket(head(&world))).await, (401, None));
    // The page that bought it goes on with the token.
    posted(&world, &connection, &ClientFrame::Ping(ClientPing {})).await;
    stream.until("a pong", |frame| matches!(frame, GatewayFrame::Pong(_)).then_some(())).await;
}

#[tokio::test]
async fn a_ticket_is_worth_the_login_that_bought_it() {
    let world = World::start(&[]).await;
    let cookie = log_in(&world).await;
    let by_cookie = |path: &str| world.http.post(world.url(path)).header(header::COOKIE, pair(&cookie));
    let (used, unused) = (buy_ticket(by_cookie("/v1/tickets")).await, buy_ticket(by_cookie("/v1/tickets")).await);
    let mut stream = EventStream::of(stream_request(&world, &greeting("a", vec![])).query(&[("ticket", &used)])).await;
    stream.welcome().await;
    assert_eq!(status(by_cookie("/v1/logout")).await.0, 204);
    assert!(matches!(stream.rest().await.last(), Some(GatewayFrame::AuthExpired(_))));
    assert_eq!(status(head(&world).query(&[("ticket", &unused)])).await, (401, None));
}

#[tokio::test]
async fn a_stream_needs_a_hello_in_its_url_and_a_head_does_not() {
    let world = World::start(&[]).await;
    let without = world.get("/v1/events");
    assert_problem(without, StatusCode::BAD_REQUEST, "bad_frame").await;
    for hello in
        ["", "{", "null", "[]", "{}", r#"{"version":1,"client":"no spaces","page":"p"}"#, r#"{"hello":{"version":1}}"#, "\u{1F980}"]
    {
        let request = world.get("/v1/events").query(&[("hello", hello)]);
        assert_problem(request, StatusCode::BAD_REQUEST, "bad_frame").await;
    }
    assert_problem(world.get("/v1/events?hello=%ff%fe"), StatusCode::BAD_REQUEST, "bad_frame").await;
    assert_eq!(status(head(&world).bearer_auth(TOKEN)).await, (204, None));
}

#[tokio::test]
async fn an_old_page_is_told_so_on_the_stream() {
    let world = World::start(&[]).await;
    let stream = EventStream::open(&world, &Hello { version: 0, ..greeting("a", vec![]) }).await;
    let frames = stream.rest().await;
    assert!(matches!(&frames[..], [GatewayFrame::Error(error)] if error.code == Code::IncompatibleVersion), "{frames:?}");
}

#[tokio::test]
async fn one_connection_too_many_is_told_to_come_later_and_a_head_opens_none() {
    let world = World::start(&["--connections", "2"]).await;
    let (page, _) = Page::greet(&world, "a").await;
    for _ in 0..3 {
        assert_eq!(status(head(&world).bearer_auth(TOKEN)).await, (204, None), "a HEAD holds no place");
    }
    let (stream, _) = EventStream::greet(&world, "b").await;
    assert_problem(stream_request(&world, &greeting("c", vec![])).bearer_auth(TOKEN), StatusCode::TOO_MANY_REQUESTS, "too_many").await;
    assert_eq!(status(head(&world).bearer_auth(TOKEN)).await, (429, Some(1)));
    drop((page, stream));
    within("room for one more", async {
        while status(head(&world).bearer_auth(TOKEN)).await.0 != 204 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_stopping_gateway_answers_503_with_a_time_and_ends_its_streams() {
    let world = World::start(&[]).await;
    // A socket that nobody reads holds the stop up for as long as closing may take.
    let unread = Page::greet(&world, "a").await;
    let (mut stream, welcome) = EventStream::greet(&world, "b").await;
    let hello = stream_request(&world, &greeting("c", vec![])).bearer_auth(TOKEN);
    let (asking, sending) = (head(&world).bearer_auth(TOKEN), post(&world, &welcome.connection, &message("s", "m1", "/echo hi")));
    let draining = tokio::spawn(world.stop());
    stream.until("going_away", |frame| matches!(frame, GatewayFrame::GoingAway(_)).then_some(())).await;
    assert_problem(hello, StatusCode::SERVICE_UNAVAILABLE, "going_away").await;
    assert_eq!(status(asking).await, (503, Some(1)));
    // Taken or refused, and never left without an answer.
    let (sent, after) = status(sending).await;
    assert!(sent == 200 || (sent, after) == (503, Some(1)) || sent == 404, "{sent}");
    stream.rest().await;
    drop(unread);
    draining.await.unwrap();
}

#[tokio::test]
async fn a_logout_is_told_on_the_stream_which_then_ends_and_posts_are_refused() {
    let world = World::start(&[]).await;
    let cookie = log_in(&world).await;
    let mut stream = EventStream::of(stream_request(&world, &greeting("a", vec![])).header(header::COOKIE, pair(&cookie))).await;
    let Welcome { connection, .. } = stream.welcome().await;
    let logout = world.http.post(world.url("/v1/logout")).header(header::COOKIE, pair(&cookie));
    assert_eq!(status(logout).await.0, 204);
    assert!(matches!(stream.rest().await.last(), Some(GatewayFrame::AuthExpired(_))));
    let ping = world.http.post(world.url("/v1/ping")).header("moorline-connection", connection.as_str()).body(r#"{"ping":{}}"#);
    assert_problem(ping.header(header::COOKIE, pair(&cookie)), StatusCode::UNAUTHORIZED, "unauthorized").await;
}

#[tokio::test]
async fn a_login_that_expires_ends_its_stream_and_its_posts() {
    let world = World::start(&["--login-ms", "4000"]).await;
    let cookie = log_in(&world).await;
    assert!(cookie.contains("Max-Age=4"), "{cookie}");
    let mut stream = EventStream::of(stream_request(&world, &greeting("a", vec![])).header(header::COOKIE, pair(&cookie))).await;
    let Welcome { connection, .. } = stream.welcome().await;
    let send = |name: &str| {
        let request = world.http.post(world.url("/v1/send")).header("moorline-connection", connection.as_str());
        request.header(header::COOKIE, pair(&cookie)).body(encode(&message("s", name, "/echo hi")))
    };
    assert_eq!(status(send("m1")).await.0, 200);
    assert!(matches!(stream.rest().await.last(), Some(GatewayFrame::AuthExpired(_))));
    assert_problem(send("m2"), StatusCode::UNAUTHORIZED, "unauthorized").await;
    assert_eq!(
        world.journal_with_ended_turns("s", 1).await.events.len(),
        world.events("s", moorline_protocol::Seq::ZERO).await.events.len()
    );
    assert_eq!(status(head(&world).header(header::COOKIE, pair(&cookie))).await.0, 401);
}

#[tokio::test]
async fn a_page_that_comes_again_replaces_its_connection_of_the_other_transport() {
    let world = World::start(&[]).await;
    let (mut socket, _) = Page::greet(&world, "a").await;
    let (mut stream, first) = EventStream::greet(&world, "a").await;
    assert_eq!(socket.closed().await.as_deref(), Some("replaced"));
    let (_socket, _) = Page::greet(&world, "a").await;
    while stream.next_or_end().await.is_some() {}
    let ping = post(&world, &first.connection, &ClientFrame::Ping(ClientPing {}));
    assert_problem(ping, StatusCode::NOT_FOUND, "unknown_connection").await;
}

#[tokio::test]
async fn another_page_with_the_same_client_id_is_told_so_on_the_stream() {
    let world = World::start(&[]).await;
    let (mut socket, _) = Page::greet(&world, "a").await;
    let hello = Hello { page: crate::page::id("another-page"), ..greeting("a", vec![]) };
    let frames = EventStream::open(&world, &hello).await.rest().await;
    assert!(frames.iter().any(|frame| matches!(frame, GatewayFrame::Error(error) if error.code == Code::ClientTaken)), "{frames:?}");
    socket.assert_alive().await;
}

#[tokio::test]
async fn a_silent_client_loses_its_stream_and_any_post_keeps_it() {
    let world = World::start(&["--ping-ms", "400", "--silence-ms", "1000"]).await;
    let (kept, welcome) = EventStream::greet(&world, "a").await;
    let (silent, lost) = EventStream::greet(&world, "b").await;
    let silent = tokio::spawn(silent.rest());
    // A verb that is answered where it came is a sign of life like any other.
    let withdraw = ClientFrame::Withdraw(moorline_protocol::Withdraw { session: crate::page::id("s"), message: crate::page::id("m1") });
    while !silent.is_finished() {
        assert_eq!(status(post(&world, &welcome.connection, &withdraw)).await.0, 200);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(silent.await.unwrap().iter().any(|frame| matches!(frame, GatewayFrame::Ping(_))), "pings are frames that are seen");
    assert_problem(post(&world, &lost.connection, &withdraw), StatusCode::NOT_FOUND, "unknown_connection").await;
    posted(&world, &welcome.connection, &ClientFrame::Ping(ClientPing {})).await;
    drop(kept);
}

#[tokio::test]
async fn a_client_that_goes_away_gives_its_place_up_at_once() {
    let world = World::start(&[]).await;
    let (stream, welcome) = EventStream::greet(&world, "a").await;
    drop(stream);
    within("the end of the connection", async {
        let ping = || post(&world, &welcome.connection, &ClientFrame::Ping(ClientPing {}));
        while status(ping()).await.0 != 404 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn pages_of_other_origins_open_streams_if_they_are_on_the_list() {
    let world = World::start(&["--allow-origin", "https://page.example"]).await;
    let request = |origin: &str| stream_request(&world, &greeting("a", vec![])).bearer_auth(TOKEN).header(header::ORIGIN, origin);
    assert_problem(request("https://evil.example"), StatusCode::FORBIDDEN, "origin_refused").await;
    assert_eq!(status(head(&world).bearer_auth(TOKEN).header(header::ORIGIN, "https://evil.example")).await.0, 403);
    let allowed = request("https://page.example").send().await.unwrap();
    assert_eq!(allowed.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "https://page.example");
    assert_eq!(allowed.headers()[header::CACHE_CONTROL], "no-store, no-transform");
}

#[tokio::test]
async fn a_preflight_allows_the_methods_and_headers_of_both_ways() {
    let world = World::start(&["--allow-origin", "https://page.example"]).await;
    for (path, method) in [("/v1/events", "GET"), ("/v1/events", "HEAD"), ("/v1/send", "POST")] {
        let request = world.http.request(Method::OPTIONS, world.url(path)).header(header::ORIGIN, "https://page.example");
        let answer = request.header(header::ACCESS_CONTROL_REQUEST_METHOD, method).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NO_CONTENT, "{path}");
        let told = |name: header::HeaderName| answer.headers()[name].to_str().unwrap().to_owned();
        assert!(told(header::ACCESS_CONTROL_ALLOW_METHODS).contains(method), "{method}");
        for name in ["authorization", "content-type", "moorline-connection"] {
            assert!(told(header::ACCESS_CONTROL_ALLOW_HEADERS).contains(name), "{name}");
        }
    }
}

#[tokio::test]
async fn each_path_takes_its_method_alone() {
    let world = World::start(&[]).await;
    assert_problem(world.post("/v1/events", ""), StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed").await;
    for verb in ["attach", "detach", "send", "withdraw", "cancel", "ack", "ping", "pong"] {
        assert_problem(world.get(&format!("/v1/{verb}")), StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed").await;
    }
    for path in ["/v1/hello", "/v1/welcome", "/v1/Send", "/v1/events/"] {
        assert_problem(world.post(path, "{}"), StatusCode::NOT_FOUND, "not_found").await;
    }
}
