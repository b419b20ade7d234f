//! From the keyboard to the agent and back, over real sockets.

use moorline_protocol::{
    Answer, Attach, BlockKind, Cancel, ClientFrame, Code, Event, EventBody, GatewayFrame, Item, Outcome, Page as BlockPage, ReceiptOutcome,
    Send, SendBody, Seq, Settlement, SnapshotReason, Withdraw,
};

use crate::{
    page::{Page, attach, hello, id, is, message},
    world::{World, ended, within},
};

/// A page that follows a session which has just been made.
async fn follower(world: &World, client: &str, session: &str) -> (Page, moorline_protocol::CaughtUp) {
    world.post("/v1/sessions", &format!(r#"{{"session":"{session}"}}"#)).send().await.unwrap().error_for_status().unwrap();
    let (mut page, _) = Page::greet(world, client).await;
    let caught_up = page.attach(session, 1).await;
    (page, caught_up)
}

fn assert_dense(events: &[Event], after: u64) {
    let seqs: Vec<u64> = events.iter().map(|event| event.seq.value()).collect();
    let expected: Vec<u64> = (after + 1..).take(seqs.len()).collect();
    assert_eq!(seqs, expected);
}

#[tokio::test]
async fn the_head_is_0_for_an_empty_session_and_n_after_n_events() {
    let world = World::start(&[]).await;
    let (mut page, caught_up) = follower(&world, "a", "s").await;
    assert_eq!(caught_up.seq, Seq::ZERO);
    assert_eq!(world.events("s", Seq::ZERO).await.head, Seq::ZERO);
    page.send(&message("s", "m1", "/echo hi")).await;
    let events = page.follow_until_ended("s", &caught_up.epoch).await;
    assert_dense(&events, 0);
    let journal = world.events("s", Seq::ZERO).await;
    assert_eq!(journal.head, events.last().unwrap().seq);
    assert_eq!(journal.events, events);
}

#[tokio::test]
async fn a_turn_streams_to_the_page_that_began_it() {
    let world = World::start(&[]).await;
    let (mut page, caught_up) = follower(&world, "a", "s").await;
    page.send(&message("s", "m1", "build me a shed")).await;
    let events = page.follow_until_ended("s", &caught_up.epoch).await;
    assert_dense(&events, 0);
    let kinds: Vec<BlockKind> =
        events.iter().filter_map(|event| if let EventBody::Opened(opened) = &event.body { Some(opened.kind) } else { None }).collect();
    assert!(kinds.contains(&BlockKind::Text) && kinds.contains(&BlockKind::Tool), "{kinds:?}");
    assert!(matches!(&events[0].body, EventBody::Accepted(accepted) if accepted.text == "build me a shed"));
    assert!(matches!(&events.last().unwrap().body, EventBody::TurnEnded(ended) if ended.outcome == Outcome::Completed));
}

#[tokio::test]
async fn two_pages_see_the_same_events() {
    let world = World::start(&[]).await;
    let (mut first, caught_up) = follower(&world, "a", "s").await;
    let (mut second, _) = follower(&world, "b", "s").await;
    first.send(&message("s", "m1", "/mix 500")).await;
    let seen = first.follow_until_ended("s", &caught_up.epoch).await;
    assert_eq!(second.follow_until_ended("s", &caught_up.epoch).await, seen);
    assert_dense(&seen, 0);
}

#[tokio::test]
async fn a_page_that_attaches_in_mid_turn_gets_a_snapshot_and_then_live_events() {
    let world = World::start(&["--agent", "demo:--delay-ms 2"]).await;
    let (mut first, caught_up) = follower(&world, "a", "s").await;
    first.send(&message("s", "m1", "/stream 100")).await;
    first.until("the first events", |frame| matches!(frame, GatewayFrame::Events(_)).then_some(())).await;
    let (mut late, _) = Page::greet(&world, "b").await;
    late.send(&ClientFrame::Attach(attach("s", 1))).await;
    let head = late
        .until("attached", |frame| match frame {
            GatewayFrame::Attached(attached) => {
                assert_eq!(attached.answer, Answer::Snapshot(SnapshotReason::Fresh));
                Some(attached.head)
            }
            _ => None,
        })
        .await;
    let as_of = late
        .until("the snapshot's last part", |frame| match frame {
            GatewayFrame::Snapshot(part) if part.last => Some(part.seq),
            _ => None,
        })
        .await;
    assert!(as_of >= head && head > Seq::ZERO);
    let events = late.follow_until_ended("s", &caught_up.epoch).await;
    assert_dense(&events, as_of.value());
}

#[tokio::test]
async fn a_page_that_comes_back_gets_exactly_what_it_missed() {
    let world = World::start(&["--replay-cap", "100000"]).await;
    let (mut page, caught_up) = follower(&world, "a", "s").await;
    page.send(&message("s", "m1", "/mix 300")).await;
    page.until("the first events", |frame| matches!(frame, GatewayFrame::Events(_)).then_some(())).await;
    drop(page);
    let journal = world.journal_with_ended_turns("s", 1).await;
    for cut in [0, 1, journal.events.len() as u64 / 2, journal.events.len() as u64 - 1] {
        let (mut page, _) = Page::greet(&world, &format!("page-{cut}")).await;
        let epoch = caught_up.epoch.clone();
        page.send(&ClientFrame::Attach(Attach { epoch: Some(epoch.clone()), seq: Seq::new(cut), ..attach("s", 1) })).await;
        let answer =
            page.until("attached", |frame| if let GatewayFrame::Attached(attached) = frame { Some(attached.answer) } else { None }).await;
        assert_eq!(answer, Answer::Replay);
        let replayed = page.follow_until_ended("s", &epoch).await;
        assert_eq!(replayed, journal.events[usize::try_from(cut).unwrap()..]);
    }
    let (mut page, _) = Page::greet(&world, "current").await;
    page.send(&ClientFrame::Attach(Attach { epoch: Some(caught_up.epoch.clone()), seq: journal.head, ..attach("s", 1) })).await;
    let answer =
        page.until("attached", |frame| if let GatewayFrame::Attached(attached) = frame { Some(attached.answer) } else { None }).await;
    assert_eq!(answer, Answer::UpToDate);
}

#[tokio::test]
async fn beyond_the_replay_cap_a_snapshot_is_sent_and_pages_bring_the_rest() {
    let world = World::start(&["--replay-cap", "10", "--snapshot-turns", "1"]).await;
    let (mut page, caught_up) = follower(&world, "a", "s").await;
    for turn in ["m1", "m2"] {
        page.send(&message("s", turn, "/tools 5")).await;
        page.follow_until_ended("s", &caught_up.epoch).await;
    }
    let (mut late, _) = Page::greet(&world, "b").await;
    late.send(&ClientFrame::Attach(Attach { epoch: Some(caught_up.epoch.clone()), seq: Seq::ZERO, ..attach("s", 1) })).await;
    let from = late
        .until("the snapshot's last part", |frame| match frame {
            GatewayFrame::Attached(attached) => {
                assert_eq!(attached.answer, Answer::Snapshot(SnapshotReason::TooOld));
                None
            }
            GatewayFrame::Snapshot(part) if part.last => Some(part.from),
            _ => None,
        })
        .await;
    assert!(from > Seq::new(1));
    let page: BlockPage = world.get(&format!("/v1/sessions/s/blocks?before={from}&limit=200")).send().await.unwrap().json().await.unwrap();
    assert_eq!((page.before, page.from), (from, Seq::new(1)));
    assert!(page.items.iter().any(|item| matches!(item, Item::Turn(turn) if turn.id.as_str() == "m1")));
}

#[tokio::test]
async fn a_page_that_does_not_read_delays_nobody() {
    // Credit beyond every buffer of the sockets: the write to the stopped page really blocks. It is not given up: it is slow to begin.
    let world = World::start(&["--credit-bytes", "100000000", "--replay-cap", "100000", "--silence-ms", "300000"]).await;
    let (mut reader, caught_up) = follower(&world, "reader", "s").await;
    let (mut stopped, _) = follower(&world, "stopped", "s").await;
    let mut events = Vec::new();
    for turn in ["m1", "m2", "m3", "m4"] {
        reader.send(&message("s", turn, "/long 4096")).await;
        events.extend(reader.follow_until_ended("s", &caught_up.epoch).await);
    }
    assert_dense(&events, 0);
    let bytes: usize = events.iter().map(|event| moorline_protocol::encode(event).len()).sum();
    assert!(bytes > 16_000_000, "{bytes} bytes");
    let head = events.last().unwrap().seq;
    let late = stopped.follow_until("s", &caught_up.epoch, |last| last.seq == head).await;
    assert!(late == events, "the page that stopped has missed or doubled something");
}

#[tokio::test]
async fn delivery_stops_at_the_credit_and_goes_on_with_the_ack() {
    let world = World::start(&["--credit-bytes", "40000"]).await;
    let (mut page, caught_up) = follower(&world, "a", "s").await;
    page.send(&message("s", "m1", "/mix 2000")).await;
    world.journal_with_ended_turns("s", 1).await;
    page.send(&ClientFrame::Ping(moorline_protocol::ClientPing {})).await;
    let (mut bytes, mut last) = (0, Seq::ZERO);
    // The pong is answered behind everything that credit allows.
    loop {
        match page.next().await {
            GatewayFrame::Events(batch) => {
                last = batch.events.last().unwrap().seq;
                bytes += moorline_protocol::encode(&GatewayFrame::Events(batch)).len();
            }
            GatewayFrame::Pong(_) => break,
            _ => {}
        }
    }
    assert!(bytes <= 40_000 + (16 << 10), "{bytes} bytes without an ack");
    let cursor = moorline_protocol::Cursor { session: id("s"), epoch: caught_up.epoch.clone(), seq: last };
    page.send(&ClientFrame::Ack(moorline_protocol::Ack { cursors: vec![cursor] })).await;
    page.until("more events", |frame| matches!(frame, GatewayFrame::Events(_)).then_some(())).await;
}

#[tokio::test]
async fn a_duplicate_send_gets_the_same_receipt_and_is_accepted_once() {
    let world = World::start(&[]).await;
    let (mut page, caught_up) = follower(&world, "a", "s").await;
    page.send(&message("s", "m1", "/echo hi")).await;
    let first = page.receipt().await;
    page.send(&message("s", "m1", "/echo hi")).await;
    assert_eq!(page.receipt().await, first);
    assert_eq!(first.outcome, ReceiptOutcome::Accepted { seq: Seq::new(1) });
    page.send(&message("s", "m1", "/echo something else")).await;
    let error = page.error().await;
    assert!(is(&error, Code::MessageConflict), "{error:?}");
    let (mut other, _) = Page::greet(&world, "b").await;
    other.send(&message("s", "m1", "/echo hi")).await;
    assert_eq!(other.receipt().await, first);
    drop(caught_up);
    let journal = world.journal_with_ended_turns("s", 1).await;
    assert_eq!(journal.events.iter().filter(|event| matches!(event.body, EventBody::Accepted(_))).count(), 1);
}

#[tokio::test]
async fn events_are_journaled_while_nobody_is_connected() {
    let world = World::start(&[]).await;
    let (mut page, _) = Page::greet(&world, "a").await;
    page.send(&message("s", "m1", "/mix 200")).await;
    page.receipt().await;
    drop(page);
    let journal = world.journal_with_ended_turns("s", 1).await;
    assert_dense(&journal.events, 0);
    assert!(journal.events.len() > 20, "{} events", journal.events.len());
}

#[tokio::test]
async fn a_request_is_answered_from_the_page() {
    let world = World::start(&[]).await;
    let (mut page, caught_up) = follower(&world, "a", "s").await;
    page.send(&message("s", "m1", "/ask")).await;
    let (request, option) = page
        .until("the request", |frame| {
            let GatewayFrame::Events(batch) = frame else { return None };
            batch.events.into_iter().find_map(|event| match event.body {
                EventBody::Opened(opened) if opened.kind == BlockKind::Request => {
                    let moorline_protocol::Patch::Set(options) = opened.fields.options else { panic!("no options") };
                    Some((opened.block, options[0].id.clone()))
                }
                _ => None,
            })
        })
        .await;
    let body = SendBody::Answer { request: request.clone(), option: option.clone() };
    page.send(&ClientFrame::Send(Send { session: id("s"), message: id("m2"), body, create: None, interrupt: None })).await;
    page.follow_until_ended("s", &caught_up.epoch).await;
    let journal = world.events("s", Seq::ZERO).await;
    assert!(journal.events.iter().any(|event| matches!(&event.body,
        EventBody::Answered(answered) if answered.block == request && answered.option == option)));
    let blocks: BlockPage = world.get("/v1/sessions/s/blocks").send().await.unwrap().json().await.unwrap();
    assert!(blocks.items.iter().any(|item| matches!(item,
        Item::Block(block) if matches!(&block.fields.settled, Some(Settlement::Answered { option: chosen, .. }) if *chosen == option))));
}

#[tokio::test]
async fn a_cancel_ends_the_turn_it_names_and_no_other() {
    let world = World::start(&[]).await;
    let (mut page, caught_up) = follower(&world, "a", "s").await;
    page.send(&message("s", "m1", "/sleep 60")).await;
    page.receipt().await;
    page.send(&ClientFrame::Cancel(Cancel { session: id("s"), turn: id("m0"), next: None })).await;
    assert!(is(&page.error().await, Code::TurnOver));
    page.send(&ClientFrame::Cancel(Cancel { session: id("s"), turn: id("m1"), next: None })).await;
    page.follow_until_ended("s", &caught_up.epoch).await;
    assert_eq!(ended(&world.events("s", Seq::ZERO).await)[0].outcome, Outcome::Cancelled);
}

#[tokio::test]
async fn a_waiting_message_can_be_withdrawn_and_a_started_one_cannot() {
    let world = World::start(&[]).await;
    let (mut page, _) = follower(&world, "a", "s").await;
    for (name, text) in [("m1", "/sleep 60"), ("m2", "/echo never")] {
        page.send(&message("s", name, text)).await;
        page.receipt().await;
    }
    for (name, outcome) in [("m1", ReceiptOutcome::Started), ("m2", ReceiptOutcome::Withdrawn)] {
        page.send(&ClientFrame::Withdraw(Withdraw { session: id("s"), message: id(name) })).await;
        assert_eq!(page.receipt().await.outcome, outcome);
    }
    page.send(&message("s", "m2", "/echo never")).await;
    assert!(is(&page.error().await, Code::Withdrawn));
}

#[tokio::test]
async fn an_agent_that_cannot_start_fails_the_turn_where_everybody_sees_it() {
    let world = World::start(&["--agent", "acp:/no/such/program"]).await;
    let (mut page, caught_up) = follower(&world, "a", "s").await;
    page.send(&message("s", "m1", "hi")).await;
    page.follow_until_ended("s", &caught_up.epoch).await;
    let ended = ended(&world.events("s", Seq::ZERO).await);
    assert_eq!(ended[0].outcome, Outcome::Failed);
    assert_eq!(ended[0].error.as_ref().unwrap().code, "agent_start");
}

#[tokio::test]
async fn a_newer_connection_of_the_same_page_replaces_the_older_and_another_page_is_told() {
    let world = World::start(&[]).await;
    let (mut older, _) = Page::greet(&world, "a").await;
    let (mut newer, _) = Page::greet(&world, "a").await;
    assert_eq!(older.closed().await.as_deref(), Some("replaced"));
    let mut copy = Page::connect(&world).await;
    let ClientFrame::Hello(greeting) = hello("a") else { unreachable!("hello makes a hello") };
    copy.send(&ClientFrame::Hello(moorline_protocol::Hello { page: id("copy"), ..greeting })).await;
    assert!(is(&copy.error().await, Code::ClientTaken));
    assert_eq!(copy.closed().await.as_deref(), Some("client_taken"));
    newer.assert_alive().await;
    drop(newer);
    within("the client id to be free again", async {
        loop {
            let mut next = Page::connect(&world).await;
            let ClientFrame::Hello(greeting) = hello("a") else { unreachable!("hello makes a hello") };
            next.send(&ClientFrame::Hello(moorline_protocol::Hello { page: id("next"), ..greeting })).await;
            let is_free = loop {
                match next.next_or_close().await {
                    Ok(GatewayFrame::Sessions(_)) => break true,
                    Ok(_) => {}
                    Err(_) => break false,
                }
            };
            if is_free {
                return;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_silent_client_is_given_up() {
    let world = World::start(&["--timings-divisor", "100"]).await;
    let (mut page, welcome) = Page::greet(&world, "a").await;
    assert_eq!(welcome.timings.silence.0, 375);
    assert_eq!(page.closed().await.as_deref(), Some("silence"));
    let mut mute = Page::connect(&world).await;
    assert!(is(&mute.error().await, Code::HelloExpected));
    assert_eq!(mute.closed().await.as_deref(), Some("no_hello"));
}

#[tokio::test]
async fn a_ping_carries_the_head_of_every_attached_session() {
    let world = World::start(&["--timings-divisor", "20"]).await;
    let (mut page, caught_up) = follower(&world, "a", "s").await;
    let heads = page.until("a ping", |frame| if let GatewayFrame::Ping(ping) = frame { Some(ping.heads) } else { None }).await;
    assert_eq!(heads, [moorline_protocol::Cursor { session: id("s"), epoch: caught_up.epoch, seq: Seq::ZERO }]);
}
