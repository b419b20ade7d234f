//! A tab is duplicated while sends wait in it; whichever of the two goes, each message is accepted once.

use std::time::Duration;

use moorline_e2e::{Pace, Page, Scene, Transport, on_both_transports};

const SOON: Duration = Duration::from_secs(20);
const OVER: [&str; 1] = ["completed"];
const AGENT: [&str; 2] = ["--agent", "demo:--delay-ms 0"];
const TEXTS: [&str; 3] = ["/echo one", "/echo two", "/echo three"];

const WAITING: &str = "document.querySelectorAll('[data-send-state=queued], [data-send-state=retrying]').length";
const FAILED: &str = "document.querySelectorAll('[data-send-state=failed]').length";

on_both_transports!(
    the_original_sends_what_waited_once_its_copy_is_closed,
    the_copy_shows_what_waited_as_failed_once_the_original_is_closed,
    the_original_sends_what_waited_and_the_copy_shows_it_once,
    a_full_outbox_survives_a_reload_and_goes_out_once_beside_a_copy,
);

/// A page with a turn behind it, and with messages that wait because the gateway is away.
async fn with_sends_waiting(on: Transport, texts: &[&str], options: &[&str]) -> (Scene, Page) {
    let scene = Scene::start(on, Pace::Fast, &[&AGENT, options].concat()).await;
    let page = scene.open().await;
    page.send("/echo before").await;
    page.wait_for_turn(1, &OVER, SOON).await;
    scene.begin_outage();
    page.wait_for("the page to notice", "document.querySelector('[data-transcript]').dataset.status !== 'live'", SOON).await;
    for text in texts {
        page.send(text).await;
    }
    page.wait_for("all to wait", &format!("{WAITING} === {}", texts.len()), SOON).await;
    (scene, page)
}

/// Duplicates the tab, and waits until the copy knows that what it found is the original's.
async fn copied(page: &Page) -> Page {
    let copy = page.duplicate().await;
    let set_aside = "Object.keys(sessionStorage).some((key) => key.includes('.copied.'))";
    copy.wait_for("the copy", "document.querySelector('textarea[data-composer]')", SOON).await;
    copy.wait_for("the copied sends to be set aside", set_aside, SOON).await;
    copy
}

async fn expect_all_once(scene: &Scene, page: &Page, texts: &[&str]) {
    page.wait_for_turn(1 + texts.len(), &OVER, SOON).await;
    page.wait_for("no send left", &format!("{WAITING} + {FAILED} === 0"), SOON).await;
    let expected: Vec<&str> = std::iter::once("/echo before").chain(texts.iter().copied()).collect();
    assert_eq!(scene.settled(page).await.messages(), expected);
}

async fn the_original_sends_what_waited_once_its_copy_is_closed(on: Transport) {
    let (scene, page) = with_sends_waiting(on, &TEXTS, &[]).await;
    let copy = copied(&page).await;
    assert!(copy.holds(&format!("{WAITING} + {FAILED} === 0")).await, "what waits is the original's to send and to show");
    copy.close().await;
    scene.end_outage();
    expect_all_once(&scene, &page, &TEXTS).await;
}

async fn the_copy_shows_what_waited_as_failed_once_the_original_is_closed(on: Transport) {
    let (scene, page) = with_sends_waiting(on, &TEXTS, &[]).await;
    let copy = copied(&page).await;
    page.close().await;
    copy.wait_for("all to be shown as failed", &format!("{FAILED} === 3"), SOON).await;
    scene.end_outage();
    copy.wait_until_live(SOON).await;
    copy.dismiss_notices().await;
    for left in [2, 1, 0] {
        copy.click("[data-send-state=failed] [data-action=retry]").await;
        copy.wait_for("one less", &format!("{FAILED} === {left}"), SOON).await;
    }
    expect_all_once(&scene, &copy, &TEXTS).await;
}

async fn the_original_sends_what_waited_and_the_copy_shows_it_once(on: Transport) {
    let (scene, page) = with_sends_waiting(on, &TEXTS, &[]).await;
    let copy = copied(&page).await;
    scene.end_outage();
    expect_all_once(&scene, &page, &TEXTS).await;
    expect_all_once(&scene, &copy, &TEXTS).await;
    page.close().await;
    // Nothing of the original's is left to be shown as failed: both speak of the same journal.
    copy.send("/echo after").await;
    copy.wait_for_turn(5, &OVER, SOON).await;
    assert!(copy.holds(&format!("{WAITING} + {FAILED} === 0")).await);
    scene.settled(&copy).await;
}

async fn a_full_outbox_survives_a_reload_and_goes_out_once_beside_a_copy(on: Transport) {
    let texts: Vec<String> = (1..=12).map(|n| format!("/echo number {n}")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let (scene, page) = with_sends_waiting(on, &texts, &["--outbox-sends", "12"]).await;
    page.send("one too many").await;
    page.wait_for("the refusal", "document.querySelector('[data-refusal]')", SOON).await;
    assert_eq!(page.run::<String>("return document.querySelector('textarea').value").await, "one too many");

    page.reload().await;
    page.wait_for("all to wait again", &format!("{WAITING} === 12"), SOON).await;
    let copy = copied(&page).await;
    scene.end_outage();
    expect_all_once(&scene, &page, &texts).await;
    expect_all_once(&scene, &copy, &texts).await;
}
