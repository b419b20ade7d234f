//! Gemini's `generateContent` and `streamGenerateContent`.

use serde_json::{Value, json};

use super::{
    Dialect, Frame, MODEL,
    script::{INPUT_TOKENS, Reply, Request, Said, Tool},
};

pub(super) const DIALECT: Dialect = Dialect { read, frames, whole };

fn read(body: &Value) -> Request {
    let config = &body["generationConfig"];
    let schema = config.get("responseJsonSchema").or_else(|| config.get("responseSchema"));
    let mut request = Request { schema: schema.cloned().unwrap_or_default(), ..Request::default() };
    let parts = |content: &Value| content["parts"].as_array().cloned().unwrap_or_default();
    request.system = parts(&body["systemInstruction"]).iter().filter_map(|part| part["text"].as_str()).collect();
    for content in body["contents"].as_array().into_iter().flatten() {
        if content["role"] == "model" {
            request.said.push(Said::Model);
            continue;
        }
        for part in parts(content) {
            if let Some(response) = part.get("functionResponse") {
                let response = &response["response"];
                request.said.push(Said::Result(response["output"].as_str().map_or_else(|| response.to_string(), str::to_owned)));
            } else if let Some(text) = part["text"].as_str() {
                request.said.push(Said::User(text.to_owned()));
            }
        }
    }
    let lists = body["tools"].as_array().into_iter().flatten();
    let tools = lists.flat_map(|list| list["functionDeclarations"].as_array().into_iter().flatten());
    request.tools.extend(tools.filter_map(|tool| {
        let parameters = tool.get("parametersJsonSchema").unwrap_or(&tool["parameters"]);
        Some(Tool { name: tool["name"].as_str()?.to_owned(), parameters: parameters.clone() })
    }));
    request
}

fn frames(id: &str, reply: &Reply) -> Vec<Frame> {
    let parts: Vec<Value> = match reply {
        Reply::Text { chunks, .. } => chunks.iter().map(|chunk| json!({ "text": chunk })).collect(),
        Reply::Call { .. } => vec![part(id, reply)],
    };
    let last = parts.len().saturating_sub(1);
    let frame = |(n, part)| Frame::data(response(id, reply, &part, n == last));
    parts.into_iter().enumerate().map(frame).collect()
}

fn whole(id: &str, reply: &Reply) -> Value {
    response(id, reply, &part(id, reply), true)
}

fn part(id: &str, reply: &Reply) -> Value {
    match reply {
        Reply::Text { chunks, .. } => json!({ "text": chunks.concat() }),
        Reply::Call { tool, arguments } => json!({ "functionCall": { "id": id, "name": tool, "args": arguments } }),
    }
}

fn response(id: &str, reply: &Reply, part: &Value, is_last: bool) -> Value {
    let mut candidate = json!({ "index": 0, "content": { "role": "model", "parts": [part] } });
    if is_last {
        candidate["finishReason"] = json!("STOP");
    }
    let written = reply.tokens() as u64;
    let usage = json!({
        "promptTokenCount": INPUT_TOKENS, "candidatesTokenCount": written, "totalTokenCount": INPUT_TOKENS + written,
    });
    json!({ "candidates": [candidate], "usageMetadata": usage, "modelVersion": MODEL, "responseId": id })
}
