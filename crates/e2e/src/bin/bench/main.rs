//! The project's figures: `bench page`, `gateway`, `million`, `stalled` and `flood`, as `cargo xtask bench` starts them.
//!
//! They run the real gateway as a child process and print a table of medians with their ranges, each with the machine
//! they were taken on. Nothing here passes or fails: what the figures mean stands in `docs/benchmarks.md`. `bench agent`
//! is the agent of the gateway's figures, a process that the gateway starts.

mod agent;
mod figures;
mod flood;
mod gateway;
mod load;
mod machine;
mod million;
mod page;
mod process;
mod raw;
mod reader;
mod stalled;

use std::process::ExitCode;

/// Whole runs of everything that is measured; the tables hold the median of them.
const ROUNDS: usize = 5;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["page", ref parts @ ..] => run(page::bench(parts)),
        ["gateway", ref figures @ ..] => run_on_one_thread(gateway::bench(figures)),
        ["million"] => run(million::bench()),
        ["stalled"] => run(stalled::bench()),
        ["flood"] => run(flood::bench()),
        ["agent"] => agent::serve(),
        _ => {
            eprintln!(
                "bench takes one word: page, gateway, million, stalled, flood or agent; behind gateway and page, the names of figures"
            );
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn run(bench: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(bench);
}

/// What it starts inherits the processor that its one thread is on.
fn run_on_one_thread(bench: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(bench);
}
