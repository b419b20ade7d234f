//! One process after another: how long the next one waits, and what it remembers.

use std::time::Duration;

use moorline_protocol::{AgentState, Millis, Outcome};
use moorline_session::{AgentCommand, AgentUpdate};

use crate::bench::{Bench, end_of, text_of, until_dead};

#[tokio::test]
async fn each_failure_in_a_row_doubles_the_wait_and_a_turn_that_ends_by_itself_forgets_them() {
    let wait = Duration::from_millis(120);
    let body = r#"shake_hands; if [ "$(cat mood 2>/dev/null)" = good ]; then answer "$prompt" '{"stopReason":"end_turn"}'; read -r prompt; fi; exit 4"#;
    let mut bench = Bench::script_with(body, wait);
    bench.play("t0", "hello").await;
    let mut waits = Vec::new();
    for name in ["t1", "t2", "t3"] {
        bench.prompt(name, "hello");
        let down = bench.until_it_stands("it waits for its start", |status| status.retry_ms.is_some()).await;
        assert_eq!(down.state, AgentState::Down);
        assert!(down.reason.unwrap().contains("exited with code 4"));
        waits.push(down.retry_ms.unwrap());
        bench.rest(name).await;
    }
    for (waited, times) in waits.iter().zip([1_u64, 2, 4]) {
        let whole = Millis(120 * times);
        assert!(*waited <= whole && *waited + Millis(100) > whole, "{waits:?} for 120, 240 and 480 ms");
    }
    // From here on its turns end by themselves.
    std::fs::write(bench.workdir().join("mood"), "good").unwrap();
    bench.play("t4", "hello").await;
    // It exits at the second prompt of its life, so the wait behind that is the first one again.
    assert_eq!(end_of(&bench.play("t5", "hello").await).0, Outcome::Failed);
    bench.prompt("t6", "hello");
    let down = bench.until_it_stands("it waits for its start", |status| status.retry_ms.is_some()).await;
    assert!(down.retry_ms.unwrap() <= Millis(120), "{down:?}");
    bench.rest("t6").await;
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
