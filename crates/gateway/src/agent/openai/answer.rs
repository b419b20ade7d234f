//! One answer, chunk by chunk: what each chunk of `chat/completions` says to the session.

use moorline_protocol::{Outcome, ToolStatus, TurnError, Usage};
use moorline_session::{AgentUpdate, ToolUpdate};
use serde_json::Value;

use super::error;

/// Tool calls of one answer at most.
const CALLS: usize = 256;

/// Bytes of the arguments of all tool calls of one answer at most.
const ARGUMENT_BYTES: usize = 8 << 20;

/// What was said of an answer so far.
#[derive(Debug, Default)]
pub(super) struct Answer {
    calls: Vec<Call>,
    argument_bytes: usize,
    usage: Option<Usage>,
    finish: Option<String>,
}

#[derive(Debug)]
struct Call {
    id: String,
    index: Option<u64>,
    arguments: String,
    /// So many bytes of the arguments were reported.
    told: usize,
}

impl Answer {
    /// Reads a chunk. Fields of an unexpected shape are passed over: every server adds some of its own.
    ///
    /// # Errors
    /// Why the answer goes no further.
    pub(super) fn take(&mut self, data: &str) -> Result<Vec<AgentUpdate>, TurnError> {
        let chunk: Value = serde_json::from_str(data)
            .map_err(|_| error("agent_error", format!("the server sent something that is no JSON: {}", excerpt(data))))?;
        if let Some(sentence) = error_in(&chunk) {
            return Err(error("agent_error", format!("the server gave up: {}", excerpt(&sentence))));
        }
        let mut updates = Vec::new();
        let choices = chunk["choices"].as_array().into_iter().flatten();
        for choice in choices.filter(|choice| choice["index"].as_u64().unwrap_or(0) == 0) {
            // A server that does not stream sends a whole message.
            let delta = if choice["delta"].is_object() { &choice["delta"] } else { &choice["message"] };
            self.take_delta(delta, &mut updates)?;
            if let Some(reason) = choice["finish_reason"].as_str().filter(|reason| !reason.is_empty()) {
                self.finish = Some(reason.to_owned());
                updates.extend(self.calls.iter_mut().filter_map(Call::rest));
            }
        }
        let usage =
            Usage { input: chunk["usage"]["prompt_tokens"].as_u64(), output: chunk["usage"]["completion_tokens"].as_u64(), cost: None };
        if usage != Usage::default() && self.usage.as_ref() != Some(&usage) {
            self.usage = Some(usage.clone());
            updates.push(AgentUpdate::Usage(usage));
        }
        Ok(updates)
    }

    /// Whether the server said why it ended: only the usage may follow.
    pub(super) const fn is_finished(&self) -> bool {
        self.finish.is_some()
    }

    /// How the turn of an answer ends that came to its end.
    pub(super) fn outcome(&self) -> (Outcome, Option<TurnError>) {
        let failed = |code, message: &str| (Outcome::Failed, Some(error(code, message.to_owned())));
        match self.finish.as_deref() {
            Some("tool_calls" | "function_call") => failed("tools_not_run", TOOLS),
            _ if !self.calls.is_empty() => failed("tools_not_run", TOOLS),
            None | Some("stop" | "eos" | "eos_token" | "end_turn" | "stop_sequence") => (Outcome::Completed, None),
            Some("length") => failed("max_tokens", "the model stopped at its limit of tokens: ask it to go on"),
            Some("content_filter") => failed("refusal", "the server's content filter ended the answer: put it differently"),
            Some(reason) => {
                failed("agent_error", &format!("the model stopped for a reason that this gateway does not know: {}", excerpt(reason)))
            }
        }
    }

    fn take_delta(&mut self, delta: &Value, updates: &mut Vec<AgentUpdate>) -> Result<(), TurnError> {
        // Some servers send the same thought under both names.
        let thoughts = ["reasoning_content", "reasoning"].map(|name| text_of(&delta[name]));
        updates.extend(thoughts.into_iter().find(|thought| !thought.is_empty()).map(AgentUpdate::Thought));
        let texts = ["content", "refusal"].map(|name| text_of(&delta[name]));
        updates.extend(texts.into_iter().filter(|text| !text.is_empty()).map(AgentUpdate::Text));
        for fragment in delta["tool_calls"].as_array().into_iter().flatten() {
            updates.extend(self.take_call(fragment)?);
        }
        Ok(())
    }

    /// Puts a fragment to its call: by its index, or where a server sends none, by its id, or to the newest one.
    fn take_call(&mut self, fragment: &Value) -> Result<Option<AgentUpdate>, TurnError> {
        let index = fragment["index"].as_u64();
        let id = fragment["id"].as_str().filter(|id| !id.is_empty());
        let known = match (index, id) {
            (Some(_), _) => self.calls.iter().position(|call| call.index == index),
            (None, Some(id)) => self.calls.iter().position(|call| call.id == id),
            (None, None) => self.calls.len().checked_sub(1),
        };
        let arguments = fragment["function"]["arguments"].as_str().unwrap_or_default();
        self.argument_bytes += arguments.len();
        if self.argument_bytes > ARGUMENT_BYTES || (known.is_none() && self.calls.len() == CALLS) {
            return Err(error("agent_error", "the model called tools without an end".to_owned()));
        }
        let Some(known) = known else {
            let no = self.calls.len();
            let id = id.filter(|id| self.calls.iter().all(|call| call.id != *id)).map_or_else(|| format!("call {no}"), str::to_owned);
            let name = fragment["function"]["name"].as_str().filter(|name| !name.is_empty()).unwrap_or("a tool");
            let update = ToolUpdate {
                title: Some(name.to_owned()),
                status: Some(ToolStatus::Pending),
                input: Some(arguments.to_owned()).filter(|arguments| !arguments.is_empty()),
                ..ToolUpdate::default()
            };
            self.calls.push(Call { id: id.clone(), index, arguments: arguments.to_owned(), told: arguments.len() });
            return Ok(Some(AgentUpdate::Tool { call: id, update }));
        };
        let call = &mut self.calls[known];
        call.arguments.push_str(arguments);
        // Each report carries everything so far: the longer it is, the more must be new about it.
        Ok(if call.arguments.len() > call.told + call.told / 8 { call.rest() } else { None })
    }
}

/// Said when a model wants what it cannot have here.
const TOOLS: &str = "the model called a tool, and tools are not run here: ask it to answer without, or pick an agent that has tools";

impl Call {
    /// The arguments so far, if they were not reported yet.
    fn rest(&mut self) -> Option<AgentUpdate> {
        if self.told == self.arguments.len() {
            return None;
        }
        self.told = self.arguments.len();
        let update = ToolUpdate { input: Some(self.arguments.clone()), ..ToolUpdate::default() };
        Some(AgentUpdate::Tool { call: self.id.clone(), update })
    }
}

/// A text, or the texts of a list of parts.
fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => String::new(),
    }
}

/// What a server says of its error, in whichever of the usual places.
pub(super) fn error_in(value: &Value) -> Option<String> {
    let error = value.get("error").filter(|error| !error.is_null())?;
    let said = error["message"].as_str().or_else(|| error.as_str());
    Some(said.map_or_else(|| error.to_string(), str::to_owned))
}

/// The beginning of a text, in one line.
pub(super) fn excerpt(text: &str) -> String {
    const CHARS: usize = 300;
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line: String = line.chars().filter(|c| !c.is_control()).collect();
    match line.char_indices().nth(CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(call: &str, title: Option<&str>, input: Option<&str>) -> AgentUpdate {
        let update = ToolUpdate {
            title: title.map(str::to_owned),
            status: title.map(|_| ToolStatus::Pending),
            input: input.map(str::to_owned),
            ..ToolUpdate::default()
        };
        AgentUpdate::Tool { call: call.to_owned(), update }
    }

    fn calls(answer: &mut Answer, fragments: &str) -> Vec<AgentUpdate> {
        answer.take(&format!(r#"{{"choices":[{{"delta":{{"tool_calls":{fragments}}}}}]}}"#)).unwrap()
    }

    #[test]
    fn fragments_of_calls_are_joined_by_index_and_else_by_id() {
        let mut answer = Answer::default();
        let first = calls(
            &mut answer,
            r#"[{"index":0,"id":"a","function":{"name":"read","arguments":""}},{"index":1,"id":"a","function":{"name":"write","arguments":"{"}}]"#,
        );
        assert_eq!(
            first,
            [tool("a", Some("read"), None), tool("call 1", Some("write"), Some("{"))],
            "an id that is taken names no other call"
        );
        let more = calls(&mut answer, r#"[{"index":1,"function":{"arguments":"}"}},{"index":0,"function":{"arguments":"{\"p\":"}}]"#);
        assert_eq!(more, [tool("call 1", None, Some("{}")), tool("a", None, Some(r#"{"p":"#))]);

        let mut answer = Answer::default();
        calls(
            &mut answer,
            r#"[{"id":"x","function":{"name":"read","arguments":"1"}},{"id":"y","function":{"name":"read","arguments":"2"}}]"#,
        );
        let more = calls(&mut answer, r#"[{"id":"x","function":{"arguments":"1"}},{"function":{"arguments":"2"}}]"#);
        assert_eq!(more, [tool("x", None, Some("11")), tool("y", None, Some("22"))]);
    }

    #[test]
    fn long_arguments_are_reported_now_and_then_and_whole_at_the_end() {
        let mut answer = Answer::default();
        calls(&mut answer, r#"[{"index":0,"id":"a","function":{"name":"write","arguments":""}}]"#);
        let reports: usize = (0..4_000).map(|_| calls(&mut answer, r#"[{"index":0,"function":{"arguments":"xyz"}}]"#).len()).sum();
        assert!((20..200).contains(&reports), "{reports} reports");
        calls(&mut answer, r#"[{"index":0,"function":{"arguments":"!"}}]"#);
        let end = answer.take(r#"{"choices":[{"delta":{},"finish_reason":"tool_calls"}]}"#).unwrap();
        let AgentUpdate::Tool { update: ToolUpdate { input: Some(input), .. }, .. } = &end[0] else { panic!("{end:?}") };
        assert_eq!((input.len(), end.len()), (12_001, 1));
    }

    #[test]
    fn calls_without_an_end_are_refused() {
        let mut answer = Answer::default();
        let refused = (0..CALLS + 1)
            .position(|no| answer.take(&format!(r#"{{"choices":[{{"delta":{{"tool_calls":[{{"index":{no}}}]}}}}]}}"#)).is_err());
        assert_eq!(refused, Some(CALLS));
    }

    #[test]
    fn other_choices_and_fields_of_another_shape_are_passed_over() {
        let mut answer = Answer::default();
        for chunk in [
            r#"{"choices":[{"index":1,"delta":{"content":"no"}}]}"#,
            r#"{"choices":7,"usage":[]}"#,
            r#"{"choices":[{"delta":{"content":7}}]}"#,
            "[]",
        ] {
            assert_eq!(answer.take(chunk).unwrap(), [], "{chunk}");
        }
        let parts = r#"{"choices":[{"delta":{"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}}]}"#;
        assert_eq!(answer.take(parts).unwrap(), [AgentUpdate::Text("ab".into())]);
    }

    #[test]
    fn usage_is_reported_when_it_changes() {
        let mut answer = Answer::default();
        let chunk = r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1}}"#;
        assert_eq!(answer.take(chunk).unwrap(), [AgentUpdate::Usage(Usage { input: Some(3), output: Some(1), cost: None })]);
        assert_eq!(answer.take(chunk).unwrap(), []);
    }
}
