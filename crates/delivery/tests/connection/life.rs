//! Pings, silence, and the ends of a connection.

use moorline_delivery::{ConnectionInput, ConnectionOutput, End};
use moorline_protocol::{ClientFrame, ClientPing, Cursor, GatewayFrame, GatewayPong, Millis, Pong};

use crate::scene::{Scene, Written, cursor, frames, from, greeting};

fn pings(written: &[Written]) -> Vec<Vec<Cursor>> {
    let pings = frames(written).into_iter().filter_map(|frame| match frame {
        GatewayFrame::Ping(ping) => Some(ping.heads),
        _ => None,
    });
    pings.collect()
}

fn pong() -> ClientFrame {
    ClientFrame::Pong(Pong { cursors: Vec::new() })
}

#[test]
fn a_ping_with_every_head_comes_every_fifteen_seconds() {
    let mut scene = Scene::new();
    scene.keep("a", "e", 4);
    scene.keep("b", "f", 0);
    scene.says(greeting(vec![from("a", 1, "e", 4), from("b", 2, "f", 0)]));
    assert_eq!(pings(&scene.passes(14_999)).len(), 0);
    assert_eq!(pings(&scene.passes(1)), [[cursor("a", "e", 4), cursor("b", "f", 0)]]);
    scene.says(pong());
    scene.commits("a", 3);
    assert_eq!(pings(&scene.passes(14_999)).len(), 0);
    assert_eq!(pings(&scene.passes(1)), [[cursor("a", "e", 7), cursor("b", "f", 0)]]);
}

#[test]
fn a_ping_comes_however_much_else_is_written() {
    let mut scene = Scene::greeted("s", 0);
    scene.attach(from("s", 1, "e", 0));
    let mut count = 0;
    for _ in 0..60 {
        scene.commits("s", 1);
        count += pings(&scene.passes(1_000)).len();
        scene.says(pong());
    }
    assert_eq!(count, 4);
}

#[test]
fn a_session_that_is_still_looked_up_has_no_head_to_tell() {
    let mut scene = Scene::greeted("s", 4);
    scene.opens = false;
    scene.attach(from("s", 1, "e", 4));
    assert_eq!(pings(&scene.passes(15_000)), [Vec::new()]);
}

#[test]
fn a_ping_of_the_client_is_answered() {
    let mut scene = Scene::greeted("s", 1);
    assert_eq!(frames(&scene.says(ClientFrame::Ping(ClientPing {}))), [GatewayFrame::Pong(GatewayPong {})]);
}

#[test]
fn silence_for_two_and_a_half_pings_closes() {
    let mut scene = Scene::greeted("s", 1);
    scene.passes(37_499);
    assert_eq!(scene.end, None);
    scene.passes(1);
    assert_eq!(scene.end, Some(End::Silence));
}

#[test]
fn any_frame_is_a_sign_of_life() {
    let signs: [ConnectionInput; 5] = [
        ConnectionInput::Frame(pong()),
        ConnectionInput::Frame(ClientFrame::Unknown { kind: "later".to_owned() }),
        ConnectionInput::Frame(ClientFrame::Ping(ClientPing {})),
        ConnectionInput::Undecodable("noise".to_owned()),
        ConnectionInput::Heard,
    ];
    for sign in signs {
        let mut scene = Scene::greeted("s", 1);
        scene.passes(37_000);
        scene.handles(sign);
        scene.passes(37_000);
        assert_eq!(scene.end, None);
    }
    let mut scene = Scene::greeted("s", 1);
    scene.attach(from("s", 1, "e", 1));
    for _ in 0..37 {
        scene.passes(1_000);
        scene.commits("s", 1);
    }
    scene.passes(500);
    assert_eq!(scene.end, Some(End::Silence), "what is written to it is none");
}

#[test]
fn heads_are_looked_up_every_five_seconds() {
    let mut scene = Scene::new();
    scene.keep("a", "e", 4);
    scene.keep("b", "e", 4);
    scene.says(greeting(vec![from("a", 1, "e", 4), from("b", 2, "e", 4)]));
    scene.asked.clear();
    scene.passes(30_000);
    let checks = scene.asked.iter().filter(|asked| matches!(asked, ConnectionOutput::Check { .. })).count();
    assert_eq!(checks, 12);
}

#[test]
fn a_drain_is_told_with_its_two_moments_and_does_not_close() {
    let mut scene = Scene::greeted("s", 1);
    let written = scene.handles(ConnectionInput::Drain { min: Millis(5), max: Millis(50) });
    assert!(matches!(&frames(&written)[..], [GatewayFrame::GoingAway(going)] if (going.min_ms, going.max_ms) == (Millis(5), Millis(50))));
    assert_eq!(scene.end, None);
    scene.attach(from("s", 1, "e", 1));
    assert_eq!(crate::scene::served(&scene.commits("s", 1)).len(), 1, "what is committed last is still delivered");
}

#[test]
fn an_ended_login_is_told_and_closes() {
    let mut scene = Scene::greeted("s", 1);
    let written = scene.handles(ConnectionInput::AuthExpired);
    assert!(matches!(frames(&written)[..], [GatewayFrame::AuthExpired(_)]));
    assert_eq!(scene.end, Some(End::AuthExpired));
}

#[test]
fn a_replaced_connection_closes_and_says_nothing() {
    let mut scene = Scene::greeted("s", 1);
    assert_eq!(scene.handles(ConnectionInput::Replaced), []);
    assert_eq!(scene.end, Some(End::Replaced));
}

#[test]
fn a_closed_connection_takes_no_input() {
    let mut scene = Scene::greeted("s", 1);
    scene.attach(from("s", 1, "e", 1));
    scene.handles(ConnectionInput::Replaced);
    scene.asked.clear();
    scene.commits("s", 1);
    scene.attach(from("s", 2, "e", 0));
    scene.handles(ConnectionInput::AuthExpired);
    scene.handles(ConnectionInput::Deadline);
    assert_eq!(scene.asked, []);
}

#[test]
fn a_closed_connection_waits_for_no_deadline_however_long_its_last_write_takes() {
    let mut scene = Scene::greeted("s", 1);
    scene.passes(37_500);
    assert_eq!(scene.end, Some(End::Silence));
    assert_eq!(scene.core.deadline(), Millis(u64::MAX));
}
