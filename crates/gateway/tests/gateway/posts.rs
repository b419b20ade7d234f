//! `POST /v1/<verb>`: what is posted to a connection, and how it is answered.

use moorline_protocol::{
    Ack, Attach, Cancel, ClientFrame, ClientPing, Code, Create, Cursor, Detach, EventBody, GatewayFrame, Outcome, Pong, ReceiptOutcome,
    Rows, Send, SendBody, Seq, Withdraw,
};
use reqwest::{RequestBuilder, StatusCode, header};

use crate::{
    event_stream::{EventStream, from, greeting, post, posted, receipt},
    page::{Page, attach, id, message},
    world::{World, assert_problem, ended, within},
};

fn ping() -> ClientFrame {
    ClientFrame::Ping(ClientPing {})
}

/// A message to a session that is there.
fn further(session: &str, name: &str, text: &str) -> ClientFrame {
    let ClientFrame::Send(send) = message(session, name, text) else { unreachable!("message makes a send") };
    ClientFrame::Send(Send { create: None, ..send })
}

fn withdraw(session: &str, name: &str) -> ClientFrame {
    ClientFrame::Withdraw(Withdraw { session: id(session), message: id(name) })
}

fn cancel(session: &str, turn: &str) -> ClientFrame {
    ClientFrame::Cancel(Cancel { session: id(session), turn: id(turn), next: None })
}

async fn accepted(world: &World, session: &str) -> Vec<Seq> {
    let journal = world.events(session, Seq::ZERO).await;
    journal.events.iter().filter(|event| matches!(event.body, EventBody::Accepted(_))).map(|event| event.seq).collect()
}

#[tokio::test]
async fn a_message_posted_is_answered_with_its_receipt_and_runs_on_the_stream() {
    let world = World::start(&[]).await;
    let (mut stream, welcome) = EventStream::greet(&world, "a").await;
    let receipt = receipt(&world, &welcome.connection, &message("s", "m1", "/echo hi")).await;
    assert_eq!((receipt.session, receipt.message, receipt.outcome), (id("s"), id("m1"), ReceiptOutcome::Accepted { seq: Seq::new(1) }));
    posted(&world, &welcome.connection, &ClientFrame::Attach(attach("s", 1))).await;
    let (caught_up, _) = stream.catch_up("s").await;
    if caught_up.state.running.is_some() || !caught_up.state.queue.is_empty() {
        stream.events_until("s", |event| matches!(event.body, EventBody::TurnEnded(_))).await;
    }
    let journal = world.events("s", Seq::ZERO).await;
    assert_eq!(ended(&journal)[0].outcome, Outcome::Completed);
}

#[tokio::test]
async fn each_verb_that_follows_is_answered_204_and_comes_to_the_connection() {
    let world = World::start(&[]).await;
    world.post("/v1/sessions", r#"{"session":"s"}"#).send().await.unwrap().error_for_status().unwrap();
    let (mut stream, welcome) = EventStream::greet(&world, "a").await;
    let connection = &welcome.connection;
    posted(&world, connection, &ClientFrame::Attach(attach("s", 1))).await;
    let (caught_up, _) = stream.catch_up("s").await;
    let cursor = Cursor { session: id("s"), epoch: caught_up.epoch, seq: caught_up.seq };
    posted(&world, connection, &ClientFrame::Ack(Ack { cursors: vec![cursor.clone()] })).await;
    posted(&world, connection, &ClientFrame::Pong(Pong { cursors: vec![cursor] })).await;
    posted(&world, connection, &ClientFrame::Detach(Detach { session: id("s"), no: 2 })).await;
    receipt(&world, connection, &message("s", "m1", "/echo hi")).await;
    world.journal_with_ended_turns("s", 1).await;
    posted(&world, connection, &ping()).await;
    let unwanted = stream.until("a pong", |frame| match frame {
        GatewayFrame::Events(events) => Some(Some(events)),
        GatewayFrame::Pong(_) => Some(None),
        _ => None,
    });
    assert_eq!(unwanted.await, None, "the session was left");
    posted(&world, connection, &ClientFrame::Attach(attach("nowhere", 3))).await;
    let error = stream.error().await;
    assert_eq!((error.code, error.no), (Code::UnknownSession, Some(3)), "a refused attach is told on the stream");
}

#[tokio::test]
async fn acks_that_are_posted_give_credit() {
    let world = World::start(&["--credit-bytes", "20000"]).await;
    let (mut stream, welcome) = EventStream::greet(&world, "a").await;
    receipt(&world, &welcome.connection, &message("s", "m1", "/long 100")).await;
    let journal = world.journal_with_ended_turns("s", 1).await;
    posted(&world, &welcome.connection, &ClientFrame::Attach(from("s", 1, &journal.epoch, 0))).await;
    let mut seen = Vec::new();
    while seen.last() != journal.events.last() {
        let batch = stream.until("events", |frame| if let GatewayFrame::Events(batch) = frame { Some(batch.events) } else { None }).await;
        seen.extend(batch);
        let cursor = Cursor { session: id("s"), epoch: journal.epoch.clone(), seq: seen.last().unwrap().seq };
        posted(&world, &welcome.connection, &ClientFrame::Ack(Ack { cursors: vec![cursor] })).await;
    }
    assert_eq!(seen, journal.events);
}

#[tokio::test]
async fn everything_can_be_posted_to_a_connection_that_is_a_websocket() {
    let world = World::start(&[]).await;
    let (mut page, welcome) = Page::greet(&world, "a").await;
    posted(&world, &welcome.connection, &ping()).await;
    page.until("a pong", |frame| matches!(frame, GatewayFrame::Pong(_)).then_some(())).await;
    receipt(&world, &welcome.connection, &message("s", "m1", "/echo hi")).await;
    posted(&world, &welcome.connection, &ClientFrame::Attach(attach("s", 1))).await;
    page.until("caught_up", |frame| matches!(frame, GatewayFrame::CaughtUp(_)).then_some(())).await;
}

#[tokio::test]
async fn the_same_message_has_one_receipt_and_one_effect_over_any_connection_and_either_transport() {
    let world = World::start(&[]).await;
    let send = message("s", "m1", "/echo once");
    let (_first, one) = EventStream::greet(&world, "a").await;
    let receipts = [receipt(&world, &one.connection, &send).await, receipt(&world, &one.connection, &send).await];
    let (_second, two) = EventStream::greet(&world, "b").await;
    let over_another = receipt(&world, &two.connection, &send).await;
    let (mut page, socket) = Page::greet(&world, "c").await;
    page.send(&send).await;
    let over_socket = page.receipt().await;
    let posted_to_socket = receipt(&world, &socket.connection, &send).await;
    for other in [&receipts[1], &over_another, &over_socket, &posted_to_socket] {
        assert_eq!(*other, receipts[0]);
    }
    assert_eq!(ended(&world.journal_with_ended_turns("s", 1).await).len(), 1);
    assert_eq!(accepted(&world, "s").await, [Seq::new(1)]);
}

#[tokio::test]
async fn the_same_message_has_the_same_receipt_behind_a_restart() {
    let world = World::start(&[]).await;
    let send = message("s", "m1", "/echo once");
    let (_stream, welcome) = EventStream::greet(&world, "a").await;
    let before = receipt(&world, &welcome.connection, &send).await;
    world.journal_with_ended_turns("s", 1).await;
    let world = World::on(world.stop().await, &[]).await;
    assert_problem(post(&world, &welcome.connection, &send), StatusCode::NOT_FOUND, "unknown_connection").await;
    let (_stream, welcome) = EventStream::greet(&world, "a").await;
    assert_eq!(receipt(&world, &welcome.connection, &send).await, before);
    assert_eq!(ended(&world.journal_with_ended_turns("s", 1).await).len(), 1);
    assert_eq!(accepted(&world, "s").await.len(), 1);
}

#[tokio::test]
async fn first_messages_of_one_id_that_race_make_one_session_and_one_turn() {
    let world = World::start(&[]).await;
    let (_stream, streamed) = EventStream::greet(&world, "a").await;
    let (mut page, socket) = Page::greet(&world, "b").await;
    for round in 0..5 {
        let session = format!("s{round}");
        let send = message(&session, "m1", "/echo once");
        let over_socket = async {
            page.send(&send).await;
            page.receipt().await
        };
        let (one, two, three, four) = tokio::join!(
            receipt(&world, &streamed.connection, &send),
            over_socket,
            receipt(&world, &socket.connection, &send),
            receipt(&world, &streamed.connection, &send),
        );
        assert!([two, three, four].iter().all(|receipt| *receipt == one));
        world.journal_with_ended_turns(&session, 1).await;
        assert_eq!(accepted(&world, &session).await.len(), 1);
    }
    let list: Rows = world.get("/v1/sessions").send().await.unwrap().json().await.unwrap();
    assert_eq!(list.rows.len(), 5);
}

#[tokio::test]
async fn a_message_is_withdrawn_before_it_starts_and_a_late_copy_is_refused() {
    let world = World::start(&[]).await;
    let (_stream, welcome) = EventStream::greet(&world, "a").await;
    let connection = &welcome.connection;
    receipt(&world, connection, &message("s", "m1", "/sleep 600")).await;
    receipt(&world, connection, &further("s", "m2", "/echo never")).await;
    for name in ["m2", "never-seen"] {
        assert_eq!(receipt(&world, connection, &withdraw("s", name)).await.outcome, ReceiptOutcome::Withdrawn, "{name}");
        assert_problem(post(&world, connection, &further("s", name, "/echo never")), StatusCode::CONFLICT, "withdrawn").await;
    }
    within("the start of the first turn", async {
        while receipt(&world, connection, &withdraw("s", "m1")).await.outcome != ReceiptOutcome::Started {}
    })
    .await;
}

#[tokio::test]
async fn a_cancel_is_answered_204_and_names_its_turn() {
    let world = World::start(&[]).await;
    let (_stream, welcome) = EventStream::greet(&world, "a").await;
    let connection = &welcome.connection;
    receipt(&world, connection, &message("s", "m1", "/sleep 600")).await;
    within("the start of the turn", async { while world.events("s", Seq::new(1)).await.events.is_empty() {} }).await;
    assert_problem(post(&world, connection, &cancel("s", "m0")), StatusCode::CONFLICT, "turn_over").await;
    posted(&world, connection, &cancel("s", "m1")).await;
    assert_eq!(ended(&world.journal_with_ended_turns("s", 1).await)[0].outcome, Outcome::Cancelled);
    assert_problem(post(&world, connection, &cancel("s", "m1")), StatusCode::CONFLICT, "turn_over").await;
    assert_problem(post(&world, connection, &cancel("nowhere", "m1")), StatusCode::NOT_FOUND, "unknown_session").await;
}

#[tokio::test]
async fn each_refusal_of_a_send_has_the_status_of_its_code() {
    let world = World::start(&["--send-bytes", "300000", "--queue", "1"]).await;
    let (_stream, welcome) = EventStream::greet(&world, "a").await;
    let send = |frame: &ClientFrame| post(&world, &welcome.connection, frame);
    assert_problem(send(&further("nowhere", "m1", "hi")), StatusCode::NOT_FOUND, "unknown_session").await;
    assert_problem(send(&message("s", "m1", "")), StatusCode::UNPROCESSABLE_ENTITY, "unprocessable").await;
    assert_problem(send(&message("s", "m1", &"x".repeat(400_000))), StatusCode::PAYLOAD_TOO_LARGE, "too_large").await;
    let ClientFrame::Send(to_nobody) = message("s", "m1", "hi") else { unreachable!("message makes a send") };
    let to_nobody = Send { create: Some(Create { agent: Some("nobody".to_owned()), title: None }), ..to_nobody };
    assert_problem(send(&ClientFrame::Send(to_nobody)), StatusCode::UNPROCESSABLE_ENTITY, "unprocessable").await;
    // None of them left a trace: the id is still free, and a long send goes through.
    receipt(&world, &welcome.connection, &message("s", "m1", &format!("/echo {}", "x".repeat(250_000)))).await;
    assert_problem(send(&further("s", "m1", "other")), StatusCode::CONFLICT, "message_conflict").await;
    world.journal_with_ended_turns("s", 1).await;
    receipt(&world, &welcome.connection, &further("s", "m2", "/sleep 600")).await;
    within("the start of the turn", async {
        while !world
            .events("s", Seq::ZERO)
            .await
            .events
            .iter()
            .any(|event| matches!(&event.body, EventBody::TurnStarted(started) if started.turn.as_str() == "m2"))
        {}
    })
    .await;
    receipt(&world, &welcome.connection, &further("s", "m3", "waits")).await;
    let full = within("an answer", send(&further("s", "m4", "one too many")).send()).await.unwrap();
    assert_eq!(full.status(), StatusCode::TOO_MANY_REQUESTS);
    let seconds: Option<u64> = full.headers().get(header::RETRY_AFTER).map(|seconds| seconds.to_str().unwrap().parse().unwrap());
    let body: serde_json::Value = full.json().await.unwrap();
    assert_eq!(body["code"], "too_many");
    assert_eq!(body["retry_after_ms"].as_u64().map(|ms| ms.div_ceil(1_000)), seconds, "the header says it in seconds");
}

#[tokio::test]
async fn an_answer_settles_its_request_once() {
    let world = World::start(&[]).await;
    let (mut stream, welcome) = EventStream::greet(&world, "a").await;
    receipt(&world, &welcome.connection, &message("s", "m1", "/ask")).await;
    let epoch = world.events("s", Seq::ZERO).await.epoch;
    posted(&world, &welcome.connection, &ClientFrame::Attach(from("s", 1, &epoch, 0))).await;
    let is_request = |body: &EventBody| matches!(body, EventBody::Opened(opened) if opened.kind == moorline_protocol::BlockKind::Request);
    let events = stream.events_until("s", |event| is_request(&event.body)).await;
    let request = events.iter().rev().find_map(|event| match &event.body {
        EventBody::Opened(opened) if is_request(&event.body) => Some(opened.clone()),
        _ => None,
    });
    let request = request.unwrap();
    let moorline_protocol::Patch::Set(options) = &request.fields.options else { panic!("{request:?} has no options") };
    let answer = |name: &str, option: &str| {
        let body = SendBody::Answer { request: request.block.clone(), option: option.to_owned() };
        ClientFrame::Send(Send { session: id("s"), message: id(name), body, create: None, interrupt: None })
    };
    let unknown = answer("a0", "no such option");
    assert_problem(post(&world, &welcome.connection, &unknown), StatusCode::UNPROCESSABLE_ENTITY, "unprocessable").await;
    let first = answer("a1", &options[0].id);
    let settled = receipt(&world, &welcome.connection, &first).await;
    assert_eq!(receipt(&world, &welcome.connection, &first).await, settled);
    let second = answer("a2", &options[0].id);
    assert_problem(post(&world, &welcome.connection, &second), StatusCode::CONFLICT, "already_settled").await;
}

#[tokio::test]
async fn an_attach_beyond_the_limit_is_refused_on_the_stream() {
    let world = World::start(&["--attaches", "1"]).await;
    for session in ["a", "b"] {
        world.post("/v1/sessions", &format!(r#"{{"session":"{session}"}}"#)).send().await.unwrap().error_for_status().unwrap();
    }
    let mut stream = EventStream::open(&world, &greeting("a", vec![attach("a", 1)])).await;
    let connection = stream.welcome().await.connection;
    stream.catch_up("a").await;
    posted(&world, &connection, &ClientFrame::Attach(Attach { no: 2, ..attach("b", 2) })).await;
    assert_eq!(stream.error().await.code, Code::TooMany);
}

/// What a lost response looks like to the gateway: the socket is gone before the answer.
async fn post_and_hang_up(world: &World, request: RequestBuilder) {
    use tokio::io::AsyncWriteExt as _;
    let request = request.build().unwrap();
    let body = request.body().unwrap().as_bytes().unwrap();
    let mut head =
        format!("POST {} HTTP/1.1\r\nhost: {}\r\ncontent-length: {}\r\n", request.url().path(), world.gateway.address(), body.len());
    for (name, value) in request.headers() {
        head.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
    }
    head.push_str("\r\n");
    let mut socket = tokio::net::TcpStream::connect(world.gateway.address()).await.unwrap();
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(body).await.unwrap();
}

#[tokio::test]
async fn a_send_whose_response_is_lost_counts_once() {
    let world = World::start(&[]).await;
    let (_stream, welcome) = EventStream::greet(&world, "a").await;
    let send = message("s", "m1", "/echo once");
    for _ in 0..3 {
        post_and_hang_up(&world, post(&world, &welcome.connection, &send)).await;
    }
    let again = receipt(&world, &welcome.connection, &send).await;
    assert_eq!(again.outcome, ReceiptOutcome::Accepted { seq: Seq::new(1) });
    world.journal_with_ended_turns("s", 1).await;
    assert_eq!(accepted(&world, "s").await, [Seq::new(1)]);
}
