//! What an agent says.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::FutureExt as _;
use moorline_gateway::testing::{self, AgentEnd};
use moorline_protocol::{Epoch, MessageId, Millis, Send, SendBody, SessionId};
use moorline_session::{Config, Input, NewSession, Now, Output, Reply, Session};
use moorline_transcript::{Changes, Transcript};
use tokio::io::{AsyncRead, ReadBuf};

use super::Execute;
use crate::{
    Dice,
    corpus::{agent_lines, texts},
    maker::{Maker, Shape},
};

/// No input leads to more outputs than this: more of them would be a loop.
const OUTPUTS: usize = 10_000;

pub(super) fn lines() -> Execute {
    let maker = Maker::new(agent_lines());
    Box::new(move |dice| {
        let mut stdout = Vec::new();
        for _ in 0..dice.below(6) {
            stdout.extend(maker.bytes(Shape::Any, dice));
            stdout.extend([&b"\n"[..], b"\n\n", b"", b"\r\n"][dice.below(4)]);
        }
        let whole = String::from_utf8_lossy(&stdout).into_owned();
        let pieces = Pieces { left: stdout, dice: dice.clone() };
        let found = testing::lines(pieces).now_or_never().expect("nothing is waited for");
        let found: Vec<String> = found.into_iter().map(|line| line.expect("no line is too long")).collect();
        let mut expected: Vec<&str> = whole.split('\n').collect();
        if expected.last() == Some(&"") {
            expected.pop();
        }
        assert_eq!(found, expected);
    })
}

pub(super) fn messages() -> Execute {
    let maker = Maker::new(agent_lines());
    Box::new(move |dice| {
        let mut scene = Scene::new();
        scene.submit("m1");
        if !dice.once_in(8) {
            scene.line(r#"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":1}}"#);
            scene.line(r#"{"jsonrpc":"2.0","id":2,"result":{"sessionId":"s"}}"#);
        }
        for _ in 0..dice.below(5) {
            match dice.below(16) {
                0 => scene.submit("m2"),
                1 => scene.handle(Input::Cancel { reply: Reply(0), turn: message("m1"), next: None }),
                2 => scene.answer(dice),
                3 => scene.wait(),
                _ => scene.line(&maker.text(Shape::Any, dice)),
            }
        }
        scene.check();
    })
}

pub(super) fn demo() -> Execute {
    let commands = ["/stream 5000", "/tools 6", "/ask", "/sleep 5", "/mix", "/long 64", "/echo  a\n b", "/helpme", "hello"];
    let (commands, lines) = (Maker::new(texts(&commands)), Maker::new(agent_lines()));
    Box::new(move |dice| {
        let _ = testing::demo_input(&commands.text(Shape::Any, dice));
        let _ = testing::demo_input(&lines.text(Shape::Any, dice));
    })
}

/// Bytes that come in pieces.
struct Pieces {
    left: Vec<u8>,
    dice: Dice,
}

impl AsyncRead for Pieces {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let most = self.left.len().min(buffer.remaining());
        let piece = if most == 0 { 0 } else { 1 + self.dice.below(most) };
        let rest = self.left.split_off(piece);
        buffer.put_slice(&self.left);
        self.left = rest;
        Poll::Ready(Ok(()))
    }
}

/// An agent's adapter, the session that it reports to, and a reader of its journal.
struct Scene {
    agent: AgentEnd,
    session: Session,
    transcript: Transcript,
    now: Now,
}

impl Scene {
    fn new() -> Self {
        let session = Session::new(SessionId::parse("s").expect("an id"), Config::default());
        Self { agent: AgentEnd::new(), session, transcript: Transcript::new(), now: Now { monotonic: Millis(1), wall: 1 } }
    }

    fn submit(&mut self, id: &str) {
        let new = NewSession { epoch: Epoch::parse("e").expect("an id"), agent: "a".to_owned(), title: String::new(), at: 1 };
        let session = SessionId::parse("s").expect("an id");
        let body = SendBody::Text("look".to_owned());
        let send = Send { session, message: message(id), body, create: Some(moorline_protocol::Create::default()), interrupt: None };
        self.handle(Input::Submit { reply: Reply(0), send, new });
    }

    fn answer(&mut self, dice: &mut Dice) {
        let Some(request) = self.session.state().waiting.first().cloned() else { return };
        let option = dice.one_of(&["allow", "no", ""]).to_owned();
        let session = SessionId::parse("s").expect("an id");
        let send = Send { session, message: message("a1"), body: SendBody::Answer { request, option }, create: None, interrupt: None };
        let new = NewSession { epoch: Epoch::parse("e").expect("an id"), agent: "a".to_owned(), title: String::new(), at: 1 };
        self.handle(Input::Submit { reply: Reply(0), send, new });
    }

    fn wait(&mut self) {
        if let Some(deadline) = self.session.deadline() {
            self.now.monotonic = deadline;
            self.handle(Input::Deadline);
        }
    }

    fn line(&mut self, line: &str) {
        self.agent.line(line);
        self.report();
    }

    fn report(&mut self) {
        let (said, reports) = self.agent.outputs();
        assert!(said.iter().all(|line| !line.contains('\n')), "a line to the agent has an end in it");
        assert!(said.len() + reports.len() <= OUTPUTS);
        for report in reports {
            self.handle(Input::Report(report));
        }
    }

    fn handle(&mut self, input: Input) {
        self.session.handle(self.now, input);
        let mut changes = Changes::new();
        for _ in 0..OUTPUTS {
            match self.session.poll_output() {
                None => return,
                Some(Output::Store(commit)) => {
                    for event in &commit.events {
                        self.transcript.apply(event, &mut changes);
                    }
                    self.session.handle(self.now, Input::Committed);
                }
                Some(Output::Agent(command)) => {
                    self.agent.command(command);
                    self.report();
                }
                Some(Output::Head(_) | Output::Receipt { .. } | Output::Done { .. } | Output::Gone | Output::Refused { .. }) => {}
            }
        }
        panic!("the session's outputs have no end");
    }

    /// The journal says what the session says.
    fn check(&self) {
        assert!(!self.transcript.needs_snapshot(), "the session's journal has a hole");
        assert_eq!(self.transcript.state(), self.session.state());
    }
}

fn message(id: &str) -> MessageId {
    MessageId::parse(id).expect("an id")
}
