//! The gateway, filled by an agent whose text consists of marked pieces.

use std::{
    io,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use moorline_e2e::{Api, Client, Gateway, Pace};
use moorline_protocol::{Attach, ClientFrame, ClientId, Cursor, Hello, MessageId, PageId, Seq, SessionId, VERSION, encode};

use crate::{
    agent::Filling,
    gateway::follower::{Follower, Moorline as Place, Upkeep},
    process::Process,
    raw::{Line, RawReader},
};

/// How the gateway keeps its journals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// As it does by default.
    Folding,
    /// Every event as it was committed, and all of them replayed.
    Raw,
}

/// A running gateway.
#[derive(Debug)]
pub(crate) struct Moorline {
    pub(crate) gateway: Gateway,
    api: Api,
    messages: AtomicU64,
}

/// Connections that any figure makes at most, and some more.
const CONNECTIONS: &str = "4096";

impl Moorline {
    pub(super) async fn start(durability: &str, start: Start) -> Self {
        let own = std::env::current_exe().expect("the benchmark's own path");
        let agent = format!("acp:'{}' agent", own.display());
        let mut options = vec!["--durability", durability, "--agent", &agent, "--log", "warn", "--connections", CONNECTIONS];
        options.extend(["--sends-per-second", "1000000"]);
        if start == Start::Raw {
            options.extend(["--replay-cap", "20000", "--fold-events", "1000000", "--fold-ms", "86400000"]);
        }
        let gateway = Gateway::start_without_client(Pace::Real, &options).await;
        let api = Api::login(gateway.address(), gateway.token()).await;
        Self { gateway, api, messages: AtomicU64::new(0) }
    }

    pub(crate) fn process(&self) -> Process {
        Process(self.gateway.process_id())
    }

    /// Makes a session whose agent is at work.
    pub(crate) async fn make(&self, stream: &str) {
        self.turn(stream, Filling { texts: 0, pause: Duration::ZERO }).await;
    }

    pub(crate) async fn append(&self, stream: &str, texts: usize, pause: Duration) {
        self.turn(stream, Filling { texts, pause }).await;
    }

    async fn turn(&self, stream: &str, filling: Filling) {
        let n = self.messages.fetch_add(1, Ordering::Relaxed);
        let message = MessageId::parse(&format!("m{n}")).expect("a valid id");
        let (mut client, _) = Client::greeted(self.gateway.address(), self.api.cookie(), &format!("sender{n}")).await;
        client.send_text(&session(stream), &message, &filling.message()).await;
        client.expect_receipt(&message).await;
    }

    /// A reader, from a cursor or with nothing.
    pub(crate) async fn read(&self, stream: &str, line: Line, reader: usize, cursor: Option<Cursor>) -> io::Result<Follower> {
        let mut follower = self.open(stream, line, reader, vec![attach(stream, cursor)]).await?;
        follower.until_live().await?;
        Ok(follower)
    }

    /// A connection that has said hello.
    pub(crate) async fn open(&self, stream: &str, line: Line, reader: usize, attaches: Vec<Attach>) -> io::Result<Follower> {
        let hello = Hello {
            version: VERSION,
            client: ClientId::parse(&format!("client-{}-{reader}", line.name())).expect("a valid id"),
            page: PageId::parse("page").expect("a valid id"),
            attaches,
            rows_rev: None,
        };
        let cookie = format!("Cookie: {}\r\n", self.api.cookie());
        let address = self.gateway.address();
        let place = Place::new(session(stream), line, self.api.clone());
        match line {
            Line::WebSocket => {
                let headers = format!("{cookie}Sec-WebSocket-Protocol: {}\r\n", moorline_protocol::SUBPROTOCOL);
                let mut reader = RawReader::open(address, line, "/v1/connect", &headers).await?;
                reader.say(&encode(&ClientFrame::Hello(hello))).await?;
                Ok(Follower::new(reader, Upkeep::Moorline(Box::new(place))))
            }
            Line::Events => {
                let hello = serde_json::to_string(&hello).map_err(io::Error::other)?;
                let hello: String = url::form_urlencoded::byte_serialize(hello.as_bytes()).collect();
                let reader = RawReader::open(address, line, &format!("/v1/events?hello={hello}"), &cookie).await?;
                Ok(Follower::new(reader, Upkeep::Moorline(Box::new(place))))
            }
        }
    }
}

/// The first attach of a connection.
pub(crate) fn attach(stream: &str, cursor: Option<Cursor>) -> Attach {
    let (epoch, seq) = cursor.map_or((None, Seq::ZERO), |cursor| (Some(cursor.epoch), cursor.seq));
    Attach { session: session(stream), no: 1, epoch, seq, snapshot: false }
}

fn session(stream: &str) -> SessionId {
    SessionId::parse(stream).expect("a valid id")
}
