//! Edit, remove and withdraw.

use moorline_delivery::{Notice, SendState, TakenBack};
use moorline_protocol::{Code, Event, EventBody, ReceiptOutcome, Seq, Withdrawn};

use crate::scene::{
    Scene, acceptance, accepted_at, events, frames, gone, message, notices, receipt, refusal, sent, session, stored, text, withdrawn,
};

fn edited(scene: &mut Scene, id: &str) -> Vec<moorline_delivery::Output> {
    scene.does(|client, now| client.edit(now, &message(id)))
}

fn removed(scene: &mut Scene, id: &str) -> Vec<moorline_delivery::Output> {
    scene.does(|client, now| client.remove(now, &message(id)))
}

fn with_text(id: &str) -> Vec<(String, Option<String>)> {
    vec![(id.to_owned(), Some(format!("text of {id}")))]
}

fn without(id: &str) -> Vec<(String, Option<String>)> {
    vec![(id.to_owned(), None)]
}

#[test]
fn a_send_that_was_never_attempted_is_taken_back_at_once() {
    let mut scene = Scene::new();
    scene.send(text("s", "m1"));
    scene.send(text("s", "m2"));
    assert_eq!(gone(&edited(&mut scene, "m1")), with_text("m1"));
    let outputs = removed(&mut scene, "m2");
    assert_eq!((gone(&outputs), stored(&outputs, "m2")), (without("m2"), None));
    assert_eq!(frames(&scene.connect()).len(), 1, "nothing but hello");
}

#[test]
fn an_attempted_send_is_taken_back_by_the_gateways_word() {
    let mut scene = Scene::ready();
    scene.send(text("s", "m1"));
    let outputs = edited(&mut scene, "m1");
    assert_eq!((withdrawn(&outputs), gone(&outputs)), (vec!["m1".to_owned()], vec![]));
    assert_eq!(stored(&outputs, "m1").expect("it is kept").withdrawing, Some(TakenBack::Edit));
    assert_eq!(scene.state("m1"), Some(SendState::Withdrawing));
    let outputs = scene.receives(receipt("s", "m1", ReceiptOutcome::Withdrawn));
    assert_eq!((gone(&outputs), stored(&outputs, "m1")), (with_text("m1"), None));
}

#[test]
fn a_removed_send_returns_no_text() {
    let mut scene = Scene::ready();
    scene.send(text("s", "m1"));
    removed(&mut scene, "m1");
    assert_eq!(gone(&scene.receives(receipt("s", "m1", ReceiptOutcome::Withdrawn))), without("m1"));
}

#[test]
fn a_send_that_has_started_is_too_late_to_take_back() {
    let mut scene = Scene::following("s", 5);
    scene.send(text("s", "m1"));
    edited(&mut scene, "m1");
    assert_eq!(gone(&scene.receives(accepted_at("s", "m1", 6))), [], "its acceptance decides nothing yet");
    assert_eq!(gone(&scene.receives(events("s", vec![acceptance(6, "m1")]))), []);
    let outputs = scene.receives(receipt("s", "m1", ReceiptOutcome::Started));
    assert_eq!(gone(&outputs), without("m1"));
    assert_eq!(notices(&outputs), [Notice::TooLate { session: session("s"), message: message("m1") }]);
}

#[test]
fn the_event_of_a_withdrawal_is_its_receipt_too() {
    let mut scene = Scene::following("s", 5);
    scene.send(text("s", "m1"));
    edited(&mut scene, "m1");
    let event = Event::plain(Seq::new(6), 0, EventBody::Withdrawn(Withdrawn { message: message("m1") }));
    assert_eq!(gone(&scene.receives(events("s", vec![event]))), with_text("m1"));
    assert_eq!(gone(&scene.receives(receipt("s", "m1", ReceiptOutcome::Withdrawn))), [], "and once is enough");
}

#[test]
fn a_send_that_is_being_taken_back_holds_those_behind_it() {
    let mut scene = Scene::ready();
    scene.send(text("s", "m1"));
    scene.send(text("s", "m2"));
    assert_eq!(sent(&edited(&mut scene, "m1")), [""; 0]);
    assert_eq!(sent(&scene.receives(receipt("s", "m1", ReceiptOutcome::Withdrawn))), ["m2"]);
}

#[test]
fn a_failed_send_is_taken_back_by_the_gateways_word_too() {
    let mut scene = Scene::ready();
    scene.send(text("s", "m1"));
    scene.receives(refusal(Code::Unprocessable, "m1"));
    assert_eq!(withdrawn(&edited(&mut scene, "m1")), ["m1"], "a late copy of it must be refused");
    assert_eq!(gone(&scene.receives(receipt("s", "m1", ReceiptOutcome::Withdrawn))), with_text("m1"));
}

#[test]
fn a_withdrawal_is_asked_for_again_on_the_next_connection() {
    let mut scene = Scene::ready();
    scene.send(text("s", "m1"));
    scene.closes();
    assert_eq!(withdrawn(&edited(&mut scene, "m1")), [""; 0]);
    scene.until_connect();
    assert_eq!(withdrawn(&scene.connect()), ["m1"]);
    assert_eq!(withdrawn(&scene.reconnects()), ["m1"], "as often as it takes");
    assert_eq!(sent(&scene.passes(15_000)), [""; 0]);
}

#[test]
fn a_withdrawal_without_an_answer_is_asked_for_again() {
    let mut scene = Scene::ready();
    scene.send(text("s", "m1"));
    edited(&mut scene, "m1");
    assert_eq!(withdrawn(&scene.passes_pinged(14_000)), [""; 0]);
    assert_eq!(withdrawn(&scene.passes(1_000)), ["m1"]);
}

#[test]
fn a_withdrawal_that_finds_nothing_to_withdraw_is_done() {
    for code in [Code::Withdrawn, Code::UnknownSession, Code::Deleted] {
        let mut scene = Scene::ready();
        scene.send(text("s", "m1"));
        edited(&mut scene, "m1");
        assert_eq!(gone(&scene.receives(refusal(code, "m1"))), with_text("m1"), "{code:?}");
    }
}

#[test]
fn a_withdrawal_that_is_refused_for_now_is_not_done() {
    let mut scene = Scene::ready();
    scene.send(text("s", "m1"));
    edited(&mut scene, "m1");
    assert_eq!(gone(&scene.receives(refusal(Code::StoreUnavailable, "m1"))), []);
    assert_eq!(scene.state("m1"), Some(SendState::Withdrawing));
    assert_eq!(withdrawn(&scene.passes_pinged(16_000)), ["m1"]);
}

#[test]
fn a_send_is_taken_back_once() {
    let mut scene = Scene::ready();
    scene.send(text("s", "m1"));
    edited(&mut scene, "m1");
    assert_eq!(edited(&mut scene, "m1"), []);
    assert_eq!(removed(&mut scene, "never"), []);
}

#[test]
fn a_message_in_the_gateways_queue_is_withdrawn_with_its_text() {
    let mut scene = Scene::following("s", 5);
    let outputs = scene.does(|client, now| client.withdraw(now, &session("s"), &message("q1"), Some("queued".to_owned())));
    assert_eq!(withdrawn(&outputs), ["q1"]);
    let outputs = scene.receives(receipt("s", "q1", ReceiptOutcome::Withdrawn));
    assert_eq!(gone(&outputs), [("q1".to_owned(), Some("queued".to_owned()))]);

    scene.does(|client, now| client.withdraw(now, &session("s"), &message("q2"), Some("queued".to_owned())));
    let outputs = scene.receives(receipt("s", "q2", ReceiptOutcome::Started));
    assert_eq!(notices(&outputs), [Notice::TooLate { session: session("s"), message: message("q2") }]);
    assert_eq!(gone(&outputs), []);

    scene.does(|client, now| client.withdraw(now, &session("s"), &message("q3"), None));
    assert_eq!(withdrawn(&scene.reconnects()), ["q3"], "also after a reconnect");
}

#[test]
fn an_accepted_echo_is_withdrawn_too() {
    let mut scene = Scene::following("s", 5);
    scene.send(text("s", "m1"));
    scene.receives(accepted_at("s", "m1", 6));
    assert_eq!(withdrawn(&edited(&mut scene, "m1")), ["m1"]);
    let outputs = scene.receives(receipt("s", "m1", ReceiptOutcome::Withdrawn));
    assert!(gone(&outputs).contains(&with_text("m1")[0]), "{:?}", gone(&outputs));
    assert_eq!(scene.state("m1"), None);
}
