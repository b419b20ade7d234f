//! The agent's way in, for [`crate::testing`].

use std::path::Path;

use moorline_session::{AgentCommand, AgentReport};
use tokio::io::AsyncRead;

use super::{
    acp::{Acp, Output},
    lines::{Line, Lines},
};

/// Cuts an agent's stdout into lines: each its text, or how long it was when it was too long.
pub async fn lines(stdout: impl AsyncRead + Unpin) -> Vec<Result<String, usize>> {
    let (mut lines, mut found) = (Lines::new(stdout), Vec::new());
    while let Ok(Some(line)) = lines.next().await {
        found.push(match line {
            Line::Text(text) => Ok(text),
            Line::Skipped(bytes) => Err(bytes),
        });
    }
    found
}

/// The client's end of one agent process.
#[derive(Debug)]
pub struct AgentEnd(Acp);

impl AgentEnd {
    /// Begins the conversation.
    #[must_use]
    pub fn new() -> Self {
        Self(Acp::new(Path::new("/work"), None))
    }

    /// Takes a line of the agent's.
    pub fn line(&mut self, line: &str) {
        self.0.handle_line(line);
    }

    /// Takes what the session asks.
    pub fn command(&mut self, command: AgentCommand) {
        match command {
            AgentCommand::Prompt { turn, text } => self.0.prompt(turn, text),
            AgentCommand::Cancel { turn } => self.0.cancel(&turn),
            AgentCommand::Answer { turn, request, option } => self.0.answer(&turn, &request, option),
            AgentCommand::Set { id, value } => self.0.set(id, value),
            AgentCommand::Kill { .. } | AgentCommand::Restart => *self = Self::new(),
        }
    }

    /// What it says to the agent and to the session; stops at an end of the conversation.
    pub fn outputs(&mut self) -> (Vec<String>, Vec<AgentReport>) {
        let (mut said, mut reports) = (Vec::new(), Vec::new());
        while let Some(output) = self.0.poll_output() {
            match output {
                Output::Line(line) => said.push(line),
                Output::Report(report) => reports.push(report),
                Output::File { .. } | Output::Refused(_) => {}
            }
        }
        (said, reports)
    }
}

impl Default for AgentEnd {
    fn default() -> Self {
        Self::new()
    }
}
