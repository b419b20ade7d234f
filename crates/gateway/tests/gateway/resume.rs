//! Coming back with `Last-Event-ID`: nothing twice, nothing skipped, and no cursor that cannot be used is trusted.

use moorline_protocol::{
    Ack, Answer, Attach, ClientFrame, Code, Cursor, Epoch, EventBody, GatewayFrame, Item, RawEvents, Seq, SnapshotReason,
};

use crate::{
    event_stream::{EventStream, cursors, from, greeting, posted, receipt},
    page::{attach, id, message},
    world::World,
};

/// A gateway with a session that has run one turn to its end.
async fn world_with_a_turn(text: &str) -> (World, RawEvents) {
    let world = World::start(&["--replay-cap", "100000", "--credit-bytes", "100000000"]).await;
    let (_stream, welcome) = EventStream::greet(&world, "writer").await;
    receipt(&world, &welcome.connection, &message("s", "m1", text)).await;
    let journal = world.journal_with_ended_turns("s", 1).await;
    (world, journal)
}

fn place(session: &str, epoch: &Epoch, seq: Seq) -> String {
    format!("{session}:{epoch}:{seq}")
}

/// How the attach of a session is answered, and the events and snapshot that follow up to the head.
async fn caught_up(stream: &mut EventStream, session: &str) -> (Answer, Vec<moorline_protocol::Event>, Option<Seq>) {
    let (_, seen) = stream.catch_up(session).await;
    let (mut answer, mut events, mut snapshot) = (None, Vec::new(), None);
    for frame in seen {
        match frame {
            GatewayFrame::Attached(attached) if attached.session.as_str() == session => answer = Some(attached.answer),
            GatewayFrame::Events(batch) if batch.session.as_str() == session => events.extend(batch.events),
            GatewayFrame::Snapshot(part) if part.session.as_str() == session && part.last => snapshot = Some(part.seq),
            _ => {}
        }
    }
    (answer.expect("an answer to the attach"), events, snapshot)
}

#[tokio::test]
async fn frames_that_move_a_cursor_carry_all_cursors_and_no_others_do() {
    let (world, first) = world_with_a_turn("/mix 200").await;
    let (_writer, welcome) = EventStream::greet(&world, "writer").await;
    receipt(&world, &welcome.connection, &message("t", "m1", "/mix 200")).await;
    let second = world.journal_with_ended_turns("t", 1).await;
    // One session as events, the other as a snapshot.
    let mut stream = EventStream::open(&world, &greeting("a", vec![from("s", 1, &first.epoch, 0), attach("t", 2)])).await;
    let (mut seen, mut is_caught_up) = (std::collections::BTreeMap::new(), 0);
    while is_caught_up < 2 {
        let before = stream.last_id.take();
        match stream.next().await {
            GatewayFrame::Events(batch) => {
                assert_eq!(batch.session.as_str(), "s");
                seen.insert("s", (first.epoch.clone(), batch.events.last().unwrap().seq));
            }
            GatewayFrame::Snapshot(part) if part.last => {
                assert_eq!(part.seq, second.head);
                seen.insert("t", (part.epoch, part.seq));
            }
            frame => {
                is_caught_up += usize::from(matches!(frame, GatewayFrame::CaughtUp(_)));
                assert_eq!(stream.last_id, None, "{frame:?} moves no cursor");
                stream.last_id = before;
                continue;
            }
        }
        let told = cursors(stream.last_id.as_deref().expect("an id"));
        // A session that has been answered and of which nothing was written yet stands where the client said.
        for cursor in &told {
            let expected = seen.get(cursor.session.as_str()).cloned().unwrap_or((first.epoch.clone(), Seq::ZERO));
            assert_eq!((&cursor.epoch, cursor.seq), (&expected.0, expected.1), "{told:?}");
        }
        assert!(seen.keys().all(|session| told.iter().any(|cursor| cursor.session.as_str() == *session)), "{told:?}");
    }
    let last = cursors(stream.last_id.as_deref().unwrap());
    let expected = [("s", &first), ("t", &second)];
    assert_eq!(last, expected.map(|(session, journal)| Cursor { session: id(session), epoch: journal.epoch.clone(), seq: journal.head }));
}

#[tokio::test]
async fn from_every_place_in_a_journal_exactly_the_rest_comes_and_the_terminal_event_always() {
    let (world, journal) = world_with_a_turn("/tools 3").await;
    assert!(journal.events.len() > 10);
    for (index, event) in journal.events.iter().enumerate() {
        let before = event.seq.before();
        let mut stream = EventStream::resume(&world, &greeting("a", vec![]), &place("s", &journal.epoch, before)).await;
        let (answer, events, snapshot) = caught_up(&mut stream, "s").await;
        assert_eq!((answer, snapshot), (Answer::Replay, None), "behind {before}");
        assert_eq!(events, journal.events[index..], "behind {before}");
        assert!(matches!(events.last().unwrap().body, EventBody::TurnEnded(_)));
    }
}

#[tokio::test]
async fn an_equal_cursor_is_up_to_date_and_what_comes_then_follows_it() {
    let (world, journal) = world_with_a_turn("/echo hi").await;
    let mut stream = EventStream::resume(&world, &greeting("a", vec![]), &place("s", &journal.epoch, journal.head)).await;
    let connection = stream.welcome().await.connection;
    let (answer, events, snapshot) = caught_up(&mut stream, "s").await;
    assert_eq!((answer, events.len(), snapshot), (Answer::UpToDate, 0, None));
    receipt(&world, &connection, &message("s", "m2", "/echo again")).await;
    let events = stream.events_until("s", |event| matches!(event.body, EventBody::TurnEnded(_))).await;
    assert_eq!(events.first().unwrap().seq, journal.head.next());
    assert_eq!(events, world.events("s", journal.head).await.events);
}

#[tokio::test]
async fn a_stream_cut_anywhere_is_resumed_by_its_last_id_without_a_hole_or_a_repeat() {
    let (world, journal) = world_with_a_turn("/mix 3000").await;
    let hello = greeting("a", vec![from("s", 1, &journal.epoch, 0)]);
    let (mut seen, mut last_id, mut connections) = (Vec::new(), None::<String>, 0);
    while seen.last() != journal.events.last() {
        connections += 1;
        let mut stream = match &last_id {
            Some(last_id) => EventStream::resume(&world, &hello, last_id).await,
            None => EventStream::open(&world, &hello).await,
        };
        // One frame, then the line is gone.
        let batch = stream.until("events", |frame| if let GatewayFrame::Events(batch) = frame { Some(batch.events) } else { None }).await;
        seen.extend(batch);
        last_id = stream.last_id.clone();
    }
    assert!(connections > 5, "{connections}");
    assert_eq!(seen, journal.events);
}

#[tokio::test]
async fn a_last_event_id_wins_over_the_cursors_of_the_hello_and_attaches_what_only_it_names() {
    let (world, journal) = world_with_a_turn("/mix 50").await;
    world.post("/v1/sessions", r#"{"session":"t"}"#).send().await.unwrap().error_for_status().unwrap();
    let other = world.events("t", Seq::ZERO).await;
    let hello = greeting("a", vec![from("s", 7, &journal.epoch, 1)]);
    let last_id = format!("{},{}", place("s", &journal.epoch, journal.head), place("t", &other.epoch, Seq::ZERO));
    let mut stream = EventStream::resume(&world, &hello, &last_id).await;
    let mut answers = Vec::new();
    while answers.len() < 2 {
        if let GatewayFrame::Attached(attached) = stream.next().await {
            answers.push((attached.session.to_string(), attached.no, attached.answer));
        }
    }
    answers.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(answers, [("s".to_owned(), 7, Answer::UpToDate), ("t".to_owned(), 0, Answer::UpToDate)]);
}

#[tokio::test]
async fn a_session_attached_by_its_cursor_alone_can_be_attached_again() {
    let (world, journal) = world_with_a_turn("/echo hi").await;
    let mut stream = EventStream::resume(&world, &greeting("a", vec![]), &place("s", &journal.epoch, journal.head)).await;
    let connection = stream.welcome().await.connection;
    stream.catch_up("s").await;
    posted(&world, &connection, &ClientFrame::Attach(attach("s", 1))).await;
    assert_eq!(caught_up(&mut stream, "s").await.0, Answer::Snapshot(SnapshotReason::Fresh));
}

#[tokio::test]
async fn a_cursor_of_another_epoch_or_ahead_of_the_head_starts_from_a_snapshot() {
    let (world, journal) = world_with_a_turn("/mix 50").await;
    let ahead = Seq::new(journal.head.value() + 1);
    let unusable = [
        (place("s", &id("another"), journal.head), SnapshotReason::Epoch),
        (place("s", &id("another"), Seq::new(1)), SnapshotReason::Epoch),
        (place("s", &journal.epoch, ahead), SnapshotReason::TooOld),
        (place("s", &journal.epoch, Seq::MAX), SnapshotReason::TooOld),
    ];
    for (last_id, reason) in unusable {
        let mut stream = EventStream::resume(&world, &greeting("a", vec![]), &last_id).await;
        let (answer, events, snapshot) = caught_up(&mut stream, "s").await;
        assert_eq!((answer, snapshot, events.len()), (Answer::Snapshot(reason), Some(journal.head), 0), "{last_id}");
        assert_eq!(cursors(stream.last_id.as_deref().unwrap())[0].seq, journal.head);
    }
}

#[tokio::test]
async fn a_cursor_of_a_foreign_session_moves_nothing_of_ours() {
    let (world, journal) = world_with_a_turn("/mix 50").await;
    // The epoch and seq would fit: the session does not.
    let last_id = place("foreign", &journal.epoch, journal.head);
    let mut stream = EventStream::resume(&world, &greeting("a", vec![attach("s", 1)]), &last_id).await;
    let (mut refused, mut snapshot) = (None, None);
    while refused.is_none() || snapshot.is_none() {
        match stream.next().await {
            GatewayFrame::Error(error) => refused = Some((error.code, error.session, error.no)),
            GatewayFrame::Snapshot(part) if part.last => snapshot = Some((part.session, part.seq)),
            _ => {}
        }
    }
    assert_eq!(refused, Some((Code::UnknownSession, Some(id("foreign")), Some(0))));
    assert_eq!(snapshot, Some((id("s"), journal.head)));
}

#[tokio::test]
async fn a_malformed_cursor_counts_for_nothing_and_the_hellos_own_does() {
    let (world, journal) = world_with_a_turn("/mix 50").await;
    let head = journal.head;
    let malformed = [
        String::new(),
        "17".to_owned(),
        "s".to_owned(),
        format!("s:{}", journal.epoch),
        format!("s:{}:", journal.epoch),
        format!("s:{}:-1", journal.epoch),
        format!("s:{}:{head}:{head}", journal.epoch),
        format!("s:{}:9007199254740992", journal.epoch),
        format!("s;{};{head}", journal.epoch),
    ];
    for last_id in malformed {
        let mut stream = EventStream::resume(&world, &greeting("a", vec![attach("s", 1)]), &last_id).await;
        let (answer, _, snapshot) = caught_up(&mut stream, "s").await;
        assert_eq!((answer, snapshot), (Answer::Snapshot(SnapshotReason::Fresh), Some(head)), "{last_id:?}");
        let own = greeting("a", vec![from("s", 1, &journal.epoch, 3)]);
        let mut stream = EventStream::resume(&world, &own, &last_id).await;
        let (answer, events, _) = caught_up(&mut stream, "s").await;
        assert_eq!((answer, &events[..]), (Answer::Replay, &journal.events[3..]), "{last_id:?}");
    }
}

#[tokio::test]
async fn an_empty_journal_is_started_from_its_start_whatever_the_cursor_says() {
    let world = World::start(&[]).await;
    world.post("/v1/sessions", r#"{"session":"s"}"#).send().await.unwrap().error_for_status().unwrap();
    let epoch = world.events("s", Seq::ZERO).await.epoch;
    for last_id in [place("s", &epoch, Seq::ZERO), place("s", &epoch, Seq::new(5)), place("s", &id("another"), Seq::new(5))] {
        let mut stream = EventStream::resume(&world, &greeting("a", vec![]), &last_id).await;
        let (told, _) = stream.catch_up("s").await;
        assert_eq!((told.epoch, told.seq), (epoch.clone(), Seq::ZERO), "{last_id}");
        drop(stream);
    }
    let mut stream = EventStream::resume(&world, &greeting("a", vec![]), &place("s", &epoch, Seq::new(5))).await;
    let connection = stream.welcome().await.connection;
    stream.catch_up("s").await;
    receipt(&world, &connection, &message("s", "m1", "/echo hi")).await;
    let events = stream.events_until("s", |event| matches!(event.body, EventBody::TurnEnded(_))).await;
    assert_eq!(events, world.events("s", Seq::ZERO).await.events, "from the first event on");
}

#[tokio::test]
async fn too_far_behind_is_a_snapshot_of_the_newest_and_a_cursor_at_its_end() {
    let world = World::start(&["--replay-cap", "20"]).await;
    let (_writer, welcome) = EventStream::greet(&world, "writer").await;
    receipt(&world, &welcome.connection, &message("s", "m1", "/mix 100")).await;
    let journal = world.journal_with_ended_turns("s", 1).await;
    let mut stream = EventStream::resume(&world, &greeting("a", vec![]), &place("s", &journal.epoch, Seq::new(1))).await;
    let (_, seen) = stream.catch_up("s").await;
    let items = seen.iter().filter_map(|frame| if let GatewayFrame::Snapshot(part) = frame { Some(&part.items) } else { None });
    let ended = items.flatten().any(|item| matches!(item, Item::Turn(turn) if turn.ended_at.is_some()));
    assert!(ended, "the turn's end is in the snapshot");
    assert_eq!(stream.last_id, Some(place("s", &journal.epoch, journal.head)));
}

#[tokio::test]
async fn the_connection_that_is_resumed_takes_acks_and_a_detach_like_any_other() {
    let (world, journal) = world_with_a_turn("/echo hi").await;
    let mut stream = EventStream::resume(&world, &greeting("a", vec![]), &place("s", &journal.epoch, Seq::ZERO)).await;
    let connection = stream.welcome().await.connection;
    stream.catch_up("s").await;
    let cursor = Cursor { session: id("s"), epoch: journal.epoch.clone(), seq: journal.head };
    posted(&world, &connection, &ClientFrame::Ack(Ack { cursors: vec![cursor] })).await;
    posted(&world, &connection, &ClientFrame::Attach(Attach { no: 1, ..from("s", 1, &journal.epoch, journal.head.value()) })).await;
    assert_eq!(caught_up(&mut stream, "s").await.0, Answer::UpToDate);
}
