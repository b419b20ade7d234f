//! Who may come in: the token, logins, tickets and origins.
//!
//! Secrets are kept as SHA-256 hashes and looked up by them, so that no comparison runs on a secret itself.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::http::{HeaderMap, header};
use moorline_delivery::{Bucket, Rate};
use moorline_protocol::{Millis, WallTime};
use moorline_session::StoreError;
use sha2::{Digest as _, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::{
    clock::{Clock, wall},
    options::{Origin, Token},
    random,
    store::SqliteStore,
};

/// Logins kept at most; beyond it the one that ends first goes.
const LOGINS: usize = 1_000;

/// How long a ticket may wait to be used.
pub(crate) const TICKET: Millis = Millis(30_000);

/// Tickets that wait at most.
const TICKETS: usize = 1_000;

type Hash = [u8; 32];

/// The gateway's door.
#[derive(Debug)]
pub(crate) struct Door {
    token: Hash,
    cookie: String,
    origins: Vec<Origin>,
    /// How long a cookie's login lasts.
    login: Millis,
    caps: DoorCaps,
    clock: Clock,
    /// Wrong tokens.
    guesses: Mutex<Bucket>,
    /// What everybody who comes with the token is let in by.
    by_token: Login,
    store: Arc<SqliteStore>,
    logins: Mutex<HashMap<Hash, Login>>,
    tickets: Mutex<HashMap<Hash, Ticket>>,
}

/// What a door bounds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DoorCaps {
    /// Wrong tokens, of all callers together.
    pub(crate) wrong_tokens: Rate,
    /// Reads of one login at once.
    pub(crate) reads: usize,
}

/// Why somebody is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotAdmitted {
    /// No token, cookie or ticket, or a wrong one.
    Unknown,
    /// There were too many wrong tokens: none is looked at before this time has passed.
    Later(Millis),
}

/// A way in for one connection, bought with a login and as good as that.
#[derive(Debug, Clone)]
struct Ticket {
    login: Login,
    expires_at: WallTime,
}

/// What somebody was let in by.
#[derive(Debug, Clone)]
pub(crate) struct Login {
    by: By,
    /// Cancelled by a logout.
    ended: CancellationToken,
    reads: Arc<Semaphore>,
}

#[derive(Debug, Clone, Copy)]
enum By {
    /// The token itself.
    Token,
    Cookie {
        hash: Hash,
        expires_at: WallTime,
    },
}

impl Login {
    fn new(by: By, caps: &DoorCaps) -> Self {
        Self { by, ended: CancellationToken::new(), reads: Arc::new(Semaphore::new(caps.reads)) }
    }

    /// One read more, if there are not too many under way; it lasts until the answer is dropped.
    pub(crate) fn begin_read(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.reads).try_acquire_owned().ok()
    }

    /// Whether both were let in by the same thing: the token, or one cookie.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (self.by, other.by) {
            (By::Token, By::Token) => true,
            (By::Cookie { hash, .. }, By::Cookie { hash: other, .. }) => hash == other,
            (By::Token, By::Cookie { .. }) | (By::Cookie { .. }, By::Token) => false,
        }
    }

    fn is_over(&self) -> bool {
        let is_late = matches!(self.by, By::Cookie { expires_at, .. } if expires_at <= wall());
        is_late || self.ended.is_cancelled()
    }

    /// Returns once the login has ended.
    pub(crate) async fn ended(&self) {
        match self.by {
            By::Token => self.ended.cancelled().await,
            By::Cookie { expires_at, .. } => {
                let left = Duration::from_millis(expires_at.saturating_sub(wall()));
                tokio::select! {
                    () = self.ended.cancelled() => {}
                    () = tokio::time::sleep(left) => {}
                }
            }
        }
    }
}

impl Door {
    /// Opens the door; logins made with another token are forgotten. Blocks.
    pub(crate) fn new(
        token: &Token,
        gateway_id: &str,
        origins: Vec<Origin>,
        login: Millis,
        caps: DoorCaps,
        clock: Clock,
        store: Arc<SqliteStore>,
    ) -> Result<Self, StoreError> {
        let token = hash(token.as_str());
        let mut logins = HashMap::new();
        for (hash, expires_at) in store.logins(&token, wall())? {
            if let Ok(hash) = Hash::try_from(hash) {
                logins.insert(hash, Login::new(By::Cookie { hash, expires_at }, &caps));
            }
        }
        let by_token = Login::new(By::Token, &caps);
        let (logins, tickets, guesses) = (Mutex::new(logins), Mutex::default(), Mutex::default());
        let cookie = format!("moorline_{gateway_id}");
        Ok(Self { token, cookie, origins, login, caps, clock, guesses, by_token, store, logins, tickets })
    }

    /// How many reads one login may have under way.
    pub(crate) const fn reads(&self) -> usize {
        self.caps.reads
    }

    /// Whether a page of this origin may ask. Without an `Origin` the request comes from no page, or from one of ours.
    pub(crate) fn admits_origin(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(header::ORIGIN) else { return true };
        let Ok(origin) = origin.to_str() else { return false };
        self.is_allowed(origin) || is_same(origin, headers)
    }

    /// Whether the origin is on the list of those served elsewhere.
    pub(crate) fn is_allowed(&self, origin: &str) -> bool {
        self.origins.iter().any(|allowed| allowed.as_str().eq_ignore_ascii_case(origin))
    }

    /// Who asks, by `Authorization: Bearer` or by cookie.
    pub(crate) fn login_of(&self, headers: &HeaderMap) -> Result<Login, NotAdmitted> {
        let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        if let Some(token) = authorization.and_then(|value| value.strip_prefix("Bearer ")) {
            return self.check(token.trim()).map(|()| self.by_token.clone());
        }
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let secret = cookies.flat_map(|value| value.split(';')).find_map(|pair| {
            let (name, secret) = pair.trim().split_once('=')?;
            (name == self.cookie).then_some(secret)
        });
        let login = secret.and_then(|secret| lock(&self.logins).get(&hash(secret)).filter(|login| !login.is_over()).cloned());
        login.ok_or(NotAdmitted::Unknown)
    }

    /// Holds a token against ours. Whoever guesses is let guess only so often; a right one that was let in all the same would
    /// tell the guesser just what the wait is to keep from him.
    pub(crate) fn check(&self, token: &str) -> Result<(), NotAdmitted> {
        let (now, rate) = (self.clock.monotonic(), self.caps.wrong_tokens);
        let mut guesses = lock(&self.guesses);
        if let Some(wait) = guesses.wait(now, rate) {
            return Err(NotAdmitted::Later(wait));
        }
        if hash(token) == self.token {
            return Ok(());
        }
        let _ = guesses.take(now, rate);
        Err(NotAdmitted::Unknown)
    }

    /// Makes a login; the cookie to set. Blocks.
    pub(crate) fn log_in(&self, is_secure: bool) -> Result<String, StoreError> {
        let secret = format!("{:032x}", random::bits());
        let (hash, expires_at) = (hash(&secret), wall() + self.login.0);
        self.store.add_login(&hash, &self.token, expires_at)?;
        let surplus = {
            let mut logins = lock(&self.logins);
            logins.insert(hash, Login::new(By::Cookie { hash, expires_at }, &self.caps));
            if logins.len() > LOGINS { soonest(&logins) } else { None }
        };
        if let Some(surplus) = surplus {
            self.end(&surplus)?;
        }
        let secure = if is_secure { "; Secure" } else { "" };
        let age = self.login.0.div_ceil(1_000);
        Ok(format!("{}={secret}; HttpOnly; SameSite=Strict; Path=/; Max-Age={age}{secure}", self.cookie))
    }

    /// Ends a cookie's login with its connections; the cookie that clears it. Blocks.
    pub(crate) fn log_out(&self, login: &Login) -> Result<String, StoreError> {
        if let By::Cookie { hash, .. } = &login.by {
            self.end(hash)?;
        }
        Ok(format!("{}=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0", self.cookie))
    }

    /// Makes a ticket for one connection; none when too many wait.
    pub(crate) fn make_ticket(&self, login: Login) -> Option<String> {
        let mut tickets = lock(&self.tickets);
        let now = wall();
        tickets.retain(|_, ticket| ticket.expires_at > now);
        if tickets.len() >= TICKETS {
            return None;
        }
        let ticket = format!("{:032x}", random::bits());
        tickets.insert(hash(&ticket), Ticket { login, expires_at: now + TICKET.0 });
        Some(ticket)
    }

    /// Who bought a ticket that still opens the door. It is not used up.
    pub(crate) fn look_at_ticket(&self, ticket: &str) -> Option<Login> {
        let ticket = lock(&self.tickets).get(&hash(ticket)).cloned()?;
        (ticket.expires_at > wall() && !ticket.login.is_over()).then_some(ticket.login)
    }

    /// Takes a ticket: it opens the door once. Answers whether it was this caller's to take.
    pub(crate) fn take_ticket(&self, ticket: &str) -> bool {
        lock(&self.tickets).remove(&hash(ticket)).is_some()
    }

    fn end(&self, hash: &Hash) -> Result<(), StoreError> {
        self.store.remove_login(hash)?;
        if let Some(login) = lock(&self.logins).remove(hash) {
            login.ended.cancel();
        }
        Ok(())
    }
}

/// The login that ends first.
fn soonest(logins: &HashMap<Hash, Login>) -> Option<Hash> {
    let cookies = logins.values().filter_map(|login| match login.by {
        By::Cookie { hash, expires_at } => Some((expires_at, hash)),
        By::Token => None,
    });
    cookies.min().map(|(_, hash)| hash)
}

/// Whether the page came from the host that it asks now.
fn is_same(origin: &str, headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let of_origin = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    matches!((host, of_origin), (Some(host), Some(of_origin)) if host.eq_ignore_ascii_case(of_origin))
}

fn hash(secret: &str) -> Hash {
    Sha256::digest(secret.as_bytes()).into()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // The maps are changed in single steps: a panic elsewhere leaves them whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
