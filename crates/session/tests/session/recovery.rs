use moorline_session::{AgentUpdate, ToolUpdate};

use crate::driver::*;

#[test]
fn a_turn_that_ran_is_interrupted_and_the_next_message_starts() {
    let mut driver = Driver::running();
    driver.report("m1", AgentUpdate::Tool { call: "c".into(), update: ToolUpdate::default() });
    driver.ask("m1", "q");
    driver.report("m1", AgentUpdate::Text("half".into()));
    driver.submit("m2", "second");
    let before = driver.lines().len();
    let said = driver.restart();
    assert_eq!(
        driver.lines_after(before),
        [
            r#"changed b2 {"status":"failed","closed":true}"#,
            r#"changed b3 {"settled":"cancelled","closed":true}"#,
            r#"changed b4 {"closed":true}"#,
            "ended m1 Interrupted gateway_restarted",
            "started m2",
        ]
    );
    assert_eq!(said, [head(12), prompt("m2", "second")], "m1 is not prompted again");
    assert!(driver.row().running && !driver.row().waiting);
}

#[test]
fn a_message_that_had_not_started_is_started() {
    let mut driver = Driver::running();
    driver.submit("m2", "second");
    driver.interrupt("m3", "now", "m1");
    assert_eq!(driver.restart().last(), Some(&prompt("m3", "now")));
    assert_eq!(driver.session.state().queue, [id("m2")]);
}

#[test]
fn a_session_at_rest_has_nothing_to_recover() {
    let mut driver = Driver::running();
    driver.end("m1");
    let row = driver.row();
    assert_eq!(driver.restart(), []);
    assert_eq!(driver.row(), row);
    assert_eq!(driver.lines().len(), 3);
    assert_eq!((driver.session.head().value(), driver.session.agent()), (3, Some("demo")));
}

#[test]
fn block_ids_go_on_after_a_restart() {
    let mut driver = Driver::running();
    driver.report("m1", AgentUpdate::Text("a".into()));
    driver.restart();
    driver.submit("m2", "second");
    driver.report("m2", AgentUpdate::Text("b".into()));
    assert!(driver.lines().contains(&"opened b4 text".to_owned()), "{:?}", driver.lines());
}

#[test]
fn a_restored_session_stands_where_the_lost_one_stood() {
    let mut driver = Driver::running();
    driver.submit("m2", "second");
    driver.submit("m3", "third");
    driver.withdraw("m2");
    driver.ask("m1", "q");
    let (state, head) = (driver.session.state(), driver.session.head());
    driver.load();
    assert_eq!((driver.session.state(), driver.session.head()), (state, head));
}
