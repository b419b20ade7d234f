//! What a scenario plays on: a gateway, and for most a proxy before it and a browser; one scenario at a time.

use std::time::Duration;

use moorline_protocol::SessionId;
use serde_json::json;
use tokio::sync::{Mutex, MutexGuard};

use crate::{Api, Browser, Gateway, Journal, Pace, Page, Proxy, SeenTranscript, compare};

/// Until a page that was opened is connected.
const OPEN: Duration = Duration::from_secs(30);
/// Until a page has caught up with a journal that no longer grows.
const SETTLE: Duration = Duration::from_secs(20);

/// Two browsers and gateways at once on a small machine make timings at 1/50 a matter of luck.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// The condition that the page is connected and shows what it has.
const LIVE: &str = "document.querySelector('[data-transcript]')?.dataset.status === 'live'";

/// A gateway without a page. Only one stage or scene exists at a time in a test process.
#[derive(Debug)]
pub struct Stage {
    /// Straight to the gateway.
    pub api: Api,
    /// The gateway.
    pub gateway: Gateway,
    _turn: MutexGuard<'static, ()>,
}

impl Stage {
    /// Starts the gateway and logs in; the options are the gateway's.
    ///
    /// # Panics
    /// When the gateway is missing or does not start.
    pub async fn start(pace: Pace, options: &[&str]) -> Self {
        let turn = ONE_AT_A_TIME.lock().await;
        let gateway = Gateway::start_without_client(pace, options).await;
        let api = Api::login(gateway.address(), gateway.token()).await;
        Self { api, gateway, _turn: turn }
    }
}

/// Everything a scenario needs. Only one stage or scene exists at a time in a test process.
#[derive(Debug)]
pub struct Scene {
    /// The browser.
    pub browser: Browser,
    /// Between the browser and the gateway.
    pub proxy: Proxy,
    /// Straight to the gateway, past the proxy.
    pub api: Api,
    /// The gateway.
    pub gateway: Gateway,
    _turn: MutexGuard<'static, ()>,
}

impl Scene {
    /// Starts everything; the options are the gateway's.
    ///
    /// # Panics
    /// When something needed is missing, in a sentence that names it.
    pub async fn start(pace: Pace, options: &[&str]) -> Self {
        let turn = ONE_AT_A_TIME.lock().await;
        let gateway = Gateway::start(pace, options).await;
        let proxy = Proxy::start(gateway.address()).await;
        let api = Api::login(gateway.address(), gateway.token()).await;
        let browser = Browser::start().await;
        Self { browser, proxy, api, gateway, _turn: turn }
    }

    /// Opens the page through the proxy by the gateway's link, and waits until it is connected.
    ///
    /// # Panics
    /// When it does not connect.
    pub async fn open(&self) -> Page {
        let page = self.browser.page().await;
        page.open(&self.gateway.link_at(self.proxy.address())).await;
        page.wait_until_live(OPEN).await;
        page
    }

    /// Waits until a page shows exactly its session's journal, which must no longer grow, and answers that journal.
    ///
    /// # Panics
    /// When the page does not get there, with every difference.
    pub async fn settled(&self, page: &Page) -> Journal {
        let journal = self.api.journal(&page.session().await).await;
        let applied = format!("{LIVE} && Number(document.querySelector('[data-transcript]').dataset.appliedSeq) >= {}", journal.head);
        page.wait_for("the page to have applied the whole journal", &applied, SETTLE).await;
        let seen = SeenTranscript::read(page).await;
        if let Some(differences) = compare(&journal, &seen) {
            panic!("the page differs from the journal\n{differences}");
        }
        journal
    }
}

impl Page {
    /// Waits until the page is connected and has caught up.
    ///
    /// # Panics
    /// When the deadline passes.
    pub async fn wait_until_live(&self, deadline: Duration) {
        self.wait_for("the page to be live", LIVE, deadline).await;
    }

    /// The session on screen.
    ///
    /// # Panics
    /// When there is none.
    pub async fn session(&self) -> SessionId {
        let shown = "document.querySelector('[data-transcript]')?.dataset.session";
        self.wait_for("a session on screen", shown, OPEN).await;
        let id: String = self.run(&format!("return {shown}")).await;
        SessionId::parse(&id).expect("data-session is an id")
    }

    /// Begins a new session, which has no turn yet.
    ///
    /// # Panics
    /// When the page does not show it.
    pub async fn new_session(&self) {
        self.click("[data-new-session]").await;
        self.wait_for("an empty session", "!document.querySelector('[data-transcript] [data-turn]')", OPEN).await;
    }

    /// Waits until the n-th turn on screen, 1 = the first, is in one of some states.
    ///
    /// # Panics
    /// When the deadline passes.
    pub async fn wait_for_turn(&self, n: usize, states: &[&str], deadline: Duration) {
        let turn = format!("document.querySelectorAll('[data-transcript] [data-turn]')[{}]", n - 1);
        let reached = format!("{}.includes({turn}?.dataset.turnState)", json!(states));
        self.wait_for(&format!("turn {n} to be {}", states.join(" or ")), &reached, deadline).await;
    }

    /// Waits until no turn is at work: nothing to stop, and nothing that says so.
    ///
    /// # Panics
    /// When the deadline passes.
    pub async fn wait_until_idle(&self, deadline: Duration) {
        let running = "document.querySelector('[data-turn-state=running], [data-turn-state=stopping], button[data-stop]:not([hidden]):not(:disabled)')";
        self.wait_for("the page to be idle", &format!("!{running}"), deadline).await;
    }
}
