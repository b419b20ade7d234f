//! When to connect, when to give up, when to come back.

use moorline_delivery::{ClientEvent, LinkClosed, LinkId, LinkStatus, Output, Persist, SendResult};
use moorline_protocol::{ClientFrame, Code, ErrorFrame, GatewayFrame, GatewayPong, GoingAway, Millis, Seq, Welcome};

use crate::scene::{Scene, cursor, events, frames, hello, links, persisted, ping, plain, sent, text, welcome};

/// How long the client waits before it connects again, when its connection is lost now.
fn wait(scene: &mut Scene) -> u64 {
    scene.closes();
    let before = scene.now;
    scene.until_connect();
    scene.now.since(before).0
}

#[test]
fn hello_is_the_first_frame_and_carries_the_cursors() {
    let mut scene = Scene::following("s", 41);
    scene.receives(events("s", vec![plain(42)]));
    scene.closes();
    assert_eq!(frames(&scene.until_connect()), []);
    let outputs = scene.opens();
    assert_eq!(frames(&outputs).len(), 1);
    let hello = hello(&outputs);
    assert_eq!((hello.version, hello.client.as_str(), hello.page.as_str()), (1, "client", "page"));
    assert_eq!(hello.attaches.len(), 1);
    assert_eq!(hello.attaches[0].session, cursor("s", "e", 42).session);
    assert_eq!(hello.attaches[0].cursor(), Some((&cursor("s", "e", 42).epoch, Seq::new(42))));
}

#[test]
fn hello_tells_the_highest_rev_of_the_list_that_is_held() {
    let mut scene = Scene::new();
    assert_eq!(hello(&scene.opens()).rows_rev, None);
    scene.receives(GatewayFrame::Welcome(welcome()));
    let rows = r#"{"sessions":{"rows":[{"session":"a","rev":9,"title":"","created_at":0,"changed_at":0},
        {"session":"b","rev":4,"title":"","created_at":0,"changed_at":0}]}}"#;
    scene.receives(moorline_protocol::decode_gateway(rows).expect("a frame"));
    scene.closes();
    scene.until_connect();
    assert_eq!(hello(&scene.opens()).rows_rev, Some(9));
}

#[test]
fn a_connection_without_welcome_is_given_up_after_five_seconds() {
    let mut scene = Scene::new();
    let link = scene.link;
    assert!(!scene.passes(4_999).contains(&Output::Disconnect { link }));
    assert!(scene.passes(1).contains(&Output::Disconnect { link }));
    scene.until_connect();
    let link = scene.link;
    scene.opens();
    assert!(scene.passes(5_000).contains(&Output::Disconnect { link }), "an open socket alone is not enough");
}

#[test]
fn silence_for_two_and_a_half_pings_gives_the_connection_up() {
    let mut scene = Scene::ready();
    let link = scene.link;
    assert!(!scene.passes(37_499).contains(&Output::Disconnect { link }));
    assert!(scene.passes(1).contains(&Output::Disconnect { link }));
}

#[test]
fn any_frame_is_a_sign_of_life() {
    let unknown = GatewayFrame::Unknown { kind: "later".to_owned() };
    for frame in [ping(Vec::new()), GatewayFrame::Pong(GatewayPong {}), events("nobody", Vec::new()), unknown] {
        let mut scene = Scene::ready();
        let link = scene.link;
        scene.passes(37_000);
        scene.receives(frame);
        assert!(!scene.passes(37_000).contains(&Output::Disconnect { link }));
    }
}

#[test]
fn a_frame_that_cannot_be_read_gives_the_connection_up() {
    let mut scene = Scene::following("s", 5);
    let link = scene.link;
    let outputs = scene.does(|client, now| client.handle_undecodable(now, link));
    assert!(outputs.contains(&Output::Disconnect { link }), "nobody can say what was in it");
    assert_eq!(scene.client.counters().undecodable, 1);
    scene.until_connect();
    assert_eq!(hello(&scene.opens()).attaches[0].seq, Seq::new(5), "the next connection asks for what is missing");
}

#[test]
fn a_ping_is_answered_at_once_with_the_cursors() {
    let mut scene = Scene::following("s", 5);
    let answered = frames(&scene.receives(ping(vec![cursor("s", "e", 5)])));
    let [ClientFrame::Pong(pong)] = &answered[..] else { panic!("{answered:?} is no pong") };
    assert_eq!(pong.cursors, [cursor("s", "e", 5)]);
}

#[test]
fn the_backoff_is_full_jitter_under_a_doubling_ceiling_the_first_retry_too() {
    let mut shares: Vec<f64> = Vec::new();
    let mut firsts: Vec<u64> = Vec::new();
    for seed in 0..200 {
        let mut scene = Scene::seeded(seed);
        for ceiling in [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000] {
            let waited = wait(&mut scene);
            assert!(waited <= ceiling, "seed {seed}: waited {waited} of {ceiling} ms");
            shares.push(waited as f64 / ceiling as f64);
            if ceiling == 500 {
                firsts.push(waited);
            }
        }
    }
    let mean = shares.iter().sum::<f64>() / shares.len() as f64;
    assert!((0.45..0.55).contains(&mean), "full jitter spreads evenly from zero, mean {mean}");
    firsts.sort_unstable();
    assert!(firsts[20] < 100 && firsts[180] > 400, "the first retries are spread over the whole of it: {firsts:?}");
}

#[test]
fn it_never_gives_up() {
    let mut scene = Scene::new();
    for _ in 0..500 {
        assert!(wait(&mut scene) <= 30_000);
    }
}

#[test]
fn the_backoff_begins_anew_after_a_stable_connection_and_not_before() {
    let mut longest = (0, 0);
    for seed in 0..100 {
        let mut scene = Scene::seeded(seed);
        let _: Vec<u64> = (0..6).map(|_| wait(&mut scene)).collect();
        scene.connect();
        scene.passes(14_999);
        longest.0 = longest.0.max(wait(&mut scene));
        scene.connect();
        scene.passes(15_000);
        longest.1 = longest.1.max(wait(&mut scene));
    }
    assert!(longest.0 > 10_000, "a connection that did not last is no reason to hurry: {}", longest.0);
    assert!(longest.1 <= 500, "one that lasted is: {}", longest.1);
}

#[test]
fn going_away_draws_a_moment_between_the_two_it_is_told() {
    let mut moments: Vec<u64> = Vec::new();
    for seed in 0..200 {
        let mut scene = Scene::seeded(seed);
        scene.connect();
        let before = scene.now;
        scene.receives(GatewayFrame::GoingAway(GoingAway { min_ms: Millis(2_000), max_ms: Millis(9_000) }));
        scene.until_connect();
        moments.push(scene.now.since(before).0);
    }
    moments.sort_unstable();
    assert!(moments[0] >= 2_000 && moments[199] <= 9_000, "{moments:?}");
    assert!(moments[20] < 3_500 && moments[180] > 7_500, "every client draws its own: {moments:?}");
}

#[test]
fn going_away_keeps_its_moment_when_the_connection_ends_before() {
    for seed in 0..50 {
        let mut scene = Scene::seeded(seed);
        scene.connect();
        let before = scene.now;
        scene.receives(GatewayFrame::GoingAway(GoingAway { min_ms: Millis(2_000), max_ms: Millis(9_000) }));
        scene.passes(200);
        scene.closes();
        scene.until_connect();
        assert!((2_000..=9_000).contains(&scene.now.since(before).0), "seed {seed}");
    }
}

#[test]
fn no_attempt_starts_after_going_away() {
    let mut scene = Scene::ready();
    scene.receives(GatewayFrame::GoingAway(GoingAway { min_ms: Millis(2_000), max_ms: Millis(9_000) }));
    let (result, outputs) = scene.send(text("s", "m1"));
    assert_eq!(result, SendResult::Queued);
    assert_eq!(sent(&outputs), [""; 0]);
    assert_eq!(sent(&scene.until_connect()), [""; 0]);
    assert_eq!(sent(&scene.connect()), ["m1"]);
    assert_eq!(scene.attempts("m1"), 0, "and none was counted");
}

#[test]
fn what_comes_after_going_away_is_still_read() {
    let mut scene = Scene::following("s", 1);
    scene.receives(GatewayFrame::GoingAway(GoingAway { min_ms: Millis(2_000), max_ms: Millis(9_000) }));
    scene.receives(events("s", vec![plain(2)]));
    assert_eq!(scene.cursor("s"), Some(cursor("s", "e", 2)));
}

#[test]
fn inputs_about_another_connection_change_nothing() {
    let mut scene = Scene::following("s", 1);
    let old = scene.link;
    scene.reconnects();
    let current = scene.link;
    let outputs = scene.does(|client, now| {
        client.handle_frame(now, old, events("s", vec![plain(2)]), 10);
        client.handle_frame(now, old, GatewayFrame::GoingAway(GoingAway { min_ms: Millis(1), max_ms: Millis(1) }), 10);
        client.handle_frame(now, old, GatewayFrame::Error(ErrorFrame::new(Code::Unauthorized, "late")), 10);
        client.handle_opened(now, old);
        client.handle_closed(now, old, LinkClosed::Unauthorized);
        client.handle_closed(now, LinkId(99), LinkClosed::Lost);
        client.handle_undecodable(now, old);
    });
    assert_eq!(outputs, []);
    assert_eq!(scene.client.link_status(), LinkStatus::Ready);
    assert_eq!(scene.link, current);
    assert_eq!(scene.client.counters().stale, 6);
}

#[test]
fn one_connection_at_a_time() {
    let mut scene = Scene::ready();
    let mut open = vec![scene.link];
    for seed in 0..300_u64 {
        let outputs = match seed % 4 {
            0 => scene.closes(),
            1 => scene.passes(40_000),
            2 => scene.signal(moorline_delivery::Signal::Awake),
            _ => scene.connect(),
        };
        for output in outputs {
            match output {
                Output::OpenSocket { link } => open.push(link),
                Output::Disconnect { link } => open.retain(|held| *held != link),
                _ => {}
            }
        }
        assert!(open.len() <= 1, "{open:?}");
    }
}

#[test]
fn a_client_id_that_is_taken_is_replaced_and_kept() {
    let mut scene = Scene::ready();
    let outputs = scene.receives(GatewayFrame::Error(ErrorFrame::new(Code::ClientTaken, "another page")));
    let [Persist::ClientId(new)] = &persisted(&outputs)[..] else { panic!("the new id is written down") };
    assert_ne!(new.as_str(), "client");
    scene.until_connect();
    assert_eq!(hello(&scene.opens()).client, *new);
}

#[test]
fn a_client_id_that_is_taken_says_nothing_of_the_transport() {
    let mut scene = Scene::new();
    scene.check = moorline_delivery::Checked::Welcome;
    for _ in 0..4 {
        scene.opens();
        let outputs = scene.receives(GatewayFrame::Error(ErrorFrame::new(Code::ClientTaken, "another page")));
        assert!(!outputs.iter().any(|output| matches!(output, Output::Check { .. } | Output::OpenStream { .. })), "{outputs:?}");
        assert!(scene.until_connect().iter().any(|output| matches!(output, Output::OpenSocket { .. })));
    }
}

#[test]
fn a_version_that_does_not_fit_stops_everything() {
    let newer = Welcome { version: 2, ..welcome() };
    let refusal = GatewayFrame::Error(ErrorFrame::new(Code::IncompatibleVersion, "reload"));
    for frame in [GatewayFrame::Welcome(newer), refusal] {
        let mut scene = Scene::new();
        let link = scene.link;
        scene.opens();
        let outputs = scene.receives(frame);
        assert!(outputs.contains(&Output::Disconnect { link }));
        assert_eq!(links(&outputs), [LinkStatus::Incompatible]);
        assert_eq!(scene.client.deadline(), None, "there is nothing to wait for");
    }
}

#[test]
fn a_second_welcome_changes_nothing() {
    let mut scene = Scene::following("s", 1);
    scene.receives(GatewayFrame::Welcome(welcome()));
    assert_eq!(scene.client.counters().connections, 1);
    assert_eq!(scene.client.link_status(), LinkStatus::Ready);
}

#[test]
fn the_timings_told_in_welcome_are_kept() {
    let mut scene = Scene::new();
    let link = scene.link;
    scene.opens();
    let fast = Welcome { timings: moorline_protocol::Timings::default().divided(50), ..welcome() };
    scene.receives(GatewayFrame::Welcome(fast));
    assert!(scene.passes(750).contains(&Output::Disconnect { link }));
}

#[test]
fn the_standing_is_told_once_each_time_it_changes() {
    let mut scene = Scene::new();
    assert_eq!(links(&scene.connect()), [LinkStatus::Ready]);
    assert_eq!(links(&scene.receives(ping(Vec::new()))), []);
    let [LinkStatus::Waiting { until }] = links(&scene.closes())[..] else { panic!("waiting is told") };
    assert!(until >= scene.now);
    assert_eq!(links(&scene.until_connect()), [LinkStatus::Connecting]);
}

#[test]
fn a_reconnect_takes_nothing_from_the_screen() {
    let mut scene = Scene::following("s", 5);
    for event in crate::scene::told(&scene.reconnects()) {
        let is_harmless = matches!(event, ClientEvent::Link(_) | ClientEvent::Attachment { .. } | ClientEvent::Agents(_));
        assert!(is_harmless, "{event:?}");
    }
    assert_eq!(scene.cursor("s"), Some(cursor("s", "e", 5)));
}
