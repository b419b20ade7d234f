//! Turns that go well, or end as they were told to.

use std::time::{Duration, Instant};

use moorline_protocol::{Outcome, PlanStatus, ToolKind, ToolStatus};
use moorline_session::{AgentCommand, AgentUpdate};

use crate::bench::{Bench, end_of, text_of, turn};

const QUICK: &str = "demo:--seed 7 --delay-ms 0";

fn completed() -> (Outcome, String, String) {
    (Outcome::Completed, String::new(), String::new())
}

#[tokio::test]
async fn a_plain_turn_has_thinking_a_changing_plan_tools_and_an_answer() {
    let updates = Bench::new(QUICK).play("t1", "look at the harbour").await;
    assert_eq!(end_of(&updates), completed());
    assert!(matches!(updates[0], AgentUpdate::Thought(_)));
    let plans: Vec<usize> = updates
        .iter()
        .filter_map(|update| if let AgentUpdate::Plan(entries) = update { Some(entries) } else { None })
        .map(|entries| entries.iter().filter(|entry| entry.status == PlanStatus::Completed).count())
        .collect();
    assert_eq!(plans, [0, 1, 2, 3]);

    let run: Vec<_> = updates
        .iter()
        .filter_map(|update| if let AgentUpdate::Tool { call, update } = update { Some((call.as_str(), update)) } else { None })
        .filter(|(call, _)| *call == "call-1-2")
        .map(|(_, update)| update)
        .collect();
    assert_eq!(run[0].title.as_deref(), Some("cargo test"));
    assert_eq!(run[0].kind, Some(ToolKind::Execute));
    assert_eq!(run[0].status, Some(ToolStatus::InProgress));
    assert_eq!(run[0].input.as_deref(), Some(r#"{"command":"cargo test"}"#));
    let outputs: Vec<&str> = run[1..].iter().map(|update| update.output.as_deref().unwrap()).collect();
    assert!(outputs.len() > 5 && outputs.windows(2).all(|pair| pair[1].starts_with(pair[0]) && pair[1].len() > pair[0].len()));
    assert_eq!(run.last().unwrap().status, Some(ToolStatus::Completed));

    let text = text_of(&updates);
    assert!(["\n## ", "\n- ", "```rust\n", "|---|"].iter().all(|mark| text.contains(mark)), "{text}");
}

#[tokio::test]
async fn the_same_seed_gives_the_same_turns_and_another_seed_others() {
    let mut turns = Vec::new();
    for agent in [QUICK, QUICK, "demo:--seed 8 --delay-ms 0"] {
        let mut bench = Bench::new(agent);
        let first = bench.play("t1", "look at the harbour").await;
        turns.push((first, bench.play("t2", "/tools 7").await));
    }
    assert_eq!(turns[0], turns[1]);
    assert_ne!(turns[0].0, turns[2].0);
    assert_ne!(turns[0].1, turns[2].1);
}

#[tokio::test]
async fn the_agent_is_handed_the_message_exactly() {
    let mut bench = Bench::new(QUICK);
    for (name, text) in
        [("t1", "a \"b\"\n\tü \u{1F6A2} \\ \u{7f}\n".to_owned()), ("t2", String::new()), ("t3", "0123456789abcdef".repeat(16 << 10))]
    {
        let updates = bench.play(name, &format!("/echo {text}")).await;
        assert_eq!(text_of(&updates), text);
        assert_eq!(end_of(&updates), completed());
    }
}

#[tokio::test]
async fn one_process_serves_all_turns() {
    let mut bench = Bench::new(QUICK);
    bench.play("t1", "/echo a").await;
    let first = bench.recorded();
    assert_eq!(first.len(), 1);
    bench.play("t2", "/echo b").await;
    assert_eq!(bench.recorded(), first);
}

#[tokio::test]
async fn tool_calls_stand_side_by_side_and_every_fifth_fails() {
    let updates = Bench::new(QUICK).play("t1", "/tools 20").await;
    let mut open = 0_usize;
    let (mut most, mut done, mut failed) = (0, 0, 0);
    for update in &updates {
        let AgentUpdate::Tool { update, .. } = update else { continue };
        match update.status {
            Some(ToolStatus::InProgress) => open += 1,
            Some(ToolStatus::Completed) => (open, done) = (open - 1, done + 1),
            Some(ToolStatus::Failed) => (open, failed) = (open - 1, failed + 1),
            _ => {}
        }
        most = most.max(open);
    }
    assert_eq!((open, done, failed), (0, 16, 4));
    assert!(most > 1, "never two at once");
}

#[tokio::test]
async fn a_mix_has_its_shares() {
    let updates = Bench::new("demo").play("t1", "/mix 2000").await;
    let count = |matches: fn(&AgentUpdate) -> bool| updates.iter().filter(|update| matches(update)).count();
    assert_eq!(count(|update| matches!(update, AgentUpdate::Thought(_))), 100);
    assert_eq!(count(|update| matches!(update, AgentUpdate::Tool { .. })), 200);
    assert_eq!(count(|update| matches!(update, AgentUpdate::Text(_))), 1700);
    assert_eq!(updates.len(), 2001);
}

#[tokio::test]
async fn a_long_line_arrives_whole() {
    let text = text_of(&Bench::new(QUICK).play("t1", "/long 2048").await);
    assert_eq!(text.len(), 2 << 20);
    assert!(!text.contains('\n'));
}

/// Plays `/ask` up to its question.
async fn asked(bench: &mut Bench, name: &str) -> String {
    bench.prompt(name, "/ask");
    let mut last_call = None;
    loop {
        match bench.next(name).await {
            AgentUpdate::Tool { call, update } => {
                assert_eq!(update.status, Some(ToolStatus::Pending));
                last_call = Some(call);
            }
            AgentUpdate::Request { request, call, title, options } => {
                assert!(call.is_some() && call == last_call, "the call is told before the question about it");
                assert_eq!(title, "rm -r target/old");
                let kinds: Vec<&str> = options.iter().map(|option| option.kind.as_str()).collect();
                assert_eq!(kinds, ["allow_once", "allow_always", "reject_once"]);
                return request;
            }
            AgentUpdate::Text(_) => {}
            other @ (AgentUpdate::Thought(_)
            | AgentUpdate::Plan(_)
            | AgentUpdate::Title(_)
            | AgentUpdate::Usage(_)
            | AgentUpdate::Ended { .. }) => {
                panic!("unexpected before the question: {other:?}")
            }
        }
    }
}

#[tokio::test]
async fn what_follows_a_question_depends_on_the_answer() {
    let mut bench = Bench::new(QUICK);
    for (name, option, status, words) in [
        ("t1", Some("allow"), ToolStatus::Completed, "You chose `allow`: the old build is gone."),
        ("t2", Some("reject"), ToolStatus::Failed, "You chose `reject`: the old build stays."),
        ("t3", None, ToolStatus::Failed, "You chose `nothing`: the old build stays."),
    ] {
        let request = asked(&mut bench, name).await;
        bench.send(AgentCommand::Answer { turn: turn(name), request: "nobody asked".into(), option: Some("allow".into()) });
        bench.send(AgentCommand::Answer { turn: turn("another"), request: request.clone(), option: Some("always".into()) });
        bench.send(AgentCommand::Answer { turn: turn(name), request, option: option.map(str::to_owned) });
        let updates = bench.rest(name).await;
        assert!(matches!(&updates[0], AgentUpdate::Tool { update, .. } if update.status == Some(status)), "{updates:?}");
        assert_eq!(text_of(&updates), words);
        assert_eq!(end_of(&updates), completed());
    }
}

#[tokio::test]
async fn a_cancel_ends_a_silent_turn_and_the_same_process_goes_on() {
    let mut bench = Bench::new(QUICK);
    bench.play("t1", "/echo warm").await;
    let process = bench.recorded();
    bench.prompt("t2", "/sleep 600");
    bench.send(AgentCommand::Cancel { turn: turn("t1") });
    let asked_at = Instant::now();
    bench.send(AgentCommand::Cancel { turn: turn("t2") });
    assert_eq!(bench.rest("t2").await, [AgentUpdate::Ended { outcome: Outcome::Cancelled, error: None }]);
    assert!(asked_at.elapsed() < Duration::from_secs(5));
    assert_eq!(text_of(&bench.play("t3", "/echo on").await), "on");
    assert_eq!(bench.recorded(), process);
}

#[tokio::test]
async fn a_cancel_stops_a_stream_in_the_middle() {
    let mut bench = Bench::new("demo:--delay-ms 5");
    bench.prompt("t1", "/stream 100000");
    bench.next("t1").await;
    bench.send(AgentCommand::Cancel { turn: turn("t1") });
    let updates = bench.rest("t1").await;
    assert_eq!(end_of(&updates).0, Outcome::Cancelled);
    assert!(updates.len() < 5000);
}

#[tokio::test]
async fn a_cancel_takes_an_open_question_with_it() {
    let mut bench = Bench::new(QUICK);
    let request = asked(&mut bench, "t1").await;
    bench.send(AgentCommand::Cancel { turn: turn("t1") });
    bench.send(AgentCommand::Answer { turn: turn("t1"), request, option: Some("allow".into()) });
    let updates = bench.rest("t1").await;
    assert_eq!(end_of(&updates).0, Outcome::Cancelled);
    assert!(!text_of(&updates).contains("You chose"));
    assert_eq!(text_of(&bench.play("t2", "/echo on").await), "on");
}

#[tokio::test]
async fn an_error_of_the_agents_fails_the_turn_and_nothing_else() {
    let mut bench = Bench::new(QUICK);
    let updates = bench.play("t1", "/fail").await;
    assert!(!text_of(&updates).is_empty());
    let said = "the agent answered with an error: the demo agent was asked to fail".to_owned();
    assert_eq!(end_of(&updates), (Outcome::Failed, "agent_error".to_owned(), said));
    assert_eq!(text_of(&bench.play("t2", "/echo on").await), "on");
}

#[tokio::test]
async fn a_prompt_during_a_turn_fails_and_the_turn_goes_on() {
    let mut bench = Bench::new(QUICK);
    bench.prompt("t1", "/sleep 600");
    bench.prompt("t2", "/echo x");
    assert_eq!(end_of(&bench.rest("t2").await).1, "agent_error");
    bench.send(AgentCommand::Cancel { turn: turn("t1") });
    assert_eq!(end_of(&bench.rest("t1").await).0, Outcome::Cancelled);
}
