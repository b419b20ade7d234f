//! Nothing is applied across a hole.

use moorline_delivery::Output;
use moorline_protocol::{Answer, Attach, GatewayFrame, Seq, SnapshotReason};
use proptest::{collection::vec, prelude::*};

use crate::scene::{Scene, attached, attaches, caught_up, cursor, events, given, hello, last, part, plain, welcome};

fn one_attach(outputs: &[Output]) -> Attach {
    let attaches = attaches(outputs);
    assert_eq!(attaches.len(), 1, "{attaches:?}");
    attaches[0].clone()
}

#[test]
fn a_hole_is_answered_by_an_attach_from_the_cursor() {
    let mut scene = Scene::following("s", 5);
    let outputs = scene.receives(events("s", vec![plain(8)]));
    assert_eq!(given(&outputs), [0; 0]);
    let attach = one_attach(&outputs);
    assert_eq!(attach.cursor(), Some((&cursor("s", "e", 5).epoch, Seq::new(5))));
    assert!(!attach.snapshot);
    assert_eq!(scene.client.counters().holes, 1);
    assert_eq!(given(&scene.receives(events("s", vec![plain(6)]))), [0; 0], "what still comes belongs to the attach before");
}

#[test]
fn what_lies_behind_a_hole_in_a_batch_is_discarded() {
    let mut scene = Scene::following("s", 5);
    let outputs = scene.receives(events("s", vec![plain(6), plain(8), plain(9), plain(7)]));
    assert!(!given(&outputs).iter().any(|seq| *seq > 6), "{outputs:?}");
    let attach = one_attach(&outputs);
    let known = scene.cursor("s").expect("a cursor").seq;
    assert_eq!(attach.seq, known, "the attach goes on where the page stands");
}

#[test]
fn a_second_hole_at_the_same_cursor_asks_for_a_snapshot() {
    let mut scene = Scene::following("s", 5);
    let first = one_attach(&scene.receives(events("s", vec![plain(8)])));
    scene.receives(attached("s", first.no, "e", 9, Answer::Replay));
    let second = one_attach(&scene.receives(events("s", vec![plain(8)])));
    assert!(second.snapshot, "the replay had the same hole");
    assert_eq!(second.seq, Seq::new(5));
    scene.receives(attached("s", second.no, "e", 9, Answer::Snapshot(SnapshotReason::Asked)));
    scene.receives(last(part("s", second.no, "e", 9, 0)));
    assert_eq!(scene.cursor("s"), Some(cursor("s", "e", 9)));
    let third = one_attach(&scene.receives(events("s", vec![plain(12)])));
    assert!(!third.snapshot, "and the next one is a first one again");
}

#[test]
fn a_second_hole_at_another_cursor_is_a_first_one() {
    let mut scene = Scene::following("s", 5);
    let first = one_attach(&scene.receives(events("s", vec![plain(8)])));
    scene.receives(attached("s", first.no, "e", 9, Answer::Replay));
    scene.receives(events("s", vec![plain(6), plain(7)]));
    assert!(!one_attach(&scene.receives(events("s", vec![plain(9)]))).snapshot);
}

#[test]
fn events_without_any_transcript_are_a_hole() {
    let mut scene = Scene::ready();
    let no = attaches(&scene.show("s"))[0].no;
    let outputs = scene.receives(attached("s", no, "e", 5, Answer::Replay));
    assert_eq!(one_attach(&outputs).cursor(), None, "a replay of nothing is not believed");
}

#[test]
fn a_hole_before_a_reconnect_is_not_forgotten_by_it() {
    let mut scene = Scene::following("s", 5);
    let first = one_attach(&scene.receives(events("s", vec![plain(8)])));
    scene.receives(attached("s", first.no, "e", 9, Answer::Replay));
    scene.closes();
    scene.until_connect();
    let no = hello(&scene.opens()).attaches[0].no;
    scene.receives(GatewayFrame::Welcome(welcome()));
    scene.receives(attached("s", no, "e", 9, Answer::Replay));
    assert!(one_attach(&scene.receives(events("s", vec![plain(8)]))).snapshot);
}

proptest! {
    /// A gateway that loses, repeats and reorders as it likes: the page still gets every event once, in order.
    #[test]
    fn whatever_comes_the_page_is_given_consecutive_events(batches in vec(vec(1_u64..40, 1..8), 1..40)) {
        let mut scene = Scene::following("s", 0);
        let mut at = 0;
        for mut seqs in batches {
            seqs.sort_unstable();
            let outputs = scene.receives(events("s", seqs.iter().map(|seq| plain(*seq)).collect()));
            for seq in given(&outputs) {
                prop_assert_eq!(seq, at + 1);
                at = seq;
            }
            prop_assert_eq!(scene.cursor("s").expect("a cursor").seq, Seq::new(at));
            if let Some(attach) = attaches(&outputs).last() {
                prop_assert_eq!(attach.seq, Seq::new(at));
                // The gateway answers as if nothing were wrong, also where a snapshot was asked for.
                if attach.snapshot {
                    scene.snapshot("s", attach.no, "e", at);
                } else {
                    scene.receives(attached("s", attach.no, "e", 40, Answer::Replay));
                }
            }
        }
        // An honest gateway then brings the rest.
        let no = one_attach(&scene.reattach()).no;
        scene.receives(attached("s", no, "e", 40, Answer::Replay));
        let rest = given(&scene.receives(events("s", (at + 1..=40).map(plain).collect())));
        prop_assert_eq!(rest, (at + 1..=40).collect::<Vec<_>>());
        scene.receives(GatewayFrame::CaughtUp(caught_up("s", no, "e", 40)));
        prop_assert_eq!(scene.cursor("s"), Some(cursor("s", "e", 40)));
    }
}

impl Scene {
    /// Makes the client attach again, by a head of another epoch.
    fn reattach(&mut self) -> Vec<Output> {
        self.receives(crate::scene::ping(vec![cursor("s", "f", 1)]))
    }
}
