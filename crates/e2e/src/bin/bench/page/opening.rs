//! A long turn on its way into the DOM of a page that was away, or is new.

use moorline_e2e::{Admission, Cut, Page, within};
use moorline_protocol::{Answer, SessionId, SnapshotReason};
use serde::Deserialize;

use super::stage::{LONGEST, OPTIONS, Stage, Target, session, spent};
use crate::{ROUNDS, figures::Table};

/// Measures from within the page; see there.
const PROBE: &str = include_str!("probe.js");
/// The demo agent's updates of every sort: text, thoughts, tool calls.
const UPDATES: [usize; 3] = [1_000, 4_000, 10_000];
/// Every event is replayed, and none is folded while the page is away: a page that was there for a moment only is a stranger to folds.
const RAW_OPTIONS: &[&str] = &["--replay-cap", "20000", "--fold-events", "1000000", "--fold-ms", "3600000"];
const RAW: &str = "raw replay, reconnect";
const SNAPSHOT: &str = "snapshot, reconnect";
const FRESH: &str = "snapshot, fresh load";

/// What the probe answers; times in milliseconds since the socket opened.
#[derive(Debug, Deserialize)]
struct Probed {
    answer: Answer,
    first: f64,
    received: f64,
    applied: f64,
    shown: f64,
    complete: f64,
    settled: f64,
    usable: f64,
    since_navigation: f64,
    longest_until_shown: f64,
    longest: f64,
    long_tasks: f64,
    longest_task: f64,
    messages: f64,
    characters: f64,
    elements: f64,
    blocks: f64,
    wasm_bytes: f64,
}

pub(super) async fn bench() {
    for updates in UPDATES {
        let mut table = Table::default();
        for (variant, more) in [(RAW, RAW_OPTIONS), (SNAPSHOT, &[])] {
            let options: Vec<&str> = OPTIONS.iter().chain(more).copied().collect();
            let stage = Stage::start(&options).await;
            let mut last = None;
            for round in 0..ROUNDS {
                let session = session(&format!("bench-{round}"));
                reconnect(&stage, &mut table, variant, &session, updates).await;
                last = Some(session);
            }
            if let Some(session) = last.filter(|_| variant == SNAPSHOT) {
                load_afresh(&stage, &mut table, &session).await;
            }
        }
        table.print(&format!("`/mix {updates}` into the DOM"));
    }
}

/// A page has the session while it is short; the line is cut, the long turn happens, the line comes back.
async fn reconnect(stage: &Stage, table: &mut Table, variant: &'static str, session: &SessionId, updates: usize) {
    stage.play(session, "before", "/echo Ready.").await;
    let page = stage.page_with(PROBE).await;
    page.open(&stage.link(session)).await;
    page.wait_until_live(LONGEST).await;
    stage.proxy.admit(Admission::Refuse);
    stage.proxy.cut(Cut::Reset);
    page.wait_for("the cut", "document.querySelector('[data-transcript]').dataset.status !== 'live'", LONGEST).await;
    stage.play(session, "long", &format!("/mix {updates}")).await;
    let target = stage.target(session).await;
    let () = page.run(&format!("moorlineBench.target = {}; return null", target.as_json())).await;
    let before = spent(&page).await;
    stage.proxy.admit(Admission::Open);
    record(table, variant, &page, &target).await;
    table.push(variant, "renderer's processor time, ms", 0, (spent(&page).await.process - before.process) * 1e3);
    page.close().await;
}

/// The finished session, opened from nothing, the gateway's files in the browser's cache.
async fn load_afresh(stage: &Stage, table: &mut Table, session: &SessionId) {
    let target = stage.target(session).await;
    let page = stage.page_with(&format!("{PROBE}\nmoorlineBench.target = {};", target.as_json())).await;
    for _ in 0..ROUNDS {
        page.open(&stage.link(session)).await;
        let probed = record(table, FRESH, &page, &target).await;
        table.push(FRESH, "navigation → composer usable, ms", 0, probed.usable);
        table.push(FRESH, "navigation → last block, ms", 0, probed.since_navigation);
    }
}

async fn record(table: &mut Table, variant: &'static str, page: &Page, target: &Target) -> Probed {
    let probed: Probed = within("the page to show everything", LONGEST, page.run("return moorlineBench.done")).await;
    let expected = match variant {
        RAW => Answer::Replay,
        SNAPSHOT => Answer::Snapshot(SnapshotReason::TooOld),
        _ => Answer::Snapshot(SnapshotReason::Fresh),
    };
    assert_eq!(probed.answer, expected, "the gateway answers the attach of {variant}");
    let rows = [
        ("events in the journal", 0, target.seq as f64),
        ("open → first message, ms", 0, probed.first),
        ("open → last message received, ms", 0, probed.received),
        ("open → all applied, ms", 0, probed.applied),
        ("open → last block in the DOM, ms", 0, probed.shown),
        ("**open → all blocks mounted, ms**", 0, probed.complete),
        ("open → DOM at rest, ms", 0, probed.settled),
        ("longest pause of the page's thread until then, ms", 0, probed.longest),
        ("the same until the last block is there, ms", 0, probed.longest_until_shown),
        ("tasks above 50 ms", 0, probed.long_tasks),
        ("longest of them, ms", 0, probed.longest_task),
        ("messages", 0, probed.messages),
        ("received, KB", 0, probed.characters / 1e3),
        ("blocks mounted", 0, probed.blocks),
        ("elements in the document", 0, probed.elements),
        ("JavaScript heap, MB", 1, spent(page).await.heap / 1e6),
        ("wasm memory, MB", 1, probed.wasm_bytes / 1e6),
    ];
    for (row, decimals, value) in rows {
        table.push(variant, row, decimals, value);
    }
    probed
}
