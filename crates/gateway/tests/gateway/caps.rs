//! What one stranger may have at most; the caps of frames, sends and attaches are in `bad_input`, that of connections in `events`.

use std::time::Duration;

use moorline_protocol::{ClientFrame, Code, Create, Millis, ReceiptOutcome, Send, SendBody, Withdraw};
use reqwest::{RequestBuilder, StatusCode, header};
use serde_json::Value;

use crate::{
    access::{log_in, pair},
    event_stream::{EventStream, post, receipt},
    page::{Page, id, is, message},
    stalls::{flooded, request},
    world::{TOKEN, World, assert_problem, within},
};

fn create(world: &World, session: &str) -> RequestBuilder {
    world.post("/v1/sessions", &format!(r#"{{"session":"{session}"}}"#))
}

async fn status(request: RequestBuilder) -> StatusCode {
    within("an answer", request.send()).await.unwrap().status()
}

/// The wait that a refusal names, and that its header says the same in whole seconds.
async fn wait_told(request: RequestBuilder) -> Millis {
    let response = within("an answer", request.send()).await.unwrap();
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    let seconds: u64 = response.headers()[header::RETRY_AFTER].to_str().unwrap().parse().unwrap();
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["code"], "too_many", "{body}");
    let wait = body["retry_after_ms"].as_u64().unwrap();
    assert_eq!(seconds, wait.div_ceil(1_000));
    Millis(wait)
}

#[tokio::test]
async fn one_session_more_than_allowed_is_refused_however_it_is_made_and_those_there_are_go_on() {
    let world = World::start(&["--sessions", "2"]).await;
    assert_eq!(status(create(&world, "a")).await, StatusCode::OK);
    let (mut page, _) = Page::greet(&world, "p").await;
    page.send(&message("b", "m1", "/echo hi")).await;
    page.receipt().await;
    assert_problem(create(&world, "c"), StatusCode::TOO_MANY_REQUESTS, "too_many").await;
    page.send(&message("c", "m2", "/echo hi")).await;
    let error = page.error().await;
    assert!(is(&error, Code::TooMany) && error.message_id == Some(id("m2")), "{error:?}");
    assert_eq!(status(create(&world, "a")).await, StatusCode::OK, "it is there");
    page.send(&message("a", "m3", "/echo hi")).await;
    page.receipt().await;

    let world = World::on(world.stop().await, &["--sessions", "2"]).await;
    assert_problem(create(&world, "c"), StatusCode::TOO_MANY_REQUESTS, "too_many").await;
    let world = World::on(world.stop().await, &["--sessions", "3"]).await;
    assert_eq!(status(create(&world, "c")).await, StatusCode::OK);
    assert_problem(create(&world, "d"), StatusCode::TOO_MANY_REQUESTS, "too_many").await;
    let delete = world.http.delete(world.url("/v1/sessions/a")).bearer_auth(TOKEN);
    assert!(status(delete).await.is_success());
    assert_eq!(status(create(&world, "d")).await, StatusCode::OK, "one that is deleted makes room");
}

#[tokio::test]
async fn a_session_that_was_not_made_takes_no_place() {
    let world = World::start(&["--sessions", "1"]).await;
    let (mut page, _) = Page::greet(&world, "p").await;
    page.send(&message("a", "m1", " ")).await;
    assert!(is(&page.error().await, Code::Unprocessable));
    assert_eq!(status(create(&world, "b")).await, StatusCode::OK);
}

#[tokio::test]
async fn sessions_made_at_the_same_time_do_not_exceed_the_cap() {
    let world = World::start(&["--sessions", "5"]).await;
    let made = (0..20).map(|n| create(&world, &format!("s{n}")).send());
    let answers = within("the answers", futures_util::future::join_all(made)).await;
    let made = answers.into_iter().filter(|answer| answer.as_ref().unwrap().status() == StatusCode::OK).count();
    assert_eq!(made, 5);
}

#[tokio::test]
async fn a_client_that_sends_too_much_is_told_exactly_when_it_may_again_and_others_are_not_concerned() {
    let world = World::start(&["--sends-per-second", "1"]).await;
    let (mut page, _) = Page::greet(&world, "p").await;
    for n in 0..5 {
        page.send(&message("s", &format!("m{n}"), "/echo hi")).await;
        page.receipt().await;
    }
    page.send(&message("s", "m5", "/echo hi")).await;
    let error = page.error().await;
    assert!(is(&error, Code::TooMany) && error.message_id == Some(id("m5")) && error.session == Some(id("s")), "{error:?}");
    let wait = error.retry_after_ms.unwrap();
    assert!((Millis(1)..=Millis(1_000)).contains(&wait), "{wait:?}");
    page.send(&ClientFrame::Withdraw(Withdraw { session: id("s"), message: id("m6") })).await;
    assert!(is(&page.error().await, Code::TooMany), "a withdrawal counts like a send");

    // A new connection of the same client brings nothing new, nor does posting.
    let (_stream, welcome) = EventStream::greet(&world, "p").await;
    let wait = wait_told(post(&world, &welcome.connection, &message("s", "m5", "/echo hi"))).await;
    let (mut other, _) = Page::greet(&world, "q").await;
    other.send(&message("s", "n1", "/echo hi")).await;
    other.receipt().await;

    tokio::time::sleep(Duration::from_millis(wait.0)).await;
    let accepted = receipt(&world, &welcome.connection, &message("s", "m5", "/echo hi")).await;
    assert!(matches!(accepted.outcome, ReceiptOutcome::Accepted { .. }));
}

#[tokio::test]
async fn reads_of_one_login_beyond_the_cap_are_refused_until_one_ends() {
    let (folder, _) = flooded().await;
    let world = World::on(folder, &["--reads", "1"]).await;
    let cookie = log_in(&world).await;
    let page = |world: &World| world.get("/v1/sessions/s/blocks?limit=1");
    let unread = request(world.gateway.address(), "/v1/sessions/s/events?limit=10000").await;
    within("a refusal", async {
        while status(page(&world)).await != StatusCode::TOO_MANY_REQUESTS {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    assert_eq!(wait_told(world.get("/v1/sessions")).await, Millis(1_000));
    let other = world.http.get(world.url("/v1/sessions")).header(header::COOKIE, pair(&cookie));
    assert_eq!(status(other).await, StatusCode::OK, "another login is not concerned");
    assert_eq!(status(create(&world, "new")).await, StatusCode::OK, "nor is what is no read");
    drop(unread);
    within("the end of the read", async {
        while status(page(&world)).await != StatusCode::OK {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn beyond_some_wrong_tokens_none_is_looked_at_and_cookies_are_not_concerned() {
    let world = World::start(&["--wrong-tokens-per-minute", "2"]).await;
    let cookie = log_in(&world).await;
    let login = |token: &str| world.http.post(world.url("/v1/login")).body(format!(r#"{{"token":"{token}"}}"#));
    assert_problem(login("wrong"), StatusCode::UNAUTHORIZED, "unauthorized").await;
    assert_problem(world.http.get(world.url("/v1/sessions")).bearer_auth("wrong"), StatusCode::UNAUTHORIZED, "unauthorized").await;
    for request in [login("wrong"), login(TOKEN), world.get("/v1/sessions"), world.get("/v1/events")] {
        let wait = wait_told(request).await;
        assert!(wait <= Millis(30_000), "{wait:?}");
    }
    let with_cookie = world.http.get(world.url("/v1/sessions")).header(header::COOKIE, pair(&cookie));
    assert_eq!(status(with_cookie).await, StatusCode::OK);
}

#[tokio::test]
async fn right_tokens_use_nothing_up() {
    let world = World::start(&["--wrong-tokens-per-minute", "1"]).await;
    for _ in 0..5 {
        assert_eq!(status(world.get("/v1/sessions")).await, StatusCode::OK);
        log_in(&world).await;
    }
}

#[tokio::test]
async fn an_answer_never_takes_a_place_among_the_sessions() {
    let world = World::start(&["--sessions", "1"]).await;
    let (mut page, _) = Page::greet(&world, "p").await;
    let body = SendBody::Answer { request: id("b1"), option: "allow".to_owned() };
    let send = Send { session: id("a"), message: id("m1"), body, create: Some(Create::default()), interrupt: None };
    page.send(&ClientFrame::Send(send)).await;
    assert!(is(&page.error().await, Code::UnknownSession));
    assert_eq!(status(create(&world, "b")).await, StatusCode::OK);
}
