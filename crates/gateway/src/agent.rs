//! The boundary between a session and its agent: a real process that speaks the Agent Client Protocol on its stdio.
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
//! Inside, `acp` is the protocol as a state machine without I/O, `process` the child with its pipes, and `life` the one
//! task that joins them. The SDK's runtime is not used, only its types: it spawns its own processes, and what an agent
//! prints on the wrong stream must not end the connection.

mod acp;
mod leftovers;
mod life;
mod lines;
mod process;
#[cfg(feature = "testing")]
pub(crate) mod testing;
mod updates;

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use moorline_protocol::SessionId;
use moorline_session::{AgentCommand, AgentReport};
use tokio::sync::mpsc;

use crate::demo;

pub use leftovers::kill_leftovers;

/// An agent as the option `--agent` names it.
///
/// `demo`, `demo:<options of demo-agent>`, or `acp:<command line>`, quoted as in a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentSpec {
    /// The name that sessions are made with: `demo`, or the file name of the command.
    pub name: String,
    /// How it is run.
    pub kind: AgentKind,
}

/// How an agent is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgentKind {
    /// The demo agent: the gateway's own binary, with these further options.
    Demo(Vec<String>),
    /// Any program that speaks the Agent Client Protocol, version 1, on its stdio: the program, then its arguments.
    Acp(Vec<String>),
}

/// Why a text names no agent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAgent {
    /// It begins with no known kind.
    #[error("{0:?} names no agent: write demo, demo:<options> or acp:<command line>")]
    Kind(String),
    /// It names a kind and then nothing to run.
    #[error("acp: has no command line behind it: write for example acp:qwen --acp")]
    Empty,
    /// Its quotes do not match.
    #[error("the quotes in {0:?} do not match")]
    Quotes(String),
    /// The demo agent does not take these options.
    #[error("demo: {0}")]
    Demo(#[from] demo::InvalidOption),
}

impl FromStr for AgentSpec {
    type Err = InvalidAgent;

    fn from_str(text: &str) -> Result<Self, InvalidAgent> {
        let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
        let words = shell_words::split(rest).map_err(|_| InvalidAgent::Quotes(rest.to_owned()))?;
        match kind {
            "demo" => {
                demo::Options::parse(words.iter().cloned())?;
                Ok(Self { name: "demo".to_owned(), kind: AgentKind::Demo(words) })
            }
            "acp" => {
                let program = Path::new(words.first().ok_or(InvalidAgent::Empty)?);
                let name = program.file_name().map_or_else(|| kind.to_owned(), |name| name.to_string_lossy().into_owned());
                Ok(Self { name, kind: AgentKind::Acp(words) })
            }
            _ => Err(InvalidAgent::Kind(text.to_owned())),
        }
    }
}

/// What all agents of one gateway have in common.
#[derive(Debug, Clone)]
pub struct AgentSettings {
    /// The gateway's own binary, which is the demo agent too.
    pub own_binary: PathBuf,
    /// A folder that remembers running agents, for [`kill_leftovers`]; it is made when it is missing.
    pub pid_dir: PathBuf,
    /// How long an agent may take from its start to an open session. Default 30 s.
    pub start_limit: Duration,
    /// How long after a death or a failed start the next start waits. Default 1 s.
    pub restart_wait: Duration,
}

impl AgentSettings {
    /// The default timings, for a binary and a folder.
    #[must_use]
    pub fn new(own_binary: impl Into<PathBuf>, pid_dir: impl Into<PathBuf>) -> Self {
        Self {
            own_binary: own_binary.into(),
            pid_dir: pid_dir.into(),
            start_limit: Duration::from_secs(30),
            restart_wait: Duration::from_secs(1),
        }
    }
}

/// One session's agent. Dropping it kills the agent's process group.
#[derive(Debug)]
pub struct AgentHandle {
    commands: mpsc::UnboundedSender<AgentCommand>,
}

impl AgentHandle {
    /// Hands a command to the agent's task; never blocks.
    pub fn send(&self, command: AgentCommand) {
        // The task ends before its handle only when the reports' reader is gone: then nobody waits for an answer.
        let _ = self.commands.send(command);
    }
}

/// Makes a session's agent; its process starts with the first prompt.
///
/// The process works in `workdir`, which is made when it is missing. Must be called on a tokio runtime with I/O and time.
#[must_use]
pub fn start(
    spec: &AgentSpec,
    settings: &AgentSettings,
    session: &SessionId,
    workdir: &Path,
    reports: mpsc::Sender<AgentReport>,
) -> AgentHandle {
    let (commands, inbox) = mpsc::unbounded_channel();
    let launch = process::Launch {
        command: command_line(spec, settings),
        workdir: workdir.to_owned(),
        pid_dir: settings.pid_dir.clone(),
        session: session.clone(),
    };
    tokio::spawn(life::run(launch, settings.clone(), inbox, reports));
    AgentHandle { commands }
}

fn command_line(spec: &AgentSpec, settings: &AgentSettings) -> Vec<OsString> {
    match &spec.kind {
        AgentKind::Demo(options) => {
            let own = [settings.own_binary.clone().into_os_string(), OsString::from("demo-agent")];
            own.into_iter().chain(options.iter().map(OsString::from)).collect()
        }
        AgentKind::Acp(words) => words.iter().map(OsString::from).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_is_split_like_a_shell_would() {
        let spec: AgentSpec = "acp:/opt/bin/qwen --acp 'two words'".parse().unwrap();
        assert_eq!(spec.name, "qwen");
        assert_eq!(spec.kind, AgentKind::Acp(vec!["/opt/bin/qwen".into(), "--acp".into(), "two words".into()]));
    }

    #[test]
    fn the_demo_takes_its_options_behind_a_colon() {
        let spec: AgentSpec = "demo:--seed 7 --delay-ms 0".parse().unwrap();
        assert_eq!(spec.name, "demo");
        assert_eq!(spec.kind, AgentKind::Demo(vec!["--seed".into(), "7".into(), "--delay-ms".into(), "0".into()]));
        assert_eq!("demo".parse::<AgentSpec>().unwrap().kind, AgentKind::Demo(vec![]));
    }

    #[test]
    fn what_names_no_agent_is_refused_in_one_sentence() {
        let said = |text: &str| text.parse::<AgentSpec>().unwrap_err().to_string();
        assert_eq!(said("gpt"), r#""gpt" names no agent: write demo, demo:<options> or acp:<command line>"#);
        assert_eq!(said("acp: "), "acp: has no command line behind it: write for example acp:qwen --acp");
        assert_eq!(said("acp:a 'b"), r#"the quotes in "a 'b" do not match"#);
        assert_eq!(
            said("demo:--speed 3"),
            r#"demo: "--speed" is no option of demo-agent: it takes --seed N, --delay-ms N, --fail-start exit|hang|garbage"#
        );
    }
}
