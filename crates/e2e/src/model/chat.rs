//! OpenAI's chat completions.

use serde_json::{Value, json};

use super::{
    Dialect, Frame, MODEL,
    script::{INPUT_TOKENS, Reply, Request, Said, Tool},
};

pub(super) const DIALECT: Dialect = Dialect { read, frames, whole };

fn read(body: &Value) -> Request {
    let mut request = Request { schema: body["response_format"]["json_schema"]["schema"].clone(), ..Request::default() };
    for message in body["messages"].as_array().into_iter().flatten() {
        let text = text_of(&message["content"]);
        match message["role"].as_str() {
            Some("system" | "developer") => request.system.push_str(&text),
            Some("user") => request.said.push(Said::User(text)),
            Some("tool") => request.said.push(Said::Result(text)),
            _ => request.said.push(Said::Model),
        }
    }
    let tools = body["tools"].as_array().into_iter().flatten().map(|tool| &tool["function"]);
    request
        .tools
        .extend(tools.filter_map(|tool| Some(Tool { name: tool["name"].as_str()?.to_owned(), parameters: tool["parameters"].clone() })));
    request
}

/// Content is a string, or a list of parts of which some are text.
pub(super) fn text_of(content: &Value) -> String {
    let parts = content.as_array().into_iter().flatten().filter_map(|part| part["text"].as_str());
    content.as_str().map_or_else(|| parts.collect::<Vec<_>>().join("\n"), str::to_owned)
}

fn frames(id: &str, reply: &Reply) -> Vec<Frame> {
    let deltas: Vec<Value> = match reply {
        Reply::Text { chunks, .. } => chunks.iter().map(|chunk| json!({ "role": "assistant", "content": chunk })).collect(),
        Reply::Call { .. } => vec![message(id, reply)],
    };
    let chunk = |choices: Value, usage: Value| json!({ "id": id, "object": "chat.completion.chunk", "created": 0, "model": MODEL, "choices": choices, "usage": usage });
    let deltas = deltas.into_iter().map(|delta| chunk(json!([{ "index": 0, "delta": delta, "finish_reason": null }]), Value::Null));
    let end = chunk(json!([{ "index": 0, "delta": {}, "finish_reason": finish_reason(reply) }]), Value::Null);
    let usage = chunk(json!([]), usage(reply));
    deltas.chain([end, usage]).map(Frame::data).chain([Frame::data("[DONE]")]).collect()
}

fn whole(id: &str, reply: &Reply) -> Value {
    let choice = json!({ "index": 0, "message": message(id, reply), "finish_reason": finish_reason(reply) });
    json!({ "id": id, "object": "chat.completion", "created": 0, "model": MODEL, "choices": [choice], "usage": usage(reply) })
}

fn message(id: &str, reply: &Reply) -> Value {
    match reply {
        Reply::Text { chunks, .. } => json!({ "role": "assistant", "content": chunks.concat() }),
        Reply::Call { tool, arguments } => {
            let function = json!({ "name": tool, "arguments": arguments.to_string() });
            json!({ "role": "assistant", "content": null, "tool_calls": [{ "index": 0, "id": id, "type": "function", "function": function }] })
        }
    }
}

const fn finish_reason(reply: &Reply) -> &'static str {
    match reply {
        Reply::Text { .. } => "stop",
        Reply::Call { .. } => "tool_calls",
    }
}

fn usage(reply: &Reply) -> Value {
    let written = reply.tokens() as u64;
    json!({ "prompt_tokens": INPUT_TOKENS, "completion_tokens": written, "total_tokens": INPUT_TOKENS + written })
}
