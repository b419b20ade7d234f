//! What is acked, what is remembered, and when.

use moorline_delivery::{ClientEvent, Persist};
use moorline_protocol::{Answer, Epoch, Event, EventBody, Fold, Limits, Seq};

use crate::scene::{Page, Scene, acks, attached, attaches, cursor, epoch, events, hello, last, part, persisted, plain, session, told};

#[test]
fn nothing_is_acked_while_no_cursor_advances() {
    let mut scene = Scene::following("s", 5);
    scene.passes(5_000);
    assert_eq!(acks(&scene.passes_pinged(120_000)).len(), 0);
}

#[test]
fn a_cursor_that_advances_is_acked_every_five_seconds() {
    let mut scene = Scene::following("s", 1);
    scene.passes(5_000);
    let mut acked: Vec<u64> = Vec::new();
    for seq in 2..=31 {
        let mut outputs = scene.receives(events("s", vec![plain(seq)]));
        outputs.extend(scene.passes(1_000));
        acked.extend(acks(&outputs).iter().map(|cursors| cursors[0].seq.value()));
    }
    assert_eq!(acked, [6, 11, 16, 21, 26, 31]);
}

#[test]
fn an_ack_goes_at_once_when_half_of_the_credit_is_used() {
    let mut scene = Scene::following("s", 1);
    scene.signal(moorline_delivery::Signal::Hidden);
    let half = Limits::default().credit_bytes / 2;
    assert_eq!(acks(&scene.receives_bytes(events("s", vec![plain(2)]), half - 1)).len(), 0);
    assert_eq!(acks(&scene.receives_bytes(events("s", vec![plain(3)]), 1)), [[cursor("s", "e", 3)]]);
    assert_eq!(acks(&scene.receives_bytes(events("s", vec![plain(4)]), half - 1)).len(), 0, "and the count begins anew");
}

#[test]
fn one_ack_tells_every_cursor_that_advanced_and_no_other() {
    let mut scene = Scene::following("a", 1);
    scene.follow("b", 1);
    scene.follow("c", 1);
    scene.signal(moorline_delivery::Signal::Hidden);
    scene.receives(events("a", vec![plain(2)]));
    scene.receives(events("c", vec![plain(2), plain(3)]));
    let acked = acks(&scene.passes(5_000));
    assert_eq!(acked.len(), 1);
    let mut cursors = acked[0].clone();
    cursors.sort_by(|a, b| a.session.cmp(&b.session));
    assert_eq!(cursors, [cursor("a", "e", 2), cursor("c", "e", 3)]);
}

#[test]
fn a_cursor_moves_only_when_the_page_has_applied() {
    let mut scene = Scene::following("s", 1);
    scene.signal(moorline_delivery::Signal::Hidden);
    scene.page = Page::Waits;
    scene.receives(events("s", vec![plain(2), plain(3)]));
    let outputs = scene.passes(10_000);
    assert_eq!((acks(&outputs).len(), persisted(&outputs)), (0, vec![]));
    assert_eq!(scene.cursor("s"), Some(cursor("s", "e", 1)));
    scene.closes();
    scene.until_connect();
    assert_eq!(hello(&scene.opens()).attaches[0].seq, Seq::new(1), "what was received and not applied is asked for again");
}

#[test]
fn a_batch_moves_the_cursor_as_far_as_it_was_applied() {
    let mut scene = Scene::following("s", 1);
    scene.page = Page::Waits;
    scene.receives(events("s", (2..=9).map(plain).collect()));
    scene.does(|client, now| client.applied(now, &session("s"), Seq::new(4)));
    assert_eq!(scene.cursor("s"), Some(cursor("s", "e", 4)));
}

#[test]
fn a_cursor_never_runs_ahead_of_what_was_received() {
    let mut scene = Scene::following("s", 1);
    scene.does(|client, now| client.applied(now, &session("s"), Seq::new(99)));
    assert_eq!(scene.cursor("s"), Some(cursor("s", "e", 1)));
    scene.does(|client, now| client.applied(now, &session("unknown"), Seq::new(99)));
    assert_eq!(scene.cursor("unknown"), None);
}

#[test]
fn a_cursor_never_moves_back_within_an_epoch() {
    let mut scene = Scene::following("s", 1);
    scene.receives(events("s", vec![plain(2), plain(3)]));
    scene.does(|client, now| client.applied(now, &session("s"), Seq::new(2)));
    assert_eq!(scene.cursor("s"), Some(cursor("s", "e", 3)));
}

#[test]
fn a_cursor_is_remembered_on_the_ack_tick_and_not_with_every_event() {
    let mut scene = Scene::following("s", 1);
    scene.signal(moorline_delivery::Signal::Hidden);
    let mut written: Vec<Persist> = Vec::new();
    for seq in 2..=1_001 {
        written.extend(persisted(&scene.receives(events("s", vec![plain(seq)]))));
        written.extend(persisted(&scene.passes(10)));
    }
    assert_eq!(written.len(), 2, "ten seconds of events are two ticks");
    assert!(matches!(&written[1], Persist::Cursor(written) if written.seq >= Seq::new(990)), "{written:?}");
}

#[test]
fn what_is_acked_is_told_again_on_the_next_connection() {
    let mut scene = Scene::following("s", 5);
    scene.signal(moorline_delivery::Signal::Hidden);
    scene.closes();
    scene.until_connect();
    let no = hello(&scene.opens()).attaches[0].no;
    scene.receives(moorline_protocol::GatewayFrame::Welcome(crate::scene::welcome()));
    scene.receives(attached("s", no, "e", 5, Answer::UpToDate));
    assert_eq!(acks(&scene.passes(5_000)), [[cursor("s", "e", 5)]]);
}

#[test]
fn cursors_of_two_epochs_are_not_compared() {
    let mut scene = Scene::following("s", 500);
    scene.signal(moorline_delivery::Signal::Hidden);
    scene.closes();
    scene.until_connect();
    let no = hello(&scene.opens()).attaches[0].no;
    scene.receives(moorline_protocol::GatewayFrame::Welcome(crate::scene::welcome()));
    scene.snapshot("s", no, "f", 3);
    assert_eq!(scene.cursor("s"), Some(cursor("s", "f", 3)));
    let outputs = scene.passes(5_000);
    assert_eq!(acks(&outputs), [[cursor("s", "f", 3)]]);
    assert_eq!(persisted(&outputs), [Persist::Cursor(cursor("s", "f", 3))]);
}

#[test]
fn a_fold_moves_the_cursor_to_its_end() {
    let mut scene = Scene::following("s", 3);
    let fold = |first, seq| Event::folded(Seq::new(first), Seq::new(seq), 0, Fold { turns: Vec::new(), blocks: Vec::new() });
    scene.receives(events("s", vec![fold(2, 9)]));
    assert_eq!(scene.cursor("s"), Some(cursor("s", "e", 9)), "one that begins behind the cursor brings the rest");
    let outputs = scene.receives(events("s", vec![fold(4, 9), plain(10)]));
    let seqs = told(&outputs).into_iter().find_map(|event| match event {
        ClientEvent::Events { events, .. } => Some(events.len()),
        _ => None,
    });
    assert_eq!(seqs, Some(1), "one that ends at it brings nothing");
    assert!(attaches(&scene.receives(events("s", vec![fold(12, 20)]))).len() == 1, "one that begins beyond it is a hole");
}

#[test]
fn an_event_of_an_unknown_kind_moves_the_cursor_like_any_other() {
    let mut scene = Scene::following("s", 1);
    scene.receives(events("s", vec![Event::plain(Seq::new(2), 0, EventBody::Unknown { kind: "later".to_owned() }), plain(3)]));
    assert_eq!(scene.cursor("s"), Some(cursor("s", "e", 3)));
}

#[test]
fn events_carry_the_epoch_they_belong_to() {
    let mut scene = Scene::following("s", 1);
    let outputs = scene.receives(events("s", vec![plain(2)]));
    let of: Vec<Epoch> = told(&outputs)
        .into_iter()
        .filter_map(|event| match event {
            ClientEvent::Events { epoch, .. } => Some(epoch),
            _ => None,
        })
        .collect();
    assert_eq!(of, [epoch("e")]);
    let no = {
        scene.closes();
        scene.until_connect();
        hello(&scene.opens()).attaches[0].no
    };
    scene.receives(moorline_protocol::GatewayFrame::Welcome(crate::scene::welcome()));
    scene.receives(attached("s", no, "f", 1, Answer::Snapshot(moorline_protocol::SnapshotReason::Epoch)));
    scene.receives(last(part("s", no, "f", 1, 0)));
    assert_eq!(scene.cursor("s"), Some(cursor("s", "f", 1)));
}
