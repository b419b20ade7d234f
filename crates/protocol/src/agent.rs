//! A session's agent beside its journal: whether it runs, what it can be set to, what it can be asked for.
//!
//! None of it is history: it is the word of a process, and ends with it. The newest word replaces the one before.

use serde::{Deserialize, Serialize};

use crate::{Millis, SessionId, block::is_default, record, words};

/// How a session's agent stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentFrame {
    /// The session.
    pub session: SessionId,
    /// All of it: nothing of an earlier one holds on.
    pub agent: AgentStatus,
}

record!(AgentFrame { session, agent });

/// What is known of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AgentStatus {
    /// The name it was picked by.
    pub name: String,
    /// Whether it runs.
    pub state: AgentState,
    /// Why it is down, or what else there is to know of its process, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// From the frame's arrival until it is started again, when a message waits for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_ms: Option<Millis>,
    /// What it can be set to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<AgentSetting>,
    /// The commands it knows, without their slash.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<SlashCommand>,
    /// How full its context is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<Context>,
}

record!(default AgentStatus { name, state, reason, retry_ms, settings, commands, context });

/// Whether an agent runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentState {
    /// It is not running, and nobody needs it: the next message starts it.
    #[default]
    Resting,
    /// It is being started.
    Starting,
    /// It runs.
    Ready,
    /// It died, or did not start.
    Down,
}

words!(AgentState { "resting" => Resting, "starting" => Starting, "ready" => Ready, "down" => Down });

/// Something that the agent can be set to: a mode, a model, ….
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentSetting {
    /// The agent's own name for it.
    pub id: String,
    /// The label.
    pub name: String,
    /// The [value](AgentChoice::value) chosen.
    pub value: String,
    /// What can be chosen.
    pub choices: Vec<AgentChoice>,
}

record!(AgentSetting { id, name, value, choices });

/// One value of a setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentChoice {
    /// The agent's own name for it.
    pub value: String,
    /// The label.
    pub name: String,
}

record!(AgentChoice { value, name });

/// A command that the agent takes as a message: a slash, the name, and what it takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlashCommand {
    /// Its name.
    pub name: String,
    /// What it does.
    #[serde(default, skip_serializing_if = "is_default")]
    pub description: String,
}

record!(SlashCommand { name, description or default });

/// How full an agent's context is, in tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    /// In use.
    pub used: u64,
    /// In all.
    pub size: u64,
}

record!(Context { used, size });

/// `POST /v1/sessions/{id}/agent`: sets one of [`AgentStatus::settings`]. Answered with no content once the agent has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetAgent {
    /// The setting.
    pub id: String,
    /// The value.
    pub value: String,
}
