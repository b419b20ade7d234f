//! One turn as the demo agent plays it.

use std::{
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    command::{Command, HELP},
    options::Options,
    peer::{Peer, SESSION},
    prose,
    random::Random,
};

/// The pause after each chunk, for people.
const DELAY: Duration = Duration::from_millis(25);

/// As good as for ever.
const STAY: Duration = Duration::from_secs(86_400);

/// What ends a turn before its end.
#[derive(Debug)]
pub(super) enum Stop {
    /// The client cancelled it.
    Cancelled,
    /// The answer to the prompt is this error.
    Failed(String),
    /// The process is to exit now.
    Crashed,
    /// The answer to the prompt comes now, and more text behind it.
    Late,
    /// The client is gone.
    Closed,
}

type Played = Result<(), Stop>;

/// A turn at work.
pub(super) struct Turn<'a> {
    peer: &'a mut Peer,
    random: Random,
    /// The pause after each update; none = by command.
    delay: Option<Duration>,
    number: u64,
    calls: u64,
}

impl<'a> Turn<'a> {
    pub(super) fn new(peer: &'a mut Peer, options: &Options, number: u64, random: Random) -> Self {
        Self { peer, random, delay: options.delay, number, calls: 0 }
    }

    /// Plays what the message asks for.
    pub(super) fn play(&mut self, command: &Command) -> Played {
        match command {
            Command::Plain => self.plain(),
            Command::Stream(chunks) => self.stream(*chunks),
            Command::Tools(calls) => self.tools(*calls),
            Command::Ask => self.ask(),
            Command::Fail => {
                self.speak("This is as far as it goes: ")?;
                Err(Stop::Failed("the demo agent was asked to fail".to_owned()))
            }
            Command::Crash => {
                let sentence = prose::sentence(&mut self.random);
                self.speak(&sentence)?;
                Err(Stop::Crashed)
            }
            Command::Sleep(silence) => {
                self.peer.pause(*silence)?;
                let seconds = silence.as_secs();
                self.speak(&format!("I was silent for {seconds} second{}.", if seconds == 1 { "" } else { "s" }))
            }
            Command::Mix(updates) => self.mix(*updates),
            Command::Plan => self.plan_worked_off(),
            Command::Long(kb) => self.long(*kb),
            Command::Edit(file) => self.edit(file),
            Command::Stubborn(time) => self.stubborn(*time),
            Command::CrashOnCancel => match self.peer.pause(STAY) {
                Err(Stop::Cancelled) => Err(Stop::Crashed),
                other => other,
            },
            Command::Flood(updates) => self.flood(*updates),
            Command::Noise => self.noise(),
            Command::Line(mb) => {
                self.peer.write_bytes(&vec![b'x'; mb << 20])?;
                self.speak("That line was no message.")
            }
            Command::Late => {
                self.speak("This is the end.")?;
                Err(Stop::Late)
            }
            Command::Echo(text) => self.text(text),
            Command::Help => self.speak(HELP),
            Command::Unknown(word) => self.speak(&format!("`{word}` is no command.\n\n{HELP}")),
        }
    }

    /// A short turn with thinking, a plan, tools and an answer.
    fn plain(&mut self) -> Played {
        let steps = ["Look at the code", "Run the tests", "Write down what to change"];
        for _ in 0..3 {
            let thought = format!("{} ", prose::sentence(&mut self.random));
            self.think(&thought)?;
        }
        self.plan(&steps, 0)?;
        self.speak("I will look at the code first, then run its tests.\n")?;

        let file = prose::file(&mut self.random);
        let read = self.begin_tool(&format!("Read {file}"), "read", json!({"path": file}))?;
        let source = prose::source(&mut self.random);
        self.end_tool(&read, "completed", &source)?;
        self.plan(&steps, 1)?;

        let run = self.begin_tool("cargo test", "execute", json!({"command": "cargo test"}))?;
        let lines = 5 + self.random.below(4);
        let mut output = format!("running {lines} tests\n");
        for _ in 0..lines {
            self.show_output(&run, &output)?;
            output.push_str(&prose::test_line(&mut self.random));
        }
        output.push_str(&format!("\n\u{1b}[32mtest result: ok\u{1b}[0m. {lines} passed; 0 failed\n"));
        let exit = json!({"exitCode": 0});
        let ended = json!({"sessionUpdate": "tool_call_update", "toolCallId": run, "status": "completed", "content": content(&output), "rawOutput": exit});
        self.update(ended)?;
        self.plan(&steps, 2)?;

        let answer = prose::answer(&mut self.random);
        self.speak(&answer)?;
        self.plan(&steps, 3)
    }

    fn stream(&mut self, chunks: usize) -> Played {
        for n in 1..=chunks {
            let mut word = prose::word(&mut self.random);
            if n % 12 == 0 {
                word.push_str("\n\n");
            }
            self.text(&word)?;
        }
        Ok(())
    }

    /// Tool calls, one to three side by side; every fifth fails.
    fn tools(&mut self, calls: usize) -> Played {
        let mut begun = 0;
        while begun < calls {
            let side_by_side = (1 + self.random.below(3)).min(calls - begun);
            let mut open = Vec::new();
            for _ in 0..side_by_side {
                begun += 1;
                let file = prose::file(&mut self.random);
                let call = self.begin_tool(&format!("grep -n depth {file}"), "search", json!({"pattern": "depth", "path": file}))?;
                open.push((call, String::new(), begun % 5 == 0));
            }
            for _ in 0..3 {
                for (call, output, _) in &mut open {
                    let line = self.random.below(200) + 1;
                    output.push_str(&format!("{line}: {}\n", prose::sentence(&mut self.random)));
                    self.show_output(call, output)?;
                }
            }
            for (call, mut output, fails) in open {
                if fails {
                    output.push_str("grep: the file changed while it was read\n");
                }
                self.end_tool(&call, if fails { "failed" } else { "completed" }, &output)?;
            }
        }
        self.speak(&format!("Done: {calls} tool calls, {} of them failed.", calls / 5))
    }

    fn ask(&mut self) -> Played {
        self.speak("The old build is in the way.\n")?;
        let call = self.next_call();
        let about = json!({
            "toolCallId": call, "title": "rm -r target/old", "kind": "delete", "status": "pending",
            "rawInput": {"command": "rm -r target/old"},
        });
        let options = json!([
            {"optionId": "allow", "name": "Allow once", "kind": "allow_once"},
            {"optionId": "always", "name": "Always allow", "kind": "allow_always"},
            {"optionId": "reject", "name": "Reject", "kind": "reject_once"},
        ]);
        let chosen = self.peer.ask(about, options)?;
        match chosen.as_deref() {
            Some(option @ ("allow" | "always")) => {
                self.end_tool(&call, "completed", "removed 'target/old'\n")?;
                self.speak(&format!("You chose `{option}`: the old build is gone."))
            }
            other => {
                self.end_tool(&call, "failed", "not allowed\n")?;
                self.speak(&format!("You chose `{}`: the old build stays.", other.unwrap_or("nothing")))
            }
        }
    }

    /// Changes a file of the working directory through the client, which shows what is about to change and asks.
    fn edit(&mut self, file: &str) -> Played {
        let path = std::env::current_dir().unwrap_or_default().join(file);
        let path = path.to_string_lossy().into_owned();
        let old = self.peer.request("fs/read_text_file", json!({"sessionId": SESSION, "path": path}))?;
        let old = old.as_ref().and_then(|result| result["content"].as_str()).map(str::to_owned);
        let line = prose::sentence(&mut self.random);
        let new = format!("{}{line}\n", old.as_deref().unwrap_or_default());
        let call = self.next_call();
        let diff = json!([{"type": "diff", "path": path, "oldText": old, "newText": new}]);
        let about = json!({"toolCallId": call, "title": format!("Edit {file}"), "kind": "edit", "status": "pending", "content": diff});
        let options = json!([
            {"optionId": "allow", "name": "Allow once", "kind": "allow_once"},
            {"optionId": "reject", "name": "Reject", "kind": "reject_once"},
        ]);
        if self.peer.ask(about, options)?.as_deref() != Some("allow") {
            self.end_tool(&call, "failed", "not allowed\n")?;
            return self.speak("The file stays as it is.");
        }
        let written = self.peer.request("fs/write_text_file", json!({"sessionId": SESSION, "path": path, "content": new}))?;
        let (status, word) = if written.is_some() { ("completed", "written\n") } else { ("failed", "it could not be written\n") };
        self.end_tool(&call, status, word)?;
        self.speak(&format!("`{file}` has a line more."))
    }

    /// Goes on though it is told to stop.
    fn stubborn(&mut self, time: Duration) -> Played {
        let until = Instant::now() + time;
        while Instant::now() < until {
            let word = prose::word(&mut self.random);
            match self.text(&word) {
                Ok(()) | Err(Stop::Cancelled) => {}
                other => return other,
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    fn flood(&mut self, updates: usize) -> Played {
        self.delay.get_or_insert(Duration::ZERO);
        let text = "x".repeat(1 << 10);
        (0..updates).try_for_each(|_| self.text(&text))
    }

    /// What agents have printed, and no client may fall over.
    fn noise(&mut self) -> Played {
        self.peer.write_bytes(b"[info] loading plugins")?;
        self.peer.write_bytes(b"\xff\xfe{\"jsonrpc\": \x80")?;
        self.peer.write_bytes(br#"{"jsonrpc":"2.0","id":"nobody-asked","result":{"stopReason":"end_turn"}}"#)?;
        self.peer.write_bytes(br#"{"jsonrpc":"2.0","id":4711,"error":{"code":-1,"message":"for nobody"}}"#)?;
        self.peer.write_bytes(
            br#"{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"another","update":{"sessionUpdate":"odd"}}}"#,
        )?;
        self.peer.write_bytes(b"[[[[{}]]]")?;
        self.speak("That was noise.")
    }

    /// In each twenty updates: a thought, a tool's start, its end, and seventeen pieces of text.
    fn mix(&mut self, updates: usize) -> Played {
        self.delay.get_or_insert(Duration::ZERO);
        let mut call = String::new();
        for n in 0..updates {
            match n % 20 {
                0 => {
                    let thought = prose::sentence(&mut self.random);
                    self.thought(&thought)?;
                }
                1 => call = self.begin_tool("cat depth.txt", "read", json!({"path": "depth.txt"}))?,
                10 => self.end_tool(&call, "completed", "4.2 m\n")?,
                19 => self.text("\n\n")?,
                _ => {
                    let word = prose::word(&mut self.random);
                    self.text(&word)?;
                }
            }
        }
        Ok(())
    }

    fn plan_worked_off(&mut self) -> Played {
        let steps = ["Measure the depth", "Compare it with the chart", "Correct the chart", "Tell the pilots"];
        for done in 0..=steps.len() {
            self.plan(&steps[..(done + 2).min(steps.len())], done)?;
            let sentence = format!("{} ", prose::sentence(&mut self.random));
            self.speak(&sentence)?;
        }
        Ok(())
    }

    fn long(&mut self, kb: usize) -> Played {
        let mut line = String::with_capacity((kb + 1) << 10);
        while line.len() < kb << 10 {
            line.push_str(&prose::word(&mut self.random));
        }
        line.truncate(kb << 10);
        self.text(&line)
    }

    /// Streams a text in small chunks.
    fn speak(&mut self, text: &str) -> Played {
        prose::chunks(text, &mut self.random).into_iter().try_for_each(|chunk| self.text(chunk))
    }

    /// Streams a thought in small chunks.
    fn think(&mut self, text: &str) -> Played {
        prose::chunks(text, &mut self.random).into_iter().try_for_each(|chunk| self.thought(chunk))
    }

    fn text(&self, text: &str) -> Played {
        self.update(json!({"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": text}}))
    }

    fn thought(&self, text: &str) -> Played {
        self.update(json!({"sessionUpdate": "agent_thought_chunk", "content": {"type": "text", "text": text}}))
    }

    /// Shows the plan with its first `done` steps done and the next one at work.
    fn plan(&self, steps: &[&str], done: usize) -> Played {
        let status = |n: usize| match n {
            n if n < done => "completed",
            n if n == done => "in_progress",
            _ => "pending",
        };
        let entries = steps.iter().enumerate().map(|(n, step)| json!({"content": step, "priority": "medium", "status": status(n)}));
        self.update(json!({"sessionUpdate": "plan", "entries": entries.collect::<Vec<Value>>()}))
    }

    fn begin_tool(&mut self, title: &str, kind: &str, input: Value) -> Result<String, Stop> {
        let call = self.next_call();
        self.update(json!({
            "sessionUpdate": "tool_call", "toolCallId": call, "title": title, "kind": kind, "status": "in_progress", "rawInput": input,
        }))?;
        Ok(call)
    }

    fn show_output(&self, call: &str, output: &str) -> Played {
        self.update(json!({"sessionUpdate": "tool_call_update", "toolCallId": call, "content": content(output)}))
    }

    fn end_tool(&self, call: &str, status: &str, output: &str) -> Played {
        self.update(json!({"sessionUpdate": "tool_call_update", "toolCallId": call, "status": status, "content": content(output)}))
    }

    fn next_call(&mut self) -> String {
        self.calls += 1;
        format!("call-{}-{}", self.number, self.calls)
    }

    fn update(&self, update: Value) -> Played {
        self.peer.update(update)?;
        self.peer.pause(self.delay.unwrap_or(DELAY))
    }
}

fn content(output: &str) -> Value {
    json!([{"type": "content", "content": {"type": "text", "text": output}}])
}
