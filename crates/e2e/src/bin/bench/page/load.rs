//! Turns on their way into the DOM of a page that watches.

use moorline_e2e::Page;
use moorline_protocol::SessionId;
use serde::Deserialize;

use super::stage::{LONGEST, OPTIONS, Stage, session, spent};
use crate::{ROUNDS, figures::Table};

/// Measures from within the page; see there.
pub(super) const WATCH: &str = include_str!("watch.js");
/// As fast as the gateway lets the agent.
const AT_ONCE: [&str; 2] = ["--agent", "demo:--delay-ms 0"];
const BURSTS: [(&str, usize); 3] = [("1,000 updates", 1_000), ("4,000 updates", 4_000), ("10,000 updates", 10_000)];
/// Transcripts whose next events are timed.
const SIZES: [(&str, usize); 2] = [("1,000 events", 1_000), ("20,000 events", 20_000)];
/// Events that are timed so, one each 2 ms.
const TIMED: usize = 2_000;

/// What the watch answers; times in milliseconds.
#[derive(Debug, Deserialize)]
pub(super) struct Watched {
    pub(super) elapsed: f64,
    pub(super) long_tasks: f64,
    pub(super) longest_task: f64,
    pub(super) keys: f64,
    pub(super) key_p50: f64,
    pub(super) key_p95: f64,
    pub(super) drawn_p50: f64,
    pub(super) drawn_p95: f64,
    pub(super) elements: f64,
    pub(super) blocks: f64,
    pub(super) wasm_bytes: f64,
}

pub(super) async fn start(page: &Page) {
    let () = page.run("moorlineWatch.start(); return null").await;
}

pub(super) async fn stop(page: &Page) -> Watched {
    page.run("return moorlineWatch.stop()").await
}

/// The end of what a turn brought is on screen.
pub(super) async fn until_shown(stage: &Stage, page: &Page, session: &SessionId) {
    let target = stage.target(session).await;
    let seq = target.seq;
    let shown = format!("Number(document.querySelector('[data-session={session}]')?.dataset.appliedSeq) >= {seq}");
    page.wait_for("everything to be on screen", &shown, LONGEST).await;
}

/// Turns as fast as they come, on a page that follows them.
pub(super) async fn bursts() {
    let options: Vec<&str> = AT_ONCE.iter().chain(&OPTIONS[2..]).copied().collect();
    let stage = Stage::start(&options).await;
    let mut table = Table::default();
    for (variant, updates) in BURSTS {
        for round in 0..ROUNDS {
            let session = session(&format!("burst-{updates}-{round}"));
            stage.play(&session, "before", "/echo Ready.").await;
            let page = stage.page_with(WATCH).await;
            page.open(&stage.link(&session)).await;
            page.wait_until_live(LONGEST).await;
            start(&page).await;
            let before = spent(&page).await;
            stage.play(&session, "burst", &format!("/mix {updates}")).await;
            until_shown(&stage, &page, &session).await;
            let (after, watched) = (spent(&page).await, stop(&page).await);
            let target = stage.target(&session).await;
            table.push(variant, "events in the journal", 0, target.seq as f64);
            table.push(variant, "from the send until all is on screen, ms", 0, watched.elapsed);
            table.push(variant, "renderer's processor time, ms", 0, (after.process - before.process) * 1e3);
            table.push(variant, "tasks above 50 ms", 0, watched.long_tasks);
            table.push(variant, "longest of them, ms", 0, watched.longest_task);
            table.push(variant, "blocks mounted", 0, watched.blocks);
            table.push(variant, "elements in the document", 0, watched.elements);
            page.close().await;
        }
    }
    table.print("`/mix` live, as fast as it comes");
}

/// What an event costs in a short and in a long transcript.
pub(super) async fn growth() {
    let options: Vec<&str> = ["--agent", "demo:--delay-ms 2"].iter().chain(&OPTIONS[2..]).copied().collect();
    let stage = Stage::start(&options).await;
    let mut table = Table::default();
    for round in 0..ROUNDS {
        for (variant, size) in SIZES {
            let session = session(&format!("growth-{size}-{round}"));
            stage.play(&session, "before", &format!("/mix {size}")).await;
            let page = stage.page_with(WATCH).await;
            page.open(&stage.link(&session)).await;
            page.wait_until_live(LONGEST).await;
            let first = stage.target(&session).await.seq;
            start(&page).await;
            let before = spent(&page).await;
            stage.play(&session, "timed", &format!("/mix {TIMED}")).await;
            until_shown(&stage, &page, &session).await;
            let after = spent(&page).await;
            let events = (stage.target(&session).await.seq - first) as f64;
            table.push(variant, "events timed", 0, events);
            table.push(variant, "page's thread an event, µs", 0, (after.tasks - before.tasks) * 1e6 / events);
            table.push(variant, "renderer's processor time an event, µs", 0, (after.process - before.process) * 1e6 / events);
            table.push(variant, "wasm memory, MB", 1, stop(&page).await.wasm_bytes / 1e6);
            page.close().await;
        }
    }
    table.print("500 events a second behind a transcript of");
}
