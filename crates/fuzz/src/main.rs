//! `moorline-fuzz [--executions N] [--from SEED] [target…]`: runs targets, prints how fast, and fails if one failed.

use std::process::ExitCode;

use moorline_fuzz::{TARGETS, Target, run};

const USAGE: &str = "usage: moorline-fuzz [--executions N] [--from SEED] [target…]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let order = match Order::parse(&arguments) {
        Ok(order) => order,
        Err(sentence) => {
            eprintln!("{sentence}");
            return ExitCode::from(2);
        }
    };
    let mut verdict = ExitCode::SUCCESS;
    for target in order.targets {
        let report = run(target, order.from, order.executions);
        let rate = report.executions as f64 / report.took.as_secs_f64();
        let seconds = report.took.as_secs_f64();
        match report.found {
            None => println!("{}: {} executions hold, {rate:.0}/s, {seconds:.1} s", target.name, report.executions),
            Some(found) => {
                println!("{found}");
                verdict = ExitCode::FAILURE;
            }
        }
    }
    verdict
}

struct Order {
    executions: u64,
    from: u64,
    targets: Vec<&'static Target>,
}

impl Order {
    fn parse(arguments: &[String]) -> Result<Self, String> {
        let mut order = Self { executions: 100_000, from: 0, targets: Vec::new() };
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            let mut number = || words.next().and_then(|value| value.parse().ok()).ok_or_else(|| USAGE.to_owned());
            match word.as_str() {
                "--executions" => order.executions = number()?,
                "--from" => order.from = number()?,
                name => order.targets.push(TARGETS.iter().find(|target| target.name == name).ok_or_else(|| unknown(name))?),
            }
        }
        if order.targets.is_empty() {
            order.targets.extend(TARGETS);
        }
        Ok(order)
    }
}

fn unknown(name: &str) -> String {
    let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    format!("{USAGE}\nthere is no target {name}; there are {}", names.join(", "))
}
