//! What a session's task makes of a store that fails, and of having nothing to do.

use std::{str::FromStr as _, time::Duration};

use moorline_protocol::{
    Accepted, Append, BlockId, BlockKind, Code, Create, Event, EventBody, FieldsPatch, Item, Opened, Outcome, ReceiptOutcome, SendBody,
    TurnEnded, TurnStarted,
};
use moorline_session::{Commit, Durability, MemoryStore};
use tokio::time::timeout;

use super::*;

fn id<T: for<'de> serde::Deserialize<'de>>(text: &str) -> T {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).unwrap()
}

/// Sessions over a store in memory, with an agent that cannot start.
fn sessions(store: &Arc<MemoryStore>) -> Sessions {
    folding(store, RetentionLimits::default())
}

fn folding(store: &Arc<MemoryStore>, retention: RetentionLimits) -> Sessions {
    let store: Arc<dyn Store> = Arc::<MemoryStore>::clone(store);
    Sessions::new(Arc::new(Surroundings {
        clock: Clock::start(),
        commits: CommitQueue::start(Arc::clone(&store), 0).unwrap(),
        store: Arc::clone(&store),
        config: Config::default(),
        retention,
        client_idle: Millis(3_600_000),
        population: Population::new(2, store.rows(0).unwrap().len()),
        agents: vec![AgentSpec::from_str("acp:/no/such/agent").unwrap()],
        agent_settings: AgentSettings::new("/no/such/binary", "/tmp/moorline-no-agents"),
        work: PathBuf::from("/tmp/moorline-no-work"),
    }))
}

async fn submit(sessions: &Sessions, message: &str) -> Result<Receipt, ErrorFrame> {
    let body = SendBody::Text("hi".to_owned());
    let send = Send { session: id("s"), message: id(message), body, create: Some(Create::default()), interrupt: None };
    let (answer, receipt) = oneshot::channel();
    sessions.tell(&id("s"), Order::Submit { send, answer }).unwrap();
    timeout(Duration::from_secs(10), receipt).await.expect("an answer within 10 s").expect("an answer")
}

#[tokio::test]
async fn a_commit_that_fails_is_refused_with_a_time_and_the_session_goes_on() {
    let store = Arc::new(MemoryStore::new(Durability::Synced));
    let sessions = sessions(&store);
    let first = submit(&sessions, "m1").await.unwrap();
    assert!(matches!(first.outcome, ReceiptOutcome::Accepted { .. }));
    let (mut standing, _) = sessions.watch(&id("s")).unwrap();
    // The turn fails at once, for want of an agent; from then on nothing is written.
    let idle = standing.wait_for(|standing| matches!(standing, Standing::Known(committed) if committed.state.running.is_none()));
    drop(timeout(Duration::from_secs(10), idle).await.expect("the end of the turn within 10 s").unwrap());
    let head = store.session(&id("s")).unwrap().unwrap().head;

    store.fail_next(StoreError::Unavailable("disk full".to_owned()));
    let refused = submit(&sessions, "m2").await.unwrap_err();
    assert_eq!((refused.code, refused.message_id, refused.retry_after_ms), (Code::StoreUnavailable, Some(id("m2")), Some(RETRY)));
    assert_eq!(store.session(&id("s")).unwrap().unwrap().head, head);

    let mut again = submit(&sessions, "m2").await;
    while again.as_ref().is_err_and(|error| error.code == Code::StoreUnavailable) {
        again = submit(&sessions, "m2").await;
    }
    assert_eq!(again.unwrap().outcome, ReceiptOutcome::Accepted { seq: head.next() });
    assert_eq!(submit(&sessions, "m1").await, Ok(first));
}

#[tokio::test]
async fn nothing_is_published_before_the_store_has_it() {
    let store = Arc::new(MemoryStore::new(Durability::Synced));
    let sessions = sessions(&store);
    let (mut standing, tail) = sessions.watch(&id("s")).unwrap();
    drop(standing.wait_for(|standing| matches!(standing, Standing::Unknown)).await.unwrap());
    submit(&sessions, "m1").await.unwrap();
    let Standing::Known(committed) = standing.borrow_and_update().clone() else { panic!("a receipt without a session") };
    assert!(committed.head >= Seq::new(1));
    assert!(store.session(&id("s")).unwrap().unwrap().head >= committed.head);
    let (_, last) = tail.frame(&id("s"), Seq::ZERO, 1 << 20).expect("the committed events are in the cache");
    assert!(last >= committed.head && store.session(&id("s")).unwrap().unwrap().head >= last);
}

#[tokio::test]
async fn a_session_that_does_not_exist_is_not_kept() {
    let sessions = sessions(&Arc::new(MemoryStore::new(Durability::Synced)));
    let (mut standing, _) = sessions.watch(&id("nowhere")).unwrap();
    drop(standing.wait_for(|standing| matches!(standing, Standing::Unknown)).await.unwrap());
    assert!(lock(&sessions.loaded).0.as_ref().unwrap().contains_key(&id::<SessionId>("nowhere")));
    drop(standing);
    let gone = async {
        while lock(&sessions.loaded).0.as_ref().unwrap().contains_key(&id::<SessionId>("nowhere")) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(10), gone).await.expect("unloaded within 10 s");
}

#[tokio::test]
async fn a_gateway_that_stops_takes_no_more_orders() {
    let sessions = sessions(&Arc::new(MemoryStore::new(Durability::Synced)));
    submit(&sessions, "m1").await.unwrap();
    timeout(Duration::from_secs(10), sessions.stop()).await.expect("all tasks end within 10 s");
    let (answer, _) = oneshot::channel();
    assert_eq!(sessions.tell(&id("s"), Order::Withdraw { message: id("m2"), answer }), Err(Busy::Stopping));
}

/// The places of what is kept of a session's journal.
fn kept(store: &MemoryStore) -> Vec<(u64, u64)> {
    let rows = store.read(&id("s"), Seq::ZERO, 1_000, 1 << 20).unwrap();
    rows.iter().map(|row| (row.first().value(), row.seq.value())).collect()
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(10), waiting).await.unwrap_or_else(|_| panic!("{what} within 10 s"));
}

/// A store with a session whose one turn said something in many pieces.
fn told() -> Arc<MemoryStore> {
    let store = Arc::new(MemoryStore::new(Durability::Synced));
    let (turn, block): (MessageId, BlockId) = (id("m0"), BlockId::numbered(2));
    let accepted =
        Accepted { message: turn.clone(), hash: "h".to_owned(), block: BlockId::numbered(1), text: "tell".to_owned(), interrupt: None };
    let opened = Opened { block: block.clone(), turn: turn.clone(), kind: BlockKind::Text, fields: FieldsPatch::default() };
    let mut bodies =
        vec![EventBody::Accepted(accepted), EventBody::TurnStarted(TurnStarted { turn: turn.clone() }), EventBody::Opened(opened)];
    bodies.extend((0..20).map(|at| EventBody::Append(Append { block: block.clone(), edition: 0, at, text: "x".to_owned() })));
    bodies.push(EventBody::TurnEnded(TurnEnded { turn, outcome: Outcome::Completed, error: None, usage: None }));
    let events = (1..).zip(bodies).map(|(n, body)| Event::plain(Seq::new(n), wall(), body)).collect();
    let new = NewSession { epoch: id("e"), agent: "none".to_owned(), title: String::new(), at: wall() };
    store.commit(&[Commit { create: Some(new), events, ..Commit::of(id("s")) }]).unwrap();
    store
}

fn is_folded_up_to(standing: &Standing, seq: u64) -> bool {
    matches!(standing, Standing::Known(committed) if committed.folded == Seq::new(seq) && committed.head == Seq::new(24))
}

async fn load(sessions: &Sessions) -> watch::Receiver<Standing> {
    let (mut standing, _) = sessions.watch(&id("s")).unwrap();
    drop(timeout(Duration::from_secs(10), standing.wait_for(|standing| matches!(standing, Standing::Known(_)))).await.unwrap().unwrap());
    standing
}

#[tokio::test]
async fn more_events_than_are_kept_are_folded_and_a_session_loaded_from_folds_goes_on() {
    let store = told();
    let first = folding(&store, RetentionLimits { events: 10, age: Millis(300_000) });
    drop(load(&first).await);
    until("folds", || kept(&store) == [(1, 1), (2, 24)]).await;
    first.stop().await;

    let again = sessions(&store);
    assert_eq!(submit(&again, "m1").await.unwrap().outcome, ReceiptOutcome::Accepted { seq: Seq::new(25) });
    let (answer, page) = oneshot::channel();
    again.tell(&id("s"), Order::Page { before: Seq::new(25), limit: 10, answer }).unwrap();
    let items = page.await.unwrap().unwrap().unwrap().items;
    let texts = items.iter().filter_map(|item| if let Item::Block(block) = item { Some(block.text.as_str()) } else { None });
    assert_eq!(texts.collect::<Vec<_>>(), ["tell", "xxxxxxxxxxxxxxxxxxxx"]);
}

#[tokio::test]
async fn a_few_events_are_folded_when_they_are_old() {
    let store = told();
    let sessions = folding(&store, RetentionLimits { events: 500, age: Millis(50) });
    drop(load(&sessions).await);
    until("folds", || kept(&store) == [(1, 1), (2, 24)]).await;
}

#[tokio::test]
async fn folds_that_cannot_be_written_are_tried_again_and_nothing_else_fails() {
    let store = told();
    store.fail_next(StoreError::Unavailable("disk full".to_owned()));
    let sessions = folding(&store, RetentionLimits { events: 10, age: Millis(300_000) });
    let mut standing = load(&sessions).await;
    standing.mark_unchanged();
    until("folds", || kept(&store) == [(1, 1), (2, 24)]).await;
    let told = timeout(Duration::from_secs(10), standing.wait_for(|standing| !is_folded_up_to(standing, 0))).await.unwrap();
    assert!(is_folded_up_to(&told.unwrap(), 24), "the session did not begin again: all that changed is what is folded");
}

#[tokio::test]
async fn a_panic_in_a_sessions_task_costs_it_a_moment_and_nothing_that_was_committed() {
    let store = Arc::new(MemoryStore::new(Durability::Synced));
    let sessions = sessions(&store);
    submit(&sessions, "m1").await.unwrap();
    let (mut standing, _) = sessions.watch(&id("s")).unwrap();
    sessions.tell(&id("s"), Order::Panic).unwrap();
    // Whoever asks meanwhile is told to come again, and does.
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    let again = loop {
        match submit(&sessions, "m2").await {
            Ok(receipt) => break receipt,
            Err(error) => assert_eq!(error.code, Code::StoreUnavailable, "{error:?}"),
        }
        assert!(tokio::time::Instant::now() < deadline, "the session begins again within 10 s");
    };
    assert!(matches!(again.outcome, ReceiptOutcome::Accepted { .. }));
    let both =
        |standing: &Standing| matches!(standing, Standing::Known(known) if known.head >= Seq::new(4) && known.state.running.is_none());
    drop(timeout(Duration::from_secs(10), standing.wait_for(both)).await.expect("who watched before sees it go on within 10 s").unwrap());
}

#[tokio::test]
async fn orders_that_come_to_nothing_never_fill_a_session_up() {
    let store = Arc::new(MemoryStore::new(Durability::Synced));
    let sessions = sessions(&store);
    submit(&sessions, "m1").await.unwrap();
    // More than may gather behind one commit; nothing is committed for any of them.
    for _ in 0..5_000 {
        let (answer, refused) = oneshot::channel();
        sessions.tell(&id("s"), Order::Cancel { turn: id("never"), next: None, answer }).unwrap();
        let refused = timeout(Duration::from_secs(10), refused).await.expect("an answer within 10 s").expect("an answer");
        assert_eq!(refused.unwrap_err().code, Code::TurnOver);
    }
    submit(&sessions, "m2").await.unwrap();
}
