//! An agent that says what time it is: each chunk of its text is the moment at which it was written.

use std::{
    io::{BufRead as _, Write as _},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};

use crate::{gateway::text, process::Side};

/// What one turn consists of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Order {
    /// Chunks of text, each of its own update.
    pub(crate) chunks: usize,
    /// From one chunk to the next; zero = as fast as they go.
    pub(crate) pause: Duration,
}

impl Order {
    /// The message that asks for it.
    pub(crate) fn message(self) -> String {
        format!("{} {}", self.chunks, self.pause.as_micros())
    }

    fn parse(message: &str) -> Option<Self> {
        let (chunks, pause) = message.split_once(' ')?;
        Some(Self { chunks: chunks.parse().ok()?, pause: Duration::from_micros(pause.parse().ok()?) })
    }
}

/// A turn of texts that can be counted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Filling {
    /// Texts, each of its own update.
    pub(crate) texts: usize,
    /// From one text to the next; zero = as fast as they go.
    pub(crate) pause: Duration,
}

impl Filling {
    /// The message that asks for it.
    pub(crate) fn message(self) -> String {
        format!("fill {} {}", self.texts, self.pause.as_micros())
    }

    fn parse(message: &str) -> Option<Self> {
        let Order { chunks, pause } = Order::parse(message.strip_prefix("fill ")?)?;
        Some(Self { texts: chunks, pause })
    }

    /// Keeps the pace on average: a pause that took too long is made up for.
    fn play(self) {
        let (began, text) = (Instant::now(), text());
        for n in 0..self.texts {
            let due = self.pause * u32::try_from(n).unwrap_or(u32::MAX);
            thread::sleep(due.saturating_sub(began.elapsed()));
            update(&text);
        }
    }
}

/// One chunk of text: a moment in nanoseconds of wall time, which processes of one machine share.
fn stamp() -> String {
    format!("{} ", since_epoch().as_nanos())
}

/// The time since the stamps in a text, skipping what is not a stamp.
pub(crate) fn ages(text: &str) -> impl Iterator<Item = Duration> {
    let now = since_epoch();
    text.split_ascii_whitespace().filter_map(move |stamp| Some(now.saturating_sub(Duration::from_nanos(stamp.parse().ok()?))))
}

fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970")
}

/// Speaks the Agent Client Protocol on stdin and stdout until stdin closes.
pub(crate) fn serve() {
    // The gateway starts it, whose processor it must not share.
    Side::Load.pin();
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else { return };
        let Ok(request) = serde_json::from_str::<Value>(&line) else { continue };
        let result = match request["method"].as_str() {
            Some("initialize") => json!({"protocolVersion": 1, "agentCapabilities": {}, "authMethods": []}),
            Some("session/new") => json!({"sessionId": "bench"}),
            Some("session/prompt") => {
                let message = request["params"]["prompt"][0]["text"].as_str().unwrap_or_default();
                if let Some(filling) = Filling::parse(message) {
                    filling.play();
                } else if let Some(order) = Order::parse(message) {
                    play(order);
                }
                json!({"stopReason": "end_turn"})
            }
            _ => continue,
        };
        write(&json!({"jsonrpc": "2.0", "id": request["id"], "result": result}));
    }
}

fn play(order: Order) {
    for _ in 0..order.chunks {
        update(&stamp());
        if order.pause > Duration::ZERO {
            thread::sleep(order.pause);
        }
    }
}

fn update(text: &str) {
    let update = json!({"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": text}});
    write(&json!({"jsonrpc": "2.0", "method": "session/update", "params": {"sessionId": "bench", "update": update}}));
}

fn write(message: &Value) {
    let mut line = message.to_string();
    line.push('\n');
    // The gateway is gone when this fails, and stdin says so next.
    let _ = std::io::stdout().lock().write_all(line.as_bytes());
}
