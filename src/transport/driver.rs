//! The core and everything it drives.

mod outputs;

use std::{
    cell::{Cell, RefCell},
    pin::Pin,
    rc::{Rc, Weak},
};

use moorline_delivery::{Checked, Client, ClientConfig, ClientEvent, LinkClosed, LinkId, Persist, PostId, Posted, Restored, Signal};
use moorline_protocol::{ClientId, Limits, Millis, Page, PageId, Seq, SessionId, Timings, decode_gateway};
use wasm_bindgen::JsValue;

use super::{
    Sink,
    clock::{Alarm, Clock},
    crash,
    gateway::Gateway,
    http::HttpError,
    line::LineInput,
    lines::{Lines, Way},
    locks::NotGranted,
    name::{Claimed, Name},
    page::PageSignals,
    posts::Posts,
    pump::{Driven, Pump},
    storage::Storage,
    text,
};
use crate::{settings::Settings, task::spawn};

/// What waits in the queue.
pub(super) enum Input {
    /// The page is up: say which stored entries were set aside, and claim the tab's name, which may be one just made.
    Begin { set_aside: Vec<String>, is_new: bool },
    /// What came of claiming the tab's name.
    Named { claimed: Claimed, is_new: bool },
    /// What came of waiting for the end of another tab.
    TabGone(ClientId, Claimed),
    /// The page is let in.
    Admitted(LinkId, Way, String),
    /// The page is not let in, and why.
    NotAdmitted(LinkId, HttpError),
    /// All slots for streams are taken.
    NoSlot(LinkId),
    /// From a connection.
    Line(LineInput),
    /// Why nothing came of a connection.
    Checked(LinkId, Checked, Option<HttpError>),
    /// What came of a POST.
    Posted(PostId, Posted),
    /// From the browser.
    Signal(Signal),
}

/// The core, and what its outputs act upon.
pub(super) struct Driver {
    this: Weak<Self>,
    core: RefCell<Client>,
    clock: Clock,
    now: Cell<Millis>,
    pump: Pump<Input>,
    alarm: Alarm,
    lines: Lines,
    posts: Posts,
    name: Name,
    gateway: Rc<Gateway>,
    storage: Rc<Storage>,
    sink: Rc<dyn Sink>,
    /// Before the tab's name is claimed nobody knows which sends are its own: what there is to tell waits here.
    untold: RefCell<Option<Vec<ClientEvent>>>,
    draining: Cell<bool>,
    last_notice: RefCell<String>,
    page: PageSignals,
}

impl Driver {
    pub(super) fn start(settings: &Settings, sink: Rc<dyn Sink>) -> Rc<Self> {
        crash::tell(&sink);
        let storage = Rc::new(Storage::open());
        let super::Restored { outbox, copied, client, set_aside } = storage.restore();
        let clock = Clock::start();
        let now = clock.read().now;
        let is_new = client.is_none();
        let client = client.unwrap_or_else(|| ClientId::from_random(random_bits()));
        // Where it cannot be stored, a reload takes a new name.
        let _ = storage.write(&Persist::ClientId(client.clone()));
        let config = ClientConfig {
            client: client.clone(),
            page: PageId::from_random(random_bits()),
            seed: random_bits() as u64,
            timings: Timings::default(),
            limits: Limits::default(),
        };
        let core = Client::new(now, config, Restored { outbox, copied });
        let driver = Rc::new_cyclic(|this: &Weak<Self>| Self {
            this: this.clone(),
            core: RefCell::new(core),
            clock,
            now: Cell::new(now),
            pump: Pump::new(this.clone()),
            alarm: Alarm::new({
                let this = this.clone();
                move || {
                    if let Some(driver) = this.upgrade() {
                        driver.pump.wake();
                    }
                }
            }),
            lines: Lines::default(),
            posts: Posts::default(),
            name: Name::new(client),
            gateway: Rc::new(Gateway::new(settings, Rc::clone(&storage))),
            storage,
            sink,
            untold: RefCell::new(Some(Vec::new())),
            draining: Cell::new(false),
            last_notice: RefCell::default(),
            page: PageSignals::listen({
                let this = this.clone();
                move |signal| {
                    if let Some(driver) = this.upgrade() {
                        driver.signal(signal);
                    }
                }
            }),
        });
        driver.pump.push(Input::Begin { set_aside, is_new });
        driver
    }

    /// Gives the core a command from the page.
    pub(super) fn command<R>(&self, act: impl FnOnce(&mut Client, Millis) -> R) -> R {
        self.begin();
        self.notice_end();
        let result = act(&mut self.core.borrow_mut(), self.now.get());
        self.settle();
        result
    }

    /// Asks the core something that has no outputs.
    pub(super) fn ask<R>(&self, question: impl FnOnce(&mut Client) -> R) -> R {
        question(&mut self.core.borrow_mut())
    }

    pub(super) fn storage(&self) -> &Storage {
        &self.storage
    }

    pub(super) fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    pub(super) async fn sign_in(&self, token: String) -> Result<(), HttpError> {
        self.gateway.sign_in(token).await?;
        self.command(Client::signed_in);
        Ok(())
    }

    pub(super) async fn load_page(&self, session: &SessionId, before: Seq) -> Result<Page, HttpError> {
        self.gateway.page(session, before).await
    }

    pub(super) async fn post(&self, path: String, body: Option<String>) -> Result<(), HttpError> {
        self.gateway.command(path, body).await
    }

    /// A page that is hidden or put away may not get another task, so those two do not wait for the pump.
    fn signal(&self, signal: Signal) {
        match signal {
            Signal::Hidden => self.command(|core, now| core.handle_signal(now, signal)),
            Signal::PutAway => {
                self.command(|core, now| core.handle_signal(now, signal));
                self.name.release();
            }
            Signal::Awake | Signal::Online | Signal::Offline | Signal::BroughtBack => self.pump.push(Input::Signal(signal)),
        }
    }

    fn report(&self, set_aside: &[String]) {
        if !set_aside.is_empty() {
            self.notice(&format!(
                "Some of what this tab had saved could not be read. It was set aside in the tab's storage, under the same name with \
                 .corrupt behind it: {}",
                set_aside.join(", ")
            ));
        }
    }

    fn notice(&self, sentence: &str) {
        // The same trouble at every reconnect is one piece of news.
        if self.last_notice.replace(sentence.to_owned()) != sentence {
            self.sink.notice(sentence);
        }
    }

    fn feed_core(&self, act: impl FnOnce(&mut Client, Millis)) {
        act(&mut self.core.borrow_mut(), self.now.get());
        self.drain();
    }

    /// A send is sent by the one tab that goes by its tab's name, so nothing goes on before the name is claimed.
    fn claim_name(&self, is_new: bool) {
        let claim = self.name.claim();
        self.expect(async move { Input::Named { claimed: claim.await, is_new } });
    }

    fn named(&self, claimed: Claimed, is_new: bool) {
        match self.name.settle(claimed) {
            None => {}
            // Its answer is another name, which is claimed where it is stored.
            Some(Err(NotGranted::Taken)) if !is_new => self.feed_core(Client::handle_name_taken),
            // Nobody can have a name that was just made, so this one is good where the browser has no locks, too.
            Some(Ok(()) | Err(_)) => self.go_on(),
        }
    }

    fn go_on(&self) {
        let Some(untold) = self.untold.take() else {
            self.feed_core(|core, now| core.handle_signal(now, Signal::BroughtBack));
            return;
        };
        self.draining.set(true);
        for event in untold {
            self.tell(event);
        }
        self.draining.set(false);
        self.feed_core(Client::start);
    }

    fn await_tab(&self, client: ClientId) {
        let gone = self.name.claim_other(client.clone());
        self.expect(async move { Input::TabGone(client, gone.await) });
    }

    fn admitted(&self, link: LinkId, way: Way, url: &str) {
        let this = self.this.clone();
        let opened = self.lines.open(link, way, url, move |input| {
            if let Some(driver) = this.upgrade() {
                let can_wait = matches!(input, LineInput::Text(..)) && driver.ask(|core| core.is_caught_up());
                driver.pump.push_in_time(Input::Line(input), can_wait);
            }
        });
        if opened.is_err() {
            self.notice(&format!("this page may not open {url}: set the key gatewayUrl in config.json"));
            self.closed(link, LinkClosed::NotAdmitted);
        }
    }

    fn feed_line(&self, input: LineInput) {
        match input {
            LineInput::Opened(link) => {
                self.lines.opened(link);
                self.last_notice.take();
                self.feed_core(|core, now| core.handle_opened(now, link));
            }
            LineInput::Text(link, text) => {
                let text = text::text(text);
                match decode_gateway(&text) {
                    Ok(frame) => self.feed_core(|core, now| core.handle_frame(now, link, frame, text.len())),
                    Err(error) => {
                        warn(&error.to_string());
                        self.feed_core(|core, now| core.handle_undecodable(now, link));
                    }
                }
            }
            LineInput::Binary(link) => self.feed_core(|core, now| core.handle_undecodable(now, link)),
            LineInput::Closed(link) => self.closed(link, LinkClosed::Lost),
        }
    }

    fn closed(&self, link: LinkId, closed: LinkClosed) {
        self.lines.end(link);
        self.feed_core(|core, now| core.handle_closed(now, link, closed));
    }

    fn notice_end(&self) {
        if let Some(link) = self.lines.ended() {
            self.closed(link, LinkClosed::Lost);
        }
    }

    fn complain(&self, error: &HttpError) {
        // A gateway that was there will be back; one that never was may be somewhere else.
        let was_there = self.ask(|core| core.counters()).connections > 0;
        if !was_there || !error.may_pass() {
            self.notice(&error.to_string());
        }
    }

    /// Has what comes of some work put into the queue, unless the transport is gone by then.
    fn expect(&self, work: impl Future<Output = Input> + 'static) {
        let this = self.this.clone();
        let work: Pin<Box<dyn Future<Output = Input>>> = Box::pin(work);
        spawn(async move {
            let input = work.await;
            if let Some(driver) = this.upgrade() {
                driver.pump.push(input);
            }
        });
    }
}

impl Driven for Driver {
    type Input = Input;

    fn begin(&self) {
        let reading = self.clock.read();
        self.now.set(reading.now);
        if reading.slept {
            self.feed_core(|core, now| core.handle_signal(now, Signal::Awake));
        }
        if self.ask(|core| core.deadline()).is_some_and(|deadline| deadline <= reading.now) {
            self.feed_core(Client::handle_deadline);
        }
    }

    fn feed(&self, input: Input) {
        match input {
            Input::Begin { set_aside, is_new } => {
                self.report(&set_aside);
                self.claim_name(is_new);
            }
            Input::Named { claimed, is_new } => self.named(claimed, is_new),
            Input::TabGone(client, claimed) => {
                if self.name.settle_other(&client, claimed) {
                    self.feed_core(|core, now| core.handle_tab_gone(now, &client));
                }
            }
            Input::Admitted(link, way, url) => self.admitted(link, way, &url),
            Input::NotAdmitted(link, error) => {
                self.complain(&error);
                let closed = if error.is_unauthorized() { LinkClosed::Unauthorized } else { LinkClosed::NotAdmitted };
                self.closed(link, closed);
            }
            Input::NoSlot(link) => self.closed(link, LinkClosed::NoSlot),
            Input::Line(input) => self.feed_line(input),
            Input::Checked(link, checked, why) => {
                if let Some(why) = why {
                    self.complain(&why);
                }
                self.feed_core(|core, now| core.handle_checked(now, link, checked));
            }
            Input::Posted(post, posted) => {
                if self.posts.end(post) || matches!(posted, Posted::Receipt(_)) {
                    self.feed_core(|core, now| core.handle_posted(now, post, posted));
                }
            }
            Input::Signal(Signal::BroughtBack) => {
                for tab in self.name.awaited() {
                    self.await_tab(tab);
                }
                self.claim_name(false);
            }
            Input::Signal(signal) => self.feed_core(|core, now| core.handle_signal(now, signal)),
        }
    }

    fn settle(&self) {
        self.drain();
        self.sink.flush();
        self.page.guard(self.ask(|core| core.holds_sends()));
        self.alarm.set(self.now.get(), self.ask(|core| core.deadline()));
    }
}

fn warn(sentence: &str) {
    web_sys::console::warn_1(&JsValue::from_str(sentence));
}

/// 128 bits of the browser's randomness.
fn random_bits() -> u128 {
    let mut bytes = [0; 16];
    let crypto = web_sys::window().and_then(|window| window.crypto().ok());
    let drawn = crypto.is_some_and(|crypto| crypto.get_random_values_with_u8_array(&mut bytes).is_ok());
    if !drawn {
        // Every browser has it; without it names of tabs still must not collide.
        bytes.fill_with(|| (js_sys::Math::random() * 256.0) as u8);
    }
    u128::from_le_bytes(bytes)
}
