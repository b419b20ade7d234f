use moorline_protocol::{Code, Millis, Outcome};
use moorline_session::{AgentUpdate, Input, Output};

use crate::driver::*;

#[test]
fn a_cancel_stops_its_turn_once() {
    let mut driver = Driver::running();
    assert_eq!(driver.cancel("m1"), [head(3), Output::Done { reply: REPLY }, stop("m1")]);
    assert_eq!(driver.cancel("m1"), [Output::Done { reply: REPLY }], "a second one is fine");
    assert!(driver.session.state().running.is_some_and(|running| running.stopping));
    driver.report("m1", AgentUpdate::Text("almost".into()));
    driver.report("m1", AgentUpdate::Ended { outcome: Outcome::Cancelled, error: None });
    let lines = driver.lines_after(2);
    assert_eq!(
        lines,
        ["stopping m1", "opened b2 text", "append b2 at 0 \"almost\"", r#"changed b2 {"closed":true}"#, "ended m1 Cancelled"]
    );
}

#[test]
fn a_stale_cancel_never_kills_the_next_turn() {
    let mut driver = Driver::running();
    driver.submit("m2", "second");
    let (code, sentence) = refusal(&driver.cancel("m2"));
    assert_eq!(code, Code::TurnOver);
    assert!(sentence.contains("withdraw"), "{sentence}");
    driver.end("m1");
    assert_eq!(refusal(&driver.cancel("m1")).0, Code::TurnOver);
    assert_eq!(refusal(&driver.cancel("never")).0, Code::TurnOver);
    assert!(driver.session.state().running.is_some_and(|running| !running.stopping));
    assert_eq!(refusal(&Driver::new().cancel("m1")).0, Code::UnknownSession);
}

#[test]
fn an_agent_that_does_not_stop_is_killed_and_the_next_message_starts() {
    let mut driver = Driver::running();
    driver.interrupt("m2", "now", "m1");
    assert_eq!(driver.session.deadline(), Some(Millis(10_000)));
    driver.time += 4_000;
    driver.report("m1", AgentUpdate::Text("still here".into()));
    assert_eq!(driver.session.deadline(), Some(Millis(10_000)), "signs of life do not help it");
    assert_eq!(driver.pass(5_999), []);
    assert_eq!(driver.pass(1), [head(9), kill("m1"), prompt("m2", "now")]);
    assert_eq!(driver.lines_after(6), [r#"changed b3 {"closed":true}"#, "ended m1 Cancelled agent_unresponsive", "started m2"]);
    assert_eq!(driver.report("m1", AgentUpdate::Text("late".into())), [], "a late report is dropped");
    assert_eq!(driver.end("m1"), []);
}

#[test]
fn a_silent_agent_is_given_up() {
    let mut driver = Driver::running();
    assert_eq!(driver.session.deadline(), Some(Millis(600_000)));
    driver.time += 1_000;
    driver.report("m1", AgentUpdate::Thought("hm".into()));
    assert_eq!(driver.session.deadline(), Some(Millis(601_000)));
    assert_eq!(driver.pass(599_999), []);
    assert_eq!(driver.pass(1), [head(6), kill("m1")]);
    assert_eq!(driver.lines().last().map(String::as_str), Some("ended m1 Failed idle_limit"));
    assert_eq!(driver.session.deadline(), None, "nothing runs");
}

#[test]
fn an_agent_that_waits_for_an_answer_may_be_silent() {
    let mut driver = Driver::running();
    let request = driver.ask("m1", "q");
    assert_eq!(driver.session.deadline(), None);
    assert_eq!(driver.pass(10_000_000), []);
    driver.answer("a1", &request, "yes");
    assert_eq!(driver.session.deadline(), Some(Millis(10_600_000)), "from here it works again");
}

#[test]
fn a_failed_start_is_an_event_with_a_real_seq() {
    let mut driver = Driver::running();
    assert_eq!(driver.report("m1", failed("agent_start")), [head(3)]);
    assert_eq!(driver.lines_after(2), ["ended m1 Failed agent_start"]);
    assert_eq!(driver.submit("m2", "again")[2], prompt("m2", "again"), "the session goes on");
}

#[test]
fn a_partial_answer_stays_when_a_turn_fails() {
    let mut driver = Driver::running();
    driver.report("m1", AgentUpdate::Text("half".into()));
    driver.report("m1", failed("agent_exited"));
    let lines = driver.lines_after(2);
    let expected = ["opened b2 text", "append b2 at 0 \"half\"", r#"changed b2 {"closed":true}"#, "ended m1 Failed agent_exited"];
    assert_eq!(lines, expected);
}

#[test]
fn an_endless_reason_is_cut() {
    let mut driver = Driver::running();
    let error = moorline_protocol::TurnError { code: "agent_error".into(), message: "x".repeat(100_000) };
    driver.report("m1", AgentUpdate::Ended { outcome: Outcome::Failed, error: Some(error) });
    assert!(moorline_protocol::encode(&driver.events()[2].body).len() <= 12 << 10);
}

#[test]
fn a_deadline_handled_early_changes_nothing() {
    let mut driver = Driver::running();
    assert_eq!(driver.handle(Input::Deadline), []);
    assert_eq!(Driver::new().handle(Input::Deadline), []);
    assert_eq!(Driver::new().handle(Input::Committed), []);
}

#[test]
fn a_queued_message_that_is_to_go_now_stops_the_turn_and_goes_before_the_others() {
    let mut driver = Driver::new();
    for message in ["m1", "m2", "m3", "m4"] {
        driver.submit(message, "hello");
    }
    let said = driver.handle(Input::Cancel { reply: REPLY, turn: id("m1"), next: Some(id("m4")) });
    assert_eq!(said[1..], [Output::Done { reply: REPLY }, stop("m1")]);
    assert_eq!(driver.session.state().queue, ["m4", "m2", "m3"].map(id));
    // Once more for another, while the turn is stopping: the agent is asked to stop once.
    let said = driver.handle(Input::Cancel { reply: REPLY, turn: id("m1"), next: Some(id("m3")) });
    assert_eq!(said[1..], [Output::Done { reply: REPLY }]);
    assert_eq!(driver.session.state().queue, ["m4", "m3", "m2"].map(id));
    driver.load();
    assert_eq!(driver.session.state().queue, ["m4", "m3", "m2"].map(id), "the journal knows it");
}

#[test]
fn a_message_that_does_not_wait_any_more_stops_nothing() {
    let mut driver = Driver::new();
    for message in ["m1", "m2"] {
        driver.submit(message, "hello");
    }
    driver.handle(Input::Withdraw { reply: REPLY, message: id("m2") });
    for gone in ["m2", "never"] {
        let (code, sentence) = refusal(&driver.handle(Input::Cancel { reply: REPLY, turn: id("m1"), next: Some(id(gone)) }));
        assert_eq!(code, Code::Unprocessable);
        assert!(sentence.contains(gone), "{sentence}");
    }
    assert!(!driver.session.state().running.unwrap().stopping);
}
