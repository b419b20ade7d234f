//! The client side of the Agent Client Protocol, version 1, as a state machine: lines in, lines and reports out.
//!
//! Feed it with the agent's lines and the session's commands, then drain [`Acp::poll_output`] until it is empty.

use std::{
    collections::{BTreeMap, VecDeque},
    path::Path,
};

use agent_client_protocol_schema::{
    ProtocolVersion,
    v1::{
        CancelNotification, ContentBlock, Implementation, InitializeRequest, NewSessionRequest, NewSessionResponse, PromptRequest,
        RequestPermissionOutcome, RequestPermissionRequest, RequestPermissionResponse, SelectedPermissionOutcome, SessionId,
        SessionNotification, TextContent,
    },
};
use moorline_protocol::{Outcome, RequestOption, TurnError, TurnId};
use moorline_session::{AgentReport, AgentUpdate};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json, value::RawValue};

use super::updates::Tools;

/// JSON-RPC's code for a method that we do not have.
const METHOD_NOT_FOUND: i32 = -32601;
/// JSON-RPC's code for parameters that we cannot read.
const INVALID_PARAMS: i32 = -32602;

/// What the state machine wants done, in order.
#[derive(Debug)]
pub(super) enum Output {
    /// Write this line to the agent.
    Line(String),
    /// Tell the session.
    Report(AgentReport),
    /// The agent is of no use: end it. The text says why.
    Refused(String),
}

/// One agent process's conversation.
#[derive(Debug)]
pub(super) struct Acp {
    phase: Phase,
    workdir: std::path::PathBuf,
    last_id: u64,
    last_request: u64,
    turn: Option<Turn>,
    first_noise: Option<String>,
    outputs: VecDeque<Output>,
}

#[derive(Debug)]
enum Phase {
    /// `initialize` is on its way, under this id.
    Initializing(u64),
    /// `session/new` is on its way, under this id.
    Opening(u64),
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

/// Any JSON-RPC message.
#[derive(Deserialize)]
struct Message<'a> {
    #[serde(default)]
    id: Option<Value>,
    #[serde(default)]
    method: Option<String>,
    #[serde(default, borrow)]
    params: Option<&'a RawValue>,
    #[serde(default, borrow)]
    result: Option<&'a RawValue>,
    #[serde(default)]
    error: Option<RpcError>,
}

#[derive(Deserialize)]
struct RpcError {
    #[serde(default)]
    message: String,
    #[serde(default)]
    data: Option<Value>,
}

impl RpcError {
    /// The message, and the part of the data that people can read.
    fn sentence(&self) -> String {
        let data = self.data.as_ref();
        let details = data.and_then(|data| data.as_str().or_else(|| data.get("details").or_else(|| data.get("message"))?.as_str()));
        match details {
            Some(details) if !self.message.contains(details) => format!("{}: {details}", self.message),
            _ => self.message.clone(),
        }
    }
}

/// The part of the answer to `initialize` that matters here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Initialized {
    protocol_version: ProtocolVersion,
}

/// The part of the answer to `session/prompt` that matters here; a stop reason to come is no reason to fail.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Prompted {
    stop_reason: String,
}

impl Acp {
    /// Begins the conversation of a process that works in `workdir`.
    pub(super) fn new(workdir: &Path) -> Self {
        let mut acp = Self {
            phase: Phase::Refused,
            workdir: workdir.to_owned(),
            last_id: 0,
            last_request: 0,
            turn: None,
            first_noise: None,
            outputs: VecDeque::new(),
        };
        let us = Implementation::new("moorline", env!("CARGO_PKG_VERSION"));
        let id = acp.call("initialize", &InitializeRequest::new(ProtocolVersion::V1).client_info(us));
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

    /// The turn in flight.
    pub(super) fn turn(&self) -> Option<&TurnId> {
        self.turn.as_ref().map(|turn| &turn.id)
    }

    /// The first line on stdout that was no message, cut short.
    pub(super) fn first_noise(&self) -> Option<&str> {
        self.first_noise.as_deref()
    }

    /// Begins a turn; its message is handed over as soon as the session is open.
    pub(super) fn prompt(&mut self, id: TurnId, text: String) {
        self.turn = Some(Turn { id, prompt: Prompt::Waiting(text), cancelled: false, requests: BTreeMap::new(), tools: Tools::default() });
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

    /// Ends the turn in flight, if there is one.
    pub(super) fn end(&mut self, outcome: Outcome, error: Option<TurnError>) {
        let Some(turn) = self.turn.take() else { return };
        turn.requests.values().for_each(|request| self.settle(request, None));
        self.outputs.push_back(Output::Report(AgentReport { turn: turn.id, update: AgentUpdate::Ended { outcome, error } }));
    }

    /// Takes one line of the agent's. What is no message, or answers nothing of ours, is ignored.
    pub(super) fn handle_line(&mut self, line: &str) {
        let Ok(message) = serde_json::from_str::<Message<'_>>(line) else {
            self.note_noise(line);
            return;
        };
        match (message.method, message.id) {
            (Some(method), Some(id)) => self.handle_request(&method, id, message.params),
            (Some(method), None) => self.handle_notification(&method, message.params),
            (None, Some(id)) => match message.error {
                Some(error) => self.handle_error(&id, &error),
                None => self.handle_result(&id, message.result.map_or("null", RawValue::get)),
            },
            (None, None) => self.note_noise(line),
        }
    }

    fn handle_request(&mut self, method: &str, id: Value, params: Option<&RawValue>) {
        if method != "session/request_permission" {
            tracing::debug!(method, "an agent asked for what we do not have");
            self.refuse(&id, METHOD_NOT_FOUND, "method not found");
            return;
        }
        let params = params.map_or("null", RawValue::get);
        let asked = match serde_json::from_str::<RequestPermissionRequest>(params) {
            Ok(asked) => asked,
            Err(error) => {
                self.refuse(&id, INVALID_PARAMS, &error.to_string());
                return;
            }
        };
        let Some(turn) = &mut self.turn else {
            self.settle(&id, None);
            return;
        };
        let call = asked.tool_call.tool_call_id.0.to_string();
        let tool = turn.tools.upsert(asked.tool_call);
        let title = turn.tools.title(&call).unwrap_or("The agent asks for permission").to_owned();
        self.outputs.push_back(Output::Report(AgentReport { turn: turn.id.clone(), update: tool }));
        if turn.cancelled {
            self.settle(&id, None);
            return;
        }
        self.last_request += 1;
        let request = format!("r{}", self.last_request);
        turn.requests.insert(request.clone(), id);
        let options = asked.options.into_iter().map(|option| RequestOption {
            id: option.option_id.0.to_string(),
            name: option.name,
            kind: serde_json::to_value(option.kind).ok().and_then(|kind| kind.as_str().map(str::to_owned)).unwrap_or_default(),
        });
        let update = AgentUpdate::Request { request, call: Some(call), title, options: options.collect() };
        self.outputs.push_back(Output::Report(AgentReport { turn: turn.id.clone(), update }));
    }

    fn handle_notification(&mut self, method: &str, params: Option<&RawValue>) {
        if method != "session/update" {
            tracing::debug!(method, "an agent's notification is ignored");
            return;
        }
        let Some(turn) = self.turn.as_mut().filter(|turn| matches!(turn.prompt, Prompt::Sent(_))) else { return };
        match serde_json::from_str::<SessionNotification>(params.map_or("null", RawValue::get)) {
            Ok(notification) => {
                if let Some(update) = turn.tools.translate(notification.update) {
                    self.outputs.push_back(Output::Report(AgentReport { turn: turn.id.clone(), update }));
                }
            }
            Err(error) => tracing::debug!(%error, "an agent's update is ignored"),
        }
    }

    fn handle_result(&mut self, id: &Value, result: &str) {
        match &self.phase {
            Phase::Initializing(own) if *id == *own => match serde_json::from_str::<Initialized>(result) {
                Ok(Initialized { protocol_version: ProtocolVersion::V1 }) => {
                    let id = self.call("session/new", &NewSessionRequest::new(self.workdir.clone()));
                    self.phase = Phase::Opening(id);
                }
                Ok(Initialized { protocol_version }) => {
                    self.give_up(format!("it speaks version {protocol_version} of the Agent Client Protocol, and this gateway version 1"));
                }
                Err(error) => self.give_up(format!("its answer to initialize cannot be read ({error})")),
            },
            Phase::Opening(own) if *id == *own => match serde_json::from_str::<NewSessionResponse>(result) {
                Ok(opened) => {
                    self.phase = Phase::Ready(opened.session_id);
                    self.hand_over();
                }
                Err(error) => self.give_up(format!("its answer to session/new cannot be read ({error})")),
            },
            Phase::Ready(_) if self.is_prompt(id) => match serde_json::from_str::<Prompted>(result) {
                Ok(prompted) => self.stop(&prompted.stop_reason),
                Err(error) => self.fail("agent_error", format!("the agent's answer to the prompt cannot be read ({error})")),
            },
            Phase::Initializing(_) | Phase::Opening(_) | Phase::Ready(_) | Phase::Refused => {}
        }
    }

    fn handle_error(&mut self, id: &Value, error: &RpcError) {
        let sentence = error.sentence();
        match &self.phase {
            Phase::Initializing(own) if *id == *own => self.give_up(format!("it refused initialize ({sentence})")),
            Phase::Opening(own) if *id == *own => {
                self.give_up(format!("it refused to open a session ({sentence}); if it wants a login, do that with its own command"));
            }
            Phase::Ready(_) if self.is_prompt(id) => {
                if self.turn.as_ref().is_some_and(|turn| turn.cancelled) {
                    self.end(Outcome::Cancelled, None);
                } else {
                    self.fail("agent_error", format!("the agent answered with an error: {sentence}"));
                }
            }
            Phase::Initializing(_) | Phase::Opening(_) | Phase::Ready(_) | Phase::Refused => {}
        }
    }

    fn stop(&mut self, reason: &str) {
        match reason {
            "end_turn" => self.end(Outcome::Completed, None),
            "cancelled" => self.end(Outcome::Cancelled, None),
            "max_tokens" => self.fail("max_tokens", "the agent stopped at its limit of tokens: ask it to go on".to_owned()),
            "max_turn_requests" => {
                self.fail("max_turn_requests", "the agent stopped at its limit of model requests in one turn: ask it to go on".to_owned());
            }
            "refusal" => self.fail("refusal", "the agent refuses to go on, and has forgotten this message: put it differently".to_owned()),
            _ => self.fail("agent_error", format!("the agent stopped for a reason that this gateway does not know: {reason}")),
        }
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

    fn settle(&mut self, request: &Value, option: Option<String>) {
        let outcome = option.map_or(RequestPermissionOutcome::Cancelled, |option| {
            RequestPermissionOutcome::Selected(SelectedPermissionOutcome::new(option))
        });
        self.write(&json!({"jsonrpc": "2.0", "id": request, "result": RequestPermissionResponse::new(outcome)}));
    }

    fn refuse(&mut self, request: &Value, code: i32, message: &str) {
        self.write(&json!({"jsonrpc": "2.0", "id": request, "error": {"code": code, "message": message}}));
    }

    fn call(&mut self, method: &str, params: &impl Serialize) -> u64 {
        self.last_id += 1;
        self.write(&json!({"jsonrpc": "2.0", "id": self.last_id, "method": method, "params": params}));
        self.last_id
    }

    fn write(&mut self, message: &Value) {
        self.outputs.push_back(Output::Line(message.to_string()));
    }

    fn note_noise(&mut self, line: &str) {
        let short: String = line.chars().take(200).collect();
        tracing::debug!(line = short, "an agent printed what is no message");
        if !short.trim().is_empty() {
            self.first_noise.get_or_insert(short);
        }
    }
}
