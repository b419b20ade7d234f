//! Snapshots and pages: their bounds, and their way over the wire in parts.

use moorline_protocol::{Append, BlockText, Event, GatewayFrame, Item, Limits, Seq, SessionId, SnapshotPart, decode_gateway, encode};
use moorline_transcript::{Changes, Folding, Snapshot, Transcript, WholeTranscript, fold, parts};
use proptest::prelude::*;

use crate::journal::{Step, Writer, block, blocks_of, closed, epoch, journals, prefixes, turn_id, whole};

fn session() -> SessionId {
    SessionId::parse("s").expect("an id")
}

fn over_the_wire(snapshot: Snapshot, limits: &Limits) -> Snapshot {
    let parts = parts(snapshot, &session(), 7, limits);
    let last = parts.len() - 1;
    let arrived = parts.into_iter().enumerate().map(|(n, part)| {
        let text = encode(&GatewayFrame::Snapshot(part));
        assert!(text.len() <= limits.frame_bytes, "{} bytes in part {n}", text.len());
        let Ok(GatewayFrame::Snapshot(part)) = decode_gateway(&text) else { panic!("not a snapshot: {text}") };
        assert_eq!((part.part as usize, part.last, part.no), (n, n == last, 7));
        part
    });
    Snapshot::join(arrived.collect::<Vec<SnapshotPart>>()).expect("at least one part")
}

fn fresh(snapshot: Snapshot) -> Transcript {
    let mut transcript = Transcript::new();
    transcript.merge_snapshot(snapshot, &mut Changes::new());
    transcript
}

fn of_one_text(text: &str) -> Snapshot {
    let items = vec![Item::Block(moorline_protocol::Block { text: text.to_owned(), ..block(1, 1, 1) })];
    Snapshot { epoch: epoch("e"), seq: Seq::new(9), from: Seq::new(1), items }
}

#[test]
fn a_long_text_of_wide_characters_comes_through_in_parts() {
    let text = "é漢🦀\"\\\n\u{1}".repeat(16_000);
    assert!(text.len() > 200_000);
    let limits = Limits::default();
    assert!(parts(of_one_text(&text), &session(), 7, &limits).len() > text.len() / limits.frame_bytes);
    let there = fresh(over_the_wire(of_one_text(&text), &limits));
    assert_eq!(there.block(&block(1, 1, 1).id).expect("the block").text, text);
}

#[test]
fn an_empty_snapshot_is_one_part() {
    let parts = parts(WholeTranscript::new().snapshot(None, &Limits::default(), &epoch("e")), &session(), 1, &Limits::default());
    assert_eq!(parts.len(), 1);
    assert!(parts[0].last && parts[0].items.is_empty());
}

#[test]
fn fields_too_large_for_a_frame_still_come() {
    let mut snapshot = of_one_text("behind");
    if let Item::Block(block) = &mut snapshot.items[0] {
        block.fields.input = Some("x".repeat(40_000));
    }
    snapshot.items.push(Item::Block(block(2, 1, 2)));
    let there = Snapshot::join(parts(snapshot.clone(), &session(), 1, &Limits::default())).expect("parts");
    assert_eq!(fresh(there), fresh(snapshot));
}

#[test]
fn a_text_longer_than_its_limit_comes_as_its_tail() {
    let limits = Limits { text_bytes: 4, ..Limits::default() };
    let mut writer = Writer::default();
    writer.accept("漢漢漢", "", None);
    let snapshot = whole(&writer.events).snapshot(None, &limits, &epoch("e"));
    let cut = blocks_of(&snapshot.items)[0];
    assert_eq!((cut.from, cut.text.as_str()), (6, "漢"));
}

#[test]
fn a_tail_goes_on_and_gets_its_beginning_later() {
    let mut writer = Writer::default();
    let turn = writer.accept("0123456789", "", None);
    let mut there = fresh(whole(&writer.events).snapshot(None, &Limits { text_bytes: 4, ..Limits::default() }, &epoch("e")));
    writer.push(moorline_protocol::EventBody::Append(Append { block: block(1, 1, 1).id, edition: 0, at: 10, text: "ab".to_owned() }));
    there.apply(&writer.events[1], &mut Changes::new());
    let shown = |there: &Transcript| there.blocks(&turn).next().map(|block| (block.from, block.text.clone()));
    assert_eq!(shown(&there), Some((6, "6789ab".to_owned())));

    // The beginning may be as of an earlier seq than the tail.
    there.merge_page(whole(&writer.events[..1]).page(Seq::new(2), 9, &Limits::default(), &epoch("e")), &mut Changes::new());
    assert_eq!(shown(&there), Some((0, "0123456789ab".to_owned())));
}

#[test]
fn a_tail_takes_the_part_before_it_and_nothing_else() {
    let mut writer = Writer::default();
    let turn = writer.accept("0123456789", "", None);
    let tail = whole(&writer.events).snapshot(None, &Limits { text_bytes: 4, ..Limits::default() }, &epoch("e"));
    let mut there = fresh(tail);
    let part = |from: u64, text: &str| BlockText {
        epoch: epoch("e"),
        block: block(1, 1, 1).id,
        edition: 0,
        from,
        text: text.to_owned(),
        bytes: 10,
    };
    let shown = |there: &Transcript| there.blocks(&turn).next().map(|block| (block.from, block.text.clone()));
    let strange = [
        BlockText { epoch: epoch("f"), ..part(3, "345") },
        BlockText { edition: 1, ..part(3, "345") },
        BlockText { block: block(9, 9, 9).id, ..part(3, "345") },
        part(2, "234"),
        part(6, "6789"),
        part(8, "89"),
    ];
    for part in strange {
        let mut changes = Changes::new();
        there.merge_text(&part, &mut changes);
        assert_eq!((shown(&there), changes.blocks().count()), (Some((6, "6789".to_owned())), 0), "{part:?}");
    }
    let mut changes = Changes::new();
    there.merge_text(&part(3, "345"), &mut changes);
    assert_eq!(changes.blocks().count(), 1);
    there.merge_text(&part(0, "01234"), &mut Changes::new());
    assert_eq!(shown(&there), Some((0, "0123456789".to_owned())));
}

#[test]
fn a_newer_tail_leaves_the_beginning_that_is_here() {
    let mut writer = Writer::default();
    let turn = writer.accept("0123456789", "ab", None);
    let truth = prefixes(&writer.events);
    let mut there = truth[1].clone();
    there.merge_snapshot(
        whole(&writer.events).snapshot(Some(Seq::new(1)), &Limits { text_bytes: 4, ..Limits::default() }, &epoch("e")),
        &mut Changes::new(),
    );
    assert!(there.blocks(&turn).eq(truth[2].blocks(&turn)));
}

#[test]
fn a_new_edition_of_a_tail_is_whole() {
    let mut writer = Writer::default();
    let turn = writer.accept("0123456789", "", None);
    let mut there = fresh(whole(&writer.events).snapshot(None, &Limits { text_bytes: 4, ..Limits::default() }, &epoch("e")));
    writer.push(moorline_protocol::EventBody::Append(Append { block: block(1, 1, 1).id, edition: 1, at: 0, text: "new".to_owned() }));
    there.apply(&writer.events[1], &mut Changes::new());
    assert_eq!(there.blocks(&turn).map(|block| (block.from, block.text.as_str())).collect::<Vec<_>>(), [(0, "new")]);
}

#[test]
fn a_snapshot_that_reaches_further_back_fills_the_gap() {
    let journal = many_turns();
    let whole = whole(&journal);
    let mut there = fresh(whole.snapshot(None, &Limits { snapshot_turns: 5, ..Limits::default() }, &epoch("e")));
    let mut changes = Changes::new();
    there.merge_snapshot(whole.snapshot(Some(whole.transcript().seq()), &Limits::default(), &epoch("e")), &mut changes);
    assert!(there.gaps().is_empty() && changes.gaps());
    assert_eq!(there.turns().count(), 40);
}

#[test]
fn a_run_that_no_fold_can_stand_for_is_applied_and_gives_none() {
    let journal = many_turns();
    let truth = prefixes(&journal);
    let (mut base, limits) = (truth[3].clone(), Limits { event_bytes: 1 << 20, ..Limits::default() });
    assert_eq!(fold(&mut base, &journal[2..9], &limits), None, "the run begins before the base");
    assert_eq!(base, truth[9]);
    assert_eq!(fold(&mut base, &[], &limits), None);
    assert_eq!(fold(&mut base, &journal[9..40], &Limits { event_bytes: 100, ..Limits::default() }), None, "too long for an event");
}

#[test]
fn a_fold_carries_of_a_text_what_the_transcript_holds_of_it() {
    let steps = [Step::Accept { text: "go".to_owned(), rest: String::new(), urgent: false }, Step::Start];
    let journal = Writer::write(steps.into_iter().chain((0..30).map(|_| Step::Text("text".to_owned()))).collect());
    let (truth, limits) = (prefixes(&journal), Limits::default());
    let mut tail = fresh(whole(&journal[..4]).snapshot(None, &Limits { text_bytes: 1, ..Limits::default() }, &epoch("e")));
    let folded = fold(&mut tail, &journal[4..], &limits).expect("a fold");
    let mut reader = truth[20].clone();
    reader.apply(&folded, &mut Changes::new());
    assert_eq!(Some(&reader), truth.last(), "a reader inside the run has the beginning");
}

#[test]
fn a_long_text_is_folded_in_pieces_that_carry_it_once() {
    let steps = [Step::Accept { text: "go".to_owned(), rest: String::new(), urgent: false }, Step::Start];
    let journal = Writer::write(steps.into_iter().chain((0..4_000).map(|n| Step::Text(format!("word {n} ")))).collect());
    let limits = Limits::default();
    let rows = Folding::new().fold(&journal, &limits);
    assert!(rows.len() <= 12, "{} rows stand for {} events", rows.len(), journal.len());
    let bytes: usize = rows.iter().map(|row| encode(row).len()).sum();
    assert!(bytes < 60_000, "{bytes} bytes for 44 KB of text");
    assert!(rows.iter().all(|row| encode(&row.body).len() <= limits.event_bytes));
}

#[test]
fn a_snapshot_brings_an_open_request_wherever_it_stands() {
    let mut writer = Writer::default();
    let turn = writer.accept("go", "", None);
    writer.start();
    writer.push(moorline_protocol::EventBody::Opened(moorline_protocol::Opened {
        block: block(9, 1, 3).id,
        turn: turn.clone(),
        kind: moorline_protocol::BlockKind::Request,
        fields: closed(),
    }));
    writer.push(moorline_protocol::EventBody::TurnEnded(moorline_protocol::TurnEnded {
        turn,
        outcome: moorline_protocol::Outcome::Interrupted,
        error: None,
        usage: None,
    }));
    writer.accept("next", "", None);
    let whole = whole(&writer.events);
    let there = fresh(whole.snapshot(None, &Limits { snapshot_turns: 1, ..Limits::default() }, &epoch("e")));
    assert!(!there.gaps().is_empty());
    assert_eq!(there.state().waiting, [block(9, 1, 3).id]);
}

/// Forty finished turns of one text each: seven events a turn.
fn many_turns() -> Vec<Event> {
    let turn = [
        Step::Accept { text: "please".to_owned(), rest: String::new(), urgent: false },
        Step::Start,
        Step::Text("done".to_owned()),
        Step::End(moorline_protocol::Outcome::Completed),
    ];
    Writer::write((0..40).flat_map(|_| turn.clone()).collect())
}

#[test]
fn a_snapshot_keeps_to_its_number_of_turns() {
    let journal = many_turns();
    let whole = whole(&journal);
    let limits = Limits { snapshot_turns: 5, ..Limits::default() };
    let there = fresh(whole.snapshot(None, &limits, &epoch("e")));
    assert_eq!(there.turns().count(), 5);
    assert_eq!(there.gaps().len(), 1);
    assert_eq!(there.gaps()[0].to.next(), there.turn(&turn_id(36)).expect("the fifth from the end").opened);
}

#[test]
fn a_snapshot_keeps_to_its_bytes_inside_one_huge_turn() {
    let steps = [Step::Accept { text: "go".to_owned(), rest: String::new(), urgent: false }, Step::Start];
    let work = (0..2_000).flat_map(|_| [Step::Text("text".to_owned()), Step::Thought("thought".to_owned())]);
    let whole = whole(&Writer::write(steps.into_iter().chain(work).collect()));
    let limits = Limits { snapshot_bytes: 20_000, ..Limits::default() };
    let snapshot = whole.snapshot(None, &limits, &epoch("e"));
    let bytes: usize = snapshot.items.iter().map(|item| encode(item).len()).sum();
    assert!((10_000..22_000).contains(&bytes), "{bytes} bytes");
    let there = fresh(snapshot);
    assert_eq!(there.state(), whole.transcript().state());
    // The message is here although it lies in the gap: the turn at work has not closed it.
    assert_eq!(there.blocks(&turn_id(1)).next().map(|block| block.opened), Some(Seq::new(1)));
}

#[test]
fn a_page_keeps_to_its_blocks_and_says_what_it_covers() {
    let whole = whole(&many_turns());
    let page = whole.page(Seq::new(100), 6, &Limits::default(), &epoch("e"));
    assert_eq!(blocks_of(&page.items).len(), 6);
    assert_eq!(blocks_of(&page.items)[0].opened, page.from);
    let last = whole.page(Seq::new(3), 6, &Limits::default(), &epoch("e"));
    assert_eq!(last.from, Seq::new(1));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn any_snapshot_comes_through_in_parts(journal in journals(120), frame_bytes in 1_600..6_000_usize, text in "[a\"\né🦀\u{1}]{0,3000}") {
        let whole = whole(&journal);
        let limits = Limits { frame_bytes, ..Limits::default() };
        let mut snapshot = whole.snapshot(None, &limits, &epoch("e"));
        snapshot.items.extend(of_one_text(&text).items);
        prop_assert_eq!(fresh(over_the_wire(snapshot.clone(), &limits)), fresh(snapshot));
    }
}
