//! The gateway's plain HTTP, as a script would use it.

use std::net::SocketAddr;

use http_body_util::{BodyExt as _, Full};
use hyper::{Method, Request, StatusCode, body::Bytes, header};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use moorline_protocol::{Block, BlockKind, Epoch, Event, EventBody, RawEvents, Rows, Seq, SessionId, SessionRow};
use moorline_transcript::{Changes, Transcript};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const PAGE_EVENTS: usize = 1000;

/// HTTP with a login. All methods panic when the gateway cannot be reached.
#[derive(Debug, Clone)]
pub struct Api {
    address: SocketAddr,
    client: Client<HttpConnector, Full<Bytes>>,
    cookie: String,
}

/// A session's whole journal, read at one moment.
#[derive(Debug, Clone)]
pub struct Journal {
    /// Its incarnation.
    pub epoch: Epoch,
    /// Its last seq.
    pub head: Seq,
    /// All events, folds among them.
    pub events: Vec<Event>,
}

impl Api {
    /// Without a login.
    #[must_use]
    pub fn stranger(address: SocketAddr) -> Self {
        Self { address, client: Client::builder(TokioExecutor::new()).build_http(), cookie: String::new() }
    }

    /// Trades the token for a cookie.
    ///
    /// # Panics
    /// When the login is refused.
    pub async fn login(address: SocketAddr, token: &str) -> Self {
        let mut api = Self::stranger(address);
        let request = api.request(Method::POST, "/v1/login").header(header::CONTENT_TYPE, "application/json");
        let body = Bytes::from(json!({ "token": token }).to_string());
        let answer = api.client.request(request.body(Full::new(body)).expect("a request")).await.expect("the gateway answers");
        assert!(answer.status().is_success(), "the login answers {}", answer.status());
        let cookies = answer.headers().get_all(header::SET_COOKIE).iter().filter_map(|cookie| cookie.to_str().ok()?.split(';').next());
        api.cookie = cookies.collect::<Vec<_>>().join("; ");
        api
    }

    /// With somebody's cookies, as a request sends them.
    #[must_use]
    pub fn with_cookie(address: SocketAddr, cookie: String) -> Self {
        Self { cookie, ..Self::stranger(address) }
    }

    /// The cookie of the login, as a request sends it.
    #[must_use]
    pub fn cookie(&self) -> &str {
        &self.cookie
    }

    fn request(&self, method: Method, path: &str) -> hyper::http::request::Builder {
        let request = Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        if self.cookie.is_empty() { request } else { request.header(header::COOKIE, &self.cookie) }
    }

    /// Sends a request with any body and further headers; answers the status and the body.
    ///
    /// # Panics
    /// When the gateway does not answer.
    pub async fn raw(&self, method: Method, path: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> (StatusCode, Bytes) {
        let request = headers.iter().fold(self.request(method, path), |request, (name, value)| request.header(*name, *value));
        let answer = self.client.request(request.body(Full::new(body.into())).expect("a request")).await.expect("the gateway answers");
        let status = answer.status();
        let body = answer.into_body().collect().await.expect("the whole answer").to_bytes();
        (status, body)
    }

    /// Sends a request with a JSON body.
    ///
    /// # Panics
    /// As [`Self::raw`].
    pub async fn post(&self, path: &str, body: &Value) -> (StatusCode, Bytes) {
        self.raw(Method::POST, path, &[("content-type", "application/json")], body.to_string()).await
    }

    /// Reads JSON.
    ///
    /// # Panics
    /// When the answer is not 200, or something else than was asked for.
    pub async fn read<T: DeserializeOwned>(&self, path: &str) -> T {
        let (status, body) = self.raw(Method::GET, path, &[], Bytes::new()).await;
        assert_eq!(status, StatusCode::OK, "{path} answers {}", String::from_utf8_lossy(&body));
        match serde_json::from_slice(&body) {
            Ok(value) => value,
            Err(error) => panic!("{path} answers something unexpected ({error}): {}", String::from_utf8_lossy(&body)),
        }
    }

    /// The session list.
    ///
    /// # Panics
    /// As [`Self::read`].
    pub async fn sessions(&self) -> Vec<SessionRow> {
        let Rows { rows, .. } = self.read("/v1/sessions").await;
        rows.into_iter().filter(|row| !row.deleted).collect()
    }

    /// A session's journal up to its head.
    ///
    /// # Panics
    /// As [`Self::read`], and when the answers leave out a seq or the journal changes its epoch meanwhile.
    pub async fn journal(&self, session: &SessionId) -> Journal {
        let mut events: Vec<Event> = Vec::new();
        loop {
            let after = events.last().map_or(Seq::ZERO, |event| event.seq);
            let page: RawEvents = self.read(&format!("/v1/sessions/{session}/events?after={after}&limit={PAGE_EVENTS}")).await;
            for event in page.events {
                // Between two pages, events that were read already may have been folded with some that were not.
                if matches!(event.body, EventBody::Fold(_)) {
                    events.truncate(events.partition_point(|read| read.seq < event.first()));
                }
                let after = events.last().map_or(Seq::ZERO, |event| event.seq);
                assert_eq!(event.first(), after.next(), "the journal of {session} is dense");
                events.push(event);
            }
            let last = events.last().map_or(Seq::ZERO, |event| event.seq);
            if last >= page.head {
                return Journal { epoch: page.epoch, head: page.head, events };
            }
            assert!(last > after, "the journal of {session} ends at {last}, before its head {}", page.head);
        }
    }
}

impl Journal {
    /// The journal as its readers see it.
    #[must_use]
    pub fn transcript(&self) -> Transcript {
        let (mut transcript, mut changes) = (Transcript::new(), Changes::new());
        transcript.set_epoch(&self.epoch, &mut changes);
        for event in &self.events {
            transcript.apply(event, &mut changes);
        }
        transcript
    }

    /// How often a message with this text was accepted. A fold counts as the acceptances it stands for.
    #[must_use]
    pub fn acceptances(&self, text: &str) -> usize {
        let accepted = |event: &Event| {
            if let EventBody::Accepted(accepted) = &event.body {
                return usize::from(accepted.text == text);
            }
            let EventBody::Fold(fold) = &event.body else { return 0 };
            let begun = |block: &&Block| block.kind == BlockKind::Message && block.text == text && block.opened >= event.first();
            fold.blocks.iter().filter(begun).count()
        };
        self.events.iter().map(accepted).sum()
    }

    /// How many terminal events of turns it holds. A fold counts as those it stands for.
    #[must_use]
    pub fn ends(&self) -> usize {
        let ended = |event: &Event| {
            let EventBody::Fold(fold) = &event.body else { return usize::from(matches!(event.body, EventBody::TurnEnded(_))) };
            fold.turns.iter().filter(|turn| turn.state.is_over()).count()
        };
        self.events.iter().map(ended).sum()
    }

    /// How many answers to requests were accepted.
    #[must_use]
    pub fn answers(&self) -> usize {
        // They are never folded.
        self.events.iter().filter(|event| matches!(event.body, EventBody::Answered(_))).count()
    }

    /// The texts of all messages, in the order of their turns.
    #[must_use]
    pub fn messages(&self) -> Vec<String> {
        let transcript = self.transcript();
        let blocks = transcript.turns().flat_map(|turn| transcript.blocks(&turn.id));
        blocks.filter(|block| block.kind == BlockKind::Message).map(|block| block.text.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use moorline_protocol::{Accepted, BlockId, Limits, MessageId, Outcome, TurnEnded, TurnStarted};
    use moorline_transcript::fold;

    use super::*;

    /// Two turns with the same text under different ids.
    fn twice() -> Vec<Event> {
        let turn = |name: &str, block| {
            let id = MessageId::parse(name).unwrap();
            let block = BlockId::numbered(block);
            let accepted = Accepted { message: id.clone(), hash: String::new(), block, text: "hi".into(), interrupt: None };
            let ended = TurnEnded { turn: id.clone(), outcome: Outcome::Completed, error: None, usage: None };
            [EventBody::Accepted(accepted), EventBody::TurnStarted(TurnStarted { turn: id }), EventBody::TurnEnded(ended)]
        };
        let bodies = turn("m1", 1).into_iter().chain(turn("m2", 2));
        (1..).zip(bodies).map(|(seq, body)| Event::plain(Seq::new(seq), 0, body)).collect()
    }

    fn journal(events: Vec<Event>) -> Journal {
        Journal { epoch: Epoch::parse("e").unwrap(), head: events.last().unwrap().seq, events }
    }

    #[test]
    fn a_second_acceptance_is_counted_plain_and_folded() {
        let plain = journal(twice());
        let run = twice();
        let folded = journal(vec![fold(&mut Transcript::new(), &run, &Limits::default()).unwrap()]);
        for journal in [plain, folded] {
            assert_eq!((journal.acceptances("hi"), journal.acceptances("other"), journal.ends(), journal.answers()), (2, 0, 2, 0));
            assert_eq!(journal.messages(), ["hi", "hi"]);
        }
    }
}
