//! What a transcript shows, case by case.

use moorline_protocol::{
    Append, Block, BlockId, BlockKind, Changed, Event, EventBody, FieldsPatch, Fold, Item, Limits, Opened, Outcome, Page, Patch, Seq,
    ToolStatus, TurnEnded, TurnState, TurnStopping, Withdrawn,
};
use moorline_transcript::{Changes, Gap, Snapshot, TextChange, Transcript};

use crate::journal::{Writer, block, block_id, closed, epoch, in_epoch, prefixes, turn_id, whole};

fn folded(writer: &Writer) -> Transcript {
    let mut transcript = in_epoch("e");
    for event in &writer.events {
        transcript.apply(event, &mut Changes::new());
    }
    transcript
}

fn started() -> Writer {
    let mut writer = Writer::default();
    writer.accept("go", "", None);
    writer.start();
    writer
}

fn append(block: u64, edition: u32, at: u64, text: &str) -> EventBody {
    EventBody::Append(Append { block: block_id(block), edition, at, text: text.to_owned() })
}

fn opened(block: u64, kind: BlockKind, status: ToolStatus) -> EventBody {
    let fields = FieldsPatch { status: Patch::Set(status), ..FieldsPatch::default() };
    EventBody::Opened(Opened { block: block_id(block), turn: turn_id(1), kind, fields })
}

fn text_of(transcript: &Transcript, block: u64) -> &str {
    transcript.block(&block_id(block)).map_or("", |block| &block.text)
}

#[test]
fn a_journal_replayed_twice_changes_nothing() {
    let mut writer = started();
    writer.push(opened(2, BlockKind::Text, ToolStatus::Pending));
    writer.push(append(2, 0, 0, "hello"));
    let once = folded(&writer);
    let (mut twice, mut changes) = (once.clone(), Changes::new());
    for event in &writer.events {
        twice.apply(event, &mut changes);
    }
    assert!(changes.is_empty());
    assert_eq!(twice, once);
}

#[test]
fn a_tool_call_and_its_result_are_one_block() {
    let mut writer = started();
    writer.push(opened(2, BlockKind::Tool, ToolStatus::InProgress));
    let fields = FieldsPatch { status: Patch::Set(ToolStatus::Completed), ..closed() };
    writer.push(EventBody::Changed(Changed { block: block_id(2), fields }));
    let there = folded(&writer);
    let tools: Vec<_> = there.blocks(&turn_id(1)).filter(|block| block.kind == BlockKind::Tool).collect();
    assert_eq!(tools.len(), 1);
    assert_eq!(tools[0].fields.status, Some(ToolStatus::Completed));
    assert_eq!((tools[0].opened, tools[0].rev), (Seq::new(3), Seq::new(4)));
}

#[test]
fn a_result_without_its_call_is_a_block_of_its_own() {
    let mut writer = started();
    writer.push(opened(2, BlockKind::Tool, ToolStatus::Completed));
    let there = folded(&writer);
    assert_eq!(there.block(&block_id(2)).and_then(|block| block.fields.status), Some(ToolStatus::Completed));
}

#[test]
fn a_change_of_what_never_was_moves_only_the_seq() {
    let mut writer = started();
    writer.push(EventBody::Changed(Changed { block: block_id(99), fields: closed() }));
    writer.push(EventBody::Withdrawn(Withdrawn { message: turn_id(99) }));
    let mut there = folded(&started());
    let mut changes = Changes::new();
    writer.events.iter().for_each(|event| there.apply(event, &mut changes));
    assert!(changes.is_empty());
    assert_eq!(there.seq(), Seq::new(4));
}

#[test]
fn turns_are_shown_as_started_then_urgent_then_queued() {
    let mut writer = started();
    let second = writer.accept("second", "", None);
    let third = writer.accept("third", "", None);
    let urgent = writer.accept("now", "", Some(turn_id(1)));
    writer.push(EventBody::Withdrawn(Withdrawn { message: second.clone() }));
    let there = folded(&writer);
    let shown: Vec<_> = there.turns().map(|turn| turn.id.clone()).collect();
    assert_eq!(shown, [turn_id(1), urgent.clone(), third.clone()]);
    assert_eq!(there.state().queue, [urgent, third]);
    assert_eq!(there.turn(&second).map(|turn| turn.state), Some(TurnState::Withdrawn));
}

#[test]
fn a_turn_carries_its_times_and_its_end() {
    let mut writer = started();
    assert!(folded(&writer).state().running.is_some());
    writer.push(EventBody::TurnEnded(TurnEnded { turn: turn_id(1), outcome: Outcome::Interrupted, error: None, usage: None }));
    let there = folded(&writer);
    let turn = there.turn(&turn_id(1)).expect("the turn");
    assert_eq!((turn.state, turn.started), (TurnState::Interrupted, Some(Seq::new(2))));
    assert_eq!((turn.started_at, turn.ended_at), (Some(2_000), Some(3_000)));
    assert_eq!(there.state().running, None);
}

#[test]
fn a_higher_edition_replaces_the_text_and_a_lower_one_is_late() {
    let mut writer = started();
    writer.push(opened(2, BlockKind::Text, ToolStatus::Pending));
    writer.push(append(2, 0, 0, "first"));
    writer.push(append(2, 2, 0, "sec"));
    writer.push(append(2, 1, 0, "late"));
    writer.push(append(2, 2, 3, "ond"));
    assert_eq!(text_of(&folded(&writer), 2), "second");
}

#[test]
fn text_that_is_there_already_is_skipped() {
    let mut writer = started();
    writer.push(opened(2, BlockKind::Text, ToolStatus::Pending));
    writer.push(append(2, 0, 0, "é漢"));
    writer.push(append(2, 0, 2, "漢字"));
    writer.push(append(2, 0, 0, "é"));
    assert_eq!(text_of(&folded(&writer), 2), "é漢字");
}

#[test]
fn text_behind_the_end_or_inside_a_character_waits_for_a_snapshot() {
    for (edition, at, text) in [(0, 50, "x"), (0, 1, "漢漢"), (1, 3, "x"), (0, u64::MAX, "x")] {
        let mut writer = started();
        writer.push(opened(2, BlockKind::Text, ToolStatus::Pending));
        writer.push(append(2, 0, 0, "é"));
        writer.push(append(2, edition, at, text));
        writer.push(EventBody::Changed(Changed { block: block_id(2), fields: closed() }));
        let mut there = folded(&writer);
        assert_eq!(text_of(&there, 2), "é");
        assert!(there.needs_snapshot());

        let whole = Block { rev: Seq::new(5), text: "mended".to_owned(), ..block(2, 1, 3) };
        let snapshot = Snapshot { epoch: epoch("e"), seq: Seq::new(6), from: Seq::new(1), items: vec![Item::Block(whole)] };
        there.merge_snapshot(snapshot, &mut Changes::new());
        assert_eq!(text_of(&there, 2), "mended");
        assert_eq!(there.block(&block_id(2)).and_then(|block| block.fields.closed), Some(true));
        assert!(!there.needs_snapshot());
    }
}

#[test]
fn an_event_behind_a_hole_is_not_applied() {
    let writer = started();
    let mut there = in_epoch("e");
    there.apply(&writer.events[1], &mut Changes::new());
    assert_eq!(there.seq(), Seq::ZERO);
    assert!(there.needs_snapshot());
}

#[test]
fn an_unknown_kind_shows_in_the_turn_at_work_else_in_the_newest() {
    let unknown = || EventBody::Unknown { kind: "hologram".to_owned() };
    let mut writer = Writer::default();
    writer.push(unknown());
    writer.accept("go", "", None);
    writer.push(unknown());
    writer.start();
    writer.accept("later", "", None);
    writer.push(unknown());
    let there = folded(&writer);
    assert_eq!(there.seq(), Seq::new(6));
    let shown: Vec<_> = there.blocks(&turn_id(1)).filter(|block| block.kind == BlockKind::Unsupported).collect();
    assert_eq!(shown.iter().map(|block| block.id.as_str()).collect::<Vec<_>>(), ["u3", "u6"]);
    assert_eq!(shown[0].fields.title.as_deref(), Some("hologram"));
}

/// A reader at seq 3 and a page as of seq 9, when the first turn is over and the second has started.
fn reader_and_a_page_ahead() -> (Vec<Event>, Transcript, Page) {
    let mut writer = started();
    writer.accept("next", "", None);
    writer.push(EventBody::Unknown { kind: "hologram".to_owned() });
    writer.push(EventBody::TurnStopping(TurnStopping { turn: turn_id(1), next: None }));
    writer.push(EventBody::TurnEnded(TurnEnded { turn: turn_id(1), outcome: Outcome::Cancelled, error: None, usage: None }));
    writer.start();
    writer.accept("third", "", None);
    writer.accept("fourth", "", None);
    let mut truth = prefixes(&writer.events);
    let page = whole(&writer.events).page(Seq::new(10), 9, &Limits::default(), &epoch("e"));
    let mut there = truth.swap_remove(3);
    there.merge_page(page.clone(), &mut Changes::new());
    (writer.events, there, page)
}

#[test]
fn an_unknown_kind_shows_in_the_turn_of_its_time_although_a_page_knows_a_later_one() {
    let (events, mut there, _) = reader_and_a_page_ahead();
    assert!(there.turn(&turn_id(2)).is_some_and(|turn| turn.state == TurnState::Running));
    there.apply(&events[3], &mut Changes::new());
    assert_eq!(there.block(&BlockId::parse("u4").expect("an id")).map(|block| block.turn.clone()), Some(turn_id(1)));
}

#[test]
fn a_page_brings_nothing_that_was_opened_behind_the_seq() {
    let (_, there, page) = reader_and_a_page_ahead();
    assert_eq!(page.seq, Seq::new(9));
    for n in [3, 4] {
        assert!(there.turn(&turn_id(n)).is_none() && there.block(&block_id(n as u64)).is_none());
    }
    assert!(there.turn(&turn_id(2)).is_some() && there.block(&block_id(2)).is_some());
}

#[test]
fn an_event_older_than_what_a_page_brought_changes_nothing() {
    let (events, mut there, _) = reader_and_a_page_ahead();
    there.apply(&events[3], &mut Changes::new());
    let mut changes = Changes::new();
    there.apply(&events[4], &mut changes);
    assert!(changes.is_empty());
    assert_eq!(there.turn(&turn_id(1)).map(|turn| turn.state), Some(TurnState::Cancelled));
}

#[test]
fn an_open_request_waits_until_it_is_answered() {
    let mut writer = started();
    writer.push(opened(2, BlockKind::Request, ToolStatus::Pending));
    assert_eq!(folded(&writer).state().waiting, [block_id(2)]);
    writer.push(EventBody::Answered(moorline_protocol::Answered {
        message: turn_id(7),
        hash: "0".to_owned(),
        block: block_id(2),
        option: "yes".to_owned(),
    }));
    assert!(folded(&writer).state().waiting.is_empty());
}

#[test]
fn a_snapshot_of_another_incarnation_replaces_everything() {
    let mut there = folded(&started());
    let mut other = Writer::default();
    other.accept("elsewhere", "", None);
    let snapshot = whole(&other.events).snapshot(None, &Limits::default(), &epoch("f"));
    let mut changes = Changes::new();
    there.merge_snapshot(snapshot, &mut changes);
    assert!(changes.reset());
    assert_eq!(there.epoch(), Some(&epoch("f")));
    assert_eq!(there.seq(), Seq::new(1));
    assert_eq!(text_of(&there, 1), "elsewhere");
}

#[test]
fn a_page_of_another_incarnation_changes_nothing() {
    let mut there = folded(&started());
    let before = there.clone();
    let items = vec![Item::Block(block(50, 1, 1))];
    there.merge_page(Page { epoch: epoch("f"), seq: Seq::new(9), from: Seq::new(1), before: Seq::new(9), items }, &mut Changes::new());
    assert_eq!(there, before);
}

#[test]
fn appends_of_one_batch_are_one_change_from_the_first_byte() {
    let mut writer = started();
    writer.push(opened(2, BlockKind::Text, ToolStatus::Pending));
    writer.push(append(2, 0, 0, "one"));
    let mut there = folded(&writer);
    writer.push(append(2, 0, 3, "two"));
    writer.push(append(2, 0, 6, "three"));
    let mut changes = Changes::new();
    writer.events[4..].iter().for_each(|event| there.apply(event, &mut changes));
    let noted: Vec<_> = changes.blocks().collect();
    assert_eq!(noted.len(), 1);
    assert_eq!(noted[0].1.text, TextChange::Appended { at: 3 });
    assert!(!noted[0].1.fields && !noted[0].1.opened && !changes.order());
    changes.clear();
    assert!(changes.is_empty());
}

/// A reader who came at seq 20 and knows nothing of what was opened before 20.
fn newcomer() -> Transcript {
    let mut there = Transcript::new();
    let snapshot = Snapshot { epoch: epoch("e"), seq: Seq::new(20), from: Seq::new(20), items: Vec::new() };
    there.merge_snapshot(snapshot, &mut Changes::new());
    assert_eq!(there.gaps(), [Gap { from: Seq::new(1), to: Seq::new(19) }]);
    there
}

fn page(seq: u64, rev: u64, text: &str) -> Page {
    let block = Block { rev: Seq::new(rev), text: text.to_owned(), ..block(2, 1, 5) };
    Page { epoch: epoch("e"), seq: Seq::new(seq), from: Seq::new(1), before: Seq::new(20), items: vec![Item::Block(block)] }
}

fn plain(seq: u64, body: EventBody) -> Event {
    Event::plain(Seq::new(seq), 0, body)
}

#[test]
fn a_page_before_everything_is_empty_and_begins_where_it_ends() {
    let there = whole(&started().events);
    for before in [Seq::ZERO, Seq::new(1)] {
        let page = there.page(before, 9, &Limits::default(), &epoch("e"));
        assert_eq!((page.from, page.before, page.items.len()), (Seq::new(1), Seq::new(1), 0));
    }
}

#[test]
fn an_event_for_what_lies_in_a_gap_waits_for_the_page() {
    for (as_of, rev, text) in [(20, 10, "one"), (21, 21, "onetwo"), (30, 22, "onetwothree")] {
        let mut there = newcomer();
        there.apply(&plain(21, append(2, 0, 3, "two")), &mut Changes::new());
        there.apply(&plain(22, append(2, 0, 6, "three")), &mut Changes::new());
        assert!(there.block(&block_id(2)).is_none());
        there.merge_page(page(as_of, rev, text), &mut Changes::new());
        assert_eq!(text_of(&there, 2), "onetwothree");
        assert!(there.gaps().is_empty());
    }
}

#[test]
fn a_page_older_than_the_gap_leaves_it() {
    let mut there = newcomer();
    there.merge_page(page(19, 10, "stale"), &mut Changes::new());
    assert!(there.block(&block_id(2)).is_none());
    assert_eq!(there.gaps().len(), 1);
}

#[test]
fn too_many_waiting_events_are_dropped_and_only_a_newer_page_will_do() {
    let mut there = newcomer();
    for n in 0..10_001 {
        there.apply(&plain(21 + n, append(2, 0, n, "x")), &mut Changes::new());
    }
    there.apply(&plain(10_022, append(2, 0, 10_001, "y")), &mut Changes::new());
    there.merge_page(page(10_020, 10_020, &"x".repeat(10_000)), &mut Changes::new());
    assert_eq!(there.gaps().len(), 1, "the page lacks an event that was dropped");
    there.merge_page(page(10_021, 10_021, &"x".repeat(10_001)), &mut Changes::new());
    assert_eq!(text_of(&there, 2), "x".repeat(10_001) + "y");
}

#[test]
fn a_fold_brings_what_lies_in_a_gap() {
    let mut there = newcomer();
    let whole = Block { rev: Seq::new(23), text: "folded".to_owned(), ..block(2, 1, 5) };
    let fold = Fold { turns: Vec::new(), blocks: vec![whole] };
    there.apply(&Event::folded(Seq::new(21), Seq::new(23), 0, fold), &mut Changes::new());
    assert_eq!(text_of(&there, 2), "folded");
    there.merge_page(page(20, 10, "older"), &mut Changes::new());
    assert_eq!(text_of(&there, 2), "folded");
}

#[test]
fn a_block_stays_where_it_was_opened_whatever_a_fold_says() {
    let mut writer = started();
    writer.push(opened(2, BlockKind::Text, ToolStatus::Pending));
    let mut there = folded(&writer);
    let held = there.block(&block_id(2)).cloned().expect("it was opened");
    let moved = Block { rev: Seq::new(4), opened: Seq::new(1), text: "hello".to_owned(), ..block(2, 2, 0) };
    let fold = Fold { turns: Vec::new(), blocks: vec![moved] };
    there.apply(&Event::folded(Seq::new(4), Seq::new(4), 0, fold), &mut Changes::new());
    let held = Block { rev: Seq::new(4), text: "hello".to_owned(), fields: block(2, 2, 0).fields, ..held };
    assert_eq!(there.blocks(&turn_id(1)).nth(1), Some(&held));
    assert_eq!(there.blocks(&turn_id(2)).count(), 0);
}
