//! Long texts on their way in, from the browser's strings to ours.

use js_sys::{JsString, Uint8Array};
use wasm_bindgen::prelude::wasm_bindgen;

/// Shorter texts, in UTF-16 units, take the glue's way, which asks the browser for nothing.
const LONG: u32 = 1_024;

#[wasm_bindgen]
extern "C" {
    type TextEncoder;
    #[wasm_bindgen(constructor)]
    fn new() -> TextEncoder;
    #[wasm_bindgen(method)]
    fn encode(this: &TextEncoder, text: &JsString) -> Uint8Array;
}

/// A string's text. The glue goes through ASCII letter by letter, in JavaScript that has just been loaded when a page opens: the
/// browser's own encoder takes a fraction of that.
pub(super) fn text(string: JsString) -> String {
    thread_local! {
        static ENCODER: TextEncoder = TextEncoder::new();
    }
    if string.length() < LONG {
        return string.into();
    }
    // What it writes is UTF-8, whatever the string holds.
    String::from_utf8(ENCODER.with(|encoder| encoder.encode(&string)).to_vec()).unwrap_or_default()
}
