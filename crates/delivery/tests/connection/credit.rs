//! A reader that stops is delivered no more than its credit.

use moorline_protocol::{ClientFrame, GatewayFrame, Limits, Pong, Seq};

use crate::scene::{EVENT_BYTES, Scene, caught_up, cursor, fresh, from, greeting, parts, served};

/// A connection with a credit of 50 events of one session, each frame of ten, and a journal of 200.
fn scene() -> Scene {
    let limits = Limits { credit_bytes: 50 * EVENT_BYTES, frame_bytes: 10 * EVENT_BYTES, ..Limits::default() };
    let mut scene = Scene::with(limits);
    scene.keep("s", "e", 200);
    scene.keep("t", "e", 200);
    scene.says(greeting(Vec::new()));
    scene
}

fn last(written: &[crate::scene::Written]) -> u64 {
    served(written).last().map_or(0, |(.., last)| *last)
}

#[test]
fn delivery_stops_at_the_credit_and_goes_on_with_an_ack() {
    let mut scene = scene();
    assert_eq!(last(&scene.attach(from("s", 1, "e", 0))), 50);
    assert_eq!(served(&scene.commits("s", 1)), [], "not even for a new head");
    assert_eq!(served(&scene.passes(14_000)), []);
    assert_eq!(last(&scene.acks(vec![cursor("s", "e", 20)])), 70);
    assert_eq!(last(&scene.acks(vec![cursor("s", "e", 70)])), 120);
}

#[test]
fn the_cursors_of_a_pong_are_acks() {
    let mut scene = scene();
    scene.attach(from("s", 1, "e", 0));
    let written = scene.says(ClientFrame::Pong(Pong { cursors: vec![cursor("s", "e", 50)] }));
    assert_eq!(last(&written), 100);
}

#[test]
fn caught_up_is_not_told_before_everything_is_delivered() {
    let mut scene = scene();
    let mut written = scene.attach(from("s", 1, "e", 0));
    for _ in 0..3 {
        assert_eq!(caught_up(&written), []);
        let acked = last(&written);
        written.extend(scene.acks(vec![cursor("s", "e", acked)]));
    }
    assert_eq!(caught_up(&written)[0].seq, Seq::new(200));
}

#[test]
fn an_ack_again_or_backwards_gives_no_credit() {
    let mut scene = scene();
    scene.attach(from("s", 1, "e", 0));
    scene.acks(vec![cursor("s", "e", 20)]);
    assert_eq!(served(&scene.acks(vec![cursor("s", "e", 20)])), []);
    assert_eq!(served(&scene.acks(vec![cursor("s", "e", 10), cursor("s", "e", 0)])), []);
}

#[test]
fn an_ack_beyond_what_was_delivered_counts_as_one_of_what_was() {
    let mut scene = scene();
    scene.attach(from("s", 1, "e", 0));
    let written = scene.acks(vec![cursor("s", "e", 9_000_000)]);
    assert_eq!(served(&written)[0].1, 51, "the next event is the next one");
    assert_eq!(last(&written), 100, "and the credit behind it is an ordinary one");
    assert_eq!(last(&scene.acks(vec![cursor("s", "e", 60)])), 110);
}

#[test]
fn an_ack_of_another_epoch_or_of_a_session_that_is_not_attached_is_ignored() {
    let mut scene = scene();
    scene.attach(from("s", 1, "e", 0));
    assert_eq!(scene.acks(vec![cursor("s", "f", 50), cursor("t", "e", 50), cursor("unknown", "e", 50)]), []);
}

#[test]
fn the_credit_is_the_connections_and_not_the_sessions() {
    let mut scene = scene();
    scene.attach(from("s", 1, "e", 0));
    assert_eq!(served(&scene.attach(from("t", 2, "e", 0))), []);
    let written = scene.acks(vec![cursor("s", "e", 50)]);
    assert!(served(&written).iter().any(|(of, ..)| of == "t"), "and an ack of one goes to both");
}

#[test]
fn what_was_delivered_of_a_detached_session_is_forgotten() {
    let mut scene = scene();
    scene.attach(from("s", 1, "e", 0));
    scene.attach(from("t", 2, "e", 0));
    assert_eq!(last(&scene.detach("s", 3)), 50, "of the other one");
}

#[test]
fn an_attach_again_begins_with_an_empty_account() {
    let mut scene = scene();
    scene.attach(from("s", 1, "e", 0));
    assert_eq!(last(&scene.attach(from("s", 2, "e", 50))), 100);
}

#[test]
fn a_snapshot_goes_whole_and_is_charged() {
    let mut scene = scene();
    scene.parts = 30;
    let written = scene.attach(fresh("s", 1));
    assert_eq!(parts(&written).len(), 30, "it can be acked only as a whole");
    assert_eq!(served(&scene.commits("s", 5)), []);
    assert_eq!(last(&scene.acks(vec![cursor("s", "e", 200)])), 205);
}

#[test]
fn frames_that_are_no_events_need_no_credit() {
    let mut scene = scene();
    scene.attach(from("s", 1, "e", 0));
    let pongs = crate::scene::frames(&scene.says(ClientFrame::Ping(moorline_protocol::ClientPing {})));
    assert!(matches!(pongs[..], [GatewayFrame::Pong(_)]));
    scene.rows = 7;
    assert_eq!(scene.handles(moorline_delivery::ConnectionInput::RowsHead(7)).len(), 1);
}

#[test]
fn a_reader_that_stops_costs_a_bounded_account() {
    // Small frames, one event each: the account is kept in pieces of at least 4 KiB, so it stays small.
    let mut scene = Scene::with(Limits { frame_bytes: 1, ..Limits::default() });
    scene.keep("s", "e", 0);
    scene.says(greeting(vec![from("s", 1, "e", 0)]));
    for _ in 0..2_000 {
        scene.commits("s", 1);
    }
    let reached = scene.journals["s"].head.min(525);
    assert!(format!("{:?}", scene.core).len() < 20_000, "{} bytes describe it", format!("{:?}", scene.core).len());
    assert!(served(&scene.acks(vec![cursor("s", "e", reached)])).len() > 400);
}
