//! A model server with a script: real agents run whole turns against it, on loopback and without a key.
//!
//! It speaks the four APIs that coding agents call: OpenAI's chat completions and responses, Anthropic's messages and Gemini's
//! `generateContent`, each streaming or not. Each is a pair of functions: a request read into one neutral shape, and a reply
//! written out of another. What the model does is told by the message of the user, see [`script`].

mod anthropic;
mod chat;
mod gemini;
mod responses;
mod script;

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    body::Body,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use futures_util::stream;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

use script::{Reply, Request};

/// The name of the only model.
const MODEL: &str = "scripted";

/// What all requests share.
struct Server {
    witness: Box<dyn Fn(&str) + Send + Sync>,
    /// Agents take two replies with one id for parts of the same message.
    replies: AtomicU64,
}

/// A scripted model on a loopback port. Dropping it closes the port.
#[derive(Debug)]
pub struct ScriptedModel {
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl ScriptedModel {
    /// Starts it on a port, 0 = a free one; the witness is told of every request in one line.
    ///
    /// # Errors
    /// When the port is taken.
    pub async fn start(port: u16, witness: impl Fn(&str) + Send + Sync + 'static) -> std::io::Result<Self> {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], port))).await?;
        let address = listener.local_addr()?;
        let server = Arc::new(Server { witness: Box::new(witness), replies: AtomicU64::new(0) });
        let routes = Router::new()
            .route("/v1/chat/completions", post(answer_chat))
            .route("/v1/responses", post(answer_responses))
            .route("/v1/messages", post(answer_messages))
            .route("/v1/messages/count_tokens", post(count_anthropic_tokens))
            .route("/v1/models", get(list_models))
            .route("/v1beta/models/{call}", post(answer_gemini))
            .fallback(refuse)
            .with_state(server);
        let server = tokio::spawn(async move {
            // It ends only with this task.
            let _ = axum::serve(listener, routes).await;
        });
        Ok(Self { address, server })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The variables that point an agent at it, for each kind of API.
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let origin = format!("http://{}", self.address);
        vec![
            ("OPENAI_BASE_URL", format!("{origin}/v1")),
            ("OPENAI_API_KEY", MODEL.to_owned()),
            ("OPENAI_MODEL", MODEL.to_owned()),
            ("GOOGLE_GEMINI_BASE_URL", origin.clone()),
            ("GEMINI_API_KEY", MODEL.to_owned()),
            ("GEMINI_MODEL", MODEL.to_owned()),
            ("ANTHROPIC_BASE_URL", origin),
            ("ANTHROPIC_API_KEY", MODEL.to_owned()),
            ("ANTHROPIC_MODEL", MODEL.to_owned()),
        ]
    }
}

impl Drop for ScriptedModel {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// One API: how its requests are read and its replies written.
struct Dialect {
    read: fn(&Value) -> Request,
    /// A reply under an id, streamed.
    frames: fn(&str, &Reply) -> Vec<Frame>,
    /// The same in one piece.
    whole: fn(&str, &Reply) -> Value,
}

/// One server-sent event.
struct Frame {
    event: Option<String>,
    data: String,
}

impl Frame {
    fn data(data: impl ToString) -> Self {
        Self { event: None, data: data.to_string() }
    }

    /// An event whose name stands in its data too, as `type`.
    fn typed(data: &Value) -> Self {
        Self { event: data["type"].as_str().map(str::to_owned), data: data.to_string() }
    }

    fn encode(&self) -> String {
        let name = self.event.as_ref().map(|event| format!("event: {event}\n")).unwrap_or_default();
        format!("{name}data: {}\n\n", self.data)
    }
}

impl Dialect {
    fn answer(&self, server: &Server, path: &str, body: &Value, is_streamed: bool) -> Response {
        let request = (self.read)(body);
        let reply = request.reply();
        (server.witness)(&format!("{path}: {request} -> {reply}"));
        let id = format!("scripted_{}", server.replies.fetch_add(1, Ordering::Relaxed));
        if is_streamed { stream_out((self.frames)(&id, &reply), reply.pause()) } else { Json((self.whole)(&id, &reply)).into_response() }
    }
}

fn stream_out(frames: Vec<Frame>, pause: Duration) -> Response {
    let body = stream::unfold(frames.into_iter(), move |mut frames| async move {
        let frame = frames.next()?;
        tokio::time::sleep(pause).await;
        Some((Ok::<_, Infallible>(frame.encode()), frames))
    });
    ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(body)).into_response()
}

fn asks_for_stream(body: &Value) -> bool {
    body["stream"] == true
}

async fn answer_chat(State(server): State<Arc<Server>>, Json(body): Json<Value>) -> Response {
    chat::DIALECT.answer(&server, "chat/completions", &body, asks_for_stream(&body))
}

async fn answer_responses(State(server): State<Arc<Server>>, Json(body): Json<Value>) -> Response {
    responses::DIALECT.answer(&server, "responses", &body, asks_for_stream(&body))
}

async fn answer_messages(State(server): State<Arc<Server>>, Json(body): Json<Value>) -> Response {
    anthropic::DIALECT.answer(&server, "messages", &body, asks_for_stream(&body))
}

async fn count_anthropic_tokens() -> Json<Value> {
    Json(json!({ "input_tokens": script::INPUT_TOKENS }))
}

/// `models/NAME:METHOD`.
async fn answer_gemini(State(server): State<Arc<Server>>, Path(call): Path<String>, Json(body): Json<Value>) -> Response {
    match call.rsplit_once(':').map(|(_, method)| method) {
        Some("streamGenerateContent") => gemini::DIALECT.answer(&server, &call, &body, true),
        Some("generateContent") => gemini::DIALECT.answer(&server, &call, &body, false),
        Some("countTokens") => Json(json!({ "totalTokens": script::INPUT_TOKENS })).into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn list_models() -> Json<Value> {
    Json(json!({ "object": "list", "data": [{ "id": MODEL, "object": "model", "owned_by": "moorline" }] }))
}

async fn refuse(State(server): State<Arc<Server>>, request: axum::extract::Request) -> StatusCode {
    (server.witness)(&format!("{} {}: there is no such thing here", request.method(), request.uri()));
    StatusCode::NOT_FOUND
}
