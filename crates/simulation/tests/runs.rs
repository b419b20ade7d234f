//! Whole runs: a share of the seeds, and what must hold between runs.

use moorline_protocol::Millis;
use moorline_simulation::{Act, Cut, Plan, Quality, Shape, Sockets, run, run_plan};

#[test]
fn every_invariant_holds_over_random_scenarios() {
    for seed in 1_000_000..1_000_150 {
        let report = run(seed, false);
        assert_eq!(report.violation, None, "seed {seed}");
    }
}

#[test]
fn the_same_seed_gives_the_same_run_to_the_last_step() {
    for seed in [3, 44, 91] {
        let (one, other) = (run(seed, true), run(seed, true));
        assert_eq!((one.hash, one.trace), (other.hash, other.trace), "seed {seed}");
    }
    assert_ne!(run(3, false).hash, run(4, false).hash);
}

/// Only what somebody types: what is stopped or taken back depends on the moment.
fn typing_only(seed: u64) -> Plan {
    let mut plan = Plan::draw(seed, Shape::Calm);
    plan.course.retain(|(_, act)| matches!(act, Act::Type { .. }));
    plan.limits.queue = 100;
    plan.limits.outbox_sends = 100;
    plan
}

#[test]
fn setting_every_delay_to_zero_changes_no_result() {
    for seed in 1..200 {
        let slow = run_plan(typing_only(seed), false);
        let mut plan = typing_only(seed);
        plan.quality = Quality { latency: Millis(0), jitter: Millis(0), bytes_per_second: 0 };
        plan.fsync = Millis(0);
        let fast = run_plan(plan, false);
        assert_eq!((&slow.violation, &fast.violation), (&None, &None), "seed {seed}");
        assert_eq!(slow.outcome, fast.outcome, "seed {seed}");
    }
}

#[test]
fn the_transport_changes_no_result() {
    for seed in 1..200 {
        let outcomes = [Sockets::Pass, Sockets::Refused, Sockets::Hang].map(|sockets| {
            let report = run_plan(Plan { sockets, ..typing_only(seed) }, false);
            assert_eq!(report.violation, None, "seed {seed}, {sockets:?}");
            report.outcome
        });
        assert!(outcomes.iter().all(|outcome| *outcome == outcomes[0]), "seed {seed}: {outcomes:?}");
    }
}

#[test]
fn switching_transports_in_mid_turn_and_mid_send_changes_no_result() {
    for seed in 1..200 {
        let whole = run_plan(Plan { sockets: Sockets::Pass, ..typing_only(seed) }, false);
        let mut plan = Plan { sockets: Sockets::Pass, upgrade: Millis(700), ..typing_only(seed) };
        let typed: Vec<Millis> = plan.course.iter().map(|(at, _)| *at).collect();
        for (n, at) in typed.into_iter().enumerate() {
            let length = Millis(1_000 + n as u64 * 613 % 3_000);
            plan.course.push((at + Millis(n as u64 * 37 % 400), Act::NoSockets { tab: n, length }));
        }
        plan.course.sort_by_key(|(at, _)| *at);
        let switched = run_plan(plan, false);
        assert_eq!((&whole.violation, &switched.violation), (&None, &None), "seed {seed}");
        assert_eq!(whole.outcome, switched.outcome, "seed {seed}");
    }
}

#[test]
fn whatever_posts_are_answered_with_the_result_is_the_same() {
    for seed in 1..200 {
        let whole = run_plan(typing_only(seed), false);
        let faulty = run_plan(Plan { sockets: Sockets::Refused, post_faults: 2, logins_end: false, ..typing_only(seed) }, false);
        assert_eq!((&whole.violation, &faulty.violation), (&None, &None), "seed {seed}");
        assert_eq!(whole.outcome, faulty.outcome, "seed {seed}");
    }
}

#[test]
fn cutting_the_line_changes_no_result() {
    for seed in 1..200 {
        let whole = run_plan(typing_only(seed), false);
        let mut plan = typing_only(seed);
        let cuts = [Cut::Clean, Cut::Reset, Cut::TabOnly, Cut::GatewayOnly, Cut::HoleDown, Cut::HoleUp, Cut::HoleBoth];
        // A cut beside each message, so that sends and turns are hit in the middle.
        let typed: Vec<Millis> = plan.course.iter().map(|(at, _)| *at).collect();
        for (n, at) in typed.into_iter().enumerate() {
            plan.course.push((at + Millis(n as u64 * 37 % 400), Act::Cut { tab: n, cut: cuts[n % cuts.len()] }));
        }
        plan.course.sort_by_key(|(at, _)| *at);
        let cut = run_plan(plan, false);
        assert_eq!((&whole.violation, &cut.violation), (&None, &None), "seed {seed}");
        assert_eq!(whole.outcome, cut.outcome, "seed {seed}");
    }
}
