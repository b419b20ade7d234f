//! A gateway that is killed again and again while everybody works.
//!
//! `MOORLINE_E2E_KILLS` says how often (10), `MOORLINE_E2E_SEED` which random moments and messages. On an even seed journals are
//! folded early, on an odd one they keep every event, so that each can be held against what was shown.

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, Instant},
};

use moorline_delivery::Random;
use moorline_e2e::{Api, Gateway, Journal, Ledger, NativeClient, Pace, Screens, Transport};
use moorline_protocol::{EventBody, SessionId};
use serde_json::Value;
use tokio::sync::watch;

const SESSIONS: usize = 8;
/// Two write into each session, one over a WebSocket and one over an event stream; four read it.
const CLIENTS: usize = 16;
/// Between two kills at most, as long as the gateway runs.
const LIFE_MS: u64 = 1_500;
/// How long everything may take to come to rest once nothing breaks any more.
const REST: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_killed_at_random_moments_under_load_keeps_every_promise() {
    let (kills, seed) = (option("MOORLINE_E2E_KILLS", 10), option("MOORLINE_E2E_SEED", 2));
    let run = format!("MOORLINE_E2E_SEED={seed} with {kills} kills");
    println!("{run}");
    let began = Instant::now();
    let prompts = tempfile::tempdir().expect("a folder for what the agents are handed");
    let mut gateway = start(prompts.path(), seed).await;
    let api = Api::login(gateway.address(), gateway.token()).await;
    let ledger = Ledger::default();

    let (tell, pause) = watch::channel(false);
    let typists = (0..CLIENTS).map(|n| {
        let on = if n < SESSIONS { Transport::WebSocket } else { Transport::Sse };
        let client = NativeClient::start(gateway.address(), api.cookie(), &format!("c{n}"), on, &ledger);
        tokio::spawn(work(client, n, Random::new(seed << 8 | n as u64), pause.clone()))
    });
    let typists: Vec<_> = typists.collect();
    kill(&mut gateway, kills, &mut Random::new(seed), &ledger).await;
    tell.send_replace(true);
    let mut clients = Vec::new();
    for typist in typists {
        clients.push(typist.await.expect("a user goes on"));
    }

    let journals = settle(&mut clients, &api, &ledger, &run).await;
    let mut screens = BTreeMap::new();
    for client in clients {
        screens.insert(client.name().to_owned(), client.stop().await);
    }
    for (session, journal) in &journals {
        ledger.judge(session, journal, &screens);
    }
    let handed = handed(prompts.path());
    ledger.judge_prompts(handed.iter().map(String::as_str));
    tell_of(&run, began.elapsed(), &ledger, &journals, &screens, handed.len());
    ledger.assert_kept(&run);
}

fn option(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text:?}")))
}

/// A gateway whose agents write down what they are handed.
async fn start(prompts: &Path, seed: u64) -> Gateway {
    let program = Gateway::program();
    let agent = format!("acp:sh -c 'tee -a \"{}/$$\" | exec \"{}\" demo-agent --delay-ms 2'", prompts.display(), program.display());
    let kept = if seed.is_multiple_of(2) { "40" } else { "1000000" };
    Gateway::start_without_client(Pace::Real, &["--agent", &agent, "--timings-divisor", "10", "--fold-events", kept, "--log", "warn"]).await
}

fn session(n: usize) -> SessionId {
    SessionId::parse(&format!("s{}", n % SESSIONS)).expect("an id")
}

/// A user who writes into one session, reads that and the next, stops a turn now and then, and reloads the page.
async fn work(mut client: NativeClient, n: usize, mut random: Random, mut pause: watch::Receiver<bool>) -> NativeClient {
    let (own, other) = (session(n), session(n + 1));
    client.show(&other);
    client.show(&own);
    let mut sent = 0;
    loop {
        let rest = Duration::from_millis(20 + random.below(300));
        if tokio::time::timeout(rest, pause.wait_for(|pause| *pause)).await.is_ok() {
            return client;
        }
        let what = random.below(100);
        match what {
            0..2 => client.reload(),
            2..6 => client.cancel(&own),
            // Nobody writes faster than their agent works.
            _ if client.standing().unfinished >= 3 => {}
            _ => {
                sent += 1;
                let text = match what {
                    6..60 => format!("/echo {sent} from {}", client.name()),
                    60..75 => format!("/ask {sent} from {}", client.name()),
                    _ => format!("note {sent} from {}", client.name()),
                };
                client.send(&own, &text);
            }
        }
    }
}

/// Kills the gateway at random moments, some of them while it is starting, until a promise is broken.
async fn kill(gateway: &mut Gateway, kills: u64, random: &mut Random, ledger: &Ledger) {
    let mut done = 0;
    while done < kills && ledger.violations().is_empty() {
        tokio::time::sleep(Duration::from_millis(random.below(LIFE_MS))).await;
        gateway.kill().await;
        done += 1;
        if random.below(4) == 0 {
            tokio::time::sleep(Duration::from_millis(random.below(400))).await;
        }
        while done < kills && random.below(4) == 0 {
            gateway.start_and_kill(Duration::from_millis(random.below(60))).await;
            done += 1;
        }
        gateway.restart().await;
    }
}

/// Waits until everything is at rest and everybody has all of it.
async fn settle(clients: &mut [NativeClient], api: &Api, ledger: &Ledger, run: &str) -> BTreeMap<SessionId, Journal> {
    let what = format!("everything to be sent and over ({run})");
    loop {
        for client in &mut *clients {
            let broken = || ledger.violations().into_iter().next();
            client.until(&what, REST, |standing| standing.is_settled && standing.unfinished == 0 || broken().is_some()).await;
            ledger.assert_kept(run);
        }
        if clients.iter().all(|client| client.standing().is_settled) {
            break;
        }
    }
    let mut journals = BTreeMap::new();
    for n in 0..SESSIONS {
        journals.insert(session(n), api.journal(&session(n)).await);
    }
    for (n, client) in clients.iter_mut().enumerate() {
        let heads = [session(n), session(n + 1)].map(|session| journals[&session].head.value());
        client.until("the heads of the journals", REST, |standing| standing.applied == heads[0] + heads[1]).await;
    }
    journals
}

/// The texts of all prompts that any agent was handed.
fn handed(prompts: &Path) -> Vec<String> {
    let mut handed = Vec::new();
    for file in std::fs::read_dir(prompts).expect("the agents' folder") {
        let lines = std::fs::read_to_string(file.expect("an agent's file").path()).expect("text");
        // Of the last line a kill may have left a part.
        let orders = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let prompts = orders.filter(|order| order["method"] == "session/prompt");
        handed.extend(prompts.map(|order| order["params"]["prompt"][0]["text"].as_str().expect("a prompt of text").to_owned()));
    }
    handed
}

fn tell_of(
    run: &str,
    took: Duration,
    ledger: &Ledger,
    journals: &BTreeMap<SessionId, Journal>,
    screens: &BTreeMap<String, Screens>,
    handed: usize,
) {
    let (shown, sent, acknowledged) = ledger.counts();
    let turns: usize = journals.values().map(Journal::ends).sum();
    let folds = journals.values().flat_map(|journal| &journal.events).filter(|event| matches!(event.body, EventBody::Fold(_))).count();
    let heads: u64 = journals.values().map(|journal| journal.head.value()).sum();
    let counters = || screens.values().flat_map(|screens| &screens.counters);
    let connections: u64 = counters().map(|counters| counters.connections).sum();
    let snapshots: u64 = counters().map(|counters| counters.snapshots).sum();
    let reloads = counters().count() - screens.len();
    let unanswered: u64 = counters().map(|counters| counters.attempts.unanswered).sum();
    println!(
        "{run} took {:.0} s: {sent} messages sent, {acknowledged} acknowledged, {unanswered} attempts unanswered, {turns} turns, {handed} \
         prompts, {heads} events, {shown} of them shown live, {folds} folds, {connections} connections, {snapshots} snapshots, {reloads} \
         reloads",
        took.as_secs_f64()
    );
    assert!(turns > 0 && acknowledged > 0 && handed > 0, "{run}: there was a load");
}
