//! Readers that stop, beside those that do not.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use hyper::{Method, StatusCode};
use moorline_e2e::{Api, Client, Gateway, Ledger, NativeClient, Pace, Transport};
use moorline_protocol::{CONNECTION_HEADER, ClientFrame, ClientPing, SessionId, encode};

const HEALTHY: usize = 16;
const STALLED: usize = 32;
/// Far more than the system takes for a socket that nobody reads.
const TURNS: [&str; 16] = ["/long 250"; 16];
/// What the gateway may hold for a reader that stops. It is a frame on its way and the buffers around it; the rest is by
/// how much the same turns' memory differs. A queue would hold all of them.
const PER_READER_BYTES: u64 = 1 << 20;
const LIMIT: Duration = Duration::from_secs(60);

/// The readers of one session who read.
struct Healthy {
    session: SessionId,
    clients: Vec<NativeClient>,
}

impl Healthy {
    /// Each has read a first, short turn.
    async fn start(address: SocketAddr, api: &Api, name: &str, ledger: &Ledger) -> Self {
        let session = SessionId::parse(name).unwrap();
        let client = |n: usize| {
            let on = if n.is_multiple_of(2) { Transport::WebSocket } else { Transport::Sse };
            let client = NativeClient::start(address, api.cookie(), &format!("{name}-{n}"), on, ledger);
            client.show(&session);
            client
        };
        let clients = (0..HEALTHY).map(client).collect();
        let mut healthy = Self { session, clients };
        healthy.turns(&["/echo hi"]).await;
        healthy
    }

    /// Turns that all of them read to their end.
    async fn turns(&mut self, messages: &[&str]) {
        let before = self.clients[0].standing().applied;
        for message in messages {
            self.clients[0].send(&self.session, message);
        }
        for client in &mut self.clients {
            client.until("the end of the turns", LIMIT, |standing| standing.applied > before && standing.is_settled).await;
        }
    }

    /// Each shows what the journal has.
    async fn stop(self, api: &Api, ledger: &Ledger) {
        let journal = api.journal(&self.session).await;
        let mut screens = BTreeMap::new();
        for mut client in self.clients {
            client.until("the head of the journal", LIMIT, |standing| standing.applied == journal.head.value()).await;
            screens.insert(client.name().to_owned(), client.stop().await);
        }
        ledger.judge(&self.session, &journal, &screens);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_stops_delays_neither_another_reader_nor_the_turn() {
    let gateway = Gateway::start_without_client(Pace::Real, &["--silence-ms", "120000", "--log", "warn"]).await;
    let address = gateway.address();
    let api = Api::login(address, gateway.token()).await;
    let ledger = Ledger::default();
    // The first turns cost what the next ones find in place; the second are what it is compared with.
    let mut grown = Vec::new();
    let mut stalled = Vec::new();
    for name in ["first", "without", "with"] {
        let mut healthy = Healthy::start(address, &api, name, &ledger).await;
        let (before, unread) = (gateway.resident_bytes(), healthy.clients[0].standing().bytes);
        if name == "with" {
            for n in 0..STALLED {
                stalled.push(Client::stalled(address, api.cookie(), &format!("stalled-{n}"), &healthy.session).await);
            }
        }
        healthy.turns(&TURNS).await;
        grown.push(gateway.resident_bytes().saturating_sub(before));
        let read = healthy.clients[0].standing().bytes - unread;
        assert!(read > 2 * PER_READER_BYTES, "turns of {read} bytes tell nothing");
        healthy.stop(&api, &ledger).await;
    }
    ledger.assert_kept("readers that stop");

    // Nobody has given them up, whether there is room for what is posted to them or not.
    for (_, welcome) in &stalled {
        let connection = [(CONNECTION_HEADER, welcome.connection.as_str())];
        let (status, _) = api.raw(Method::POST, "/v1/ping", &connection, encode(&ClientFrame::Ping(ClientPing {}))).await;
        assert!([StatusCode::NO_CONTENT, StatusCode::TOO_MANY_REQUESTS].contains(&status), "{status}");
    }
    let [first, without, with] = grown[..] else { unreachable!("three turns") };
    println!("the turns' memory: {first} bytes the first time, {without} without and {with} with {STALLED} readers that stopped");
    let allowed = without + STALLED as u64 * PER_READER_BYTES;
    assert!(with < allowed, "{with} bytes with {STALLED} readers that stopped, {without} without");
}
