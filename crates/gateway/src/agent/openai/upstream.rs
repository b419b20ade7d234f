//! One request to the server, from its making to the end of its answer.

use std::{error::Error as _, fmt::Write as _, io, time::Duration};

use futures_util::{FutureExt as _, future::BoxFuture};
use moorline_protocol::TurnError;
use reqwest::{
    Client, Response, StatusCode, Url,
    header::{CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER},
    redirect,
};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{
    answer::{error_in, excerpt},
    error,
    sse::{EVENT_BYTES, Sse},
};
use crate::agent::{ChatServer, Conversation, Speaker};

/// What is read of the body of an error.
const ERROR_BYTES: usize = 64 << 10;

/// How long the body of an error may take.
const ERROR_LIMIT: Duration = Duration::from_secs(5);

/// A server that vanished without a word is found out by this.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// The way to one server. Not `Debug`: it holds the key.
#[derive(Clone)]
pub(super) struct Way {
    server: ChatServer,
    client: Client,
    key: Option<String>,
}

/// A request that was sent. Dropping it ends the connection, and with it the server's work.
pub(super) struct Upstream {
    state: State,
    sse: Sse,
}

enum State {
    Asking(BoxFuture<'static, Result<Reply, TurnError>>),
    Streaming(Response),
    Over,
}

enum Reply {
    Stream(Response),
    /// From a server that does not stream.
    Whole(String),
}

/// What came of a request.
#[derive(Debug)]
pub(super) enum Heard {
    /// The data of an event.
    Data(String),
    /// There will be no answer, or no more of it.
    Failed(TurnError),
    /// The connection ended, with its error.
    Closed(Option<String>),
}

impl Way {
    /// Finds out what every request needs.
    pub(super) fn new(server: &ChatServer, connect_limit: Duration) -> Result<Self, TurnError> {
        let key = std::env::var(&server.key_variable).ok().map(|key| key.trim().to_owned()).filter(|key| !key.is_empty());
        if key.as_ref().is_some_and(|key| HeaderValue::from_str(key).is_err()) {
            let variable = &server.key_variable;
            return Err(error(
                "agent_start",
                format!("what {variable} holds cannot be a key: set it to the key alone and start the gateway again"),
            ));
        }
        let mut client = Client::builder()
            // A redirect would turn the POST into a GET, or take the key to another server.
            .redirect(redirect::Policy::none())
            // One that the server closes just as it is used again would fail a turn, and turns are far apart.
            .pool_max_idle_per_host(0)
            .connect_timeout(connect_limit)
            .tcp_keepalive(KEEPALIVE);
        if is_here(&server.base) {
            client = client.no_proxy();
        }
        if server.base.scheme() == "http" {
            // Reading the system's certificates takes a while.
            client = client.tls_built_in_root_certs(false);
        }
        let client = client.build().map_err(|cause| error("agent_start", format!("no request can be made: {}", root(&cause))))?;
        Ok(Self { server: server.clone(), client, key })
    }

    /// Asks for the next answer in a conversation.
    pub(super) fn ask(&self, conversation: &Conversation) -> Upstream {
        let messages: Vec<Value> = conversation.by_turns().into_iter().map(message).collect();
        let body = json!({
            "model": self.server.model,
            "messages": messages,
            "stream": true,
            "stream_options": { "include_usage": true },
        });
        let mut request = self.client.post(endpoint(&self.server.base)).json(&body);
        if let Some(key) = &self.key {
            request = request.bearer_auth(key);
        }
        let way = self.clone();
        let asking = async move {
            match request.send().await {
                Ok(response) => way.look_at(response).await,
                Err(cause) => Err(way.unreachable(&cause)),
            }
        };
        Upstream { state: State::Asking(asking.boxed()), sse: Sse::default() }
    }

    async fn look_at(self, mut response: Response) -> Result<Reply, TurnError> {
        if !response.status().is_success() {
            let body = timeout(ERROR_LIMIT, beginning(&mut response, ERROR_BYTES)).await.unwrap_or_default();
            return Err(self.refusal(response.status(), response.headers(), &body));
        }
        let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default().to_ascii_lowercase();
        if kind.starts_with("application/json") {
            let body = beginning(&mut response, EVENT_BYTES + 1).await;
            if body.len() > EVENT_BYTES {
                return Err(too_long());
            }
            return Ok(Reply::Whole(String::from_utf8_lossy(&body).into_owned()));
        }
        if kind.starts_with("text/html") {
            let base = &self.server.base;
            return Err(error(
                "agent_start",
                format!("{base} answers with a page for people: check the base URL of --agent, which often ends in /v1"),
            ));
        }
        Ok(Reply::Stream(response))
    }

    /// The sentence of a request that had no answer.
    fn unreachable(&self, cause: &reqwest::Error) -> TurnError {
        let base = &self.server.base;
        if is_refused(cause) {
            return error("agent_start", format!("nothing listens at {base}: is it running?"));
        }
        let why = root(cause);
        if cause.is_connect() {
            return error("agent_start", format!("{base} cannot be reached ({why}): is it running, and is the base URL of --agent right?"));
        }
        error("agent_error", format!("the connection to {base} ended before there was an answer ({why}): send the message again"))
    }

    /// The sentence of an answer that is none.
    fn refusal(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> TurnError {
        let ChatServer { base, model, key_variable } = &self.server;
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(excerpt);
        let (code, mut sentence) = match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                let remedy = format!("set the environment variable {key_variable} and start the gateway again");
                let what = if self.key.is_some() { format!("does not accept the key in {key_variable}") } else { "wants a key".to_owned() };
                ("agent_start", format!("{base} {what} ({status}): {remedy}"))
            }
            StatusCode::NOT_FOUND => {
                ("agent_start", format!("{base} has no model {model:?}, or is not the right base URL ({status}): check the option --agent"))
            }
            StatusCode::TOO_MANY_REQUESTS => ("agent_error", format!("{base} takes no more requests for now ({status})")),
            _ if status.is_server_error() => ("agent_error", format!("the server at {base} failed ({status})")),
            _ if status.is_redirection() => {
                let place = header(LOCATION).unwrap_or_default();
                ("agent_start", format!("{base} points elsewhere ({status}), to {place:?}: change the base URL of --agent"))
            }
            _ => ("agent_error", format!("{base} refuses the request ({status})")),
        };
        if let Some(wait) = header(RETRY_AFTER) {
            let unit = if wait.bytes().all(|b| b.is_ascii_digit()) { " s" } else { "" };
            let word = if unit.is_empty() { "until" } else { "for" };
            let _ = write!(sentence, ", and asks to wait {word} {wait}{unit} before the message is sent again");
        }
        let said = excerpt(&self.without_key(&said(body)));
        if !said.is_empty() {
            let _ = write!(sentence, "; it says: {said}");
        }
        error(code, sentence)
    }

    /// Errors are kept and shown: a server that repeats the key in one does not get it there.
    fn without_key(&self, text: &str) -> String {
        self.key.as_ref().map_or_else(|| text.to_owned(), |key| text.replace(key, "…"))
    }
}

impl Upstream {
    /// The next thing to happen; nothing is lost when the future is dropped. What is not asked for is not read.
    pub(super) async fn next(&mut self) -> Heard {
        loop {
            match &mut self.state {
                State::Asking(asking) => match asking.await {
                    Ok(Reply::Stream(response)) => self.state = State::Streaming(response),
                    Ok(Reply::Whole(body)) => {
                        self.state = State::Over;
                        return Heard::Data(body);
                    }
                    Err(failure) => {
                        self.state = State::Over;
                        return Heard::Failed(failure);
                    }
                },
                State::Streaming(response) => {
                    match self.sse.next() {
                        Ok(Some(data)) => return Heard::Data(data),
                        Ok(None) => {}
                        Err(_) => return Heard::Failed(too_long()),
                    }
                    match response.chunk().await {
                        Ok(Some(bytes)) => self.sse.push(&bytes),
                        Ok(None) => self.state = State::Over,
                        Err(cause) => {
                            self.state = State::Over;
                            return Heard::Closed(Some(root(&cause)));
                        }
                    }
                }
                State::Over => return Heard::Closed(None),
            }
        }
    }
}

fn too_long() -> TurnError {
    error("agent_error", format!("the server sent more than {} MiB in one piece", EVENT_BYTES >> 20))
}

fn message((speaker, text): (Speaker, String)) -> Value {
    let role = match speaker {
        Speaker::User => "user",
        Speaker::Agent => "assistant",
    };
    json!({ "role": role, "content": text })
}

fn endpoint(base: &Url) -> Url {
    let mut url = base.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(["chat", "completions"]);
    }
    url
}

/// Whether a URL leads to this machine, where no proxy does.
fn is_here(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// A body, as far as it is taken and came.
async fn beginning(response: &mut Response, most: usize) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(bytes)) = response.chunk().await {
        body.extend_from_slice(&bytes[..bytes.len().min(most - body.len())]);
        if body.len() == most {
            break;
        }
    }
    body
}

/// What the body of an error says, if it is for people.
fn said(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let Ok(value) = serde_json::from_str::<Value>(&text) else {
        return if text.trim_start().starts_with('<') { String::new() } else { text.into_owned() };
    };
    let plain = || ["message", "detail"].iter().find_map(|name| value[name].as_str()).map(str::to_owned);
    error_in(&value).or_else(plain).unwrap_or_default()
}

/// The innermost cause: the ones around it only say that a request failed.
fn root(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    excerpt(&cause.to_string())
}

fn is_refused(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused) {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_endpoint_stands_below_the_base_whatever_that_ends_with() {
        let at = |base: &str| endpoint(&base.parse().unwrap()).to_string();
        assert_eq!(at("http://host:1/v1"), "http://host:1/v1/chat/completions");
        assert_eq!(at("http://host:1/v1/"), "http://host:1/v1/chat/completions");
        assert_eq!(at("http://host:1"), "http://host:1/chat/completions");
        assert_eq!(at("https://host/v1?version=2"), "https://host/v1/chat/completions?version=2");
    }

    #[test]
    fn this_machine_needs_no_proxy() {
        let here = |url: &str| is_here(&url.parse().unwrap());
        assert!(here("http://localhost:1/v1") && here("http://127.0.0.2/v1") && here("http://[::1]:1/v1"));
        assert!(!here("http://192.168.0.2/v1") && !here("https://api.example.org/v1"));
    }
}
