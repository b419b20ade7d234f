//! The whole page against the gateway that `cargo xtask test wasm` starts beside the tests.

use std::{ops::Deref, rc::Rc};

use moorline::{
    model::{Driver, Model},
    settings::Settings,
    transport::Transport,
};
use moorline_delivery::Transport as On;
use moorline_protocol::SessionId;
use wasm_bindgen::{JsCast as _, JsValue, prelude::wasm_bindgen};

use crate::{
    browser::{put_away, raw_storage, until},
    dom::Dom,
};

#[wasm_bindgen(module = "/tests/support/gateway.js")]
extern "C" {
    #[wasm_bindgen(js_name = allowSockets)]
    pub(crate) fn allow_sockets();
    #[wasm_bindgen(js_name = refuseSockets)]
    pub(crate) fn refuse_sockets();
    #[wasm_bindgen(js_name = socketUrls)]
    pub(crate) fn socket_urls() -> Vec<String>;
    #[wasm_bindgen(js_name = ask)]
    async fn ask_js(method: &str, url: &str, token: &str) -> JsValue;
    #[wasm_bindgen(js_name = ticket)]
    async fn ticket_js(url: &str, token: &str) -> JsValue;
}

/// What the gateway's login takes; `cargo xtask` sets it.
pub(crate) const TOKEN: &str = "browser-tests";

/// One port above this page's.
pub(crate) fn gateway() -> String {
    let location = web_sys::window().map(|window| window.location()).expect("a page");
    let port: u16 = location.port().ok().and_then(|port| port.parse().ok()).expect("a port");
    format!("http://127.0.0.1:{}/", port + 1)
}

/// The status of a plain request.
pub(crate) async fn ask(method: &str, path: &str, token: &str) -> u16 {
    ask_js(method, &(gateway() + path), token).await.as_f64().unwrap_or_default() as u16
}

pub(crate) async fn ticket() -> String {
    ticket_js(&(gateway() + "v1/tickets"), TOKEN).await.as_string().expect("a ticket")
}

/// The page of another origin that tells its gateway's address, with a session on screen that it has just made.
pub(crate) struct Page {
    pub(crate) transport: Rc<Transport>,
    dom: Dom,
}

impl Deref for Page {
    type Target = Dom;

    fn deref(&self) -> &Dom {
        &self.dom
    }
}

impl Page {
    /// A page that is live on a transport.
    pub(crate) async fn live(on: On) -> Self {
        let page = Self::open(on, TOKEN, None).await;
        page.until_live(on).await;
        page
    }

    /// The same, with a session that exists.
    pub(crate) async fn live_with(on: On, session: &SessionId) -> Self {
        let page = Self::open(on, TOKEN, Some(session)).await;
        page.until_live(on).await;
        page
    }

    pub(crate) async fn open(on: On, token: &str, session: Option<&SessionId>) -> Self {
        let found = ask("HEAD", "v1/events", TOKEN).await;
        assert_eq!(found, 204, "no gateway at {}: run `cargo xtask test wasm`, which starts one beside these tests", gateway());
        // Whatever a test that failed has left.
        put_away();
        raw_storage().clear().expect("the tab's storage can be cleared");
        match on {
            On::WebSocket => allow_sockets(),
            On::Sse => refuse_sockets(),
        }
        let settings = Settings { gateway_url: Some(gateway()), token: Some(token.to_owned()), ..Settings::default() };
        let model = Model::new();
        let transport = Rc::new(Transport::start(&settings, Rc::new(model.clone())));
        model.connect(Rc::<Transport>::clone(&transport) as Rc<dyn Driver>);
        match session {
            Some(session) => model.select(session),
            None => model.select_new(),
        }
        let document = web_sys::window().and_then(|window| window.document()).expect("a document");
        let dom = Dom::mount(&document, &model);
        Self { transport, dom }
    }

    pub(crate) async fn until_live(&self, on: On) {
        self.until_attribute("[data-transcript]", "data-status", "live").await;
        self.until_on(on).await;
    }

    pub(crate) async fn until_on(&self, on: On) {
        until(&format!("the page to be on {on:?}"), || self.transport.diagnostics().transport == Some(on)).await;
    }

    pub(crate) fn session(&self) -> SessionId {
        SessionId::parse(&self.attribute("[data-transcript]", "data-session")).expect("a session is on screen")
    }

    /// Types a message and presses Enter.
    pub(crate) fn say(&self, text: &str) {
        self.type_text(text);
        self.press(&web_sys::KeyboardEventInit::new(), "Enter");
    }

    /// Waits until so many turns have ended so.
    pub(crate) async fn until_turns(&self, count: usize, state: &str) {
        self.until_count(&format!("[data-turn-state={state}]"), count).await;
    }

    /// Id, kind and text of every block on screen.
    pub(crate) fn blocks(&self) -> Vec<[String; 3]> {
        let described = self.all("[data-block]").into_iter().map(|block| {
            let named = |name: &str| block.get_attribute(name).unwrap_or_default();
            [named("data-block"), named("data-kind"), block.text_content().unwrap_or_default()]
        });
        described.collect()
    }

    /// What a page that is opened now shows of the same session.
    pub(crate) async fn shown_afresh(self) -> Vec<[String; 3]> {
        let session = self.session();
        drop(self);
        let fresh = Self::live_with(On::WebSocket, &session).await;
        fresh.until_count("[data-turn-state=running]", 0).await;
        fresh.blocks()
    }

    /// Enters a text into an input as a user does.
    pub(crate) fn enter(&self, selector: &str, text: &str) {
        let input: web_sys::HtmlInputElement = self.find(selector).expect("it is on screen").unchecked_into();
        input.set_value(text);
        let init = web_sys::EventInit::new();
        init.set_bubbles(true);
        input.dispatch_event(&web_sys::Event::new_with_event_init_dict("input", &init).expect("an event")).expect("it is dispatched");
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // Model and transport hold each other for as long as the tab lives: this one is closed as the browser would.
        put_away();
    }
}
