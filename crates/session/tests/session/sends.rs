use moorline_protocol::{Code, EventBody, Limits, Millis, Send, encode};
use moorline_session::{AgentCommand, Config, Input, Now, Output, Session, Store, StoreError};

use crate::driver::*;

#[test]
fn the_first_message_makes_the_session_and_starts_a_turn_in_one_commit() {
    let mut session = Session::new(session_id(), Config::default());
    let now = Now { monotonic: Millis(5), wall: START };
    session.handle(now, Input::Submit { reply: REPLY, send: text_send("m1", "hello"), new: new_session("") });
    assert!(!session.exists());
    let Some(Output::Store(commit)) = session.poll_output() else { panic!("a commit comes first") };
    assert_eq!(commit.create, Some(new_session("")));
    assert_eq!(commit.events.len(), 2);
    assert_eq!(session.poll_output(), None, "nothing is said before it is durable");
    assert_eq!((session.head().value(), session.exists()), (0, false));
    session.handle(now, Input::Committed);
    let said: Vec<Output> = std::iter::from_fn(|| session.poll_output()).collect();
    assert_eq!(said, [head(2), accepted("m1", 1), prompt("m1", "hello")]);
    assert_eq!((session.head().value(), session.exists(), session.agent()), (2, true, Some("demo")));
    assert_eq!(session.epoch(), Some(&new_session("").epoch));
}

#[test]
fn the_same_message_again_gets_the_same_receipt_and_no_second_effect() {
    let mut driver = Driver::running();
    let lines = driver.lines();
    assert_eq!(driver.submit("m1", "first"), [accepted("m1", 1)]);
    driver.end("m1");
    assert_eq!(driver.submit("m1", "first"), [accepted("m1", 1)], "also after its turn");
    driver.restart();
    assert_eq!(driver.submit("m1", "first"), [accepted("m1", 1)], "also after a restart");
    assert_eq!(driver.lines()[..2], lines[..]);
    assert_eq!(driver.lines().len(), 3);
}

#[test]
fn a_copy_that_comes_while_the_first_is_being_committed_waits_for_that_commit() {
    let mut session = Session::new(session_id(), Config::default());
    let submit = || Input::Submit { reply: REPLY, send: text_send("m1", "hello"), new: new_session("") };
    session.handle(Now::default(), submit());
    assert!(matches!(session.poll_output(), Some(Output::Store(_))));
    session.handle(Now::default(), submit());
    assert_eq!(session.poll_output(), None);
    session.handle(Now::default(), Input::Committed);
    let said: Vec<Output> = std::iter::from_fn(|| session.poll_output()).collect();
    assert_eq!(said, [head(2), accepted("m1", 1), prompt("m1", "hello"), accepted("m1", 1)]);
}

#[test]
fn another_payload_under_a_known_id_is_refused() {
    let mut driver = Driver::running();
    assert_eq!(refusal(&driver.submit("m1", "second")).0, Code::MessageConflict);
    assert_eq!(refusal(&driver.interrupt("m1", "first", "x")).0, Code::MessageConflict);
    driver.restart();
    assert_eq!(refusal(&driver.submit("m1", "second")).0, Code::MessageConflict);
}

#[test]
fn a_refused_message_leaves_no_trace() {
    let mut driver = Driver::new();
    let unknown = Send { create: None, ..text_send("m1", "hello") };
    assert_eq!(refusal(&driver.send(unknown)).0, Code::UnknownSession);
    assert_eq!(refusal(&driver.submit("m1", " \n\t")).0, Code::Unprocessable);
    assert_eq!(driver.store.session(&session_id()), Ok(None));
    assert_eq!(driver.submit("m1", "hello")[1], accepted("m1", 1), "the id is free");
}

#[test]
fn a_message_over_the_limit_is_refused() {
    let limits = Limits { send_bytes: 1000, ..Limits::default() };
    let mut driver = Driver::with(Config { limits, ..Config::default() });
    let overhead = encode(&text_send("m1", "")).len();
    assert_eq!(refusal(&driver.submit("m1", &"x".repeat(1001 - overhead))).0, Code::TooLarge);
    assert_eq!(driver.submit("m1", &"x".repeat(1000 - overhead)).len(), 3);
}

#[test]
fn a_full_queue_refuses_with_a_time_to_come_back() {
    let limits = Limits { queue: 2, ..Limits::default() };
    let mut driver = Driver::with(Config { limits, ..Config::default() });
    for message in ["m1", "m2", "m3"] {
        driver.submit(message, "go");
    }
    let said = driver.submit("m4", "go");
    assert_eq!(refusal(&said).0, Code::TooMany);
    let [Output::Refused { error, .. }] = &said[..] else { unreachable!() };
    assert!(error.retry_after_ms > Some(Millis::ZERO));
    assert_eq!(error.message_id, Some(id("m4")));
    driver.end("m1");
    assert_eq!(driver.submit("m4", "go")[1], accepted("m4", 7));
}

#[test]
fn messages_wait_for_the_running_turn_and_start_in_order() {
    let mut driver = Driver::running();
    assert_eq!(driver.submit("m2", "second"), [head(3), accepted("m2", 3)]);
    driver.submit("m3", "third");
    assert_eq!(driver.session.state().queue, [id("m2"), id("m3")]);
    assert_eq!(driver.end("m1"), [head(6), prompt("m2", "second")]);
    assert_eq!(driver.lines_after(4), ["ended m1 Completed", "started m2"]);
    assert_eq!(driver.end("m2"), [head(8), prompt("m3", "third")]);
    assert_eq!(driver.end("m3"), [head(9)]);
    assert_eq!(driver.session.state(), moorline_protocol::SessionState::default());
}

#[test]
fn an_interrupt_cancels_its_turn_and_goes_before_the_queue() {
    let mut driver = Driver::running();
    driver.submit("m2", "second");
    assert_eq!(driver.interrupt("m3", "now", "m1"), [head(5), accepted("m3", 4), stop("m1")]);
    assert_eq!(driver.lines_after(3), ["accepted m3 \"now\" interrupting m1", "stopping m1"]);
    assert_eq!(driver.session.state().queue, [id("m3"), id("m2")]);
    assert_eq!(driver.interrupt("m3", "now", "m1"), [accepted("m3", 4)], "a retry does not cancel again");
    assert_eq!(driver.end("m1")[1], prompt("m3", "now"));
}

#[test]
fn interrupts_go_before_the_queue_in_the_order_in_which_they_came() {
    let mut driver = Driver::running();
    driver.submit("m2", "second");
    driver.interrupt("m3", "now", "m1");
    driver.interrupt("m4", "and then", "m1");
    assert_eq!(driver.session.state().queue, [id("m3"), id("m4"), id("m2")]);
}

#[test]
fn an_interrupt_that_comes_late_is_an_ordinary_message() {
    let mut driver = Driver::running();
    driver.submit("m2", "second");
    driver.submit("m3", "third");
    driver.end("m1");
    assert_eq!(driver.interrupt("m4", "late", "m1").len(), 2, "m2 is not stopped");
    assert_eq!(driver.lines_after(6), ["accepted m4 \"late\""]);
    assert_eq!(driver.session.state().queue, [id("m3"), id("m4")]);
}

#[test]
fn a_long_message_is_split_between_characters_and_prompted_whole() {
    let limits = Limits { event_bytes: 1024, ..Limits::default() };
    let mut driver = Driver::with(Config { limits, ..Config::default() });
    let text = "x\u{1}\"ö🧵\n".repeat(300);
    let said = driver.submit("m1", &text);
    assert_eq!(said.last(), Some(&prompt("m1", &text)));
    let mut joined = String::new();
    for event in driver.events() {
        assert!(encode(&event.body).len() <= 1024, "{} bytes", encode(&event.body).len());
        match event.body {
            EventBody::Accepted(accepted) => joined.push_str(&accepted.text),
            EventBody::Append(append) => {
                assert_eq!(append.at, joined.len() as u64);
                joined.push_str(&append.text);
            }
            _ => {}
        }
    }
    assert_eq!(joined, text);
    let pieces = driver.events().len() - 1;
    assert!(pieces < 10, "events are filled: {pieces}");

    driver.submit("m2", &text);
    assert_eq!(driver.restart().last(), Some(&prompt("m2", &text)), "a queued message is whole after a restart");
}

#[test]
fn what_is_decided_during_a_commit_goes_into_the_next_one() {
    let mut session = Session::new(session_id(), Config::default());
    let submit = |message| Input::Submit { reply: REPLY, send: text_send(message, "go"), new: new_session("") };
    session.handle(Now::default(), submit("m1"));
    let Some(Output::Store(first)) = session.poll_output() else { panic!("a commit comes first") };
    session.handle(Now::default(), submit("m2"));
    session.handle(Now::default(), submit("m3"));
    assert_eq!(session.poll_output(), None);
    session.handle(Now::default(), Input::Committed);
    assert_eq!(session.state().queue, [], "the state is the committed one");
    let said: Vec<Output> = std::iter::from_fn(|| session.poll_output()).collect();
    let [Output::Head(_), Output::Receipt { .. }, Output::Agent(_), Output::Store(second)] = &said[..] else { panic!("{said:?}") };
    assert_eq!((first.events.len(), second.events.len()), (2, 2));
    assert_eq!(second.create, None);
    session.handle(Now::default(), Input::Committed);
    assert_eq!(session.state().queue, [id("m2"), id("m3")]);
}

#[test]
fn after_a_failed_commit_the_session_is_restored_and_the_retry_accepted_once() {
    let mut driver = Driver::running();
    driver.store.fail_next(StoreError::Unavailable("disk full".into()));
    driver.session.handle(driver.now(), Input::Submit { reply: REPLY, send: text_send("m2", "second"), new: new_session("") });
    let Some(Output::Store(commit)) = driver.session.poll_output() else { panic!("a commit comes first") };
    assert!(driver.store.commit(&[commit]).is_err());
    driver.restart();
    driver.submit("m2", "second");
    driver.submit("m2", "second");
    assert_eq!(driver.lines().iter().filter(|line| line.starts_with("accepted m2")).count(), 1);
}

#[test]
fn a_session_can_be_made_without_a_message() {
    let mut driver = Driver::new();
    assert_eq!(driver.handle(Input::Create { reply: REPLY, new: new_session("named") }), [Output::Done { reply: REPLY }]);
    assert_eq!((driver.row().title.as_str(), driver.row().rev), ("named", 1));
    assert_eq!(driver.handle(Input::Create { reply: REPLY, new: new_session("again") }), [Output::Done { reply: REPLY }]);
    assert_eq!((driver.row().title.as_str(), driver.row().rev), ("named", 1), "a second create changes nothing");
    driver.submit("m1", "hello");
    assert_eq!(driver.row().title, "named", "a given title stays");
}

#[test]
fn the_first_message_gives_the_title() {
    let mut driver = Driver::new();
    driver.submit("m1", &format!("\n  {}\nmore", "ä".repeat(100)));
    assert_eq!(driver.row().title, "ä".repeat(80));
    driver.submit("m2", "another");
    driver.restart();
    driver.submit("m3", "another");
    assert_eq!(driver.row().title, "ä".repeat(80));
}

#[test]
fn the_row_changes_when_a_turn_starts_or_ends_and_not_between() {
    let mut driver = Driver::running();
    let rev = driver.row().rev;
    assert!(driver.row().running);
    driver.time += 10;
    driver.report("m1", moorline_session::AgentUpdate::Text("hi".into()));
    driver.submit("m2", "second");
    assert_eq!(driver.row().rev, rev);
    driver.end("m1");
    assert_eq!((driver.row().rev, driver.row().running, driver.row().changed_at), (rev + 1, true, START + 10), "a turn ended");
    driver.end("m2");
    assert_eq!((driver.row().rev, driver.row().running), (rev + 2, false));
}

#[test]
fn a_prompt_follows_the_receipt() {
    let said = Driver::new().submit("m1", "hello");
    assert!(matches!(said[..], [Output::Head(_), Output::Receipt { .. }, Output::Agent(AgentCommand::Prompt { .. })]));
}
