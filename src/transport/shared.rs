//! What all tabs of a browser share: localStorage, one key each.

use moorline_protocol::{Decode, decode, encode};
use serde::Serialize;

use super::storage::{FORMAT, PREFIX, StorageError, words};

/// The storage of all tabs. What cannot be read counts as not there: nothing that was typed is in it.
#[derive(Debug, Clone, Copy)]
pub struct Shared;

impl Shared {
    /// What is stored under a name.
    #[must_use]
    pub fn get<T: Decode>(name: &str) -> Option<T> {
        decode(&storage()?.get_item(&key(name)).ok()??).ok()
    }

    /// Stores something under a name.
    ///
    /// # Errors
    /// [`StorageError`]; what was stored before is unchanged.
    pub fn set<T: Serialize + ?Sized>(name: &str, value: &T) -> Result<(), StorageError> {
        let storage = storage().ok_or(StorageError::Blocked)?;
        storage.set_item(&key(name), &encode(&value)).map_err(|error| StorageError::Refused(words(&error)))
    }
}

/// A blocked storage throws at the first touch, where gloo would panic.
fn storage() -> Option<web_sys::Storage> {
    web_sys::window()?.local_storage().ok()?
}

fn key(name: &str) -> String {
    format!("{PREFIX}{FORMAT}.{name}")
}
