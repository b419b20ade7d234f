//! Bad input gets a typed, clear error, and the connection and the process live on.

use moorline_protocol::{Attach, Cancel, ClientFrame, Code, Detach, Seq};
use reqwest::StatusCode;
use tokio_tungstenite::tungstenite::Message;

use crate::{
    page::{Page, attach, hello, id, is, message},
    world::{World, assert_problem},
};

#[tokio::test]
async fn what_is_no_frame_is_refused_and_the_connection_lives() {
    let world = World::start(&[]).await;
    let (mut page, _) = Page::greet(&world, "a").await;
    let cases = ["{", "", "null", "[]", r#""hello""#, r#"{"attach":{}}"#, r#"{"attach":{"session":"no spaces","no":1}}"#, "{}"];
    for text in cases {
        page.send_raw(Message::text(text)).await;
        let error = page.error().await;
        assert!(is(&error, Code::BadFrame), "{text}: {error:?}");
    }
    page.send_raw(Message::binary(vec![0xff, 0xfe])).await;
    assert!(is(&page.error().await, Code::BadFrame));
    page.assert_alive().await;
}

#[tokio::test]
async fn an_unknown_frame_is_ignored() {
    let world = World::start(&[]).await;
    let (mut page, _) = Page::greet(&world, "a").await;
    page.send_raw(Message::text(r#"{"dance":{"partner":3}}"#)).await;
    page.assert_alive().await;
}

#[tokio::test]
async fn hello_comes_first_and_once() {
    let world = World::start(&[]).await;
    let mut page = Page::connect(&world).await;
    page.send(&ClientFrame::Attach(attach("s", 1))).await;
    assert!(is(&page.error().await, Code::HelloExpected));
    page.send(&hello("a")).await;
    page.send(&hello("a")).await;
    assert!(is(&page.error().await, Code::HelloExpected));
    page.assert_alive().await;
}

#[tokio::test]
async fn an_unknown_session_is_a_typed_error_that_names_the_attach() {
    let world = World::start(&[]).await;
    let (mut page, _) = Page::greet(&world, "a").await;
    page.send(&ClientFrame::Attach(Attach { epoch: Some(id("e")), seq: Seq::new(9), ..attach("nowhere", 7) })).await;
    let error = page.error().await;
    assert!(is(&error, Code::UnknownSession), "{error:?}");
    assert_eq!((error.session, error.no), (Some(id("nowhere")), Some(7)));
    page.send(&ClientFrame::Detach(Detach { session: id("nowhere"), no: 8 })).await;
    page.send(&ClientFrame::Cancel(Cancel { session: id("nowhere"), turn: id("t"), next: None })).await;
    assert!(is(&page.error().await, Code::UnknownSession));
    page.assert_alive().await;
}

#[tokio::test]
async fn a_send_to_a_session_that_is_not_there_names_its_message() {
    let world = World::start(&[]).await;
    let (mut page, _) = Page::greet(&world, "a").await;
    let ClientFrame::Send(send) = message("nowhere", "m1", "hi") else { unreachable!("message makes a send") };
    page.send(&ClientFrame::Send(moorline_protocol::Send { create: None, ..send })).await;
    let error = page.error().await;
    assert!(is(&error, Code::UnknownSession), "{error:?}");
    assert_eq!(error.message_id, Some(id("m1")));
}

#[tokio::test]
async fn an_agent_that_is_not_configured_cannot_be_picked() {
    let world = World::start(&[]).await;
    let (mut page, _) = Page::greet(&world, "a").await;
    let ClientFrame::Send(mut send) = message("s", "m1", "hi") else { unreachable!("message makes a send") };
    send.create = Some(moorline_protocol::Create { agent: Some("nobody".to_owned()), title: None });
    page.send(&ClientFrame::Send(send)).await;
    let error = page.error().await;
    assert!(is(&error, Code::Unprocessable), "{error:?}");
    assert_eq!(error.message_id, Some(id("m1")));
    let create = world.post("/v1/sessions", r#"{"session":"s","agent":"nobody"}"#);
    assert_problem(create, StatusCode::UNPROCESSABLE_ENTITY, "unprocessable").await;
    assert_problem(world.get("/v1/sessions/s/events"), StatusCode::NOT_FOUND, "unknown_session").await;
}

#[tokio::test]
async fn a_send_above_the_limit_is_refused_and_the_connection_lives() {
    let world = World::start(&["--send-bytes", "2000"]).await;
    let (mut page, welcome) = Page::greet(&world, "a").await;
    assert_eq!(welcome.limits.send_bytes, 2000);
    page.send(&message("s", "m1", &"x".repeat(3000))).await;
    let error = page.error().await;
    assert!(is(&error, Code::TooLarge), "{error:?}");
    assert_eq!(error.message_id, Some(id("m1")));
    page.assert_alive().await;
}

#[tokio::test]
async fn a_frame_above_1_mib_is_refused_and_the_connection_lives() {
    let world = World::start(&[]).await;
    let (mut page, _) = Page::greet(&world, "a").await;
    for message in [Message::text("x".repeat((1 << 20) + 1)), Message::binary(vec![0; 3 << 20])] {
        page.send_raw(message).await;
        assert!(is(&page.error().await, Code::TooLarge));
    }
    page.assert_alive().await;
}

#[tokio::test]
async fn a_frame_too_large_to_be_read_ends_its_connection_and_no_other() {
    let world = World::start(&[]).await;
    let (mut page, _) = Page::greet(&world, "a").await;
    let (mut other, _) = Page::greet(&world, "b").await;
    page.try_send(Message::text("x".repeat(64 << 20))).await;
    page.closed().await;
    other.assert_alive().await;
}

#[tokio::test]
async fn more_attaches_than_allowed_are_refused() {
    let world = World::start(&["--attaches", "2"]).await;
    for session in ["a", "b", "c"] {
        world.post("/v1/sessions", &format!(r#"{{"session":"{session}"}}"#)).send().await.unwrap().error_for_status().unwrap();
    }
    let (mut page, _) = Page::greet(&world, "a").await;
    for (no, session) in [(1, "a"), (2, "b"), (3, "c")] {
        page.send(&ClientFrame::Attach(attach(session, no))).await;
    }
    let error = page.error().await;
    assert!(is(&error, Code::TooMany), "{error:?}");
    assert_eq!(error.no, Some(3));
}

#[tokio::test]
async fn bad_requests_get_a_status_a_code_and_a_sentence() {
    let world = World::start(&[]).await;
    world.post("/v1/sessions", r#"{"session":"s"}"#).send().await.unwrap().error_for_status().unwrap();
    let bad = [
        world.post("/v1/sessions", "{"),
        world.post("/v1/sessions", r#"{"session":"no spaces"}"#),
        world.get("/v1/sessions/no%20spaces/events"),
        world.get("/v1/sessions/s/events?after=minus"),
        world.get("/v1/sessions/s/events?after=9007199254740992"),
        world.get("/v1/sessions/s/blocks?limit=-1"),
    ];
    for request in bad {
        assert_problem(request, StatusCode::BAD_REQUEST, "bad_frame").await;
    }
    assert_problem(world.post("/v1/sessions", &"x".repeat(100_000)), StatusCode::PAYLOAD_TOO_LARGE, "too_large").await;
    assert_problem(world.get("/v1/sessions/t/events"), StatusCode::NOT_FOUND, "unknown_session").await;
    assert_problem(world.get("/v1/sessions/t/blocks"), StatusCode::NOT_FOUND, "unknown_session").await;
    assert_problem(world.get("/v1/elsewhere"), StatusCode::NOT_FOUND, "not_found").await;
    assert_problem(world.get("/v1/login"), StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed").await;
    assert_problem(world.post("/v1/sessions/s/events", ""), StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed").await;
}
