//! A tab that was duplicated, and its copy.

use moorline_delivery::{Client, Failure, Output, Persist, Restored, SendState, StoredSend};
use moorline_protocol::{ClientId, Limits};

use crate::scene::{Scene, acceptance, events, gone, hello, message, persisted, sent, text, told};

fn kept(order: u64, id: &str) -> StoredSend {
    StoredSend { order, send: text("s", id), attempts: 1, failure: None, withdrawing: None }
}

fn client(id: &str) -> ClientId {
    ClientId::parse(id).expect("an id")
}

/// A copy of a tab that holds one send.
fn copy() -> (Scene, Vec<Output>) {
    let restored = Restored { outbox: vec![kept(1, "m1")], copied: Vec::new() };
    let (mut scene, _) = Scene::with(3, Limits::default(), restored);
    let outputs = scene.does(Client::handle_name_taken);
    (scene, outputs)
}

#[test]
fn a_copy_takes_a_new_name_and_sends_nothing_of_the_tab_it_was_copied_from() {
    let (mut scene, outputs) = copy();
    assert_eq!(gone(&outputs), [("m1".to_owned(), None)]);
    let names: Vec<_> = persisted(&outputs)
        .into_iter()
        .filter_map(|persist| match persist {
            Persist::ClientId(name) => Some(name),
            _ => None,
        })
        .collect();
    let [name] = &names[..] else { panic!("{names:?}") };
    assert_ne!(*name, client("client"));
    let outputs = scene.connect();
    assert_eq!((hello(&outputs).client, sent(&outputs)), (name.clone(), vec![]));
}

#[test]
fn what_is_set_aside_is_kept_under_the_other_tabs_name_and_that_tab_is_waited_for() {
    let (_, outputs) = copy();
    let persisted = persisted(&outputs);
    assert!(persisted.contains(&Persist::RemoveSend(message("m1"))));
    assert!(persisted.contains(&Persist::PutCopied(client("client"), kept(1, "m1"))));
    assert!(outputs.contains(&Output::AwaitTab { client: client("client") }));
}

#[test]
fn what_was_set_aside_is_shown_as_failed_once_the_other_tab_is_gone() {
    let (mut scene, _) = copy();
    scene.connect();
    let outputs = scene.does(|client, now| client.handle_tab_gone(now, &super::copies::client("client")));
    assert!(matches!(scene.state("m1"), Some(SendState::Failed(Failure { code: None, .. }))));
    assert!(persisted(&outputs).contains(&Persist::RemoveCopied(client("client"), message("m1"))));
    assert_eq!(sent(&scene.passes_pinged(60_000)), [""; 0], "nobody knows how far it came: the user decides");
    assert_eq!(sent(&scene.does(|client, now| client.retry(now, &message("m1")))), ["m1"], "under the same id");
}

#[test]
fn a_reload_of_the_copy_goes_on_waiting() {
    let restored = Restored { outbox: Vec::new(), copied: vec![(client("other"), kept(1, "m1")), (client("other"), kept(2, "m2"))] };
    let (mut scene, outputs) = Scene::with(3, Limits::default(), restored);
    let waits = outputs.iter().filter(|output| matches!(output, Output::AwaitTab { .. })).count();
    assert_eq!((waits, scene.state("m1")), (1, None));
    scene.does(|client, now| client.handle_tab_gone(now, &super::copies::client("other")));
    assert!(scene.state("m1").is_some() && scene.state("m2").is_some());
}

#[test]
fn a_copy_of_what_the_journal_shows_is_forgotten() {
    let (mut scene, _) = copy();
    scene.connect();
    scene.follow("s", 5);
    let outputs = scene.receives(events("s", vec![acceptance(6, "m1")]));
    assert!(persisted(&outputs).contains(&Persist::RemoveCopied(client("client"), message("m1"))));
    let outputs = scene.does(|client, now| client.handle_tab_gone(now, &super::copies::client("client")));
    assert_eq!(told(&outputs), []);
}

#[test]
fn what_was_typed_here_stays_here_whoever_else_has_the_name() {
    let (mut scene, _) = Scene::with(3, Limits::default(), Restored { outbox: vec![kept(1, "m1")], copied: Vec::new() });
    scene.send(text("s", "m2"));
    let outputs = scene.does(Client::handle_name_taken);
    assert_eq!(gone(&outputs), [("m1".to_owned(), None)]);
    assert_eq!(sent(&scene.connect()), ["m2"]);
}

#[test]
fn a_page_that_was_put_away_may_find_that_its_copy_goes_by_its_name() {
    let mut scene = Scene::new();
    scene.send(text("s", "m1"));
    scene.signal(moorline_delivery::Signal::PutAway);
    let outputs = scene.does(Client::handle_name_taken);
    assert_eq!(gone(&outputs), [("m1".to_owned(), None)]);
    scene.signal(moorline_delivery::Signal::BroughtBack);
    assert_eq!(sent(&scene.connect()), [""; 0]);
}
