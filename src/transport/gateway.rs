//! Where the gateway is, and how this page gets in.

use std::{cell::RefCell, rc::Rc};

use moorline_delivery::Checked;
use moorline_protocol::{
    Ack, BlockText, ChangeSession, ClientFrame, Code, ConnectionId, Cursor, Hello, Limits, Login, Page, Seq, SessionId, encode,
};
use web_sys::Url;

use super::{
    http::{Answer, Credentials, HttpError, Request, TIMEOUT_MS},
    locks::{Lock, NotGranted},
    slots,
    storage::Storage,
};
use crate::settings::Settings;

/// The longest that an export may take.
const EXPORT_MS: u32 = 600_000;
/// Bytes of the longest character: the gateway moves what is asked for to the beginning of one.
const CHAR_BYTES: u64 = 4;

/// The gateway as this page reaches it.
///
/// At the page's own origin a login is a cookie. At another origin a cookie would not come back, so the token goes with every
/// request, and a ticket that is good once goes into the URLs of WebSocket and stream, which take no headers.
pub(super) struct Gateway {
    /// Absolute, with a slash at its end.
    base: String,
    origin: String,
    elsewhere: bool,
    /// From the link or the login form: not yet turned into a cookie, or kept for a gateway elsewhere.
    token: RefCell<Option<String>>,
    storage: Rc<Storage>,
}

/// The answer of `POST /v1/tickets`.
struct Ticket {
    ticket: String,
}

moorline_protocol::record!(Ticket { ticket });

impl Gateway {
    /// Resolves the settings' address against the document's.
    pub(super) fn new(settings: &Settings, storage: Rc<Storage>) -> Self {
        let document = document_url();
        let base = base_of(settings.gateway_url.as_deref().unwrap_or_default(), &document).unwrap_or_else(|| document.clone());
        let origin = origin_of(&base);
        let elsewhere = origin != origin_of(&document);
        let token = settings.token.clone().or_else(|| elsewhere.then(|| storage.token()).flatten());
        Self { base, origin, elsewhere, token: RefCell::new(token), storage }
    }

    /// Claims one of the few streams that a browser can have to this gateway, if they are few.
    pub(super) async fn claim_slot(&self) -> Result<Option<Lock>, NotGranted> {
        slots::claim_one(&self.base, &self.origin).await
    }

    /// Logs in with the link's token or fetches a ticket, and gives the URL of a stream that begins with this hello, or of a
    /// WebSocket. A token that was refused is forgotten.
    pub(super) async fn admit(&self, hello: Option<&Hello>) -> Result<String, HttpError> {
        let admitted = if self.elsewhere { self.fetch_ticket().await.map(Some) } else { self.spend_token().await.map(|()| None) };
        match &admitted {
            Ok(_) if self.elsewhere => self.keep_token(),
            Err(error) if error.is_unauthorized() => {
                self.token.take();
                self.keep_token();
            }
            Ok(_) | Err(_) => {}
        }
        Ok(self.url(hello, admitted?))
    }

    fn url(&self, hello: Option<&Hello>, ticket: Option<String>) -> String {
        let hello = hello.map(|hello| ("hello", encode(hello)));
        let mut url = match hello {
            Some(_) => format!("{}v1/events", self.base),
            // Both schemes differ from their twins in the same first four letters: http → ws, https → wss.
            None => format!("{}v1/connect", self.base.replacen("http", "ws", 1)),
        };
        let mut separator = '?';
        for (key, value) in hello.into_iter().chain(ticket.map(|ticket| ("ticket", ticket))) {
            url = format!("{url}{separator}{key}={}", js_sys::encode_uri_component(&value));
            separator = '&';
        }
        url
    }

    async fn fetch_ticket(&self) -> Result<String, HttpError> {
        let Ticket { ticket } = self.request("POST", "v1/tickets".to_owned()).json().await?;
        Ok(ticket)
    }

    async fn spend_token(&self) -> Result<(), HttpError> {
        let token = self.token.borrow().clone();
        if let Some(token) = token {
            self.log_in(token).await?;
            self.token.take();
        }
        Ok(())
    }

    /// Takes a token from the login form.
    pub(super) async fn sign_in(&self, token: String) -> Result<(), HttpError> {
        self.log_in(token.clone()).await?;
        if self.elsewhere {
            self.token.replace(Some(token));
            self.keep_token();
        }
        Ok(())
    }

    /// Asks why nothing came of a connection, since the browser hides what a WebSocket or a stream was answered: the same path
    /// asked plainly checks the same things. What the answer means to the user, unless a login is all that is missing.
    pub(super) async fn check(&self) -> (Checked, Option<HttpError>) {
        let base = self.base.clone();
        let (status, retry_after) = match self.request("HEAD", "v1/events".to_owned()).answer().await {
            Ok(Answer { status, retry_after, .. }) => (status, retry_after),
            Err(error) => return (Checked::NoAnswer, Some(error)),
        };
        let why = match status {
            204 => return (Checked::Welcome, None),
            401 => return (Checked::Unauthorized, None),
            403 => HttpError::Refused {
                code: Code::OriginRefused,
                message: format!("the gateway at {base} takes no pages of this origin: start it with --allow-origin"),
            },
            429 | 500.. => HttpError::Busy { base, status },
            _ => HttpError::NotAGateway { base, status },
        };
        (Checked::Refused { retry_after }, Some(why))
    }

    /// The POST that carries a frame.
    pub(super) fn post(&self, connection: ConnectionId, frame: &ClientFrame) -> Request {
        let request = self.request("POST", format!("v1/{}", frame.kind()));
        Request { body: Some(encode(frame)), connection: Some(connection), ..request }
    }

    /// The last ack, which outlives the page.
    pub(super) fn farewell(&self, connection: ConnectionId, cursors: Vec<Cursor>) -> Request {
        Request { keepalive: true, ..self.post(connection, &ClientFrame::Ack(Ack { cursors })) }
    }

    /// Fetches a page of older blocks.
    pub(super) async fn page(&self, session: &SessionId, before: Seq) -> Result<Page, HttpError> {
        self.request("GET", format!("v1/sessions/{session}/blocks?before={before}")).json().await
    }

    /// What of a text stands before an offset. A gateway that gives less at a time than is usual gives the beginning of what is
    /// asked for, so that less is asked for then.
    pub(super) async fn text_before(&self, path: &str, to: u64) -> Result<BlockText, HttpError> {
        let mut wanted = Limits::default().text_bytes as u64 - CHAR_BYTES;
        loop {
            let from = to.saturating_sub(wanted);
            let part: BlockText = self.request("GET", format!("{path}&from={from}&to={to}")).json().await?;
            let given = part.text.len() as u64;
            if part.from + given >= to || given <= CHAR_BYTES {
                return Ok(part);
            }
            wanted = given - CHAR_BYTES;
        }
    }

    /// Posts what belongs to no connection.
    pub(super) async fn command(&self, path: String, body: Option<String>) -> Result<(), HttpError> {
        Request { body, ..self.request("POST", path) }.done().await
    }

    /// Names, pins, puts away or brings back a session; the answer is its line of the list.
    pub(super) fn change(&self, session: &SessionId, change: &ChangeSession) -> Request {
        Request { body: Some(encode(change)), ..self.request("PATCH", format!("v1/sessions/{session}")) }
    }

    /// Deletes a session.
    pub(super) fn delete(&self, session: &SessionId) -> Request {
        self.request("DELETE", format!("v1/sessions/{session}"))
    }

    /// Looks for what holds every word of a query; the answer is `Hits`.
    pub(super) fn search(&self, query: &str) -> Request {
        self.request("GET", format!("v1/search?q={}", js_sys::encode_uri_component(query)))
    }

    /// Fetches a session's transcript as a file, for which a slow line may need minutes.
    pub(super) fn export(&self, session: &SessionId, format: &str) -> Request {
        Request { limit_ms: EXPORT_MS, ..self.request("GET", format!("v1/sessions/{session}/export?format={format}")) }
    }

    /// Ends the login. A token for a gateway elsewhere is forgotten here, since there is nothing to end there.
    pub(super) async fn log_out(&self) -> Result<(), HttpError> {
        if !self.elsewhere {
            self.request("POST", "v1/logout".to_owned()).done().await?;
        }
        self.token.take();
        self.keep_token();
        Ok(())
    }

    async fn log_in(&self, token: String) -> Result<(), HttpError> {
        let request = self.request("POST", "v1/login".to_owned());
        let credentials = if self.elsewhere { Credentials::Bearer(None) } else { Credentials::Cookie };
        Request { body: Some(encode(&Login { token })), credentials, ..request }.done().await
    }

    /// A request that says who is logged in.
    fn request(&self, method: &'static str, path: String) -> Request {
        let credentials = if self.elsewhere { Credentials::Bearer(self.token.borrow().clone()) } else { Credentials::Cookie };
        Request { base: self.base.clone(), method, path, body: None, credentials, connection: None, keepalive: false, limit_ms: TIMEOUT_MS }
    }

    /// A reload keeps the token; where storage fails, a reload asks for a login.
    fn keep_token(&self) {
        let _ = self.storage.set_token(self.token.borrow().as_deref());
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

fn origin_of(url: &str) -> String {
    Url::new(url).map(|url| url.origin()).unwrap_or_default()
}
