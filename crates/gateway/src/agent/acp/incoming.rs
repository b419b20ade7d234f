//! What the agent says: answers to what it was asked, and news of its own.

use agent_client_protocol_schema::{
    ProtocolVersion,
    v1::{NewSessionResponse, SessionId, SessionNotification, SessionUpdate},
};
use moorline_protocol::{Context, Outcome, SlashCommand, Usage};
use moorline_session::{AgentReport, AgentUpdate};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use super::{
    Acp, FORGOTTEN, Output, Phase, Prompt,
    settings::{Offered, Settings},
};

/// The protocol's code for "log in first".
const AUTH_REQUIRED: i64 = -32_000;

/// Commands that are shown at most, and how long their descriptions may be, in characters.
const COMMANDS: usize = 80;
const DESCRIPTION_CHARS: usize = 100;

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
    code: i64,
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
    #[serde(default)]
    agent_capabilities: Capabilities,
    #[serde(default)]
    auth_methods: Vec<AuthMethod>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Capabilities {
    load_session: bool,
}

#[derive(Deserialize)]
struct AuthMethod {
    name: String,
    #[serde(default)]
    description: Option<String>,
}

/// The part of the answer to `session/prompt` that matters here; a stop reason to come is no reason to fail.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Prompted {
    stop_reason: String,
    #[serde(default)]
    usage: Option<Tokens>,
    #[serde(default, rename = "_meta")]
    meta: Value,
}

/// What one agent tells of a turn in a way of its own, at the end of it.
const QUOTA: [&str; 2] = ["/quota/token_count/input_tokens", "/quota/token_count/output_tokens"];

/// And another one, for each answer of its model, beside a text that is empty.
const PART: [&str; 2] = ["/usage/inputTokens", "/usage/outputTokens"];

/// Tokens in and out, where they stand.
fn tokens(meta: &Value, places: [&str; 2]) -> Option<[u64; 2]> {
    let [input, output] = places.map(|place| meta.pointer(place).and_then(Value::as_u64));
    Some([input?, output?])
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Tokens {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
}

impl Acp {
    /// Takes one line of the agent's. What is no message, or answers nothing of ours, is ignored.
    pub(in crate::agent) fn handle_line(&mut self, line: &str) {
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

    fn handle_notification(&mut self, method: &str, params: Option<&RawValue>) {
        if method != "session/update" {
            tracing::debug!(method, "an agent's notification is ignored");
            return;
        }
        match serde_json::from_str::<SessionNotification>(params.map_or("null", RawValue::get)) {
            Ok(notification) => self.update(notification.update),
            Err(error) => tracing::debug!(%error, "an agent's update is ignored"),
        }
    }

    /// What concerns the session counts at any time; what concerns a turn only between its prompt and its end. So what an
    /// agent replays when it loads its session is swallowed: the journal has it.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the others are a turn's")]
    fn update(&mut self, update: SessionUpdate) {
        match update {
            SessionUpdate::AvailableCommandsUpdate(update) => {
                let commands = update.available_commands.into_iter().take(COMMANDS);
                self.tell().commands = commands
                    .map(|command| SlashCommand {
                        name: command.name,
                        description: command.description.chars().take(DESCRIPTION_CHARS).collect(),
                    })
                    .collect();
            }
            SessionUpdate::CurrentModeUpdate(update) => self.tell().settings.mode_is(&update.current_mode_id.0),
            SessionUpdate::ConfigOptionUpdate(update) => self.tell().settings.replace_options(update.config_options),
            SessionUpdate::SessionInfoUpdate(update) => {
                let title = update.title.value().cloned();
                if let (Some(title), Some(turn)) = (title, self.newest.clone()) {
                    self.outputs.push_back(Output::Report(AgentReport { turn, update: AgentUpdate::Title(title) }));
                }
            }
            SessionUpdate::UsageUpdate(update) => {
                self.tell().context = Some(Context { used: update.used, size: update.size });
                if let Some(cost) = update.cost {
                    let cost = self.standing.spent.in_turn(cost.amount, &cost.currency);
                    self.report_usage(Usage { cost, ..Usage::default() });
                }
            }
            update => {
                if let SessionUpdate::AgentMessageChunk(chunk) = &update
                    && let Some(meta) = &chunk.meta
                    && let Some([input, output]) =
                        meta.get("usage").map(|usage| json!({"usage": usage})).and_then(|meta| tokens(&meta, PART))
                    && self.turn.as_ref().is_some_and(|turn| matches!(turn.prompt, Prompt::Sent(_)))
                {
                    let [input, output] = self.standing.spent.tokens(input, output);
                    self.report_usage(Usage { input: Some(input), output: Some(output), cost: None });
                }
                let Some(turn) = self.turn.as_mut().filter(|turn| matches!(turn.prompt, Prompt::Sent(_))) else { return };
                if let Some(update) = turn.tools.translate(update) {
                    self.outputs.push_back(Output::Report(AgentReport { turn: turn.id.clone(), update }));
                }
            }
        }
    }

    fn report_usage(&mut self, usage: Usage) {
        if let Some(turn) = self.turn.as_ref().filter(|_| usage != Usage::default()) {
            self.outputs.push_back(Output::Report(AgentReport { turn: turn.id.clone(), update: AgentUpdate::Usage(usage) }));
        }
    }

    fn handle_result(&mut self, id: &Value, result: &str) {
        match &self.phase {
            Phase::Initializing(own) if *id == *own => match serde_json::from_str::<Initialized>(result) {
                Ok(initialized) if initialized.protocol_version == ProtocolVersion::V1 => {
                    let login = |method: AuthMethod| match method.description {
                        Some(description) => format!("{} ({description})", method.name),
                        None => method.name,
                    };
                    self.logins = initialized.auth_methods.into_iter().map(login).collect();
                    self.open(initialized.agent_capabilities.load_session);
                }
                Ok(Initialized { protocol_version, .. }) => {
                    self.give_up(format!("it speaks version {protocol_version} of the Agent Client Protocol, and this gateway version 1"));
                }
                Err(error) => self.give_up(format!("its answer to initialize cannot be read ({error})")),
            },
            Phase::Opening(own) if *id == *own => match serde_json::from_str::<NewSessionResponse>(result) {
                Ok(opened) => self.opened(opened.session_id, result),
                Err(error) => self.give_up(format!("its answer to session/new cannot be read ({error})")),
            },
            Phase::Loading(own) if *id == *own => {
                let session = SessionId::new(self.earlier.clone().unwrap_or_default());
                self.opened(session, result);
            }
            Phase::Ready(_) if self.is_prompt(id) => match serde_json::from_str::<Prompted>(result) {
                Ok(prompted) => {
                    let quota = tokens(&prompted.meta, QUOTA).map(|[input, output]| (Some(input), Some(output)));
                    let usage = prompted.usage.map(|usage| (usage.input_tokens, usage.output_tokens)).or(quota);
                    let (input, output) = usage.unwrap_or_default();
                    self.report_usage(Usage { input, output, cost: None });
                    self.stop(&prompted.stop_reason);
                }
                Err(error) => self.fail("agent_error", format!("the agent's answer to the prompt cannot be read ({error})")),
            },
            Phase::Ready(_) => self.was_set(id, result),
            Phase::Initializing(_) | Phase::Opening(_) | Phase::Loading(_) | Phase::Refused => {}
        }
    }

    fn opened(&mut self, session: SessionId, result: &str) {
        // What cannot be read of it cannot be set.
        let offered = serde_json::from_str::<Option<Offered>>(result).ok().flatten().unwrap_or_default();
        self.tell().settings = Settings::of(offered);
        self.phase = Phase::Ready(session);
        self.hand_over();
    }

    fn was_set(&mut self, id: &Value, result: &str) {
        let Some(at) = self.setting.iter().position(|(request, ..)| *id == *request) else { return };
        let (_, setting, value) = self.setting.swap_remove(at);
        match serde_json::from_str::<agent_client_protocol_schema::v1::SetSessionConfigOptionResponse>(result) {
            Ok(all) if !all.config_options.is_empty() => self.tell().settings.replace_options(all.config_options),
            Ok(_) | Err(_) => self.tell().settings.choose(&setting, &value),
        }
        self.tell().note = None;
    }

    fn handle_error(&mut self, id: &Value, error: &RpcError) {
        let sentence = error.sentence();
        match &self.phase {
            Phase::Initializing(own) if *id == *own => self.give_up(format!("it refused initialize ({sentence})")),
            Phase::Opening(own) if *id == *own => {
                let remedy = self.remedy(error).unwrap_or_else(|| "; if it wants a login, do that with its own command".to_owned());
                self.give_up(format!("it refused to open a session ({sentence}){remedy}"));
            }
            Phase::Loading(own) if *id == *own => {
                tracing::info!(reason = sentence, "an agent does not know its earlier session any more");
                self.tell().note = Some(FORGOTTEN.to_owned());
                self.earlier = None;
                self.open(false);
            }
            Phase::Ready(_) if self.is_prompt(id) => {
                if self.turn.as_ref().is_some_and(|turn| turn.cancelled) {
                    self.end(Outcome::Cancelled, None);
                } else {
                    let remedy = self.remedy(error).unwrap_or_default();
                    self.fail("agent_error", format!("the agent answered with an error: {sentence}{remedy}"));
                }
            }
            Phase::Ready(_) => {
                if let Some(at) = self.setting.iter().position(|(request, ..)| *id == *request) {
                    let (_, setting, value) = self.setting.swap_remove(at);
                    self.tell().note = Some(format!("The agent did not set {setting} to {value}: {sentence}"));
                }
            }
            Phase::Initializing(_) | Phase::Opening(_) | Phase::Loading(_) | Phase::Refused => {}
        }
    }

    /// What to do about an error that asks for a login.
    fn remedy(&self, error: &RpcError) -> Option<String> {
        if error.code != AUTH_REQUIRED {
            return None;
        }
        Some(match self.logins.as_slice() {
            [] => "; it wants a login: log in with its own command in a terminal, then send again".to_owned(),
            logins => format!(
                "; it wants a login: set up one of these in a terminal or in the gateway's environment, then send again: {}",
                logins.join(", ")
            ),
        })
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

    fn note_noise(&mut self, line: &str) {
        let short: String = line.chars().take(200).collect();
        tracing::debug!(line = short, "an agent printed what is no message");
        if !short.trim().is_empty() {
            self.first_noise.get_or_insert(short);
        }
    }
}
