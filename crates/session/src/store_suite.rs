//! What every [`Store`] must do, as checks that each one runs in its own tests.
//!
//! They panic with a sentence when the store does otherwise.

mod list;
mod search;

use moorline_protocol::{
    Accepted, Append, BlockId, BlockKind, Changed, ClientId, Epoch, Event, EventBody, FieldsPatch, Fold, MessageId, Opened, Outcome, Patch,
    PlanEntry, PlanStatus, Seq, SessionId, Settlement, TurnEnded, TurnError, TurnStarted, TurnStopping, Withdrawn, encode,
};

use crate::{Commit, EARLY_AGE, Early, NewSession, Position, RowChange, Store, StoreError};

/// Runs every check, each on an empty store of its own.
pub fn run(make: &mut dyn FnMut() -> Box<dyn Store>) {
    for check in [
        a_session_that_does_not_exist_has_nothing,
        the_head_is_0_for_none_and_n_for_n,
        a_read_keeps_its_bounds,
        a_count_counts_rows_up_to_its_bound,
        every_event_reads_back_as_it_was_written,
        a_row_changes_only_when_told,
        rows_come_by_rev,
        creating_twice_changes_nothing,
        a_hole_is_refused,
        a_batch_is_written_whole_or_not_at_all,
        commits_of_one_batch_build_on_each_other,
        folds_take_the_place_of_what_they_stand_for,
        a_fold_that_stands_for_no_kept_run_is_refused,
        where_clients_stand_is_kept_and_does_not_move_back,
        clients_not_seen_for_long_are_forgotten,
        what_was_taken_back_early_is_kept_until_its_session_is_made,
        what_was_taken_back_early_is_forgotten_after_its_time,
        list::a_row_that_is_pinned_named_or_put_away_is_no_newer,
        list::a_deleted_session_leaves_its_row_and_nothing_else,
        list::a_deleted_session_takes_no_further_commit,
        list::deleted_sessions_are_forgotten_after_their_time,
        search::titles_and_texts_are_found_by_all_of_their_words,
        search::what_was_committed_last_is_found_first_and_titles_before_it,
        search::words_are_words_and_nothing_else,
    ] {
        check(&*make());
    }
}

fn a_session_that_does_not_exist_has_nothing(store: &dyn Store) {
    let session = session("none");
    assert_eq!(store.session(&session), Ok(None), "an unknown session has no meta");
    assert_eq!(store.read(&session, Seq::ZERO, 10, 10_000), Ok(vec![]), "an unknown session has no events");
    assert_eq!(store.rows(0), Ok(vec![]), "an empty store has no rows");
    let refused = store.commit(&[Commit { create: None, ..commit("none", 1..=1) }]);
    assert!(matches!(refused, Err(StoreError::Corrupt(_))), "events of a session that nobody created are refused");
    assert_eq!(store.session(&session), Ok(None), "a refused commit makes no session");
}

fn the_head_is_0_for_none_and_n_for_n(store: &dyn Store) {
    store.commit(&[commit("a", [])]).expect("a session without events is created");
    let meta = meta(store, "a");
    assert_eq!((meta.oldest, meta.head), (Seq::ZERO, Seq::ZERO), "no events: oldest and head are 0");
    for n in 1..=5 {
        store.commit(&[commit("a", n..=n)]).expect("the next event is taken");
        assert_eq!(self::meta(store, "a").head, Seq::new(n), "n events: the head is n");
    }
    assert_eq!(self::meta(store, "a").oldest, Seq::new(1), "the oldest of five is 1");
}

fn a_read_keeps_its_bounds(store: &dyn Store) {
    store.commit(&[commit("a", 1..=10), commit("b", 1..=3)]).expect("both are written");
    let read = |after, most, bytes| -> Vec<u64> {
        let events = store.read(&session("a"), Seq::new(after), most, bytes).expect("the events are read");
        events.iter().map(|event| event.seq.value()).collect()
    };
    assert_eq!(read(0, 100, 1 << 20), (1..=10).collect::<Vec<_>>(), "a wide read brings all, oldest first");
    assert_eq!(read(7, 100, 1 << 20), [8, 9, 10], "only what is above `after`");
    assert_eq!(read(10, 100, 1 << 20), [0; 0], "nothing behind the head");
    assert_eq!(read(99, 100, 1 << 20), [0; 0], "nothing ahead of the head");
    assert_eq!(read(2, 3, 1 << 20), [3, 4, 5], "at most max_events");
    let size = encode(&event(1)).len();
    assert_eq!(read(0, 100, 3 * size), [1, 2, 3], "no more than fit max_bytes");
    assert_eq!(read(0, 100, 3 * size - 1), [1, 2], "an event that does not fit stays out");
    assert_eq!(read(0, 100, 1), [1], "at least one, however large");
}

fn a_count_counts_rows_up_to_its_bound(store: &dyn Store) {
    store.commit(&[commit("a", 1..=100), commit("b", 1..=3)]).expect("both are written");
    let count = |name, after, most| store.count(&session(name), Seq::new(after), most).expect("the rows are counted");
    assert_eq!((count("a", 0, 1_000), count("a", 90, 1_000), count("a", 100, 1_000)), (100, 10, 0), "what is above `after`");
    assert_eq!((count("a", 0, 7), count("b", 0, 7), count("none", 0, 7)), (7, 3, 0), "no further than `most`");
    store.commit(&[Commit { folds: vec![fold(1, 40), fold(41, 90)], ..commit("a", []) }]).expect("it is folded");
    assert_eq!((count("a", 0, 1_000), count("a", 40, 1_000), count("a", 41, 1_000)), (12, 11, 11), "a fold is one row, also from inside");
}

fn every_event_reads_back_as_it_was_written(store: &dyn Store) {
    let message = id("m");
    let block = BlockId::numbered(2);
    let fields = FieldsPatch {
        title: Patch::Clear,
        entries: Patch::Set(vec![PlanEntry { text: "\u{0}\u{1f}\"\\ 🧵\u{2028}".into(), status: PlanStatus::InProgress }]),
        settled: Patch::Set(Settlement::Answered { option: "an option's id".into(), message: message.clone() }),
        ..FieldsPatch::default()
    };
    let bodies = [
        EventBody::Accepted(Accepted {
            message: message.clone(),
            hash: "0123456789abcdef".into(),
            block: BlockId::numbered(1),
            text: "ümlaut\r\n\t\u{0}".into(),
            interrupt: Some(id("other")),
        }),
        EventBody::Withdrawn(Withdrawn { message: id("w") }),
        EventBody::TurnStarted(TurnStarted { turn: message.clone() }),
        EventBody::Opened(Opened { block: block.clone(), turn: message.clone(), kind: BlockKind::Plan, fields: fields.clone() }),
        EventBody::Append(Append { block: block.clone(), edition: 3, at: 1 << 40, text: "x".repeat(10_000) }),
        EventBody::Changed(Changed { block, fields }),
        EventBody::TurnStopping(TurnStopping { turn: message.clone(), next: None }),
        EventBody::TurnEnded(TurnEnded {
            turn: message,
            outcome: Outcome::Failed,
            error: Some(TurnError { code: "agent_error".into(), message: "no".into() }),
            usage: None,
        }),
    ];
    let events: Vec<Event> = (1..).zip(bodies).map(|(n, body)| Event::plain(Seq::new(n), 1_700_000_000_000 + n, body)).collect();
    store.commit(&[Commit { events: events.clone(), ..commit("a", []) }]).expect("the events are written");
    assert_eq!(store.read(&session("a"), Seq::ZERO, 100, 1 << 20), Ok(events.clone()), "what is read is what was written");
    let encoded = store.read_encoded(&session("a"), Seq::new(2), 3, 1 << 20).expect("they are read");
    let expected: Vec<_> = events[2..5].iter().map(|event| (event.seq, encode(event))).collect();
    assert_eq!(encoded, expected, "also as it travels");
}

fn a_row_changes_only_when_told(store: &dyn Store) {
    let made = store.commit(&[commit("a", 1..=1)]).expect("it is created");
    let [row] = &made[..] else { panic!("creating a session changes its row, once: {made:?}") };
    assert_eq!((row.title.as_str(), row.created_at, row.changed_at), ("title of a", 7, 7), "the row is as the commit makes it");
    assert!(!row.running && !row.waiting && !row.deleted, "a new session is idle");
    assert_eq!(store.commit(&[commit("a", 2..=2)]), Ok(vec![]), "no row change: no row");
    let change = RowChange { at: Some(9), running: Some(true), ..RowChange::default() };
    let changed = store.commit(&[Commit { row: Some(change), ..commit("a", 3..=3) }]).expect("it is written");
    let [later] = &changed[..] else { panic!("a row change changes the row, once: {changed:?}") };
    assert!(later.rev > row.rev, "the rev rises");
    assert_eq!((later.title.as_str(), later.created_at, later.changed_at), ("title of a", 7, 9), "what is absent stays");
    assert!(later.running && !later.waiting, "what is given changes");
    let change = RowChange { at: Some(10), title: Some("named".into()), running: Some(false), waiting: Some(true), ..RowChange::default() };
    store.commit(&[Commit { row: Some(change), ..commit("a", 4..=4) }]).expect("it is written");
    let row = meta(store, "a").row;
    assert_eq!((row.title.as_str(), row.running, row.waiting), ("named", false, true), "the meta carries the row as it stands");
    assert_eq!(store.rows(0), Ok(vec![row]), "so does the list");
}

fn rows_come_by_rev(store: &dyn Store) {
    let touch = RowChange { at: Some(8), running: Some(true), ..RowChange::default() };
    store.commit(&[commit("a", 1..=1)]).expect("a is created");
    store.commit(&[commit("b", 1..=1)]).expect("b is created");
    store.commit(&[commit("c", 1..=1)]).expect("c is created");
    let all = store.rows(0).expect("the rows are read");
    let since = all.last().map_or(0, |row| row.rev);
    store.commit(&[Commit { row: Some(touch), ..commit("a", 2..=2) }]).expect("a is changed");
    let names = |rows: &[moorline_protocol::SessionRow]| rows.iter().map(|row| row.session.to_string()).collect::<Vec<_>>();
    assert_eq!(names(&all), ["a", "b", "c"], "lowest rev first");
    let newer = store.rows(since).expect("the rows are read");
    assert_eq!(names(&newer), ["a"], "only what is above `since`");
    assert_eq!(names(&store.rows(0).expect("the rows are read")), ["b", "c", "a"], "a changed row moves to the end");
    assert_eq!(store.rows(newer[0].rev), Ok(vec![]), "nothing is above the highest rev");
}

fn creating_twice_changes_nothing(store: &dyn Store) {
    store.commit(&[commit("a", 1..=2)]).expect("it is created");
    let before = meta(store, "a");
    let mut again = commit("a", []);
    if let Some(new) = &mut again.create {
        new.epoch = Epoch::from_random(99);
        new.title = "another".into();
        new.agent = "another".into();
    }
    assert_eq!(store.commit(&[again]), Ok(vec![]), "a second create changes no row");
    assert_eq!(meta(store, "a"), before, "nor anything else");
}

fn a_hole_is_refused(store: &dyn Store) {
    store.commit(&[commit("a", 1..=3)]).expect("it is written");
    let within = Commit { events: vec![event(4), event(6)], ..commit("a", []) };
    for (what, bad) in [("ahead", commit("a", 5..=5)), ("again", commit("a", 3..=3)), ("within", within), ("new", commit("b", 2..=2))] {
        let refused = store.commit(&[bad]);
        assert!(matches!(refused, Err(StoreError::Corrupt(_))), "a hole ({what}) is refused: {refused:?}");
    }
    assert_eq!(meta(store, "a").head, Seq::new(3), "nothing of it is written");
    assert_eq!(store.session(&session("b")), Ok(None), "nor is a session made");
    store.commit(&[commit("a", 4..=4)]).expect("the store goes on");
}

fn a_batch_is_written_whole_or_not_at_all(store: &dyn Store) {
    store.commit(&[commit("a", 1..=1)]).expect("it is created");
    let before = (meta(store, "a"), store.rows(0));
    let touch = RowChange { at: Some(8), title: Some("touched".into()), running: Some(true), ..RowChange::default() };
    let good = Commit { row: Some(touch), ..commit("a", 2..=3) };
    let refused = store.commit(&[good, commit("b", 1..=1), commit("a", 9..=9)]);
    assert!(matches!(refused, Err(StoreError::Corrupt(_))), "one bad commit fails the batch");
    assert_eq!((meta(store, "a"), store.rows(0)), before, "the good ones of it leave no trace");
    assert_eq!(store.session(&session("b")), Ok(None), "nor do they make a session");
    assert_eq!(store.read(&session("a"), Seq::new(1), 10, 10_000), Ok(vec![]), "nor an event");
}

fn commits_of_one_batch_build_on_each_other(store: &dyn Store) {
    let touch = |running| RowChange { at: Some(8), running: Some(running), ..RowChange::default() };
    let batch = [
        Commit { row: Some(touch(true)), ..commit("a", 1..=2) },
        commit("b", 1..=1),
        Commit { create: None, row: Some(touch(false)), ..commit("a", 3..=4) },
    ];
    let rows = store.commit(&batch).expect("the batch is written");
    assert_eq!(rows.iter().filter(|row| row.session == session("a")).count(), 1, "each changed row is told once");
    assert!(rows.iter().any(|row| row.session == session("a") && !row.running), "as the batch leaves it");
    assert_eq!(meta(store, "a").head, Seq::new(4), "the journal continues within a batch");
}

fn folds_take_the_place_of_what_they_stand_for(store: &dyn Store) {
    store.commit(&[commit("a", 1..=10), commit("b", 1..=10)]).expect("both are written");
    let folds = vec![fold(1, 2), fold(4, 7)];
    store.commit(&[Commit { folds, ..commit("a", 11..=11) }]).expect("the folds are written beside an event");
    let read = |name, after| -> Vec<(u64, u64)> {
        let events = store.read(&session(name), Seq::new(after), 100, 1 << 20).expect("the events are read");
        events.iter().map(|event| (event.first().value(), event.seq.value())).collect()
    };
    assert_eq!(read("a", 0), [(1, 2), (3, 3), (4, 7), (8, 8), (9, 9), (10, 10), (11, 11)], "each in its place");
    assert_eq!(read("a", 5), [(4, 7), (8, 8), (9, 9), (10, 10), (11, 11)], "a cursor inside a fold gets the fold");
    assert_eq!(read("a", 7)[0], (8, 8), "one at its end does not");
    assert_eq!(read("b", 0).len(), 10, "another session is as it was");
    let meta = meta(store, "a");
    assert_eq!((meta.oldest, meta.head), (Seq::new(1), Seq::new(11)), "the bounds do not change");
    store.commit(&[Commit { folds: vec![fold(3, 8)], ..commit("a", []) }]).expect("a fold may take in another one");
    assert_eq!(read("a", 0)[..2], [(1, 2), (3, 8)], "it stands for that one too");
}

fn a_fold_that_stands_for_no_kept_run_is_refused(store: &dyn Store) {
    store.commit(&[commit("a", 1..=10)]).expect("it is written");
    store.commit(&[Commit { folds: vec![fold(4, 7)], ..commit("a", []) }]).expect("it is folded");
    for bad in [fold(3, 5), fold(5, 9), fold(8, 11), fold(11, 12)] {
        let place = (bad.first(), bad.seq);
        let refused = store.commit(&[Commit { folds: vec![bad], ..commit("a", []) }]);
        assert!(matches!(refused, Err(StoreError::Corrupt(_))), "{place:?} stands for no whole events: {refused:?}");
    }
    assert_eq!(store.read(&session("a"), Seq::ZERO, 100, 1 << 20).expect("the events are read").len(), 7, "nothing of it is written");
}

fn where_clients_stand_is_kept_and_does_not_move_back(store: &dyn Store) {
    let seq = |client: &str, name| {
        let position = store.position(&client_id(client), &session(name)).expect("it is read");
        position.map(|position| (position.epoch.to_string(), position.seq.value(), position.seen_at))
    };
    let at = |client: &str, name, epoch: &str, n, seen_at| position(client, name, epoch, n, seen_at);
    store.write(&[commit("a", 1..=9)], &[at("x", "a", "e", 4, 10), at("y", "a", "e", 9, 10)]).expect("beside a commit");
    store.write(&[], &[at("x", "b", "f", 2, 11)]).expect("and alone");
    let kept = |epoch: &str, n, seen_at| Some((epoch.to_owned(), n, seen_at));
    assert_eq!((seq("x", "a"), seq("y", "a"), seq("x", "b"), seq("y", "b")), (kept("e", 4, 10), kept("e", 9, 10), kept("f", 2, 11), None));
    store.write(&[], &[at("x", "a", "e", 3, 12)]).expect("it is written");
    assert_eq!(seq("x", "a"), kept("e", 4, 12), "an older place says only that the client is there");
    store.write(&[], &[at("x", "a", "e", 6, 13), at("x", "b", "g", 1, 13)]).expect("they are written");
    assert_eq!((seq("x", "a"), seq("x", "b")), (kept("e", 6, 13), kept("g", 1, 13)), "in another epoch it begins anew");
    let refused = store.write(&[commit("a", 99..=99)], &[at("x", "a", "e", 8, 14)]);
    assert!(refused.is_err() && seq("x", "a") == kept("e", 6, 13), "with a commit that fails nothing is written");
}

fn clients_not_seen_for_long_are_forgotten(store: &dyn Store) {
    let positions = [position("x", "a", "e", 1, 10), position("x", "b", "e", 1, 20), position("y", "a", "e", 1, 30)];
    store.write(&[], &positions).expect("they are written");
    store.forget_positions(20).expect("the oldest goes");
    let is_kept = |client, name| store.position(&client_id(client), &session(name)).expect("it is read").is_some();
    assert_eq!((is_kept("x", "a"), is_kept("x", "b"), is_kept("y", "a")), (false, true, true), "who was seen just then stays");
}

fn position(client: &str, name: &str, epoch: &str, seq: u64, seen_at: u64) -> Position {
    let epoch = Epoch::parse(epoch).expect("a valid id");
    Position { client: client_id(client), session: session(name), epoch, seq: Seq::new(seq), seen_at }
}

fn client_id(name: &str) -> ClientId {
    ClientId::parse(name).expect("a valid id")
}

fn what_was_taken_back_early_is_kept_until_its_session_is_made(store: &dyn Store) {
    let early = |name, messages: &[&str]| {
        let early = messages.iter().map(|message| Early { message: id(message), at: 7 }).collect();
        Commit { early, ..Commit::of(session(name)) }
    };
    let kept = |name| store.early(&session(name)).expect("they are read");
    let rows = store.commit(&[early("a", &["m1"]), early("b", &["m1"]), early("a", &["m2", "m1"])]);
    assert_eq!(rows, Ok(vec![]), "it makes no row");
    assert_eq!(store.session(&session("a")), Ok(None), "and no session");
    let mut all = kept("a");
    all.sort();
    assert_eq!((all, kept("b"), kept("c")), (vec![id("m1"), id("m2")], vec![id("m1")], vec![]), "each once, by session");
    store.commit(&[commit("a", 1..=1)]).expect("the session is made");
    assert_eq!((kept("a"), kept("b")), (vec![], vec![id("m1")]), "its journal has them from then on");
    store.commit(&[early("a", &["m3"])]).expect("of a session that exists it says nothing");
    assert_eq!((kept("a"), meta(store, "a").head), (vec![], Seq::new(1)), "nothing is kept of it");
}

fn what_was_taken_back_early_is_forgotten_after_its_time(store: &dyn Store) {
    let early = |message: &str, at| Commit { early: vec![Early { message: id(message), at }], ..Commit::of(session("a")) };
    store.commit(&[early("m1", 1_000), early("m2", 2_000)]).expect("they are written");
    store.commit(&[early("m3", 1_000 + EARLY_AGE.0)]).expect("it is written");
    assert_eq!(store.early(&session("a")), Ok(vec![id("m2"), id("m3")]), "the oldest first, without the one that is too old");
}

fn fold(first: u64, seq: u64) -> Event {
    Event::folded(Seq::new(first), Seq::new(seq), 1000, Fold { turns: Vec::new(), blocks: Vec::new() })
}

fn commit(name: &str, seqs: impl IntoIterator<Item = u64>) -> Commit {
    let new = NewSession { epoch: Epoch::from_random(1), agent: "demo".into(), title: format!("title of {name}"), at: 7 };
    Commit { create: Some(new), events: seqs.into_iter().map(event).collect(), ..Commit::of(session(name)) }
}

fn event(n: u64) -> Event {
    Event::plain(Seq::new(n), 1000, EventBody::Withdrawn(Withdrawn { message: id("m") }))
}

fn meta(store: &dyn Store, name: &str) -> crate::SessionMeta {
    store.session(&session(name)).expect("the meta is read").expect("the session exists")
}

fn session(name: &str) -> SessionId {
    SessionId::parse(name).expect("a valid id")
}

fn id(name: &str) -> MessageId {
    MessageId::parse(name).expect("a valid id")
}
