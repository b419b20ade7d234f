use moorline_protocol::{BlockId, Code};
use moorline_session::{AgentCommand, AgentUpdate, Output, ToolUpdate};

use crate::driver::*;

fn settle(turn: &str, request: &str, option: Option<&str>) -> Output {
    Output::Agent(AgentCommand::Answer { turn: id(turn), request: request.into(), option: option.map(str::to_owned) })
}

#[test]
fn an_answer_settles_its_request_and_reaches_the_agent_after_the_commit() {
    let mut driver = Driver::running();
    let request = driver.ask("m1", "q");
    assert!(driver.row().waiting);
    assert_eq!(driver.answer("a1", &request, "yes"), [head(5), accepted("a1", 4), settle("m1", "q", Some("yes"))]);
    assert_eq!(driver.lines_after(3), ["answered b2 yes by a1", r#"changed b2 {"closed":true}"#]);
    assert_eq!(driver.session.state().waiting, []);
    assert!(!driver.row().waiting);
}

#[test]
fn the_same_answer_again_gets_the_same_receipt_and_the_agent_hears_it_once() {
    let mut driver = Driver::running();
    let request = driver.ask("m1", "q");
    driver.answer("a1", &request, "yes");
    assert_eq!(driver.answer("a1", &request, "yes"), [accepted("a1", 4)]);
    assert_eq!(refusal(&driver.answer("a1", &request, "no")).0, Code::MessageConflict);
    driver.restart();
    assert_eq!(driver.answer("a1", &request, "yes"), [accepted("a1", 4)]);
}

#[test]
fn a_second_answer_is_told_what_was_settled() {
    let mut driver = Driver::running();
    let request = driver.ask("m1", "q");
    driver.answer("a1", &request, "yes");
    let (code, sentence) = refusal(&driver.answer("a2", &request, "no"));
    assert_eq!(code, Code::AlreadySettled);
    assert!(sentence.contains("Allow"), "{sentence}");
    driver.restart();
    assert!(refusal(&driver.answer("a2", &request, "no")).1.contains("Allow"), "also after a restart");
}

#[test]
fn an_answer_to_nothing_or_with_an_unknown_option_is_refused() {
    let mut driver = Driver::running();
    let request = driver.ask("m1", "q");
    assert_eq!(refusal(&driver.answer("a1", &BlockId::numbered(1), "yes")).0, Code::Unprocessable, "a block that is no request");
    assert_eq!(refusal(&driver.answer("a1", &BlockId::numbered(9), "yes")).0, Code::Unprocessable);
    let (code, sentence) = refusal(&driver.answer("a1", &request, "maybe"));
    assert_eq!(code, Code::Unprocessable);
    assert!(sentence.contains("yes, no"), "{sentence}");
    assert_eq!(driver.session.state().waiting, [request]);
    assert_eq!(refusal(&Driver::new().answer("a1", &BlockId::numbered(1), "yes")).0, Code::UnknownSession);
}

#[test]
fn a_request_names_the_tool_call_it_is_about() {
    let mut driver = Driver::running();
    driver.report("m1", AgentUpdate::Tool { call: "c".into(), update: ToolUpdate::default() });
    let AgentUpdate::Request { request, title, options, .. } = question("q") else { unreachable!() };
    let asked = AgentUpdate::Request { request, call: Some("c".into()), title, options };
    driver.report("m1", asked.clone());
    assert!(driver.lines()[3].contains(r#""about":"b2""#), "{:?}", driver.lines());
    assert_eq!(driver.report("m1", asked), [], "the same request again opens nothing");
}

#[test]
fn the_end_of_a_turn_cancels_its_open_requests_in_the_same_commit() {
    let mut driver = Driver::running();
    let request = driver.ask("m1", "q");
    assert_eq!(driver.end("m1"), [head(5)]);
    assert_eq!(driver.lines_after(3), [r#"changed b2 {"settled":"cancelled","closed":true}"#, "ended m1 Completed"]);
    assert!(!driver.row().waiting);
    let (code, sentence) = refusal(&driver.answer("a1", &request, "yes"));
    assert_eq!(code, Code::AlreadySettled);
    assert!(sentence.contains("cancelled"), "{sentence}");
}

#[test]
fn a_cancel_settles_open_requests_and_later_ones_at_once() {
    let mut driver = Driver::running();
    let request = driver.ask("m1", "q1");
    let said = driver.cancel("m1");
    assert_eq!(said, [head(5), Output::Done { reply: REPLY }, stop("m1"), settle("m1", "q1", None)]);
    assert_eq!(driver.lines_after(3), ["stopping m1", r#"changed b2 {"settled":"cancelled","closed":true}"#]);
    assert_eq!(refusal(&driver.answer("a1", &request, "yes")).0, Code::AlreadySettled);
    assert_eq!(driver.report("m1", question("q2")), [head(6), settle("m1", "q2", None)]);
    assert!(driver.lines()[5].ends_with(r#""settled":"cancelled","closed":true}"#), "{:?}", driver.lines());
    assert_eq!(driver.session.state().waiting, []);
}
