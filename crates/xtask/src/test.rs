//! `cargo xtask test`: every test, in four parts.
//!
//! A part that fails does not stop the others. The last line sums up all of them and names the steps that failed.

mod agents;
mod coverage;
mod gateway;
mod tally;

use std::path::Path;
use std::process::Command;
use std::time::Instant;

pub(crate) use self::agents::test_agents;
use self::gateway::Gateway;
use self::tally::Tally;
use crate::arguments::{Part, Seeds, TestPlan};
use crate::failure::{Failure, Outcome};
use crate::process::{self, cargo};
use crate::product;
use crate::setup::{self, Browser, ClientTools, TARGET};
use crate::step;
use crate::workspace::{self, Workspace};

/// Which tests ran, and how each ended: one line a test, relative to the target folder.
const RAN: &str = "tests-ran.txt";

/// Runs the parts of a plan, and after a full run holds `docs/coverage.md` against the tests that ran.
///
/// # Errors
///
/// When a step fails; the sentence names all that did.
pub(crate) fn test(workspace: &Workspace, plan: &TestPlan) -> Outcome {
    let start = Instant::now();
    let mut run = TestRun { workspace, arguments: &plan.arguments, tally: Tally::default(), failures: Vec::new() };
    for part in &plan.parts {
        match part {
            Part::Native => run.native(),
            Part::Wasm => run.wasm(),
            Part::Simulation => run.simulation(plan.seeds),
            Part::EndToEnd => run.end_to_end(),
        }
    }
    let TestRun { tally, mut failures, .. } = run;
    workspace::write(&workspace.target.join(RAN), tally.listing())?;
    if plan.is_full() {
        let checked = step::run("coverage", || coverage::check(&workspace.root.join("docs/coverage.md"), &tally));
        failures.extend(checked.err());
    }
    let summary = format!("{tally} in {:.0} s", start.elapsed().as_secs_f32());
    if failures.is_empty() {
        println!("\n{summary}");
        return Ok(());
    }
    let failures: Vec<String> = failures.iter().map(Failure::to_string).collect();
    println!();
    Err(Failure::new(format!("{summary}; failed: {}", failures.join("; "))))
}

/// Tells the end-to-end crate where the built client and gateway are.
pub(crate) fn tell_products(command: &mut Command, workspace: &Workspace, gateway: &Path) {
    command.env("MOORLINE_E2E_CLIENT", workspace.dist()).env("MOORLINE_E2E_GATEWAY", gateway);
}

/// What one call of `cargo xtask test` has seen so far.
struct TestRun<'a> {
    workspace: &'a Workspace,
    arguments: &'a [String],
    tally: Tally,
    failures: Vec<Failure>,
}

impl TestRun<'_> {
    fn step(&mut self, name: &str, step: impl FnOnce(&mut Tally, &[String]) -> Outcome) {
        let before = self.tally.clone();
        let outcome = step::run(name, || step(&mut self.tally, self.arguments));
        println!("== {name}: {}", self.tally.since(&before));
        self.failures.extend(outcome.err());
    }

    fn native(&mut self) {
        let mut command = cargo();
        command.args(["test", "--no-fail-fast", "--workspace"]).args(["--exclude", "moorline", "--exclude", "moorline-e2e"]);
        self.step("native", |tally, arguments| {
            setup::ensure_curl()?;
            tally.run(command.args(arguments))
        });
    }

    fn wasm(&mut self) {
        let workspace = self.workspace;
        self.step("wasm", |tally, arguments| {
            let tools = ClientTools::ensure(workspace)?;
            let browser = Browser::ensure()?;
            let gateway = Gateway::start(&product::gateway(workspace)?, &workspace.target.join("browser-tests"))?;
            tally.run(
                tools
                    .command("cargo")
                    .env("WASM_BINDGEN_TEST_ADDRESS", gateway.page().to_string())
                    .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", workspace.tool("wasm-bindgen-test-runner"))
                    .env("CHROMEDRIVER", &browser.driver)
                    .args(["test", "--no-fail-fast", "--package", "moorline", "--tests", "--target", TARGET])
                    .args(arguments),
            )
        });
    }

    fn simulation(&mut self, seeds: Seeds) {
        self.step("simulation, seeds", |_, _| {
            process::run(
                cargo().args(["run", "--release", "--package", "moorline-simulation", "--bin", "moorline-simulation", "--"]).args([
                    "--seeds",
                    &seeds.count.to_string(),
                    "--from",
                    &seeds.from.to_string(),
                ]),
            )
        });
        self.step("simulation, broken variants", |tally, arguments| {
            tally.run(
                cargo()
                    .args(["test", "--no-fail-fast", "--release", "--package", "moorline-simulation"])
                    .args(["--features", "mutants"])
                    .args(arguments),
            )
        });
    }

    fn end_to_end(&mut self) {
        let workspace = self.workspace;
        self.step("e2e", |tally, arguments| {
            let tools = ClientTools::ensure(workspace)?;
            let browser = Browser::ensure()?;
            setup::ensure_web_servers()?;
            let axe = setup::ensure_axe(workspace)?;
            product::client(workspace, &tools)?;
            let gateway = product::gateway(workspace)?;
            let mut command = cargo();
            command.args(["test", "--no-fail-fast", "--package", "moorline-e2e"]).args(arguments);
            command.env("CHROMEDRIVER", &browser.driver).env("MOORLINE_E2E_AXE", axe);
            tell_products(&mut command, workspace, &gateway);
            tally.run(&mut command)
        });
    }
}
