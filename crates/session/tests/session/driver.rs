//! The smallest driver: every commit is durable at once.

use moorline_protocol::{
    BlockId, BlockKind, Code, Create, Epoch, Event, EventBody, FieldsPatch, MessageId, Millis, Outcome, Receipt, ReceiptOutcome,
    RequestOption, Send, SendBody, Seq, SessionId, SessionRow, TurnError, WallTime, encode,
};
use moorline_session::{
    AgentCommand, AgentReport, AgentUpdate, Config, Durability, Input, MemoryStore, NewSession, Now, Output, Reply, Session, Store,
};

/// The wall time of the first input.
pub(crate) const START: WallTime = 1_700_000_000_000;

pub(crate) struct Driver {
    pub(crate) store: MemoryStore,
    pub(crate) session: Session,
    pub(crate) config: Config,
    pub(crate) time: u64,
}

impl Driver {
    pub(crate) fn new() -> Self {
        Self::with(Config::default())
    }

    pub(crate) fn with(config: Config) -> Self {
        let session = Session::new(session_id(), config.clone());
        Self { store: MemoryStore::new(Durability::Synced), session, config, time: 0 }
    }

    /// With a message "m1" that runs as the first turn.
    pub(crate) fn running() -> Self {
        let mut driver = Self::new();
        driver.submit("m1", "first");
        driver
    }

    pub(crate) fn now(&self) -> Now {
        Now { monotonic: Millis(self.time), wall: START + self.time }
    }

    /// Hands an input over and returns everything said about it.
    pub(crate) fn handle(&mut self, input: Input) -> Vec<Output> {
        self.session.handle(self.now(), input);
        self.drain()
    }

    pub(crate) fn drain(&mut self) -> Vec<Output> {
        let mut said = Vec::new();
        while let Some(output) = self.session.poll_output() {
            let Output::Store(commit) = output else {
                said.push(output);
                continue;
            };
            self.store.commit(&[commit]).expect("the commit fits the journal");
            self.session.handle(self.now(), Input::Committed);
        }
        said
    }

    pub(crate) fn submit(&mut self, message: &str, text: &str) -> Vec<Output> {
        self.send(text_send(message, text))
    }

    pub(crate) fn interrupt(&mut self, message: &str, text: &str, turn: &str) -> Vec<Output> {
        self.send(Send { interrupt: Some(id(turn)), ..text_send(message, text) })
    }

    pub(crate) fn answer(&mut self, message: &str, request: &BlockId, option: &str) -> Vec<Output> {
        let body = SendBody::Answer { request: request.clone(), option: option.to_owned() };
        self.send(Send { body, create: None, ..text_send(message, "") })
    }

    pub(crate) fn send(&mut self, send: Send) -> Vec<Output> {
        self.handle(Input::Submit { reply: REPLY, send, new: new_session("") })
    }

    pub(crate) fn withdraw(&mut self, message: &str) -> Vec<Output> {
        self.handle(Input::Withdraw { reply: REPLY, message: id(message) })
    }

    pub(crate) fn cancel(&mut self, turn: &str) -> Vec<Output> {
        self.handle(Input::Cancel { reply: REPLY, turn: id(turn), next: None })
    }

    pub(crate) fn report(&mut self, turn: &str, update: AgentUpdate) -> Vec<Output> {
        self.handle(Input::Report(AgentReport { turn: id(turn), update }))
    }

    pub(crate) fn end(&mut self, turn: &str) -> Vec<Output> {
        self.report(turn, AgentUpdate::Ended { outcome: Outcome::Completed, error: None })
    }

    /// Lets the time pass and handles the deadline.
    pub(crate) fn pass(&mut self, ms: u64) -> Vec<Output> {
        self.time += ms;
        self.handle(Input::Deadline)
    }

    /// Drops the session and restores it from the store, as a new process does.
    pub(crate) fn restart(&mut self) -> Vec<Output> {
        self.load();
        self.session.recover(self.now());
        self.drain()
    }

    /// Restores the session from the store without recovering it.
    pub(crate) fn load(&mut self) {
        self.session = match self.store.session(&session_id()).unwrap() {
            None => {
                let mut session = Session::new(session_id(), self.config.clone());
                session.remember(self.store.early(&session_id()).unwrap());
                session
            }
            Some(meta) => Session::restore(session_id(), &meta, self.config.clone()),
        };
        for event in self.events() {
            self.session.fold(&event);
        }
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        self.store.read(&session_id(), Seq::ZERO, usize::MAX, usize::MAX).unwrap()
    }

    /// The journal, one line an event: its kind and what matters of it.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.events().iter().map(line).collect()
    }

    /// The lines behind the first `n`.
    pub(crate) fn lines_after(&self, n: usize) -> Vec<String> {
        self.lines().split_off(n)
    }

    pub(crate) fn row(&self) -> SessionRow {
        self.store.session(&session_id()).unwrap().expect("the session exists").row
    }

    /// Opens a request with the options "yes" and "no" in the running turn, and returns its block.
    pub(crate) fn ask(&mut self, turn: &str, request: &str) -> BlockId {
        self.report(turn, question(request));
        self.session.state().waiting.last().expect("the request waits").clone()
    }
}

pub(crate) const REPLY: Reply = Reply(7);

pub(crate) fn question(request: &str) -> AgentUpdate {
    let option = |id: &str, name: &str| RequestOption { id: id.into(), name: name.into(), kind: "allow_once".into() };
    let options = vec![option("yes", "Allow"), option("no", "Reject")];
    AgentUpdate::Request { request: request.into(), call: None, title: "May I?".into(), options }
}

pub(crate) fn text_send(message: &str, text: &str) -> Send {
    Send {
        session: session_id(),
        message: id(message),
        body: SendBody::Text(text.to_owned()),
        create: Some(Create::default()),
        interrupt: None,
    }
}

pub(crate) fn new_session(title: &str) -> NewSession {
    NewSession { epoch: Epoch::from_random(1), agent: "demo".into(), title: title.into(), at: START }
}

pub(crate) fn accepted(message: &str, seq: u64) -> Output {
    receipt(message, ReceiptOutcome::Accepted { seq: Seq::new(seq) })
}

pub(crate) fn receipt(message: &str, outcome: ReceiptOutcome) -> Output {
    Output::Receipt { reply: REPLY, receipt: Receipt { session: session_id(), message: id(message), outcome } }
}

pub(crate) fn prompt(turn: &str, text: &str) -> Output {
    Output::Agent(AgentCommand::Prompt { turn: id(turn), text: text.to_owned() })
}

pub(crate) fn stop(turn: &str) -> Output {
    Output::Agent(AgentCommand::Cancel { turn: id(turn) })
}

pub(crate) fn kill(turn: &str) -> Output {
    Output::Agent(AgentCommand::Kill { turn: id(turn) })
}

pub(crate) fn head(seq: u64) -> Output {
    Output::Head(Seq::new(seq))
}

/// The code of the one refusal, with its sentence; the session must have said nothing else.
pub(crate) fn refusal(said: &[Output]) -> (Code, String) {
    let [Output::Refused { reply: REPLY, error }] = said else { panic!("expected one refusal, got {said:?}") };
    assert_eq!(error.session, Some(session_id()));
    (error.code, error.message.clone())
}

pub(crate) fn id(text: &str) -> MessageId {
    MessageId::parse(text).expect("a valid id")
}

pub(crate) fn session_id() -> SessionId {
    SessionId::parse("s").expect("a valid id")
}

pub(crate) fn failed(code: &str) -> AgentUpdate {
    let error = TurnError { code: code.into(), message: "the reason".into() };
    AgentUpdate::Ended { outcome: Outcome::Failed, error: Some(error) }
}

fn line(event: &Event) -> String {
    match &event.body {
        EventBody::Accepted(it) => {
            let interrupt = it.interrupt.as_ref().map_or(String::new(), |turn| format!(" interrupting {turn}"));
            format!("accepted {} {:?}{interrupt}", it.message, it.text)
        }
        EventBody::Answered(it) => format!("answered {} {} by {}", it.block, it.option, it.message),
        EventBody::Withdrawn(it) => format!("withdrawn {}", it.message),
        EventBody::TurnStarted(it) => format!("started {}", it.turn),
        EventBody::TurnStopping(it) => format!("stopping {}", it.turn),
        EventBody::TurnEnded(it) => {
            let code = it.error.as_ref().map_or(String::new(), |error| format!(" {}", error.code));
            format!("ended {} {:?}{code}", it.turn, it.outcome)
        }
        EventBody::Opened(it) => format!("opened {} {}{}", it.block, kind(it.kind), fields(&it.fields)),
        EventBody::Changed(it) => format!("changed {}{}", it.block, fields(&it.fields)),
        EventBody::Append(it) if it.edition > 0 => format!("append {} edition {} at {} {:?}", it.block, it.edition, it.at, it.text),
        EventBody::Append(it) => format!("append {} at {} {:?}", it.block, it.at, it.text),
        EventBody::Fold(_) | EventBody::Unknown { .. } => panic!("a session writes no such event"),
    }
}

fn kind(kind: BlockKind) -> String {
    encode(&kind).trim_matches('"').to_owned()
}

fn fields(fields: &FieldsPatch) -> String {
    let text = encode(fields);
    if text == "{}" { String::new() } else { format!(" {text}") }
}
