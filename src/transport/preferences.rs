//! What a user prefers, in localStorage: all tabs of this origin share it, and it outlives them.
//!
//! Where the browser keeps none, a preference holds as long as the page is there.

use web_sys::Storage;

const PREFIX: &str = "moorline.preference.";

/// What is kept under a name.
#[must_use]
pub fn read(name: &str) -> Option<String> {
    storage()?.get_item(&key(name)).ok()?
}

/// Keeps something under a name; an empty text is forgotten.
pub fn write(name: &str, value: &str) {
    if let Some(storage) = storage() {
        let _ = if value.is_empty() { storage.remove_item(&key(name)) } else { storage.set_item(&key(name), value) };
    }
}

fn key(name: &str) -> String {
    format!("{PREFIX}{name}")
}

fn storage() -> Option<Storage> {
    web_sys::window()?.local_storage().ok()?
}
