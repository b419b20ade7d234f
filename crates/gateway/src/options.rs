//! The command line, and the environment variable that stands behind every option.

mod overrides;

use std::{net::SocketAddr, path::PathBuf, str::FromStr, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum, error::ErrorKind};
use moorline_protocol::{Limits, Millis, Timings};
use moorline_transcript::RetentionLimits;
use tracing_subscriber::EnvFilter;

use crate::{agent::AgentSpec, send::SendOptions};
use overrides::{LimitOptions, TimingOptions};

/// The largest text frame a client may send, in bytes: 1 MiB.
pub const INBOUND_FRAME_BYTES: usize = 1 << 20;

/// What an event's frame needs beside the event, at most, in bytes.
const ENVELOPE_BYTES: usize = 1 << 10;

/// Between two rounds of the store's upkeep.
const UPKEEP_MS: u64 = 60_000;

/// The longest that a login may last: ten years.
const MOST_LOGIN_MS: u64 = 10 * 365 * 24 * 3_600 * 1_000;

/// The longest that events may be kept unfolded: a year.
const MOST_FOLD_MS: u64 = 365 * 24 * 3_600 * 1_000;

/// The longest that a silent client may be known: a year.
const MOST_IDLE_MS: u64 = 365 * 24 * 3_600 * 1_000;

/// The gateway of Moorline: it keeps sessions with agents alive and serves them to browsers.
#[derive(Debug, Parser)]
#[command(name = "moorline-gateway", version, about)]
pub struct CommandLine {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the gateway.
    #[command(allow_negative_numbers = true)]
    Serve(Box<Options>),
    /// Copy the store of a data folder to a new file, also while a gateway runs on it.
    Backup(Copy),
    /// Put a copy in the place of a data folder's store; no gateway may run on it. Every session gets a new epoch.
    Restore(Copy),
    /// Send a message to a session, from a script or a timer. Codes: 0 accepted, 3 no gateway took it, 4 refused, 5 its turn did not complete.
    Send(SendOptions),
    /// List the agents that need no command line: which are found on the PATH, and what installs the others.
    Agents,
    /// Be the demo agent, on stdin and stdout.
    DemoAgent {
        /// The demo agent's own options.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<String>,
    },
}

/// What `backup` and `restore` work on.
#[derive(Debug, Clone, Args)]
pub struct Copy {
    /// The gateway's data folder.
    #[arg(long, env = "MOORLINE_DATA", value_name = "DIR")]
    pub data: PathBuf,
    /// The copy.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// The options of `serve`.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Address and port; port 0 takes a free one.
    #[arg(long, env = "MOORLINE_LISTEN", default_value = "127.0.0.1:7878", value_name = "ADDRESS:PORT")]
    pub listen: SocketAddr,
    /// The folder of everything that must survive: journals, logins, the token. Made when missing.
    #[arg(long, env = "MOORLINE_DATA", value_name = "DIR")]
    pub data: PathBuf,
    /// The folder of the built page, to be served at /.
    #[arg(long, env = "MOORLINE_CLIENT", value_name = "DIR")]
    pub client: Option<PathBuf>,
    /// An agent: `demo`, `demo:<options>`, one of those that `agents` lists, `acp:<command line>`, or `openai:<base url>#<model>`. May be repeated; the first is the default; one a line in the variable.
    #[arg(long = "agent", env = "MOORLINE_AGENTS", value_name = "SPEC", default_value = "demo", value_delimiter = '\n')]
    pub agents: Vec<AgentSpec>,
    /// An environment variable that agents get beside those that all get, such as `CODEX_HOME`. May be repeated; commas separate in the variable.
    #[arg(long = "agent-env", env = "MOORLINE_AGENT_ENV", value_name = "NAME", value_delimiter = ',')]
    pub agent_env: Vec<String>,
    /// What a login takes. Without one, a token is made and kept in the data folder.
    #[arg(long, env = "MOORLINE_TOKEN", hide_env_values = true)]
    pub token: Option<Token>,
    /// The origin of a page served elsewhere, such as `https://example.org`. May be repeated; commas separate in the variable.
    #[arg(long = "allow-origin", env = "MOORLINE_ALLOW_ORIGIN", value_name = "ORIGIN", value_delimiter = ',')]
    pub allow_origin: Vec<Origin>,
    /// How long a login lasts.
    #[arg(long, env = "MOORLINE_LOGIN_MS", value_name = "MS", default_value_t = 2_592_000_000, value_parser = clap::value_parser!(u64).range(1..=MOST_LOGIN_MS))]
    pub login_ms: u64,
    /// Connections at once at most.
    #[arg(long, env = "MOORLINE_CONNECTIONS", value_name = "N", default_value_t = 1_024, value_parser = clap::value_parser!(u32).range(1..))]
    pub connections: u32,
    /// Sessions that are not deleted at most.
    #[arg(long, env = "MOORLINE_SESSIONS", value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub sessions: u32,
    /// Sends and withdrawals of one client in a second at most; five seconds' worth may come at once.
    #[arg(long, env = "MOORLINE_SENDS_PER_SECOND", value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub sends_per_second: u32,
    /// Reads of the list, of journals and of pages that one login may have under way.
    #[arg(long, env = "MOORLINE_READS", value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..))]
    pub reads: u32,
    /// Wrong tokens in a minute at most, of all callers together: beyond them tokens are not looked at. Who has a cookie is not concerned.
    #[arg(long, env = "MOORLINE_WRONG_TOKENS_PER_MINUTE", value_name = "N", default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..))]
    pub wrong_tokens_per_minute: u32,
    /// When a commit counts: once the disk has it (full), or once the operating system has it (os).
    #[arg(long, env = "MOORLINE_DURABILITY", default_value = "full")]
    pub durability: Durability,
    /// Events of a journal kept as they were committed; more of them are folded.
    #[arg(long, env = "MOORLINE_FOLD_EVENTS", value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..))]
    pub fold_events: u32,
    /// Age at which events of a journal are folded, however few they are. No timing: it is not divided.
    #[arg(long, env = "MOORLINE_FOLD_MS", value_name = "MS", default_value_t = 300_000, value_parser = clap::value_parser!(u64).range(1..=MOST_FOLD_MS))]
    pub fold_ms: u64,
    /// A client that says nothing for this long is forgotten: behind folded events it gets a snapshot. No timing: it is not divided.
    #[arg(long, env = "MOORLINE_CLIENT_IDLE_MS", value_name = "MS", default_value_t = 3_600_000, value_parser = clap::value_parser!(u64).range(1..=MOST_IDLE_MS))]
    pub client_idle_ms: u64,
    /// What is logged to stderr, such as info or moorline_gateway=debug.
    #[arg(long, env = "MOORLINE_LOG", value_name = "FILTER", default_value = "info", value_parser = log_filter)]
    pub log: String,
    /// Divides every timing, so that tests run the real code that much faster.
    #[arg(long, env = "MOORLINE_TIMINGS_DIVISOR", value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub timings_divisor: u64,
    /// Silence of an agent after which its turn is given up. Default 600000.
    #[arg(long, env = "MOORLINE_AGENT_IDLE_MS", value_name = "MS", value_parser = clap::value_parser!(u64).range(1..))]
    agent_idle_ms: Option<u64>,
    /// Time a cancelled turn has to end before its agent is killed. Default 10000.
    #[arg(long, env = "MOORLINE_AGENT_STOP_MS", value_name = "MS", value_parser = clap::value_parser!(u64).range(1..))]
    agent_stop_ms: Option<u64>,
    /// Time an agent has from its start to an open session. Default 30000.
    #[arg(long, env = "MOORLINE_AGENT_START_MS", value_name = "MS", value_parser = clap::value_parser!(u64).range(1..))]
    agent_start_ms: Option<u64>,
    /// Pause between an agent's death or failed start and the next start. Default 1000.
    #[arg(long, env = "MOORLINE_AGENT_RESTART_MS", value_name = "MS", value_parser = clap::value_parser!(u64).range(1..))]
    agent_restart_ms: Option<u64>,
    #[command(flatten)]
    timings: TimingOptions,
    #[command(flatten)]
    limits: LimitOptions,
}

/// Timings of the agents, in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgentTimings {
    /// See `--agent-idle-ms`.
    pub idle: Millis,
    /// See `--agent-stop-ms`.
    pub stop: Millis,
    /// See `--agent-start-ms`.
    pub start: Millis,
    /// See `--agent-restart-ms`.
    pub restart: Millis,
}

/// When a commit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Durability {
    /// Once the disk has it: a power loss takes nothing back.
    Full,
    /// Once the operating system has it: a crash of the gateway takes nothing back, a power loss may.
    Os,
}

/// What a login takes: letters, digits and `- _ . ~`, so that it stands in a link as it is.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// The token as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

impl FromStr for Token {
    type Err = InvalidOption;

    fn from_str(text: &str) -> Result<Self, InvalidOption> {
        let fits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~".contains(&b));
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidOption::Token) }
    }
}

/// A page's origin: scheme, host and port, as a browser writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// The origin as a browser writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Origin {
    type Err = InvalidOption;

    fn from_str(text: &str) -> Result<Self, InvalidOption> {
        let lower = text.trim().trim_end_matches('/').to_ascii_lowercase();
        let host = lower.strip_prefix("https://").or_else(|| lower.strip_prefix("http://")).unwrap_or("");
        let fits = !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.:[]".contains(&b));
        if fits { Ok(Self(lower)) } else { Err(InvalidOption::Origin(text.to_owned())) }
    }
}

/// Why the options do not fit, each a sentence with the remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each message says what it is")]
pub enum InvalidOption {
    #[error("a token is letters, digits and - _ . ~")]
    Token,
    #[error("{0:?} is no origin: write it like https://example.org or http://localhost:8080")]
    Origin(String),
    #[error("{0:?} is no log filter: write it like info or moorline_gateway=debug")]
    Log(String),
    #[error("--listen {0} can be reached from other machines: set --token or MOORLINE_TOKEN first")]
    OpenWithoutToken(SocketAddr),
    #[error("--client {0:?} is not a folder: build the page first, or name the folder it was built into")]
    Client(PathBuf),
    #[error("two agents are named {0:?}: give each --agent a command or a model of another name")]
    AgentTwice(String),
    #[error("--event-bytes {event} does not fit into --frame-bytes {frame}: leave {ENVELOPE_BYTES} bytes around it")]
    EventInFrame { event: usize, frame: usize },
    #[error("--send-bytes {send} does not fit into the {INBOUND_FRAME_BYTES} bytes of a frame: leave {ENVELOPE_BYTES} bytes around it")]
    SendInFrame { send: usize },
    #[error("--{shorter} must be shorter than --{longer}")]
    Order { shorter: &'static str, longer: &'static str },
}

impl Options {
    /// Checks what one option alone cannot tell.
    ///
    /// # Errors
    /// [`InvalidOption`] for the first pair that does not fit together.
    pub fn check(&self) -> Result<(), InvalidOption> {
        if !self.listen.ip().is_loopback() && self.token.is_none() {
            return Err(InvalidOption::OpenWithoutToken(self.listen));
        }
        if let Some(client) = self.client.as_ref().filter(|client| !client.is_dir()) {
            return Err(InvalidOption::Client(client.clone()));
        }
        for (n, agent) in self.agents.iter().enumerate() {
            if self.agents[..n].iter().any(|other| other.name == agent.name) {
                return Err(InvalidOption::AgentTwice(agent.name.clone()));
            }
        }
        let limits = self.limits();
        if limits.event_bytes.saturating_add(ENVELOPE_BYTES) > limits.frame_bytes {
            return Err(InvalidOption::EventInFrame { event: limits.event_bytes, frame: limits.frame_bytes });
        }
        if limits.send_bytes.saturating_add(ENVELOPE_BYTES) > INBOUND_FRAME_BYTES {
            return Err(InvalidOption::SendInFrame { send: limits.send_bytes });
        }
        let timings = self.undivided_timings();
        let order = |shorter, longer, holds: bool| if holds { Ok(()) } else { Err(InvalidOption::Order { shorter, longer }) };
        order("ping-ms", "silence-ms", timings.ping < timings.silence)?;
        order("backoff-min-ms", "backoff-max-ms", timings.backoff_min <= timings.backoff_max)
    }

    /// The timings in force.
    #[must_use]
    pub fn timings(&self) -> Timings {
        self.undivided_timings().divided(self.timings_divisor)
    }

    fn undivided_timings(&self) -> Timings {
        let mut timings = Timings::default();
        self.timings.apply(&mut timings);
        if self.timings.ping_ms.is_some() && self.timings.silence_ms.is_none() {
            timings.silence = timings.ping.scaled(5, 2);
        }
        timings
    }

    /// The limits in force.
    #[must_use]
    pub fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        self.limits.apply(&mut limits);
        limits
    }

    /// Up to when journals keep their events as they were committed.
    #[must_use]
    pub const fn retention(&self) -> RetentionLimits {
        RetentionLimits { events: self.fold_events as usize, age: Millis(self.fold_ms) }
    }

    /// Between two rounds of the store's upkeep: a minute, divided like a timing.
    #[must_use]
    pub fn upkeep_every(&self) -> Duration {
        Duration::from_millis((UPKEEP_MS / self.timings_divisor).max(100))
    }

    /// The agents' timings in force.
    #[must_use]
    pub fn agent_timings(&self) -> AgentTimings {
        let part = |option: Option<u64>, default: u64| Millis((option.unwrap_or(default) / self.timings_divisor).max(1));
        AgentTimings {
            idle: part(self.agent_idle_ms, 600_000),
            stop: part(self.agent_stop_ms, 10_000),
            // A process does not start faster because a test is in a hurry.
            start: Millis(self.agent_start_ms.unwrap_or(30_000)),
            restart: part(self.agent_restart_ms, 1_000),
        }
    }
}

fn log_filter(text: &str) -> Result<String, InvalidOption> {
    EnvFilter::try_new(text).map_err(|_| InvalidOption::Log(text.to_owned()))?;
    Ok(text.to_owned())
}

/// Says in one sentence what clap says in a paragraph.
#[must_use]
pub fn sentence(error: &clap::Error) -> String {
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return "name a command: serve, send, agents, backup, restore, or demo-agent; --help tells more".to_owned();
    }
    let rendered = error.render().to_string();
    let paragraph = rendered.split("\n\n").next().unwrap_or_default();
    let words: Vec<&str> = paragraph.split_whitespace().collect();
    let line = words.join(" ");
    line.strip_prefix("error: ").unwrap_or(&line).to_owned()
}
