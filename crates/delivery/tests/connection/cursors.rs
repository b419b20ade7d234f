//! The cursors of a client that has everything written, for transports that carry them beside the frames.

use moorline_delivery::{ConnectionInput, ConnectionOutput};
use moorline_protocol::{ClientFrame, Cursor, Detach, Seq, SessionState};

use crate::scene::{Scene, cursor, fresh, from, session};

/// A scene whose driver is asked, and does nothing yet.
fn ask(scene: &mut Scene, input: ConnectionInput) -> Vec<ConnectionOutput> {
    scene.core.handle(scene.now, input);
    std::iter::from_fn(|| scene.core.poll_output()).collect()
}

fn head(of: &str, seq: u64) -> ConnectionInput {
    ConnectionInput::Head { session: session(of), head: Seq::new(seq), state: SessionState::default(), agent: None }
}

fn with(scene: &Scene, of: &str, seq: u64) -> Vec<Cursor> {
    scene.core.cursors(Some((&session(of), Seq::new(seq))))
}

#[test]
fn every_session_that_is_followed_has_the_cursor_of_what_was_written() {
    let mut scene = Scene::new();
    scene.keep("a", "e", 4);
    scene.keep("b", "f", 9);
    scene.keep("c", "g", 0);
    scene.says(crate::scene::greeting(vec![from("a", 1, "e", 2), from("b", 2, "f", 9), fresh("c", 3)]));
    let expected = [cursor("a", "e", 4), cursor("b", "f", 9), cursor("c", "g", 0)];
    assert_eq!(scene.core.cursors(None), expected);
    scene.commits("a", 3);
    assert_eq!(scene.core.cursors(None)[0], cursor("a", "e", 7));
}

#[test]
fn the_events_about_to_be_written_count() {
    let mut scene = Scene::greeted("s", 4);
    scene.attach(from("s", 1, "e", 4));
    let asked = ask(&mut scene, head("s", 9));
    assert!(matches!(&asked[..], [ConnectionOutput::Serve { after, .. }] if *after == Seq::new(4)), "{asked:?}");
    assert_eq!(scene.core.cursors(None), [cursor("s", "e", 4)]);
    assert_eq!(with(&scene, "s", 9), [cursor("s", "e", 9)]);
}

#[test]
fn events_of_an_attach_that_was_replaced_meanwhile_move_nothing() {
    let mut scene = Scene::greeted("s", 4);
    scene.attach(from("s", 1, "e", 4));
    ask(&mut scene, head("s", 9));
    // The client had lost something: it attaches again while the events of the old attach are on their way.
    scene.core.handle(scene.now, ConnectionInput::Frame(ClientFrame::Attach(from("s", 2, "e", 2))));
    assert_eq!(with(&scene, "s", 9), [], "the session is being looked up");
    let journal = scene.journal(&session("s"));
    scene.core.handle(scene.now, ConnectionInput::Journal { session: session("s"), no: 2, journal });
    assert_eq!(with(&scene, "s", 9), [cursor("s", "e", 2)], "else the client would skip what it lost");
}

#[test]
fn a_snapshot_moves_its_cursor_with_the_last_part() {
    let mut scene = Scene::greeted("s", 40);
    scene.parts = 3;
    let mut seen = Vec::new();
    scene.core.handle(scene.now, ConnectionInput::Frame(ClientFrame::Attach(fresh("s", 1))));
    while let Some(output) = scene.core.poll_output() {
        let is_part = matches!(output, ConnectionOutput::Transmit(moorline_protocol::GatewayFrame::Snapshot(_)));
        if is_part {
            seen.push(scene.core.cursors(None));
        }
        scene.completes(output);
    }
    assert_eq!(seen, [vec![], vec![], vec![cursor("s", "e", 40)]]);
}

#[test]
fn a_session_that_is_left_has_no_cursor() {
    let mut scene = Scene::greeted("s", 4);
    scene.attach(from("s", 1, "e", 4));
    scene.says(ClientFrame::Detach(Detach { session: session("s"), no: 2 }));
    assert_eq!(scene.core.cursors(None), []);
}

#[test]
fn outputs_that_were_not_polled_are_counted() {
    let mut scene = Scene::greeted("s", 4);
    for _ in 0..5 {
        scene.core.handle(scene.now, ConnectionInput::Frame(ClientFrame::Ping(moorline_protocol::ClientPing {})));
    }
    assert_eq!(scene.core.waiting(), 5);
    scene.core.poll_output();
    assert_eq!(scene.core.waiting(), 4);
}
