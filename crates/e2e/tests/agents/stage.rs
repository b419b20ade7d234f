//! A scene with a real agent and a scripted model, and the processes of that agent.

use std::{fs, os::fd::OwnedFd, path::PathBuf, time::Duration};

use moorline_e2e::{Journal, Pace, Page, Scene, ScriptedModel, SeenTranscript, Transport};
use moorline_protocol::{Block, BlockKind, RequestOption, Turn};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open},
};
use tempfile::TempDir;

use crate::agent::Agent;

/// One turn of an agent, its start included.
pub(crate) const TURN: Duration = Duration::from_secs(60);

/// An agent has ten seconds to stop, as in production, before it is killed.
const OPTIONS: [&str; 2] = ["--agent-stop-ms", "500000"];

/// Everything that a scenario of an agent needs.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) scene: Scene,
    _model: ScriptedModel,
    _home: TempDir,
}

impl Stage {
    pub(crate) async fn start(agent: Agent, transport: Transport) -> Self {
        agent.expect_on_path();
        let model = ScriptedModel::start(0, |_| {}).await.expect("a free port");
        let home = tempfile::tempdir().expect("a temporary home for the agent");
        let environment = agent.settle_in(home.path(), &model);
        let options = ["--agent", agent.name(), OPTIONS[0], OPTIONS[1]];
        let scene = Scene::start_among(&environment, transport, Pace::Fast, &options).await;
        Self { scene, _model: model, _home: home }
    }

    /// The folder that a session's agent works in.
    pub(crate) async fn workdir(&self, page: &Page) -> PathBuf {
        self.scene.gateway.data().join("work").join(page.session().await.as_str())
    }

    /// What the agent offers when it asks for permission: waits for it, and finds the option that allows this once.
    pub(crate) async fn allowing_option(&self, page: &Page) -> RequestOption {
        page.wait_for("the agent to ask", "document.querySelector('[data-option]:not(:disabled)')", TURN).await;
        let journal = self.scene.api.journal(&page.session().await).await;
        let transcript = journal.transcript();
        let blocks: Vec<&Block> = transcript.turns().flat_map(|turn| transcript.blocks(&turn.id)).collect();
        let request = blocks.iter().rfind(|block| block.kind == BlockKind::Request).expect("a request in the journal");
        let options = request.fields.options.clone().unwrap_or_default();
        options.into_iter().find(|option| option.kind == "allow_once").expect("a way to allow it once")
    }

    /// The processes of a session's agent.
    pub(crate) async fn processes(&self, page: &Page) -> Vec<Process> {
        let mark = format!("MOORLINE_AGENT={}.", page.session().await);
        let processes = fs::read_dir("/proc").expect("/proc").flatten().filter_map(|entry| {
            let pid = Pid::from_raw(entry.file_name().to_str()?.parse().ok()?)?;
            let environ = fs::read(entry.path().join("environ")).ok()?;
            let is_marked = environ.split(|byte| *byte == 0).any(|variable| variable.starts_with(mark.as_bytes()));
            // Opened before it may be gone, and never mistaken for a successor.
            let handle = is_marked.then(|| pidfd_open(pid, PidfdFlags::empty()).ok())??;
            Some(Process { pid, handle })
        });
        processes.collect()
    }

    /// Kills the agent with SIGKILL: the process that the gateway started. Answers all that belonged to it.
    pub(crate) async fn kill_agent(&self, page: &Page) -> Vec<Process> {
        let processes = self.processes(page).await;
        let leader =
            processes.iter().find(|process| process.is_child_of(self.scene.gateway.process_id())).expect("an agent of the gateway");
        kill_process(leader.pid, Signal::KILL).expect("the agent can be killed");
        processes
    }
}

/// A process of an agent.
#[derive(Debug)]
pub(crate) struct Process {
    pid: Pid,
    handle: OwnedFd,
}

impl Process {
    fn is_child_of(&self, parent: u32) -> bool {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid.as_raw_nonzero())).unwrap_or_default();
        status.lines().any(|line| line.strip_prefix("PPid:").is_some_and(|id| id.trim() == parent.to_string()))
    }

    /// Waits until it is gone. Blocks.
    pub(crate) fn gone(&self) {
        const GONE: Timespec = Timespec { tv_sec: 10, tv_nsec: 0 };
        let ready = poll(&mut [PollFd::new(&self.handle, PollFlags::IN)], Some(&GONE)).expect("a handle of a process can be waited for");
        assert_eq!(ready, 1, "waited {} s for process {} of the agent to be gone", GONE.tv_sec, self.pid.as_raw_nonzero());
    }
}

/// The text that a turn shows as its answer; 1 = the first.
pub(crate) fn answer_of(turn: usize) -> String {
    let blocks = format!(
        "document.querySelectorAll('[data-transcript] [data-turn]')[{}]?.querySelectorAll('[data-kind=text] [data-text]')",
        turn - 1
    );
    format!("[...({blocks} ?? [])].map((text) => text.textContent).join('')")
}

/// Sends the order of a long answer, and waits until some of it is on screen.
pub(crate) async fn begin_answer(page: &Page, turn: usize) {
    page.send("slow 3000").await;
    page.wait_for("some of the answer", &format!("({}).includes('word-5 ')", answer_of(turn)), TURN).await;
}

/// The cards of the tools of a turn, opened.
pub(crate) async fn tools_of(page: &Page, turn: usize) -> Vec<moorline_e2e::SeenBlock> {
    let seen = SeenTranscript::read(page).await;
    seen.turns[turn - 1].blocks.iter().filter(|block| block.kind == "tool").cloned().collect()
}

/// A turn of the journal; 1 = the first.
pub(crate) fn turn(journal: &Journal, n: usize) -> Turn {
    journal.transcript().turns().nth(n - 1).expect("the turn").clone()
}
