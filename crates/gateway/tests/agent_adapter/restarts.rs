//! One process after another: how long the next one waits, and what it remembers.

use std::time::Duration;

use moorline_protocol::{AgentState, Millis, Outcome};
use moorline_session::{AgentCommand, AgentUpdate};

use crate::bench::{Bench, end_of, text_of, until_dead};

#[tokio::test]
async fn an_agent_that_died_says_why_and_when_it_starts_again_for_a_message_that_waits() {
    let mut bench = Bench::with("demo:--delay-ms 0", 64, |settings| settings.restart_wait = Duration::from_secs(600));
    bench.play("t1", "/crash").await;
    let down = bench.until_it_stands("it is down", |status| status.state == AgentState::Down).await;
    assert_eq!(down.retry_ms, None, "nothing waits for it");
    bench.prompt("t2", "/echo on");
    let down = bench.until_it_stands("it waits for its start", |status| status.retry_ms.is_some()).await;
    let (reason, wait) = (down.reason.unwrap(), down.retry_ms.unwrap());
    assert!(reason.contains("exited with code 3"), "{reason}");
    assert!(wait > Millis(500_000) && wait <= Millis(600_000), "{wait:?} for at most 600 s");
}

#[tokio::test]
async fn a_restart_by_hand_waits_for_nothing_and_takes_a_turn_at_work_with_it() {
    let mut bench = Bench::with("demo:--delay-ms 0", 64, |settings| settings.restart_wait = Duration::from_secs(600));
    bench.play("t1", "/crash").await;
    bench.prompt("t2", "/echo on");
    bench.until_it_stands("it waits for its start", |status| status.retry_ms.is_some()).await;
    bench.send(AgentCommand::Restart);
    assert_eq!(text_of(&bench.rest("t2").await), "on");

    let before = bench.recorded();
    bench.prompt("t3", "/sleep 600");
    bench.send(AgentCommand::Restart);
    let (outcome, code, message) = end_of(&bench.rest("t3").await);
    assert_eq!((outcome, code.as_str()), (Outcome::Failed, "agent_restarted"), "{message}");
    for pid in before {
        until_dead(pid).await;
    }
    assert_eq!(text_of(&bench.play("t4", "/echo again").await), "again");
}

/// Loads what it knows, which is every session but one called "lost"; tells what was asked of it in a file.
const REMEMBERS: &str = r#"
read -r line; answer "$line" '{"protocolVersion":1,"agentCapabilities":{"loadSession":true}}'
read -r line; printf '%s\n' "$line" >> asked
case "$line" in
  *session/load*lost*) say "{\"jsonrpc\":\"2.0\",\"id\":$(id "$line"),\"error\":{\"code\":-32002,\"message\":\"no such session\"}}"; read -r line; answer "$line" '{"sessionId":"s2"}';;
  *session/load*) text "what was said before"; answer "$line" 'null';;
  *) answer "$line" "{\"sessionId\":\"$(cat name)\"}";;
esac
read -r prompt; text "fresh"; answer "$prompt" '{"stopReason":"end_turn"}'; exit 0
"#;

async fn second_life(first_session: &str) -> (Bench, Vec<AgentUpdate>) {
    let mut bench = Bench::script(REMEMBERS);
    std::fs::create_dir_all(bench.workdir()).unwrap();
    std::fs::write(bench.workdir().join("name"), first_session).unwrap();
    bench.play("t1", "hello").await;
    bench.until_it_stands("it has exited", |status| status.state == AgentState::Down).await;
    bench.prompt("t2", "hello");
    let updates = bench.rest("t2").await;
    (bench, updates)
}

#[tokio::test]
async fn a_new_process_loads_the_conversation_before_it_and_what_it_replays_is_swallowed() {
    let (bench, updates) = second_life("s1").await;
    assert_eq!(text_of(&updates), "fresh");
    let asked = std::fs::read_to_string(bench.workdir().join("asked")).unwrap();
    let methods: Vec<bool> = asked.lines().map(|line| line.contains("session/load") && line.contains("\"s1\"")).collect();
    assert_eq!(methods, [false, true], "{asked}");
}

#[tokio::test]
async fn a_conversation_that_the_agent_has_lost_is_begun_anew_and_that_is_said() {
    let mut bench = Bench::script(&REMEMBERS.replace("exit 0", "read -r prompt"));
    std::fs::create_dir_all(bench.workdir()).unwrap();
    std::fs::write(bench.workdir().join("name"), "lost").unwrap();
    bench.play("t1", "hello").await;
    bench.send(AgentCommand::Restart);
    assert_eq!(text_of(&bench.play("t2", "hello").await), "fresh");
    let status = bench.until_it_stands("it runs", |status| status.state == AgentState::Ready).await;
    assert!(status.reason.unwrap().contains("remembers nothing"));
}
