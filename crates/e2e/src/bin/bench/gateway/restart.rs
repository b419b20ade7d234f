//! Everybody comes back at once: the gateway is killed and started again under 2,000 clients.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use moorline_e2e::within;
use moorline_protocol::{Cursor, Timings};
use tokio::time::sleep;

use super::subject::{Candidate, Moorline, Start, Subject, attach};
use crate::{ROUNDS, figures::Table, process::Side, raw::Line};

const CLIENTS: usize = 2_000;
const STREAMS: usize = 50;
const LONGEST: Duration = Duration::from_secs(120);
/// The peak rate is that of the best of these.
const WINDOW: Duration = Duration::from_millis(100);
/// With the gateway as it is by default, and on the transport that pages use first.
const LINE: Line = Line::WebSocket;

/// How a client waits before it tries again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// As the page does.
    Jitter,
    /// Hardly: what a gateway gets from clients without manners.
    AtOnce,
}

impl Rule {
    fn wait(self, failures: u32) -> Duration {
        let timings = Timings::default();
        match self {
            Self::Jitter => {
                let ceiling = (timings.backoff_min.0 << failures.min(10)).min(timings.backoff_max.0);
                Duration::from_millis(random() % (ceiling + 1))
            }
            Self::AtOnce => Duration::from_millis(10),
        }
    }
}

/// Measures and prints.
pub(super) async fn bench() {
    let mut table = Table::default();
    let full = Candidate::Moorline { durability: "full" };
    for (variant, rule) in [("the page's backoff", Rule::Jitter), ("no backoff", Rule::AtOnce)] {
        for _ in 0..ROUNDS {
            let Subject::Moorline(mut server) = full.start(Start::Folding).await else { return };
            measure(&mut table, variant, rule, &mut server).await;
        }
    }
    table.print("2,000 clients of 50 sessions, back after kill -9");
}

async fn measure(table: &mut Table, variant: &'static str, rule: Rule, server: &mut Moorline) {
    let streams: Vec<String> = (0..STREAMS).map(|n| format!("s{n}")).collect();
    for stream in &streams {
        server.make(stream).await;
    }
    let mut clients = Vec::new();
    for n in 0..CLIENTS {
        let stream = &streams[n % STREAMS];
        let follower = server.read(stream, LINE, n, None).await.expect("a connection");
        clients.push((n, stream.as_str(), follower));
    }
    let died = Instant::now();
    server.gateway.kill().await;
    Side::Server.pin();
    server.gateway.restart().await;
    Side::Load.pin();
    let up = Instant::now();
    let attempts = AtomicUsize::new(0);
    let server = &*server;
    let returns = clients.into_iter().map(|(n, stream, mut follower)| {
        let attempts = &attempts;
        async move {
            follower.until_end().await;
            let cursor = follower.cursor().expect("a client that was attached");
            drop(follower);
            come_back(server, stream, n, cursor, rule, attempts).await
        }
    });
    let live = within("everybody to be back", LONGEST, join_all(returns)).await;
    let mut moments: Vec<Duration> = live.iter().map(|(at, _)| at.saturating_duration_since(up)).collect();
    moments.sort();
    let last = moments.last().copied().unwrap_or_default();
    let peak = moments.iter().enumerate().map(|(n, first)| moments[n..].partition_point(|at| *at < *first + WINDOW)).max().unwrap_or(0);
    table.push(variant, "kill → the gateway listens again, ms", 0, (up - died).as_secs_f64() * 1e3);
    table.push(variant, "it listens → half of them are live, ms", 0, moments[CLIENTS / 2].as_secs_f64() * 1e3);
    table.push(variant, "it listens → all of them are live, ms", 0, last.as_secs_f64() * 1e3);
    table.push(variant, "peak rate: live again per second", 0, peak as f64 / WINDOW.as_secs_f64());
    table.push(variant, "attempts for each client", 2, attempts.load(Ordering::Relaxed) as f64 / CLIENTS as f64);
    table.push(variant, "server CPU ms for each client", 2, server.process().processor_time().as_secs_f64() * 1e3 / CLIENTS as f64);
}

/// Tries by the rule until the session is live again; the moment, and the connection that must stay open.
async fn come_back(
    server: &Moorline,
    stream: &str,
    n: usize,
    cursor: Cursor,
    rule: Rule,
    attempts: &AtomicUsize,
) -> (Instant, super::follower::Follower) {
    for failures in 0.. {
        sleep(rule.wait(failures)).await;
        attempts.fetch_add(1, Ordering::Relaxed);
        let Ok(mut follower) = server.open(stream, LINE, n, vec![attach(stream, Some(cursor.clone()))]).await else { continue };
        if follower.until_live().await.is_ok() {
            return (Instant::now(), follower);
        }
    }
    unreachable!("tries do not end")
}

/// Good enough to spread clients.
fn random() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(0)
}
