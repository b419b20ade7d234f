//! The store on a real file.

use std::{cell::RefCell, path::Path};

use moorline_gateway::{
    options::Durability,
    store::{OpenError, SqliteStore},
};
use moorline_protocol::{Event, EventBody, Seq, TurnStarted};
use moorline_session::{Commit, Early, NewSession, Store, StoreError, store_suite};
use tempfile::TempDir;

use crate::page::id;

fn open(folder: &Path) -> SqliteStore {
    SqliteStore::open(&folder.join("store"), Durability::Full).unwrap()
}

fn commit(session: &str, seqs: std::ops::RangeInclusive<u64>) -> Commit {
    let event = |seq| Event::plain(Seq::new(seq), 5, EventBody::TurnStarted(TurnStarted { turn: id("m") }));
    let new = NewSession { epoch: id("e"), agent: "demo".to_owned(), title: "A".to_owned(), at: 5 };
    Commit { create: Some(new), events: seqs.map(event).collect(), ..Commit::of(id(session)) }
}

#[test]
fn sqlite_passes_the_store_suite() {
    let folders = RefCell::new(Vec::<TempDir>::new());
    store_suite::run(&mut || {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        folders.borrow_mut().push(folder);
        Box::new(store)
    });
}

#[test]
fn what_was_committed_is_there_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let rows = store.commit(&[commit("a", 1..=3), commit("b", 1..=1)]).unwrap();
    store.commit(&[commit("a", 4..=9)]).unwrap();
    // The first connection stays open and is never closed in order, as after a kill.
    std::mem::forget(store);
    let again = open(folder.path());
    assert_eq!(again.rows(0).unwrap(), rows);
    assert_eq!(again.session(&id("a")).unwrap().unwrap().head, Seq::new(9));
    assert_eq!(again.read(&id("a"), Seq::new(2), 100, 1 << 20).unwrap().len(), 7);
}

#[test]
fn the_list_counter_goes_on_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path()).commit(&[commit("a", 1..=1)]).unwrap()[0].rev;
    let store = open(folder.path());
    assert_eq!(store.newest_row(), Ok(first));
    assert!(store.commit(&[commit("b", 1..=1)]).unwrap()[0].rev > first);
}

#[test]
fn a_file_of_a_newer_gateway_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let path = folder.path().join("store");
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let error = SqliteStore::open(&path, Durability::Full).unwrap_err();
    assert!(matches!(error, OpenError::Newer { found: 99, .. }), "{error}");
    assert!(error.to_string().contains("newer gateway"), "{error}");
}

/// The tables as version 1 made them.
const VERSION_1: &str = "
    CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE sessions (
        key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, epoch TEXT NOT NULL, agent TEXT NOT NULL, title TEXT NOT NULL,
        created_at INTEGER NOT NULL, changed_at INTEGER NOT NULL, running INTEGER NOT NULL DEFAULT 0,
        waiting INTEGER NOT NULL DEFAULT 0, deleted INTEGER NOT NULL DEFAULT 0, rev INTEGER NOT NULL UNIQUE,
        oldest INTEGER NOT NULL DEFAULT 0, head INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE events (
        session INTEGER NOT NULL REFERENCES sessions (key), seq INTEGER NOT NULL, event TEXT NOT NULL, PRIMARY KEY (session, seq)
    ) WITHOUT ROWID;
    CREATE TABLE logins (hash BLOB PRIMARY KEY, token BLOB NOT NULL, expires_at INTEGER NOT NULL) WITHOUT ROWID;
    PRAGMA user_version = 1;
    PRAGMA application_id = 0x6d6f6f72;
    INSERT INTO facts VALUES ('rev', '4');
    INSERT INTO sessions VALUES (1, 'a', 'e', 'demo', 'A', 5, 5, 0, 0, 0, 4, 1, 1);
    INSERT INTO events VALUES (1, 1, '{\"seq\":1,\"at\":5,\"body\":{\"turn_started\":{\"turn\":\"m\"}}}');
";

#[test]
fn a_file_of_version_1_is_brought_up_to_date_with_all_that_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    rusqlite::Connection::open(&path).unwrap().execute_batch(VERSION_1).unwrap();
    let store = open(folder.path());
    assert_eq!(store.read(&id("a"), Seq::ZERO, 10, 1 << 20).unwrap(), commit("a", 1..=1).events);
    assert!(store.commit(&[commit("a", 2..=2), commit("b", 1..=1)]).unwrap()[0].rev > 4);
    let early = vec![Early { message: id("m9"), at: 5 }];
    store.commit(&[Commit { early, ..Commit::of(id("c")) }]).unwrap();
    drop(store);
    assert_eq!(open(folder.path()).early(&id("c")).unwrap(), [id("m9")]);
}

#[test]
fn a_damaged_file_is_refused_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let store = open(folder.path());
    store.commit(&[commit("a", 1..=2_000)]).unwrap();
    drop(store);
    let mut bytes = std::fs::read(&path).unwrap();
    let end = bytes.len();
    bytes[end / 2..end / 2 + 8_192].fill(0x55);
    std::fs::write(&path, bytes).unwrap();
    let error = SqliteStore::open(&path, Durability::Full).unwrap_err();
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("moorline-gateway restore"), "{error}");
}

#[test]
fn another_programs_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text");
    std::fs::write(&text, "this is a letter, and a long one, to somebody who likes letters. ".repeat(40)).unwrap();
    assert!(matches!(SqliteStore::open(&text, Durability::Full), Err(OpenError::Foreign { .. })));
    let foreign = folder.path().join("foreign");
    rusqlite::Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE letters (text)").unwrap();
    assert!(matches!(SqliteStore::open(&foreign, Durability::Full), Err(OpenError::Foreign { .. })));
}

#[test]
fn a_damaged_event_is_named_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.commit(&[commit("a", 1..=3)]).unwrap();
    let connection = rusqlite::Connection::open(folder.path().join("store")).unwrap();
    connection.execute("UPDATE events SET event = '{' WHERE seq = 2", []).unwrap();
    assert!(matches!(store.read(&id("a"), Seq::ZERO, 10, 1 << 20), Err(StoreError::Corrupt(_))));
}

#[test]
fn new_epochs_are_given_to_every_session() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.commit(&[commit("a", 1..=1), commit("b", 1..=1)]).unwrap();
    let mut n = 0;
    store
        .renew_epochs(1_000, || {
            n += 1;
            id(&format!("new{n}"))
        })
        .unwrap();
    let epoch = |session| store.session(&id(session)).unwrap().unwrap().epoch;
    assert_ne!(epoch("a"), id("e"));
    assert_ne!(epoch("a"), epoch("b"));
    assert_eq!(store.first_rev(), Ok(1_000));
    assert_eq!(store.rows(1_000).unwrap().len(), 2, "every row is newer than what was told before");
}
