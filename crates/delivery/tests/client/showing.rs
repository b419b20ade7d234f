//! Which sessions are followed.

use moorline_delivery::{AttachmentStatus, ClientEvent};
use moorline_protocol::{ClientFrame, GatewayFrame, Seq};

use crate::scene::{Scene, attaches, cursor, events, frames, given, hello, plain, session, told, welcome};

fn followed(scene: &mut Scene) -> Vec<String> {
    scene.closes();
    scene.until_connect();
    hello(&scene.opens()).attaches.iter().map(|attach| attach.session.to_string()).collect()
}

#[test]
fn the_session_on_screen_and_the_last_three_are_followed() {
    let mut scene = Scene::ready();
    for of in ["a", "b", "c", "d"] {
        scene.follow(of, 1);
    }
    let left = frames(&scene.show("e"));
    let [ClientFrame::Attach(attach), ClientFrame::Detach(detach)] = &left[..] else { panic!("{left:?}") };
    assert_eq!((&attach.session, &detach.session), (&session("e"), &session("a")));
    assert!(detach.no > attach.no, "numbers rise");
    assert_eq!(followed(&mut scene), ["e", "d", "c", "b"]);
}

#[test]
fn showing_the_same_session_again_does_nothing() {
    let mut scene = Scene::following("s", 1);
    assert_eq!(scene.show("s"), []);
    scene.follow("t", 1);
    assert_eq!(scene.show("s"), [], "nor does going back to one that is followed");
    assert_eq!(scene.show("t"), []);
    let mut scene = Scene::ready();
    assert_eq!(frames(&scene.show("s")).len(), 1);
    assert_eq!(frames(&scene.show("s")).len(), 0, "also before it is answered");
}

#[test]
fn a_session_shown_lately_outlives_one_attached_lately() {
    let mut scene = Scene::ready();
    for of in ["a", "b", "c", "d"] {
        scene.follow(of, 1);
    }
    scene.show("a");
    scene.show("e");
    assert_eq!(followed(&mut scene), ["e", "a", "d", "c"]);
}

#[test]
fn a_session_shown_again_goes_on_from_its_cursor() {
    let mut scene = Scene::ready();
    for of in ["a", "b", "c", "d", "e"] {
        scene.follow(of, 10);
    }
    let attach = &attaches(&scene.show("a"))[0];
    assert_eq!(attach.cursor(), Some((&cursor("a", "e", 10).epoch, Seq::new(10))));
}

#[test]
fn events_of_a_session_that_is_followed_no_more_are_ignored() {
    let mut scene = Scene::ready();
    for of in ["a", "b", "c", "d", "e"] {
        scene.follow(of, 10);
    }
    assert_eq!(given(&scene.receives(events("a", vec![plain(11)]))), [0; 0]);
    assert_eq!(scene.cursor("a"), Some(cursor("a", "e", 10)));
}

#[test]
fn events_go_to_the_session_they_name_and_not_to_the_one_on_screen() {
    let mut scene = Scene::following("a", 10);
    scene.follow("b", 20);
    scene.receives(events("a", vec![plain(11)]));
    assert_eq!((scene.cursor("a"), scene.cursor("b")), (Some(cursor("a", "e", 11)), Some(cursor("b", "e", 20))));
    assert_eq!(given(&scene.receives(events("never-shown", vec![plain(1)]))), [0; 0]);
}

#[test]
fn what_is_shown_without_a_connection_goes_with_hello() {
    let mut scene = Scene::new();
    assert_eq!(frames(&scene.show("a")), []);
    assert_eq!(hello(&scene.opens()).attaches.len(), 1);
}

#[test]
fn what_is_shown_between_hello_and_welcome_is_attached_behind_it() {
    let mut scene = Scene::new();
    scene.opens();
    assert_eq!(frames(&scene.show("a")), []);
    let attached = attaches(&scene.receives(GatewayFrame::Welcome(welcome())));
    assert_eq!(attached.len(), 1);
    assert_eq!(attached[0].session, session("a"));
}

#[test]
fn the_page_is_told_how_far_each_session_is() {
    let statuses = |outputs: &[moorline_delivery::Output]| -> Vec<AttachmentStatus> {
        let statuses = told(outputs).into_iter().filter_map(|event| match event {
            ClientEvent::Attachment { status, .. } => Some(status),
            _ => None,
        });
        statuses.collect()
    };
    let mut scene = Scene::ready();
    assert_eq!(statuses(&scene.show("s")), [AttachmentStatus::CatchingUp]);
    scene.snapshot("s", 1, "e", 5);
    let live = scene.receives(GatewayFrame::CaughtUp(crate::scene::caught_up("s", 1, "e", 5)));
    assert_eq!(statuses(&live), [AttachmentStatus::Live]);
    assert_eq!(statuses(&scene.closes()), [AttachmentStatus::CatchingUp]);
}

#[test]
fn a_client_is_caught_up_from_the_gateways_word_until_the_line_is_lost_or_another_session_is_behind() {
    let mut scene = Scene::ready();
    scene.show("s");
    assert!(!scene.client.is_caught_up(), "nothing has come");
    scene.snapshot("s", 1, "e", 5);
    assert!(!scene.client.is_caught_up(), "there may be more");
    scene.receives(GatewayFrame::CaughtUp(crate::scene::caught_up("s", 1, "e", 5)));
    assert!(scene.client.is_caught_up());
    scene.show("t");
    assert!(!scene.client.is_caught_up(), "the other session has to be caught up with");
    let mut scene = Scene::following("s", 5);
    assert!(scene.client.is_caught_up());
    scene.closes();
    assert!(!scene.client.is_caught_up());
}
