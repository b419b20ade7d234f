//! When a WebSocket gives way to SSE, and SSE to a WebSocket.

use moorline_delivery::{Checked, ClientEvent, LinkClosed, LinkId, LinkStatus, Output, SendState, Transport, Trouble};
use moorline_protocol::{Answer, ClientFrame, GatewayFrame, Millis};

use crate::scene::{Scene, accepted_at, attached, caught_up, frames, hello, links, ping, plain, sent, text, told, welcome};

fn asks_for(outputs: &[Output]) -> Option<Transport> {
    outputs.iter().find_map(|output| match output {
        Output::OpenSocket { .. } => Some(Transport::WebSocket),
        Output::OpenStream { .. } => Some(Transport::Sse),
        _ => None,
    })
}

fn troubles(outputs: &[Output]) -> Vec<Option<Trouble>> {
    let troubles = told(outputs).into_iter().filter_map(|event| match event {
        ClientEvent::Trouble(trouble) => Some(trouble),
        _ => None,
    });
    troubles.collect()
}

#[test]
fn a_websocket_that_fails_twice_with_the_gateway_there_gives_way_to_sse() {
    let mut scene = Scene::new();
    scene.check = Checked::Welcome;
    assert_eq!(asks_for(&scene.closes()), None, "once is not twice");
    assert_eq!(asks_for(&scene.until_connect()), Some(Transport::WebSocket));
    assert_eq!(asks_for(&scene.closes()), Some(Transport::Sse), "at once: the gateway has just answered");
}

#[test]
fn any_other_answer_than_a_welcome_changes_no_transport() {
    for check in [Checked::NoAnswer, Checked::Refused { retry_after: None }] {
        let mut scene = Scene::new();
        scene.check = check;
        for _ in 0..10 {
            assert_eq!(asks_for(&scene.closes()), None);
            assert_eq!(asks_for(&scene.until_connect()), Some(Transport::WebSocket));
        }
    }
}

#[test]
fn a_gateway_that_was_away_does_not_count_against_the_websocket() {
    let mut scene = Scene::new();
    scene.closes();
    scene.until_connect();
    scene.check = Checked::Welcome;
    assert_eq!(asks_for(&scene.closes()), None, "the first failure had another reason");
}

#[test]
fn a_websocket_that_stood_and_was_lost_is_no_failure_of_the_transport() {
    let mut scene = Scene::ready();
    scene.check = Checked::Welcome;
    for _ in 0..10 {
        let outputs = scene.closes();
        assert!(!outputs.iter().any(|output| matches!(output, Output::Check { .. } | Output::OpenStream { .. })));
        assert_eq!(asks_for(&scene.until_connect()), Some(Transport::WebSocket));
        scene.connect();
    }
}

#[test]
fn a_login_that_is_missing_is_learnt_by_asking() {
    let mut scene = Scene::new();
    scene.check = Checked::Unauthorized;
    scene.closes();
    assert_eq!(scene.client.link_status(), LinkStatus::SignedOut);
    assert_eq!(scene.client.deadline(), None, "nothing is tried until somebody logs in");
}

#[test]
fn a_refusal_with_a_time_is_not_asked_again_before_it() {
    let mut scene = Scene::new();
    scene.check = Checked::Refused { retry_after: Some(Millis(45_000)) };
    let outputs = scene.closes();
    assert_eq!(links(&outputs).last(), Some(&LinkStatus::Waiting { until: scene.now + Millis(45_000) }));
}

#[test]
fn no_answer_to_the_question_why_within_the_connect_limit_is_waited_off() {
    let mut scene = Scene::new();
    let link = scene.link;
    scene.client.handle_closed(scene.now, link, LinkClosed::Lost);
    assert_eq!(scene.client.poll_output(), Some(Output::Disconnect { link }));
    assert_eq!(scene.client.poll_output(), Some(Output::Check { link }));
    while scene.client.poll_output().is_some() {}
    scene.passes(4_999);
    assert_eq!(scene.client.link_status(), LinkStatus::Connecting);
    scene.passes(1);
    assert!(matches!(scene.client.link_status(), LinkStatus::Waiting { .. }));
    assert_eq!(scene.does(|client, now| client.handle_checked(now, link, Checked::Unauthorized)), [], "late, so it is not asked any more");
}

#[test]
fn a_stream_is_opened_with_the_cursors_of_what_was_applied() {
    let mut scene = Scene::following("s", 5);
    scene.check = Checked::Welcome;
    scene.closes();
    scene.until_connect();
    let outputs = scene.falls_back();
    let attach = &hello(&outputs).attaches[0];
    assert_eq!(attach.cursor().map(|(epoch, seq)| (epoch.as_str(), seq.value())), Some(("e", 5)));
}

#[test]
fn a_stream_that_brings_no_welcome_says_that_something_withholds_it() {
    let mut scene = Scene::new();
    scene.check = Checked::Welcome;
    scene.falls_back();
    scene.opens();
    let outputs = scene.passes(5_000);
    assert_eq!(troubles(&outputs), [Some(Trouble::Withheld)]);
    scene.until_connect();
    assert_eq!(troubles(&scene.connect()), [None], "and says when it is over");
}

#[test]
fn a_tab_without_a_slot_says_so_and_tries_again() {
    let mut scene = Scene::new();
    scene.check = Checked::Welcome;
    scene.falls_back();
    let link = scene.link;
    let outputs = scene.does(|client, now| client.handle_closed(now, link, LinkClosed::NoSlot));
    assert_eq!(troubles(&outputs), [Some(Trouble::NoSlot)]);
    assert!(!outputs.iter().any(|output| matches!(output, Output::Check { .. })), "it is known why");
    assert_eq!(asks_for(&scene.until_connect()), Some(Transport::WebSocket));
}

#[test]
fn a_websocket_is_tried_again_at_the_next_reconnect() {
    let mut scene = Scene::on_sse();
    scene.closes();
    assert_eq!(asks_for(&scene.until_connect()), Some(Transport::WebSocket));
    assert_eq!(asks_for(&scene.closes()), Some(Transport::Sse), "once is enough now");
}

#[test]
fn a_websocket_is_tried_beside_a_stream_every_ten_minutes() {
    let mut scene = Scene::on_sse();
    let stream = scene.link;
    let outputs = scene.passes_pinged(599_000);
    assert_eq!(asks_for(&outputs), None);
    let outputs = scene.passes_pinged(1_000);
    assert_eq!(asks_for(&outputs), Some(Transport::WebSocket));
    assert_eq!(scene.client.link_status(), LinkStatus::Ready, "the stream goes on");
    let socket = std::mem::replace(&mut scene.link, stream);
    scene.does(|client, now| client.handle_closed(now, socket, LinkClosed::Lost));
    assert_eq!(scene.client.link_status(), LinkStatus::Ready);
    assert_eq!(asks_for(&scene.passes_pinged(599_000)), None);
}

#[test]
fn a_websocket_beside_a_stream_that_does_not_open_is_dropped() {
    let mut scene = Scene::on_sse();
    let stream = scene.link;
    scene.passes_pinged(600_000);
    let socket = std::mem::replace(&mut scene.link, stream);
    assert_ne!(socket, stream);
    assert!(scene.passes_pinged(5_000).contains(&Output::Disconnect { link: socket }));
    assert_eq!(scene.client.link_status(), LinkStatus::Ready);
}

#[test]
fn a_websocket_that_opens_takes_the_streams_place_and_what_was_on_its_way_goes_again_uncounted() {
    let mut scene = Scene::on_sse();
    let stream = scene.link;
    scene.follow("s", 5);
    let (socket, outputs) = looking(&mut scene, stream);
    assert!(outputs.contains(&Output::Disconnect { link: stream }));
    let attach = hello(&outputs).attaches[0].clone();
    assert_eq!(attach.seq.value(), 5, "from where the stream came to");
    assert_eq!(scene.link, socket);
    assert_eq!(sent(&scene.receives(GatewayFrame::Welcome(welcome()))), ["m1"], "under the same id");
    assert_eq!(scene.attempts("m1"), 0);
    assert!(matches!(scene.client.diagnostics().transport, Some(Transport::WebSocket)));
    scene.receives(attached("s", attach.no, "e", 5, Answer::UpToDate));
    scene.receives(GatewayFrame::CaughtUp(caught_up("s", attach.no, "e", 5)));
    scene.receives(accepted_at("s", "m1", 6));
    assert_eq!(scene.state("m1"), Some(SendState::Accepted));
    assert!(scene.passes_pinged(700_000).iter().all(|output| !matches!(output, Output::OpenSocket { .. })), "and no more is looked for");
}

/// Lets a WebSocket open beside the stream, with a send on its way.
fn looking(scene: &mut Scene, stream: LinkId) -> (LinkId, Vec<Output>) {
    scene.passes_pinged(600_000);
    let socket = std::mem::replace(&mut scene.link, stream);
    scene.send(text("s", "m1"));
    assert_eq!(scene.state("m1"), Some(SendState::Sending));
    scene.link = socket;
    (socket, scene.opens())
}

#[test]
fn silence_gives_a_stream_up_however_well_posts_are_answered() {
    let mut scene = Scene::on_sse();
    for _ in 0..4 {
        scene.passes(9_000);
        scene.send(text("s", "m"));
        if !scene.posts.is_empty() {
            scene.posted("send", moorline_delivery::Posted::NoAnswer);
        }
    }
    scene.passes(2_000);
    assert_ne!(scene.client.link_status(), LinkStatus::Ready);
}

#[test]
fn a_suspicion_is_checked_by_a_posted_ping_and_answered_on_the_stream() {
    let mut scene = Scene::on_sse();
    let outputs = scene.signal(moorline_delivery::Signal::Awake);
    assert!(matches!(frames(&outputs)[..], [ClientFrame::Ping(_)]));
    scene.posted("ping", moorline_delivery::Posted::Done);
    assert!(scene.client.deadline().is_some_and(|due| due <= scene.now + Millis(2_000)), "204 is no sign of life of the stream");
    scene.receives(ping(Vec::new()));
    scene.passes(2_000);
    assert_eq!(scene.client.link_status(), LinkStatus::Ready);
}

#[test]
fn events_come_the_same_way_over_either_transport() {
    for mut scene in [Scene::ready(), Scene::on_sse()] {
        scene.follow("s", 5);
        let outputs = scene.receives(crate::scene::events("s", vec![plain(5), plain(6)]));
        assert_eq!(crate::scene::given(&outputs), [6]);
    }
}
