//! The core and everything it drives.

use std::{
    cell::{Cell, RefCell},
    pin::Pin,
    rc::{Rc, Weak},
};

use moorline_delivery::{Client, ClientConfig, LinkClosed, LinkId, Output, Persist, Signal};
use moorline_protocol::{ClientId, Limits, Millis, Page, PageId, Seq, SessionId, Timings, decode_gateway, encode};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;

use super::{
    Sink,
    clock::{Alarm, Clock},
    crash,
    gateway::Gateway,
    http::HttpError,
    page::PageSignals,
    pump::{Driven, Pump},
    socket::{Socket, SocketInput},
    storage::{Restored, Storage},
};
use crate::settings::Settings;

/// What waits in the queue.
pub(super) enum Input {
    /// The page is up: say which stored entries were set aside, and begin to connect.
    Begin(Vec<String>),
    /// From a socket.
    Socket(SocketInput),
    /// A connection did not come about, and why.
    Refused(LinkId, LinkClosed),
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
    link: RefCell<Option<Link>>,
    gateway: Gateway,
    storage: Storage,
    sink: Rc<dyn Sink>,
    draining: Cell<bool>,
    last_notice: RefCell<String>,
    _page: PageSignals,
}

/// The connection that the core has asked for.
struct Link {
    id: LinkId,
    opened: bool,
    /// None while a login or a ticket is fetched.
    socket: Option<Socket>,
}

impl Link {
    fn has_ended(&self) -> bool {
        self.opened && self.socket.as_ref().is_some_and(|socket| !socket.is_open())
    }
}

impl Driver {
    pub(super) fn start(settings: &Settings, sink: Rc<dyn Sink>) -> Rc<Self> {
        crash::tell(&sink);
        let storage = Storage::open();
        let Restored { outbox, client, set_aside } = storage.restore();
        let clock = Clock::start();
        let now = clock.read().now;
        let client = client.unwrap_or_else(|| ClientId::from_random(random_bits()));
        // Where it cannot be stored, a reload takes a new name.
        let _ = storage.write(&Persist::ClientId(client.clone()));
        let config = ClientConfig {
            client,
            page: PageId::from_random(random_bits()),
            seed: random_bits() as u64,
            timings: Timings::default(),
            limits: Limits::default(),
        };
        let core = Client::new(now, config, moorline_delivery::Restored { outbox });
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
            link: RefCell::default(),
            gateway: Gateway::new(settings, &storage),
            storage,
            sink,
            draining: Cell::new(false),
            last_notice: RefCell::default(),
            _page: PageSignals::listen({
                let this = this.clone();
                move |signal| {
                    if let Some(driver) = this.upgrade() {
                        driver.signal(signal);
                    }
                }
            }),
        });
        driver.pump.push(Input::Begin(set_aside));
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

    pub(super) const fn storage(&self) -> &Storage {
        &self.storage
    }

    pub(super) async fn sign_in(&self, token: String) -> Result<(), HttpError> {
        self.gateway.sign_in(token, &self.storage).await?;
        self.command(Client::signed_in);
        Ok(())
    }

    pub(super) async fn load_page(&self, session: &SessionId, before: Seq) -> Result<Page, HttpError> {
        self.gateway.page(session, before).await
    }

    /// A page that is hidden or put away may not get another task, so those two do not wait for the pump.
    fn signal(&self, signal: Signal) {
        match signal {
            Signal::Hidden | Signal::PutAway => self.command(|core, now| core.handle_signal(now, signal)),
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

    /// Completes every output. Called from within itself (the sink gives a command) it leaves the rest to the outer call.
    fn drain(&self) {
        if self.draining.replace(true) {
            return;
        }
        loop {
            let output = self.core.borrow_mut().poll_output();
            let Some(output) = output else { break };
            self.complete(output);
        }
        self.draining.set(false);
    }

    fn complete(&self, output: Output) {
        match output {
            Output::Connect { link } => self.connect(link),
            Output::Transmit { link, frame } => {
                if let Some(Link { id, socket: Some(socket), .. }) = &*self.link.borrow()
                    && *id == link
                {
                    socket.send(&encode(&frame));
                }
            }
            Output::Disconnect { link } => self.drop_link(link),
            Output::Persist(persist) => {
                if self.storage.write(&persist).is_err()
                    && let Persist::PutSend(stored) = persist
                {
                    self.core.borrow_mut().handle_persist_failed(self.now.get(), &stored.send.message);
                }
            }
            Output::Event(event) => {
                if let Some((session, seq)) = self.sink.event(event) {
                    self.core.borrow_mut().applied(self.now.get(), &session, seq);
                }
            }
        }
    }

    fn connect(&self, link: LinkId) {
        self.link.replace(Some(Link { id: link, opened: false, socket: None }));
        if !self.gateway.needs_admission() {
            self.open_socket(link, &self.gateway.stream_url());
            return;
        }
        self.spawn(async move |driver| match driver.gateway.admit(&driver.storage).await {
            Ok(url) => driver.open_socket(link, &url),
            Err(error) => driver.refused(link, &error),
        });
    }

    fn open_socket(&self, link: LinkId, url: &str) {
        let mut slot = self.link.borrow_mut();
        let Some(current) = slot.as_mut().filter(|current| current.id == link) else { return };
        let this = self.this.clone();
        let opened = Socket::open(url, link, move |input| {
            if let Some(driver) = this.upgrade() {
                driver.pump.push(Input::Socket(input));
            }
        });
        match opened {
            Ok(socket) => current.socket = Some(socket),
            Err(_) => {
                drop(slot);
                self.notice(&format!("this page may not open {url}: set the key gatewayUrl in config.json"));
                self.pump.push(Input::Refused(link, LinkClosed::Lost));
            }
        }
    }

    fn drop_link(&self, link: LinkId) {
        let gone = self.link.borrow_mut().take_if(|current| current.id == link);
        drop(gone);
    }

    fn feed_socket(&self, input: SocketInput) {
        match input {
            SocketInput::Opened(link) => {
                if let Some(current) = self.link.borrow_mut().as_mut().filter(|current| current.id == link) {
                    current.opened = true;
                }
                self.last_notice.take();
                self.feed_core(|core, now| core.handle_opened(now, link));
            }
            SocketInput::Text(link, text) => {
                let text = String::from(text);
                match decode_gateway(&text) {
                    Ok(frame) => self.feed_core(|core, now| core.handle_frame(now, link, frame, text.len())),
                    Err(error) => {
                        web_sys::console::warn_1(&JsValue::from_str(&error.to_string()));
                        self.feed_core(|core, now| core.handle_undecodable(now, link));
                    }
                }
            }
            SocketInput::Binary(link) => self.feed_core(|core, now| core.handle_undecodable(now, link)),
            SocketInput::Closed(link) => self.closed(link),
        }
    }

    /// A socket that is closing takes nothing any more, although its `close` may be seconds away.
    fn notice_end(&self) {
        let ended = self.link.borrow().as_ref().filter(|current| current.has_ended()).map(|current| current.id);
        if let Some(link) = ended {
            self.closed(link);
        }
    }

    fn closed(&self, link: LinkId) {
        let never_opened = self.link.borrow().as_ref().is_some_and(|current| current.id == link && !current.opened);
        if !never_opened {
            self.drop_link(link);
            self.feed_core(|core, now| core.handle_closed(now, link, LinkClosed::Lost));
            return;
        }
        // The browser hides the status of a refused upgrade; a plain request to the same gateway tells.
        self.spawn(async move |driver| match driver.gateway.refusal().await {
            Ok(()) => driver.pump.push(Input::Refused(link, LinkClosed::Lost)),
            // The page asks for a login by itself; only a token that was tried is worth a sentence.
            Err(error) if error.is_unauthorized() => driver.pump.push(Input::Refused(link, LinkClosed::Unauthorized)),
            Err(error) => driver.refused(link, &error),
        });
    }

    fn refused(&self, link: LinkId, error: &HttpError) {
        let closed = if error.is_unauthorized() { LinkClosed::Unauthorized } else { LinkClosed::Lost };
        // A gateway that was there will be back; one that never was may be somewhere else.
        let was_there = self.ask(|core| core.counters()).connections > 0;
        if !was_there || !matches!(error, HttpError::Unreachable { .. }) {
            self.notice(&error.to_string());
        }
        self.pump.push(Input::Refused(link, closed));
    }

    /// Network work outlives views; only the page's end, or the transport's, cuts it short.
    fn spawn(&self, work: impl AsyncFnOnce(&Self) + 'static) {
        let Some(driver) = self.this.upgrade() else { return };
        let work: Pin<Box<dyn Future<Output = ()>>> = Box::pin(async move { work(&driver).await });
        spawn_local(work);
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
            Input::Begin(set_aside) => {
                self.report(&set_aside);
                self.feed_core(Client::start);
            }
            Input::Socket(input) => self.feed_socket(input),
            Input::Refused(link, closed) => {
                self.drop_link(link);
                self.feed_core(|core, now| core.handle_closed(now, link, closed));
            }
            Input::Signal(signal) => self.feed_core(|core, now| core.handle_signal(now, signal)),
        }
    }

    fn settle(&self) {
        self.drain();
        self.sink.flush();
        self.alarm.set(self.now.get(), self.ask(|core| core.deadline()));
    }
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
