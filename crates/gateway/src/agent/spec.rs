//! An agent as the option `--agent` names it.

use std::{env, path::Path, str::FromStr};

use reqwest::Url;

use crate::demo;

/// The variable that holds a chat server's key, unless another one is named.
const KEY_VARIABLE: &str = "OPENAI_API_KEY";

/// A name is shown in menus and stands in a URL: a longer one is cut.
const NAME_CHARS: usize = 64;

/// An agent that a session can be made with.
///
/// Written as `demo`, `demo:<options of demo-agent>`, the name of a [preset](PRESETS), `acp:<command line>`, quoted as in a
/// shell, or `openai:<base url>#<model>`; a variable other than `OPENAI_API_KEY` holds its key when it is written in front of
/// the URL: `openai:<variable>@<base url>#<model>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentSpec {
    /// The name that sessions are made with: `demo`, a preset's, the file name of the command, or the model's.
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
    /// A server that speaks OpenAI's chat completions.
    OpenAi(ChatServer),
}

/// A server that speaks OpenAI's chat completions, and what it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatServer {
    /// What stands before `/chat/completions`.
    pub base: Url,
    /// The model, by the server's name.
    pub model: String,
    /// The environment variable of the gateway that holds the key; one that is not set is no key.
    pub key_variable: String,
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
    #[error("{0:?} names no agent: write demo, {presets}, acp:<command line>, or openai:<base url>#<model>", presets = preset_names())]
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
    /// A chat server without a model.
    #[error("openai: names no model: write openai:<base url>#<model>, for example openai:http://127.0.0.1:11434/v1#llama3")]
    Model,
    /// A chat server that is not there over HTTP.
    #[error("openai: {0:?} is no base URL: write it like http://127.0.0.1:11434/v1")]
    BaseUrl(String),
    /// Command lines are seen by everybody on the machine.
    #[error("openai: a URL is no place for a password: name the variable that holds it, as in openai:OPENAI_API_KEY@<base url>#<model>")]
    Password,
    /// What names the key's variable is no name. Not shown: it may be the key.
    #[error("openai: what stands before the @ names the variable that holds the key: letters, digits and _, as in OPENAI_API_KEY")]
    Variable,
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
            "openai" => {
                let server: ChatServer = rest.unwrap_or_default().parse()?;
                Ok(Self { name: server.name(), kind: AgentKind::OpenAi(server), install: None })
            }
            _ => Err(InvalidAgent::Kind(text.to_owned())),
        }
    }
}

impl AgentSpec {
    /// Whether the agent is told at its making what was said before: it keeps no conversation itself.
    pub(crate) const fn is_told_the_past(&self) -> bool {
        matches!(self.kind, AgentKind::OpenAi(_))
    }
}

impl FromStr for ChatServer {
    type Err = InvalidAgent;

    fn from_str(text: &str) -> Result<Self, InvalidAgent> {
        // A model's name may hold an @, so only the one in front of the URL counts.
        let (place, model) = text.split_once('#').ok_or(InvalidAgent::Model)?;
        let model = model.trim();
        if model.is_empty() {
            return Err(InvalidAgent::Model);
        }
        let (variable, base) = match place.split_once('@') {
            Some((before, base)) if !before.contains("://") => (before, base),
            _ => (KEY_VARIABLE, place),
        };
        if !is_variable(variable) {
            return Err(InvalidAgent::Variable);
        }
        let url = Url::parse(base.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let url = url.ok_or_else(|| InvalidAgent::BaseUrl(base.to_owned()))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidAgent::Password);
        }
        Ok(Self { base: url, model: model.to_owned(), key_variable: variable.to_owned() })
    }
}

impl ChatServer {
    /// The model's name, as sessions are made with it.
    fn name(&self) -> String {
        let fits = |c: char| if c.is_whitespace() || c.is_control() { '-' } else { c };
        self.model.chars().take(NAME_CHARS).map(fits).collect()
    }
}

fn is_variable(name: &str) -> bool {
    let begins_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    begins_well && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
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

    fn chat_server(text: &str) -> (String, ChatServer) {
        let spec: AgentSpec = text.parse().unwrap();
        let AgentKind::OpenAi(server) = spec.kind else { panic!("{text} is no chat server") };
        (spec.name, server)
    }

    #[test]
    fn a_chat_server_is_a_base_url_and_a_model_that_gives_the_name() {
        let (name, server) = chat_server("openai:http://127.0.0.1:11434/v1#qwen2.5:7b");
        assert_eq!((name.as_str(), server.base.as_str(), server.model.as_str()), ("qwen2.5:7b", "http://127.0.0.1:11434/v1", "qwen2.5:7b"));
        assert_eq!(server.key_variable, "OPENAI_API_KEY");
        let (name, server) = chat_server("openai:https://example.org/v1#@cf/my model");
        assert_eq!((name.as_str(), server.model.as_str()), ("@cf/my-model", "@cf/my model"), "a name has no blanks");
    }

    #[test]
    fn a_variable_in_front_of_the_url_holds_the_key() {
        let (name, server) = chat_server("openai:GROQ_API_KEY@https://api.groq.com/openai/v1#llama@2");
        assert_eq!((name.as_str(), server.key_variable.as_str()), ("llama@2", "GROQ_API_KEY"));
        assert_eq!(server.base.as_str(), "https://api.groq.com/openai/v1");
    }

    #[test]
    fn a_chat_server_that_cannot_be_is_refused_in_one_sentence() {
        let said = |text: &str| text.parse::<AgentSpec>().unwrap_err();
        for text in ["openai", "openai:", "openai:http://127.0.0.1/v1", "openai:http://127.0.0.1/v1#", "openai:http://127.0.0.1/v1# "] {
            assert_eq!(said(text), InvalidAgent::Model, "{text}");
        }
        for text in ["openai:127.0.0.1:11434/v1#llama3", "openai:ftp://host/v1#llama3", "openai:/v1#llama3", "openai:#llama3"] {
            assert!(matches!(said(text), InvalidAgent::BaseUrl(_)), "{text}");
        }
        assert_eq!(
            said("openai:localhost:1/v1#m").to_string(),
            r#"openai: "localhost:1/v1" is no base URL: write it like http://127.0.0.1:11434/v1"#
        );
        assert_eq!(said("openai:http://me:secret@host/v1#llama3"), InvalidAgent::Password);
        for text in ["openai:sk-secret@https://host/v1#m", "openai:@https://host/v1#m", "openai:1KEY@https://host/v1#m"] {
            assert_eq!(said(text), InvalidAgent::Variable, "{text}");
            assert!(!said(text).to_string().contains("secret"));
        }
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
        assert_eq!(
            said("gpt"),
            r#""gpt" names no agent: write demo, qwen, gemini, claude, codex, opencode, acp:<command line>, or openai:<base url>#<model>"#
        );
        assert_eq!(said("acp: "), "acp: has no command line behind it: write for example acp:qwen --acp");
        assert_eq!(said("acp:a 'b"), r#"the quotes in "a 'b" do not match"#);
        assert_eq!(said("qwen:--fast"), "qwen takes no options: write acp:<command line> to run it with some");
        assert_eq!(
            said("demo:--speed 3"),
            r#"demo: "--speed" is no option of demo-agent: it takes --seed N, --delay-ms N, --fail-start exit|hang|garbage"#
        );
    }
}
