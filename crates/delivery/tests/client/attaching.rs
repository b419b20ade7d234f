//! Attaches and their answers.

use moorline_delivery::{AttachmentStatus, ClientEvent, Output};
use moorline_protocol::{Answer, Code, ErrorFrame, GatewayFrame, Limits, Seq, SnapshotReason};

use crate::scene::{
    Scene, accepted_at, attached, attaches, caught_up, cursor, events, given, hello, items, last, part, ping, plain, session, text, told,
    welcome,
};

fn refused(of: &str, no: u64) -> GatewayFrame {
    let error = ErrorFrame::new(Code::UnknownSession, "there is none");
    GatewayFrame::Error(ErrorFrame { session: Some(session(of)), no: Some(no), ..error })
}

fn status(outputs: &[Output]) -> Option<AttachmentStatus> {
    told(outputs).into_iter().find_map(|event| match event {
        ClientEvent::Attachment { status, .. } => Some(status),
        _ => None,
    })
}

/// Comes back on a new connection; the number of the one attach in its hello.
fn come_back(scene: &mut Scene) -> u64 {
    scene.closes();
    scene.until_connect();
    let no = hello(&scene.opens()).attaches[0].no;
    scene.receives(GatewayFrame::Welcome(welcome()));
    no
}

#[test]
fn the_first_attach_has_no_cursor() {
    let mut scene = Scene::ready();
    let attach = &attaches(&scene.show("s"))[0];
    assert_eq!((attach.cursor(), attach.snapshot), (None, false));
}

#[test]
fn numbers_rise_over_all_sessions_and_connections() {
    let mut scene = Scene::ready();
    let mut numbers: Vec<u64> = Vec::new();
    for of in ["a", "b", "c", "d", "e", "a"] {
        numbers.extend(attaches(&scene.show(of)).iter().map(|attach| attach.no));
    }
    scene.closes();
    scene.until_connect();
    numbers.extend(hello(&scene.opens()).attaches.iter().map(|attach| attach.no));
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
}

#[test]
fn a_replay_is_applied_in_order_behind_the_cursor() {
    let mut scene = Scene::following("s", 5);
    let no = come_back(&mut scene);
    scene.receives(attached("s", no, "e", 9, Answer::Replay));
    assert_eq!(given(&scene.receives(events("s", vec![plain(6), plain(7)]))), [6, 7]);
    assert_eq!(given(&scene.receives(events("s", vec![plain(8), plain(9)]))), [8, 9]);
    assert_eq!(status(&scene.receives(GatewayFrame::CaughtUp(caught_up("s", no, "e", 9)))), Some(AttachmentStatus::Live));
}

#[test]
fn what_is_known_already_is_dropped() {
    let mut scene = Scene::following("s", 5);
    assert_eq!(given(&scene.receives(events("s", (3..=7).map(plain).collect()))), [6, 7]);
    assert_eq!(given(&scene.receives(events("s", (3..=7).map(plain).collect()))), [0; 0]);
    assert_eq!(scene.client.counters().duplicates, 3 + 5);
}

#[test]
fn events_before_the_answer_to_an_attach_belong_to_an_older_one_and_are_ignored() {
    let mut scene = Scene::following("s", 5);
    let no = come_back(&mut scene);
    assert_eq!(given(&scene.receives(events("s", vec![plain(6)]))), [0; 0]);
    scene.receives(attached("s", no, "e", 6, Answer::Replay));
    assert_eq!(given(&scene.receives(events("s", vec![plain(6)]))), [6]);
}

#[test]
fn answers_to_an_older_attach_are_ignored() {
    let mut scene = Scene::ready();
    let old = attaches(&scene.show("s"))[0].no;
    let new = come_back(&mut scene);
    assert_ne!(old, new);
    let fresh = Answer::Snapshot(SnapshotReason::Fresh);
    assert_eq!(scene.receives(attached("s", old, "e", 5, fresh)), []);
    assert_eq!(scene.receives(last(part("s", old, "e", 5, 0))), []);
    assert_eq!(scene.receives(GatewayFrame::CaughtUp(caught_up("s", old, "e", 5))), []);
    assert_eq!(scene.receives(refused("s", old)), []);
    assert_eq!(scene.client.counters().snapshots, 0);
    scene.receives(attached("s", new, "e", 5, fresh));
    assert_eq!(scene.receives(last(part("s", old, "e", 4, 0))), [], "also while the new one's parts come");
    assert!(items(&scene.receives(last(part("s", new, "e", 5, 0)))).is_some());
}

#[test]
fn a_second_answer_to_the_same_attach_is_ignored() {
    let mut scene = Scene::following("s", 5);
    let no = come_back(&mut scene);
    scene.receives(attached("s", no, "e", 9, Answer::Replay));
    scene.receives(events("s", vec![plain(6)]));
    assert_eq!(scene.receives(attached("s", no, "e", 9, Answer::Snapshot(SnapshotReason::Asked))), []);
    assert_eq!(given(&scene.receives(events("s", vec![plain(7)]))), [7]);
}

#[test]
fn an_attach_without_an_answer_for_ten_seconds_gives_the_connection_up() {
    let mut scene = Scene::ready();
    let link = scene.link;
    scene.show("s");
    for _ in 0..9 {
        scene.receives(ping(Vec::new()));
        assert!(!scene.passes(1_000).contains(&Output::Disconnect { link }));
    }
    scene.receives(ping(Vec::new()));
    assert!(!scene.passes(999).contains(&Output::Disconnect { link }));
    assert!(scene.passes(1).contains(&Output::Disconnect { link }), "however many signs of life there were");
}

#[test]
fn every_part_of_a_snapshot_is_an_answer() {
    let mut scene = Scene::ready();
    let link = scene.link;
    let no = attaches(&scene.show("s"))[0].no;
    scene.receives(attached("s", no, "e", 5, Answer::Snapshot(SnapshotReason::Fresh)));
    for number in 0..10 {
        assert!(!scene.passes(9_000).contains(&Output::Disconnect { link }));
        scene.receives(GatewayFrame::Snapshot(part("s", no, "e", 5, number)));
    }
    assert!(scene.passes(10_000).contains(&Output::Disconnect { link }), "and the one that does not come is missed");
}

#[test]
fn a_session_that_does_not_exist_is_attached_once_it_does() {
    let mut scene = Scene::ready();
    let no = attaches(&scene.show("s"))[0].no;
    assert_eq!(status(&scene.receives(refused("s", no))), Some(AttachmentStatus::Missing));
    assert_eq!(attaches(&scene.passes_pinged(60_000)), [], "asking again does not make it");
    scene.send(text("s", "m1"));
    let again = attaches(&scene.receives(accepted_at("s", "m1", 1)));
    assert_eq!(again.len(), 1);
    assert!(again[0].no > no);

    let mut scene = Scene::ready();
    let no = attaches(&scene.show("s"))[0].no;
    scene.receives(refused("s", no));
    let row = |deleted: &str| {
        format!(r#"{{"sessions":{{"rows":[{{"session":"s","rev":1,"title":"","created_at":0,"changed_at":0{deleted}}}]}}}}"#)
    };
    let row = |deleted: &str| moorline_protocol::decode_gateway(&row(deleted)).expect("a frame");
    assert_eq!(attaches(&scene.receives(row(r#","deleted":true"#))), []);
    assert_eq!(attaches(&scene.receives(row(""))).len(), 1, "its row says so too");
}

#[test]
fn a_lost_tail_is_noticed_by_the_head_in_a_ping() {
    let mut scene = Scene::following("s", 5);
    scene.receives(ping(vec![cursor("s", "e", 6)]));
    assert_eq!(attaches(&scene.passes(1_999)), []);
    let again = attaches(&scene.passes(1));
    assert_eq!(again[0].cursor(), Some((&cursor("s", "e", 5).epoch, Seq::new(5))));
    assert!(!again[0].snapshot);
}

#[test]
fn a_head_that_is_ahead_is_no_loss_while_events_arrive() {
    let mut scene = Scene::following("s", 5);
    scene.receives(ping(vec![cursor("s", "e", 100)]));
    for seq in 6..=99 {
        assert_eq!(attaches(&scene.passes(1_500)), [], "before {seq}");
        scene.receives(events("s", vec![plain(seq)]));
    }
    scene.receives(events("s", vec![plain(100)]));
    assert_eq!(attaches(&scene.passes(10_000)), [], "nor once it is reached");
}

#[test]
fn a_head_that_stands_is_no_loss() {
    let mut scene = Scene::following("s", 5);
    for _ in 0..20 {
        scene.receives(ping(vec![cursor("s", "e", 5)]));
        assert_eq!(attaches(&scene.passes(15_000)), []);
    }
}

#[test]
fn an_answer_with_nothing_behind_it_is_a_lost_tail() {
    let mut scene = Scene::following("s", 5);
    let no = come_back(&mut scene);
    scene.receives(attached("s", no, "e", 9, Answer::Replay));
    assert_eq!(attaches(&scene.passes(1_999)), []);
    assert_eq!(attaches(&scene.passes(1)).len(), 1);
}

#[test]
fn a_head_of_another_epoch_is_attached_again_at_once() {
    let mut scene = Scene::following("s", 5);
    assert_eq!(attaches(&scene.receives(ping(vec![cursor("s", "f", 5)]))).len(), 1);
}

#[test]
fn caught_up_somewhere_else_is_a_loss() {
    for wrong in [caught_up("s", 0, "e", 6), caught_up("s", 0, "f", 5)] {
        let mut scene = Scene::following("s", 5);
        let no = come_back(&mut scene);
        scene.receives(attached("s", no, "e", 5, Answer::UpToDate));
        let outputs = scene.receives(GatewayFrame::CaughtUp(moorline_protocol::CaughtUp { no, ..wrong }));
        assert_eq!(attaches(&outputs).len(), 1);
        assert!(!told(&outputs).iter().any(|event| matches!(event, ClientEvent::CaughtUp { .. })), "and its state is not believed");
    }
}

#[test]
fn up_to_date_about_another_epoch_is_not_believed() {
    let mut scene = Scene::following("s", 5);
    let no = come_back(&mut scene);
    let again = attaches(&scene.receives(attached("s", no, "f", 5, Answer::UpToDate)));
    assert_eq!(again[0].cursor(), None);
}

#[test]
fn the_limits_told_in_welcome_are_kept() {
    let mut scene = Scene::new();
    scene.opens();
    let small = Limits { credit_bytes: 1_000, ..Limits::default() };
    scene.receives(GatewayFrame::Welcome(moorline_protocol::Welcome { limits: small, ..welcome() }));
    scene.follow("s", 1);
    scene.signal(moorline_delivery::Signal::Hidden);
    assert_eq!(crate::scene::acks(&scene.receives_bytes(events("s", vec![plain(2)]), 500)).len(), 1);
}
