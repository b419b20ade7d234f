//! A turn's connection is lost at every place and in every way; the page ends up showing the journal, block by block.

use std::time::Duration;

use moorline_e2e::{Cut, Direction, Pace, Page, Scene, Transport, on_both_transports};

/// A turn with thinking, a plan, tools with live output and an answer.
const DEMO_TURN: &str = "Look into the parser, please";
const CUT_POINTS: u64 = 40;
/// One turn with a cut in it, black holes included.
const TURN: Duration = Duration::from_secs(20);
const AGENT: [&str; 2] = ["--agent", "demo:--delay-ms 4"];

const OVER: [&str; 1] = ["completed"];

on_both_transports!(
    forty_clean_closes_leave_no_trace,
    forty_resets_leave_no_trace,
    forty_black_holes_down_leave_no_trace,
    forty_black_holes_up_leave_no_trace,
    twenty_cuts_in_one_turn_leave_no_trace,
    a_reset_and_a_slow_line_at_real_timings_leave_no_trace,
);

/// Plays the demo turn in a session of its own, without a cut; answers the bytes that came down the connection meanwhile.
async fn measure(scene: &Scene, page: &Page, on: Transport) -> u64 {
    page.new_session().await;
    let before = on.bytes_down(&scene.proxy.counters());
    page.send(DEMO_TURN).await;
    page.wait_for_turn(1, &OVER, TURN).await;
    let after = on.bytes_down(&scene.proxy.counters());
    scene.settled(page).await;
    after - before
}

async fn cut_everywhere(on: Transport, cut: Cut) {
    let scene = Scene::start(on, Pace::Fast, &AGENT).await;
    let page = scene.open().await;
    // The first turn also warms the agent up. Batches differ from run to run: the smaller length leaves no point beyond the end.
    let length = measure(&scene, &page, on).await.min(measure(&scene, &page, on).await);

    for point in 0..CUT_POINTS {
        let bytes = length * point / (CUT_POINTS + 4);
        let before = scene.proxy.counters();
        page.new_session().await;
        page.wait_until_live(TURN).await;
        scene.proxy.cut_after(Direction::Down, bytes, cut);
        page.send(DEMO_TURN).await;
        scene.proxy.until(&format!("the cut after {bytes} of {length} bytes"), TURN, |c| c.fired > before.fired).await;
        if on.is_ended_by(cut) {
            scene.until_connected_since(&format!("a connection after the cut at {bytes} bytes"), &before).await;
        }
        page.wait_for_turn(1, &OVER, TURN).await;
        page.wait_until_idle(TURN).await;
        let journal = scene.settled(&page).await;
        assert_eq!(journal.acceptances(DEMO_TURN), 1, "accepted once, with a cut after {bytes} of {length} bytes");
    }
    assert_eq!(page.crashes().await, Vec::<String>::new());
}

async fn forty_clean_closes_leave_no_trace(on: Transport) {
    cut_everywhere(on, Cut::Close).await;
}

async fn forty_resets_leave_no_trace(on: Transport) {
    cut_everywhere(on, Cut::Reset).await;
}

async fn forty_black_holes_down_leave_no_trace(on: Transport) {
    cut_everywhere(on, Cut::HoleDown).await;
}

async fn forty_black_holes_up_leave_no_trace(on: Transport) {
    cut_everywhere(on, Cut::HoleUp).await;
}

async fn twenty_cuts_in_one_turn_leave_no_trace(on: Transport) {
    const LONG_TURN: &str = "/stream 3000";
    const LONG: Duration = Duration::from_secs(90);
    let scene = Scene::start(on, Pace::Fast, &["--agent", "demo:--delay-ms 10"]).await;
    let page = scene.open().await;
    page.send(LONG_TURN).await;
    page.wait_for_turn(1, &["running"], TURN).await;

    for n in 0..20 {
        page.wait_until_live(TURN).await;
        let cut = [Cut::Close, Cut::Reset, Cut::HoleDown, Cut::HoleUp, Cut::HoleBoth][n % 5];
        let before = scene.proxy.counters();
        // A little of the turn passes between two cuts, and each one falls into the middle of a frame.
        scene.proxy.cut_after(Direction::Down, 1_501, cut);
        scene.proxy.until(&format!("cut {n}"), TURN, |c| c.fired > before.fired).await;
        if on.is_ended_by(cut) {
            scene.until_connected_since(&format!("a connection after cut {n}"), &before).await;
        }
    }
    assert!(page.holds("document.querySelector('[data-turn-state=running]')").await, "all cuts fall into one turn");
    page.wait_for_turn(1, &OVER, LONG).await;
    let journal = scene.settled(&page).await;
    assert_eq!((journal.acceptances(LONG_TURN), journal.ends()), (1, 1));
}

async fn a_reset_and_a_slow_line_at_real_timings_leave_no_trace(on: Transport) {
    const LONG_TURN: &str = "/stream 400";
    const REAL: Duration = Duration::from_secs(60);
    let scene = Scene::start(on, Pace::Real, &[]).await;
    let page = scene.open().await;
    page.send(LONG_TURN).await;
    page.wait_for_turn(1, &["running"], REAL).await;
    scene.proxy.delay(Duration::from_millis(100));
    scene.proxy.bandwidth(Some(12_500));
    for cut in [Cut::Reset, Cut::Close] {
        let before = scene.proxy.counters();
        scene.proxy.cut_after(Direction::Down, 2_000, cut);
        scene.proxy.until("the cut", REAL, |c| c.fired > before.fired).await;
        scene.until_connected_since("a connection after the cut", &before).await;
        page.wait_until_live(REAL).await;
    }
    page.wait_for_turn(1, &OVER, REAL).await;
    let journal = scene.settled(&page).await;
    assert_eq!((journal.acceptances(LONG_TURN), journal.ends()), (1, 1));
}
