//! One session's agent with its reports, and deadlines for everything that is waited for.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use moorline_gateway::agent::{AgentHandle, AgentSettings, Conversation, start};
use moorline_protocol::{AgentStatus, Outcome, SessionId, TurnId};
use moorline_session::{AgentCommand, AgentReport, AgentUpdate};
use tempfile::TempDir;
use tokio::{sync::mpsc, time::timeout};

/// How long a report, or a process's end, may take.
const DEADLINE: Duration = Duration::from_secs(20);

/// What a shell script needs to answer `initialize` and `session/new` and to take the prompt.
const SCRIPT_HEAD: &str = r#"
id() { printf '%s' "$1" | sed 's/.*"id":\([0-9]*\).*/\1/'; }
say() { printf '%s\n' "$1"; }
answer() { say "{\"jsonrpc\":\"2.0\",\"id\":$(id "$1"),\"result\":$2}"; }
text() { say "{\"jsonrpc\":\"2.0\",\"method\":\"session/update\",\"params\":{\"sessionId\":\"s\",\"update\":{\"sessionUpdate\":\"agent_message_chunk\",\"content\":{\"type\":\"text\",\"text\":\"$1\"}}}}"; }
shake_hands() { read -r line; answer "$line" '{"protocolVersion":1}'; read -r line; answer "$line" '{"sessionId":"s"}'; read -r prompt; }
"#;

/// A conversation that begins, with room for more than a test says.
const NOTHING: Conversation = Conversation::new(1 << 20);

pub(crate) struct Bench {
    handle: Option<AgentHandle>,
    reports: mpsc::Receiver<AgentReport>,
    dir: TempDir,
}

pub(crate) fn turn(name: &str) -> TurnId {
    TurnId::parse(name).unwrap()
}

impl Bench {
    /// Runs an agent as `--agent` names it, restarted without a wait.
    pub(crate) fn new(agent: &str) -> Self {
        Self::with(agent, 64, |_| {})
    }

    /// Runs a shell script that may use the functions of `SCRIPT_HEAD`.
    pub(crate) fn script(body: &str) -> Self {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("agent.sh");
        fs::write(&path, format!("{SCRIPT_HEAD}\n{body}\n")).unwrap();
        Self::in_dir(dir, &format!("acp:sh {}", path.display()), NOTHING, 64, |_| {})
    }

    /// Runs an agent with room for so many reports, under changed settings.
    pub(crate) fn with(agent: &str, reports: usize, change: impl FnOnce(&mut AgentSettings)) -> Self {
        Self::in_dir(TempDir::new().unwrap(), agent, NOTHING, reports, change)
    }

    /// As [`Bench::new`], for an agent that is told what was said before.
    pub(crate) fn behind(agent: &str, before: Conversation) -> Self {
        Self::in_dir(TempDir::new().unwrap(), agent, before, 64, |_| {})
    }

    fn in_dir(dir: TempDir, agent: &str, before: Conversation, reports: usize, change: impl FnOnce(&mut AgentSettings)) -> Self {
        let mut settings = AgentSettings::new(env!("CARGO_BIN_EXE_moorline-gateway"), dir.path().join("agents"));
        settings.restart_wait = Duration::ZERO;
        change(&mut settings);
        let (sender, receiver) = mpsc::channel(reports);
        let session = SessionId::parse("s1").unwrap();
        let handle = start(&agent.parse().unwrap(), &settings, &session, &dir.path().join("work"), before, sender);
        Self { handle: Some(handle), reports: receiver, dir }
    }

    pub(crate) fn send(&self, command: AgentCommand) {
        self.handle.as_ref().unwrap().send(command).expect("the agent's task is there");
    }

    /// Waits until the agent stands as it should.
    pub(crate) async fn until_it_stands(&self, what: &str, stands: impl FnMut(&AgentStatus) -> bool) -> AgentStatus {
        let mut status = self.handle.as_ref().unwrap().status();
        let waiting = timeout(DEADLINE, status.wait_for(stands));
        waiting.await.unwrap_or_else(|_| panic!("waited {DEADLINE:?} until {what}")).expect("the agent's task is there").clone()
    }

    /// Where the agent works.
    pub(crate) fn workdir(&self) -> PathBuf {
        self.dir.path().join("work")
    }

    pub(crate) fn prompt(&self, name: &str, text: &str) {
        self.send(AgentCommand::Prompt { turn: turn(name), text: text.to_owned() });
    }

    pub(crate) fn drop_handle(&mut self) {
        self.handle = None;
    }

    /// The next report, which must be of this turn.
    pub(crate) async fn next(&mut self, name: &str) -> AgentUpdate {
        let report = self.next_of_any().await;
        assert_eq!(report.turn, turn(name), "a report of another turn: {:?}", report.update);
        report.update
    }

    /// The next report of whatever turn.
    pub(crate) async fn next_of_any(&mut self) -> AgentReport {
        timeout(DEADLINE, self.reports.recv()).await.expect("no report came in time").expect("the adapter ended")
    }

    /// Everything up to and with `Ended`.
    pub(crate) async fn rest(&mut self, name: &str) -> Vec<AgentUpdate> {
        let mut updates = Vec::new();
        loop {
            updates.push(self.next(name).await);
            if matches!(updates.last(), Some(AgentUpdate::Ended { .. })) {
                return updates;
            }
        }
    }

    /// A whole turn.
    pub(crate) async fn play(&mut self, name: &str, text: &str) -> Vec<AgentUpdate> {
        self.prompt(name, text);
        self.rest(name).await
    }

    /// The pids of the agents that are written down as running.
    pub(crate) fn recorded(&self) -> Vec<u32> {
        let records = fs::read_dir(self.pid_dir()).map(|entries| entries.map(|entry| entry.unwrap().path()).collect::<Vec<_>>());
        records.unwrap_or_default().iter().filter_map(|path| fs::read_to_string(path).ok()?.parse().ok()).collect()
    }

    pub(crate) fn pid_dir(&self) -> PathBuf {
        self.dir.path().join("agents")
    }

    /// Waits until a file of the working directory exists.
    pub(crate) async fn until_file(&self, file: &str) {
        let path = self.dir.path().join("work").join(file);
        until("the script writes its file", || path.exists()).await;
    }

    /// The pids in a file of the working directory, once it has so many lines.
    pub(crate) async fn pids_in(&self, file: &str, lines: usize) -> Vec<u32> {
        let path = self.dir.path().join("work").join(file);
        let mut pids = Vec::new();
        until("the script writes its pids", || {
            pids = fs::read_to_string(&path).unwrap_or_default().lines().filter_map(|line| line.parse().ok()).collect();
            pids.len() == lines
        })
        .await;
        pids
    }
}

/// All text of a turn.
pub(crate) fn text_of(updates: &[AgentUpdate]) -> String {
    updates.iter().filter_map(|update| if let AgentUpdate::Text(text) = update { Some(text.as_str()) } else { None }).collect()
}

/// How a turn ended: the outcome, the code and the sentence.
pub(crate) fn end_of(updates: &[AgentUpdate]) -> (Outcome, String, String) {
    let Some(AgentUpdate::Ended { outcome, error }) = updates.last() else { panic!("not ended: {updates:?}") };
    let error = error.clone();
    let (code, message) = error.map(|error| (error.code, error.message)).unwrap_or_default();
    (*outcome, code, message)
}

/// Looks again and again, until the deadline.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits until a process has ended; a zombie that waits for its parent has.
pub(crate) async fn until_dead(pid: u32) {
    until(&format!("process {pid} is dead"), || !is_alive(pid)).await;
}

/// Whether a process runs.
pub(crate) fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}
