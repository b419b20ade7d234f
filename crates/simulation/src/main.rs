//! `moorline-simulation --seeds N --from S`: runs seeds, prints how many a second, and stops at the first that fails.

use std::{process::ExitCode, time::Instant};

const USAGE: &str = "usage: moorline-simulation [--seeds N] [--from S] | --trace SEED";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(order) = Order::parse(&arguments) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    if let Some(seed) = order.trace {
        let report = moorline_simulation::run(seed, true);
        print!("{}", report.trace);
        return verdict(seed, &report);
    }
    let began = Instant::now();
    let mut steps = 0;
    for seed in order.from..order.from + order.seeds {
        let report = moorline_simulation::run(seed, false);
        steps += report.steps;
        if report.violation.is_some() {
            return verdict(seed, &report);
        }
        let done = seed - order.from + 1;
        if done % 5_000 == 0 {
            println!("{done} seeds, {:.0} a second", done as f64 / began.elapsed().as_secs_f64());
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "{} seeds from {} hold: {:.0} seeds/s, {steps} steps in {seconds:.1} s",
        order.seeds,
        order.from,
        order.seeds as f64 / seconds
    );
    ExitCode::SUCCESS
}

struct Order {
    seeds: u64,
    from: u64,
    trace: Option<u64>,
}

impl Order {
    fn parse(arguments: &[String]) -> Option<Self> {
        let mut order = Self { seeds: 20_000, from: 1, trace: None };
        for pair in arguments.chunks(2) {
            let [name, value] = pair else { return None };
            let value = value.parse().ok()?;
            match name.as_str() {
                "--seeds" => order.seeds = value,
                "--from" => order.from = value,
                "--trace" => order.trace = Some(value),
                _ => return None,
            }
        }
        Some(order)
    }
}

fn verdict(seed: u64, report: &moorline_simulation::Report) -> ExitCode {
    match &report.violation {
        None => {
            println!("seed {seed} holds");
            ExitCode::SUCCESS
        }
        Some(violation) => {
            println!("seed {seed} fails: {violation}");
            println!("replay it with: cargo run --release -p moorline-simulation -- --trace {seed}");
            ExitCode::FAILURE
        }
    }
}
