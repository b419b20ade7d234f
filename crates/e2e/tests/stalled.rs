//! Readers that stop, beside those that do not.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use moorline_e2e::{Api, Client, Gateway, Ledger, NativeClient, Pace, Transport, within};
use moorline_protocol::{GatewayFrame, SessionId};

const HEALTHY: usize = 16;
const STALLED: usize = 32;
/// Events of some 3 MB: far more than the system takes for a socket that nobody reads.
const TURN: &str = "/mix 20000";
/// What the gateway may hold for a reader that stops: a frame on its way, and the buffers around it. A queue would hold the turn.
const PER_READER_BYTES: u64 = 256 << 10;
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
        healthy.turn("/echo hi").await;
        healthy
    }

    /// A turn that all of them read to its end.
    async fn turn(&mut self, message: &str) {
        self.clients[0].send(&self.session, message);
        self.clients[0].until("a turn to begin", LIMIT, |standing| standing.unfinished > 0).await;
        for client in &mut self.clients {
            client.until("the end of a turn", LIMIT, |standing| standing.is_settled).await;
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
    let patient = ["--ping-ms", "2000", "--silence-ms", "120000", "--log", "warn"];
    let gateway = Gateway::start_without_client(Pace::Real, &patient).await;
    let address = gateway.address();
    let api = Api::login(address, gateway.token()).await;
    let ledger = Ledger::default();
    // The first turn costs what the next one finds in place; the second is what it is compared with.
    let mut grown = Vec::new();
    let mut stalled = Vec::new();
    for name in ["first", "without", "with"] {
        let mut healthy = Healthy::start(address, &api, name, &ledger).await;
        let before = gateway.resident_bytes();
        if name == "with" {
            for n in 0..STALLED {
                stalled.push(Client::stalled(address, api.cookie(), &format!("stalled-{n}"), &healthy.session).await);
            }
        }
        healthy.turn(TURN).await;
        grown.push(gateway.resident_bytes().saturating_sub(before));
        healthy.stop(&api, &ledger).await;
    }
    ledger.assert_kept("readers that stop");

    // They did stop, nobody has given them up, and whoever reads on is caught up with.
    for mut client in stalled {
        let mut frames = 0;
        let reading_on = async {
            let mut has_events = false;
            loop {
                let Some(frame) = client.next().await else { panic!("a reader was given up") };
                frames += 1;
                has_events |= matches!(frame, GatewayFrame::Events(_));
                if has_events && matches!(frame, GatewayFrame::Ping(_)) {
                    return;
                }
            }
        };
        within("a reader that reads on to get what it left", LIMIT, reading_on).await;
        assert!(frames > 10, "it had left {frames} frames");
    }
    let [first, without, with] = grown[..] else { unreachable!("three turns") };
    println!("a turn's memory: {first} bytes the first time, {without} without and {with} with {STALLED} readers that stopped");
    let allowed = without + STALLED as u64 * PER_READER_BYTES;
    assert!(with < allowed, "{with} bytes with {STALLED} readers that stopped, {without} without");
}
