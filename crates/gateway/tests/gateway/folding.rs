//! Journals that are folded while they are read.

use std::time::Duration;

use moorline_protocol::{Answer, EventBody, GatewayFrame, Item, Page as Blocks, RawEvents, Seq};
use moorline_transcript::{Changes, Transcript};

use crate::{
    event_stream::{EventStream, from, greeting},
    page::{Page, message},
    world::{World, within},
};

async fn folded(world: &World, session: &str) -> RawEvents {
    within("the folds", async {
        loop {
            let journal = world.events(session, Seq::ZERO).await;
            let unfolded = journal.events.iter().filter(|event| matches!(event.body, EventBody::Append(_))).count();
            if unfolded == 0 {
                return journal;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
}

fn whole(journal: &RawEvents) -> Transcript {
    let mut transcript = Transcript::new();
    journal.events.iter().for_each(|event| transcript.apply(event, &mut Changes::new()));
    transcript
}

#[tokio::test]
async fn a_reader_far_behind_a_folded_journal_is_replayed_to_what_everybody_else_sees() {
    let world = World::start(&["--fold-events", "50", "--fold-ms", "300", "--credit-bytes", "100000000"]).await;
    let (mut page, _) = Page::greet(&world, "writer").await;
    page.send(&message("s", "m1", "/mix 3000")).await;
    page.receipt().await;
    let live = world.journal_with_ended_turns("s", 1).await;
    let journal = folded(&world, "s").await;
    assert!(journal.head.value() > 1_000 && journal.events.len() < 200, "{} rows of {}", journal.events.len(), journal.head);

    // The gateway holds what it saw being committed, the reader what is kept.
    let mut reader = EventStream::open(&world, &greeting("reader", vec![from("s", 1, &live.epoch, 0)])).await;
    let (_, seen) = reader.catch_up("s").await;
    assert!(seen.iter().any(|frame| matches!(frame, GatewayFrame::Attached(attached) if attached.answer == Answer::Replay)));
    let events = seen.into_iter().filter_map(|frame| if let GatewayFrame::Events(batch) = frame { Some(batch.events) } else { None });
    assert_eq!(events.flatten().collect::<Vec<_>>(), journal.events);
    let blocks: Blocks = within("a page", world.get("/v1/sessions/s/blocks").send()).await.unwrap().json().await.unwrap();
    let transcript = whole(&journal);
    for item in &blocks.items {
        match item {
            Item::Turn(turn) => assert_eq!(transcript.turn(&turn.id), Some(turn)),
            Item::Block(block) => assert_eq!(transcript.block(&block.id), Some(block)),
            Item::Append(_) => {}
        }
    }

    // So does the next start.
    let world = World::on(world.stop().await, &[]).await;
    let again: Blocks = within("a page", world.get("/v1/sessions/s/blocks").send()).await.unwrap().json().await.unwrap();
    assert_eq!(again, blocks);
}
