//! `bench page`: a long turn on its way into the DOM, in a real browser.

use std::time::Duration;

use moorline_e2e::{Admission, Api, Browser, Client, Cut, Gateway, Pace, Page, Proxy, within};
use moorline_protocol::{Answer, MessageId, SessionId, SnapshotReason};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{ROUNDS, figures::Table, machine, reader::Reader};

/// Measures from within the page; see there.
const PROBE: &str = include_str!("page/probe.js");
/// The demo agent's updates of every sort: text, thoughts, tool calls.
const UPDATES: usize = 10_000;
const RAW: &str = "raw replay, reconnect";
const SNAPSHOT: &str = "snapshot, reconnect";
const FRESH: &str = "snapshot, fresh load";
/// Generous: a benchmark that hangs must end too.
const LONGEST: Duration = Duration::from_secs(120);
/// The gateway's options in every variant. The agent rests a moment between two updates and the store does not wait for the
/// disk, so that few updates are joined into one event and the journal holds nearly one event for each.
const OPTIONS: [&str; 8] = ["--agent", "demo:--delay-ms 1", "--durability", "os", "--backoff-max-ms", "500", "--log", "warn"];

/// What must stand in the DOM for a measurement to end.
#[derive(Debug)]
struct Target {
    session: SessionId,
    seq: u64,
    block: String,
    rev: u64,
}

/// What the probe answers; times in milliseconds since the socket opened.
#[derive(Debug, Deserialize)]
struct Probed {
    answer: Answer,
    first: f64,
    received: f64,
    applied: f64,
    shown: f64,
    settled: f64,
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

/// Measures and prints.
///
/// # Panics
/// When something needed is missing.
pub(crate) async fn bench() {
    let mut table = Table::default();
    for (variant, more) in [(RAW, &["--replay-cap", "20000"][..]), (SNAPSHOT, &[])] {
        let options: Vec<&str> = OPTIONS.iter().chain(more).copied().collect();
        let stage = Stage::start(&options).await;
        if variant == RAW {
            stage.print_machine().await;
        }
        let mut last = None;
        for round in 0..ROUNDS {
            let session = SessionId::parse(&format!("bench-{round}")).expect("a valid id");
            stage.reconnect(&mut table, variant, &session).await;
            last = Some(session);
        }
        if let Some(session) = last.filter(|_| variant == SNAPSHOT) {
            stage.load_afresh(&mut table, &session).await;
        }
    }
    table.print(&format!("`/mix {UPDATES}` into the DOM"));
    println!("\nload after: {}", machine::load());
}

/// A gateway, a way to it that can be cut, and a browser.
#[derive(Debug)]
struct Stage {
    /// A window that stays, so that the browser does not end with the last page.
    home: Page,
    _browser: Browser,
    proxy: Proxy,
    api: Api,
    gateway: Gateway,
}

impl Stage {
    async fn start(options: &[&str]) -> Self {
        let gateway = Gateway::start(Pace::Real, options).await;
        let proxy = Proxy::start(gateway.address()).await;
        let api = Api::login(gateway.address(), gateway.token()).await;
        let browser = Browser::start().await;
        Self { home: browser.page().await, _browser: browser, proxy, api, gateway }
    }

    async fn print_machine(&self) {
        let (_, welcome) = Client::greeted(self.gateway.address(), self.api.cookie(), "build").await;
        let browser = self.home.devtools("Browser.getVersion", json!({})).await;
        let browser = browser["product"].as_str().unwrap_or("unknown");
        machine::print(&[("gateway", &welcome.build), ("browser", browser)]);
    }

    /// A page has the session while it is short; the line is cut, the long turn happens, the line comes back.
    async fn reconnect(&self, table: &mut Table, variant: &'static str, session: &SessionId) {
        self.play(session, "before", "/echo Ready.").await;
        let page = self.page_with(PROBE).await;
        page.open(&self.link(session)).await;
        page.wait_until_live(LONGEST).await;
        self.proxy.admit(Admission::Refuse);
        self.proxy.cut(Cut::Reset);
        page.wait_for("the cut", "document.querySelector('[data-transcript]').dataset.status !== 'live'", LONGEST).await;
        self.play(session, "long", &format!("/mix {UPDATES}")).await;
        let target = self.target(session).await;
        let () = page.run(&format!("moorlineBench.target = {}; return null", target.as_json())).await;
        self.proxy.admit(Admission::Open);
        record(table, variant, &page, &target).await;
        page.close().await;
    }

    /// The finished session, opened from nothing, the gateway's files in the browser's cache.
    async fn load_afresh(&self, table: &mut Table, session: &SessionId) {
        let target = self.target(session).await;
        let page = self.page_with(&format!("{PROBE}\nmoorlineBench.target = {};", target.as_json())).await;
        for _ in 0..ROUNDS {
            page.open(&self.link(session)).await;
            let probed = record(table, FRESH, &page, &target).await;
            table.push(FRESH, "navigation → last block, ms", 0, probed.since_navigation);
        }
    }

    async fn page_with(&self, script: &str) -> Page {
        // The driver opens a window from its current one, which must not be one that was closed.
        let () = self.home.run("return null").await;
        let page = self.home.new_window().await;
        page.devtools("Page.enable", json!({})).await;
        page.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": script })).await;
        page.devtools("Performance.enable", json!({})).await;
        page
    }

    fn link(&self, session: &SessionId) -> String {
        format!("{}&session={session}", self.gateway.link_at(self.proxy.address()))
    }

    /// Runs one turn to its end, past the proxy.
    async fn play(&self, session: &SessionId, name: &str, text: &str) {
        let message = MessageId::parse(&format!("{session}-{name}")).expect("a valid id");
        let (mut sender, _) = Client::greeted(self.gateway.address(), self.api.cookie(), &format!("s-{message}")).await;
        // Idempotent: the session is there from the first time on.
        self.api.post("/v1/sessions", &json!({ "session": session })).await;
        let mut reader = Reader::attach(self.gateway.address(), self.api.cookie(), &format!("r-{message}"), session).await;
        sender.send_text(session, &message, text).await;
        within("a turn to end", LONGEST, reader.end_of(&message)).await;
        reader.stop().await;
    }

    async fn target(&self, session: &SessionId) -> Target {
        let journal = self.api.journal(session).await;
        let transcript = journal.transcript();
        let turn = transcript.turns().last().expect("a turn");
        let block = transcript.blocks(&turn.id).last().expect("a block");
        Target { session: session.clone(), seq: journal.head.value(), block: block.id.to_string(), rev: block.rev.value() }
    }
}

impl Target {
    fn as_json(&self) -> Value {
        json!({ "session": self.session, "seq": self.seq, "block": self.block, "rev": self.rev })
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
    let metrics = page.devtools("Performance.getMetrics", json!({})).await;
    let metric = |name: &str| {
        let metrics = metrics["metrics"].as_array().into_iter().flatten();
        metrics.filter(|metric| metric["name"] == name).find_map(|metric| metric["value"].as_f64()).unwrap_or(f64::NAN)
    };
    let rows = [
        ("events in the journal", 0, target.seq as f64),
        ("open → first message, ms", 0, probed.first),
        ("open → last message received, ms", 0, probed.received),
        ("open → all applied, ms", 0, probed.applied),
        ("**open → last block in the DOM, ms**", 0, probed.shown),
        ("open → DOM at rest, ms", 0, probed.settled),
        ("longest pause of the page's thread until then, ms", 0, probed.longest),
        ("the same until the last block is there, ms", 0, probed.longest_until_shown),
        ("tasks above 50 ms", 0, probed.long_tasks),
        ("longest of them, ms", 0, probed.longest_task),
        ("messages", 0, probed.messages),
        ("received, KB", 0, probed.characters / 1e3),
        ("blocks mounted", 0, probed.blocks),
        ("elements in the document", 0, probed.elements),
        ("JavaScript heap, MB", 1, metric("JSHeapUsedSize") / 1e6),
        ("wasm memory, MB", 1, probed.wasm_bytes / 1e6),
    ];
    for (row, decimals, value) in rows {
        table.push(variant, row, decimals, value);
    }
    probed
}
