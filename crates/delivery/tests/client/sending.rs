//! One send, from the keyboard to its event.

use moorline_delivery::{ClientEvent, DropReason, LinkClosed, LinkStatus, Output, Persist, Restored, SendResult, SendState};
use moorline_protocol::{AuthExpired, ClientFrame, Code, ErrorFrame, GatewayFrame, Limits, SendBody, Welcome};

use crate::scene::{
    Page, Scene, acceptance, accepted_at, answer, attached, events, given, gone, links, message, notices, persisted, plain, sent, session,
    stored, text, welcome,
};

#[test]
fn a_send_on_a_ready_connection_is_sent() {
    let mut scene = Scene::ready();
    let (result, outputs) = scene.send(text("s", "m1"));
    assert_eq!(result, SendResult::Sent);
    assert_eq!(sent(&outputs), ["m1"]);
    assert_eq!(scene.state("m1"), Some(SendState::Sending));
}

#[test]
fn a_send_without_a_ready_connection_is_queued() {
    let mut scene = Scene::new();
    assert_eq!(scene.send(text("s", "m1")).0, SendResult::Queued, "while it connects");
    assert_eq!(sent(&scene.opens()), [""; 0]);
    assert_eq!(scene.send(text("t", "m2")).0, SendResult::Queued, "before welcome");
    assert_eq!(sent(&scene.receives(GatewayFrame::Welcome(welcome()))), ["m1", "m2"]);
    scene.closes();
    assert_eq!(scene.send(text("u", "m3")).0, SendResult::Queued, "while it waits");
    assert_eq!(scene.state("m3"), Some(SendState::Queued));
}

#[test]
fn a_send_behind_another_is_queued() {
    let mut scene = Scene::ready();
    scene.send(text("s", "m1"));
    let (result, outputs) = scene.send(text("s", "m2"));
    assert_eq!((result, sent(&outputs)), (SendResult::Queued, vec![]));
}

#[test]
fn a_full_outbox_drops_by_count_and_evicts_nothing() {
    let mut scene = Scene::new();
    for n in 0..100 {
        assert_eq!(scene.send(text("s", &format!("m{n}"))).0, SendResult::Queued);
    }
    let (result, outputs) = scene.send(text("t", "one-more"));
    assert_eq!((result, outputs), (SendResult::Dropped(DropReason::OutboxFull), vec![]));
    let held: Vec<String> = scene.client.sends().map(|status| status.send.message.to_string()).collect();
    assert_eq!(held, (0..100).map(|n| format!("m{n}")).collect::<Vec<_>>());
}

#[test]
fn a_full_outbox_drops_by_bytes() {
    let mut scene = Scene::new();
    let large = |id: &str, bytes: usize| moorline_protocol::Send { body: SendBody::Text("x".repeat(bytes)), ..text("s", id) };
    for n in 0..4 {
        assert_eq!(scene.send(large(&format!("m{n}"), 250 << 10)).0, SendResult::Queued);
    }
    assert_eq!(scene.send(large("m4", (24 << 10) + 1)).0, SendResult::Dropped(DropReason::OutboxFull));
    assert_eq!(scene.send(large("m5", 24 << 10)).0, SendResult::Queued, "what fits exactly fits");
    assert_eq!(scene.client.sends().count(), 5);
}

#[test]
fn what_the_gateway_has_takes_no_place_in_the_outbox() {
    let (mut scene, _) = Scene::with(1, Limits { outbox_sends: 1, ..Limits::default() }, Restored::default());
    scene.opens();
    scene.receives(GatewayFrame::Welcome(Welcome { limits: Limits { outbox_sends: 1, ..Limits::default() }, ..welcome() }));
    scene.send(text("s", "m1"));
    assert_eq!(scene.send(text("s", "m2")).0, SendResult::Dropped(DropReason::OutboxFull));
    scene.receives(accepted_at("s", "m1", 1));
    assert_eq!(scene.send(text("s", "m2")).0, SendResult::Sent);
}

#[test]
fn a_send_that_is_too_large_for_the_gateway_is_dropped() {
    let mut scene = Scene::ready();
    let body = SendBody::Text("x".repeat((256 << 10) + 1));
    assert_eq!(scene.send(moorline_protocol::Send { body, ..text("s", "m1") }).0, SendResult::Dropped(DropReason::TooLarge));
    assert_eq!(scene.client.sends().count(), 0);
}

#[test]
fn a_send_while_signed_out_or_incompatible_is_dropped() {
    let expired = GatewayFrame::AuthExpired(AuthExpired {});
    let incompatible = GatewayFrame::Error(ErrorFrame::new(Code::IncompatibleVersion, "reload"));
    for (frame, reason) in [(expired, DropReason::SignedOut), (incompatible, DropReason::IncompatibleVersion)] {
        let mut scene = Scene::ready();
        scene.receives(frame);
        let (result, outputs) = scene.send(text("s", "m1"));
        assert_eq!((result, outputs), (SendResult::Dropped(reason), vec![]));
    }
}

#[test]
fn a_send_is_persisted_before_it_is_transmitted() {
    let mut scene = Scene::ready();
    for (send, id) in [(text("s", "m1"), "m1"), (answer("s", "m2", "b1"), "m2")] {
        let (_, outputs) = scene.send(send);
        let put = outputs
            .iter()
            .position(|output| matches!(output, Output::Persist(Persist::PutSend(stored)) if stored.send.message == message(id)));
        let transmitted = outputs.iter().position(|output| matches!(output, Output::Transmit { frame: ClientFrame::Send(_), .. }));
        assert!(put.expect("persisted") < transmitted.expect("transmitted"), "{outputs:?}");
    }
}

#[test]
fn a_receipt_alone_does_not_remove_the_echo() {
    let mut scene = Scene::following("s", 5);
    scene.send(text("s", "m1"));
    let outputs = scene.receives(accepted_at("s", "m1", 6));
    assert_eq!(gone(&outputs), []);
    assert_eq!(persisted(&outputs), [Persist::RemoveSend(message("m1"))], "but it need not be kept any longer");
    assert_eq!(scene.state("m1"), Some(SendState::Accepted));
    let outputs = scene.receives(events("s", vec![acceptance(6, "m1")]));
    assert_eq!(gone(&outputs), [("m1".to_owned(), None)]);
    assert_eq!(scene.state("m1"), None);
}

#[test]
fn an_event_alone_is_a_receipt_too() {
    let mut scene = Scene::following("s", 5);
    scene.send(text("s", "m1"));
    let outputs = scene.receives(events("s", vec![acceptance(6, "m1")]));
    assert_eq!((gone(&outputs), stored(&outputs, "m1")), (vec![("m1".to_owned(), None)], None));
    assert!(persisted(&outputs).contains(&Persist::RemoveSend(message("m1"))));
    assert_eq!(gone(&scene.receives(accepted_at("s", "m1", 6))), [], "and the receipt behind it says nothing new");
    assert_eq!(scene.state("m1"), None);
}

#[test]
fn an_event_makes_a_failed_send_accepted() {
    let mut scene = Scene::following("s", 5);
    scene.send(text("s", "m1"));
    scene.receives(crate::scene::refusal(Code::Unprocessable, "m1"));
    assert!(matches!(scene.state("m1"), Some(SendState::Failed(_))));
    assert_eq!(gone(&scene.receives(events("s", vec![acceptance(6, "m1")]))), [("m1".to_owned(), None)]);
}

#[test]
fn an_event_accepts_a_send_in_every_state_of_it() {
    let queued = |_: &mut Scene| {};
    let sending = |scene: &mut Scene| assert_eq!(scene.state("m1"), Some(SendState::Sending));
    let retrying = |scene: &mut Scene| drop(scene.receives(crate::scene::refusal(Code::Internal, "m1")));
    let states: [&dyn Fn(&mut Scene); 3] = [&queued, &sending, &retrying];
    for state in states {
        let mut scene = Scene::following("s", 5);
        scene.send(text("s", "m1"));
        state(&mut scene);
        scene.receives(events("s", vec![acceptance(6, "m1")]));
        assert_eq!(scene.state("m1"), None);
        assert_eq!(sent(&scene.passes(30_000)), [""; 0], "and nothing is tried again");
    }
}

#[test]
fn an_event_that_nobody_applied_across_a_hole_is_no_receipt() {
    let mut scene = Scene::following("s", 5);
    scene.send(text("s", "m1"));
    scene.receives(events("s", vec![acceptance(8, "m1")]));
    assert_eq!(scene.state("m1"), Some(SendState::Sending));
}

#[test]
fn a_snapshot_speaks_as_its_events_would_have() {
    let mut scene = Scene::ready();
    scene.send(text("s", "m1"));
    let no = crate::scene::attaches(&scene.show("s"))[0].no;
    scene.receives(attached("s", no, "e", 9, moorline_protocol::Answer::Snapshot(moorline_protocol::SnapshotReason::Fresh)));
    let item = r#"{"turn":{"id":"m1","opened":3,"rev":3,"state":"queued"}}"#;
    let items = vec![serde_json::from_str(item).expect("an item")];
    let outputs = scene.receives(crate::scene::last(moorline_protocol::SnapshotPart { items, ..crate::scene::part("s", no, "e", 9, 0) }));
    assert_eq!(gone(&outputs), [("m1".to_owned(), None)]);
}

#[test]
fn an_echo_whose_event_lies_in_a_gap_waits_for_nothing() {
    let mut scene = Scene::following("s", 5);
    scene.send(text("s", "m1"));
    scene.receives(accepted_at("s", "m1", 6));
    scene.closes();
    scene.until_connect();
    let no = crate::scene::hello(&scene.opens()).attaches[0].no;
    scene.receives(GatewayFrame::Welcome(welcome()));
    let outputs = scene.snapshot("s", no, "e", 900);
    assert_eq!(gone(&outputs), [("m1".to_owned(), None)]);
}

#[test]
fn an_echo_stays_until_the_page_has_applied_its_event() {
    let mut scene = Scene::following("s", 5);
    scene.page = Page::Waits;
    scene.receives(events("s", vec![plain(6)]));
    scene.send(text("s", "m1"));
    assert_eq!(gone(&scene.receives(accepted_at("s", "m1", 7))), []);
    assert_eq!(given(&scene.receives(events("s", vec![plain(7)]))), [7], "the event of another kind at its place");
    let outputs = scene.does(|client, now| client.applied(now, &session("s"), moorline_protocol::Seq::new(7)));
    assert_eq!(gone(&outputs), [("m1".to_owned(), None)]);
}

#[test]
fn an_unauthorized_attempt_is_none_and_goes_on_after_the_login() {
    let unauthorized = GatewayFrame::Error(ErrorFrame { message_id: Some(message("m1")), ..ErrorFrame::new(Code::Unauthorized, "log in") });
    for frame in [unauthorized, GatewayFrame::AuthExpired(AuthExpired {})] {
        let mut scene = Scene::ready();
        scene.send(text("s", "m1"));
        let outputs = scene.receives(frame);
        assert_eq!(links(&outputs), [LinkStatus::SignedOut]);
        let told = |output: &Output| matches!(output, Output::Event(ClientEvent::Send(status)) if status.state == SendState::Queued);
        assert!(outputs.iter().any(told), "the page is told that it waits");
        assert_eq!(scene.state("m1"), Some(SendState::Queued));
        assert_eq!(scene.attempts("m1"), 0);
        assert_eq!(scene.passes(3_600_000), [], "nothing is tried meanwhile");
        scene.does(|client, now| client.signed_in(now));
        assert_eq!(sent(&scene.connect()), ["m1"]);
    }
}

#[test]
fn a_connection_refused_for_want_of_a_login_asks_for_one() {
    let mut scene = Scene::new();
    scene.send(text("s", "m1"));
    let link = scene.link;
    let outputs = scene.does(|client, now| client.handle_closed(now, link, LinkClosed::Unauthorized));
    assert_eq!(links(&outputs), [LinkStatus::SignedOut]);
    assert_eq!(scene.attempts("m1"), 0);
}

#[test]
fn a_write_that_failed_is_told_and_stops_nothing() {
    let mut scene = Scene::ready();
    scene.send(text("s", "m1"));
    let outputs = scene.does(|client, now| client.handle_persist_failed(now, &message("m1")));
    assert_eq!(notices(&outputs), [moorline_delivery::Notice::NotSaved]);
    assert_eq!(scene.state("m1"), Some(SendState::Sending));
}

#[test]
fn two_sends_with_the_same_text_are_two() {
    let mut scene = Scene::following("s", 5);
    let same = |id: &str| moorline_protocol::Send { body: SendBody::Text("again".to_owned()), ..text("s", id) };
    scene.send(same("m1"));
    scene.send(same("m2"));
    scene.receives(events("s", vec![acceptance(6, "m1")]));
    assert_eq!((scene.state("m1"), scene.state("m2")), (None, Some(SendState::Sending)));
}

#[test]
fn new_ids_are_never_the_same() {
    let mut scene = Scene::ready();
    let mut ids: Vec<String> = Vec::new();
    scene.does(|client, _| {
        ids.extend((0..1_000).map(|_| client.new_message_id().to_string()));
        ids.extend((0..1_000).map(|_| client.new_session_id().to_string()));
    });
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 2_000);
}
