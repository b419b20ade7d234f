//! The task that lives as long as a session's handle: it starts the process, joins it to its conversation, and buries it.

use std::{collections::VecDeque, fs, os::unix::process::ExitStatusExt as _, path::PathBuf, process::ExitStatus};

use moorline_protocol::{AgentState, AgentStatus, Millis, Outcome, TurnError, TurnId};
use moorline_session::{AgentCommand, AgentReport, AgentUpdate};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep_until},
};

use super::{Acp, Output, backoff::Backoff, files};
use crate::agent::{
    AgentSettings,
    lines::Line,
    process::{Launch, Process, ProcessEvent},
    supervisor::Outlet,
};

/// An agent that leaves this much unread on its stdin is not read from either.
const UNWRITTEN_BYTES: usize = 1 << 20;

/// Serves a handle until it is dropped, or nobody reads the reports any more.
pub(in crate::agent) async fn run(
    launch: Launch,
    settings: AgentSettings,
    install: Option<&'static str>,
    mut inbox: mpsc::UnboundedReceiver<AgentCommand>,
    outlet: Outlet,
) {
    let memory = settings.memory_dir.join(launch.session.as_str());
    let Outlet { reports, status } = outlet;
    let mut life = Life {
        launch,
        backoff: Backoff::new(settings.restart_wait),
        settings,
        install,
        memory,
        agent: None,
        files: JoinSet::new(),
        waiting: None,
        not_before: None,
        down: None,
        changes: 0,
        unsent: VecDeque::new(),
    };
    let mut shown = None;
    loop {
        // A status is looked at only when something of it may have changed: an agent says a hundred thousand other things.
        let look = life.look();
        if shown != Some(look) {
            status.send_if_modified(|status| life.describe(status));
            shown = Some(look);
        }
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
            Some(done) = life.files.join_next() => life.handle_file(done.ok()),
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
    /// The line that installs the agent, where it is known.
    install: Option<&'static str>,
    /// The file that remembers what the agent calls its conversation.
    memory: PathBuf,
    agent: Option<Agent>,
    /// Files that are being read and written for the agent, each with the request it answers.
    files: JoinSet<FileDone>,
    /// A prompt that waits for the next start.
    waiting: Option<(TurnId, String)>,
    backoff: Backoff,
    /// No start before this, after a death.
    not_before: Option<Instant>,
    /// Why the agent is down.
    down: Option<String>,
    /// Starts, ends and restarts by hand so far.
    changes: u64,
    /// Reports that the session has no room for yet; the agent is not read from meanwhile.
    unsent: VecDeque<AgentReport>,
}

type FileDone = (serde_json::Value, Result<Option<String>, String>);

/// A process and the conversation with it.
struct Agent {
    process: Process,
    acp: Acp,
    /// When the session must be open.
    start_by: Instant,
    /// Why the start is given up; the process is being killed.
    refused: Option<String>,
    /// Its conversation is written down.
    remembered: bool,
}

impl Life {
    /// What a status is made of, as far as that can be told at a glance.
    fn look(&self) -> (u64, bool, Option<(bool, bool, u64)>) {
        let agent = self.agent.as_ref().map(|agent| (agent.acp.is_ready(), agent.refused.is_some(), agent.acp.told()));
        (self.changes, self.waiting.is_some(), agent)
    }

    /// Puts into the status how the agent stands; tells whether that is news.
    fn describe(&mut self, status: &mut AgentStatus) -> bool {
        let mut now = AgentStatus { name: std::mem::take(&mut status.name), ..AgentStatus::default() };
        match &self.agent {
            Some(agent) if agent.refused.is_some() => now.state = AgentState::Down,
            Some(agent) if agent.acp.is_ready() => {
                now.state = AgentState::Ready;
                agent.acp.describe(&mut now);
            }
            Some(_) => now.state = AgentState::Starting,
            None if self.down.is_some() => {
                now.state = AgentState::Down;
                now.reason.clone_from(&self.down);
                if self.waiting.is_some() {
                    // Counted from the news of it, and not told again while it runs down.
                    let known = status.retry_ms.filter(|_| status.state == AgentState::Down && status.reason == now.reason);
                    let wait = self.not_before.map(|at| at.saturating_duration_since(Instant::now()));
                    now.retry_ms = known.or_else(|| wait.map(|wait| Millis(wait.as_millis() as u64)));
                }
            }
            None if self.waiting.is_some() => now.state = AgentState::Starting,
            None => now.state = AgentState::Resting,
        }
        let is_news = AgentStatus { name: String::new(), ..status.clone() } != AgentStatus { name: String::new(), ..now.clone() };
        *status = now;
        is_news
    }

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
            AgentCommand::Set { id, value } => {
                if let Some(agent) = &mut self.agent {
                    agent.acp.set(id, value);
                }
            }
            AgentCommand::Restart => self.restart(),
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
            self.failed("the agent died between two turns".to_owned());
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
                let mut acp = Acp::new(&self.launch.workdir, fs::read_to_string(&self.memory).ok());
                self.down = None;
                self.changes += 1;
                acp.prompt(turn, text);
                let start_by = Instant::now() + self.settings.start_limit;
                self.agent = Some(Agent { process, acp, start_by, refused: None, remembered: false });
                self.drain();
            }
            Err(cause) => {
                let failure = self.start_failure(&format!("it could not be run ({cause})"), "");
                self.failed(failure.message.clone());
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
        self.failed(failure.message.clone());
        agent.acp.end(Outcome::Failed, Some(failure));
        agent.drain(&mut self.unsent, &mut self.files);
    }

    /// The agent died, or did not start: each time in a row the next start waits twice as long.
    fn failed(&mut self, reason: String) {
        self.not_before = Some(Instant::now() + self.backoff.failed());
        self.down = Some(reason);
        self.changes += 1;
    }

    /// By hand: whatever there is ends, and the next start waits for nothing.
    fn restart(&mut self) {
        self.backoff.forget();
        (self.not_before, self.down) = (None, None);
        self.changes += 1;
        if let Some(mut agent) = self.agent.take() {
            let message = "the agent was restarted by hand; the next message starts a new one".to_owned();
            agent.acp.end(Outcome::Failed, Some(error("agent_restarted", message)));
            agent.drain(&mut self.unsent, &mut self.files);
        }
    }

    fn handle_file(&mut self, done: Option<FileDone>) {
        if let (Some(agent), Some((request, done))) = (&mut self.agent, done) {
            agent.acp.file_done(&request, done);
        }
        self.drain();
    }

    /// Writes down what the agent calls its conversation: a new process goes on with it.
    fn remember(&mut self) {
        let Some(agent) = self.agent.as_mut().filter(|agent| !agent.remembered) else { return };
        let Some(conversation) = agent.acp.conversation() else { return };
        agent.remembered = true;
        let folder = self.memory.parent().map_or(Ok(()), fs::create_dir_all);
        if let Err(error) = folder.and_then(|()| fs::write(&self.memory, conversation)) {
            tracing::warn!(path = %self.memory.display(), %error, "an agent's conversation could not be remembered");
        }
    }

    fn start_failure(&self, reason: &str, tail: &str) -> TurnError {
        let said = if tail.is_empty() { String::new() } else { format!("; the last it said: {tail}") };
        let command = self.launch.shown();
        let install = self.install.filter(|_| !self.launch.is_installed());
        let remedy = match install {
            Some(line) => format!("`{command}` is not installed: `{line}` does that"),
            None => format!("check the option --agent, which runs `{command}`"),
        };
        error("agent_start", format!("the agent did not start: {reason}; {remedy}{said}"))
    }

    fn report(&mut self, turn: TurnId, outcome: Outcome, error: Option<TurnError>) {
        self.unsent.push_back(AgentReport { turn, update: AgentUpdate::Ended { outcome, error } });
    }

    fn drain(&mut self) {
        if let Some(agent) = &mut self.agent {
            agent.drain(&mut self.unsent, &mut self.files);
        }
        let ended_by_itself =
            |report: &AgentReport| matches!(report.update, AgentUpdate::Ended { outcome: Outcome::Completed | Outcome::Cancelled, .. });
        if self.agent.is_some() && self.unsent.iter().any(ended_by_itself) {
            self.backoff.forget();
        }
        self.remember();
    }
}

impl Agent {
    fn drain(&mut self, unsent: &mut VecDeque<AgentReport>, files: &mut JoinSet<FileDone>) {
        while let Some(output) = self.acp.poll_output() {
            match output {
                Output::Line(line) => self.process.write_line(&line),
                Output::Report(report) => unsent.push_back(report),
                Output::File { request, job } => {
                    let workdir = self.acp.workdir().to_owned();
                    files.spawn_blocking(move || {
                        let done = files::perform(&job, &workdir);
                        (request, done)
                    });
                }
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
