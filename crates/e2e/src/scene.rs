//! What a scenario plays on: a gateway, and for most a proxy before it and a browser; one scenario at a time.

use std::{ffi::OsString, net::SocketAddr, time::Duration};

use moorline_protocol::SessionId;
use serde_json::json;
use tokio::sync::{Mutex, MutexGuard};

use crate::{
    Answer, Api, Browser, Buffering, Counters, Cut, Deed, Gateway, Journal, Nginx, On, Pace, Page, Proxy, SeenTranscript, Sockets,
    Transport, compare,
};

/// Until a page that was opened is connected.
const OPEN: Duration = Duration::from_secs(30);
/// Until a page has caught up with a journal that no longer grows.
const SETTLE: Duration = Duration::from_secs(20);

/// Two browsers and gateways at once on a small machine make timings at 1/50 a matter of luck.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// The way to older blocks that are held and not mounted, and to those that are not held.
const EARLIER: &str = "[data-action=earlier]";
const LOAD: &str = "[data-gap] [data-action=load]:not(:disabled)";

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
    transport: Transport,
    _turn: MutexGuard<'static, ()>,
}

impl Scene {
    /// Starts everything; the options are the gateway's.
    ///
    /// # Panics
    /// When something needed is missing, in a sentence that names it.
    pub async fn start(transport: Transport, pace: Pace, options: &[&str]) -> Self {
        Self::start_among(&[], transport, pace, options).await
    }

    /// As [`Self::start`], with further variables in the gateway's environment.
    ///
    /// # Panics
    /// As [`Self::start`].
    pub async fn start_among(environment: &[(OsString, OsString)], transport: Transport, pace: Pace, options: &[&str]) -> Self {
        let turn = ONE_AT_A_TIME.lock().await;
        let gateway = Gateway::start_among(environment, pace, options).await;
        let front = gateway.address();
        Self::of(turn, gateway, front, transport).await
    }

    /// As [`Self::start`], with nginx between the proxy and the gateway.
    ///
    /// # Panics
    /// As [`Self::start`].
    pub async fn start_behind_nginx(transport: Transport, buffering: Buffering, options: &[&str]) -> (Self, Nginx) {
        let turn = ONE_AT_A_TIME.lock().await;
        let gateway = Gateway::start(Pace::Fast, options).await;
        let nginx = Nginx::start_before(gateway.address(), buffering).await;
        let front = nginx.address();
        (Self::of(turn, gateway, front, transport).await, nginx)
    }

    async fn of(turn: MutexGuard<'static, ()>, gateway: Gateway, front: SocketAddr, transport: Transport) -> Self {
        let proxy = Proxy::start(front).await;
        prepare(&proxy, transport);
        let api = Api::login(gateway.address(), gateway.token()).await;
        let browser = Browser::start().await;
        Self { browser, proxy, api, gateway, transport, _turn: turn }
    }

    /// Opens the page through the proxy by the gateway's link, and waits until it is connected, over this scene's transport
    /// and no other.
    ///
    /// # Panics
    /// When it does not connect.
    pub async fn open(&self) -> Page {
        let page = self.browser.page().await;
        page.open(&self.gateway.link_at(self.proxy.address())).await;
        page.wait_until_live(OPEN).await;
        self.expect_transport();
        page
    }

    /// One more line to the gateway, with a proxy of its own, over this scene's transport.
    pub async fn second_line(&self) -> Proxy {
        let proxy = Proxy::start(self.gateway.address()).await;
        prepare(&proxy, self.transport);
        proxy
    }

    /// Waits until the page has one connection more than at some earlier moment.
    ///
    /// # Panics
    /// When it does not come.
    pub async fn until_connected_since(&self, what: &str, before: &Counters) -> Counters {
        let known = self.transport.connections(before);
        self.proxy.until(what, SETTLE, |now| self.transport.connections(now) > known).await
    }

    /// Holds that connections through the proxy were of this scene's transport, and of no other.
    ///
    /// # Panics
    /// When they were not.
    pub fn expect_transport(&self) {
        let counters = self.proxy.counters();
        let (sockets, streams) = (counters.upgrades > 0, counters.streams > 0);
        assert_eq!((sockets, streams), (self.transport == Transport::WebSocket, self.transport == Transport::Sse), "{counters:?}");
    }

    /// Takes the gateway away from every page, while documents and their files still load: connections are reset, and new ones
    /// are answered with 503.
    pub fn begin_outage(&self) {
        self.proxy.admit_sockets(Sockets::Refused(503));
        for on in [On::head("/v1/events"), On::get("/v1/events")] {
            self.proxy.arm(on, usize::MAX, Deed::Answer(Answer::new(503)));
        }
        self.proxy.cut(Cut::Reset);
    }

    /// Ends the outage, and forgets every rule.
    pub fn end_outage(&self) {
        self.proxy.forget_rules();
        self.proxy.admit_sockets(Sockets::Open);
        prepare(&self.proxy, self.transport);
    }

    /// Waits until a page shows exactly its session's journal, which must no longer grow, and answers that journal.
    ///
    /// # Panics
    /// When the page does not get there, with every difference.
    pub async fn settled(&self, page: &Page) -> Journal {
        let journal = self.caught_up(page).await;
        self.compare(page, journal).await
    }

    /// As [`Self::settled`], for a transcript of which only a part is mounted at a time: scrolls up to its start and reads it on the way.
    ///
    /// # Panics
    /// As [`Self::settled`], and when scrolling up brings nothing older although there is something.
    pub async fn settled_to_its_start(&self, page: &Page) -> Journal {
        let journal = self.caught_up(page).await;
        let seen = page.read_to_start().await;
        compare_with(&journal, &seen);
        journal
    }

    async fn caught_up(&self, page: &Page) -> Journal {
        let journal = self.api.journal(&page.session().await).await;
        let applied = format!("{LIVE} && Number(document.querySelector('[data-transcript]').dataset.appliedSeq) >= {}", journal.head);
        page.wait_for("the page to have applied the whole journal", &applied, SETTLE).await;
        journal
    }

    async fn compare(&self, page: &Page, journal: Journal) -> Journal {
        compare_with(&journal, &SeenTranscript::read(page).await);
        journal
    }
}

fn compare_with(journal: &Journal, seen: &SeenTranscript) {
    if let Some(differences) = compare(journal, seen) {
        panic!("the page differs from the journal\n{differences}");
    }
}

fn prepare(proxy: &Proxy, transport: Transport) {
    if transport == Transport::Sse {
        proxy.admit_sockets(Sockets::Refused(403));
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

    /// Scrolls up with the wheel to the transcript's start, and reads what is mounted at each step.
    async fn read_to_start(&self) -> SeenTranscript {
        const FIRST: &str = "document.querySelector('[data-transcript] [data-block]')?.dataset.block";
        let mut seen = SeenTranscript::read(self).await;
        loop {
            let (first, has_earlier, has_gap): (String, bool, bool) = self
                .run(&format!("return [{FIRST}, Boolean(document.querySelector('{EARLIER}')), Boolean(document.querySelector('{LOAD}'))]"))
                .await;
            if !has_earlier && !has_gap {
                return seen;
            }
            if has_earlier {
                self.wheel(-1_000_000).await;
            } else {
                self.click(LOAD).await;
            }
            let more = format!("{FIRST} !== '{first}' || !document.querySelector('{EARLIER}, {LOAD}')");
            self.wait_for("older blocks", &more, SETTLE).await;
            seen = seen.behind(SeenTranscript::read(self).await);
        }
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
