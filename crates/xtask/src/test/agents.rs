//! `cargo xtask test agents`: real agents behind the real gateway. Nothing here counts among the project's tests.

use std::env;

use super::tally::Tally;
use super::tell_products;
use crate::arguments::{AgentPlan, RealAgent};
use crate::failure::{Failure, Outcome};
use crate::process::cargo;
use crate::product;
use crate::setup::{self, Browser, ClientTools};
use crate::step;
use crate::workspace::Workspace;

/// Gets the agents and runs their scenarios.
///
/// # Errors
///
/// When an agent cannot be got, or a test fails.
pub(crate) fn test_agents(workspace: &Workspace, plan: &AgentPlan) -> Outcome {
    let mut tally = Tally::default();
    let outcome = step::run("agents", || {
        let tools = ClientTools::ensure(workspace)?;
        let browser = Browser::ensure()?;
        println!("set-up: the agents");
        let programs = plan.agents.iter().map(|agent| setup::ensure_agent(workspace, *agent)).collect::<Outcome<Vec<_>>>()?;
        product::client(workspace, &tools)?;
        let gateway = product::gateway(workspace)?;
        // The gateway finds its presets on the PATH, as it does for everybody.
        let inherited = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths(programs.into_iter().chain(env::split_paths(&inherited)))
            .map_err(|error| Failure::new(format!("the agents cannot stand on the PATH: {error}")))?;
        let mut command = cargo();
        command.current_dir(&workspace.root).args([
            "test",
            "--package",
            "moorline-e2e",
            "--features",
            "agents",
            "--test",
            "agents",
            "--no-fail-fast",
        ]);
        command.env("PATH", path).env("CHROMEDRIVER", &browser.driver);
        tell_products(&mut command, workspace, &gateway);
        let others = RealAgent::ALL.iter().filter(|agent| !plan.agents.contains(agent));
        command.arg("--").args(others.flat_map(|agent| ["--skip".to_owned(), format!("{}::", agent.name())])).args(&plan.arguments);
        tally.run(&mut command)
    });
    println!("\n{tally}");
    outcome
}
