//! What the browser says of the page and the network.

use moorline_delivery::{DropReason, LinkStatus, Output, SendResult, Signal};
use moorline_protocol::{ClientFrame, ClientPing, GatewayFrame, GatewayPong};

use crate::scene::{Scene, acks, cursor, events, frames, links, persisted, plain, sent, text};

#[test]
fn a_page_that_wakes_up_probes_its_connection_for_two_seconds() {
    for signal in [Signal::Awake, Signal::Online] {
        let mut scene = Scene::ready();
        let link = scene.link;
        assert_eq!(frames(&scene.signal(signal)), [ClientFrame::Ping(ClientPing {})]);
        assert_eq!(frames(&scene.signal(signal)), [], "one probe at a time");
        assert!(!scene.passes(1_999).contains(&Output::Disconnect { link }));
        assert!(scene.passes(1).contains(&Output::Disconnect { link }));
    }
}

#[test]
fn any_answer_to_a_probe_will_do() {
    let mut scene = Scene::ready();
    let link = scene.link;
    scene.signal(Signal::Awake);
    scene.receives(GatewayFrame::Pong(GatewayPong {}));
    assert!(!scene.passes(30_000).contains(&Output::Disconnect { link }));
}

#[test]
fn a_page_that_wakes_up_while_it_waits_connects_at_once() {
    for signal in [Signal::Awake, Signal::Online] {
        let mut scene = Scene::ready();
        scene.closes();
        let outputs = scene.signal(signal);
        assert!(outputs.iter().any(|output| matches!(output, Output::OpenSocket { .. })), "{outputs:?}");
    }
}

#[test]
fn a_timer_that_was_late_by_hours_is_handled_as_one() {
    let mut scene = Scene::ready();
    let link = scene.link;
    scene.now += moorline_protocol::Millis(8 * 3_600_000);
    let outputs = scene.does(|client, now| client.handle_deadline(now));
    assert!(outputs.contains(&Output::Disconnect { link }));
}

#[test]
fn a_page_without_network_says_so_and_tries_all_the_same() {
    let mut scene = Scene::ready();
    scene.signal(Signal::Offline);
    assert_eq!(scene.client.link_status(), LinkStatus::Ready, "a connection that stands is believed more than the browser");
    assert_eq!(links(&scene.closes()), [LinkStatus::Offline]);
    scene.until_connect();
    assert_eq!(scene.client.link_status(), LinkStatus::Offline);
    scene.connect();
    assert_eq!(scene.client.link_status(), LinkStatus::Ready);
    scene.closes();
    scene.signal(Signal::Online);
    assert_eq!(scene.client.link_status(), LinkStatus::Connecting);
}

#[test]
fn a_page_that_is_put_away_acks_and_remembers_before_it_closes() {
    let mut scene = Scene::following("s", 1);
    let link = scene.link;
    scene.receives(events("s", vec![plain(2)]));
    let outputs = scene.signal(Signal::PutAway);
    let farewell = outputs.iter().find_map(|output| match output {
        Output::Farewell { cursors, connection } => Some((connection.as_str(), cursors.clone())),
        _ => None,
    });
    assert_eq!(farewell, Some(("c1", vec![cursor("s", "e", 2)])), "by a request that outlives the page");
    assert_eq!(persisted(&outputs), [moorline_delivery::Persist::Cursor(cursor("s", "e", 2))]);
    assert_eq!(outputs.iter().position(|output| *output == Output::Disconnect { link }), Some(2));
    assert_eq!(scene.client.deadline(), None);
    assert_eq!(scene.client.link_status(), LinkStatus::Offline);
}

#[test]
fn a_page_that_is_put_away_takes_no_send_and_counts_no_cut_attempt() {
    let mut scene = Scene::ready();
    scene.send(text("s", "m1"));
    scene.signal(Signal::PutAway);
    assert_eq!(scene.send(text("s", "m2")).0, SendResult::Dropped(DropReason::PageGoingAway));
    scene.signal(Signal::BroughtBack);
    assert_eq!(sent(&scene.connect()), ["m1"]);
    assert_eq!(scene.attempts("m1"), 0);
}

#[test]
fn a_page_that_comes_back_connects_and_one_that_stayed_does_not() {
    let mut scene = Scene::ready();
    assert_eq!(scene.signal(Signal::BroughtBack), []);
    scene.signal(Signal::PutAway);
    assert!(scene.signal(Signal::BroughtBack).iter().any(|output| matches!(output, Output::OpenSocket { .. })));
}

#[test]
fn a_hidden_page_acks_and_remembers_at_once_and_stays_connected() {
    let mut scene = Scene::following("s", 1);
    scene.receives(events("s", vec![plain(2)]));
    let outputs = scene.signal(Signal::Hidden);
    assert_eq!(acks(&outputs), [[cursor("s", "e", 2)]]);
    assert_eq!(persisted(&outputs), [moorline_delivery::Persist::Cursor(cursor("s", "e", 2))]);
    assert_eq!(scene.client.link_status(), LinkStatus::Ready);
    assert_eq!(scene.signal(Signal::Hidden), [], "and again only what is new");
}
