//! One request by fetch, and what its answer means.

use std::{future::Future, pin::Pin};

use js_sys::{JsString, Promise, Reflect};
use moorline_protocol::{CONNECTION_HEADER, Code, ConnectionId, Decode, ErrorBody, Millis, decode};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, AbortSignal, Headers, RequestCache, RequestCredentials, RequestInit, Response};

use super::{retry_after, text};
use crate::{task::spawn, timer::after};

/// For a request whose answer is short.
pub(super) const TIMEOUT_MS: u32 = 10_000;

/// An answer to come. Boxed, so that all who wait for one of a kind share one code.
pub type Asked<T> = Pin<Box<dyn Future<Output = Result<T, HttpError>>>>;

/// Why a request brought nothing. The text is for the user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// No answer came.
    #[error("no answer from the gateway at {base}: check the network, or the key gatewayUrl in config.json")]
    Unreachable {
        /// Where it should be.
        base: String,
    },
    /// Something answered that is no gateway: a plain web server, or a proxy.
    #[error("what answers at {base} is not a moorline gateway (HTTP {status}): set the key gatewayUrl in config.json")]
    NotAGateway {
        /// Where it should be.
        base: String,
        /// What it said.
        status: u16,
    },
    /// The gateway, or a proxy before it, takes nobody in now.
    #[error("the gateway at {base} takes no connection now (HTTP {status}): this page goes on trying")]
    Busy {
        /// Where it is.
        base: String,
        /// What it said.
        status: u16,
    },
    /// The gateway refused, and said why.
    #[error("{message}")]
    Refused {
        /// The stable word.
        code: Code,
        /// The gateway's sentence.
        message: String,
    },
}

impl HttpError {
    /// Whether a login is what is missing.
    #[must_use]
    pub const fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Refused { code: Code::Unauthorized, .. })
    }

    /// Whether it is what a restart of the gateway looks like from here.
    pub(super) const fn may_pass(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Busy { status: 500.., .. })
    }
}

/// One request to the gateway at `base`.
pub(super) struct Request {
    pub(super) base: String,
    pub(super) method: &'static str,
    /// Relative to `base`.
    pub(super) path: String,
    /// JSON.
    pub(super) body: Option<String>,
    pub(super) credentials: Credentials,
    /// The connection that it belongs to.
    pub(super) connection: Option<ConnectionId>,
    /// It outlives the page.
    pub(super) keepalive: bool,
    /// No answer within this: it is aborted.
    pub(super) limit_ms: u32,
}

/// How a request says who is logged in.
#[derive(Debug, Clone)]
pub(super) enum Credentials {
    /// By the cookie that the browser holds.
    Cookie,
    /// By a token, if there is one.
    Bearer(Option<String>),
}

/// What came back, whoever answered.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) text: String,
    pub(super) retry_after: Option<Millis>,
    /// What a file is to be called, if the browser lets the page see that.
    pub(super) file_name: Option<String>,
}

impl Request {
    /// Waits for an answer whose body nobody needs.
    pub(super) fn done(self) -> Asked<()> {
        Box::pin(async move { self.accepted().await.map(drop) })
    }

    /// Waits for an answer of this shape.
    pub(super) fn json<T: Decode + 'static>(self) -> Asked<T> {
        Box::pin(async move {
            let base = self.base.clone();
            let Answer { status, text, .. } = self.accepted().await?;
            decode(&text).map_err(|_| HttpError::NotAGateway { base, status })
        })
    }

    /// Waits for a 2xx.
    pub(super) fn accepted(self) -> Asked<Answer> {
        Box::pin(async move {
            let base = self.base.clone();
            let answer = self.answer().await?;
            if (200..300).contains(&answer.status) { Ok(answer) } else { Err(refusal(base, &answer)) }
        })
    }

    /// Waits for any answer, but not for ever.
    pub(super) async fn answer(self) -> Result<Answer, HttpError> {
        self.within_limit().await.map_err(|_| HttpError::Unreachable { base: self.base })
    }

    async fn within_limit(&self) -> Result<Answer, JsValue> {
        let controller = AbortController::new()?;
        let sent = self.send(Some(&controller.signal()))?;
        let _limit = after(self.limit_ms, move || controller.abort());
        Answer::read(sent).await
    }

    /// Puts the request on the network and forgets it.
    pub(super) fn send_off(&self) {
        if let Ok(sent) = self.send(None) {
            spawn(async { drop(Answer::read(sent).await) });
        }
    }

    /// Puts the request on the network, in this very task.
    pub(super) fn send(&self, signal: Option<&AbortSignal>) -> Result<Promise, JsValue> {
        let window = web_sys::window().ok_or(JsValue::UNDEFINED)?;
        let init = self.init()?;
        init.set_signal(signal);
        Ok(window.fetch_with_str_and_init(&format!("{}{}", self.base, self.path), &init))
    }

    fn init(&self) -> Result<RequestInit, JsValue> {
        let init = RequestInit::new();
        init.set_method(self.method);
        init.set_cache(RequestCache::NoStore);
        let headers = Headers::new()?;
        if let Some(body) = &self.body {
            headers.set("content-type", "application/json")?;
            init.set_body(&JsValue::from_str(body));
        }
        if let Some(connection) = &self.connection {
            headers.set(CONNECTION_HEADER, connection.as_str())?;
        }
        match &self.credentials {
            Credentials::Cookie => init.set_credentials(RequestCredentials::SameOrigin),
            Credentials::Bearer(token) => {
                init.set_credentials(RequestCredentials::Omit);
                if let Some(token) = token {
                    headers.set("authorization", &format!("Bearer {token}"))?;
                }
            }
        }
        if self.keepalive {
            Reflect::set(&init, &"keepalive".into(), &JsValue::TRUE)?;
        }
        init.set_headers(&headers);
        Ok(init)
    }
}

/// What it means that an answer is no 2xx.
fn refusal(base: String, answer: &Answer) -> HttpError {
    let status = answer.status;
    match decode::<ErrorBody>(&answer.text) {
        Ok(body) => HttpError::Refused { code: body.code, message: body.message },
        Err(_) if status == Code::Unauthorized.status() => {
            HttpError::Refused { code: Code::Unauthorized, message: "a login is needed".to_owned() }
        }
        // A proxy in front of a gateway that is being restarted.
        Err(_) if matches!(status, 502..=504) => HttpError::Unreachable { base },
        Err(_) => HttpError::NotAGateway { base, status },
    }
}

impl Answer {
    /// Waits for the whole of it.
    pub(super) async fn read(sent: Promise) -> Result<Self, JsValue> {
        let response: Response = JsFuture::from(sent).await?.dyn_into()?;
        let text: JsString = JsFuture::from(response.text()?).await?.dyn_into()?;
        Ok(Self {
            status: response.status(),
            text: text::text(text),
            retry_after: retry_after::read(&response.headers()),
            file_name: file_name(&response.headers()),
        })
    }
}

/// The name in `attachment; filename="…"`.
fn file_name(headers: &Headers) -> Option<String> {
    let disposition = headers.get("content-disposition").ok()??;
    disposition.split('"').nth(1).filter(|name| !name.is_empty()).map(str::to_owned)
}
