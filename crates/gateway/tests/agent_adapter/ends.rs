//! Agents that do not start, die, or are killed.

use std::time::{Duration, Instant};

use moorline_protocol::Outcome;
use moorline_session::{AgentCommand, AgentUpdate};

use crate::bench::{Bench, end_of, is_alive, text_of, turn, until, until_dead};

#[tokio::test]
async fn a_crash_ends_the_turn_once_with_what_was_said_and_the_next_prompt_starts_another() {
    let mut bench = Bench::new("demo:--delay-ms 0");
    bench.play("t1", "/echo warm").await;
    let first = bench.recorded();
    let updates = bench.play("t2", "/crash").await;
    assert!(text_of(&updates).ends_with('.'), "what was streamed before the crash is missing: {updates:?}");
    let said = "the agent exited with code 3 in the middle of the turn; the next message starts a new one; \
                the last it said: demo-agent: crashing, as asked";
    assert_eq!(end_of(&updates), (Outcome::Failed, "agent_exited".to_owned(), said.to_owned()));
    assert_eq!(text_of(&bench.play("t3", "/echo on").await), "on");
    let second = bench.recorded();
    assert!(second.len() == 1 && second != first, "{first:?} then {second:?}");
}

#[tokio::test]
async fn a_restart_waits_and_a_cancel_ends_the_waiting() {
    let wait = Duration::from_millis(300);
    let mut bench = Bench::with("demo:--delay-ms 0", 64, |settings| settings.restart_wait = wait);
    bench.play("t1", "/crash").await;
    let died = Instant::now();
    assert_eq!(text_of(&bench.play("t2", "/echo on").await), "on");
    assert!(died.elapsed() > wait - Duration::from_millis(50), "restarted after {:?}", died.elapsed());

    let mut bench = Bench::with("demo:--delay-ms 0", 64, |settings| settings.restart_wait = Duration::from_secs(600));
    bench.play("t1", "/crash").await;
    bench.prompt("t2", "/echo never");
    bench.send(AgentCommand::Cancel { turn: turn("t2") });
    assert_eq!(bench.rest("t2").await, [AgentUpdate::Ended { outcome: Outcome::Cancelled, error: None }]);
}

/// The sentence of a start that fails.
async fn start_failure(agent: &str) -> String {
    let mut bench = Bench::with(agent, 64, |settings| settings.start_limit = Duration::from_millis(700));
    let updates = bench.play("t1", "hello").await;
    assert_eq!(updates.len(), 1);
    let (outcome, code, message) = end_of(&updates);
    assert_eq!((outcome, code.as_str()), (Outcome::Failed, "agent_start"));
    until("no agent is recorded", || bench.recorded().is_empty()).await;
    message
}

#[tokio::test]
async fn a_start_that_fails_is_told_with_its_reason_and_the_command() {
    let binary = env!("CARGO_BIN_EXE_moorline-gateway");
    let check = |fail: &str| format!("check the option --agent, which runs `{binary} demo-agent --fail-start {fail}`");
    let exit = start_failure("demo:--fail-start exit").await;
    assert_eq!(
        exit,
        format!(
            "the agent did not start: it exited with code 1 before a session was open; {}; \
             the last it said: demo-agent: exiting at once, as told by --fail-start exit",
            check("exit")
        )
    );
    let hang = start_failure("demo:--fail-start hang").await;
    assert_eq!(hang, format!("the agent did not start: it opened no session within 0.7 s; {}", check("hang")));
    let garbage = start_failure("demo:--fail-start garbage").await;
    let printed = r#"and printed "Welcome to the demo agent! Loading plugins...""#;
    assert_eq!(garbage, format!("the agent did not start: it opened no session within 0.7 s, {printed}; {}", check("garbage")));
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let said = start_failure("acp:moorline-no-such-agent --acp").await;
    let expected = "the agent did not start: it could not be run (No such file or directory (os error 2)); \
                    check the option --agent, which runs `moorline-no-such-agent --acp`";
    assert_eq!(said, expected);
}

#[tokio::test]
async fn a_cancel_ends_a_turn_whose_agent_has_not_started_yet() {
    let mut bench = Bench::new("demo:--fail-start hang");
    bench.prompt("t1", "hello");
    until("the process runs", || bench.recorded().len() == 1).await;
    bench.send(AgentCommand::Cancel { turn: turn("t1") });
    assert_eq!(bench.rest("t1").await, [AgentUpdate::Ended { outcome: Outcome::Cancelled, error: None }]);
}

/// Has a child of its own, and ignores what can be ignored.
const FAMILY: &str = r#"
trap '' TERM HUP INT
sleep 1000 & echo $! >> pids
echo $$ >> pids
shake_hands; text here; read -r line; sleep 1000
"#;

#[tokio::test]
async fn a_kill_leaves_no_process_of_the_group_and_says_nothing() {
    let mut bench = Bench::script(FAMILY);
    bench.prompt("t1", "hello");
    assert_eq!(bench.next("t1").await, AgentUpdate::Text("here".into()));
    let pids = bench.pids_in("pids", 2).await;
    assert!(pids.iter().all(|pid| is_alive(*pid)));
    bench.send(AgentCommand::Kill { turn: turn("another") });
    bench.send(AgentCommand::Cancel { turn: turn("t1") });
    bench.send(AgentCommand::Kill { turn: turn("t1") });
    for pid in pids {
        until_dead(pid).await;
    }
    bench.prompt("t2", "hello");
    assert_eq!(bench.next("t2").await, AgentUpdate::Text("here".into()), "the next report is the next turn's");
}

#[tokio::test]
async fn dropping_the_handle_kills_the_group() {
    let mut bench = Bench::script(FAMILY);
    bench.prompt("t1", "hello");
    bench.next("t1").await;
    let pids = bench.pids_in("pids", 2).await;
    bench.drop_handle();
    for pid in pids {
        until_dead(pid).await;
    }
    until("no agent is recorded", || bench.recorded().is_empty()).await;
}

#[tokio::test]
async fn an_agents_death_takes_its_children_with_it() {
    let mut bench = Bench::script("sleep 1000 & echo $! >> pids; shake_hands; kill -9 $$");
    let (outcome, code, message) = end_of(&bench.play("t1", "hello").await);
    assert_eq!((outcome, code.as_str()), (Outcome::Failed, "agent_exited"));
    assert!(message.contains("was killed by signal 9"), "{message}");
    until_dead(bench.pids_in("pids", 1).await[0]).await;
}

fn bytes_written(pid: u32) -> u64 {
    let io = std::fs::read_to_string(format!("/proc/{pid}/io")).unwrap_or_default();
    io.lines().find_map(|line| line.strip_prefix("wchar: ")?.parse().ok()).unwrap_or_default()
}

#[tokio::test]
async fn a_kill_works_while_nobody_reads_the_reports() {
    let mut bench = Bench::with("demo:--delay-ms 0", 1, |_| {});
    bench.prompt("t1", "/stream 1000000");
    bench.next("t1").await;
    let pid = bench.recorded()[0];
    until("the agent has filled its pipe", || bytes_written(pid) > 32 << 10).await;
    bench.send(AgentCommand::Kill { turn: turn("t1") });
    until_dead(pid).await;
    bench.prompt("t2", "/echo on");
    let mut late = 0;
    loop {
        let report = bench.next_of_any().await;
        if report.turn == turn("t2") {
            assert_eq!(report.update, AgentUpdate::Text("on".into()));
            break;
        }
        late += 1;
    }
    assert!(late <= 2, "{late} reports were taken in while nobody read them");
}

#[tokio::test]
async fn a_process_that_outlives_its_agent_and_holds_its_pipes_delays_nothing_for_long() {
    let mut bench = Bench::script("shake_hands; setsid sleep 1000 & echo $! > pids; text bye; exit 4");
    let updates = bench.play("t1", "hello").await;
    assert_eq!(text_of(&updates), "bye");
    assert!(end_of(&updates).2.contains("exited with code 4"));
    let stray = bench.pids_in("pids", 1).await[0];
    std::process::Command::new("kill").arg(stray.to_string()).status().unwrap();
}

#[tokio::test]
async fn an_agent_that_closes_its_stdout_is_ended() {
    let mut bench = Bench::script("shake_hands; echo $$ > pids; echo 'out of words' >&2; exec >&-; sleep 1000");
    let (outcome, code, message) = end_of(&bench.play("t1", "hello").await);
    assert_eq!((outcome, code.as_str()), (Outcome::Failed, "agent_exited"));
    assert!(message.ends_with("the last it said: out of words"), "{message}");
    until_dead(bench.pids_in("pids", 1).await[0]).await;
}

#[tokio::test]
async fn only_the_end_of_a_long_log_is_told() {
    let mut bench = Bench::script("shake_hands; i=0; while [ $i -lt 3000 ]; do echo \"log line $i\" >&2; i=$((i+1)); done; exit 1");
    let message = end_of(&bench.play("t1", "hello").await).2;
    assert!(message.ends_with("log line 2999") && !message.contains("log line 2000"), "{message}");
    assert!(message.len() < 2500);
}
