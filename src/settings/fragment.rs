//! The part of the page's address behind `#`: `#token=…` once, then `#session=ID`. A server never sees it.

use moorline_protocol::SessionId;
use wasm_bindgen::JsValue;
use web_sys::{UrlSearchParams, Window};

const TOKEN: &str = "token";
const SESSION: &str = "session";

/// The fragment of the page's address.
#[derive(Debug, Clone, Copy)]
pub struct Fragment;

impl Fragment {
    /// Takes the token out of the address: neither the bar nor the history shows it from then on.
    #[must_use]
    pub fn take_token() -> Option<String> {
        let window = web_sys::window()?;
        let fields = fields(&window)?;
        let token = fields.get(TOKEN)?;
        fields.delete(TOKEN);
        replace(&window, &fields);
        Some(token).filter(|token| !token.is_empty())
    }

    /// The session that the address names, if it is a valid id.
    #[must_use]
    pub fn session() -> Option<SessionId> {
        SessionId::parse(&fields(&web_sys::window()?)?.get(SESSION)?).ok()
    }

    /// Names the session on screen in the address, or with `None` names none, without a step in the history.
    pub fn set_session(session: Option<&SessionId>) {
        let Some(window) = web_sys::window() else { return };
        let Some(fields) = fields(&window) else { return };
        match session {
            Some(session) => fields.set(SESSION, session.as_str()),
            None => fields.delete(SESSION),
        }
        replace(&window, &fields);
    }
}

fn fields(window: &Window) -> Option<UrlSearchParams> {
    let hash = window.location().hash().ok()?;
    UrlSearchParams::new_with_str(hash.trim_start_matches('#')).ok()
}

fn replace(window: &Window, fields: &UrlSearchParams) {
    let location = window.location();
    let (Ok(path), Ok(query)) = (location.pathname(), location.search()) else { return };
    let fields = String::from(fields.to_string());
    let hash = if fields.is_empty() { String::new() } else { format!("#{fields}") };
    if let Ok(history) = window.history() {
        // Refused only when it is called hundreds of times a second; the address then stays as it was.
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&format!("{path}{query}{hash}")));
    }
}
