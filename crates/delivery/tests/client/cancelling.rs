//! Cancel is a command: tried once, its failure shown.

use moorline_delivery::Notice;
use moorline_protocol::{ClientFrame, Code, Event, EventBody, Outcome, Seq, TurnEnded, TurnStopping};

use crate::scene::{Scene, events, frames, message, notices, refusal, session};

fn cancel(scene: &mut Scene) -> Vec<moorline_delivery::Output> {
    scene.does(|client, now| client.cancel(now, &session("s"), &message("t1"), None))
}

fn is_shown(outputs: &[moorline_delivery::Output]) -> bool {
    matches!(&notices(outputs)[..], [Notice::CancelFailed { turn, message: why, .. }] if *turn == message("t1") && !why.is_empty())
}

#[test]
fn a_cancel_names_its_turn() {
    let mut scene = Scene::ready();
    let sent = frames(&cancel(&mut scene));
    let [ClientFrame::Cancel(cancel)] = &sent[..] else { panic!("{sent:?} is no cancel") };
    assert_eq!((&cancel.session, &cancel.turn), (&session("s"), &message("t1")));
}

#[test]
fn a_cancel_without_a_connection_fails_at_once_and_is_not_kept() {
    let mut scene = Scene::new();
    assert!(is_shown(&cancel(&mut scene)));
    assert_eq!(frames(&scene.connect()).len(), 1, "nothing but hello");
}

#[test]
fn a_cancel_whose_connection_is_lost_fails_and_is_not_tried_again() {
    let mut scene = Scene::ready();
    cancel(&mut scene);
    assert!(is_shown(&scene.closes()));
    scene.until_connect();
    assert_eq!(frames(&scene.connect()).len(), 1);
}

#[test]
fn a_cancel_that_is_refused_fails() {
    let mut scene = Scene::ready();
    cancel(&mut scene);
    assert!(is_shown(&scene.receives(refusal(Code::TurnOver, "t1"))));
    assert_eq!(notices(&scene.closes()), [], "once");
}

#[test]
fn a_cancel_that_came_through_is_not_said_to_have_failed() {
    let stopping = EventBody::TurnStopping(TurnStopping { turn: message("t1"), next: None });
    let ended = EventBody::TurnEnded(TurnEnded { turn: message("t1"), outcome: Outcome::Completed, error: None, usage: None });
    for body in [stopping, ended] {
        let mut scene = Scene::following("s", 5);
        cancel(&mut scene);
        scene.receives(events("s", vec![Event::plain(Seq::new(6), 0, body)]));
        assert_eq!(notices(&scene.closes()), []);
    }
}
