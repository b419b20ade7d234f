//! Nothing that arrives can make a transcript panic.

use moorline_protocol::{
    Accepted, Answered, Append, Block, BlockKind, Changed, Event, EventBody, Fold, Item, Limits, Opened, Outcome, Page, Seq, SessionId,
    Turn, TurnEnded, TurnStarted, TurnState, Withdrawn, encode,
};
use moorline_transcript::{Changes, Snapshot, Transcript, WholeTranscript, fold, parts};
use proptest::{collection::vec, prelude::*};

use crate::journal::{block, block_id, blocks_of, closed, epoch, turn_id};

#[derive(Debug, Clone)]
enum Input {
    Event(Event),
    Snapshot(Snapshot),
    Page(Page),
}

fn inputs() -> impl Strategy<Value = Input> {
    prop_oneof![
        6 => events().prop_map(Input::Event),
        1 => (seqs(), seqs(), items(), 0..2_usize).prop_map(|(seq, from, items, n)| {
            Input::Snapshot(Snapshot { epoch: epoch(["e", "f"][n]), seq, from, items })
        }),
        1 => (seqs(), seqs(), seqs(), items()).prop_map(|(seq, from, before, items)| {
            Input::Page(Page { epoch: epoch("e"), seq, from, before, items })
        }),
    ]
}

fn seqs() -> impl Strategy<Value = Seq> {
    prop_oneof![8 => (0..30_u64).prop_map(Seq::new), 1 => Just(Seq::MAX)]
}

fn offsets() -> impl Strategy<Value = u64> {
    prop_oneof![8 => 0..12_u64, 1 => Just(u64::MAX), 1 => Just(u64::MAX - 3)]
}

fn events() -> impl Strategy<Value = Event> {
    let folds = (vec(turns(), 0..3), vec(blocks(), 0..3)).prop_map(|(turns, blocks)| Fold { turns, blocks });
    prop_oneof![
        8 => (seqs(), bodies()).prop_map(|(seq, body)| Event::plain(seq, 1, body)),
        1 => (seqs(), seqs(), folds).prop_map(|(first, seq, fold)| Event::folded(first, seq, 1, fold)),
    ]
}

fn bodies() -> impl Strategy<Value = EventBody> {
    let (turn, block) = (|| (0..4_usize).prop_map(turn_id), || (0..5_u64).prop_map(block_id));
    prop_oneof![
        (turn(), block(), "[aé🦀]{0,4}", proptest::option::of(turn())).prop_map(|(message, block, text, interrupt)| {
            EventBody::Accepted(Accepted { message, hash: String::new(), block, text, interrupt })
        }),
        (turn(), block())
            .prop_map(|(message, block)| { EventBody::Answered(Answered { message, hash: String::new(), block, option: String::new() }) }),
        turn().prop_map(|message| EventBody::Withdrawn(Withdrawn { message })),
        turn().prop_map(|turn| EventBody::TurnStarted(TurnStarted { turn })),
        turn().prop_map(|turn| EventBody::TurnEnded(TurnEnded { turn, outcome: Outcome::Completed, error: None, usage: None })),
        (block(), turn(), kinds()).prop_map(|(block, turn, kind)| { EventBody::Opened(Opened { block, turn, kind, fields: closed() }) }),
        block().prop_map(|block| EventBody::Changed(Changed { block, fields: closed() })),
        appends().prop_map(EventBody::Append),
        (vec(turns(), 0..3), vec(blocks(), 0..3)).prop_map(|(turns, blocks)| EventBody::Fold(Fold { turns, blocks })),
        Just(EventBody::Unknown { kind: "hologram".to_owned() }),
    ]
}

fn kinds() -> impl Strategy<Value = BlockKind> {
    prop_oneof![Just(BlockKind::Text), Just(BlockKind::Request), Just(BlockKind::Message)]
}

fn appends() -> impl Strategy<Value = Append> {
    (0..5_u64, 0..3_u32, offsets(), "[aé🦀]{0,4}").prop_map(|(block, edition, at, text)| Append {
        block: block_id(block),
        edition,
        at,
        text,
    })
}

fn turns() -> impl Strategy<Value = Turn> {
    let states = prop_oneof![Just(TurnState::Queued), Just(TurnState::Running), Just(TurnState::Failed), Just(TurnState::Withdrawn)];
    (0..4_usize, seqs(), seqs(), states, proptest::option::of(seqs()), any::<bool>()).prop_map(
        |(turn, opened, rev, state, started, urgent)| Turn {
            id: turn_id(turn),
            opened,
            rev,
            state,
            urgent,
            started,
            started_at: None,
            ended_at: None,
            error: None,
            usage: None,
        },
    )
}

fn blocks() -> impl Strategy<Value = Block> {
    (0..5_u64, 0..4_usize, kinds(), (seqs(), seqs()), 0..3_u32, offsets(), "[aé🦀]{0,4}").prop_map(
        |(id, turn, kind, (opened, rev), edition, from, text)| Block { kind, opened, rev, edition, from, text, ..block(id, turn, 0) },
    )
}

fn items() -> impl Strategy<Value = Vec<Item>> {
    let item = prop_oneof![turns().prop_map(Item::Turn), blocks().prop_map(Item::Block), appends().prop_map(Item::Append)];
    vec(item, 0..6)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn anything_in_any_order_is_survived(inputs in vec(inputs(), 0..60), text_bytes in 0..8_usize, frame_bytes in 0..2_000_usize) {
        let (mut there, mut whole, mut changes) = (Transcript::new(), WholeTranscript::new(), Changes::new());
        let limits = Limits { text_bytes, frame_bytes, snapshot_bytes: 300, snapshot_turns: 1, ..Limits::default() };
        let session = SessionId::parse("s").expect("an id");
        for input in inputs {
            match input {
                Input::Event(event) => {
                    let _ = fold(&mut there.clone(), std::slice::from_ref(&event), &limits);
                    there.apply(&event, &mut changes);
                    whole.apply(&event);
                }
                Input::Snapshot(snapshot) => there.merge_snapshot(snapshot, &mut changes),
                Input::Page(page) => there.merge_page(page, &mut changes),
            }
            prop_assert!(there.gaps().windows(2).all(|pair| pair[0].to < pair[1].from));
            prop_assert_eq!(there.state().queue.len(), there.turns().filter(|turn| turn.state == TurnState::Queued).count());
            let snapshot = whole.snapshot(Some(Seq::new(5)), &limits, &epoch("e"));
            prop_assert!(!parts(snapshot, &session, 1, &limits).is_empty());
            let page = whole.page(Seq::new(9), 0, &limits, &epoch("e"));
            prop_assert!(page.from <= page.before, "{}", encode(&page));
        }
    }
    #[test]
    fn pages_hold_every_block_of_any_journal_once_and_in_its_place(events in vec(events(), 0..60), limit in 1..4_usize) {
        let mut whole = WholeTranscript::new();
        events.iter().for_each(|event| whole.apply(event));
        let transcript = whole.transcript();
        let (mut paged, mut before) = (Vec::new(), Seq::MAX);
        while before > Seq::new(1) {
            let page = whole.page(before, limit, &Limits::default(), &epoch("e"));
            paged.splice(0..0, blocks_of(&page.items).into_iter().cloned());
            prop_assert!(page.from < before);
            before = page.from;
        }
        let turns: Vec<_> = (0..4).map(turn_id).collect();
        let mut held: Vec<_> = turns.iter().flat_map(|turn| transcript.blocks(turn)).cloned().collect();
        // Before and behind a journal there is nothing, whatever a fold says.
        held.retain(|block| (Seq::new(1)..transcript.seq().next()).contains(&block.opened));
        paged.retain(|block| block.opened >= Seq::new(1));
        prop_assert!(paged.is_sorted_by_key(|block| block.opened));
        for blocks in [&mut held, &mut paged] {
            blocks.sort_by(|one, other| one.id.cmp(&other.id));
        }
        prop_assert_eq!(paged, held);
    }
}
