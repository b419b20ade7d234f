//! One fetch with a time limit, and what its answer means.

use gloo_timers::callback::Timeout;
use moorline_protocol::{Code, Decode, ErrorBody, decode};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, Headers, RequestCache, RequestCredentials, RequestInit, Response};

/// No answer within this: the request is aborted.
const TIMEOUT_MS: u32 = 10_000;

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
}

/// One request to the gateway at `base`.
pub(super) struct Request<'a> {
    pub(super) base: &'a str,
    pub(super) method: &'static str,
    /// Relative to `base`.
    pub(super) path: &'a str,
    /// JSON.
    pub(super) body: Option<String>,
    pub(super) credentials: Credentials<'a>,
}

/// How a request says who is logged in.
#[derive(Debug, Clone, Copy)]
pub(super) enum Credentials<'a> {
    /// By the cookie that the browser holds.
    Cookie,
    /// By a token, if there is one.
    Bearer(Option<&'a str>),
}

impl Request<'_> {
    /// Waits for an answer whose body nobody needs.
    pub(super) async fn done(self) -> Result<(), HttpError> {
        self.answer().await.map(drop)
    }

    /// Waits for an answer of this shape.
    pub(super) async fn json<T: Decode>(self) -> Result<T, HttpError> {
        let base = self.base.to_owned();
        let (status, text) = self.answer().await?;
        decode(&text).map_err(|_| HttpError::NotAGateway { base, status })
    }

    async fn answer(self) -> Result<(u16, String), HttpError> {
        let unreachable = |_: JsValue| HttpError::Unreachable { base: self.base.to_owned() };
        let (status, text) = self.exchange().await.map_err(unreachable)?;
        if (200..300).contains(&status) {
            return Ok((status, text));
        }
        Err(match decode::<ErrorBody>(&text) {
            Ok(body) => HttpError::Refused { code: body.code, message: body.message },
            Err(_) if status == Code::Unauthorized.status() => {
                HttpError::Refused { code: Code::Unauthorized, message: "a login is needed".to_owned() }
            }
            // A proxy in front of a gateway that is being restarted.
            Err(_) if matches!(status, 502..=504) => HttpError::Unreachable { base: self.base.to_owned() },
            Err(_) => HttpError::NotAGateway { base: self.base.to_owned(), status },
        })
    }

    async fn exchange(&self) -> Result<(u16, String), JsValue> {
        let window = web_sys::window().ok_or(JsValue::UNDEFINED)?;
        let controller = AbortController::new()?;
        let init = self.init()?;
        init.set_signal(Some(&controller.signal()));
        let _limit = Timeout::new(TIMEOUT_MS, move || controller.abort());
        let url = format!("{}{}", self.base, self.path);
        let response: Response = JsFuture::from(window.fetch_with_str_and_init(&url, &init)).await?.dyn_into()?;
        let text = JsFuture::from(response.text()?).await?;
        Ok((response.status(), text.as_string().unwrap_or_default()))
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
        match self.credentials {
            Credentials::Cookie => init.set_credentials(RequestCredentials::SameOrigin),
            Credentials::Bearer(token) => {
                init.set_credentials(RequestCredentials::Omit);
                if let Some(token) = token {
                    headers.set("authorization", &format!("Bearer {token}"))?;
                }
            }
        }
        init.set_headers(&headers);
        Ok(init)
    }
}
