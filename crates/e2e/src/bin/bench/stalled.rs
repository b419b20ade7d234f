//! `bench stalled`: what one reader that stops takes from sixteen that read, at full rate.

use std::time::{Duration, Instant};

use moorline_e2e::{Api, Client, Gateway, Ledger, NativeClient, Pace, Transport};
use moorline_protocol::SessionId;

use crate::{ROUNDS, agent::Order, figures::Table, machine};

const HEALTHY: usize = 16;
/// How long each is measured.
const WINDOW: Duration = Duration::from_secs(60);
/// Behind the first event, until everything is warm.
const WARM_UP: Duration = Duration::from_secs(3);
const LONGEST: Duration = Duration::from_secs(30);
/// As fast as everything together goes, for longer than anybody measures.
const FLOOD: Order = Order { chunks: 1_000_000_000, pause: Duration::ZERO };

/// Whether somebody stops to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Company {
    Healthy,
    Stalled,
}

/// What one window came to.
#[derive(Debug)]
struct Window {
    /// All readers together, a second.
    events: f64,
    /// All readers together, a second.
    kilobytes: f64,
    /// Of the gateway, before the first reader came and after the window.
    megabytes: [f64; 2],
}

/// Measures and prints.
///
/// # Panics
/// When something needed is missing, or a reader saw a promise broken.
pub(crate) async fn bench() {
    machine::print(&[]);
    let mut table = Table::default();
    for round in 0..ROUNDS {
        // In turn, so that what changes with time meets both.
        let order = if round % 2 == 0 { [Company::Healthy, Company::Stalled] } else { [Company::Stalled, Company::Healthy] };
        let mut rates = [0.0; 2];
        for company in order {
            let window = measure(company).await;
            let (at, variant) = match company {
                Company::Healthy => (0, "16 readers"),
                Company::Stalled => (1, "and one that stops"),
            };
            rates[at] = window.kilobytes;
            table.push(variant, "events/s, all readers together", 0, window.events);
            table.push(variant, "KB/s of frames, all readers together", 0, window.kilobytes);
            table.push(variant, "gateway's memory before, MB", 1, window.megabytes[0]);
            table.push(variant, "gateway's memory after, MB", 1, window.megabytes[1]);
        }
        table.push("and one that stops", "KB/s, as a share of the same round's without, %", 1, 100.0 * rates[1] / rates[0]);
    }
    table.print("60 s at full rate");
    println!("\nload after: {}", machine::load());
}

async fn measure(company: Company) -> Window {
    let own = std::env::current_exe().expect("the benchmark's own path");
    let agent = format!("acp:'{}' agent", own.display());
    // Whoever stops stays for the whole window, which is the worst that it can do.
    let options = ["--agent", &agent, "--silence-ms", "600000", "--log", "warn"];
    let mut gateway = Gateway::start_without_client(Pace::Real, &options).await;
    let api = Api::login(gateway.address(), gateway.token()).await;
    let before = gateway.resident_bytes();
    let (ledger, session) = (Ledger::of_violations(), SessionId::parse("s").expect("an id"));
    let mut clients: Vec<NativeClient> = (0..HEALTHY)
        .map(|n| NativeClient::start(gateway.address(), api.cookie(), &format!("c{n}"), Transport::WebSocket, &ledger))
        .collect();
    clients.iter().for_each(|client| client.show(&session));
    // The session is there, and so is its agent.
    clients[0].send(&session, "0 0");
    for client in &mut clients {
        client.until("a first turn", LONGEST, |standing| standing.applied > 0 && standing.is_settled).await;
    }
    let stalled = match company {
        Company::Healthy => None,
        Company::Stalled => Some(Client::stalled(gateway.address(), api.cookie(), "stalled", &session).await),
    };
    clients[0].send(&session, &FLOOD.message());
    for client in &mut clients {
        let events = client.standing().events;
        client.until("the flood", LONGEST, |standing| standing.events > events + 10).await;
    }
    tokio::time::sleep(WARM_UP).await;
    let (read_before, began) = (read(&clients), Instant::now());
    tokio::time::sleep(WINDOW).await;
    let (read_after, seconds) = (read(&clients), began.elapsed().as_secs_f64());
    let after = gateway.resident_bytes();
    ledger.assert_kept("a flood");
    drop((clients, stalled));
    gateway.stop().await;
    Window {
        events: (read_after.0 - read_before.0) as f64 / seconds,
        kilobytes: (read_after.1 - read_before.1) as f64 / seconds / 1e3,
        megabytes: [before, after].map(|bytes| bytes as f64 / 1e6),
    }
}

/// Events and bytes that all of them have read.
fn read(clients: &[NativeClient]) -> (u64, u64) {
    let standings = clients.iter().map(NativeClient::standing);
    standings.fold((0, 0), |(events, bytes), standing| (events + standing.events, bytes + standing.bytes))
}
