//! Journals that are folded while they are read.

use std::time::Duration;

use moorline_protocol::{Answer, Epoch, Event, EventBody, GatewayFrame, Item, Page as Blocks, RawEvents, Seq, SnapshotReason};
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

/// What a client is answered that says it has nothing yet of a journal, and the events that follow.
async fn from_the_beginning(world: &World, client: &str, epoch: &Epoch) -> (Answer, Vec<Event>) {
    let mut stream = EventStream::open(world, &greeting(client, vec![from("s", 1, epoch, 0)])).await;
    let (_, seen) = stream.catch_up("s").await;
    let (mut answer, mut events) = (None, Vec::new());
    for frame in seen {
        match frame {
            GatewayFrame::Attached(attached) => answer = Some(attached.answer),
            GatewayFrame::Events(batch) => events.extend(batch.events),
            _ => {}
        }
    }
    (answer.expect("an answer"), events)
}

async fn blocks(world: &World) -> Blocks {
    within("a page", world.get("/v1/sessions/s/blocks").send()).await.unwrap().json().await.unwrap()
}

const FOLDING: [&str; 6] = ["--fold-events", "50", "--fold-ms", "300", "--credit-bytes", "100000000"];
const TOO_OLD: Answer = Answer::Snapshot(SnapshotReason::TooOld);

#[tokio::test]
async fn a_known_reader_far_behind_a_folded_journal_is_replayed_to_what_everybody_else_sees_and_a_stranger_gets_a_snapshot() {
    let world = World::start(&FOLDING).await;
    let (mut page, _) = Page::greet(&world, "writer").await;
    page.send(&message("s", "m0", "/echo hi")).await;
    page.receipt().await;
    let epoch = world.journal_with_ended_turns("s", 1).await.epoch;
    assert_eq!(from_the_beginning(&world, "reader", &epoch).await.0, Answer::Replay);

    page.send(&message("s", "m1", "/mix 3000")).await;
    page.receipt().await;
    world.journal_with_ended_turns("s", 2).await;
    let journal = folded(&world, "s").await;
    assert!(journal.head.value() > 1_000 && journal.events.len() < 200, "{} rows of {}", journal.events.len(), journal.head);
    assert_eq!(from_the_beginning(&world, "reader", &epoch).await, (Answer::Replay, journal.events.clone()));
    assert_eq!(from_the_beginning(&world, "stranger", &epoch).await.0, TOO_OLD);

    // The gateway holds what it saw being committed, the reader what is kept.
    let (seen, transcript) = (blocks(&world).await, whole(&journal));
    for item in &seen.items {
        match item {
            Item::Turn(turn) => assert_eq!(transcript.turn(&turn.id), Some(turn)),
            Item::Block(block) => assert_eq!(transcript.block(&block.id), Some(block)),
            Item::Append(_) => {}
        }
    }

    // So does the next start, which still knows the reader.
    let world = World::on(world.stop().await, &FOLDING).await;
    assert_eq!(blocks(&world).await, seen);
    assert_eq!(from_the_beginning(&world, "reader", &epoch).await, (Answer::Replay, journal.events.clone()));

    // One that was silent for too long is a stranger again; what it lacks still comes.
    let world = World::on(world.stop().await, &["--client-idle-ms", "1"]).await;
    assert_eq!(from_the_beginning(&world, "reader", &epoch).await.0, TOO_OLD);
    let mut stream = EventStream::open(&world, &greeting("reader", vec![from("s", 1, &epoch, journal.head.value())])).await;
    let (_, seen) = stream.catch_up("s").await;
    assert!(seen.iter().any(|frame| matches!(frame, GatewayFrame::Attached(attached) if attached.answer == Answer::UpToDate)));
}
