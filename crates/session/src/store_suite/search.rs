//! What is found, and in which order.

use moorline_protocol::{BlockId, Hit, HitPlace, Seq};

use super::{commit, id, session};
use crate::{Commit, RowChange, Search, Store, Text};

pub(super) fn titles_and_texts_are_found_by_all_of_their_words(store: &dyn Store) {
    store
        .commit(&[with("a", 1, &["The parser is a fine one", "nothing here"]), with("b", 1, &["Überall Parser"])])
        .expect("both are written");
    let found = |query| places(store, query);
    assert_eq!(found("parser"), [("b".into(), Some(1)), ("a".into(), Some(1))], "in any case");
    assert_eq!(found("FINE pars"), [("a".into(), Some(1))], "by the beginnings of their words, in any order");
    assert_eq!(found("überall"), [("b".into(), Some(1))], "in any language");
    assert_eq!(found("parser nothing"), [], "in one text");
    assert_eq!(found("arser"), [], "not by the middle of a word");
    assert_eq!(found("title a"), [("a".into(), None)], "titles too");
    let hits = store.search(&search("fine")).expect("it is found");
    let place = HitPlace { turn: id("m"), block: BlockId::numbered(1), opened: Seq::new(1) };
    let excerpt = ["The parser is a ", "fine", " one"].map(String::from).to_vec();
    assert_eq!(hits, [Hit { session: session("a"), place: Some(place), excerpt }], "with its place and what stands around it");
}

pub(super) fn what_was_committed_last_is_found_first_and_titles_before_it(store: &dyn Store) {
    for n in 1..=5 {
        store.commit(&[with("a", n, &["needle"]), with("b", n, &["hay"])]).expect("they are written");
    }
    let named = RowChange { title: Some("A Needle".into()), ..RowChange::default() };
    store.commit(&[Commit { row: Some(named), ..commit("b", []) }]).expect("it is named");
    let all: Vec<_> = std::iter::once(("b".into(), None)).chain((1..=5).rev().map(|n| ("a".into(), Some(n)))).collect();
    assert_eq!(places(store, "needle"), all, "the newest first");
    let limited = |session, limit| Search::parse("needle", session, limit).expect("it has a word");
    assert_eq!(store.search(&limited(None, 3)).expect("they are found").len(), 3, "no more than asked for");
    assert_eq!(store.search(&limited(Some(session("a")), 100)).expect("they are found").len(), 5, "in one session");
    store.commit(&[Commit { deletion: Some(9), ..Commit::of(session("a")) }]).expect("it is deleted");
    assert_eq!(places(store, "needle"), [("b".into(), None)], "what is deleted is found no more");
}

pub(super) fn words_are_words_and_nothing_else(store: &dyn Store) {
    let nasty = r#"say "quoted" OR NOT near* {x} a:b ^c -d fn(parse_line) C:\\dir 100% _under"#;
    store.commit(&[with("a", 1, &[nasty])]).expect("it is written");
    for query in [
        r#""quoted""#,
        "NOT",
        "near*",
        "{x}",
        "a:b",
        "^c",
        "-d",
        "parse_line",
        "fn(parse_line)",
        r"C:\\dir",
        "100%",
        "_under",
        "or not",
        "\0say\0",
    ] {
        assert_eq!(places(store, query).len(), 1, "{query} is found as it stands");
    }
    for query in ["AND", "text:say", "s*y", "pars_line", "1000"] {
        assert_eq!(places(store, query).len(), 0, "{query} is not there");
    }
}

/// The next event of a session, with texts in blocks of the same number.
fn with(name: &str, n: u64, texts: &[&str]) -> Commit {
    let text = |text: &&str| Text { turn: id("m"), block: BlockId::numbered(n), opened: Seq::new(n), text: (*text).to_owned() };
    Commit { texts: texts.iter().map(text).collect(), ..commit(name, n..=n) }
}

fn search(query: &str) -> Search {
    Search::parse(query, None, 100).expect("it has a word")
}

fn places(store: &dyn Store, query: &str) -> Vec<(String, Option<u64>)> {
    let hits = store.search(&search(query)).expect("the store searches");
    hits.into_iter().map(|hit| (hit.session.to_string(), hit.place.map(|place| place.opened.value()))).collect()
}
