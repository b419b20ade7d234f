//! A stream of text that goes on, with somebody typing below it.

use std::{future::pending, time::Duration};

use moorline_protocol::SessionId;
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
/// Of a round in which nothing comes.
const QUIET: Duration = Duration::from_secs(15);
/// Between two keys.
const TYPED_EVERY: Duration = Duration::from_millis(100);

/// What a round is about.
#[derive(Clone, Copy)]
struct Variant {
    name: &'static str,
    streams: bool,
    types: bool,
}

const VARIANTS: [Variant; 3] = [
    Variant { name: "500 deltas a second", streams: true, types: false },
    Variant { name: "the same, and 10 keys", streams: true, types: true },
    Variant { name: "10 keys alone", streams: false, types: true },
];

pub(super) async fn bench() {
    let options: Vec<&str> = ["--agent", "demo:--delay-ms 2"].iter().chain(&OPTIONS[2..]).copied().collect();
    let stage = Stage::start(&options).await;
    let mut table = Table::default();
    for variant in VARIANTS {
        for round in 0..ROUNDS {
            let session = session(&format!("steady-{}-{}-{round}", variant.streams, variant.types));
            run(&stage, &mut table, variant, &session).await;
        }
    }
    table.print("60 s of streaming text, and typing");
}

async fn run(stage: &Stage, table: &mut Table, variant: Variant, session: &SessionId) {
    stage.play(session, "before", "/echo Ready.").await;
    let page = stage.page_with(WATCH).await;
    page.open(&stage.link(session)).await;
    page.wait_until_live(LONGEST).await;
    page.click("[data-composer]").await;
    start(&page).await;
    let (before, began) = (spent(&page).await, Instant::now());
    let first = stage.target(session).await.seq;
    let goes_on = async {
        if variant.streams {
            stage.play(session, "steady", &format!("/stream {DELTAS}")).await;
        } else {
            sleep(QUIET).await;
        }
    };
    let typing = async {
        if !variant.types {
            return pending().await;
        }
        loop {
            page.devtools("Input.dispatchKeyEvent", json!({ "type": "keyDown", "key": "a", "text": "a" })).await;
            page.devtools("Input.dispatchKeyEvent", json!({ "type": "keyUp", "key": "a" })).await;
            sleep(TYPED_EVERY).await;
        }
    };
    tokio::select! {
        () = goes_on => {}
        () = typing => {}
    }
    let (after, took) = (spent(&page).await, began.elapsed().as_secs_f64());
    until_shown(stage, &page, session).await;
    let watched = stop(&page).await;
    let events = (stage.target(session).await.seq - first) as f64;
    let name = variant.name;
    table.push(name, "took, s", 1, took);
    table.push(name, "events a second", 0, events / took);
    table.push(name, "of the page's thread, %", 1, (after.tasks - before.tasks) * 100.0 / took);
    table.push(name, "of one processor, renderer in all, %", 1, (after.process - before.process) * 100.0 / took);
    if variant.types {
        table.push(name, "keys typed", 0, watched.keys);
        table.push(name, "from a key to the end of what the page does, p50, ms", 1, watched.key_p50);
        table.push(name, "from a key to the end of what the page does, p95, ms", 1, watched.key_p95);
        table.push(name, "from a key to the next task, p50, ms", 1, watched.drawn_p50);
        table.push(name, "from a key to the next task, p95, ms", 1, watched.drawn_p95);
    }
    table.push(name, "tasks above 50 ms", 0, watched.long_tasks);
    table.push(name, "longest of them, ms", 0, watched.longest_task);
    table.push(name, "elements in the document", 0, watched.elements);
    page.close().await;
}
