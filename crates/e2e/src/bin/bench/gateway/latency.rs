//! What durable-before-visible costs: receipts, live text, and how much goes through.

use std::time::Duration;

use moorline_e2e::{Api, Gateway, Pace};

use crate::{
    ROUNDS,
    agent::Order,
    figures::{Latencies, Table},
    load::{self, Load},
    process::Side,
};

/// The pace of a person reading one answer, and of eight agents in a hurry.
const ONE: Load = Load { sessions: 1, order: Order { chunks: 400, pause: Duration::from_millis(10) } };
const EIGHT: Load = Load { sessions: 8, order: Order { chunks: 600, pause: Duration::from_millis(5) } };
/// As fast as everything together goes.
const FLOOD: [Load; 2] = [
    Load { sessions: 1, order: Order { chunks: 100_000, pause: Duration::ZERO } },
    Load { sessions: 8, order: Order { chunks: 25_000, pause: Duration::ZERO } },
];

/// Measures and prints.
pub(super) async fn bench() {
    let mut table = Table::default();
    for durability in ["full", "os"] {
        let own = std::env::current_exe().expect("the benchmark's own path");
        let agent = format!("acp:'{}' agent", own.display());
        Side::Server.pin();
        let gateway = Gateway::start_without_client(
            Pace::Real,
            &["--durability", durability, "--agent", &agent, "--log", "warn", "--sends-per-second", "1000000"],
        )
        .await;
        Side::Load.pin();
        let api = Api::login(gateway.address(), gateway.token()).await;
        for round in 0..ROUNDS {
            measure(&mut table, durability, &gateway, &api, round).await;
        }
    }
    table.print("`--durability`");
}

async fn measure(table: &mut Table, durability: &'static str, gateway: &Gateway, api: &Api, round: usize) {
    let place = load::Place { address: gateway.address(), cookie: api.cookie(), name: format!("{durability}{round}") };
    let sends = load::sends(&place).await;
    let mut latency = |what: &str, latencies: Latencies| {
        let (half, most) = latencies.percentiles();
        table.push(durability, &format!("{what}, p50, ms"), 2, half);
        table.push(durability, &format!("{what}, p99, ms"), 2, most);
    };
    latency("send → receipt", sends.receipts);
    latency("send → its event at another reader", sends.events);
    for (what, load) in [("1 session at 100 updates/s", ONE), ("8 sessions at 200 updates/s each", EIGHT)] {
        let done = load::run(&place, what, load).await;
        assert_eq!(done.ages.len(), load.updates(), "every chunk arrives once");
        latency(&format!("agent → reader, {what}"), done.ages);
    }
    for (what, load) in ["1 session flat out", "8 sessions flat out"].into_iter().zip(FLOOD) {
        let done = load::run(&place, what, load).await;
        assert_eq!(done.ages.len(), load.updates(), "every chunk arrives once");
        let seconds = done.took.as_secs_f64();
        table.push(durability, &format!("{what}: updates/s, durable and delivered"), 0, load.updates() as f64 / seconds);
        table.push(durability, &format!("{what}: events/s after joining"), 0, done.events as f64 / seconds);
        table.push(durability, &format!("{what}: text, KB/s"), 0, done.text_bytes as f64 / 1e3 / seconds);
    }
}
