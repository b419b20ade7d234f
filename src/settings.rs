//! What the host of the page may set: `config.json` beside index.html, then `globalThis.moorline`.
//!
//! Both are objects with the same three keys, all optional; a key of the second overrides the first. A mistake in either
//! never stops the page: that key keeps its value, and one sentence names the key and the remedy.

mod fragment;

use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, RequestCache, RequestInit, Response, Url};

pub use self::fragment::Fragment;
use crate::timer::after;

const FILE: &str = "config.json";
const GLOBAL: &str = "globalThis.moorline";
/// No answer within this counts as none.
const TIMEOUT_MS: u32 = 5_000;

/// The page's settings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// Where the gateway is: an http or https address, or a path relative to the page. Default: the page's own folder.
    pub gateway_url: Option<String>,
    /// The title of the page. Default: the page's own.
    pub title: Option<String>,
    /// The colours. Default: the system's.
    pub theme: Theme,
    /// The token from the link's fragment; never from a file.
    pub token: Option<String>,
}

/// Light or dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    /// As the system says.
    #[default]
    System,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

impl Theme {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// The word that stands for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// What a word stands for.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.word() == word)
    }
}

/// A mistake in the settings. The text is for whoever hosts the page: it names the place, the key and the remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Complaint {
    /// The file cannot be parsed.
    #[error("{FILE} is not JSON ({reason}): correct it or remove the file")]
    NotJson {
        /// The parser's words.
        reason: String,
    },
    /// The file could not be fetched although the server did not say that it is missing.
    #[error("{FILE} could not be loaded ({reason}), so the defaults hold: reload the page")]
    NotLoaded {
        /// What happened.
        reason: String,
    },
    /// Something other than an object.
    #[error("{place} must be an object with the keys gatewayUrl, title and theme, not {found}")]
    NotAnObject {
        /// The file or the global.
        place: &'static str,
        /// What it is.
        found: String,
    },
    /// A key that means nothing.
    #[error("{place}: unknown key \"{key}\": remove it; the keys are gatewayUrl, title and theme")]
    UnknownKey {
        /// The file or the global.
        place: &'static str,
        /// The key.
        key: String,
    },
    /// A value that the key cannot take.
    #[error("{place}: \"{key}\" must be {wanted}, not {found}: correct it or remove the key")]
    WrongValue {
        /// The file or the global.
        place: &'static str,
        /// The key.
        key: &'static str,
        /// What it takes.
        wanted: &'static str,
        /// What it was given.
        found: String,
    },
}

impl Settings {
    /// Reads file, global and the link's token, in this order. The complaints are to be shown; the settings hold without them.
    ///
    /// A missing file is no mistake: a line in the console says that the defaults hold.
    pub async fn load() -> (Self, Vec<Complaint>) {
        let mut settings = Self::default();
        let mut complaints = Vec::new();
        match fetch_file().await {
            Ok(Some(text)) => complaints.extend(settings.take_file(&text)),
            Ok(None) => web_sys::console::info_1(&JsValue::from_str(&format!(
                "{FILE} is missing beside index.html, so the defaults hold; it may set gatewayUrl, title and theme"
            ))),
            Err(complaint) => complaints.push(complaint),
        }
        complaints.extend(settings.take_global());
        settings.token = Fragment::take_token();
        (settings, complaints)
    }

    /// Takes the text of the file.
    pub fn take_file(&mut self, text: &str) -> Vec<Complaint> {
        match js_sys::JSON::parse(text) {
            Ok(value) => match object(&value) {
                Some(keys) => self.take(FILE, keys),
                None => vec![Complaint::NotAnObject { place: FILE, found: json(&value) }],
            },
            Err(error) => {
                let reason = error.dyn_ref::<js_sys::Error>().map(|error| String::from(error.message())).unwrap_or_default();
                vec![Complaint::NotJson { reason }]
            }
        }
    }

    /// Takes `globalThis.moorline`, if the embedding page has set it.
    pub fn take_global(&mut self) -> Vec<Complaint> {
        let global = js_sys::Reflect::get(&js_sys::global(), &JsValue::from_str("moorline")).unwrap_or(JsValue::UNDEFINED);
        if global.is_undefined() || global.is_null() {
            return Vec::new();
        }
        match object(&global) {
            Some(keys) => self.take(GLOBAL, keys),
            None => vec![Complaint::NotAnObject { place: GLOBAL, found: shown(&global) }],
        }
    }

    fn take(&mut self, place: &'static str, keys: &js_sys::Object) -> Vec<Complaint> {
        let names = js_sys::Object::keys(keys).sort();
        let taken = names.into_iter().map(|name| {
            let value = js_sys::Reflect::get(keys, &name).unwrap_or(JsValue::UNDEFINED);
            self.take_key(place, name.as_string().unwrap_or_default(), &value)
        });
        taken.filter_map(Result::err).collect()
    }

    fn take_key(&mut self, place: &'static str, key: String, value: &JsValue) -> Result<(), Complaint> {
        let wrong = |key, wanted| Complaint::WrongValue { place, key, wanted, found: json(value) };
        let text = value.as_string();
        match key.as_str() {
            "gatewayUrl" => {
                let address = text.filter(|address| is_http(address));
                self.gateway_url = Some(address.ok_or_else(|| wrong("gatewayUrl", "an http or https address, or a path"))?);
            }
            "title" => self.title = Some(text.ok_or_else(|| wrong("title", "a text"))?),
            "theme" => {
                let theme = text.as_deref().and_then(Theme::of_word);
                self.theme = theme.ok_or_else(|| wrong("theme", "\"light\", \"dark\" or \"system\""))?;
            }
            _ => return Err(Complaint::UnknownKey { place, key }),
        }
        Ok(())
    }
}

/// The file's text, or none where there is no file. A server that answers every path with a page counts as having none.
async fn fetch_file() -> Result<Option<String>, Complaint> {
    let not_loaded = |reason: String| Complaint::NotLoaded { reason };
    let (status, is_page, text) = fetch().await.map_err(|_| not_loaded("no answer".to_owned()))?;
    match status {
        404 | 410 => Ok(None),
        200..=299 if is_page || text.trim_start().starts_with('<') => Ok(None),
        200..=299 => Ok(Some(text)),
        _ => Err(not_loaded(format!("HTTP {status}"))),
    }
}

async fn fetch() -> Result<(u16, bool, String), JsValue> {
    let window = web_sys::window().ok_or(JsValue::UNDEFINED)?;
    let controller = AbortController::new()?;
    let init = RequestInit::new();
    init.set_cache(RequestCache::NoCache);
    init.set_signal(Some(&controller.signal()));
    let _limit = after(TIMEOUT_MS, move || controller.abort());
    let response: Response = JsFuture::from(window.fetch_with_str_and_init(FILE, &init)).await?.dyn_into()?;
    let is_page = response.headers().get("content-type")?.is_some_and(|kind| kind.starts_with("text/html"));
    let text = JsFuture::from(response.text()?).await?;
    Ok((response.status(), is_page, text.as_string().unwrap_or_default()))
}

fn is_http(address: &str) -> bool {
    let document = web_sys::window().and_then(|window| window.document());
    let base = document.and_then(|document| document.base_uri().ok().flatten()).unwrap_or_default();
    Url::new_with_base(address, &base).is_ok_and(|url| matches!(url.protocol().as_str(), "http:" | "https:"))
}

fn object(value: &JsValue) -> Option<&js_sys::Object> {
    value.dyn_ref().filter(|_| !value.is_function() && !js_sys::Array::is_array(value))
}

/// A value as JSON; what JSON cannot hold (a function, a symbol) by the name of its type.
fn json(value: &JsValue) -> String {
    js_sys::JSON::stringify(value).ok().and_then(|text| text.as_string()).unwrap_or_else(|| shown(value))
}

fn shown(value: &JsValue) -> String {
    value.as_string().unwrap_or_else(|| value.js_typeof().as_string().unwrap_or_default())
}
