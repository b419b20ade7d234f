//! A text that the page holds, handed to the browser to be saved.

use wasm_bindgen::JsCast as _;
use web_sys::{Blob, HtmlElement, Url};

use crate::timer::after;

/// Until then the browser has begun to read the file.
const KEPT_MS: u32 = 60_000;

/// Has the browser save a text under a name.
pub(super) fn hand_over(text: &str, name: &str) {
    let Some(document) = web_sys::window().and_then(|window| window.document()) else { return };
    let Ok(content) = Blob::new_with_str_sequence(&js_sys::Array::of1(&text.into())) else { return };
    let (Ok(url), Ok(link)) = (Url::create_object_url_with_blob(&content), document.create_element("a")) else { return };
    let _ = link.set_attribute("href", &url);
    let _ = link.set_attribute("download", name);
    link.unchecked_into::<HtmlElement>().click();
    after(KEPT_MS, move || drop(Url::revoke_object_url(&url))).forget();
}
