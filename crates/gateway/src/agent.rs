//! The boundary between a session and its agent: a real process that speaks the Agent Client Protocol on its stdio, or a
//! server that speaks OpenAI's chat completions.
//!
//! A session holds one [`AgentHandle`] and speaks in the neutral words of `moorline-session`: commands down, reports up.
//! What this module guarantees:
//!
//! - Every prompt is answered by exactly one report `Ended`, unless a `Kill` took the turn away: also when the agent cannot
//!   start, does not shake hands in time, answers with an error, or dies. Nothing of a turn follows its `Ended`.
//! - A prompt is handed to at most one process, once. The process starts with the first prompt and lives on between turns,
//!   whoever watches; when it has died, the next prompt starts another.
//! - [`AgentHandle::send`] never blocks, and a `Kill` works while nobody reads the reports. A slow reader of reports slows
//!   the agent down through its own pipe; nothing grows without a limit.
//! - Dropping the handle kills the process and everything in its process group. What a dead gateway left behind is found
//!   by [`kill_leftovers`].
//!
//! Inside, `spec` names agents and `supervisor` holds every adapter to the above, also when it panics. An adapter is a task
//! that reads commands and writes to an `Outlet`. Of the one for the Agent Client Protocol, `acp` is the protocol as a state
//! machine without I/O, `process` the child with its pipes, and `acp::life` what joins them. `openai` is the other adapter; it
//! has no process, and what its server does not keep, the `conversation`, is told it at its making. The SDK's runtime is not used, only
//! its types: it spawns its own processes, and what an agent prints on the wrong stream must not end the connection.

mod acp;
mod conversation;
mod leftovers;
mod lines;
mod openai;
mod process;
mod spec;
mod supervisor;
#[cfg(feature = "testing")]
pub(crate) mod testing;

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

use moorline_protocol::SessionId;
use moorline_session::AgentReport;
use tokio::sync::mpsc;

pub use conversation::{Conversation, Speaker};
pub use leftovers::kill_leftovers;
pub use spec::{AgentKind, AgentSpec, ChatServer, InvalidAgent, PRESETS, Preset, preset_list};
use supervisor::supervise;
pub use supervisor::{AgentHandle, Lost};

/// What all agents of one gateway have in common.
#[derive(Debug, Clone)]
pub struct AgentSettings {
    /// The gateway's own binary, which is the demo agent too.
    pub own_binary: PathBuf,
    /// A folder that remembers running agents, for [`kill_leftovers`]; it is made when it is missing.
    pub pid_dir: PathBuf,
    /// A folder that remembers what agents call their conversations, so that a new process goes on with the old one's.
    pub memory_dir: PathBuf,
    /// Names of environment variables that agents get beside those that all get.
    pub environment: Vec<String>,
    /// How long an agent may take from its start to an open session, and a server to a connection. Default 30 s.
    pub start_limit: Duration,
    /// How long after a death or a failed start the next start waits: doubled each time, up to sixty times this. Default 1 s.
    pub restart_wait: Duration,
}

impl AgentSettings {
    /// The default timings, for a binary and a folder.
    #[must_use]
    pub fn new(own_binary: impl Into<PathBuf>, pid_dir: impl Into<PathBuf>) -> Self {
        let pid_dir = pid_dir.into();
        Self {
            own_binary: own_binary.into(),
            memory_dir: pid_dir.with_file_name("conversations"),
            pid_dir,
            environment: Vec::new(),
            start_limit: Duration::from_secs(30),
            restart_wait: Duration::from_secs(1),
        }
    }
}

/// Makes a session's agent; its process starts with the first prompt.
///
/// The process works in `workdir`, which is made when it is missing. What was said before is for an agent that keeps no
/// conversation; others pass it over. Must be called on a tokio runtime with I/O and time.
#[must_use]
pub fn start(
    spec: &AgentSpec,
    settings: &AgentSettings,
    session: &SessionId,
    workdir: &Path,
    before: Conversation,
    reports: mpsc::Sender<AgentReport>,
) -> AgentHandle {
    let command = match &spec.kind {
        AgentKind::Demo(options) => {
            let own = [settings.own_binary.clone().into_os_string(), OsString::from("demo-agent")];
            own.into_iter().chain(options.iter().map(OsString::from)).collect()
        }
        AgentKind::Acp(words) => words.iter().map(OsString::from).collect(),
        AgentKind::OpenAi(server) => {
            let (server, limit) = (server.clone(), settings.start_limit);
            return supervise(&spec.name, reports, move |inbox, outlet| openai::run(server, limit, before, inbox, outlet));
        }
    };
    let launch = process::Launch {
        command,
        workdir: workdir.to_owned(),
        pid_dir: settings.pid_dir.clone(),
        environment: settings.environment.clone(),
        session: session.clone(),
    };
    let (settings, install) = (settings.clone(), spec.install);
    supervise(&spec.name, reports, move |inbox, outlet| acp::life::run(launch, settings, install, inbox, outlet))
}

/// Forgets what a session's agent called its conversation: the session is gone.
pub(crate) fn forget(settings: &AgentSettings, session: &SessionId) {
    match std::fs::remove_file(settings.memory_dir.join(session.as_str())) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            tracing::warn!(%session, %error, "an agent's conversation could not be forgotten");
        }
        _ => {}
    }
}
