//! `cargo xtask`: the project's own commands, in Rust, so that two machines differ in nothing but their speed.
//!
//! Each task first looks for what it needs and gets what is missing ([`setup`]), then runs its steps under a headline
//! each ([`step`]), and fails with one sentence. The tests' output is read while it passes by (`test/tally.rs`), so that
//! the last line can sum up all parts, and so that `docs/coverage.md` can be held against the tests that really ran.

mod arguments;
mod bench;
mod compression;
mod dist;
mod failure;
mod fuzz;
mod lint;
mod process;
mod product;
mod run;
mod setup;
mod shrink;
mod step;
mod test;
mod workspace;

use std::env;
use std::process::ExitCode;

use crate::arguments::Task;
use crate::failure::Outcome;
use crate::setup::{Browser, ClientTools};
use crate::workspace::Workspace;

fn main() -> ExitCode {
    match perform() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn perform() -> Outcome {
    let task = arguments::parse(env::args().skip(1))?;
    let workspace = Workspace::locate()?;
    match task {
        Task::Run(options) => run::run(&workspace, &options),
        Task::Test(plan) => test::test(&workspace, &plan),
        Task::TestAgents(plan) => test::test_agents(&workspace, &plan),
        Task::Fuzz(words) => fuzz::fuzz(&workspace, &words),
        Task::Bench(plan) => bench::bench(&workspace, &plan),
        Task::Lint => lint::lint(&workspace),
        Task::Dist => dist::dist(&workspace),
        Task::Setup => set_up(&workspace),
        Task::Help => {
            println!("{}", arguments::USAGE);
            Ok(())
        }
    }
}

fn set_up(workspace: &Workspace) -> Outcome {
    ClientTools::ensure(workspace)?.ensure_clippy()?;
    Browser::ensure()?;
    setup::ensure_web_servers()?;
    setup::ensure_curl()
}
