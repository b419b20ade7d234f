//! What the agent asks of us: permissions, and files.

use agent_client_protocol_schema::v1::{
    ReadTextFileRequest, RequestPermissionOutcome, RequestPermissionRequest, RequestPermissionResponse, SelectedPermissionOutcome,
    WriteTextFileRequest,
};
use moorline_protocol::RequestOption;
use moorline_session::{AgentReport, AgentUpdate};
use serde::de::DeserializeOwned;
use serde_json::{Value, json, value::RawValue};

use super::{Acp, Output, files::FileJob};

/// JSON-RPC's code for a method that we do not have.
const METHOD_NOT_FOUND: i32 = -32_601;
/// JSON-RPC's code for parameters that we cannot read.
const INVALID_PARAMS: i32 = -32_602;
/// JSON-RPC's code for what failed on our side.
const INTERNAL_ERROR: i32 = -32_603;

impl Acp {
    /// Every request is answered, also one of a method that we do not have: an agent that waits for an answer hangs.
    pub(super) fn handle_request(&mut self, method: &str, id: Value, params: Option<&RawValue>) {
        match method {
            "session/request_permission" => {
                if let Some(asked) = self.read_params(&id, params) {
                    self.ask(id, asked);
                }
            }
            "fs/read_text_file" => {
                if let Some(ReadTextFileRequest { path, line, limit, .. }) = self.read_params(&id, params) {
                    self.outputs.push_back(Output::File { request: id, job: FileJob::Read { path, line, limit } });
                }
            }
            "fs/write_text_file" => {
                if let Some(WriteTextFileRequest { path, content, .. }) = self.read_params(&id, params) {
                    self.outputs.push_back(Output::File { request: id, job: FileJob::Write { path, content } });
                }
            }
            _ => {
                tracing::debug!(method, "an agent asked for what we do not have");
                self.refuse(&id, METHOD_NOT_FOUND, "method not found");
            }
        }
    }

    /// A file was read or written.
    pub(super) fn file_done(&mut self, request: &Value, done: Result<Option<String>, String>) {
        match done {
            Ok(Some(content)) => self.write(&json!({"jsonrpc": "2.0", "id": request, "result": {"content": content}})),
            Ok(None) => self.write(&json!({"jsonrpc": "2.0", "id": request, "result": {}})),
            Err(sentence) => self.refuse(request, INTERNAL_ERROR, &sentence),
        }
    }

    fn read_params<T: DeserializeOwned>(&mut self, id: &Value, params: Option<&RawValue>) -> Option<T> {
        match serde_json::from_str(params.map_or("null", RawValue::get)) {
            Ok(params) => Some(params),
            Err(error) => {
                self.refuse(id, INVALID_PARAMS, &error.to_string());
                None
            }
        }
    }

    /// A permission: the request may be the first that is heard of its tool call.
    fn ask(&mut self, id: Value, asked: RequestPermissionRequest) {
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

    pub(super) fn settle(&mut self, request: &Value, option: Option<String>) {
        let outcome = option.map_or(RequestPermissionOutcome::Cancelled, |option| {
            RequestPermissionOutcome::Selected(SelectedPermissionOutcome::new(option))
        });
        self.write(&json!({"jsonrpc": "2.0", "id": request, "result": RequestPermissionResponse::new(outcome)}));
    }

    fn refuse(&mut self, request: &Value, code: i32, message: &str) {
        self.write(&json!({"jsonrpc": "2.0", "id": request, "error": {"code": code, "message": message}}));
    }
}
