//! A gateway that is killed again and again while everybody works.
//!
//! `MOORLINE_E2E_KILLS` says how often (10), `MOORLINE_E2E_SEED` which random moments and messages. On an even seed journals are
//! folded early, on an odd one they keep every event, so that each can be held against what was shown.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use moorline_delivery::Random;
use moorline_e2e::{Api, Gateway, Journal, Ledger, Pace, Workload};
use moorline_protocol::EventBody;
use serde_json::Value;

/// Between two kills at most, as long as the gateway runs.
const LIFE_MS: u64 = 1_500;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_killed_at_random_moments_under_load_keeps_every_promise() {
    let (kills, seed) = (option("MOORLINE_E2E_KILLS", 10), option("MOORLINE_E2E_SEED", 2));
    let run = format!("MOORLINE_E2E_SEED={seed} with {kills} kills");
    let began = Instant::now();
    let prompts = tempfile::tempdir().expect("a folder for what the agents are handed");
    let mut gateway = start(prompts.path(), seed).await;
    let api = Api::login(gateway.address(), gateway.token()).await;
    // Two write into each session, one over a WebSocket and one over an event stream; four read it.
    let load = Workload::start(&gateway, &api, 8, 16, seed);
    kill(&mut gateway, kills, &mut Random::new(seed), load.ledger()).await;
    let done = load.finish(&api, &run).await;
    let handed = handed(prompts.path());
    done.ledger.judge_prompts(handed.iter().map(String::as_str));

    let (shown, sent, acknowledged) = done.ledger.counts();
    let turns: usize = done.journals.values().map(Journal::ends).sum();
    let folds = done.journals.values().flat_map(|journal| &journal.events).filter(|event| matches!(event.body, EventBody::Fold(_))).count();
    let heads: u64 = done.journals.values().map(|journal| journal.head.value()).sum();
    let counters = || done.screens.values().flat_map(|screens| &screens.counters);
    let connections: u64 = counters().map(|counters| counters.connections).sum();
    let snapshots: u64 = counters().map(|counters| counters.snapshots).sum();
    let unanswered: u64 = counters().map(|counters| counters.attempts.unanswered).sum();
    println!(
        "{run}: {:.0} s, {sent} messages and answers, {acknowledged} receipts, {unanswered} attempts unanswered, {turns} turns, {} prompts, \
         {heads} events, {shown} of them shown as they came, {folds} folds, {connections} connections, {snapshots} snapshots, {} reloads",
        began.elapsed().as_secs_f64(),
        handed.len(),
        counters().count() - done.screens.len(),
    );
    assert!(turns > 0 && acknowledged > 0 && !handed.is_empty(), "{run}: there was a load");
    done.ledger.assert_kept(&run);
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
