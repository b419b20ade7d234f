//! Snapshots: whole or not at all.

use moorline_protocol::{Answer, Append, BlockId, EventBody, GatewayFrame, Item, Seq, SnapshotPart, SnapshotReason};

use crate::scene::{Page, Scene, attached, attaches, cursor, events, given, hello, items, last, part, plain, welcome};

fn item(n: u64) -> Item {
    Item::Append(Append { block: BlockId::numbered(n), edition: 0, at: 0, text: String::new() })
}

fn with(part: SnapshotPart, n: u64) -> SnapshotPart {
    SnapshotPart { items: vec![item(n)], ..part }
}

/// A scene whose attach was answered by a snapshot of epoch `e`; the attach's number.
fn collecting() -> (Scene, u64) {
    let mut scene = Scene::ready();
    let no = attaches(&scene.show("s"))[0].no;
    scene.receives(attached("s", no, "e", 9, Answer::Snapshot(SnapshotReason::Fresh)));
    (scene, no)
}

#[test]
fn a_snapshot_is_merged_when_its_last_part_is_here() {
    let (mut scene, no) = collecting();
    assert_eq!(scene.receives(GatewayFrame::Snapshot(with(part("s", no, "e", 9, 0), 1))), []);
    assert_eq!(scene.receives(GatewayFrame::Snapshot(with(part("s", no, "e", 9, 1), 2))), []);
    assert_eq!(scene.cursor("s"), None);
    let outputs = scene.receives(last(with(part("s", no, "e", 9, 2), 3)));
    assert_eq!(items(&outputs), Some((true, vec![item(1), item(2), item(3)])));
    assert_eq!(scene.cursor("s"), Some(cursor("s", "e", 9)));
    assert_eq!(given(&scene.receives(events("s", vec![plain(10)]))), [10]);
}

#[test]
fn parts_out_of_order_are_discarded_and_asked_for_again() {
    let wrong_seq = |no| part("s", no, "e", 8, 1);
    let wrong_epoch = |no| part("s", no, "f", 9, 1);
    let skipped = |no| part("s", no, "e", 9, 2);
    let repeated = |no| part("s", no, "e", 9, 0);
    let wrongs: [&dyn Fn(u64) -> SnapshotPart; 4] = [&wrong_seq, &wrong_epoch, &skipped, &repeated];
    for wrong in wrongs {
        let (mut scene, no) = collecting();
        scene.receives(GatewayFrame::Snapshot(part("s", no, "e", 9, 0)));
        let outputs = scene.receives(last(wrong(no)));
        assert_eq!(items(&outputs), None);
        let again = attaches(&outputs);
        assert!(again.len() == 1 && again[0].no > no, "{again:?}");
        assert_eq!(scene.receives(last(part("s", no, "e", 9, 1))), [], "what still comes belongs to the attach before");
    }
}

#[test]
fn the_first_part_must_be_the_first() {
    let (mut scene, no) = collecting();
    assert_eq!(attaches(&scene.receives(last(part("s", no, "e", 9, 1)))).len(), 1);
}

#[test]
fn events_between_the_parts_are_ignored() {
    let (mut scene, no) = collecting();
    scene.receives(GatewayFrame::Snapshot(part("s", no, "e", 9, 0)));
    assert_eq!(given(&scene.receives(events("s", vec![plain(10)]))), [0; 0]);
}

#[test]
fn a_snapshot_of_the_same_epoch_merges_and_of_another_replaces() {
    for (of, replaces) in [("e", false), ("f", true)] {
        let mut scene = Scene::following("s", 5);
        scene.closes();
        scene.until_connect();
        let no = hello(&scene.opens()).attaches[0].no;
        scene.receives(GatewayFrame::Welcome(welcome()));
        let outputs = scene.snapshot("s", no, of, 9);
        assert_eq!(items(&outputs), Some((replaces, Vec::new())));
        assert_eq!(scene.cursor("s"), Some(cursor("s", of, 9)));
    }
}

#[test]
fn a_snapshot_that_is_older_than_the_cursor_is_of_another_journal_and_replaces() {
    let mut scene = Scene::following("s", 50);
    scene.closes();
    scene.until_connect();
    let no = hello(&scene.opens()).attaches[0].no;
    scene.receives(GatewayFrame::Welcome(welcome()));
    assert_eq!(items(&scene.snapshot("s", no, "e", 9)), Some((true, Vec::new())));
    assert_eq!(scene.cursor("s"), Some(cursor("s", "e", 9)));
}

#[test]
fn after_an_epoch_changed_its_low_seqs_are_news() {
    let mut scene = Scene::following("s", 500);
    scene.closes();
    scene.until_connect();
    let no = hello(&scene.opens()).attaches[0].no;
    scene.receives(GatewayFrame::Welcome(welcome()));
    scene.snapshot("s", no, "f", 2);
    assert_eq!(given(&scene.receives(events("s", vec![plain(3), plain(4)]))), [3, 4]);
}

#[test]
fn a_snapshot_that_was_not_applied_is_not_the_cursor() {
    let (mut scene, no) = collecting();
    scene.page = Page::Waits;
    scene.receives(last(part("s", no, "e", 9, 0)));
    assert_eq!(scene.cursor("s"), None);
    scene.closes();
    scene.until_connect();
    assert_eq!(hello(&scene.opens()).attaches[0].cursor(), None);
}

#[test]
fn an_empty_journal_is_a_snapshot_at_zero() {
    let mut scene = Scene::ready();
    let no = attaches(&scene.show("s"))[0].no;
    scene.snapshot("s", no, "e", 0);
    assert_eq!(scene.cursor("s").map(|cursor| cursor.seq), Some(Seq::ZERO));
    assert_eq!(given(&scene.receives(events("s", vec![plain(1)]))), [1]);
    assert!(matches!(plain(1).body, EventBody::TurnStarted(_)));
}
