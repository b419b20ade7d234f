//! Real agents, each of one fixed version in a folder of its own.

use std::path::PathBuf;

use super::tools;
use crate::arguments::RealAgent;
use crate::failure::Outcome;
use crate::workspace::Workspace;

/// The newest versions that run on Node.js 20.
const fn package(agent: RealAgent) -> (&'static str, &'static str) {
    match agent {
        RealAgent::Qwen => ("@qwen-code/qwen-code", "0.15.10"),
        RealAgent::Gemini => ("@google/gemini-cli", "0.61.0"),
        RealAgent::Claude => ("@agentclientprotocol/claude-agent-acp", "0.49.0"),
        RealAgent::OpenCode => ("opencode-ai", "1.18.33"),
    }
}

/// Gets an agent, and gives the folder of its program.
///
/// # Errors
///
/// When npm is missing or cannot get it.
pub(crate) fn ensure_agent(workspace: &Workspace, agent: RealAgent) -> Outcome<PathBuf> {
    let (package, version) = package(agent);
    let folder = workspace.tools.join("agents").join(format!("{}-{version}", agent.name()));
    tools::from_npm(&folder, agent.name(), package, version)?;
    println!("  {package} {version}");
    Ok(folder.join("node_modules/.bin"))
}
