//! What stands in requests.

use http::{HeaderMap, HeaderValue, Uri, header};
use moorline_gateway::{
    options::Durability,
    store::SqliteStore,
    testing::{self, Entrance},
};
use moorline_protocol::{BlockId, Epoch, Hello, MessageId, Seq, SessionId};
use moorline_session::{Commit, NewSession, Search, Store as _, Text};
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};

use super::Execute;
use crate::{
    Dice,
    corpus::{contents, examples, texts},
    maker::{Maker, Shape},
};

const VERBS: [&str; 9] = ["attach", "detach", "send", "withdraw", "cancel", "ack", "ping", "pong", "hello"];

pub(super) fn hello() -> Execute {
    let (hellos, ids) = (Maker::new(contents(&["client"], "hello")), cursors());
    Box::new(move |dice| {
        let hello = hellos.bytes(Shape::Any, dice);
        let query = if dice.once_in(8) { hello } else { percent_encode(&hello, NON_ALPHANUMERIC).to_string().into_bytes() };
        let Some(uri) = uri("/v1/events?hello=", query, dice) else { return };
        let mut headers = HeaderMap::new();
        put(&mut headers, "last-event-id", &ids.bytes(Shape::Any, dice));
        if let Some(hello) = testing::hello(&uri, &headers) {
            assert!(hello.attaches.len() <= uri.to_string().len() + headers.len() * 1_000, "attaches come from nowhere");
        }
    })
}

pub(super) fn last_event_id() -> Execute {
    let (hellos, ids) = (contents(&["client"], "hello"), cursors());
    let own: Hello = serde_json::from_value(hellos[0].clone()).expect("the example is a hello");
    Box::new(move |dice| {
        let text = ids.text(Shape::Any, dice);
        let resumed = testing::resumed(own.clone(), &text);
        let named: Vec<&str> = text.split(',').map(str::trim).collect();
        assert!(resumed.attaches.len() <= own.attaches.len() + named.len(), "attaches come from nowhere");
        assert!(resumed.attaches.iter().zip(&own.attaches).all(|(resumed, own)| (&resumed.session, resumed.no) == (&own.session, own.no)));
        for attach in resumed.attaches.iter().filter(|attach| attach.no == 0) {
            let (epoch, seq) = attach.cursor().expect("what only the header names has a cursor");
            let is_it = |part: &&str| {
                let parts: Vec<&str> = part.split(':').collect();
                matches!(parts[..], [session, of, at] if session == attach.session.as_str() && of == epoch.as_str() && at.parse() == Ok(seq.value()))
            };
            assert!(named.iter().any(is_it), "{text} names no {attach:?}");
        }
    })
}

pub(super) fn posts() -> Execute {
    let frames = Maker::new(examples(&["client"]));
    let bodies = Maker::new(examples(&["http:Login", "http:CreateSession", "http:ChangeSession"]));
    Box::new(move |dice| {
        let verb = dice.one_of(&VERBS);
        if let Some(frame) = testing::posted(verb, &frames.bytes(Shape::Any, dice)) {
            assert_eq!(frame.kind(), verb);
        }
        let body = bodies.bytes(Shape::Any, dice);
        let _ = testing::bodies(&body);
    })
}

pub(super) fn queries() -> Execute {
    let maker = Maker::new(texts(&[
        "after=5&limit=10",
        "before=57&limit=200",
        "edition=1&from=0&to=4096",
        "before=&limit=",
        "limit=-1",
        "q=parser%20line&session=s1&limit=5",
        "format=json",
        "after=1%2b1",
    ]));
    Box::new(move |dice| {
        let query = maker.bytes(Shape::Any, dice);
        if let Some(uri) = uri("/v1/sessions/s1/events?", query, dice) {
            let _ = testing::queries(&uri);
        }
    })
}

/// Searches in a store of the examples: each is answered, whatever its words mean to the index.
pub(super) fn searches() -> Execute {
    let folder = tempfile::tempdir().expect("a folder");
    let store = SqliteStore::open(&folder.path().join("store.db"), Durability::Os).expect("a store");
    let corpus = ["the parser", "\"quoted\" AND near(a b)", "col:umn OR -not", "^first*", "über{x}", "\u{0}nul ' \\", "ﬀ ß İ ſ"];
    let new = NewSession { epoch: Epoch::from_random(1), agent: String::new(), title: corpus.join(" "), at: 1 };
    let text =
        |text: &&str| Text { turn: MessageId::from_random(1), block: BlockId::numbered(1), opened: Seq::new(1), text: (*text).to_owned() };
    let session = SessionId::from_random(1);
    let commit = Commit { create: Some(new), texts: corpus.iter().map(text).collect(), ..Commit::of(session) };
    store.commit(&[commit]).expect("it is written");
    let maker = Maker::new(texts(&corpus));
    Box::new(move |dice| {
        let _ = &folder;
        let query = maker.text(Shape::Any, dice);
        let Some(search) = Search::parse(&query, None, 3) else { return };
        let hits = store.search(&search).unwrap_or_else(|error| panic!("{query:?}: {error}"));
        assert!(hits.len() <= 3 && hits.iter().all(|hit| hit.excerpt.len() % 2 == 1), "{query:?}: {hits:?}");
    })
}

pub(super) fn door() -> Execute {
    let folder = tempfile::tempdir().expect("a folder");
    let (token, origin) = ("let-me-in".parse().expect("a token"), "https://example.org".parse().expect("an origin"));
    let door = Entrance::open(&folder.path().join("store.db"), &token, origin).expect("a door");
    let authorizations = Maker::new(texts(&["Bearer let-me-in", "bearer let-me-in", "Basic bGV0", "Bearer  let-me-in "]));
    let cookies = Maker::new(texts(&["moorline_fuzz=0123", "a=b; moorline_fuzz=0123; c", "moorline_fuzz", "=;=;"]));
    let origins = Maker::new(texts(&["https://example.org", "http://localhost:7878", "null", "https://example.org.evil"]));
    let hosts = Maker::new(texts(&["localhost:7878", "[::1]:7878", "example.org"]));
    let tickets = Maker::new(texts(&["3f1c0d5e9a7b42c68d10e4f5a6b7c8d9"]));
    Box::new(move |dice| {
        // Kept as long as the door is.
        let _ = &folder;
        let mut headers = HeaderMap::new();
        let authorization = authorizations.bytes(Shape::Any, dice);
        for (name, value) in [("authorization", &authorization), ("cookie", &cookies.bytes(Shape::Any, dice))] {
            if !dice.once_in(3) {
                put(&mut headers, name, value);
            }
        }
        let (origin, host) = (origins.bytes(Shape::Any, dice), hosts.bytes(Shape::Any, dice));
        put(&mut headers, "origin", &origin);
        put(&mut headers, "host", &host);
        let (is_in, may_ask) = door.admits(&headers);
        let bearer =
            headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| value.strip_prefix("Bearer "));
        assert_eq!(is_in, bearer.is_some_and(|token| token.trim() == "let-me-in"), "{headers:?}");
        let told = headers.get(header::ORIGIN).map(|origin| origin.to_str().unwrap_or_default().to_owned());
        let own = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let host = |told: &str| told.strip_prefix("http://").or_else(|| told.strip_prefix("https://")).map(str::to_owned);
        let is_own = |told: &str| host(told).zip(own).is_some_and(|(told, own)| told.eq_ignore_ascii_case(own));
        let fits = |told: &String| told.eq_ignore_ascii_case("https://example.org") || is_own(told);
        assert_eq!(may_ask, told.as_ref().is_none_or(fits), "{headers:?}");
        assert!(!door.takes(&tickets.text(Shape::Any, dice)), "nobody bought a ticket");
    })
}

fn cursors() -> Maker {
    Maker::new(texts(&["s1:e-4f2a:57,s2:e-9c1b:0", "a:e:1 , b:e:2", "s1:e-4f2a:9007199254740991"]))
}

/// A URL with this query; what no URL can hold is left out first.
fn uri(path: &str, mut query: Vec<u8>, dice: &mut Dice) -> Option<Uri> {
    if dice.once_in(2) {
        query.retain(|byte| byte.is_ascii_graphic() && *byte != b'#');
    }
    Uri::try_from([path.as_bytes(), &query].concat()).ok()
}

fn put(headers: &mut HeaderMap, name: &'static str, value: &[u8]) {
    if let Ok(value) = HeaderValue::from_bytes(value) {
        headers.insert(name, value);
    }
}
