//! The demo agent by itself, spoken to over its stdio.

use std::{process::Stdio, time::Duration};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

/// How long a line, or the exit, may take.
const DEADLINE: Duration = Duration::from_secs(20);

struct Demo {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Demo {
    fn new() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_moorline-gateway"))
            .args(["demo-agent", "--delay-ms", "0"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take().unwrap());
        Self { child, stdin, lines: BufReader::new(stdout).lines() }
    }

    async fn say(&mut self, message: Value) {
        self.stdin.as_mut().unwrap().write_all(format!("{message}\n").as_bytes()).await.unwrap();
    }

    async fn prompt(&mut self, id: u64, text: &str) {
        let params = json!({"sessionId": "demo-session", "prompt": [{"type": "text", "text": text}]});
        self.say(json!({"jsonrpc": "2.0", "id": id, "method": "session/prompt", "params": params})).await;
    }

    /// The first message that fits, those before it thrown away.
    async fn until(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        loop {
            let line = timeout(DEADLINE, self.lines.next_line()).await.expect("no line came in time").unwrap().expect("stdout ended");
            let message: Value = serde_json::from_str(&line).unwrap();
            if fits(&message) {
                return message;
            }
        }
    }

    async fn exit_code(&mut self) -> Option<i32> {
        timeout(DEADLINE, self.child.wait()).await.expect("it did not exit in time").unwrap().code()
    }
}

#[tokio::test]
async fn it_exits_when_its_stdin_closes_also_in_a_turn() {
    let mut idle = Demo::new();
    idle.stdin = None;
    assert_eq!(idle.exit_code().await, Some(0));

    let mut busy = Demo::new();
    busy.prompt(1, "/sleep 600").await;
    busy.stdin = None;
    assert_eq!(busy.exit_code().await, Some(0));
}

#[tokio::test]
async fn it_exits_when_its_question_is_answered_with_an_error() {
    let mut demo = Demo::new();
    demo.prompt(1, "/ask").await;
    let question = demo.until(|message| message["method"] == "session/request_permission").await;
    demo.say(json!({"jsonrpc": "2.0", "id": question["id"], "error": {"code": -32601, "message": "method not found"}})).await;
    assert_eq!(demo.exit_code().await, Some(0));
}

#[tokio::test]
async fn it_refuses_what_it_does_not_have_and_a_second_prompt_in_a_turn() {
    let mut demo = Demo::new();
    demo.say(json!({"jsonrpc": "2.0", "id": 1, "method": "session/load", "params": {}})).await;
    assert_eq!(demo.until(|message| message["id"] == 1).await["error"]["code"], -32601);
    demo.prompt(2, "/sleep 600").await;
    demo.prompt(3, "/help").await;
    assert_eq!(demo.until(|message| message["id"] == 3).await["error"]["code"], -32600);
    demo.say(json!({"jsonrpc": "2.0", "method": "session/cancel", "params": {"sessionId": "demo-session"}})).await;
    assert_eq!(demo.until(|message| message["id"] == 2).await["result"]["stopReason"], "cancelled");
}

#[tokio::test]
async fn a_wrong_option_is_told_in_one_sentence() {
    let output = Command::new(env!("CARGO_BIN_EXE_moorline-gateway")).args(["demo-agent", "--seed", "x"]).output();
    let output = timeout(DEADLINE, output).await.expect("it did not exit in time").unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "--seed takes a whole number, not \"x\"\n");
}
