//! Eight tabs on SSE over HTTP/1.1, where a browser opens six connections to one host.

use std::time::Duration;

use moorline_e2e::{On, Pace, Page, Scene, Transport};

const SOON: Duration = Duration::from_secs(30);
const OVER: [&str; 1] = ["completed"];
const NO_SLOT: &str = "document.querySelector('[data-trouble=no-slot]')";
const STANDS: &str = "document.querySelector('[data-transcript]')?.dataset.status === 'live'";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_of_eight_tabs_stream_the_others_say_why_not_and_no_post_hangs() {
    let scene = Scene::start(Transport::Sse, Pace::Fast, &["--agent", "demo:--delay-ms 4"]).await;
    // The first tab has logged in for all of them.
    let mut tabs: Vec<Page> = vec![scene.open().await];
    for _ in 1..8 {
        let tab = scene.browser.page().await;
        tab.open(&format!("http://{}/", scene.proxy.address())).await;
        tab.wait_for("the tab to be live, or to say that it has no slot", &format!("{STANDS} || {NO_SLOT}"), SOON).await;
        tabs.push(tab);
    }
    let waiting = tabs.split_off(4);
    for tab in &waiting {
        assert!(tab.holds(NO_SLOT).await && !tab.holds(STANDS).await, "the first four have all slots");
    }
    assert_eq!(scene.proxy.counters().open_streams, 4);

    for (n, tab) in tabs.iter().enumerate() {
        assert!(tab.holds(STANDS).await && !tab.holds(NO_SLOT).await);
        tab.new_session().await;
        tab.send(&format!("/echo tab {n}")).await;
        tab.wait_for_turn(1, &OVER, SOON).await;
        scene.settled(tab).await;
    }
    let sends = scene.proxy.requests(&On::post("/v1/send"));
    assert_eq!(sends.iter().map(|seen| seen.status).collect::<Vec<_>>(), [Some(200); 4], "none was tried twice");

    tabs.remove(0).close().await;
    // A tab that was never welcomed tries again by the timings of production.
    scene.proxy.until("the slot to be taken again", Duration::from_secs(60), |c| c.streams == 5 && c.open_streams == 4).await;
    let mut let_in = Vec::new();
    for tab in &waiting {
        if !tab.holds(NO_SLOT).await {
            let_in.push(tab);
        }
    }
    assert_eq!(let_in.len(), 1, "one more");
    let_in[0].wait_until_live(SOON).await;
    let_in[0].new_session().await;
    let_in[0].send("/echo at last").await;
    let_in[0].wait_for_turn(1, &OVER, SOON).await;
    scene.settled(let_in[0]).await;
}
