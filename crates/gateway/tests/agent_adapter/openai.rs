//! A chat server behind the adapter: every word of its protocol, and every way to fail.

use moorline_gateway::agent::{Conversation, Speaker};
use moorline_protocol::{AgentState, Outcome, ToolStatus, Usage};
use moorline_session::{AgentCommand, AgentUpdate, ToolUpdate};
use serde_json::json;

use crate::{
    bench::{Bench, end_of, text_of, turn},
    chat_server::{Asked, ChatServer},
};

const COMPLETED: AgentUpdate = AgentUpdate::Ended { outcome: Outcome::Completed, error: None };
const CANCELLED: AgentUpdate = AgentUpdate::Ended { outcome: Outcome::Cancelled, error: None };

async fn bench() -> (ChatServer, Bench) {
    let server = ChatServer::start().await;
    let bench = Bench::new(&server.agent());
    (server, bench)
}

/// The request of a turn, answered with the head of a stream.
async fn begun(server: &ChatServer, bench: &Bench, name: &str) -> Asked {
    bench.prompt(name, "hello");
    server.asked().await.begin().await
}

fn word(role: &str, text: &str) -> (String, String) {
    (role.to_owned(), text.to_owned())
}

/// Thoughts, text and usage, as a stream with comments and both sorts of line ends.
const ANSWER: &str = concat!(
    ": processing\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}],\"usage\":null}\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":\"so \",\"reasoning\":\"so \"}}]}\r\n\r\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"reasoning\":\"what?\"}}]}\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Grüß \"}}]}\n\n",
    "data:{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"dich 🌊\"}}]}\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":12,\"completion_tokens\":5,\"total_tokens\":17}}\n\n",
    "data: [DONE]\n\n",
);

#[tokio::test]
async fn thoughts_text_and_usage_come_in_order_wherever_the_stream_is_cut() {
    let (server, mut bench) = bench().await;
    let expected = [
        AgentUpdate::Thought("so ".into()),
        AgentUpdate::Thought("what?".into()),
        AgentUpdate::Text("Grüß ".into()),
        AgentUpdate::Text("dich 🌊".into()),
        AgentUpdate::Usage(Usage { input: Some(12), output: Some(5), cost: None }),
        COMPLETED,
    ];
    for piece in [1, 2, 7, 64, ANSWER.len()] {
        let mut asked = begun(&server, &bench, "t").await;
        for piece in ANSWER.as_bytes().chunks(piece) {
            asked.send(piece).await;
        }
        asked.end().await;
        assert_eq!(bench.rest("t").await, expected, "in pieces of {piece}");
    }
}

#[tokio::test]
async fn a_request_streams_with_usage_and_carries_no_key_where_none_is_set() {
    let (server, mut bench) = bench().await;
    bench.prompt("t1", "hello");
    let asked = server.asked().await;
    assert!(asked.head.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"), "{}", asked.head);
    assert!(!asked.head.to_lowercase().contains("authorization"), "{}", asked.head);
    let expected = json!({
        "model": "llama3",
        "messages": [{ "role": "user", "content": "hello" }],
        "stream": true,
        "stream_options": { "include_usage": true },
    });
    assert_eq!(asked.body, expected);
    asked.say("hi").await;
    assert_eq!(bench.rest("t1").await, [AgentUpdate::Text("hi".into()), COMPLETED]);
}

#[tokio::test]
async fn the_key_is_taken_from_the_variable_that_is_named() {
    let server = ChatServer::start().await;
    // Cargo sets it for every test.
    let mut bench = Bench::new(&server.agent().replace("MOORLINE_NO_SUCH_KEY", "CARGO_PKG_NAME"));
    bench.prompt("t1", "hello");
    let asked = server.asked().await;
    assert!(asked.head.contains("authorization: Bearer moorline-gateway\r\n"), "{}", asked.head);
    let body = json!({ "error": { "message": "the key moorline-gateway is not known" } });
    asked.answer("401 Unauthorized", "", &body.to_string()).await;
    let (_, code, sentence) = end_of(&bench.rest("t1").await);
    assert_eq!(code, "agent_start");
    assert!(sentence.contains("does not accept the key in CARGO_PKG_NAME"), "{sentence}");
    assert!(sentence.ends_with("it says: the key … is not known"), "a key that is repeated is not shown: {sentence}");
}

#[tokio::test]
async fn a_server_that_does_not_stream_is_understood_too() {
    let (server, mut bench) = bench().await;
    bench.prompt("t1", "hello");
    let body = json!({
        "choices": [{ "index": 0, "message": { "content": "whole" }, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 1, "completion_tokens": 2 },
    });
    server.asked().await.answer("200 OK", "Content-Type: application/json\r\n", &body.to_string()).await;
    let usage = Usage { input: Some(1), output: Some(2), cost: None };
    assert_eq!(bench.rest("t1").await, [AgentUpdate::Text("whole".into()), AgentUpdate::Usage(usage), COMPLETED]);
}

#[tokio::test]
async fn tool_calls_are_shown_and_end_the_turn_since_they_are_not_run() {
    let (server, mut bench) = bench().await;
    let mut asked = begun(&server, &bench, "t1").await;
    let fragments = [
        json!([{ "index": 0, "id": "a", "type": "function", "function": { "name": "read", "arguments": "" } }]),
        json!([{ "index": 0, "function": { "arguments": "{\"path\":" } }, { "index": 1, "id": "b", "function": { "name": "list", "arguments": "{}" } }]),
        json!([{ "index": 0, "function": { "arguments": "\"x\"}" } }]),
    ];
    for fragment in &fragments {
        asked.event(&json!({ "choices": [{ "index": 0, "delta": { "tool_calls": fragment } }] })).await;
    }
    asked.finish("tool_calls").await;
    asked.done().await;
    let tool = |call: &str, title: Option<&str>, input: Option<&str>| {
        let (title, status, input) = (title.map(str::to_owned), title.map(|_| ToolStatus::Pending), input.map(str::to_owned));
        AgentUpdate::Tool { call: call.to_owned(), update: ToolUpdate { title, status, input, ..ToolUpdate::default() } }
    };
    let updates = bench.rest("t1").await;
    let expected = [
        tool("a", Some("read"), None),
        tool("a", None, Some("{\"path\":")),
        tool("b", Some("list"), Some("{}")),
        tool("a", None, Some("{\"path\":\"x\"}")),
    ];
    assert_eq!(updates[..4], expected);
    let (outcome, code, sentence) = end_of(&updates);
    assert_eq!((outcome, code.as_str()), (Outcome::Failed, "tools_not_run"));
    assert!(sentence.contains("tools are not run here"), "{sentence}");
}

#[tokio::test]
async fn each_reason_to_finish_ends_the_turn_in_its_own_way() {
    let (server, mut bench) = bench().await;
    for (reason, code) in [("length", "max_tokens"), ("content_filter", "refusal"), ("boredom", "agent_error")] {
        let mut asked = begun(&server, &bench, "t1").await;
        asked.text("so far").await;
        asked.finish(reason).await;
        asked.done().await;
        let updates = bench.rest("t1").await;
        assert_eq!((text_of(&updates).as_str(), end_of(&updates).1.as_str()), ("so far", code));
    }
    // Some servers leave out the one, some the other.
    let mut asked = begun(&server, &bench, "t2").await;
    asked.finish("stop").await;
    asked.end().await;
    assert_eq!(bench.rest("t2").await, [COMPLETED]);
    begun(&server, &bench, "t3").await.done().await;
    assert_eq!(bench.rest("t3").await, [COMPLETED]);
}

#[tokio::test]
async fn a_stream_that_is_cut_off_fails_the_turn_and_its_text_stays_in_the_conversation() {
    let (server, mut bench) = bench().await;
    let mut asked = begun(&server, &bench, "t1").await;
    asked.text("half an").await;
    asked.send(b"data: {\"choices\":[{\"delta\":{\"content\":\" ans").await;
    asked.end().await;
    let updates = bench.rest("t1").await;
    assert_eq!(text_of(&updates), "half an");
    let (outcome, code, sentence) = end_of(&updates);
    assert_eq!((outcome, code.as_str()), (Outcome::Failed, "agent_error"));
    assert!(sentence.contains("in the middle of the answer"), "{sentence}");
    let status = bench.until_it_stands("it is down", |status| status.state == AgentState::Down).await;
    assert_eq!(status.reason.as_deref(), Some(sentence.as_str()));

    // The body has no end either.
    let mut asked = begun(&server, &bench, "t2").await;
    asked.text("another").await;
    drop(asked);
    let updates = bench.rest("t2").await;
    assert_eq!((text_of(&updates).as_str(), end_of(&updates).1.as_str()), ("another", "agent_error"));

    bench.prompt("t3", "go on");
    let asked = server.asked().await;
    let expected =
        [word("user", "hello"), word("assistant", "half an"), word("user", "hello"), word("assistant", "another"), word("user", "go on")];
    assert_eq!(asked.messages(), expected);
    asked.say("well").await;
    assert_eq!(bench.rest("t3").await, [AgentUpdate::Text("well".into()), COMPLETED]);
}

#[tokio::test]
async fn an_error_in_the_stream_and_what_is_no_json_fail_the_turn() {
    let (server, mut bench) = bench().await;
    for (event, said) in
        [("{\"error\":{\"message\":\"out of memory\"}}", "the server gave up: out of memory"), ("<oops>", "no JSON: <oops>")]
    {
        let mut asked = begun(&server, &bench, "t1").await;
        asked.text("so far").await;
        asked.send(format!("data: {event}\n\n").as_bytes()).await;
        let updates = bench.rest("t1").await;
        assert_eq!(text_of(&updates), "so far");
        let (_, code, sentence) = end_of(&updates);
        assert_eq!(code, "agent_error");
        assert!(sentence.contains(said), "{sentence}");
        asked.until_left().await;
    }
}

#[tokio::test]
async fn an_event_without_an_end_fails_the_turn() {
    let (server, mut bench) = bench().await;
    let mut asked = begun(&server, &bench, "t1").await;
    asked.send(b"data: ").await;
    let piece = vec![b'x'; 1 << 20];
    for _ in 0..8 {
        asked.send(&piece).await;
    }
    let (_, code, sentence) = end_of(&bench.rest("t1").await);
    assert_eq!((code.as_str(), sentence.as_str()), ("agent_error", "the server sent more than 8 MiB in one piece"));
    asked.until_left().await;
}

#[tokio::test]
async fn each_http_error_is_told_in_a_sentence_with_its_remedy_and_asked_once() {
    let (server, mut bench) = bench().await;
    let base = format!("http://{}/v1", server.address());
    let say = json!({ "error": { "message": "such is\nlife" } }).to_string();
    let check = "check the option --agent";
    let set = "set the environment variable MOORLINE_NO_SUCH_KEY and start the gateway again";
    let wait = "asks to wait for 20 s before the message is sent again";
    let at = "asks to wait until Fri, 31 Dec 1999 23:59:59 GMT";
    for (status, headers, code, parts) in [
        ("401 Unauthorized", "", "agent_start", ["wants a key (401 Unauthorized)", set]),
        ("403 Forbidden", "", "agent_start", ["wants a key (403 Forbidden)", set]),
        ("404 Not Found", "", "agent_start", ["has no model \"llama3\"", check]),
        ("429 Too Many Requests", "Retry-After: 20\r\n", "agent_error", ["takes no more requests for now (429", wait]),
        (
            "503 Service Unavailable",
            "Retry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n",
            "agent_error",
            ["failed (503 Service Unavailable)", at],
        ),
        ("500 Internal Server Error", "", "agent_error", ["failed (500 Internal Server Error)", ""]),
        ("400 Bad Request", "", "agent_error", ["refuses the request (400 Bad Request)", ""]),
        ("308 Permanent Redirect", "Location: https://example.org/\r\n", "agent_start", ["points elsewhere", "https://example.org/"]),
    ] {
        bench.prompt("t1", "hello");
        server.asked().await.answer(status, headers, &say).await;
        let updates = bench.rest("t1").await;
        let (outcome, told, sentence) = end_of(&updates);
        assert_eq!((updates.len(), outcome, told.as_str()), (1, Outcome::Failed, code), "{sentence}");
        for part in parts.into_iter().chain([base.as_str(), "it says: such is life"]) {
            assert!(sentence.contains(part), "{part:?} is not in {sentence:?}");
        }
        bench.until_it_stands("it is down and says why", |status| status.reason.as_ref() == Some(&sentence)).await;
    }
}

#[tokio::test]
async fn what_is_no_chat_server_is_told_apart() {
    let (server, mut bench) = bench().await;
    bench.prompt("t1", "hello");
    server.asked().await.answer("200 OK", "Content-Type: text/html\r\n", "<html>").await;
    let (_, code, sentence) = end_of(&bench.rest("t1").await);
    assert_eq!(code, "agent_start");
    assert!(sentence.contains("a page for people"), "{sentence}");

    bench.prompt("t2", "hello");
    drop(server.asked().await);
    let (_, code, sentence) = end_of(&bench.rest("t2").await);
    assert_eq!(code, "agent_error");
    assert!(sentence.contains("ended before there was an answer"), "{sentence}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    let server = ChatServer::start().await;
    let (agent, address) = (server.agent(), server.address());
    drop(server);
    let mut bench = Bench::new(&agent);
    let (outcome, code, sentence) = end_of(&bench.play("t1", "hello").await);
    assert_eq!((outcome, code.as_str()), (Outcome::Failed, "agent_start"));
    assert_eq!(sentence, format!("nothing listens at http://{address}/v1: is it running?"));
    bench.until_it_stands("it is down", |status| status.state == AgentState::Down && status.reason.as_ref() == Some(&sentence)).await;
}

#[tokio::test]
async fn the_status_follows_the_request() {
    let (server, mut bench) = bench().await;
    let status = bench.until_it_stands("it rests", |status| status.state == AgentState::Resting).await;
    assert_eq!(status.name, "llama3");
    bench.prompt("t1", "hello");
    let asked = server.asked().await;
    bench.until_it_stands("it starts", |status| status.state == AgentState::Starting).await;
    let mut asked = asked.begin().await;
    asked.text("hi").await;
    bench.until_it_stands("it is ready", |status| status.state == AgentState::Ready).await;
    asked.finish("stop").await;
    asked.done().await;
    bench.rest("t1").await;
    bench.until_it_stands("it stays ready", |status| status.state == AgentState::Ready).await;
}

#[tokio::test]
async fn a_cancel_in_mid_stream_hangs_up_and_what_was_said_stays_in_the_conversation() {
    let (server, mut bench) = bench().await;
    let mut asked = begun(&server, &bench, "t1").await;
    asked.text("once upon").await;
    assert_eq!(bench.next("t1").await, AgentUpdate::Text("once upon".into()));
    bench.send(AgentCommand::Cancel { turn: turn("another") });
    bench.send(AgentCommand::Cancel { turn: turn("t1") });
    assert_eq!(bench.next("t1").await, CANCELLED);
    asked.until_left().await;

    bench.prompt("t2", "never mind");
    let asked = server.asked().await;
    assert_eq!(asked.messages(), [word("user", "hello"), word("assistant", "once upon"), word("user", "never mind")]);
    bench.send(AgentCommand::Cancel { turn: turn("t2") });
    assert_eq!(bench.rest("t2").await, [CANCELLED], "also before there is an answer");
    asked.until_left().await;
    bench.until_it_stands("it rests", |status| status.state == AgentState::Resting).await;
}

#[tokio::test]
async fn a_kill_hangs_up_and_says_nothing() {
    let (server, mut bench) = bench().await;
    let mut asked = begun(&server, &bench, "t1").await;
    asked.text("here").await;
    assert_eq!(bench.next("t1").await, AgentUpdate::Text("here".into()));
    bench.send(AgentCommand::Kill { turn: turn("t1") });
    asked.until_left().await;
    bench.prompt("t2", "hello");
    server.asked().await.say("again").await;
    assert_eq!(bench.rest("t2").await, [AgentUpdate::Text("again".into()), COMPLETED]);
}

#[tokio::test]
async fn a_restart_by_hand_takes_the_turn_with_it_and_forgets_why_it_was_down() {
    let (server, mut bench) = bench().await;
    let asked = begun(&server, &bench, "t1").await;
    bench.send(AgentCommand::Restart);
    let (outcome, code, _) = end_of(&bench.rest("t1").await);
    assert_eq!((outcome, code.as_str()), (Outcome::Failed, "agent_restarted"));
    asked.until_left().await;

    bench.prompt("t2", "hello");
    server.asked().await.answer("500 Internal Server Error", "", "").await;
    bench.rest("t2").await;
    bench.until_it_stands("it is down", |status| status.state == AgentState::Down).await;
    bench.send(AgentCommand::Restart);
    bench.until_it_stands("it rests", |status| status.state == AgentState::Resting && status.reason.is_none()).await;
}

#[tokio::test]
async fn dropping_the_handle_hangs_up() {
    let (server, mut bench) = bench().await;
    let asked = begun(&server, &bench, "t1").await;
    bench.drop_handle();
    asked.until_left().await;
}

#[tokio::test]
async fn a_second_prompt_in_flight_fails_and_the_first_goes_on() {
    let (server, mut bench) = bench().await;
    let mut asked = begun(&server, &bench, "t1").await;
    bench.prompt("t2", "and?");
    assert_eq!(end_of(&bench.rest("t2").await).1, "agent_error");
    asked.text("first").await;
    asked.finish("stop").await;
    asked.done().await;
    assert_eq!(text_of(&bench.rest("t1").await), "first");
}

#[tokio::test]
async fn a_conversation_goes_on_behind_what_was_said_before_and_tells_what_it_leaves_out() {
    let server = ChatServer::start().await;
    let past = [(Speaker::Agent, "hi"), (Speaker::User, "hello")].map(|(speaker, text)| (speaker, text.to_owned()));
    let mut bench = Bench::behind(&server.agent(), Conversation::behind(20, past));
    bench.prompt("t1", "one");
    let asked = server.asked().await;
    assert_eq!(asked.messages(), [word("user", "hello"), word("assistant", "hi"), word("user", "one")]);
    asked.say("two").await;
    bench.rest("t1").await;
    let status = bench.until_it_stands("it is ready", |status| status.state == AgentState::Ready).await;
    assert_eq!(status.reason, None);

    bench.prompt("t2", "1234567890");
    let asked = server.asked().await;
    assert_eq!(asked.messages(), [word("user", "one"), word("assistant", "two"), word("user", "1234567890")]);
    bench
        .until_it_stands("it is said", |status| {
            status.reason.as_ref().is_some_and(|reason| reason.contains("does not know its oldest part"))
        })
        .await;
    asked.say("a very long answer, longer than all that is kept").await;
    bench.rest("t2").await;
    bench.prompt("t3", "three");
    let asked = server.asked().await;
    assert_eq!(asked.messages(), [word("user", "three")]);
    asked.say("four").await;
    bench.rest("t3").await;
}

#[tokio::test]
async fn nobody_reading_the_reports_slows_the_server_down_and_a_kill_works_all_the_same() {
    const MOST: usize = 256 << 20;
    let server = ChatServer::start().await;
    let mut bench = Bench::with(&server.agent(), 1, |_| {});
    let mut asked = begun(&server, &bench, "t1").await;
    let event = format!("data: {}\n\n", json!({ "choices": [{ "delta": { "content": "x".repeat(1_000) } }] }));
    let sent = asked.flood(event.repeat(64).as_bytes(), MOST).await;
    assert!(sent < MOST, "everything was taken in");
    bench.send(AgentCommand::Kill { turn: turn("t1") });
    asked.until_left().await;
    bench.prompt("t2", "hello");
    server.asked().await.say("on").await;
    let late = loop {
        let report = bench.next_of_any().await;
        if report.turn == turn("t2") {
            break report;
        }
    };
    assert_eq!(late.update, AgentUpdate::Text("on".into()));
}
