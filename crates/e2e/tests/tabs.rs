//! Two pages on one session, each on a line of its own.

use std::time::Duration;

use moorline_e2e::{Cut, Pace, Page, Proxy, Scene, Transport, on_both_transports};

const SOON: Duration = Duration::from_secs(30);
const OVER: [&str; 1] = ["completed"];

on_both_transports!(
    a_page_that_did_not_reconnect_changes_nothing_when_another_does,
    two_pages_that_reconnect_in_mid_turn_both_show_the_journal,
    the_first_of_two_answers_wins_and_the_other_page_sees_it_settle,
);

/// Opens a second page on the session that the first one shows, through another proxy.
async fn second_page(scene: &Scene, first: &Page, proxy: &Proxy) -> Page {
    let session = first.session().await;
    let address = first.url().await;
    let (_, fragment) = address.split_once('#').expect("the session stands in the fragment");
    let second = first.new_window().await;
    second.open(&scene.gateway.link_at(proxy.address())).await;
    second.wait_until_live(SOON).await;
    second.open(&format!("http://{}/#{fragment}", proxy.address())).await;
    second.wait_until_live(SOON).await;
    assert_eq!(second.session().await, session);
    second
}

/// Counts every change in the transcript from now on in `globalThis.mutations`.
async fn count_mutations(page: &Page) {
    let observe = "globalThis.mutations = [];
        new MutationObserver((records) => {
          for (const { type, target, attributeName } of records) mutations.push(`${type} ${attributeName ?? ''} ${target.nodeName} ${target.textContent.slice(0, 40)}`);
        }).observe(document.querySelector('[data-transcript]'), { subtree: true, childList: true, attributes: true, characterData: true });";
    page.run::<()>(observe).await;
}

async fn a_page_that_did_not_reconnect_changes_nothing_when_another_does(on: Transport) {
    let scene = Scene::start(on, Pace::Fast, &["--agent", "demo:--delay-ms 4"]).await;
    let other_line = scene.second_line().await;
    let first = scene.open().await;
    first.send("A turn with everything in it").await;
    first.wait_for_turn(1, &OVER, SOON).await;
    let second = second_page(&scene, &first, &other_line).await;
    scene.settled(&second).await;

    count_mutations(&second).await;
    let steady = on.connections(&other_line.counters());
    for cut in [Cut::Close, Cut::Reset, Cut::HoleBoth] {
        let before = scene.proxy.counters();
        scene.proxy.cut(cut);
        scene.until_connected_since("the first page's new connection", &before).await;
        first.wait_until_live(SOON).await;
        scene.settled(&first).await;
    }
    assert_eq!(on.connections(&other_line.counters()), steady, "the second page kept its connection");
    assert_eq!(second.run::<Vec<String>>("return mutations").await, Vec::<String>::new());
    scene.settled(&second).await;

    // The counter counts: a new turn shows on both.
    first.send("/echo both").await;
    second.wait_for_turn(2, &OVER, SOON).await;
    assert!(second.holds("mutations.length > 0").await);
}

async fn two_pages_that_reconnect_in_mid_turn_both_show_the_journal(on: Transport) {
    let scene = Scene::start(on, Pace::Fast, &["--agent", "demo:--delay-ms 10"]).await;
    let other_line = scene.second_line().await;
    let first = scene.open().await;
    first.send("/stream 600").await;
    first.wait_for_turn(1, &["running"], SOON).await;
    let second = second_page(&scene, &first, &other_line).await;

    for (line, cut) in [(&scene.proxy, Cut::Reset), (&other_line, Cut::Close), (&scene.proxy, Cut::HoleDown), (&other_line, Cut::HoleUp)] {
        let before = on.connections(&line.counters());
        line.cut(cut);
        if on.is_ended_by(cut) {
            line.until("a new connection", SOON, |c| on.connections(c) > before).await;
        }
    }
    first.wait_for_turn(1, &OVER, SOON).await;
    second.wait_for_turn(1, &OVER, SOON).await;
    let journal = scene.settled(&first).await;
    scene.settled(&second).await;
    assert_eq!((journal.acceptances("/stream 600"), journal.ends()), (1, 1));
}

async fn the_first_of_two_answers_wins_and_the_other_page_sees_it_settle(on: Transport) {
    let scene = Scene::start(on, Pace::Fast, &["--agent", "demo:--delay-ms 4"]).await;
    let other_line = scene.second_line().await;
    let first = scene.open().await;
    first.send("/ask").await;
    first.wait_for("the request", "document.querySelector('[data-option]:not(:disabled)')", SOON).await;
    let second = second_page(&scene, &first, &other_line).await;
    second.wait_for("the request", "document.querySelector('[data-option]:not(:disabled)')", SOON).await;

    second.click("[data-option]").await;
    first.wait_for_turn(1, &OVER, SOON).await;
    second.wait_for_turn(1, &OVER, SOON).await;
    for page in [&first, &second] {
        assert!(!page.holds("document.querySelector('button[data-option]:not(:disabled)')").await, "nothing is asked again");
    }
    assert_eq!(scene.settled(&first).await.answers(), 1);
    scene.settled(&second).await;
}
