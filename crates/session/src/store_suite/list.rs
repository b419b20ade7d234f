//! The list: what changes a row, and what deletion leaves.

use moorline_protocol::{Seq, SessionRow};

use super::{client_id, commit, fold, meta, position, session};
use crate::{Commit, RowChange, Store, StoreError, Upkeep};

pub(super) fn a_row_that_is_pinned_named_or_put_away_is_no_newer(store: &dyn Store) {
    store.commit(&[commit("a", 1..=1)]).expect("it is created");
    let change = RowChange { title: Some("named".into()), pinned: Some(true), archived: Some(true), ..RowChange::default() };
    store.commit(&[Commit { row: Some(change), ..commit("a", []) }]).expect("its row changes");
    let row = meta(store, "a").row;
    assert_eq!((row.title.as_str(), row.changed_at, row.pinned, row.archived), ("named", 7, true, true), "what is given changes");
    let change = RowChange { at: Some(9), pinned: Some(false), ..RowChange::default() };
    store.commit(&[Commit { row: Some(change), ..commit("a", 2..=2) }]).expect("its row changes again");
    let later = meta(store, "a").row;
    assert_eq!((later.title.as_str(), later.changed_at, later.pinned, later.archived), ("named", 9, false, true), "what is absent stays");
    assert!(later.rev > row.rev, "each change is told");
}

pub(super) fn a_deleted_session_leaves_its_row_and_nothing_else(store: &dyn Store) {
    let change = RowChange { running: Some(true), waiting: Some(true), pinned: Some(true), archived: Some(true), ..RowChange::default() };
    store.commit(&[Commit { row: Some(change), ..commit("a", 1..=9) }, commit("b", 1..=3)]).expect("both are written");
    store.write(&[], &[position("x", "a", "e", 4, 10), position("x", "b", "e", 3, 10)]).expect("somebody stands there");
    let since = meta(store, "b").row.rev;
    let rows = store.commit(&[delete("a", 50)]).expect("it is deleted");
    let [
        SessionRow {
            rev,
            title,
            created_at: 7,
            changed_at: 50,
            running: false,
            waiting: false,
            pinned: false,
            archived: false,
            deleted: true,
            ..
        },
    ] = &rows[..]
    else {
        panic!("its row says so and nothing else: {rows:?}")
    };
    assert!(*rev > since && title.is_empty(), "as news, without what it was called");
    assert_eq!(store.rows(since), Ok(rows.clone()), "whoever knew it is told");
    let listed: Vec<_> = store.rows(0).expect("the rows are read").into_iter().map(|row| row.session).collect();
    assert_eq!(listed, [session("b")], "nobody else");
    assert_eq!(meta(store, "a").row, rows[0], "it is known as deleted");
    let rest = (store.read(&session("a"), Seq::ZERO, 100, 1 << 20), store.count(&session("a"), Seq::ZERO, 100));
    assert_eq!(rest, (Ok(vec![]), Ok(0)), "its events are gone");
    let is_known = |name| store.position(&client_id("x"), &session(name)).expect("it is read").is_some();
    assert_eq!((is_known("a"), is_known("b")), (false, true), "nobody stands in it");
    assert_eq!(store.read(&session("b"), Seq::ZERO, 100, 1 << 20).map(|events| events.len()), Ok(3), "another session is as it was");
    while store.upkeep(0, 2).expect("the rest is removed") == Upkeep::Unfinished {}
    assert_eq!(meta(store, "a").row, rows[0], "it is known for longer than anything of it is there");
}

pub(super) fn a_deleted_session_takes_no_further_commit(store: &dyn Store) {
    store.commit(&[commit("a", 1..=9)]).expect("it is written");
    store.commit(&[delete("a", 50)]).expect("it is deleted");
    let row = meta(store, "a").row;
    let folds = Commit { create: None, folds: vec![fold(1, 4)], ..commit("a", []) };
    let named = Commit { create: None, row: Some(RowChange { title: Some("b".into()), ..RowChange::default() }), ..commit("a", []) };
    for (what, bad) in [("an event", commit("a", 10..=10)), ("a first event", commit("a", 1..=1)), ("a fold", folds), ("a row", named)] {
        let refused = store.commit(&[bad]);
        assert!(matches!(refused, Err(StoreError::Corrupt(_))), "{what} is refused: {refused:?}");
    }
    let refused = store.commit(&[commit("b", 1..=1), delete("b", 51), commit("b", 2..=2)]);
    assert!(matches!(refused, Err(StoreError::Corrupt(_))), "also within one batch: {refused:?}");
    assert_eq!((meta(store, "a").row, store.session(&session("b"))), (row, Ok(None)), "nothing of it is written");
}

pub(super) fn deleted_sessions_are_forgotten_after_their_time(store: &dyn Store) {
    store.commit(&[commit("a", 1..=9), commit("b", 1..=1), commit("c", 1..=1)]).expect("they are written");
    store.commit(&[delete("a", 50)]).expect("one is deleted");
    store.commit(&[delete("b", 60)]).expect("and another");
    let (a, b) = (meta(store, "a").row.rev, meta(store, "b").row.rev);
    assert_eq!(store.first_rev(), Ok(0), "everybody can be told what changed");
    while store.upkeep(60, 1).expect("the older one is forgotten") == Upkeep::Unfinished {}
    assert_eq!((store.session(&session("a")), meta(store, "b").row.rev), (Ok(None), b), "the other one is not");
    assert_eq!(store.first_rev(), Ok(a), "whoever was told of it, and nobody else, can go on");
    assert_eq!(store.rows(a).expect("the rows are read").len(), 1, "with what came then");
    let again = store.commit(&[commit("a", 1..=2)]).expect("its id is free again");
    assert!(again[0].rev > b && meta(store, "a").head == Seq::new(2), "for a new session");
}

fn delete(name: &str, at: u64) -> Commit {
    Commit { deletion: Some(at), ..Commit::of(session(name)) }
}
