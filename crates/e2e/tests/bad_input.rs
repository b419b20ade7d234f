//! Bad input on the wire gets a typed, clear error; the connection and the process live on.

use std::time::Duration;

use hyper::{Method, StatusCode};
use moorline_e2e::{Api, Client, Login, Pace, Stage, within};
use moorline_protocol::{
    BlockId, Cancel, ClientFrame, ClientPing, Code, Create, ErrorBody, GatewayFrame, MessageId, Send, SendBody, SessionId, TurnId, Withdraw,
};
use serde_json::json;
use tokio_tungstenite::tungstenite::{Error, Message};

const SOON: Duration = Duration::from_secs(10);

fn session(name: &str) -> SessionId {
    SessionId::parse(name).unwrap()
}

fn message(name: &str) -> MessageId {
    MessageId::parse(name).unwrap()
}

/// Shows that the connection still answers.
async fn expect_alive(client: &mut Client) {
    client.send(&ClientFrame::Ping(ClientPing {})).await;
    client.expect("a pong", |frame| matches!(frame, GatewayFrame::Pong(_)).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_frame_is_refused_and_the_connection_lives() {
    let stage = Stage::start(Pace::Real, &[]).await;
    let (mut client, _) = Client::greeted(stage.gateway.address(), stage.api.cookie(), "frames").await;
    let texts = [
        "",
        "no JSON",
        "{",
        "[]",
        "{}",
        "null",
        "\"ping\"",
        r#"{"attach": 5}"#,
        r#"{"attach": {"session": "not an id", "no": 1}}"#,
        r#"{"attach": {"session": "s", "no": -1}}"#,
        r#"{"attach": {"session": "s", "no": 1, "epoch": "e", "seq": 9007199254740992}}"#,
        r#"{"send": {"session": "s", "message": "m"}}"#,
        r#"{"send": {"session": "s", "message": "m", "body": {"picture": "x"}}}"#,
    ];
    for text in texts {
        client.send_raw(Message::text(text)).await;
        let error = client.expect_error(&format!("a refusal of {text:?}")).await;
        assert_eq!(error.code, Code::BadFrame, "{text:?} gets {error:?}");
        assert!(!error.message.is_empty());
        expect_alive(&mut client).await;
    }
    client.send_raw(Message::Binary(vec![0, 159, 146, 150].into())).await;
    assert_eq!(client.expect_error("a refusal of bytes").await.code, Code::BadFrame);
    expect_alive(&mut client).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_frames_and_fields_are_ignored() {
    let stage = Stage::start(Pace::Real, &[]).await;
    let (mut client, _) = Client::greeted(stage.gateway.address(), stage.api.cookie(), "newer").await;
    client.send_raw(Message::text(r#"{"from_the_future": {"any": ["thing"]}}"#)).await;
    client.send_raw(Message::text(r#"{"ping": {"colour": "blue"}}"#)).await;
    let answer = |frame: &GatewayFrame| matches!(frame, GatewayFrame::Pong(_) | GatewayFrame::Error(_)).then(|| frame.clone());
    let answer = client.expect("a pong", answer).await;
    assert!(matches!(answer, GatewayFrame::Pong(_)), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hello_comes_first_and_once_in_a_version_both_speak() {
    let stage = Stage::start(Pace::Real, &[]).await;
    let connect = || Client::connect(stage.gateway.address(), Login::Cookie(stage.api.cookie()), None);

    let mut client = connect().await.unwrap();
    client.attach(&session("s"), 1).await;
    assert_eq!(client.expect_error("a refusal").await.code, Code::HelloExpected);

    let (mut client, _) = Client::greeted(stage.gateway.address(), stage.api.cookie(), "twice").await;
    client.send_raw(Message::text(r#"{"hello": {"version": 1, "client": "c", "page": "p"}}"#)).await;
    assert_eq!(client.expect_error("a refusal").await.code, Code::HelloExpected);
    expect_alive(&mut client).await;

    let mut client = connect().await.unwrap();
    client.send_raw(Message::text(r#"{"hello": {"version": 0, "client": "c", "page": "p"}}"#)).await;
    assert_eq!(client.expect_error("a refusal").await.code, Code::IncompatibleVersion);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_names_nothing_is_refused_by_name() {
    let stage = Stage::start(Pace::Real, &["--agent", "demo:--delay-ms 0"]).await;
    let (mut client, _) = Client::greeted(stage.gateway.address(), stage.api.cookie(), "nothing").await;
    let nowhere = session("nowhere");

    client.attach(&nowhere, 7).await;
    let error = client.expect_error("a refusal of the attach").await;
    assert_eq!((error.code, error.session.as_ref(), error.no), (Code::UnknownSession, Some(&nowhere), Some(7)));

    let send = |to: &SessionId, name: &str, body: SendBody| Send {
        session: to.clone(),
        message: message(name),
        body,
        create: None,
        interrupt: None,
    };
    client.send(&ClientFrame::Send(send(&nowhere, "m1", SendBody::Text("hi".into())))).await;
    let error = client.expect_error("a refusal of the send").await;
    assert_eq!((error.code, error.message_id), (Code::UnknownSession, Some(message("m1"))));

    let here = session("here");
    client.send_text(&here, &message("m2"), "/echo hi").await;
    client.expect_receipt(&message("m2")).await;
    client.attach(&here, 8).await;
    client.expect_turn_end(&message("m2")).await;

    let answer = SendBody::Answer { request: BlockId::numbered(999), option: "allow".into() };
    client.send(&ClientFrame::Send(send(&here, "m3", answer))).await;
    let error = client.expect_error("a refusal of the answer").await;
    assert_eq!((error.code, error.message_id), (Code::Unprocessable, Some(message("m3"))));

    client.send(&ClientFrame::Cancel(Cancel { session: here.clone(), turn: TurnId::parse("m2").unwrap(), next: None })).await;
    assert_eq!(client.expect_error("a refusal of the cancel").await.code, Code::TurnOver);

    client.send(&ClientFrame::Withdraw(Withdraw { session: here.clone(), message: message("m2") })).await;
    assert_eq!(client.expect_receipt(&message("m2")).await, moorline_protocol::ReceiptOutcome::Started);

    let create = Some(Create { title: None, agent: Some("no such agent".into()) });
    client.send(&ClientFrame::Send(Send { create, ..send(&session("new"), "m4", SendBody::Text("hi".into())) })).await;
    assert_eq!(client.expect_error("a refusal of the agent").await.code, Code::Unprocessable);
    expect_alive(&mut client).await;
    assert_eq!(stage.api.journal(&here).await.messages(), ["/echo hi"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_send_over_the_limit_is_refused_with_the_limit_named() {
    let stage = Stage::start(Pace::Real, &[]).await;
    let (mut client, welcome) = Client::greeted(stage.gateway.address(), stage.api.cookie(), "large").await;
    let text = "x".repeat(welcome.limits.send_bytes + 1);
    client.send_text(&session("large"), &message("m1"), &text).await;
    let error = client.expect_error("a refusal").await;
    assert_eq!((error.code, error.message_id), (Code::TooLarge, Some(message("m1"))));
    expect_alive(&mut client).await;
    assert!(stage.api.sessions().await.is_empty(), "a refused send creates no session");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http_errors_have_a_status_and_a_code() {
    let stage = Stage::start(Pace::Real, &[]).await;
    let cases = [
        (Method::GET, "/v1/nothing", "", StatusCode::NOT_FOUND, Code::NotFound),
        (Method::DELETE, "/v1/login", "", StatusCode::METHOD_NOT_ALLOWED, Code::MethodNotAllowed),
        (Method::GET, "/v1/sessions/nowhere/events", "", StatusCode::NOT_FOUND, Code::UnknownSession),
        (Method::GET, "/v1/sessions/nowhere/blocks", "", StatusCode::NOT_FOUND, Code::UnknownSession),
        (Method::GET, "/v1/sessions/no%20id/events", "", StatusCode::BAD_REQUEST, Code::BadFrame),
        (Method::GET, "/v1/sessions/nowhere/events?after=minus", "", StatusCode::BAD_REQUEST, Code::BadFrame),
        (Method::POST, "/v1/sessions", "no JSON", StatusCode::BAD_REQUEST, Code::BadFrame),
        (Method::POST, "/v1/sessions", "{}", StatusCode::BAD_REQUEST, Code::BadFrame),
        (Method::POST, "/v1/sessions", r#"{"session": "s", "agent": "none such"}"#, StatusCode::UNPROCESSABLE_ENTITY, Code::Unprocessable),
        (Method::POST, "/v1/login", r#"{"token": "wrong"}"#, StatusCode::UNAUTHORIZED, Code::Unauthorized),
    ];
    for (method, path, body, status, code) in cases {
        let (answered, answer) = stage.api.raw(method.clone(), path, &[("content-type", "application/json")], body).await;
        let said: ErrorBody = serde_json::from_slice(&answer).unwrap_or_else(|error| panic!("{method} {path}: {error}: {answer:?}"));
        assert_eq!((answered, said.code), (status, code), "{method} {path} {body}: {}", said.message);
        assert!(!said.message.is_empty());
    }
    let huge = "x".repeat(2 << 20);
    let (status, answer) = stage.api.post("/v1/sessions", &json!({ "session": "s", "title": huge })).await;
    let said: ErrorBody = serde_json::from_slice(&answer).unwrap();
    assert_eq!((status, said.code), (StatusCode::PAYLOAD_TOO_LARGE, Code::TooLarge));
    let (status, _) = stage.api.raw(Method::GET, "/healthz", &[], "").await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_and_foreign_pages_get_in_nowhere() {
    let stage = Stage::start(Pace::Real, &[]).await;
    let address = stage.gateway.address();
    let stranger = Api::stranger(address);
    for path in ["/v1/sessions", "/v1/sessions/s/events", "/v1/sessions/s/blocks"] {
        let (status, answer) = stranger.raw(Method::GET, path, &[], "").await;
        let said: ErrorBody = serde_json::from_slice(&answer).unwrap();
        assert_eq!((status, said.code), (StatusCode::UNAUTHORIZED, Code::Unauthorized), "{path}");

        let foreign = [("origin", "https://elsewhere.example")];
        let (status, answer) = stage.api.raw(Method::GET, path, &foreign, "").await;
        let said: ErrorBody = serde_json::from_slice(&answer).unwrap();
        assert_eq!((status, said.code), (StatusCode::FORBIDDEN, Code::OriginRefused), "{path}");
    }
    let refused = |result: Result<Client, Error>| match result {
        Err(Error::Http(answer)) => answer.status(),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("the handshake succeeded"),
    };
    let cookie = stage.api.cookie();
    assert_eq!(refused(Client::connect(address, Login::None, None).await), StatusCode::UNAUTHORIZED);
    assert_eq!(refused(Client::connect(address, Login::Cookie("moorline=forged"), None).await), StatusCode::UNAUTHORIZED);
    let foreign = Some("https://elsewhere.example");
    assert_eq!(refused(Client::connect(address, Login::Cookie(cookie), foreign).await), StatusCode::FORBIDDEN);
    let own = format!("http://{address}");
    assert!(Client::connect(address, Login::Cookie(cookie), Some(&own)).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_on_one_connection_leaves_others_alone() {
    let stage = Stage::start(Pace::Real, &[]).await;
    let (mut calm, _) = Client::greeted(stage.gateway.address(), stage.api.cookie(), "calm").await;
    let (mut wild, _) = Client::greeted(stage.gateway.address(), stage.api.cookie(), "wild").await;
    for _ in 0..2_000 {
        wild.send_raw(Message::text("no JSON")).await;
    }
    within("the calm connection's pong", SOON, expect_alive(&mut calm)).await;
    expect_alive(&mut wild).await;
}
