//! Posts that are refused before a verb is looked at: by whom, to what, and with what in them.

use moorline_protocol::{CONNECTION_HEADER, ClientFrame, ClientPing, GatewayFrame, encode};
use reqwest::{StatusCode, header};

use crate::{
    access::{log_in, pair},
    event_stream::{EventStream, greeting, post, post_text, posted, stream_request},
    page::message,
    world::{TOKEN, World, assert_problem, within},
};

fn ping() -> ClientFrame {
    ClientFrame::Ping(ClientPing {})
}

async fn assert_alive(world: &World, stream: &mut EventStream, connection: &impl ToString) {
    posted(world, connection, &ping()).await;
    stream.until("a pong", |frame| matches!(frame, GatewayFrame::Pong(_)).then_some(())).await;
}

#[tokio::test]
async fn a_post_without_a_connection_is_refused_with_a_sentence_that_names_the_header() {
    let world = World::start(&[]).await;
    let body = encode(&message("s", "m1", "hi"));
    let malformed = ["", "no spaces", "semi;colon", &"x".repeat(65)];
    let requests = malformed.map(|connection| post_text(&world, &connection, "send", &body));
    for request in requests.into_iter().chain([world.post("/v1/send", &body)]) {
        let response = within("an answer", request.send()).await.unwrap();
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        let text = response.text().await.unwrap();
        assert!(text.contains("bad_frame") && text.contains(CONNECTION_HEADER), "{text}");
    }
}

#[tokio::test]
async fn a_post_to_a_connection_that_never_was_or_is_anothers_is_refused_and_has_no_effect() {
    let world = World::start(&[]).await;
    let (_stream, welcome) = EventStream::greet(&world, "a").await;
    let send = message("s", "m1", "/echo hi");
    assert_problem(post(&world, &"never-was", &send), StatusCode::NOT_FOUND, "unknown_connection").await;
    let (cookie, other_cookie) = (log_in(&world).await, log_in(&world).await);
    let by_cookie = |cookie: &str, connection: &str| {
        let request = world.http.post(world.url("/v1/send")).header(CONNECTION_HEADER, connection).body(encode(&send));
        request.header(header::COOKIE, pair(cookie).to_owned())
    };
    let to_the_tokens = by_cookie(&cookie, welcome.connection.as_str());
    assert_problem(to_the_tokens, StatusCode::NOT_FOUND, "unknown_connection").await;
    let stream = stream_request(&world, &greeting("b", vec![])).header(header::COOKIE, pair(&cookie));
    let mut stream = EventStream::of(stream).await;
    let of_cookie = stream.welcome().await.connection;
    assert_problem(by_cookie(&other_cookie, of_cookie.as_str()), StatusCode::NOT_FOUND, "unknown_connection").await;
    assert_problem(post(&world, &of_cookie, &send), StatusCode::NOT_FOUND, "unknown_connection").await;
    assert_problem(world.get("/v1/sessions/s/events"), StatusCode::NOT_FOUND, "unknown_session").await;
    let own = by_cookie(&cookie, of_cookie.as_str()).send().await.unwrap();
    assert_eq!(own.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_stranger_posts_nothing_whichever_connection_is_named() {
    let world = World::start(&[]).await;
    let (_stream, welcome) = EventStream::greet(&world, "a").await;
    for verb in ["attach", "detach", "send", "withdraw", "cancel", "ack", "ping", "pong"] {
        for connection in [welcome.connection.as_str(), "never-was"] {
            let request = |token| {
                let request = world.http.post(world.url(&format!("/v1/{verb}"))).header(CONNECTION_HEADER, connection);
                request.bearer_auth(token).body(encode(&ping()))
            };
            assert_problem(request("wrong"), StatusCode::UNAUTHORIZED, "unauthorized").await;
        }
    }
}

#[tokio::test]
async fn a_body_that_is_no_frame_is_refused_and_the_connection_lives() {
    let world = World::start(&[]).await;
    let (mut stream, welcome) = EventStream::greet(&world, "a").await;
    for verb in ["attach", "detach", "send", "withdraw", "cancel", "ack", "ping", "pong"] {
        let wrong_shape = format!(r#"{{"{verb}":7}}"#);
        for body in ["", "{", "null", "[]", "7", r#""ping""#, "{}", "\u{0}", wrong_shape.as_str(), r#"{"dance":{}}"#] {
            assert_problem(post_text(&world, &welcome.connection, verb, body), StatusCode::BAD_REQUEST, "bad_frame").await;
        }
        let not_text = world.post(&format!("/v1/{verb}"), "").header(CONNECTION_HEADER, welcome.connection.as_str());
        assert_problem(not_text.body(vec![0xff, 0xfe]), StatusCode::BAD_REQUEST, "bad_frame").await;
    }
    assert_alive(&world, &mut stream, &welcome.connection).await;
}

#[tokio::test]
async fn a_frame_of_another_kind_than_its_path_is_refused() {
    let world = World::start(&[]).await;
    let (mut stream, welcome) = EventStream::greet(&world, "a").await;
    let hello = r#"{"hello":{"version":1,"client":"a","page":"p"}}"#;
    for (verb, body) in
        [("ping", r#"{"pong":{}}"#), ("send", r#"{"ping":{}}"#), ("ack", hello), ("withdraw", r#"{"cancel":{"session":"s","turn":"t"}}"#)]
    {
        assert_problem(post_text(&world, &welcome.connection, verb, body), StatusCode::BAD_REQUEST, "bad_frame").await;
    }
    assert_alive(&world, &mut stream, &welcome.connection).await;
}

#[tokio::test]
async fn a_body_above_1_mib_is_refused_and_the_connection_lives() {
    let world = World::start(&[]).await;
    let (mut stream, welcome) = EventStream::greet(&world, "a").await;
    for bytes in [(1 << 20) + 1, 5 << 20] {
        let request = post_text(&world, &welcome.connection, "send", &"x".repeat(bytes));
        assert_problem(request, StatusCode::PAYLOAD_TOO_LARGE, "too_large").await;
    }
    assert_alive(&world, &mut stream, &welcome.connection).await;
}

#[tokio::test]
async fn a_long_body_that_is_refused_unread_still_sees_its_answer() {
    let world = World::start(&[]).await;
    let body = "x".repeat(4 << 20);
    let stranger = || world.http.post(world.url("/v1/send")).header(CONNECTION_HEADER, "c").body(body.clone());
    assert_problem(stranger(), StatusCode::UNAUTHORIZED, "unauthorized").await;
    assert_problem(stranger().bearer_auth(TOKEN), StatusCode::NOT_FOUND, "unknown_connection").await;
}
