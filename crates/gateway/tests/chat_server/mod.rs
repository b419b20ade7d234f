//! A chat server on loopback whose every byte the test says.

#![allow(dead_code, reason = "not every suite that has it needs all of it")]

use std::{net::SocketAddr, time::Duration};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::timeout,
};

/// How long a request, a write or a hang-up may take.
const DEADLINE: Duration = Duration::from_secs(20);

async fn within<F: Future>(what: &str, future: F) -> F::Output {
    timeout(DEADLINE, future).await.unwrap_or_else(|_| panic!("waited {DEADLINE:?} for {what}"))
}

pub(crate) struct ChatServer {
    listener: TcpListener,
}

/// One request, and the connection to answer it on.
pub(crate) struct Asked {
    pub(crate) head: String,
    pub(crate) body: Value,
    stream: TcpStream,
}

impl ChatServer {
    pub(crate) async fn start() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").await.unwrap() }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    /// As `--agent` names it, without a key.
    pub(crate) fn agent(&self) -> String {
        format!("openai:MOORLINE_NO_SUCH_KEY@http://{}/v1#llama3", self.address())
    }

    /// The next request.
    pub(crate) async fn asked(&self) -> Asked {
        within("a request", async {
            let (mut stream, _) = self.listener.accept().await.unwrap();
            let mut bytes = Vec::new();
            let head = loop {
                assert!(stream.read_buf(&mut bytes).await.unwrap() > 0, "a request without an end");
                if let Some(at) = bytes.windows(4).position(|end| end == b"\r\n\r\n") {
                    break at + 4;
                }
            };
            let text = String::from_utf8(bytes[..head].to_vec()).unwrap();
            let length =
                text.to_lowercase().split_once("content-length: ").unwrap().1.split_once("\r\n").unwrap().0.parse::<usize>().unwrap();
            while bytes.len() < head + length {
                assert!(stream.read_buf(&mut bytes).await.unwrap() > 0, "half a request");
            }
            Asked { head: text, body: serde_json::from_slice(&bytes[head..]).unwrap(), stream }
        })
        .await
    }
}

impl Asked {
    /// The messages asked with: who, and what.
    pub(crate) fn messages(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        self.body["messages"].as_array().unwrap().iter().map(|message| (text(&message["role"]), text(&message["content"]))).collect()
    }

    /// Answers with a status, header lines and a body, and hangs up.
    pub(crate) async fn answer(mut self, status: &str, headers: &str, body: &str) {
        let length = body.len();
        self.write(format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}").as_bytes()).await;
    }

    /// Begins a stream of events.
    pub(crate) async fn begin(mut self) -> Self {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
        self.write(head.as_bytes()).await;
        self
    }

    /// Sends bytes as they are, as a piece of their own.
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        let piece = [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat();
        self.write(&piece).await;
    }

    /// Sends an event.
    pub(crate) async fn event(&mut self, data: &Value) {
        self.send(format!("data: {data}\n\n").as_bytes()).await;
    }

    /// Sends a part of the answer.
    pub(crate) async fn text(&mut self, text: &str) {
        self.event(&json!({ "choices": [{ "index": 0, "delta": { "content": text } }] })).await;
    }

    /// Says why the answer ends.
    pub(crate) async fn finish(&mut self, reason: &str) {
        self.event(&json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": reason }] })).await;
    }

    /// Ends the stream as it should be.
    pub(crate) async fn done(mut self) {
        self.send(b"data: [DONE]\n\n").await;
        self.end().await;
    }

    /// Ends the body, wherever it is.
    pub(crate) async fn end(mut self) {
        self.write(b"0\r\n\r\n").await;
    }

    /// A whole answer.
    pub(crate) async fn say(self, text: &str) {
        let mut asked = self.begin().await;
        asked.text(text).await;
        asked.finish("stop").await;
        asked.done().await;
    }

    /// Waits until the other side has hung up.
    pub(crate) async fn until_left(mut self) {
        within("the end of the connection", async { while self.stream.read(&mut [0; 64]).await.is_ok_and(|bytes| bytes > 0) {} }).await;
    }

    /// Sends until nobody takes more; tells how much was taken.
    pub(crate) async fn flood(&mut self, piece: &[u8], most: usize) -> usize {
        let mut sent = 0;
        while sent < most && timeout(Duration::from_millis(500), self.send(piece)).await.is_ok() {
            sent += piece.len();
        }
        sent
    }

    async fn write(&mut self, bytes: &[u8]) {
        within("a write", self.stream.write_all(bytes)).await.expect("the other side reads");
    }
}
