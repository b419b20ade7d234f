//! What stands between page and gateway: nginx, a proxy that withholds streams, one that lets WebSockets through again.

use std::time::Duration;

use moorline_e2e::{Buffering, Cut, On, Pace, Page, Scene, Sockets, Streams, Transport, on_both_transports};

const SOON: Duration = Duration::from_secs(30);
const OVER: [&str; 1] = ["completed"];
const AGENT: [&str; 2] = ["--agent", "demo:--delay-ms 4"];
const UNDER_WAY: &str =
    "document.querySelector('[data-send-state=queued], [data-send-state=sending], [data-send-state=retrying], [data-send-state=failed]')";

on_both_transports!(
    a_turn_comes_through_nginx_as_it_comes,
    a_turn_comes_through_nginx_without_buffering,
    a_message_that_met_nginxs_own_502_is_accepted_once,
    a_message_that_met_nginxs_own_504_is_accepted_once,
);

async fn a_turn_comes_through_nginx(on: Transport, buffering: Buffering) {
    let (scene, _nginx) = Scene::start_behind_nginx(on, buffering, &AGENT).await;
    let page = scene.open().await;
    page.send("/stream 300").await;
    // What nginx buffered would come all at once, at the end.
    let some = "document.querySelector('[data-turn-state=running] [data-kind=text] [data-text]')?.textContent.length > 100";
    page.wait_for("some of the answer while the turn runs", some, SOON).await;
    page.wait_for_turn(1, &OVER, SOON).await;
    scene.settled(&page).await;
    let before = scene.proxy.counters();
    page.reload().await;
    scene.until_connected_since("the reloaded page's connection", &before).await;
    page.wait_until_live(SOON).await;
    page.send("/echo again").await;
    page.wait_for_turn(2, &OVER, SOON).await;
    scene.settled(&page).await;
    scene.expect_transport();
}

async fn a_turn_comes_through_nginx_as_it_comes(on: Transport) {
    a_turn_comes_through_nginx(on, Buffering::On).await;
}

async fn a_turn_comes_through_nginx_without_buffering(on: Transport) {
    a_turn_comes_through_nginx(on, Buffering::Off).await;
}

/// Waits that a restart of the gateway fits into; fiftieths, as all timings.
const PATIENT: [&str; 12] = [
    "--connect-ms",
    "150000",
    "--retry-first-ms",
    "50000",
    "--retry-second-ms",
    "100000",
    "--receipt-ms",
    "500000",
    "--silence-ms",
    "500000",
    "--agent",
    "demo:--delay-ms 0",
];

async fn with_a_turn(on: Transport) -> (Scene, moorline_e2e::Nginx, Page) {
    let (scene, nginx) = Scene::start_behind_nginx(on, Buffering::On, &PATIENT).await;
    let page = scene.open().await;
    page.send("/echo before").await;
    page.wait_for_turn(1, &OVER, SOON).await;
    (scene, nginx, page)
}

async fn expect_accepted_once(scene: &Scene, page: &Page) {
    page.wait_for_turn(2, &OVER, SOON).await;
    page.wait_for("no send under way", &format!("!{UNDER_WAY}"), SOON).await;
    assert_eq!(scene.settled(page).await.messages(), ["/echo before", "/echo once"]);
}

async fn expect_status(scene: &Scene, on: Transport, status: u16) {
    let met = match on {
        Transport::WebSocket => On::get("/v1/connect"),
        Transport::Sse => On::post("/v1/send"),
    };
    let answered = |seen: &[moorline_e2e::Seen]| seen.iter().any(|seen| seen.status == Some(status));
    scene.proxy.until_requests(&format!("nginx's own {status}"), SOON, &met, answered).await;
}

async fn a_message_that_met_nginxs_own_502_is_accepted_once(on: Transport) {
    let (mut scene, _nginx, page) = with_a_turn(on).await;
    // The page must not see that its stream has ended, else it would not even try.
    scene.proxy.let_streams(Streams::Hold);
    scene.gateway.kill().await;
    page.send("/echo once").await;
    expect_status(&scene, on, 502).await;
    scene.gateway.restart().await;
    scene.proxy.let_streams(Streams::Flow);
    expect_accepted_once(&scene, &page).await;
}

async fn a_message_that_met_nginxs_own_504_is_accepted_once(on: Transport) {
    let (scene, _nginx, page) = with_a_turn(on).await;
    // A gateway that hangs as long as nginx waits; what it was sent meanwhile it reads when it goes on.
    scene.proxy.let_streams(Streams::Hold);
    scene.gateway.freeze();
    page.send("/echo once").await;
    expect_status(&scene, on, 504).await;
    scene.gateway.thaw();
    scene.proxy.let_streams(Streams::Flow);
    expect_accepted_once(&scene, &page).await;
}

async fn a_withheld_stream_is_said(streams: Streams) {
    let scene = Scene::start(Transport::Sse, Pace::Fast, &AGENT).await;
    // It has learnt its timings by now: a page that was never welcomed goes by those of production.
    let page = scene.open().await;
    scene.proxy.let_streams(streams);
    scene.proxy.cut(Cut::Reset);
    page.wait_for("the page to say that a proxy withholds its stream", "document.querySelector('[data-trouble=withheld]')", SOON).await;

    scene.proxy.let_streams(Streams::Flow);
    page.wait_until_live(SOON).await;
    page.wait_for("the page to say it no more", "!document.querySelector('[data-trouble]')", SOON).await;
    page.send("/echo through").await;
    page.wait_for_turn(1, &OVER, SOON).await;
    scene.settled(&page).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_that_withholds_a_stream_with_its_head_is_said() {
    a_withheld_stream_is_said(Streams::Hold).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_that_withholds_a_stream_behind_its_head_is_said() {
    a_withheld_stream_is_said(Streams::HoldBodies).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_websocket_that_works_again_takes_over_in_mid_turn_and_in_mid_send() {
    // A look for a WebSocket every second, and time for one on a slow line.
    let options = ["--agent", "demo:--delay-ms 10", "--upgrade-ms", "50000", "--connect-ms", "100000"];
    let scene = Scene::start(Transport::Sse, Pace::Fast, &options).await;
    let page = scene.open().await;
    page.send("/stream 1200").await;
    page.wait_for_turn(1, &["running"], SOON).await;
    // Two looks in vain do the stream no harm.
    let refused = scene.proxy.counters().sockets_refused;
    scene.proxy.until("two looks in vain", SOON, |c| c.sockets_refused >= refused + 2).await;
    assert_eq!(scene.proxy.counters().streams, 1);

    // With this delay each send is on its way for a while, and one of them when the WebSocket opens.
    scene.proxy.delay(Duration::from_millis(60));
    scene.proxy.admit_sockets(Sockets::Open);
    let mut texts = vec!["/stream 1200".to_owned()];
    while scene.proxy.counters().upgrades == 0 {
        let text = format!("/echo number {}", texts.len());
        page.send(&text).await;
        texts.push(text);
    }
    page.wait_until_live(SOON).await;
    assert!(page.holds("document.querySelector('[data-turn-state=running]')").await, "the switch falls into the turn");
    page.send("/echo last").await;
    texts.push("/echo last".to_owned());
    let counters = scene.proxy.until("the stream's end", SOON, |c| c.open_streams == 0).await;
    assert_eq!((counters.streams, counters.upgrades), (1, 1));

    scene.proxy.delay(Duration::ZERO);
    page.wait_for_turn(texts.len(), &OVER, SOON).await;
    page.wait_for("no send under way", &format!("!{UNDER_WAY}"), SOON).await;
    assert_eq!(scene.settled(&page).await.messages(), texts);
}
