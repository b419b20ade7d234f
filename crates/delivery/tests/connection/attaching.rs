//! What an attach is answered, and which attach counts.

use moorline_delivery::{ConnectionInput, ConnectionOutput};
use moorline_protocol::{Answer, Attach, Code, Limits, Seq, SessionState, SnapshotReason};

use crate::scene::{Scene, answers, caught_up, cursor, errors, fresh, from, greeting, parts, served, session};

fn answer(head: u64, attach: Attach) -> Answer {
    let mut scene = Scene::greeted("s", head);
    answers(&scene.attach(attach))[0].1
}

#[test]
fn a_cursor_at_the_head_is_up_to_date() {
    let mut scene = Scene::greeted("s", 9);
    let written = scene.attach(from("s", 1, "e", 9));
    assert_eq!(answers(&written), [(1, Answer::UpToDate)]);
    assert_eq!((served(&written).len(), parts(&written).len(), caught_up(&written).len()), (0, 0, 1));
    assert_eq!(answer(0, from("s", 1, "e", 0)), Answer::UpToDate, "also of an empty journal");
}

#[test]
fn a_cursor_behind_the_head_is_replayed_from_it() {
    let mut scene = Scene::greeted("s", 9);
    let written = scene.attach(from("s", 1, "e", 4));
    assert_eq!(answers(&written), [(1, Answer::Replay)]);
    assert_eq!(served(&written), [("s".to_owned(), 5, 9)]);
}

#[test]
fn no_cursor_is_answered_with_a_fresh_snapshot() {
    assert_eq!(answer(9, fresh("s", 1)), Answer::Snapshot(SnapshotReason::Fresh));
    assert_eq!(answer(0, fresh("s", 1)), Answer::Snapshot(SnapshotReason::Fresh));
    assert_eq!(answer(9, Attach { seq: Seq::new(9), ..fresh("s", 1) }), Answer::Snapshot(SnapshotReason::Fresh), "a seq alone is none");
}

#[test]
fn more_than_the_cap_is_too_old() {
    assert_eq!(answer(300, from("s", 1, "e", 100)), Answer::Replay, "200 are not more than 200");
    assert_eq!(answer(301, from("s", 1, "e", 100)), Answer::Snapshot(SnapshotReason::TooOld));
}

#[test]
fn the_cap_counts_the_rows_that_are_kept_and_not_the_events_that_they_stand_for() {
    let mut scene = Scene::greeted("s", 10_000);
    scene.journals.get_mut("s").expect("a journal").rows = Some(40);
    assert_eq!(answers(&scene.attach(from("s", 1, "e", 0)))[0].1, Answer::Replay);
    scene.journals.get_mut("s").expect("a journal").rows = Some(201);
    assert_eq!(answers(&scene.attach(from("s", 2, "e", 0)))[0].1, Answer::Snapshot(SnapshotReason::TooOld));
}

#[test]
fn a_look_up_is_told_what_the_client_has() {
    let mut scene = Scene::greeted("s", 9);
    scene.attach(from("s", 1, "e", 4));
    scene.attach(fresh("s", 2));
    let asked = scene.asked.iter().filter_map(|asked| match asked {
        ConnectionOutput::Open { cursor, .. } => Some(cursor.as_ref().map(|cursor| (cursor.epoch.as_str(), cursor.seq.value()))),
        _ => None,
    });
    assert_eq!(asked.collect::<Vec<_>>(), [Some(("e", 4)), None]);
}

#[test]
fn a_head_that_moves_during_the_look_up_counts() {
    let mut scene = Scene::greeted("s", 9);
    scene.opens = false;
    scene.attach(from("s", 1, "e", 4));
    let journal = scene.journal(&session("s"));
    scene.journals.get_mut("s").expect("a journal").head = 11;
    scene.handles(ConnectionInput::Head { session: session("s"), head: Seq::new(11), state: SessionState::default(), agent: None });
    let written = scene.handles(ConnectionInput::Journal { session: session("s"), no: 1, journal });
    assert_eq!(served(&written), [("s".to_owned(), 5, 11)]);
    assert_eq!(caught_up(&written)[0].seq, Seq::new(11));
}

#[test]
fn where_a_client_stands_is_written_down_by_its_acks_and_by_cursors_that_are_believed() {
    let mut scene = Scene::greeted("s", 9);
    scene.attach(from("s", 1, "e", 4));
    scene.acks(vec![cursor("s", "e", 7)]);
    scene.acks(vec![cursor("s", "e", 70), cursor("s", "f", 8), cursor("other", "e", 3)]);
    scene.attach(from("s", 2, "e", 90));
    scene.attach(fresh("s", 3));
    let positions = scene.asked.iter().filter_map(|asked| match asked {
        ConnectionOutput::Position(position) => Some(position.clone()),
        _ => None,
    });
    let expected = [cursor("s", "e", 4), cursor("s", "e", 7), cursor("s", "e", 9)];
    assert_eq!(positions.collect::<Vec<_>>(), expected, "an ack beyond the head is clamped");
}

#[test]
fn a_cursor_before_the_oldest_kept_is_too_old() {
    let mut scene = Scene::greeted("s", 50);
    scene.journals.get_mut("s").expect("a journal").oldest = 40;
    assert_eq!(answers(&scene.attach(from("s", 1, "e", 39)))[0].1, Answer::Replay, "just before the oldest");
    assert_eq!(answers(&scene.attach(from("s", 2, "e", 38)))[0].1, Answer::Snapshot(SnapshotReason::TooOld), "one earlier");
}

#[test]
fn a_cursor_ahead_of_the_head_is_too_old_and_has_nothing() {
    let mut scene = Scene::greeted("s", 9);
    assert_eq!(answers(&scene.attach(from("s", 1, "e", 10)))[0].1, Answer::Snapshot(SnapshotReason::TooOld));
    assert!(matches!(
        scene.asked.iter().rev().find(|asked| matches!(asked, ConnectionOutput::Snapshot { .. })),
        Some(ConnectionOutput::Snapshot { since: None, .. })
    ));
}

#[test]
fn a_cursor_of_another_epoch_is_told_so_and_has_nothing() {
    let mut scene = Scene::greeted("s", 9);
    assert_eq!(answers(&scene.attach(from("s", 1, "f", 9)))[0].1, Answer::Snapshot(SnapshotReason::Epoch));
    assert!(scene.asked.iter().any(|asked| matches!(asked, ConnectionOutput::Snapshot { since: None, .. })));
}

#[test]
fn a_snapshot_is_given_to_who_asks_for_it() {
    let mut scene = Scene::greeted("s", 9);
    let asked = Attach { snapshot: true, ..from("s", 1, "e", 9) };
    assert_eq!(answers(&scene.attach(asked))[0].1, Answer::Snapshot(SnapshotReason::Asked));
    let since = Some(Seq::new(9));
    assert!(scene.asked.iter().any(|asked| matches!(asked, ConnectionOutput::Snapshot { since: told, .. } if *told == since)));
}

#[test]
fn caught_up_comes_once_for_each_attach_at_exactly_the_head_with_the_state() {
    let mut scene = Scene::greeted("s", 9);
    let written = scene.attach(from("s", 1, "e", 4));
    let told = caught_up(&written);
    assert_eq!(told.iter().map(|told| (told.no, told.seq.value())).collect::<Vec<_>>(), [(1, 9)]);
    assert_eq!(caught_up(&scene.commits("s", 5)), [], "what follows is live");
    assert_eq!(caught_up(&scene.passes(30_000)), []);
    let told = caught_up(&scene.attach(from("s", 2, "e", 14)));
    assert_eq!(told.iter().map(|told| (told.no, told.seq.value())).collect::<Vec<_>>(), [(2, 14)]);
}

#[test]
fn the_state_of_caught_up_is_that_of_the_head_it_names() {
    let mut scene = Scene::greeted("s", 9);
    scene.opens = false;
    scene.attach(from("s", 1, "e", 4));
    let busy = SessionState { queue: vec![moorline_protocol::MessageId::parse("m").expect("an id")], ..SessionState::default() };
    // The head moves between the look-up and the answer: the events and the state of the new one are told.
    scene.journals.get_mut("s").expect("a journal").head = 11;
    let mut journal = scene.journal(&session("s")).expect("a journal");
    journal.head = Seq::new(9);
    scene.core.handle(scene.now, ConnectionInput::Journal { session: session("s"), no: 1, journal: Some(journal) });
    let written = scene.handles(ConnectionInput::Head { session: session("s"), head: Seq::new(11), state: busy.clone(), agent: None });
    let told = caught_up(&written);
    assert_eq!((told[0].seq, &told[0].state), (Seq::new(11), &busy));
    assert_eq!(served(&written).last().expect("events").2, 11);
}

#[test]
fn an_idle_session_says_so_too() {
    let mut scene = Scene::greeted("s", 0);
    let written = scene.attach(fresh("s", 1));
    assert_eq!((parts(&written).len(), caught_up(&written)[0].state.clone()), (1, SessionState::default()));
}

#[test]
fn an_unknown_session_is_refused_with_its_number() {
    let mut scene = Scene::greeted("s", 1);
    let written = scene.attach(fresh("other", 4));
    let error = &errors(&written)[0];
    assert_eq!((error.code, error.session.clone(), error.no), (Code::UnknownSession, Some(session("other")), Some(4)));
    scene.keep("other", "e", 2);
    assert_eq!(answers(&scene.attach(fresh("other", 5))).len(), 1, "and may be tried again");
}

#[test]
fn an_attach_that_is_not_newer_is_ignored() {
    let mut scene = Scene::greeted("s", 9);
    scene.attach(from("s", 5, "e", 9));
    for no in [5, 4, 0] {
        assert_eq!(scene.attach(from("s", no, "e", 1)), [], "number {no}");
    }
    assert_eq!(answers(&scene.attach(from("s", 6, "e", 8))), [(6, Answer::Replay)]);
}

#[test]
fn a_detach_that_is_not_newer_is_ignored() {
    let mut scene = Scene::greeted("s", 9);
    scene.attach(from("s", 5, "e", 9));
    scene.detach("s", 5);
    scene.detach("s", 1);
    assert_eq!(served(&scene.commits("s", 1)), [("s".to_owned(), 10, 10)]);
}

#[test]
fn a_detached_session_is_left_and_served_no_more() {
    let mut scene = Scene::greeted("s", 9);
    scene.attach(from("s", 1, "e", 9));
    scene.detach("s", 2);
    assert_eq!(scene.asked.last(), Some(&ConnectionOutput::Leave { session: session("s") }));
    assert_eq!(scene.commits("s", 3), []);
    assert_eq!(answers(&scene.attach(from("s", 3, "e", 9))), [(3, Answer::Replay)]);
}

#[test]
fn a_detach_of_what_is_not_attached_is_ignored() {
    let mut scene = Scene::greeted("s", 9);
    assert_eq!(scene.detach("s", 1), []);
    assert_eq!(scene.detach("unknown", 2), []);
}

#[test]
fn an_attach_again_begins_anew_from_the_cursor_it_names() {
    let mut scene = Scene::greeted("s", 9);
    scene.attach(from("s", 1, "e", 0));
    let written = scene.attach(from("s", 2, "e", 3));
    assert_eq!(served(&written), [("s".to_owned(), 4, 9)]);
}

#[test]
fn a_look_up_for_an_older_attach_is_ignored() {
    let mut scene = Scene::greeted("s", 9);
    scene.opens = false;
    scene.attach(from("s", 1, "e", 9));
    scene.attach(from("s", 2, "e", 4));
    let journal = scene.journal(&session("s"));
    let late = ConnectionInput::Journal { session: session("s"), no: 1, journal: journal.clone() };
    assert_eq!(scene.handles(late), []);
    assert_eq!(scene.handles(ConnectionInput::Journal { session: session("s"), no: 1, journal: None }), []);
    let written = scene.handles(ConnectionInput::Journal { session: session("s"), no: 2, journal });
    assert_eq!(answers(&written), [(2, Answer::Replay)]);
}

#[test]
fn as_many_sessions_are_attached_as_the_limit_says() {
    let mut scene = Scene::with(Limits { attaches: 3, ..Limits::default() });
    for of in ["a", "b", "c", "d"] {
        scene.keep(of, "e", 1);
    }
    scene.says(greeting(vec![fresh("a", 1), fresh("b", 2)]));
    scene.attach(fresh("c", 3));
    let error = errors(&scene.attach(fresh("d", 4)))[0].clone();
    assert_eq!((error.code, error.session, error.no), (Code::TooMany, Some(session("d")), Some(4)));
    assert_eq!(answers(&scene.attach(fresh("a", 5))).len(), 1, "one of them may be attached again");
    scene.detach("b", 6);
    assert_eq!(answers(&scene.attach(fresh("d", 7))).len(), 1, "and another one once one has left");
}

#[test]
fn an_attach_that_was_overtaken_by_its_detach_is_ignored() {
    let mut scene = Scene::greeted("s", 9);
    scene.attach(from("s", 1, "e", 9));
    scene.detach("s", 3);
    assert_eq!(scene.attach(from("s", 2, "e", 9)), []);
}

#[test]
fn what_was_served_for_an_older_attach_does_not_move_the_new_ones_cursor() {
    let mut scene = Scene::greeted("s", 9);
    scene.attach(from("s", 1, "e", 9));
    scene.journals.get_mut("s").expect("a journal").head = 20;
    // The driver is busy with a frame of the first attach when the second one is answered.
    scene.core.handle(
        scene.now,
        ConnectionInput::Head { session: session("s"), head: Seq::new(20), state: SessionState::default(), agent: None },
    );
    assert!(matches!(scene.core.poll_output(), Some(ConnectionOutput::Serve { .. })));
    scene.core.handle(scene.now, ConnectionInput::Frame(moorline_protocol::ClientFrame::Attach(from("s", 2, "e", 4))));
    assert!(matches!(scene.core.poll_output(), Some(ConnectionOutput::Open { no: 2, .. })));
    let journal = scene.journal(&session("s"));
    scene.core.handle(scene.now, ConnectionInput::Journal { session: session("s"), no: 2, journal });
    let written = scene.handles(ConnectionInput::Served { session: session("s"), seq: Seq::new(20), bytes: 100 });
    assert_eq!(served(&written), [("s".to_owned(), 5, 20)]);
}
