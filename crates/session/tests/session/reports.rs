use moorline_protocol::{EventBody, Limits, PlanEntry, PlanStatus, ToolKind, ToolStatus, encode};
use moorline_session::{AgentReport, AgentUpdate, Config, Input, Output, ToolUpdate};

use crate::driver::*;

fn text(text: &str) -> AgentUpdate {
    AgentUpdate::Text(text.into())
}

fn tool(update: ToolUpdate) -> AgentUpdate {
    AgentUpdate::Tool { call: "c".into(), update }
}

fn output(output: &str) -> AgentUpdate {
    tool(ToolUpdate { output: Some(output.into()), ..ToolUpdate::default() })
}

fn status(status: ToolStatus) -> AgentUpdate {
    tool(ToolUpdate { status: Some(status), ..ToolUpdate::default() })
}

fn plan(texts: &[&str]) -> AgentUpdate {
    AgentUpdate::Plan(texts.iter().map(|text| PlanEntry { text: (*text).into(), status: PlanStatus::Pending }).collect())
}

/// What a turn's reports write, each one committed by itself.
fn written(reports: impl IntoIterator<Item = AgentUpdate>) -> Vec<String> {
    let mut driver = Driver::running();
    for update in reports {
        driver.report("m1", update);
    }
    driver.lines_after(2)
}

#[test]
fn chunks_of_one_kind_continue_their_block_and_another_kind_closes_it() {
    let lines = written([text("ö"), text(""), text("b"), AgentUpdate::Thought("hm".into()), text("c")]);
    assert_eq!(
        lines,
        [
            "opened b2 text",
            "append b2 at 0 \"ö\"",
            "append b2 at 2 \"b\"",
            r#"changed b2 {"closed":true}"#,
            "opened b3 thought",
            "append b3 at 0 \"hm\"",
            r#"changed b3 {"closed":true}"#,
            "opened b4 text",
            "append b4 at 0 \"c\"",
        ]
    );
}

#[test]
fn a_new_tool_call_ends_the_text_and_an_update_of_one_does_not() {
    let lines = written([text("a"), tool(ToolUpdate::default()), text("b"), status(ToolStatus::InProgress), text("c")]);
    assert_eq!(
        lines[2..],
        [
            r#"changed b2 {"closed":true}"#,
            r#"opened b3 tool {"status":"pending"}"#,
            "opened b4 text",
            "append b4 at 0 \"b\"",
            r#"changed b3 {"status":"in_progress"}"#,
            "append b4 at 1 \"c\"",
        ]
    );
}

#[test]
fn a_tool_call_is_one_block_from_start_to_result() {
    let first = ToolUpdate {
        title: Some("ls".into()),
        kind: Some(ToolKind::Execute),
        status: Some(ToolStatus::InProgress),
        input: Some("{}".into()),
        output: None,
        exit: None,
    };
    let last = ToolUpdate { status: Some(ToolStatus::Completed), output: Some("a\nb\n".into()), ..first.clone() };
    let lines = written([tool(first), output("a\n"), tool(last)]);
    assert_eq!(
        lines,
        [
            r#"opened b2 tool {"title":"ls","tool":"execute","status":"in_progress","input":"{}"}"#,
            "append b2 at 0 \"a\\n\"",
            "append b2 at 2 \"b\\n\"",
            r#"changed b2 {"status":"completed","closed":true}"#,
        ]
    );
}

#[test]
fn a_result_without_a_start_makes_its_block() {
    let update = ToolUpdate { status: Some(ToolStatus::Failed), output: Some("no".into()), ..ToolUpdate::default() };
    let lines = written([tool(update)]);
    assert_eq!(lines, [r#"opened b2 tool {"status":"failed"}"#, "append b2 at 0 \"no\"", r#"changed b2 {"closed":true}"#]);
}

#[test]
fn an_output_that_does_not_continue_begins_a_new_edition() {
    let lines = written([output("10 %"), output("10 %"), output("20 %"), output("20 % done"), output("")]);
    assert_eq!(lines[1..], ["append b2 at 0 \"10 %\"", "append b2 edition 1 at 0 \"20 %\"", "append b2 edition 1 at 4 \" done\""]);
}

#[test]
fn an_update_after_the_result_changes_the_block_and_opens_nothing() {
    let title = ToolUpdate { title: Some("done".into()), ..ToolUpdate::default() };
    let lines = written([output("a"), status(ToolStatus::Completed), tool(title), output("ab"), status(ToolStatus::InProgress)]);
    assert_eq!(
        lines[2..],
        [r#"changed b2 {"status":"completed","closed":true}"#, r#"changed b2 {"title":"done"}"#, "append b2 at 1 \"b\"",]
    );
}

#[test]
fn what_is_not_new_is_not_written() {
    let update = ToolUpdate { title: Some("ls".into()), input: Some("{}".into()), ..ToolUpdate::default() };
    assert_eq!(written([tool(update.clone()), tool(update)]).len(), 1);
    assert_eq!(written([plan(&["a"]), plan(&["a"])]).len(), 1);
}

#[test]
fn a_turn_has_one_plan_whose_entries_are_replaced() {
    let lines = written([plan(&["a"]), plan(&["a", "b"])]);
    assert_eq!(
        lines,
        [
            r#"opened b2 plan {"entries":[{"text":"a","status":"pending"}]}"#,
            r#"changed b2 {"entries":[{"text":"a","status":"pending"},{"text":"b","status":"pending"}]}"#,
        ]
    );
}

#[test]
fn the_end_closes_what_is_open_and_fails_unfinished_tools() {
    let mut driver = Driver::running();
    driver.report("m1", tool(ToolUpdate::default()));
    driver.report("m1", plan(&["a"]));
    driver.report("m1", text("x"));
    driver.end("m1");
    assert_eq!(
        driver.lines_after(6),
        [
            r#"changed b2 {"status":"failed","closed":true}"#,
            r#"changed b3 {"closed":true}"#,
            r#"changed b4 {"closed":true}"#,
            "ended m1 Completed",
        ]
    );
}

#[test]
fn reports_of_another_turn_are_dropped() {
    let mut driver = Driver::running();
    driver.submit("m2", "second");
    assert_eq!(driver.report("m2", text("early")), []);
    driver.end("m1");
    assert_eq!(driver.report("m1", text("late")), []);
    assert_eq!(driver.end("m1"), []);
    assert_eq!(driver.lines().len(), 5);
}

#[test]
fn a_turn_begins_with_blocks_of_its_own() {
    let mut driver = Driver::running();
    driver.report("m1", tool(ToolUpdate::default()));
    driver.report("m1", plan(&["a"]));
    driver.submit("m2", "second");
    driver.end("m1");
    driver.report("m2", tool(ToolUpdate::default()));
    driver.report("m2", plan(&["a"]));
    let lines = driver.lines();
    assert!(lines[lines.len() - 2].starts_with("opened b5 tool"), "{lines:?}");
    assert!(lines[lines.len() - 1].starts_with("opened b6 plan"), "{lines:?}");
}

#[test]
fn text_that_waits_for_one_commit_is_joined_up_to_the_event_limit() {
    let limits = Limits { event_bytes: 1024, ..Limits::default() };
    let mut driver = Driver::with(Config { limits, ..Config::default() });
    driver.submit("m1", "go");
    for _ in 0..1000 {
        driver.session.handle(driver.now(), Input::Report(AgentReport { turn: id("m1"), update: text("\"ö\u{7}") }));
    }
    let Some(Output::Store(commit)) = driver.session.poll_output() else { panic!("a commit comes first") };
    assert!(commit.events.len() < 14, "{} events for 10,000 encoded bytes", commit.events.len());
    let mut joined = String::new();
    for event in &commit.events {
        assert!(encode(&event.body).len() <= 1024);
        if let EventBody::Append(append) = &event.body {
            assert_eq!(append.at, joined.len() as u64);
            joined.push_str(&append.text);
        }
    }
    assert_eq!(joined, "\"ö\u{7}".repeat(1000));
}

#[test]
fn text_is_not_joined_across_other_events() {
    let mut driver = Driver::running();
    driver.report("m1", tool(ToolUpdate::default()));
    for update in [text("a"), text("b"), status(ToolStatus::InProgress), text("c")] {
        driver.session.handle(driver.now(), Input::Report(AgentReport { turn: id("m1"), update }));
    }
    driver.drain();
    assert_eq!(driver.lines_after(4), ["append b3 at 0 \"ab\"", r#"changed b2 {"status":"in_progress"}"#, "append b3 at 2 \"c\""]);
}

#[test]
fn no_event_is_over_the_limit_whatever_an_agent_says() {
    let limits = Limits { event_bytes: 1024, ..Limits::default() };
    let mut driver = Driver::with(Config { limits, ..Config::default() });
    let long = "\u{1}\"ö🧵".repeat(5_000);
    let turn = "t".repeat(64);
    driver.submit(&turn, "go");
    let update = ToolUpdate {
        title: Some(long.clone()),
        kind: Some(ToolKind::SwitchMode),
        status: Some(ToolStatus::Completed),
        input: Some(long.clone()),
        output: Some(long.clone()),
        exit: None,
    };
    driver.report(&turn, tool(update));
    driver.report(&turn, plan(&vec![long.as_str(); 100]));
    let AgentUpdate::Request { request, options, .. } = question("q") else { unreachable!() };
    let mut options: Vec<_> = options.into_iter().cycle().take(200).collect();
    options.extend(options.clone().into_iter().map(|option| moorline_protocol::RequestOption { name: long.clone(), ..option }));
    driver.report(&turn, AgentUpdate::Request { request, call: Some("c".into()), title: long.clone(), options });
    driver.report(&turn, text(&long));
    for event in driver.events() {
        let size = encode(&event.body).len();
        assert!(size <= 1024, "{} takes {size} bytes", event.body.kind());
    }
}

#[test]
fn an_endless_output_is_cut_and_says_so() {
    let mut driver = Driver::running();
    driver.report("m1", output(&"x".repeat(1 << 20)));
    let before = driver.lines().len();
    driver.report("m1", output(&"x".repeat((1 << 20) + 1)));
    assert_eq!(driver.lines_after(before), [format!("append b2 at {} \"\\n… output cut at 1 MiB\"", 1 << 20)]);
    driver.report("m1", output(&"x".repeat((1 << 20) + 500)));
    assert_eq!(driver.lines().len(), before + 1);
}
