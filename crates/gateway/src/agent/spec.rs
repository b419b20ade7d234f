//! An agent as the option `--agent` names it.

use std::{env, path::Path, str::FromStr};

use crate::demo;

/// An agent that a session can be made with.
///
/// Written as `demo`, `demo:<options of demo-agent>`, the name of a [preset](PRESETS), or `acp:<command line>`, quoted as in
/// a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentSpec {
    /// The name that sessions are made with: `demo`, a preset's, or the file name of the command.
    pub name: String,
    /// How it is run.
    pub kind: AgentKind,
    /// The line that installs it, where it is known.
    pub install: Option<&'static str>,
}

/// How an agent is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgentKind {
    /// The demo agent: the gateway's own binary, with these further options.
    Demo(Vec<String>),
    /// Any program that speaks the Agent Client Protocol, version 1, on its stdio: the program, then its arguments.
    Acp(Vec<String>),
}

/// A well-known agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preset {
    /// What `--agent` calls it.
    pub name: &'static str,
    /// Its program, then its arguments.
    pub command: &'static [&'static str],
    /// The line that installs it.
    pub install: &'static str,
}

/// The agents that need no command line.
pub const PRESETS: [Preset; 5] = [
    Preset { name: "qwen", command: &["qwen", "--acp"], install: "npm install -g @qwen-code/qwen-code" },
    Preset { name: "gemini", command: &["gemini", "--acp"], install: "npm install -g @google/gemini-cli" },
    Preset { name: "claude", command: &["claude-agent-acp"], install: "npm install -g @agentclientprotocol/claude-agent-acp" },
    Preset { name: "codex", command: &["codex-acp"], install: "npm install -g @agentclientprotocol/codex-acp" },
    Preset { name: "opencode", command: &["opencode", "acp"], install: "npm install -g opencode-ai" },
];

/// Why a text names no agent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAgent {
    /// It begins with no known kind.
    #[error("{0:?} names no agent: write demo, {presets}, or acp:<command line>", presets = preset_names())]
    Kind(String),
    /// It names a kind and then nothing to run.
    #[error("acp: has no command line behind it: write for example acp:qwen --acp")]
    Empty,
    /// Its quotes do not match.
    #[error("the quotes in {0:?} do not match")]
    Quotes(String),
    /// A preset is run as it is.
    #[error("{0} takes no options: write acp:<command line> to run it with some")]
    Options(&'static str),
    /// The demo agent does not take these options.
    #[error("demo: {0}")]
    Demo(#[from] demo::InvalidOption),
}

impl FromStr for AgentSpec {
    type Err = InvalidAgent;

    fn from_str(text: &str) -> Result<Self, InvalidAgent> {
        let (kind, rest) = text.split_once(':').map_or((text, None), |(kind, rest)| (kind, Some(rest)));
        if let Some(preset) = PRESETS.iter().find(|preset| preset.name == kind) {
            return match rest {
                None => Ok(preset.spec()),
                Some(_) => Err(InvalidAgent::Options(preset.name)),
            };
        }
        let words = || shell_words::split(rest.unwrap_or_default()).map_err(|_| InvalidAgent::Quotes(rest.unwrap_or_default().to_owned()));
        match kind {
            "demo" => {
                let words = words()?;
                demo::Options::parse(words.iter().cloned())?;
                Ok(Self { name: kind.to_owned(), kind: AgentKind::Demo(words), install: None })
            }
            "acp" => {
                let words = words()?;
                let program = Path::new(words.first().ok_or(InvalidAgent::Empty)?);
                let name = program.file_name().map_or_else(|| kind.to_owned(), |name| name.to_string_lossy().into_owned());
                let known = PRESETS.iter().find(|preset| preset.command[0] == name);
                Ok(Self { name, kind: AgentKind::Acp(words), install: known.map(|preset| preset.install) })
            }
            _ => Err(InvalidAgent::Kind(text.to_owned())),
        }
    }
}

impl Preset {
    fn spec(&self) -> AgentSpec {
        let words = self.command.iter().map(|word| (*word).to_owned()).collect();
        AgentSpec { name: self.name.to_owned(), kind: AgentKind::Acp(words), install: Some(self.install) }
    }

    /// Whether its program is on the PATH.
    #[must_use]
    pub fn is_installed(&self) -> bool {
        env::var_os("PATH").is_some_and(|path| env::split_paths(&path).any(|folder| folder.join(self.command[0]).is_file()))
    }
}

/// The presets a line each: what runs them, and where they are missing, what installs them.
#[must_use]
pub fn preset_list() -> String {
    let line = |preset: &Preset| {
        let is_here = preset.is_installed();
        let (word, what) = if is_here { ("found", preset.command.join(" ")) } else { ("missing", preset.install.to_owned()) };
        format!("{:<10}{word:<9}{what}\n", preset.name)
    };
    PRESETS.iter().map(line).collect()
}

fn preset_names() -> String {
    PRESETS.map(|preset| preset.name).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_is_split_like_a_shell_would() {
        let spec: AgentSpec = "acp:/opt/bin/qwen --acp 'two words'".parse().unwrap();
        assert_eq!(spec.name, "qwen");
        assert_eq!(spec.kind, AgentKind::Acp(vec!["/opt/bin/qwen".into(), "--acp".into(), "two words".into()]));
        assert_eq!(spec.install, Some("npm install -g @qwen-code/qwen-code"));
    }

    #[test]
    fn the_demo_takes_its_options_behind_a_colon() {
        let spec: AgentSpec = "demo:--seed 7 --delay-ms 0".parse().unwrap();
        assert_eq!(spec.name, "demo");
        assert_eq!(spec.kind, AgentKind::Demo(vec!["--seed".into(), "7".into(), "--delay-ms".into(), "0".into()]));
        assert_eq!("demo".parse::<AgentSpec>().unwrap().kind, AgentKind::Demo(vec![]));
    }

    #[test]
    fn a_preset_is_its_command_line_and_the_line_that_installs_it() {
        let spec: AgentSpec = "claude".parse().unwrap();
        assert_eq!((spec.name.as_str(), spec.kind), ("claude", AgentKind::Acp(vec!["claude-agent-acp".into()])));
        assert_eq!(spec.install, Some("npm install -g @agentclientprotocol/claude-agent-acp"));
    }

    #[test]
    fn every_preset_is_listed_a_line_each() {
        let list = preset_list();
        let names: Vec<&str> = list.lines().filter_map(|line| line.split_whitespace().next()).collect();
        assert_eq!(names, PRESETS.map(|preset| preset.name));
    }

    #[test]
    fn what_names_no_agent_is_refused_in_one_sentence() {
        let said = |text: &str| text.parse::<AgentSpec>().unwrap_err().to_string();
        assert_eq!(said("gpt"), r#""gpt" names no agent: write demo, qwen, gemini, claude, codex, opencode, or acp:<command line>"#);
        assert_eq!(said("acp: "), "acp: has no command line behind it: write for example acp:qwen --acp");
        assert_eq!(said("acp:a 'b"), r#"the quotes in "a 'b" do not match"#);
        assert_eq!(said("qwen:--fast"), "qwen takes no options: write acp:<command line> to run it with some");
        assert_eq!(
            said("demo:--speed 3"),
            r#"demo: "--speed" is no option of demo-agent: it takes --seed N, --delay-ms N, --fail-start exit|hang|garbage"#
        );
    }
}
