//! What becomes of single requests, and what was seen of them.

use std::{
    collections::VecDeque,
    fmt::Write as _,
    time::{Duration, Instant},
};

use super::Cut;

/// Which requests are meant: a method and a path, without the query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct On {
    method: String,
    path: String,
}

impl On {
    /// Requests with this method and path.
    #[must_use]
    pub fn new(method: &str, path: &str) -> Self {
        Self { method: method.to_owned(), path: path.to_owned() }
    }

    /// POSTs to this path.
    #[must_use]
    pub fn post(path: &str) -> Self {
        Self::new("POST", path)
    }

    /// GETs of this path.
    #[must_use]
    pub fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    /// HEADs of this path.
    #[must_use]
    pub fn head(path: &str) -> Self {
        Self::new("HEAD", path)
    }

    /// Whether a request is meant.
    #[must_use]
    pub fn means(&self, seen: &Seen) -> bool {
        self.method == seen.method && self.path == seen.path
    }
}

/// What the proxy does about one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Answers it itself; the gateway never sees it.
    Answer(Answer),
    /// Forwards it, loses the gateway's answer and answers something else: the request took effect all the same.
    Misreport(Answer),
    /// Cuts its connection as soon as so many of its bytes, head and body, were delivered to the gateway.
    CutUp {
        /// How many.
        bytes: u64,
        /// How.
        cut: Cut,
    },
    /// Cuts its connection as soon as so many of its response's bytes, head and body, were delivered to the page.
    CutDown {
        /// How many.
        bytes: u64,
        /// How.
        cut: Cut,
    },
}

/// A response of the proxy's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub(super) status: u16,
    headers: String,
    body: String,
}

impl Answer {
    /// With a status, and nothing else.
    #[must_use]
    pub const fn new(status: u16) -> Self {
        Self { status, headers: String::new(), body: String::new() }
    }

    /// With one header more.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let _ = write!(self.headers, "{name}: {value}\r\n");
        self
    }

    /// With this body; its length is told.
    #[must_use]
    pub fn body(mut self, body: &str) -> Self {
        body.clone_into(&mut self.body);
        self
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let Self { status, headers, body } = self;
        format!("HTTP/1.1 {status} Proxied\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
    }
}

/// One request that came through the proxy, or got as far as it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its method.
    pub method: String,
    /// Its path, without the query.
    pub path: String,
    /// Since the proxy started, until its head was complete.
    pub at: Duration,
    /// The status that the page got; none so far.
    pub status: Option<u16>,
    /// Its bytes that were delivered to the gateway, head and body.
    pub bytes_up: u64,
    /// Its response's bytes that were delivered to the page, head and body.
    pub bytes_down: u64,
}

/// All rules, and all requests.
#[derive(Debug)]
pub(super) struct Requests {
    started: Instant,
    rules: VecDeque<(On, usize, Deed)>,
    pub(super) seen: Vec<Seen>,
}

impl Default for Requests {
    fn default() -> Self {
        Self { started: Instant::now(), rules: VecDeque::new(), seen: Vec::new() }
    }
}

impl Requests {
    pub(super) fn arm(&mut self, on: On, times: usize, deed: Deed) {
        if times > 0 {
            self.rules.push_back((on, times, deed));
        }
    }

    pub(super) fn forget_rules(&mut self) {
        self.rules.clear();
    }

    /// Writes a request down; answers its number and what becomes of it, unless it simply passes.
    pub(super) fn meet(&mut self, method: String, path: String) -> (usize, Option<Deed>) {
        let seen = Seen { method, path, at: self.started.elapsed(), status: None, bytes_up: 0, bytes_down: 0 };
        let first = self.rules.iter().position(|(on, ..)| on.means(&seen));
        let deed = first.and_then(|at| {
            let (_, times, deed) = self.rules.get_mut(at)?;
            *times -= 1;
            let deed = deed.clone();
            if *times == 0 {
                self.rules.remove(at);
            }
            Some(deed)
        });
        self.seen.push(seen);
        (self.seen.len() - 1, deed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meet(requests: &mut Requests, path: &str) -> Option<Deed> {
        requests.meet("POST".into(), path.into()).1
    }

    #[test]
    fn rules_are_used_up_in_their_order_and_only_by_what_they_mean() {
        let mut requests = Requests::default();
        let (first, second) = (Deed::Answer(Answer::new(503)), Deed::Misreport(Answer::new(500)));
        requests.arm(On::post("/a"), 2, first.clone());
        requests.arm(On::post("/a"), 1, second.clone());
        assert_eq!(meet(&mut requests, "/b"), None);
        assert_eq!(requests.meet("GET".into(), "/a".into()).1, None);
        let deeds: Vec<Option<Deed>> = (0..4).map(|_| meet(&mut requests, "/a")).collect();
        assert_eq!(deeds, [Some(first.clone()), Some(first), Some(second), None]);
        assert_eq!(requests.seen.iter().filter(|seen| On::post("/a").means(seen)).count(), 4);
    }

    #[test]
    fn an_answer_tells_its_length() {
        let answer = Answer::new(429).header("Retry-After", "3").body("wait");
        assert_eq!(answer.encode(), b"HTTP/1.1 429 Proxied\r\nRetry-After: 3\r\nContent-Length: 4\r\n\r\nwait");
    }
}
