//! Sessions that are deleted while they are followed, or before.

use moorline_delivery::{ConnectionInput, ConnectionOutput};
use moorline_protocol::{Code, Limits};

use crate::scene::{Scene, Written, answers, caught_up, cursor, errors, fresh, from, greeting, served, session};

fn deleted(scene: &mut Scene, of: &str) -> Vec<Written> {
    scene.handles(ConnectionInput::Deleted { session: session(of) })
}

fn told(written: &[Written]) -> Vec<(Code, Option<u64>)> {
    errors(written).into_iter().map(|error| (error.code, error.no)).collect()
}

#[test]
fn a_followed_session_that_is_deleted_ends_with_the_number_of_its_attach() {
    let mut scene = Scene::greeted("s", 4);
    scene.attach(from("s", 3, "e", 4));
    assert_eq!(told(&deleted(&mut scene, "s")), [(Code::Deleted, Some(3))]);
    assert!(scene.asked.contains(&ConnectionOutput::Leave { session: session("s") }));
    assert_eq!(scene.commits("s", 3), [], "nothing of it is served");
    assert_eq!(deleted(&mut scene, "s"), [], "it is told once");
    assert_eq!(scene.acks(vec![cursor("s", "e", 4)]), []);
}

#[test]
fn an_attach_to_a_deleted_session_is_refused() {
    let mut scene = Scene::greeted("s", 4);
    scene.opens = false;
    scene.attach(fresh("s", 3));
    assert_eq!(told(&deleted(&mut scene, "s")), [(Code::Deleted, Some(3))]);
    scene.handles(ConnectionInput::Journal { session: session("s"), no: 3, journal: None });
    scene.attach(fresh("s", 4));
    assert_eq!(told(&deleted(&mut scene, "s")), [(Code::Deleted, Some(4))], "each attach is answered");
}

#[test]
fn the_credit_that_a_deleted_session_had_taken_is_free_again() {
    let mut scene = Scene::with(Limits { credit_bytes: 10_000, ..Limits::default() });
    scene.keep("a", "e", 0);
    scene.keep("b", "e", 0);
    scene.says(greeting(vec![from("a", 1, "e", 0), from("b", 2, "e", 0)]));
    scene.commits("a", 100);
    assert_eq!(served(&scene.commits("b", 1)), [], "there is no credit left");
    assert_eq!(served(&deleted(&mut scene, "a")), [("b".to_owned(), 1, 1)]);
}

#[test]
fn a_session_deleted_while_it_is_read_holds_up_no_other() {
    let mut scene = Scene::greeted("a", 0);
    scene.keep("b", "e", 2);
    scene.attach(from("a", 1, "e", 0));
    // Its snapshot is being taken, and comes when nobody wants it any more.
    scene.core.handle(scene.now, ConnectionInput::Frame(moorline_protocol::ClientFrame::Attach(fresh("a", 2))));
    scene.core.handle(scene.now, ConnectionInput::Deleted { session: session("a") });
    let written = scene.attach(fresh("b", 3));
    assert_eq!(answers(&written).len(), 1);
    assert_eq!(caught_up(&written).len(), 1, "{written:?}");
}
