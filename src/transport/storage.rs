//! The tab's storage: outbox, copied sends, cursors, client id, drafts, one key each, in sessionStorage.
//!
//! Keys are `moorline.<format>.<kind>.<name>`. What cannot be read, or was written in another format, is moved to the
//! same key with `.corrupt` behind it, and said: typed text may be in it.

use std::{cell::Cell, collections::BinaryHeap};

use gloo_storage::{SessionStorage, Storage as _};
use moorline_delivery::{Persist, StoredSend};
use moorline_protocol::{ClientId, Cursor, Decode, MessageId, SessionId, decode, encode};
use serde::Serialize;
use wasm_bindgen::{JsCast as _, JsValue};

const PREFIX: &str = "moorline.";
/// The format of what is stored; raised when an older page could not read it.
const FORMAT: &str = "1";
const SET_ASIDE: &str = ".corrupt";
/// Drafts kept at most; beyond it the one that was typed at longest ago goes.
const DRAFTS: usize = 50;
/// The longest draft kept: a longer one is no message that could be sent.
const DRAFT_BYTES: usize = 256 * 1024;
const PROBE_KEY: &str = "moorline.probe";

/// Why something was not stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StorageError {
    /// The browser gives this page no storage.
    #[error("this browser keeps no storage for this page: allow site data for it")]
    Blocked,
    /// The draft is longer than a message may be.
    #[error("a draft above {DRAFT_BYTES} bytes is not kept over a reload: shorten it")]
    TooLong,
    /// The browser refused the write.
    #[error("this tab's storage refused a write, probably because it is full: {0}")]
    Refused(String),
}

/// What an earlier document of this tab left.
#[derive(Debug, Clone, Default)]
pub struct Restored {
    /// The outbox, in no order.
    pub outbox: Vec<StoredSend>,
    /// Sends of the tab that this one was copied from, with that tab's name.
    pub copied: Vec<(ClientId, StoredSend)>,
    /// The tab's name.
    pub client: Option<ClientId>,
    /// The keys that were set aside, as they were called.
    pub set_aside: Vec<String>,
}

/// The tab's storage, or the knowledge that there is none.
#[derive(Debug)]
pub struct Storage {
    works: Cell<bool>,
}

impl Storage {
    /// Finds out, once, whether storage works: a blocked one throws at the first touch, a full one at the first write.
    #[must_use]
    pub fn open() -> Self {
        Self { works: Cell::new(is_there()) }
    }

    /// Whether the browser gives this page any storage.
    #[must_use]
    pub fn works(&self) -> bool {
        self.works.get()
    }

    /// Reads everything, and sets aside what cannot be read.
    #[must_use]
    pub fn restore(&self) -> Restored {
        let mut restored = Restored::default();
        if !self.works() {
            return restored;
        }
        for key in keys() {
            let Some(rest) = key.strip_prefix(PREFIX).filter(|_| !key.ends_with(SET_ASIDE)) else { continue };
            let (format, entry) = rest.split_once('.').unwrap_or((rest, ""));
            let readable = format == FORMAT && restored.take(&key, entry);
            if !readable && set_aside(&key) {
                restored.set_aside.push(key);
            }
        }
        restored
    }

    /// Completes one write of the core.
    ///
    /// # Errors
    /// [`StorageError`]; what was stored before is unchanged.
    pub fn write(&self, persist: &Persist) -> Result<(), StorageError> {
        match persist {
            Persist::PutSend(stored) => self.set(&key("outbox", stored.send.message.as_str()), stored),
            Persist::RemoveSend(message) => {
                self.delete(&key("outbox", message.as_str()));
                Ok(())
            }
            Persist::PutCopied(client, stored) => self.set(&copied_key(client, &stored.send.message), stored),
            Persist::RemoveCopied(client, message) => {
                self.delete(&copied_key(client, message));
                Ok(())
            }
            Persist::Cursor(cursor) => self.set(&key("seen", cursor.session.as_str()), cursor),
            Persist::ClientId(client) => self.set(&own_key("client"), client),
        }
    }

    /// The draft of a session; empty when there is none.
    #[must_use]
    pub fn draft(&self, session: &SessionId) -> String {
        self.get(&draft_key(session)).unwrap_or_default()
    }

    /// Keeps a session's draft; an empty one is forgotten. 50 are kept; beyond them the one that was typed at longest ago goes.
    ///
    /// # Errors
    /// [`StorageError`]; the draft stored before is unchanged.
    pub fn set_draft(&self, session: &SessionId, text: &str) -> Result<(), StorageError> {
        if text.len() > DRAFT_BYTES {
            return Err(StorageError::TooLong);
        }
        if text.is_empty() {
            self.delete(&draft_key(session));
        } else {
            self.set(&draft_key(session), text)?;
        }
        self.note_draft(session, !text.is_empty())
    }

    /// The sessions with a draft, the one typed at last first.
    #[must_use]
    pub fn drafts(&self) -> Vec<SessionId> {
        self.get(&own_key("drafts")).unwrap_or_default()
    }

    fn note_draft(&self, session: &SessionId, is_kept: bool) -> Result<(), StorageError> {
        let mut drafts = self.drafts();
        let is_noted = if is_kept { drafts.first() == Some(session) } else { !drafts.contains(session) };
        if is_noted {
            return Ok(());
        }
        drafts.retain(|held| held != session);
        if is_kept {
            drafts.insert(0, session.clone());
        }
        for gone in drafts.drain(DRAFTS.min(drafts.len())..) {
            self.delete(&draft_key(&gone));
        }
        self.set(&own_key("drafts"), &drafts)
    }

    /// The token for a gateway of another origin, which cannot set a cookie for this page.
    pub(super) fn token(&self) -> Option<String> {
        self.get(&own_key("token"))
    }

    /// Keeps, or with `None` forgets, that token.
    pub(super) fn set_token(&self, token: Option<&str>) -> Result<(), StorageError> {
        match token {
            Some(token) => self.set(&own_key("token"), token),
            None => {
                self.delete(&own_key("token"));
                Ok(())
            }
        }
    }

    fn get<T: Decode>(&self, key: &str) -> Option<T> {
        self.works().then(|| read(key)).flatten()
    }

    fn set<T: Serialize + ?Sized>(&self, key: &str, value: &T) -> Result<(), StorageError> {
        if !self.works() {
            return Err(StorageError::Blocked);
        }
        SessionStorage::raw().set_item(key, &encode(&value)).map_err(|error| StorageError::Refused(words(&error)))
    }

    fn delete(&self, key: &str) {
        if self.works() {
            SessionStorage::delete(key);
        }
    }
}

impl Restored {
    /// Takes one entry in; false when it cannot be read.
    fn take(&mut self, key: &str, entry: &str) -> bool {
        match entry.split_once('.').unwrap_or((entry, "")) {
            ("outbox", name) => {
                let Some(stored) = read::<StoredSend>(key) else { return false };
                let named_so = stored.send.message.as_str() == name;
                if named_so {
                    self.outbox.push(stored);
                }
                named_so
            }
            ("copied", name) => {
                let (client, message) = name.split_once('.').unwrap_or_default();
                let (Ok(client), Some(stored)) = (ClientId::parse(client), read::<StoredSend>(key)) else { return false };
                let named_so = stored.send.message.as_str() == message;
                if named_so {
                    self.copied.push((client, stored));
                }
                named_so
            }
            ("client", "") => {
                self.client = read(key);
                self.client.is_some()
            }
            ("seen", _) => read::<Cursor>(key).is_some(),
            ("drafts", "") => read::<Vec<SessionId>>(key).is_some(),
            ("draft", _) | ("token", "") => read::<String>(key).is_some(),
            _ => false,
        }
    }
}

/// What is stored under a key, if it can be read.
fn read<T: Decode>(key: &str) -> Option<T> {
    decode(&SessionStorage::raw().get_item(key).ok()??).ok()
}

/// What the browser said.
fn words(error: &JsValue) -> String {
    error.dyn_ref::<js_sys::Error>().map(|error| String::from(error.message())).unwrap_or_default()
}

fn key(kind: &str, name: &str) -> String {
    format!("{PREFIX}{FORMAT}.{kind}.{name}")
}

fn copied_key(client: &ClientId, message: &MessageId) -> String {
    key("copied", &format!("{client}.{message}"))
}

fn draft_key(session: &SessionId) -> String {
    key("draft", session.as_str())
}

fn own_key(kind: &str) -> String {
    format!("{PREFIX}{FORMAT}.{kind}")
}

/// gloo-storage panics where the browser blocks storage, so this asks first.
fn is_there() -> bool {
    let Some(storage) = web_sys::window().and_then(|window| window.session_storage().ok().flatten()) else { return false };
    match storage.set_item(PROBE_KEY, "1") {
        Ok(()) => storage.remove_item(PROBE_KEY).is_ok(),
        // Full is not blocked: what is there can be read, and room can be made.
        Err(error) => is_quota(&error),
    }
}

fn is_quota(error: &JsValue) -> bool {
    error.dyn_ref::<js_sys::Error>().is_some_and(|error| error.name() == "QuotaExceededError")
}

/// Every key, read before any is moved: moving one renumbers the rest.
fn keys() -> Vec<String> {
    let raw = SessionStorage::raw();
    let keys: BinaryHeap<String> = (0..SessionStorage::length()).filter_map(|i| raw.key(i).ok().flatten()).collect();
    keys.into_sorted_vec()
}

/// Moves an entry to its `.corrupt` key. The old key goes first, so that a full storage has room for the new one.
fn set_aside(key: &str) -> bool {
    let raw = SessionStorage::raw();
    let Ok(Some(text)) = raw.get_item(key) else { return false };
    let moved = raw.remove_item(key).is_ok() && raw.set_item(&format!("{key}{SET_ASIDE}"), &text).is_ok();
    if !moved {
        // It just stood there, so there is room for it.
        let _ = raw.set_item(key, &text);
    }
    true
}
