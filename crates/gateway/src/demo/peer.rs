//! The client at the other end of stdin and stdout.

use std::{
    io::{self, BufRead as _, Write as _},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::turn::Stop;

/// The one session that the demo agent has.
pub(super) const SESSION: &str = "demo-session";

/// A message from the client.
#[derive(Debug)]
pub(super) enum Incoming {
    /// It asks for something.
    Request { id: Value, method: String, params: Value },
    /// It tells something.
    Notification { method: String },
    /// It answers request `id`; none for an error.
    Response { id: Value, result: Option<Value> },
}

/// Reads on a thread, so that a turn can be told to stop while it waits.
#[derive(Debug)]
pub(super) struct Peer {
    inbox: mpsc::Receiver<Incoming>,
    requests: u64,
}

impl Peer {
    pub(super) fn open() -> Self {
        let (sender, inbox) = mpsc::channel();
        thread::spawn(move || {
            for line in io::stdin().lock().lines() {
                let Ok(line) = line else { return };
                let Some(incoming) = parse(&line) else { continue };
                if sender.send(incoming).is_err() {
                    return;
                }
            }
        });
        Self { inbox, requests: 0 }
    }

    /// The next message; none when stdin is closed.
    pub(super) fn receive(&self) -> Option<Incoming> {
        self.inbox.recv().ok()
    }

    /// Waits for a while, within a turn.
    pub(super) fn pause(&self, pause: Duration) -> Result<(), Stop> {
        let until = Instant::now() + pause;
        loop {
            match self.inbox.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(incoming) => self.handle_in_turn(incoming)?,
                Err(RecvTimeoutError::Timeout) => return Ok(()),
                Err(RecvTimeoutError::Disconnected) => return Err(Stop::Closed),
            }
        }
    }

    /// Tells the client about the session.
    pub(super) fn update(&self, update: Value) -> Result<(), Stop> {
        self.write(&json!({"jsonrpc": "2.0", "method": "session/update", "params": {"sessionId": SESSION, "update": update}}))
    }

    /// Asks the client for a permission and waits for the option chosen; none when it cancelled the question.
    pub(super) fn ask(&mut self, call: Value, options: Value) -> Result<Option<String>, Stop> {
        self.requests += 1;
        let own = json!(self.requests);
        let params = json!({"sessionId": SESSION, "toolCall": call, "options": options});
        self.write(&json!({"jsonrpc": "2.0", "id": own, "method": "session/request_permission", "params": params}))?;
        loop {
            let incoming = self.receive().ok_or(Stop::Closed)?;
            if let Incoming::Response { id, result: Some(result) } = &incoming
                && *id == own
            {
                return Ok(result["outcome"]["optionId"].as_str().map(str::to_owned));
            }
            self.handle_in_turn(incoming)?;
        }
    }

    /// Asks the client for something else; none when it refuses.
    pub(super) fn request(&mut self, method: &str, params: Value) -> Result<Option<Value>, Stop> {
        self.requests += 1;
        let own = json!(self.requests);
        self.write(&json!({"jsonrpc": "2.0", "id": own, "method": method, "params": params}))?;
        loop {
            let incoming = self.receive().ok_or(Stop::Closed)?;
            if let Incoming::Response { id, result } = &incoming
                && *id == own
            {
                return Ok(result.clone());
            }
            self.handle_in_turn(incoming)?;
        }
    }

    /// Writes a line of any bytes.
    pub(super) fn write_bytes(&self, line: &[u8]) -> Result<(), Stop> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(line).and_then(|()| stdout.write_all(b"\n")).map_err(|_| Stop::Closed)
    }

    /// Answers a request.
    pub(super) fn respond(&self, id: &Value, result: Value) -> Result<(), Stop> {
        self.write(&json!({"jsonrpc": "2.0", "id": id, "result": result}))
    }

    /// Answers a request with an error.
    pub(super) fn refuse(&self, id: &Value, code: i32, message: &str) -> Result<(), Stop> {
        self.write(&json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}}))
    }

    fn handle_in_turn(&self, incoming: Incoming) -> Result<(), Stop> {
        match incoming {
            Incoming::Notification { method } if method == "session/cancel" => Err(Stop::Cancelled),
            Incoming::Request { id, .. } => self.refuse(&id, -32600, "a turn is running"),
            Incoming::Response { result: None, .. } => Err(Stop::Closed),
            Incoming::Notification { .. } | Incoming::Response { .. } => Ok(()),
        }
    }

    fn write(&self, message: &Value) -> Result<(), Stop> {
        let mut line = message.to_string();
        line.push('\n');
        io::stdout().lock().write_all(line.as_bytes()).map_err(|_| Stop::Closed)
    }
}

pub(super) fn parse(line: &str) -> Option<Incoming> {
    let mut message: Value = serde_json::from_str(line).ok()?;
    let id = message.get("id").cloned();
    match (message["method"].as_str().map(str::to_owned), id) {
        (Some(method), Some(id)) => Some(Incoming::Request { id, method, params: message["params"].take() }),
        (Some(method), None) => Some(Incoming::Notification { method }),
        (None, Some(id)) => Some(Incoming::Response { id, result: message.get("result").cloned() }),
        (None, None) => None,
    }
}
