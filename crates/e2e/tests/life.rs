//! A page is left and come back to, and asked whether it may go.

use std::time::Duration;

use moorline_e2e::{Browser, Pace, Scene, Transport, on_both_transports};

const SOON: Duration = Duration::from_secs(20);
const OVER: [&str; 1] = ["completed"];

on_both_transports!(a_page_that_was_kept_for_the_back_button_is_live_again_and_complete);

async fn a_page_that_was_kept_for_the_back_button_is_live_again_and_complete(on: Transport) {
    let scene = Scene::start(on, Pace::Fast, &["--agent", "demo:--delay-ms 5"]).await;
    let page = scene.open().await;
    page.send("/stream 300").await;
    page.wait_for_turn(1, &["running"], SOON).await;
    page.run::<()>("addEventListener('pageshow', (event) => { globalThis.wasKept = event.persisted; })").await;

    for _ in 0..2 {
        let before = scene.proxy.counters();
        page.leave_for(&format!("http://{}/healthz", scene.proxy.address())).await;
        scene.proxy.until("the page's connection to end", SOON, |c| c.open_streams == 0).await;
        page.back().await;
        page.wait_for("the page to be shown again", "globalThis.wasKept !== undefined", SOON).await;
        assert!(page.holds("globalThis.wasKept").await, "it was not kept: {}", page.run::<String>(WHY_NOT).await);
        page.run::<()>("delete globalThis.wasKept").await;
        scene.until_connected_since("a connection of the page that was kept", &before).await;
        page.wait_until_live(SOON).await;
    }
    page.wait_for_turn(1, &OVER, SOON).await;
    page.send("/echo after").await;
    page.wait_for_turn(2, &OVER, SOON).await;
    let journal = scene.settled(&page).await;
    assert_eq!(journal.messages(), ["/stream 300", "/echo after"]);
}

/// The browser's reasons for not keeping the page.
const WHY_NOT: &str = "return JSON.stringify(performance.getEntriesByType('navigation')[0].notRestoredReasons)";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_browser_asks_before_it_closes_a_page_only_while_something_waits_to_be_sent() {
    let scene = Scene::start(Transport::WebSocket, Pace::Fast, &["--agent", "demo:--delay-ms 0"]).await;
    let browser = Browser::start_asking().await;
    let page = browser.page().await;
    page.open(&scene.gateway.link_at(scene.proxy.address())).await;
    page.wait_until_live(SOON).await;
    page.send("/echo before").await;
    page.wait_for_turn(1, &OVER, SOON).await;
    page.wait_for("no send under way", "!document.querySelector('.echo')", SOON).await;
    // Nobody is asked here: a question would keep the document that is there.
    page.run::<()>("globalThis.first = true; setTimeout(() => location.reload())").await;
    page.wait_for("another document", "!globalThis.first && document.querySelector('[data-transcript]')", SOON).await;
    page.wait_until_live(SOON).await;

    scene.begin_outage();
    page.wait_for("the page to notice", "document.querySelector('[data-transcript]').dataset.status !== 'live'", SOON).await;
    page.send("/echo waits").await;
    page.wait_for("the message to wait", "document.querySelector('[data-send-state=queued]')", SOON).await;
    page.run::<()>("globalThis.second = true; setTimeout(() => location.reload())").await;
    page.answer_whether_it_may_go(false).await;
    assert!(page.holds("globalThis.second").await, "it stays");

    scene.end_outage();
    page.wait_for_turn(2, &OVER, SOON).await;
    page.wait_for("no send under way", "!document.querySelector('.echo')", SOON).await;
    page.run::<()>("setTimeout(() => location.reload())").await;
    page.wait_for("another document", "!globalThis.second && document.querySelector('[data-transcript]')", SOON).await;
    page.wait_until_live(SOON).await;
    assert_eq!(scene.settled(&page).await.messages(), ["/echo before", "/echo waits"]);
}
