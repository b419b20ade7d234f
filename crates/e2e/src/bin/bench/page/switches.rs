//! Going to and fro between sessions.

use moorline_e2e::{Page, within};
use serde_json::json;

use super::{
    load::{WATCH, stop},
    stage::{LONGEST, OPTIONS, Stage, session, spent},
};
use crate::figures::Table;

const ROUNDS: usize = 3;
const SESSIONS: usize = 10;
/// After so many switches everything has been on screen, and is held.
const WARM: usize = 20;
const SWITCHES: usize = 100;

pub(super) async fn bench() {
    let options: Vec<&str> = ["--agent", "demo:--delay-ms 0"].iter().chain(&OPTIONS[2..]).copied().collect();
    let stage = Stage::start(&options).await;
    let mut table = Table::default();
    for n in 0..SESSIONS {
        stage.play(&session(&format!("switch-{n}")), "before", "/mix 1000").await;
    }
    for _ in 0..ROUNDS {
        let page = stage.page_with(WATCH).await;
        page.open(&stage.link(&session("switch-0"))).await;
        page.wait_until_live(LONGEST).await;
        for (variant, switches) in [("before", WARM), ("after 100 switches", SWITCHES)] {
            go_through(&page, switches).await;
            for _ in 0..2 {
                page.devtools("HeapProfiler.collectGarbage", json!({})).await;
            }
            table.push(variant, "JavaScript heap, MB", 2, spent(&page).await.heap / 1e6);
            let watched = stop(&page).await;
            table.push(variant, "wasm memory, MB", 2, watched.wasm_bytes / 1e6);
            table.push(variant, "elements in the document", 0, watched.elements);
        }
        page.close().await;
    }
    table.print("10 sessions of 1,000 updates, one after the other");
}

async fn go_through(page: &Page, switches: usize) {
    let names: Vec<String> = (1..=switches).map(|n| format!("switch-{}", n % SESSIONS)).collect();
    let visit = format!("return moorlineWatch.visit({}).then(() => null)", json!(names));
    within("the sessions to be shown", LONGEST, page.run::<()>(&visit)).await;
}
