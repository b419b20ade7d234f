//! The task that lives as long as a session's handle: it starts the process, joins it to its conversation, and buries it.

use std::{collections::VecDeque, os::unix::process::ExitStatusExt as _, process::ExitStatus};

use moorline_protocol::{Outcome, TurnError, TurnId};
use moorline_session::{AgentCommand, AgentReport, AgentUpdate};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

use super::{
    AgentSettings,
    acp::{Acp, Output},
    lines::Line,
    process::{Launch, Process, ProcessEvent},
};

/// An agent that leaves this much unread on its stdin is not read from either.
const UNWRITTEN_BYTES: usize = 1 << 20;

/// Serves a handle until it is dropped, or nobody reads the reports any more.
pub(super) async fn run(
    launch: Launch,
    settings: AgentSettings,
    mut inbox: mpsc::UnboundedReceiver<AgentCommand>,
    reports: mpsc::Sender<AgentReport>,
) {
    let mut life = Life { launch, settings, agent: None, waiting: None, not_before: None, unsent: VecDeque::new() };
    loop {
        let due = life.due();
        let is_read = life.unsent.is_empty();
        tokio::select! {
            command = inbox.recv() => match command {
                Some(command) => life.handle_command(command),
                None => return,
            },
            permit = reports.reserve(), if !is_read => match (permit, life.unsent.pop_front()) {
                (Ok(permit), Some(report)) => permit.send(report),
                _ => return,
            },
            event = next_event(&mut life.agent, is_read), if life.agent.is_some() => life.handle_event(event),
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => life.handle_due(),
        }
    }
}

async fn next_event(agent: &mut Option<Agent>, is_read: bool) -> ProcessEvent {
    match agent {
        Some(agent) => {
            let is_read = is_read && agent.process.unwritten() < UNWRITTEN_BYTES;
            agent.process.next_event(is_read).await
        }
        None => std::future::pending().await,
    }
}

struct Life {
    launch: Launch,
    settings: AgentSettings,
    agent: Option<Agent>,
    /// A prompt that waits for the next start.
    waiting: Option<(TurnId, String)>,
    /// No start before this, after a death.
    not_before: Option<Instant>,
    /// Reports that the session has no room for yet; the agent is not read from meanwhile.
    unsent: VecDeque<AgentReport>,
}

/// A process and the conversation with it.
struct Agent {
    process: Process,
    acp: Acp,
    /// When the session must be open.
    start_by: Instant,
    /// Why the start is given up; the process is being killed.
    refused: Option<String>,
}

impl Life {
    /// When something is due of itself.
    fn due(&self) -> Option<Instant> {
        if self.waiting.is_some() {
            return Some(self.not_before.unwrap_or_else(Instant::now));
        }
        self.agent.as_ref().filter(|agent| !agent.acp.is_ready() && agent.refused.is_none()).map(|agent| agent.start_by)
    }

    fn handle_due(&mut self) {
        if self.waiting.is_some() {
            if self.not_before.is_none_or(|at| at <= Instant::now()) {
                self.start();
            }
            return;
        }
        let limit = self.settings.start_limit;
        if let Some(agent) = &mut self.agent {
            agent.give_up(format!("it opened no session within {} s", limit.as_secs_f64()));
        }
    }

    fn handle_command(&mut self, command: AgentCommand) {
        match command {
            AgentCommand::Prompt { turn, text } => self.prompt(turn, text),
            AgentCommand::Cancel { turn } => {
                if self.waiting.take_if(|(waiting, _)| *waiting == turn).is_some() {
                    self.report(turn, Outcome::Cancelled, None);
                } else if let Some(agent) = &mut self.agent {
                    agent.acp.cancel(&turn);
                }
            }
            AgentCommand::Answer { turn, request, option } => {
                if let Some(agent) = &mut self.agent {
                    agent.acp.answer(&turn, &request, option);
                }
            }
            AgentCommand::Kill { turn } => {
                self.waiting.take_if(|(waiting, _)| *waiting == turn);
                // A turn that has begun since is another one's.
                self.agent.take_if(|agent| agent.acp.turn().is_none_or(|current| *current == turn));
            }
        }
        self.drain();
    }

    fn prompt(&mut self, turn: TurnId, text: String) {
        let busy = self.waiting.is_some() || self.agent.as_ref().is_some_and(|agent| agent.acp.turn().is_some());
        if busy {
            self.report(turn, Outcome::Failed, Some(error("agent_error", "the agent is still at another turn".to_owned())));
            return;
        }
        let dead = self.agent.take_if(|agent| agent.refused.is_some() || !agent.process.is_running());
        if dead.is_some() {
            self.not_before = Some(Instant::now() + self.settings.restart_wait);
        }
        match &mut self.agent {
            Some(agent) => agent.acp.prompt(turn, text),
            None => self.waiting = Some((turn, text)),
        }
    }

    fn start(&mut self) {
        let Some((turn, text)) = self.waiting.take() else { return };
        match self.launch.spawn() {
            Ok(process) => {
                let mut acp = Acp::new(&self.launch.workdir);
                acp.prompt(turn, text);
                let start_by = Instant::now() + self.settings.start_limit;
                self.agent = Some(Agent { process, acp, start_by, refused: None });
                self.drain();
            }
            Err(cause) => {
                self.not_before = Some(Instant::now() + self.settings.restart_wait);
                let failure = self.start_failure(&format!("it could not be run ({cause})"), "");
                self.report(turn, Outcome::Failed, Some(failure));
            }
        }
    }

    fn handle_event(&mut self, event: ProcessEvent) {
        match event {
            ProcessEvent::Line(Line::Text(line)) => {
                if let Some(agent) = &mut self.agent {
                    agent.acp.handle_line(&line);
                }
            }
            ProcessEvent::Line(Line::Skipped(bytes)) => {
                tracing::warn!(session = %self.launch.session, bytes, "an agent's line is too long and was skipped");
            }
            ProcessEvent::Gone(status) => self.bury(status),
        }
        self.drain();
    }

    fn bury(&mut self, status: Option<ExitStatus>) {
        let Some(mut agent) = self.agent.take() else { return };
        self.not_before = Some(Instant::now() + self.settings.restart_wait);
        let end = status.map_or_else(|| "vanished".to_owned(), describe);
        let tail = agent.process.tail();
        tracing::info!(session = %self.launch.session, end, "an agent is gone");
        let failure = if agent.acp.is_ready() {
            let said = if tail.is_empty() { String::new() } else { format!("; the last it said: {tail}") };
            error("agent_exited", format!("the agent {end} in the middle of the turn; the next message starts a new one{said}"))
        } else {
            let reason = agent.refused.take().unwrap_or_else(|| format!("it {end} before a session was open"));
            let noise = agent.acp.first_noise().map(|noise| format!(", and printed {noise:?}")).unwrap_or_default();
            self.start_failure(&format!("{reason}{noise}"), &tail)
        };
        agent.acp.end(Outcome::Failed, Some(failure));
        agent.drain(&mut self.unsent);
    }

    fn start_failure(&self, reason: &str, tail: &str) -> TurnError {
        let said = if tail.is_empty() { String::new() } else { format!("; the last it said: {tail}") };
        let command = self.launch.shown();
        error("agent_start", format!("the agent did not start: {reason}; check the option --agent, which runs `{command}`{said}"))
    }

    fn report(&mut self, turn: TurnId, outcome: Outcome, error: Option<TurnError>) {
        self.unsent.push_back(AgentReport { turn, update: AgentUpdate::Ended { outcome, error } });
    }

    fn drain(&mut self) {
        if let Some(agent) = &mut self.agent {
            agent.drain(&mut self.unsent);
        }
    }
}

impl Agent {
    fn drain(&mut self, unsent: &mut VecDeque<AgentReport>) {
        while let Some(output) = self.acp.poll_output() {
            match output {
                Output::Line(line) => self.process.write_line(&line),
                Output::Report(report) => unsent.push_back(report),
                Output::Refused(reason) => self.give_up(reason),
            }
        }
    }

    fn give_up(&mut self, reason: String) {
        self.refused = Some(reason);
        self.process.kill();
    }
}

fn error(code: &str, message: String) -> TurnError {
    TurnError { code: code.to_owned(), message }
}

fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exited with code {code}"),
        (None, Some(signal)) => format!("was killed by signal {signal}"),
        (None, None) => "stopped".to_owned(),
    }
}
