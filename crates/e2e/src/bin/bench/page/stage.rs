//! A gateway, a way to it that can be cut, and a browser.

use std::time::Duration;

use moorline_e2e::{Api, Browser, Client, Gateway, Pace, Page, Proxy, within};
use moorline_protocol::{MessageId, SessionId};
use serde_json::{Value, json};

use crate::{machine, reader::Reader};

/// Generous: a benchmark that hangs must end too.
pub(super) const LONGEST: Duration = Duration::from_secs(120);
/// The gateway's options. The agent rests a moment between two updates and the store does not wait for the disk, so that few
/// updates are joined into one event and the journal holds nearly one event for each.
pub(super) const OPTIONS: &[&str] = &["--agent", "demo:--delay-ms 1", "--durability", "os", "--backoff-max-ms", "500", "--log", "warn"];

/// What must stand in the DOM for a measurement to end.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) session: SessionId,
    pub(super) seq: u64,
    block: String,
    rev: u64,
}

impl Target {
    pub(super) fn as_json(&self) -> Value {
        json!({ "session": self.session, "seq": self.seq, "block": self.block, "rev": self.rev })
    }
}

#[derive(Debug)]
pub(super) struct Stage {
    /// A window that stays, so that the browser does not end with the last page.
    home: Page,
    _browser: Browser,
    pub(super) proxy: Proxy,
    api: Api,
    gateway: Gateway,
}

impl Stage {
    pub(super) async fn start(options: &[&str]) -> Self {
        let gateway = Gateway::start(Pace::Real, options).await;
        let proxy = Proxy::start(gateway.address()).await;
        let api = Api::login(gateway.address(), gateway.token()).await;
        let browser = Browser::start().await;
        Self { home: browser.page().await, _browser: browser, proxy, api, gateway }
    }

    pub(super) async fn print_machine(&self) {
        let (_, welcome) = Client::greeted(self.gateway.address(), self.api.cookie(), "build").await;
        let browser = self.home.devtools("Browser.getVersion", json!({})).await;
        let browser = browser["product"].as_str().unwrap_or("unknown");
        machine::print(&[("gateway", &welcome.build), ("browser", browser)]);
    }

    pub(super) async fn page_with(&self, script: &str) -> Page {
        // The driver opens a window from its current one, which must not be one that was closed.
        let () = self.home.run("return null").await;
        let page = self.home.new_window().await;
        page.devtools("Page.enable", json!({})).await;
        page.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": script })).await;
        page.devtools("Performance.enable", json!({})).await;
        page
    }

    pub(super) fn link(&self, session: &SessionId) -> String {
        format!("{}&session={session}", self.gateway.link_at(self.proxy.address()))
    }

    /// Runs one turn to its end, past the proxy.
    pub(super) async fn play(&self, session: &SessionId, name: &str, text: &str) {
        let message = MessageId::parse(&format!("{session}-{name}")).expect("a valid id");
        let (mut sender, _) = Client::greeted(self.gateway.address(), self.api.cookie(), &format!("s-{message}")).await;
        // Idempotent: the session is there from the first time on.
        self.api.post("/v1/sessions", &json!({ "session": session })).await;
        let mut reader = Reader::attach(self.gateway.address(), self.api.cookie(), &format!("r-{message}"), session).await;
        sender.send_text(session, &message, text).await;
        within("a turn to end", LONGEST, reader.end_of(&message)).await;
        reader.stop().await;
    }

    /// The end of what a session's journal holds now.
    pub(super) async fn target(&self, session: &SessionId) -> Target {
        let journal = self.api.journal(session).await;
        let transcript = journal.transcript();
        let turn = transcript.turns().last().expect("a turn");
        let block = transcript.blocks(&turn.id).last().expect("a block");
        Target { session: session.clone(), seq: journal.head.value(), block: block.id.to_string(), rev: block.rev.value() }
    }
}

pub(super) fn session(name: &str) -> SessionId {
    SessionId::parse(name).expect("a valid id")
}

/// What the browser's renderer has spent so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spent {
    /// Of all of the renderer's threads, in seconds of processor time.
    pub(super) process: f64,
    /// Tasks of the page's thread, in seconds.
    pub(super) tasks: f64,
    /// JavaScript objects, in bytes.
    pub(super) heap: f64,
}

pub(super) async fn spent(page: &Page) -> Spent {
    let metrics = page.devtools("Performance.getMetrics", json!({})).await;
    let metric = |name: &str| {
        let metrics = metrics["metrics"].as_array().into_iter().flatten();
        metrics.filter(|metric| metric["name"] == name).find_map(|metric| metric["value"].as_f64()).unwrap_or(f64::NAN)
    };
    Spent { process: metric("ProcessTime"), tasks: metric("TaskDuration"), heap: metric("JSHeapUsedSize") }
}
