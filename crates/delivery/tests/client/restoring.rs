//! What a reload finds in the tab's storage.

use moorline_delivery::{Failure, Persist, Restored, SendResult, SendState, StoredSend, TakenBack};
use moorline_protocol::{Limits, ReceiptOutcome};

use crate::scene::{Scene, accepted_at, gone, persisted, receipt, sent, stored, text, withdrawn};

fn kept(order: u64, id: &str) -> StoredSend {
    StoredSend { order, send: text("s", id), attempts: 0, failure: None, withdrawing: None }
}

fn restored(outbox: Vec<StoredSend>) -> Scene {
    Scene::with(3, Limits::default(), Restored { outbox, ..Restored::default() }).0
}

#[test]
fn the_outbox_goes_on_in_its_order_with_its_ids() {
    let mut scene = restored(vec![kept(9, "m9"), kept(2, "m2"), kept(5, "m5")]);
    assert_eq!(sent(&scene.connect()), ["m2"]);
    assert_eq!(sent(&scene.receives(accepted_at("s", "m2", 1))), ["m5"]);
    assert_eq!(sent(&scene.receives(accepted_at("s", "m5", 2))), ["m9"]);
}

#[test]
fn every_restored_send_is_told_to_the_page() {
    let (_, outputs) = Scene::with(3, Limits::default(), Restored { outbox: vec![kept(2, "m2"), kept(1, "m1")], ..Restored::default() });
    let told: Vec<String> = crate::scene::told(&outputs)
        .into_iter()
        .filter_map(|event| match event {
            moorline_delivery::ClientEvent::Send(status) => Some(status.send.message.to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(told, ["m1", "m2"]);
}

#[test]
fn what_was_on_its_way_is_queued_again_and_the_cut_attempt_not_counted() {
    let mut scene = Scene::ready();
    let (_, outputs) = scene.send(text("s", "m1"));
    let held = stored(&outputs, "m1").expect("it is kept");
    let mut scene = restored(vec![held]);
    assert_eq!((scene.state("m1"), scene.attempts("m1")), (Some(SendState::Queued), 0));
    assert_eq!(sent(&scene.connect()), ["m1"]);
}

#[test]
fn attempts_that_failed_before_a_reload_still_count() {
    let mut scene = restored(vec![StoredSend { attempts: 2, ..kept(1, "m1") }]);
    scene.connect();
    scene.closes();
    assert!(matches!(scene.state("m1"), Some(SendState::Failed(_))));
}

#[test]
fn a_failed_send_stays_failed_and_holds_those_behind_it() {
    let failure = Failure { code: None, message: "it did not work".to_owned() };
    let mut scene = restored(vec![StoredSend { attempts: 3, failure: Some(failure.clone()), ..kept(1, "m1") }, kept(2, "m2")]);
    assert_eq!(sent(&scene.connect()), [""; 0]);
    assert_eq!(scene.state("m1"), Some(SendState::Failed(failure)));
}

#[test]
fn a_send_that_was_being_taken_back_is_asked_about_again() {
    let mut scene = restored(vec![StoredSend { withdrawing: Some(TakenBack::Edit), ..kept(1, "m1") }]);
    assert_eq!(withdrawn(&scene.connect()), ["m1"]);
    let outputs = scene.receives(receipt("s", "m1", ReceiptOutcome::Withdrawn));
    assert_eq!(gone(&outputs), [("m1".to_owned(), Some("text of m1".to_owned()))]);
    assert!(persisted(&outputs).contains(&Persist::RemoveSend(moorline_protocol::MessageId::parse("m1").expect("an id"))));
}

#[test]
fn a_restored_send_is_taken_back_by_the_gateways_word() {
    let mut scene = restored(vec![kept(1, "m1")]);
    let outputs = scene.does(|client, now| client.edit(now, &moorline_protocol::MessageId::parse("m1").expect("an id")));
    assert_eq!(gone(&outputs), [], "a copy of it may have left before the reload");
    assert_eq!(withdrawn(&scene.connect()), ["m1"]);
}

#[test]
fn a_new_send_goes_behind_the_restored_ones() {
    let mut scene = restored(vec![kept(41, "m1")]);
    scene.connect();
    let (result, outputs) = scene.send(text("s", "m2"));
    assert_eq!(result, SendResult::Queued);
    assert_eq!(stored(&outputs, "m2").expect("it is kept").order, 42);
}

#[test]
fn a_restored_outbox_counts_against_its_bounds() {
    let outbox = (0..100).map(|n| kept(n, &format!("m{n}"))).collect();
    let mut scene = restored(outbox);
    assert_eq!(scene.send(text("s", "m100")).0, SendResult::Dropped(moorline_delivery::DropReason::OutboxFull));
}

#[test]
fn what_is_stored_survives_being_written_and_read() {
    let full = StoredSend {
        attempts: 2,
        failure: Some(Failure { code: Some(moorline_protocol::Code::TooMany), message: "x".to_owned() }),
        withdrawing: Some(TakenBack::Remove),
        ..kept(7, "m1")
    };
    for stored in [kept(1, "m1"), full] {
        let text = moorline_protocol::encode(&stored);
        assert_eq!(serde_json::from_str::<StoredSend>(&text).expect("what was written"), stored);
    }
}
