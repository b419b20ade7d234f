//! The gateway dies, is restarted or is asked to stop; the page is reloaded; a turn ends unseen.

use std::time::{Duration, Instant};

use moorline_e2e::{Admission, Client, Cut, Deed, Direction, On, Pace, Scene, Transport, on_both_transports};
use moorline_protocol::MessageId;

const SOON: Duration = Duration::from_secs(30);
const OVER: [&str; 1] = ["completed"];
const RUNNING: [&str; 1] = ["running"];

on_both_transports!(
    a_killed_gateway_takes_nothing_back_and_ends_the_turn_as_interrupted,
    a_message_accepted_and_not_started_is_dispatched_after_a_crash,
    a_gateway_that_is_asked_to_stop_does_and_the_page_finds_its_successor,
    a_reload_in_mid_turn_shows_all_of_it,
    a_message_queued_on_a_dead_line_survives_a_reload,
    a_turn_that_ends_unseen_is_shown_within_one_round_trip_of_reconnecting,
);

/// The answer's text on screen.
const ANSWER: &str = "document.querySelector('[data-block][data-kind=text] [data-text]')?.textContent ?? ''";

async fn with_an_answer_under_way(scene: &Scene) -> moorline_e2e::Page {
    let page = scene.open().await;
    page.send("/stream 2000").await;
    page.wait_for_turn(1, &RUNNING, SOON).await;
    page.wait_for("some of the answer", &format!("({ANSWER}).length > 200"), SOON).await;
    page
}

async fn a_killed_gateway_takes_nothing_back_and_ends_the_turn_as_interrupted(on: Transport) {
    let mut scene = Scene::start(on, Pace::Fast, &["--agent", "demo:--delay-ms 5"]).await;
    let page = with_an_answer_under_way(&scene).await;
    page.run::<()>("globalThis.sameDocument = true").await;

    scene.gateway.kill().await;
    page.wait_for("the page to notice", "document.querySelector('[data-transcript]').dataset.status !== 'live'", SOON).await;
    let shown: String = page.run(&format!("return {ANSWER}")).await;
    scene.gateway.restart().await;
    page.wait_for_turn(1, &["interrupted"], SOON).await;
    page.wait_until_idle(SOON).await;
    let kept: String = page.run(&format!("return {ANSWER}")).await;
    assert!(kept.starts_with(&shown), "what was shown stays: {} bytes were shown, {} are left", shown.len(), kept.len());

    page.send("/echo next").await;
    page.wait_for_turn(2, &OVER, SOON).await;
    let journal = scene.settled(&page).await;
    assert_eq!((journal.acceptances("/stream 2000"), journal.acceptances("/echo next"), journal.ends()), (1, 1, 2));
    assert!(page.holds("globalThis.sameDocument").await, "without a reload");
}

async fn a_message_accepted_and_not_started_is_dispatched_after_a_crash(on: Transport) {
    let mut scene = Scene::start(on, Pace::Fast, &["--agent", "demo:--delay-ms 5"]).await;
    let page = with_an_answer_under_way(&scene).await;
    page.send("/echo later").await;
    page.wait_for_turn(2, &["queued"], SOON).await;

    scene.gateway.kill().await;
    scene.gateway.restart().await;
    page.wait_for_turn(1, &["interrupted"], SOON).await;
    page.wait_for_turn(2, &OVER, SOON).await;
    let journal = scene.settled(&page).await;
    assert_eq!((journal.acceptances("/stream 2000"), journal.acceptances("/echo later")), (1, 1));
}

async fn a_gateway_that_is_asked_to_stop_does_and_the_page_finds_its_successor(on: Transport) {
    let mut scene = Scene::start(on, Pace::Fast, &["--agent", "demo:--delay-ms 4"]).await;
    let page = scene.open().await;
    page.send("/echo before").await;
    page.wait_for_turn(1, &OVER, SOON).await;

    let before = scene.proxy.counters();
    assert!(scene.gateway.stop().await.success());
    page.send("/echo meanwhile").await;
    scene.gateway.restart().await;
    scene.until_connected_since("a new connection", &before).await;
    page.wait_for_turn(2, &OVER, SOON).await;
    assert_eq!(scene.settled(&page).await.messages(), ["/echo before", "/echo meanwhile"]);
}

async fn a_reload_in_mid_turn_shows_all_of_it(on: Transport) {
    let scene = Scene::start(on, Pace::Fast, &["--agent", "demo:--delay-ms 5"]).await;
    let page = scene.open().await;
    page.send("/stream 600").await;
    page.wait_for_turn(1, &RUNNING, SOON).await;
    let session = page.session().await;
    for _ in 0..3 {
        let before = scene.proxy.counters();
        page.reload().await;
        scene.until_connected_since("the reloaded page's connection", &before).await;
        page.wait_until_live(SOON).await;
        assert_eq!(page.session().await, session);
        page.wait_for_turn(1, &["running", "completed"], SOON).await;
    }
    page.wait_for_turn(1, &OVER, SOON).await;
    page.wait_until_idle(SOON).await;
    let journal = scene.settled(&page).await;
    assert_eq!((journal.acceptances("/stream 600"), journal.ends()), (1, 1));
}

async fn a_message_queued_on_a_dead_line_survives_a_reload(on: Transport) {
    let scene = Scene::start(on, Pace::Fast, &["--agent", "demo:--delay-ms 4"]).await;
    let page = scene.open().await;
    page.send("/echo before").await;
    page.wait_for_turn(1, &OVER, SOON).await;

    // The document itself must load: only what carries the message is lost.
    match on {
        Transport::WebSocket => scene.proxy.cut_after(Direction::Down, 0, Cut::HoleUp),
        Transport::Sse => scene.proxy.arm(On::post("/v1/send"), 1, Deed::CutUp { bytes: 0, cut: Cut::HoleUp }),
    }
    page.send("/echo after").await;
    page.reload().await;
    page.wait_for_turn(2, &OVER, SOON).await;
    assert_eq!(scene.settled(&page).await.messages(), ["/echo before", "/echo after"]);
}

async fn a_turn_that_ends_unseen_is_shown_within_one_round_trip_of_reconnecting(on: Transport) {
    const EACH_WAY: Duration = Duration::from_millis(300);
    let scene = Scene::start(on, Pace::Real, &["--agent", "demo:--delay-ms 5"]).await;
    let page = scene.open().await;
    page.send("/stream 200").await;
    page.wait_for_turn(1, &RUNNING, SOON).await;
    let session = page.session().await;

    scene.proxy.admit(Admission::Refuse);
    scene.proxy.cut(Cut::Reset);
    page.wait_for("the page to notice", "document.querySelector('[data-transcript]').dataset.status !== 'live'", SOON).await;
    let turn: String = page.run("return document.querySelector('[data-turn]').dataset.turn").await;
    let (mut witness, _) = Client::greeted(scene.gateway.address(), scene.api.cookie(), "witness").await;
    witness.attach(&session, 1).await;
    witness.expect_turn_end(&MessageId::parse(&turn).unwrap()).await;
    assert!(page.holds("document.querySelector('[data-turn-state=running]')").await, "a lost connection ends no turn on screen");

    scene.proxy.delay(EACH_WAY);
    let before = scene.proxy.counters();
    scene.proxy.admit(Admission::Open);
    let connected = async {
        scene.until_connected_since("a new connection", &before).await;
        Instant::now()
    };
    let shown = async {
        page.wait_for_turn(1, &OVER, SOON).await;
        page.wait_until_idle(SOON).await;
        Instant::now()
    };
    let (connected, shown) = tokio::join!(connected, shown);
    let took = shown.duration_since(connected);
    // One exchange, `hello` up and the rest down; a second one would take 1.2 s.
    assert!(took < EACH_WAY * 4, "the end was shown {took:?} after the connection stood");
    scene.settled(&page).await;
}
