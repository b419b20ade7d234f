//! Agents that speak the protocol badly, or something else in between.

use moorline_protocol::{Outcome, ToolStatus};
use moorline_session::{AgentCommand, AgentUpdate};

use crate::bench::{Bench, end_of, text_of, turn};

#[tokio::test]
async fn noise_on_stdout_does_not_disturb_a_turn() {
    let mut bench = Bench::script(
        r#"
say 'npm notice: a new version is there'
printf '\377\376 not text\n'
text early
say '{"jsonrpc":"2.0","id":999,"result":{"protocolVersion":7}}'
shake_hands
say 'null'; say '[]'; say '42'; say '{"id":null}'; say '"text"'; say ''
say '{"jsonrpc":"2.0","id":"x","error":{"code":1,"message":"about nothing"}}'
say '{"jsonrpc":"2.0","method":"session/update"}'
say '{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"s","update":{"sessionUpdate":"from_the_future","x":1}}}'
say '{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"s","update":{"sessionUpdate":"usage_update","used":1,"size":2}}}'
say '{"jsonrpc":"2.0","method":"_vendor/own","params":{}}'
text one
head -c 9000000 /dev/zero | tr '\0' 'x'; say ''
text two
answer "$prompt" '{"stopReason":"end_turn"}'
read -r line
"#,
    );
    let updates = bench.play("t1", "hello").await;
    let expected =
        [AgentUpdate::Text("one".into()), AgentUpdate::Text("two".into()), AgentUpdate::Ended { outcome: Outcome::Completed, error: None }];
    assert_eq!(updates, expected);
}

#[tokio::test]
async fn every_unknown_request_is_answered() {
    let mut bench = Bench::script(
        r#"
shake_hands
for request in fs/watch_file terminal/create elicitation/create _vendor/own; do
  say "{\"jsonrpc\":\"2.0\",\"id\":\"q-$request\",\"method\":\"$request\",\"params\":{}}"
  read -r line
  case "$line" in *"\"id\":\"q-$request\""*"-32601"*) text "$request ";; *) text "wrong ";; esac
done
say '{"jsonrpc":"2.0","id":7,"method":"session/request_permission","params":{"options":"none"}}'
read -r line
case "$line" in *'"id":7'*-32602*) text refused;; *) text wrong;; esac
answer "$prompt" '{"stopReason":"end_turn"}'
read -r line
"#,
    );
    let text = text_of(&bench.play("t1", "hello").await);
    assert_eq!(text, "fs/watch_file terminal/create elicitation/create _vendor/own refused");
}

#[tokio::test]
async fn every_reason_to_stop_becomes_one_outcome() {
    let cases = [
        ("end_turn", Outcome::Completed, ""),
        ("cancelled", Outcome::Cancelled, ""),
        ("max_tokens", Outcome::Failed, "max_tokens"),
        ("max_turn_requests", Outcome::Failed, "max_turn_requests"),
        ("refusal", Outcome::Failed, "refusal"),
        ("from_the_future", Outcome::Failed, "agent_error"),
    ];
    let reasons: Vec<&str> = cases.iter().map(|(reason, ..)| *reason).collect();
    let body = format!(
        "shake_hands; for reason in {}; do answer \"$prompt\" \"{{\\\"stopReason\\\":\\\"$reason\\\"}}\"; read -r prompt; done",
        reasons.join(" ")
    );
    let mut bench = Bench::script(&body);
    for (reason, outcome, code) in cases {
        let (seen, seen_code, message) = end_of(&bench.play(reason, "hello").await);
        assert_eq!((seen, seen_code.as_str()), (outcome, code));
        assert_eq!(message.is_empty(), code.is_empty(), "{message}");
    }
}

#[tokio::test]
async fn an_agent_that_refuses_to_begin_says_why() {
    let cases = [
        (
            r#"read -r line; say "{\"jsonrpc\":\"2.0\",\"id\":$(id "$line"),\"error\":{\"code\":-32603,\"message\":\"broken\",\"data\":{\"details\":\"no disk\"}}}"; read -r line"#,
            "it refused initialize (broken: no disk); check the option --agent",
        ),
        (r#"read -r line; answer "$line" '{"protocolVersion":2}'; read -r line"#, "it speaks version 2 of the Agent Client Protocol"),
        (r#"read -r line; answer "$line" '{}'; read -r line"#, "its answer to initialize cannot be read"),
        (
            r#"read -r line; answer "$line" '{"protocolVersion":1}'; read -r line
               say "{\"jsonrpc\":\"2.0\",\"id\":$(id "$line"),\"error\":{\"code\":-32000,\"message\":\"Authentication required\"}}"; read -r line"#,
            "it refused to open a session (Authentication required); it wants a login: log in with its own command in a terminal, then send again",
        ),
        (
            r#"read -r line; answer "$line" '{"protocolVersion":1,"authMethods":[{"id":"key","name":"API key","description":"set ACME_API_KEY"},{"id":"web","name":"Browser"}]}'
               read -r line
               say "{\"jsonrpc\":\"2.0\",\"id\":$(id "$line"),\"error\":{\"code\":-32000,\"message\":\"Authentication required\"}}"; read -r line"#,
            "it refused to open a session (Authentication required); it wants a login: set up one of these in a terminal or in the gateway's \
             environment, then send again: API key (set ACME_API_KEY), Browser",
        ),
    ];
    for (body, reason) in cases {
        let (outcome, code, message) = end_of(&Bench::script(body).play("t1", "hello").await);
        assert_eq!((outcome, code.as_str()), (Outcome::Failed, "agent_start"));
        assert!(message.starts_with(&format!("the agent did not start: {reason}")), "{message}");
    }
}

#[tokio::test]
async fn a_question_after_the_cancel_is_answered_with_cancelled() {
    let mut bench = Bench::script(
        r#"
shake_hands
text ready
read -r cancel
say '{"jsonrpc":"2.0","id":5,"method":"session/request_permission","params":{"sessionId":"s","toolCall":{"toolCallId":"c"},"options":[]}}'
read -r line
case "$cancel$line" in *session/cancel*'"outcome":"cancelled"'*) text good;; *) text wrong;; esac
say "{\"jsonrpc\":\"2.0\",\"id\":$(id "$prompt"),\"error\":{\"code\":-32603,\"message\":\"aborted\"}}"
read -r line
"#,
    );
    bench.prompt("t1", "hello");
    assert_eq!(bench.next("t1").await, AgentUpdate::Text("ready".into()));
    bench.send(AgentCommand::Cancel { turn: turn("t1") });
    let updates = bench.rest("t1").await;
    assert!(!updates.iter().any(|update| matches!(update, AgentUpdate::Request { .. })));
    assert_eq!(text_of(&updates), "good");
    assert_eq!(end_of(&updates).0, Outcome::Cancelled, "an error that answers a cancel is a cancel");
}

#[tokio::test]
async fn a_cancel_answers_every_open_question() {
    let mut bench = Bench::script(
        r#"
shake_hands
for call in 1 2; do
  say "{\"jsonrpc\":\"2.0\",\"id\":\"q$call\",\"method\":\"session/request_permission\",\"params\":{\"sessionId\":\"s\",\"toolCall\":{\"toolCallId\":\"c$call\"},\"options\":[]}}"
done
read -r cancel; read -r one; read -r two
case "$cancel$one$two" in
  *session/cancel*'"id":"q1"'*'"outcome":"cancelled"'*'"id":"q2"'*'"outcome":"cancelled"'*) text good;;
  *) text wrong;;
esac
answer "$prompt" '{"stopReason":"cancelled"}'
read -r line
"#,
    );
    bench.prompt("t1", "hello");
    let mut names = Vec::new();
    while names.len() < 2 {
        if let AgentUpdate::Request { request, .. } = bench.next("t1").await {
            names.push(request);
        }
    }
    assert_ne!(names[0], names[1]);
    bench.send(AgentCommand::Cancel { turn: turn("t1") });
    let updates = bench.rest("t1").await;
    assert_eq!(text_of(&updates), "good");
    assert_eq!(end_of(&updates).0, Outcome::Cancelled);
}

#[tokio::test]
async fn what_comes_between_turns_belongs_to_none() {
    let mut bench = Bench::script(
        r#"
shake_hands
answer "$prompt" '{"stopReason":"end_turn"}'
text late
say '{"jsonrpc":"2.0","id":5,"method":"session/request_permission","params":{"sessionId":"s","toolCall":{"toolCallId":"c"},"options":[]}}'
read -r line
echo "$line" > settled
read -r prompt
say '{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"s","update":{"sessionUpdate":"tool_call_update","toolCallId":"c","status":"completed"}}}'
answer "$prompt" '{"stopReason":"end_turn"}'
read -r line
"#,
    );
    assert_eq!(bench.play("t1", "hello").await.len(), 1);
    bench.until_file("settled").await;
    let updates = bench.play("t2", "hello").await;
    assert_eq!(updates.len(), 2);
    assert!(matches!(&updates[0], AgentUpdate::Tool { update, .. } if update.status == Some(ToolStatus::Completed)));
}

#[tokio::test]
async fn the_environment_is_a_short_list() {
    let mut bench = Bench::script("env | cut -d= -f1 | sort | tr '\\n' ' ' >&2; exit 1");
    let message = end_of(&bench.play("t1", "hello").await).2;
    let names: Vec<&str> = message.split_whitespace().collect();
    assert!(names.contains(&"PATH") && names.contains(&"MOORLINE_AGENT"), "{message}");
    // The test itself runs with these.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    assert!(!names.iter().any(|name| name.starts_with("CARGO")), "{message}");
}

#[tokio::test]
async fn every_misbehaviour_of_the_demo_agent_is_survived_by_the_same_process() {
    let mut bench = Bench::new("demo:--delay-ms 0");
    assert!(text_of(&bench.play("t1", "/noise").await).ends_with("That was noise."));
    let pid = bench.recorded();
    assert_eq!(text_of(&bench.play("t2", "/line 50").await), "That line was no message.");
    assert_eq!(text_of(&bench.play("t3", "/late").await), "This is the end.");
    // The protocol names no turn: what comes late may come when the next one has begun.
    let flood = text_of(&bench.play("t4", "/flood 2000").await);
    assert_eq!(flood.trim_start_matches(" And this is late.").len(), 2_000 << 10);
    assert_eq!(bench.recorded(), pid);
    assert_eq!(text_of(&bench.play("t5", "/echo fine").await), "fine");
}

#[tokio::test]
async fn an_agent_that_dies_of_a_cancel_ends_its_turn_as_failed_and_the_next_prompt_works() {
    let mut bench = Bench::new("demo:--delay-ms 0");
    bench.play("t1", "/echo warm").await;
    bench.prompt("t2", "/crash-on-cancel");
    bench.send(AgentCommand::Cancel { turn: turn("t2") });
    let (outcome, code, _) = end_of(&bench.rest("t2").await);
    assert_eq!((outcome, code.as_str()), (Outcome::Failed, "agent_exited"));
    assert_eq!(text_of(&bench.play("t3", "/echo fine").await), "fine");
}
