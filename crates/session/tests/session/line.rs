//! The session's line of the list: named, pinned, put away; and its end.

use moorline_protocol::{ChangeSession, Code, EventBody, SessionRow, TITLE_CHARS, Usage};
use moorline_session::{AgentUpdate, Input, Output, Store};

use crate::driver::*;

fn change(driver: &mut Driver, change: ChangeSession) -> Vec<Output> {
    driver.handle(Input::Change { reply: REPLY, change })
}

fn named(title: &str) -> ChangeSession {
    ChangeSession { title: Some(title.to_owned()), ..ChangeSession::default() }
}

fn row(driver: &Driver) -> SessionRow {
    driver.store.session(&session_id()).unwrap().expect("the session exists").row
}

const DONE: [Output; 1] = [Output::Done { reply: REPLY }];

#[test]
fn a_name_takes_the_place_of_what_was_first_typed_and_stays() {
    let mut driver = Driver::running();
    let before = row(&driver);
    driver.time = 5_000;
    assert_eq!(change(&mut driver, named("  Roof\n and  cellar ")), DONE);
    let after = row(&driver);
    assert_eq!((before.title.as_str(), after.title.as_str()), ("first", "Roof and cellar"));
    assert_eq!(after.changed_at, before.changed_at, "it is no news of the session");
    assert!(after.rev > before.rev && after.running);
    driver.end("m1");
    driver.submit("m2", "second");
    driver.restart();
    driver.submit("m3", "third");
    assert_eq!(row(&driver).title, "Roof and cellar");
}

#[test]
fn a_title_has_a_character_and_not_too_many() {
    let mut driver = Driver::running();
    for bad in [String::new(), " \t".to_owned(), "x".repeat(TITLE_CHARS + 1)] {
        assert_eq!(refusal(&change(&mut driver, named(&bad))).0, Code::Unprocessable, "{bad:?}");
    }
    assert_eq!(row(&driver).title, "first");
    assert_eq!(change(&mut driver, named(&"ü".repeat(TITLE_CHARS))), DONE);
}

#[test]
fn what_changes_nothing_writes_nothing() {
    let mut driver = Driver::running();
    let before = row(&driver);
    let same = ChangeSession { title: Some("first".to_owned()), pinned: Some(false), archived: None };
    assert_eq!((change(&mut driver, same), change(&mut driver, ChangeSession::default())), (DONE.to_vec(), DONE.to_vec()));
    assert_eq!(row(&driver), before);
}

#[test]
fn a_session_that_does_not_exist_cannot_be_changed_or_deleted() {
    let mut driver = Driver::new();
    assert_eq!(refusal(&change(&mut driver, named("a"))).0, Code::UnknownSession);
    assert_eq!(refusal(&driver.handle(Input::Delete { reply: REPLY })).0, Code::UnknownSession);
}

#[test]
fn a_message_brings_a_session_back_that_was_put_away() {
    let mut driver = Driver::running();
    driver.end("m1");
    assert_eq!(change(&mut driver, ChangeSession { pinned: Some(true), archived: Some(true), ..ChangeSession::default() }), DONE);
    assert!(row(&driver).archived && driver.session.is_archived());
    driver.restart();
    assert!(driver.session.is_archived(), "also after a restart");
    assert_eq!(refusal(&driver.submit("m2", " ")).0, Code::Unprocessable);
    assert!(row(&driver).archived, "one that is refused does not");
    driver.submit("m3", "go on");
    let row = row(&driver);
    assert!(!row.archived && row.pinned && !driver.session.is_archived());
}

#[test]
fn a_deleted_session_is_gone_with_its_turn_and_its_queue() {
    let mut driver = Driver::running();
    driver.submit("m2", "second");
    driver.time = 9_000;
    assert_eq!(driver.handle(Input::Delete { reply: REPLY }), [Output::Gone, DONE[0].clone()], "its agent first");
    assert_eq!((driver.lines(), driver.session.is_gone(), driver.session.deadline()), (Vec::new(), true, None));
    let row = row(&driver);
    assert_eq!((row.deleted, row.running, row.title.as_str(), row.changed_at), (true, false, "", START + 9_000));
    for restarted in [false, true] {
        if restarted {
            assert_eq!(driver.restart(), [], "nothing starts again");
        }
        assert_eq!(refusal(&driver.submit("m3", "third")).0, Code::Deleted);
        assert_eq!(refusal(&driver.withdraw("m2")).0, Code::Deleted);
        assert_eq!(refusal(&driver.cancel("m1")).0, Code::Deleted);
        assert_eq!(refusal(&driver.handle(Input::Create { reply: REPLY, new: new_session("again") })).0, Code::Deleted);
        assert_eq!(refusal(&change(&mut driver, named("a"))).0, Code::Deleted);
        assert_eq!(driver.report("m1", AgentUpdate::Text("late".to_owned())), []);
        assert_eq!(driver.pass(100_000_000), []);
        assert_eq!(driver.handle(Input::Delete { reply: REPLY }), DONE, "to delete it again is fine");
        assert_eq!(driver.store.session(&session_id()).unwrap().unwrap().row, row, "nothing is written any more");
    }
}

#[test]
fn what_was_decided_in_the_same_commit_is_said_behind_it_and_nothing_after_it_counts() {
    let mut driver = Driver::running();
    driver.session.handle(driver.now(), Input::Submit { reply: REPLY, send: text_send("m2", "second"), new: new_session("") });
    driver.session.handle(driver.now(), Input::Delete { reply: REPLY });
    driver.session.handle(driver.now(), Input::Submit { reply: REPLY, send: text_send("m3", "third"), new: new_session("") });
    let said = driver.drain();
    let kinds: Vec<&str> = said
        .iter()
        .map(|output| match output {
            Output::Head(_) => "head",
            Output::Receipt { .. } => "receipt",
            Output::Gone => "gone",
            Output::Done { .. } => "done",
            Output::Refused { .. } => "refused",
            _ => "other",
        })
        .collect();
    assert_eq!(kinds, ["receipt", "gone", "done", "refused"]);
}

#[test]
fn an_agents_title_takes_the_place_of_what_was_first_typed_and_not_of_a_name() {
    let titled = |driver: &mut Driver, title: &str| driver.report("m1", AgentUpdate::Title(title.to_owned()));
    let mut driver = Driver::running();
    titled(&mut driver, " The\n tide ");
    assert_eq!(row(&driver).title, "The tide");
    driver.end("m1");
    titled(&mut driver, "The tide, again");
    assert_eq!(row(&driver).title, "The tide, again", "also behind its turn");
    titled(&mut driver, "  ");
    assert_eq!(row(&driver).title, "The tide, again");
    change(&mut driver, named("Roof"));
    titled(&mut driver, "The tide");
    assert_eq!(row(&driver).title, "Roof");
}

#[test]
fn what_a_turn_took_is_in_its_terminal_event() {
    let mut driver = Driver::running();
    let tokens = Usage { input: Some(10), output: Some(2), cost: None };
    driver.report("m1", AgentUpdate::Usage(tokens));
    driver.report("m1", AgentUpdate::Usage(Usage { output: Some(3), cost: Some("0.1 USD".into()), ..Usage::default() }));
    driver.end("m1");
    let usage =
        driver.events().iter().find_map(|event| if let EventBody::TurnEnded(ended) = &event.body { ended.usage.clone() } else { None });
    assert_eq!(usage, Some(Usage { input: Some(10), output: Some(3), cost: Some("0.1 USD".into()) }));
}
