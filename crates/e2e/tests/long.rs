//! A transcript longer than what is mounted, compared with the journal from its start.

use std::time::Duration;

use moorline_e2e::{Cut, Pace, Scene, Transport, on_both_transports};

const SOON: Duration = Duration::from_secs(60);

on_both_transports!(a_long_transcript_is_the_journal_from_its_start_live_and_after_a_reload);

async fn a_long_transcript_is_the_journal_from_its_start_live_and_after_a_reload(on: Transport) {
    let scene = Scene::start(on, Pace::Fast, &["--agent", "demo:--delay-ms 0"]).await;
    let page = scene.open().await;
    let texts = ["/mix 1500", "/tools 120", "/mix 1500"];
    for text in texts {
        let last: Option<String> = page.run("return [...document.querySelectorAll('[data-turn]')].at(-1)?.dataset.turn").await;
        page.send(text).await;
        // Turns that are not mounted any more cannot be counted.
        let over = format!("((turn) => turn?.dataset.turnState === 'completed' && turn.dataset.turn !== '{}')", last.unwrap_or_default());
        page.wait_for("the turn's end", &format!("{over}([...document.querySelectorAll('[data-turn]')].at(-1))"), SOON).await;
        // What comes after a cut may be a snapshot's newest part, with a gap behind it.
        let before = scene.proxy.counters();
        scene.proxy.cut(Cut::Reset);
        scene.until_connected_since("a connection after the cut", &before).await;
        page.wait_until_live(SOON).await;
    }
    let journal = scene.settled_to_its_start(&page).await;
    assert_eq!(journal.messages(), texts);

    page.reload().await;
    page.wait_until_live(SOON).await;
    let mounted = "return document.querySelectorAll('[data-transcript] [data-block]').length";
    let mounted: usize = page.run(mounted).await;
    let all: usize = journal.transcript().turns().map(|turn| journal.transcript().blocks(&turn.id).count()).sum();
    assert!(mounted < all, "all {all} blocks are mounted at once: the transcript is not long enough to be scrolled");
    scene.settled_to_its_start(&page).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_longer_than_a_snapshot_carries_is_loaded_to_its_beginning_part_by_part() {
    let scene = Scene::start(Transport::WebSocket, Pace::Fast, &["--agent", "demo:--delay-ms 0", "--text-bytes", "6000"]).await;
    let page = scene.open().await;
    page.send("/long 16").await;
    page.wait_for_turn(1, &["completed"], SOON).await;
    page.reload().await;
    page.wait_until_live(SOON).await;
    let button = "[data-kind=text] [data-action=load-text]";
    let shown = "document.querySelector('[data-kind=text] [data-text]').textContent.length";
    let mut presses = 0;
    while page.holds(&format!("document.querySelector('{button}')")).await {
        let before: usize = page.run(&format!("return {shown}")).await;
        page.click(button).await;
        page.wait_for("more of the text", &format!("{shown} > {before}"), SOON).await;
        presses += 1;
    }
    assert!((2..8).contains(&presses), "{presses} presses");
    scene.settled(&page).await;
}
