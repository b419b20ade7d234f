//! OpenAI's responses.

use serde_json::{Value, json};

use super::{
    Dialect, Frame, MODEL,
    chat::text_of,
    script::{INPUT_TOKENS, Reply, Request, Said, Tool},
};

pub(super) const DIALECT: Dialect = Dialect { read, frames, whole };

fn read(body: &Value) -> Request {
    let mut request = Request { system: body["instructions"].as_str().unwrap_or_default().to_owned(), ..Request::default() };
    for item in body["input"].as_array().into_iter().flatten() {
        let is_user = item["role"] == "user";
        match item["type"].as_str() {
            Some("function_call_output" | "custom_tool_call_output") => {
                let output = &item["output"];
                request.said.push(Said::Result(if output.is_object() { text_of(&output["content"]) } else { text_of(output) }));
            }
            Some("message") | None if is_user => request.said.push(Said::User(text_of(&item["content"]))),
            Some("message") if item["role"] == "developer" => request.system.push_str(&text_of(&item["content"])),
            _ => request.said.push(Said::Model),
        }
    }
    let tools = body["tools"].as_array().into_iter().flatten();
    request
        .tools
        .extend(tools.filter_map(|tool| Some(Tool { name: tool["name"].as_str()?.to_owned(), parameters: tool["parameters"].clone() })));
    request
}

fn frames(id: &str, reply: &Reply) -> Vec<Frame> {
    let created = json!({ "type": "response.created", "response": { "id": id } });
    let item = item(id, reply);
    let mut events = vec![created, json!({ "type": "response.output_item.added", "output_index": 0, "item": item })];
    if let Reply::Text { chunks, .. } = reply {
        events.extend(chunks.iter().map(
            |chunk| json!({ "type": "response.output_text.delta", "item_id": id, "output_index": 0, "content_index": 0, "delta": chunk }),
        ));
    }
    events.push(json!({ "type": "response.output_item.done", "output_index": 0, "item": item }));
    events.push(json!({ "type": "response.completed", "response": whole(id, reply) }));
    events.iter().map(Frame::typed).collect()
}

fn whole(id: &str, reply: &Reply) -> Value {
    let written = reply.tokens() as u64;
    let usage = json!({
        "input_tokens": INPUT_TOKENS, "input_tokens_details": null, "output_tokens": written, "output_tokens_details": null,
        "total_tokens": INPUT_TOKENS + written,
    });
    json!({ "id": id, "object": "response", "status": "completed", "model": MODEL, "output": [item(id, reply)], "usage": usage })
}

fn item(id: &str, reply: &Reply) -> Value {
    match reply {
        Reply::Text { chunks, .. } => {
            let content = json!([{ "type": "output_text", "text": chunks.concat() }]);
            json!({ "type": "message", "id": id, "role": "assistant", "content": content })
        }
        // Plain text instead of an object: the tool is one of the model's own format.
        Reply::Call { tool, arguments: Value::String(input) } => {
            json!({ "type": "custom_tool_call", "id": id, "call_id": id, "name": tool, "input": input })
        }
        Reply::Call { tool, arguments } => {
            json!({ "type": "function_call", "id": id, "call_id": id, "name": tool, "arguments": arguments.to_string() })
        }
    }
}
