//! A stream of text that goes on, with somebody typing below it.

use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep};

use super::{
    load::{WATCH, start, stop, until_shown},
    stage::{LONGEST, OPTIONS, Stage, session, spent},
};
use crate::figures::Table;

const ROUNDS: usize = 3;
/// Text deltas of a round; one each 2 ms is 500 a second.
const DELTAS: usize = 30_000;
/// Between two keys.
const TYPED_EVERY: Duration = Duration::from_millis(100);

pub(super) async fn bench() {
    let options: Vec<&str> = ["--agent", "demo:--delay-ms 2"].iter().chain(&OPTIONS[2..]).copied().collect();
    let stage = Stage::start(&options).await;
    let mut table = Table::default();
    let variant = "500 deltas a second";
    for round in 0..ROUNDS {
        let session = session(&format!("steady-{round}"));
        stage.play(&session, "before", "/echo Ready.").await;
        let page = stage.page_with(WATCH).await;
        page.open(&stage.link(&session)).await;
        page.wait_until_live(LONGEST).await;
        page.click("[data-composer]").await;
        start(&page).await;
        let (before, began) = (spent(&page).await, Instant::now());
        let first = stage.target(&session).await.seq;
        let text = format!("/stream {DELTAS}");
        let typing = async {
            loop {
                page.devtools("Input.dispatchKeyEvent", json!({ "type": "keyDown", "key": "a", "text": "a" })).await;
                page.devtools("Input.dispatchKeyEvent", json!({ "type": "keyUp", "key": "a" })).await;
                sleep(TYPED_EVERY).await;
            }
        };
        tokio::select! {
            () = stage.play(&session, "steady", &text) => {}
            () = typing => {}
        }
        let (after, took) = (spent(&page).await, began.elapsed().as_secs_f64());
        until_shown(&stage, &page, &session).await;
        let watched = stop(&page).await;
        let events = (stage.target(&session).await.seq - first) as f64;
        table.push(variant, "took, s", 1, took);
        table.push(variant, "events a second", 0, events / took);
        table.push(variant, "of the page's thread, %", 1, (after.tasks - before.tasks) * 100.0 / took);
        table.push(variant, "of one processor, renderer in all, %", 1, (after.process - before.process) * 100.0 / took);
        table.push(variant, "keys typed", 0, watched.keys);
        table.push(variant, "from a key to the end of what it does, p50, ms", 1, watched.key_p50);
        table.push(variant, "the same, p95, ms", 1, watched.key_p95);
        table.push(variant, "tasks above 50 ms", 0, watched.long_tasks);
        table.push(variant, "longest of them, ms", 0, watched.longest_task);
        table.push(variant, "elements in the document", 0, watched.elements);
        page.close().await;
    }
    table.print("60 s of streaming text, and typing");
}
