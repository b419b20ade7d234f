//! Anthropic's messages.

use serde_json::{Value, json};

use super::{
    Dialect, Frame, MODEL,
    chat::text_of,
    script::{INPUT_TOKENS, Reply, Request, Said, Tool},
};

pub(super) const DIALECT: Dialect = Dialect { read, frames, whole };

fn read(body: &Value) -> Request {
    let mut request = Request { system: text_of(&body["system"]), ..Request::default() };
    for message in body["messages"].as_array().into_iter().flatten() {
        if message["role"] != "user" {
            request.said.push(Said::Model);
            continue;
        }
        let Some(parts) = message["content"].as_array() else {
            request.said.push(Said::User(text_of(&message["content"])));
            continue;
        };
        request.said.extend(parts.iter().map(|part| match part["type"].as_str() {
            Some("tool_result") => Said::Result(text_of(&part["content"])),
            _ => Said::User(part["text"].as_str().unwrap_or_default().to_owned()),
        }));
    }
    let tools = body["tools"].as_array().into_iter().flatten();
    request
        .tools
        .extend(tools.filter_map(|tool| Some(Tool { name: tool["name"].as_str()?.to_owned(), parameters: tool["input_schema"].clone() })));
    request
}

fn frames(id: &str, reply: &Reply) -> Vec<Frame> {
    let (block, deltas) = match reply {
        Reply::Text { chunks, .. } => {
            let deltas = chunks.iter().map(|chunk| json!({ "type": "text_delta", "text": chunk })).collect();
            (json!({ "type": "text", "text": "" }), deltas)
        }
        Reply::Call { tool, arguments } => {
            let delta = json!({ "type": "input_json_delta", "partial_json": arguments.to_string() });
            (json!({ "type": "tool_use", "id": id, "name": tool, "input": {} }), vec![delta])
        }
    };
    let mut start = whole(id, reply);
    start["content"] = json!([]);
    start["stop_reason"] = Value::Null;
    let before = [
        json!({ "type": "message_start", "message": start }),
        json!({ "type": "content_block_start", "index": 0, "content_block": block }),
    ];
    let deltas = deltas.into_iter().map(|delta| json!({ "type": "content_block_delta", "index": 0, "delta": delta }));
    let stop = json!({ "stop_reason": stop_reason(reply), "stop_sequence": null });
    let after = [
        json!({ "type": "content_block_stop", "index": 0 }),
        json!({ "type": "message_delta", "delta": stop, "usage": { "output_tokens": reply.tokens() } }),
        json!({ "type": "message_stop" }),
    ];
    before.into_iter().chain(deltas).chain(after).map(|event| Frame::typed(&event)).collect()
}

fn whole(id: &str, reply: &Reply) -> Value {
    let block = match reply {
        Reply::Text { chunks, .. } => json!({ "type": "text", "text": chunks.concat() }),
        Reply::Call { tool, arguments } => json!({ "type": "tool_use", "id": id, "name": tool, "input": arguments }),
    };
    json!({
        "id": id, "type": "message", "role": "assistant", "model": MODEL, "content": [block], "stop_reason": stop_reason(reply),
        "stop_sequence": null, "usage": { "input_tokens": INPUT_TOKENS, "output_tokens": reply.tokens() },
    })
}

const fn stop_reason(reply: &Reply) -> &'static str {
    match reply {
        Reply::Text { .. } => "end_turn",
        Reply::Call { .. } => "tool_use",
    }
}
