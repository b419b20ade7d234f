//! Whoever is behind is brought up to the head: in whatever state the session is, and also when nobody knows any more who it is.

use std::time::Duration;

use moorline_gateway::{options::Durability, store::SqliteStore};
use moorline_protocol::{Answer, Cancel, ClientFrame, EventBody, GatewayFrame, RawEvents, Seq, SessionState};
use moorline_session::Store as _;

use crate::{
    event_stream::{EventStream, from, greeting, posted, receipt},
    page::{id, message},
    world::{World, within},
};

/// A session's journal, once it holds such an event.
async fn journal_with(world: &World, session: &str, what: &str, holds: impl Fn(&EventBody) -> bool) -> RawEvents {
    within(what, async {
        loop {
            let journal = world.events(session, Seq::ZERO).await;
            if journal.events.iter().any(|event| holds(&event.body)) {
                return journal;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
}

/// Attaches a reader that has only the first event, and checks that exactly the rest comes; where the session then stands.
async fn rest_of(world: &World, journal: &RawEvents, session: &str) -> SessionState {
    let own = greeting(&format!("reader-of-{session}"), vec![from(session, 1, &journal.epoch, 1)]);
    let (told, seen) = EventStream::open(world, &own).await.catch_up(session).await;
    let answers = seen.iter().filter_map(|frame| if let GatewayFrame::Attached(attached) = frame { Some(attached.answer) } else { None });
    assert_eq!(answers.collect::<Vec<_>>(), [Answer::Replay], "{session}");
    let batches = seen.into_iter().filter_map(|frame| if let GatewayFrame::Events(batch) = frame { Some(batch.events) } else { None });
    let seqs: Vec<u64> = batches.flatten().map(|event| event.seq.value()).collect();
    assert_eq!(seqs, (2..=told.seq.value()).collect::<Vec<_>>(), "{session}");
    assert!(told.seq >= journal.head, "{session}");
    told.state
}

#[tokio::test]
async fn whoever_is_behind_gets_exactly_the_rest_whatever_the_sessions_state() {
    let world = World::start(&[]).await;
    let (_stream, welcome) = EventStream::greet(&world, "writer").await;
    let connection = &welcome.connection;
    let is_over = |body: &EventBody| matches!(body, EventBody::TurnEnded(_));
    for (session, text) in [("completed", "/echo hi"), ("failed", "/fail"), ("crashed", "/crash"), ("cancelled", "/sleep 60")] {
        receipt(&world, connection, &message(session, session, text)).await;
        if session == "cancelled" {
            journal_with(&world, session, "the turn's start", |body| matches!(body, EventBody::TurnStarted(_))).await;
            posted(&world, connection, &ClientFrame::Cancel(Cancel { session: id(session), turn: id(session), next: None })).await;
        }
        let journal = journal_with(&world, session, "the turn's end", is_over).await;
        assert_eq!(rest_of(&world, &journal, session).await, SessionState::default(), "{session}");
    }

    receipt(&world, connection, &message("running", "m1", "/sleep 60")).await;
    receipt(&world, connection, &message("running", "m2", "later")).await;
    let is_queued = |body: &EventBody| matches!(body, EventBody::Accepted(accepted) if accepted.message == id("m2"));
    let journal = journal_with(&world, "running", "the message that waits", is_queued).await;
    let state = rest_of(&world, &journal, "running").await;
    assert_eq!((state.running.map(|running| running.turn), state.queue), (Some(id("m1")), vec![id("m2")]));

    receipt(&world, connection, &message("waiting", "m1", "/ask")).await;
    let is_asked = |body: &EventBody| matches!(body, EventBody::Opened(opened) if opened.kind == moorline_protocol::BlockKind::Request);
    let journal = journal_with(&world, "waiting", "the request", is_asked).await;
    assert_eq!(rest_of(&world, &journal, "waiting").await.waiting.len(), 1);
}

/// How an attach from the beginning of a journal is answered, and up to where a snapshot then brings the reader.
async fn from_the_beginning(world: &World, journal: &RawEvents) -> (Answer, Seq) {
    let mut stream = EventStream::open(world, &greeting("reader", vec![from("s", 1, &journal.epoch, 1)])).await;
    let (told, seen) = stream.catch_up("s").await;
    let answer = seen.iter().find_map(|frame| if let GatewayFrame::Attached(attached) = frame { Some(attached.answer) } else { None });
    (answer.expect("an answer"), told.seq)
}

#[tokio::test]
async fn a_client_that_was_silent_for_long_is_dropped_and_its_next_connection_gets_a_snapshot() {
    let world = World::start(&["--client-idle-ms", "3000", "--fold-ms", "200"]).await;
    let (_stream, welcome) = EventStream::greet(&world, "writer").await;
    receipt(&world, &welcome.connection, &message("s", "m1", "/mix 50")).await;
    let journal = world.journal_with_ended_turns("s", 1).await;
    let at_the_head = greeting("reader", vec![from("s", 1, &journal.epoch, journal.head.value())]);
    EventStream::open(&world, &at_the_head).await.catch_up("s").await;
    let store = SqliteStore::open(&world.data().join("moorline.sqlite"), Durability::Os).unwrap();
    let is_known = || store.position(&id("reader"), &id("s")).unwrap().is_some();
    // Where it stands is written with the next commit: it outlives the connection.
    receipt(&world, &welcome.connection, &message("s", "m2", "/echo hi")).await;
    within("where the reader stands", async {
        while !is_known() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    within("the janitor", async {
        while is_known() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    let head = journal_with(&world, "s", "a fold", |body| matches!(body, EventBody::Fold(_))).await.head;
    let (answer, seq) = from_the_beginning(&world, &journal).await;
    assert!(matches!(answer, Answer::Snapshot(_)) && seq >= head, "{answer:?} up to {seq}");
}
