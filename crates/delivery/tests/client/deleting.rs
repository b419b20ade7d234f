//! Sessions that are deleted, here or elsewhere.

use moorline_delivery::{AttachmentStatus, ClientEvent, Output, SendState};
use moorline_protocol::{Code, ErrorFrame, GatewayFrame};

use crate::scene::*;

fn row(of: &str, rev: u64, more: &str) -> GatewayFrame {
    let row = format!(r#"{{"session":"{of}","rev":{rev},"title":"","created_at":0,"changed_at":0{more}}}"#);
    moorline_protocol::decode_gateway(&format!(r#"{{"sessions":{{"rows":[{row}]}}}}"#)).expect("a frame")
}

fn ended(of: &str, no: u64) -> GatewayFrame {
    GatewayFrame::Error(ErrorFrame { session: Some(session(of)), no: Some(no), ..ErrorFrame::new(Code::Deleted, "it was deleted") })
}

fn standings(outputs: &[Output]) -> Vec<AttachmentStatus> {
    let standings = told(outputs).into_iter().filter_map(|event| match event {
        ClientEvent::Attachment { status, .. } => Some(status),
        _ => None,
    });
    standings.collect()
}

#[test]
fn a_followed_session_that_is_deleted_is_followed_no_more() {
    for frame in [row("s", 9, r#","deleted":true"#), ended("s", 1)] {
        let mut scene = Scene::following("s", 5);
        assert_eq!(standings(&scene.receives(frame)), [AttachmentStatus::Deleted]);
        assert_eq!(standings(&scene.receives(ended("s", 1))), [], "it is told once");
        scene.receives(ping(vec![cursor("s", "e", 99)]));
        assert_eq!(attaches(&scene.passes_pinged(60_000)), [], "nothing of it is missed");
        assert_eq!(given(&scene.receives(events("s", vec![plain(6)]))), [0; 0], "nothing of it is taken");
        assert_eq!(attaches(&scene.show("s")), [], "nor is it asked for again");
        assert_eq!(hello(&scene.reconnects()).attaches, [], "on no connection");
    }
}

#[test]
fn what_waits_for_a_deleted_session_returns_to_the_composer_and_what_it_had_accepted_does_not() {
    let mut scene = Scene::following("s", 5);
    for id in ["m1", "m2", "m3"] {
        scene.send(text("s", id));
    }
    scene.send(text("t", "m4"));
    scene.receives(accepted_at("s", "m1", 6));
    let outputs = scene.receives(row("s", 9, r#","deleted":true"#));
    let returned = |id: &str| (id.to_owned(), Some(format!("text of {id}")));
    assert_eq!(gone(&outputs), [("m1".to_owned(), None), returned("m2"), returned("m3")]);
    assert_eq!(scene.state("m4"), Some(SendState::Sending), "another session's goes on");
    let late = scene.receives(accepted_at("s", "m2", 7));
    assert_eq!((gone(&late), sent(&late)), (vec![], vec![]), "a receipt that comes late brings nothing back");
}

#[test]
fn what_was_being_taken_back_from_a_deleted_session_returns_only_if_it_was_to_be_edited() {
    for (edits, text_back) in [(false, None), (true, Some("text of m1".to_owned()))] {
        let mut scene = Scene::following("s", 5);
        scene.send(text("s", "m1"));
        scene.does(|client, now| if edits { client.edit(now, &message("m1")) } else { client.remove(now, &message("m1")) });
        assert_eq!(gone(&scene.receives(ended("s", 1))), [("m1".to_owned(), text_back)]);
    }
}

#[test]
fn a_session_whose_deletion_was_lost_with_its_store_is_attached_again() {
    let mut scene = Scene::following("s", 5);
    scene.receives(row("s", 9, r#","deleted":true"#));
    let again = attaches(&scene.receives(row("s", 1_000, "")));
    assert_eq!(again.len(), 1, "a backup was put in its place");

    let mut scene = Scene::following("s", 5);
    scene.receives(row("s", 9, r#","deleted":true"#));
    let reset = moorline_protocol::decode_gateway(r#"{"sessions":{"rows":[],"list_reset":true}}"#).expect("a frame");
    assert_eq!(attaches(&scene.receives(reset)).len(), 1, "one that knows nothing of it");
}
