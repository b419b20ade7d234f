//! The client side of the Agent Client Protocol, version 1, as a state machine: lines in, lines and reports out.
//!
//! Feed it with the agent's lines and the session's commands, then drain [`Acp::poll_output`] until it is empty.

mod backoff;
mod files;
mod incoming;
pub(super) mod life;
mod requests;
mod settings;
mod updates;

use std::{
    collections::{BTreeMap, VecDeque},
    path::{Path, PathBuf},
};

use agent_client_protocol_schema::{
    ProtocolVersion,
    v1::{
        CancelNotification, ClientCapabilities, ContentBlock, FileSystemCapabilities, Implementation, InitializeRequest,
        LoadSessionRequest, NewSessionRequest, PromptRequest, SessionId, TextContent,
    },
};
use moorline_protocol::{AgentStatus, Context, Outcome, SlashCommand, TurnError, TurnId};
use moorline_session::{AgentReport, AgentUpdate};
use serde::Serialize;
use serde_json::{Value, json};

use files::FileJob;
use settings::Settings;
use updates::{Spent, Tools};

/// Said of a process that could not go on with the conversation before it.
const FORGOTTEN: &str = "The agent was started anew and remembers nothing of what was said before.";

/// What the state machine wants done, in order.
#[derive(Debug)]
pub(super) enum Output {
    /// Write this line to the agent.
    Line(String),
    /// Tell the session.
    Report(AgentReport),
    /// Read or write a file, then [`Acp::file_done`].
    File { request: Value, job: FileJob },
    /// The agent is of no use: end it. The text says why.
    Refused(String),
}

/// One agent process's conversation.
#[derive(Debug)]
pub(super) struct Acp {
    phase: Phase,
    workdir: PathBuf,
    /// The conversation that an earlier process had, by the agent's name.
    earlier: Option<String>,
    last_id: u64,
    last_request: u64,
    turn: Option<Turn>,
    /// The newest turn, also when it is over: what the agent says of the session still names it.
    newest: Option<TurnId>,
    /// How one logs in, as the agent tells it.
    logins: Vec<String>,
    standing: Standing,
    /// How often that changed.
    told: u64,
    /// Settings that are being set: the request, the setting, the value.
    setting: Vec<(u64, String, String)>,
    first_noise: Option<String>,
    outputs: VecDeque<Output>,
}

/// What the agent told of itself.
#[derive(Debug, Default)]
struct Standing {
    settings: Settings,
    commands: Vec<SlashCommand>,
    context: Option<Context>,
    /// Something to know of its process.
    note: Option<String>,
    spent: Spent,
}

#[derive(Debug)]
enum Phase {
    /// `initialize` is on its way, under this id.
    Initializing(u64),
    /// `session/new` is on its way, under this id.
    Opening(u64),
    /// `session/load` is on its way, under this id.
    Loading(u64),
    Ready(SessionId),
    Refused,
}

/// The turn in flight.
#[derive(Debug)]
struct Turn {
    id: TurnId,
    prompt: Prompt,
    cancelled: bool,
    /// The agent's open requests: our name, its id.
    requests: BTreeMap<String, Value>,
    tools: Tools,
}

#[derive(Debug)]
enum Prompt {
    /// Waits for the session to open.
    Waiting(String),
    /// With the agent, under this id.
    Sent(u64),
}

impl Acp {
    /// Begins the conversation of a process that works in `workdir`, and is to go on with an earlier process's.
    pub(super) fn new(workdir: &Path, earlier: Option<String>) -> Self {
        let mut acp = Self {
            phase: Phase::Refused,
            workdir: workdir.to_owned(),
            earlier,
            last_id: 0,
            last_request: 0,
            turn: None,
            newest: None,
            logins: Vec::new(),
            standing: Standing::default(),
            told: 0,
            setting: Vec::new(),
            first_noise: None,
            outputs: VecDeque::new(),
        };
        let us = Implementation::new("moorline", env!("CARGO_PKG_VERSION"));
        let files = FileSystemCapabilities::new().read_text_file(true).write_text_file(true);
        let we = InitializeRequest::new(ProtocolVersion::V1).client_capabilities(ClientCapabilities::new().fs(files)).client_info(us);
        let id = acp.call("initialize", &we);
        acp.phase = Phase::Initializing(id);
        acp
    }

    /// The next thing to do, if there is one.
    pub(super) fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Whether the agent's session is open.
    pub(super) const fn is_ready(&self) -> bool {
        matches!(self.phase, Phase::Ready(_))
    }

    /// What the agent calls its session, once it is open.
    pub(super) fn conversation(&self) -> Option<&str> {
        if let Phase::Ready(session) = &self.phase { Some(&session.0) } else { None }
    }

    /// How often the agent has told something of itself: whoever knows that need not look again.
    pub(super) const fn told(&self) -> u64 {
        self.told
    }

    const fn tell(&mut self) -> &mut Standing {
        self.told += 1;
        &mut self.standing
    }

    /// What the agent told of itself, put into a status.
    pub(super) fn describe(&self, status: &mut AgentStatus) {
        status.reason.clone_from(&self.standing.note);
        status.settings = self.standing.settings.shown();
        status.commands.clone_from(&self.standing.commands);
        status.context = self.standing.context;
    }

    /// The turn in flight.
    pub(super) fn turn(&self) -> Option<&TurnId> {
        self.turn.as_ref().map(|turn| &turn.id)
    }

    /// Where its process works.
    pub(super) fn workdir(&self) -> &Path {
        &self.workdir
    }

    /// The first line on stdout that was no message, cut short.
    pub(super) fn first_noise(&self) -> Option<&str> {
        self.first_noise.as_deref()
    }

    /// Begins a turn; its message is handed over as soon as the session is open.
    pub(super) fn prompt(&mut self, id: TurnId, text: String) {
        self.newest = Some(id.clone());
        self.standing.spent.begin_turn();
        let tools = Tools::of_agent_in(&self.workdir);
        self.turn = Some(Turn { id, prompt: Prompt::Waiting(text), cancelled: false, requests: BTreeMap::new(), tools });
        self.hand_over();
    }

    /// Stops a turn: one that the agent has not heard of ends at once.
    pub(super) fn cancel(&mut self, id: &TurnId) {
        let Some(turn) = self.turn.as_mut().filter(|turn| turn.id == *id) else { return };
        if matches!(turn.prompt, Prompt::Waiting(_)) {
            self.end(Outcome::Cancelled, None);
            return;
        }
        turn.cancelled = true;
        let open = std::mem::take(&mut turn.requests);
        if let Phase::Ready(session) = &self.phase {
            let cancel = CancelNotification::new(session.clone());
            self.write(&json!({"jsonrpc": "2.0", "method": "session/cancel", "params": cancel}));
        }
        open.into_values().for_each(|request| self.settle(&request, None));
    }

    /// Settles a request of the agent's; one that is not open is ignored.
    pub(super) fn answer(&mut self, id: &TurnId, request: &str, option: Option<String>) {
        let open = self.turn.as_mut().filter(|turn| turn.id == *id).and_then(|turn| turn.requests.remove(request));
        if let Some(open) = open {
            self.settle(&open, option);
        }
    }

    /// Sets one of the agent's settings; what it does not offer is ignored.
    pub(super) fn set(&mut self, id: String, value: String) {
        let Phase::Ready(session) = &self.phase else { return };
        let Some((method, params)) = self.standing.settings.request(&session.0, &id, &value) else { return };
        let request = self.call(method, &params);
        self.setting.push((request, id, value));
    }

    /// Ends the turn in flight, if there is one.
    pub(super) fn end(&mut self, outcome: Outcome, error: Option<TurnError>) {
        let Some(turn) = self.turn.take() else { return };
        turn.requests.values().for_each(|request| self.settle(request, None));
        self.outputs.push_back(Output::Report(AgentReport { turn: turn.id, update: AgentUpdate::Ended { outcome, error } }));
    }

    /// Opens a session: the earlier one if the agent can, else a new one.
    fn open(&mut self, can_load: bool) {
        self.phase = match self.earlier.clone() {
            Some(earlier) if can_load => {
                Phase::Loading(self.call("session/load", &LoadSessionRequest::new(SessionId::new(earlier), self.workdir.clone())))
            }
            earlier => {
                if earlier.is_some() {
                    self.tell().note = Some(FORGOTTEN.to_owned());
                }
                Phase::Opening(self.call("session/new", &NewSessionRequest::new(self.workdir.clone())))
            }
        };
    }

    fn is_prompt(&self, id: &Value) -> bool {
        self.turn.as_ref().is_some_and(|turn| matches!(turn.prompt, Prompt::Sent(own) if *id == own))
    }

    fn fail(&mut self, code: &str, message: String) {
        self.end(Outcome::Failed, Some(TurnError { code: code.to_owned(), message }));
    }

    fn give_up(&mut self, reason: String) {
        self.phase = Phase::Refused;
        self.outputs.push_back(Output::Refused(reason));
    }

    fn hand_over(&mut self) {
        let Phase::Ready(session) = &self.phase else { return };
        let Some(Prompt::Waiting(text)) = self.turn.as_mut().map(|turn| &mut turn.prompt) else { return };
        let block = ContentBlock::Text(TextContent::new(std::mem::take(text)));
        let request = PromptRequest::new(session.clone(), vec![block]);
        let id = self.call("session/prompt", &request);
        if let Some(turn) = &mut self.turn {
            turn.prompt = Prompt::Sent(id);
        }
    }

    fn call(&mut self, method: &str, params: &impl Serialize) -> u64 {
        self.last_id += 1;
        self.write(&json!({"jsonrpc": "2.0", "id": self.last_id, "method": method, "params": params}));
        self.last_id
    }

    fn write(&mut self, message: &Value) {
        self.outputs.push_back(Output::Line(message.to_string()));
    }
}
