//! Where the gateway is, and how this page gets in.

use std::cell::RefCell;

use moorline_protocol::{Code, Login, Page, Seq, SessionId, encode};
use web_sys::Url;

use super::{
    http::{Credentials, HttpError, Request},
    storage::Storage,
};
use crate::settings::Settings;

/// The gateway as this page reaches it.
///
/// At the page's own origin a login is a cookie. At another origin a cookie would not come back, so the token goes with every
/// request, and a ticket that is good once goes into the WebSocket's URL, which takes no headers.
pub(super) struct Gateway {
    /// Absolute, with a slash at its end.
    base: String,
    elsewhere: bool,
    /// From the link or the login form: not yet turned into a cookie, or kept for a gateway elsewhere.
    token: RefCell<Option<String>>,
}

/// The answer of `POST /v1/tickets`.
struct Ticket {
    ticket: String,
}

moorline_protocol::record!(Ticket { ticket });

impl Gateway {
    /// Resolves the settings' address against the document's.
    pub(super) fn new(settings: &Settings, storage: &Storage) -> Self {
        let document = document_url();
        let base = base_of(settings.gateway_url.as_deref().unwrap_or_default(), &document).unwrap_or_else(|| document.clone());
        let elsewhere = origin_of(&base) != origin_of(&document);
        let token = settings.token.clone().or_else(|| elsewhere.then(|| storage.token()).flatten());
        Self { base, elsewhere, token: RefCell::new(token) }
    }

    /// Whether requests must come before the WebSocket can be opened.
    pub(super) fn needs_admission(&self) -> bool {
        self.elsewhere || self.token.borrow().is_some()
    }

    /// The WebSocket's URL where none is needed.
    pub(super) fn stream_url(&self) -> String {
        // Both schemes differ from their twins in the same first four letters: http → ws, https → wss.
        format!("{}v1/connect", self.base.replacen("http", "ws", 1))
    }

    /// Logs in with the link's token or fetches a ticket, and gives the WebSocket's URL. A token that was refused is forgotten.
    pub(super) async fn admit(&self, storage: &Storage) -> Result<String, HttpError> {
        let admitted = if self.elsewhere { self.fetch_ticket().await } else { self.spend_token().await };
        match &admitted {
            Ok(_) if self.elsewhere => self.keep_token(storage),
            Err(error) if error.is_unauthorized() => {
                self.token.take();
                self.keep_token(storage);
            }
            Ok(_) | Err(_) => {}
        }
        admitted
    }

    async fn fetch_ticket(&self) -> Result<String, HttpError> {
        let Ticket { ticket } = self.with_credentials("POST", "v1/tickets").json().await?;
        Ok(format!("{}?ticket={}", self.stream_url(), js_sys::encode_uri_component(&ticket)))
    }

    async fn spend_token(&self) -> Result<String, HttpError> {
        let token = self.token.borrow().clone();
        if let Some(token) = token {
            self.log_in(token).await?;
            self.token.take();
        }
        Ok(self.stream_url())
    }

    /// Takes a token from the login form.
    pub(super) async fn sign_in(&self, token: String, storage: &Storage) -> Result<(), HttpError> {
        self.log_in(token.clone()).await?;
        if self.elsewhere {
            self.token.replace(Some(token));
            self.keep_token(storage);
        }
        Ok(())
    }

    /// Learns why a WebSocket did not open, since the browser hides its status: asked plainly, the same path checks the same
    /// things, and ends in `bad_frame` where only the upgrade is missing.
    pub(super) async fn refusal(&self) -> Result<(), HttpError> {
        match self.with_credentials("GET", "v1/connect").json::<()>().await {
            Ok(_) | Err(HttpError::Refused { code: Code::BadFrame, .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Fetches a page of older blocks.
    pub(super) async fn page(&self, session: &SessionId, before: Seq) -> Result<Page, HttpError> {
        self.with_credentials("GET", &format!("v1/sessions/{session}/blocks?before={before}")).json().await
    }

    async fn log_in(&self, token: String) -> Result<(), HttpError> {
        let credentials = if self.elsewhere { Credentials::Bearer(None) } else { Credentials::Cookie };
        let body = Some(encode(&Login { token }));
        Request { base: &self.base, method: "POST", path: "v1/login", body, credentials }.done().await
    }

    fn with_credentials<'a>(&'a self, method: &'static str, path: &'a str) -> Authorized<'a> {
        let token = self.elsewhere.then(|| self.token.borrow().clone()).flatten();
        Authorized { gateway: self, method, path, token }
    }

    /// A reload keeps the token; where storage fails, a reload asks for a login.
    fn keep_token(&self, storage: &Storage) {
        let _ = storage.set_token(self.token.borrow().as_deref());
    }
}

/// A request that says who is logged in.
struct Authorized<'a> {
    gateway: &'a Gateway,
    method: &'static str,
    path: &'a str,
    token: Option<String>,
}

impl Authorized<'_> {
    async fn json<T: moorline_protocol::Decode>(self) -> Result<T, HttpError> {
        let credentials = if self.gateway.elsewhere { Credentials::Bearer(self.token.as_deref()) } else { Credentials::Cookie };
        Request { base: &self.gateway.base, method: self.method, path: self.path, body: None, credentials }.json().await
    }
}

fn document_url() -> String {
    let document = web_sys::window().and_then(|window| window.document());
    let url = document.and_then(|document| document.base_uri().ok().flatten()).unwrap_or_default();
    base_of("", &url).unwrap_or(url)
}

/// An address as the folder that it names: no query, no fragment, a slash at the end.
fn base_of(address: &str, document: &str) -> Option<String> {
    let url = Url::new_with_base(address, document).ok()?;
    url.set_search("");
    url.set_hash("");
    let folder = if address.is_empty() {
        url.pathname().rfind('/').map_or_else(|| "/".to_owned(), |end| url.pathname()[..=end].to_owned())
    } else {
        format!("{}/", url.pathname().trim_end_matches('/'))
    };
    url.set_pathname(&folder);
    Some(url.href())
}

fn origin_of(url: &str) -> Option<String> {
    Url::new(url).ok().map(|url| url.origin())
}
