use moorline_protocol::{Code, ReceiptOutcome::*};

use crate::driver::*;

#[test]
fn a_queued_message_is_withdrawn_and_never_starts() {
    let mut driver = Driver::running();
    driver.submit("m2", "second");
    driver.submit("m3", "third");
    assert_eq!(driver.withdraw("m2"), [head(5), receipt("m2", Withdrawn)]);
    assert_eq!(driver.session.state().queue, [id("m3")]);
    assert_eq!(driver.withdraw("m2"), [receipt("m2", Withdrawn)], "again: the same answer, no event");
    assert_eq!(refusal(&driver.submit("m2", "second")).0, Code::Withdrawn);
    assert_eq!(driver.end("m1")[1], prompt("m3", "third"));
    driver.restart();
    assert_eq!(refusal(&driver.submit("m2", "second")).0, Code::Withdrawn, "also after a restart");
}

#[test]
fn a_started_message_is_not_withdrawn() {
    let mut driver = Driver::running();
    assert_eq!(driver.withdraw("m1"), [receipt("m1", Started)]);
    driver.end("m1");
    assert_eq!(driver.withdraw("m1"), [receipt("m1", Started)]);
    assert_eq!(driver.lines().len(), 3);
}

#[test]
fn an_answer_is_not_withdrawn() {
    let mut driver = Driver::running();
    let request = driver.ask("m1", "q");
    driver.answer("a1", &request, "yes");
    assert_eq!(driver.withdraw("a1"), [receipt("a1", Started)]);
}

#[test]
fn a_message_that_never_came_is_recorded_so_that_a_late_copy_is_refused() {
    let mut driver = Driver::running();
    assert_eq!(driver.withdraw("late"), [head(3), receipt("late", Withdrawn)]);
    assert_eq!(driver.lines_after(2), ["withdrawn late"]);
    assert_eq!(refusal(&driver.submit("late", "x")).0, Code::Withdrawn);
    driver.restart();
    assert_eq!(refusal(&driver.submit("late", "x")).0, Code::Withdrawn);
}

#[test]
fn a_withdrawal_before_the_session_exists_is_durable_before_it_is_said() {
    let mut driver = Driver::new();
    driver.withdraw("late");
    driver.restart();
    assert!(!driver.session.exists());
    assert_eq!(refusal(&driver.submit("late", "x")).0, Code::Withdrawn, "after a restart");
    driver.submit("m1", "hello");
    assert_eq!(driver.lines(), ["withdrawn late", "accepted m1 \"hello\"", "started m1"]);
}

#[test]
fn a_withdrawal_before_the_session_exists_makes_none_and_is_written_when_it_is_made() {
    let mut driver = Driver::new();
    assert_eq!(driver.withdraw("late"), [receipt("late", Withdrawn)]);
    assert!(!driver.session.exists());
    assert_eq!(refusal(&driver.submit("late", "x")).0, Code::Withdrawn);
    driver.submit("m1", "hello");
    assert_eq!(driver.lines(), ["withdrawn late", "accepted m1 \"hello\"", "started m1"]);
    driver.restart();
    assert_eq!(refusal(&driver.submit("late", "x")).0, Code::Withdrawn);
}
