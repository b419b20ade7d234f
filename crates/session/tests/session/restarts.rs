//! Random lives with random crashes between any two outputs, checked against what was really said and really done.

use std::collections::{BTreeMap, BTreeSet};

use moorline_protocol::{BlockId, BlockKind, Code, EventBody, Limits, MessageId, Outcome, Patch, ReceiptOutcome, Send, SendBody, encode};
use moorline_session::{AgentCommand, AgentReport, AgentUpdate, Commit, Config, Input, Output, Store, StoreError, ToolUpdate};
use proptest::prelude::*;

use crate::driver::*;

/// One thing that happens; numbers pick among what there is at that moment.
#[derive(Debug, Clone)]
enum Step {
    Say {
        bytes: usize,
        interrupt: Option<usize>,
    },
    SayAgain(usize),
    Withdraw(usize),
    Cancel(usize),
    Answer {
        request: usize,
        option: usize,
    },
    Report(Kind),
    /// A report about a turn that may be over.
    Late(usize),
    Pass(u64),
    FailingCommit,
    /// The next commit takes as long as so many inputs.
    SlowCommit(usize),
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Text(usize),
    Thought,
    Tool { call: u8, output: usize, over: bool },
    Plan(usize),
    Request(u8),
    End,
}

fn step() -> impl Strategy<Value = Step> {
    let kind = prop_oneof![
        6 => (0..2000_usize).prop_map(Kind::Text),
        2 => Just(Kind::Thought),
        3 => (0..3_u8, 0..900_usize, any::<bool>()).prop_map(|(call, output, over)| Kind::Tool { call, output, over }),
        1 => (0..4_usize).prop_map(Kind::Plan),
        2 => (0..3_u8).prop_map(Kind::Request),
        3 => Just(Kind::End),
    ];
    prop_oneof![
        4 => (0..3000_usize, prop::option::of(0..8_usize)).prop_map(|(bytes, interrupt)| Step::Say { bytes, interrupt }),
        2 => (0..8_usize).prop_map(Step::SayAgain),
        1 => (0..8_usize).prop_map(Step::Withdraw),
        1 => (0..8_usize).prop_map(Step::Cancel),
        2 => (0..3_usize, 0..2_usize).prop_map(|(request, option)| Step::Answer { request, option }),
        12 => kind.prop_map(Step::Report),
        1 => (0..8_usize).prop_map(Step::Late),
        1 => prop_oneof![Just(500_u64), Just(10_000), Just(600_000)].prop_map(Step::Pass),
        1 => Just(Step::FailingCommit),
        2 => (1..8_usize).prop_map(Step::SlowCommit),
    ]
}

/// Steps, and after how many outputs from there the process dies, if it does.
fn life() -> impl Strategy<Value = Vec<(Step, Option<usize>)>> {
    prop::collection::vec((step(), prop::option::weighted(0.08, 0..5_usize)), 1..60)
}

/// The world around a session: who sends, the agent, and what both were told.
struct World {
    driver: Driver,
    /// Every text ever sent, in order, with its turn to interrupt.
    sends: Vec<Send>,
    answers: u32,
    withdrawn: BTreeSet<MessageId>,
    receipts: BTreeMap<MessageId, u64>,
    prompts: BTreeMap<MessageId, String>,
    /// The turn the living agent works on.
    at_work: Option<MessageId>,
    /// What each turn's agent said as text, as far as the session was told.
    said: BTreeMap<MessageId, String>,
    outputs_to_live: Option<usize>,
    next_commit_fails: bool,
    /// The commit that is being written, and how many inputs come before it is.
    writing: Option<Commit>,
    slow: usize,
}

impl World {
    fn new() -> Self {
        let limits = Limits { event_bytes: 1024, queue: 1000, ..Limits::default() };
        Self {
            driver: Driver::with(Config { limits, ..Config::default() }),
            sends: Vec::new(),
            answers: 0,
            withdrawn: BTreeSet::new(),
            receipts: BTreeMap::new(),
            prompts: BTreeMap::new(),
            at_work: None,
            said: BTreeMap::new(),
            outputs_to_live: None,
            next_commit_fails: false,
            writing: None,
            slow: 0,
        }
    }

    fn live(&mut self, life: &[(Step, Option<usize>)]) {
        for (step, crash) in life {
            if crash.is_some() {
                self.outputs_to_live = *crash;
            }
            self.step(step);
        }
        self.next_commit_fails = false;
        self.slow = 0;
        self.crash();
        for send in self.sends.clone() {
            self.submit(send);
        }
        while let Some(turn) = self.at_work.clone() {
            self.report(turn, AgentUpdate::Ended { outcome: Outcome::Completed, error: None });
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Say { bytes, interrupt } => {
                let message = format!("m{}", self.sends.len());
                let interrupt = interrupt.and_then(|n| self.pick(n));
                let text = format!("{message} {}", "é\n".repeat(bytes / 4));
                let send = Send { interrupt, ..text_send(&message, &text) };
                self.sends.push(send.clone());
                self.submit(send);
            }
            Step::SayAgain(n) => {
                if let Some(send) = self.pick(*n).and_then(|message| self.sends.iter().find(|send| send.message == message).cloned()) {
                    self.submit(send);
                }
            }
            Step::Withdraw(n) => {
                if let Some(message) = self.pick(*n) {
                    self.handle(Input::Withdraw { reply: REPLY, message });
                }
            }
            Step::Cancel(n) => {
                if let Some(turn) = self.pick(*n) {
                    self.handle(Input::Cancel { reply: REPLY, turn, next: None });
                }
            }
            Step::Answer { request, option } => {
                let waiting = self.driver.session.state().waiting;
                let request = waiting.get(*request).cloned().unwrap_or_else(|| BlockId::numbered(2));
                let body = SendBody::Answer { request, option: ["yes", "no"][*option].to_owned() };
                self.answers += 1;
                let send = Send { body, create: None, ..text_send(&format!("a{}", self.answers), "") };
                self.submit(send.clone());
                self.submit(send);
            }
            Step::Report(kind) => {
                if let Some(turn) = self.at_work.clone() {
                    self.report(turn, update(*kind));
                }
            }
            Step::Late(n) => {
                let over = self.pick(*n).filter(|turn| self.prompts.contains_key(turn) && self.at_work.as_ref() != Some(turn));
                if let Some(turn) = over {
                    let update = AgentUpdate::Text("late".into());
                    self.handle(Input::Report(AgentReport { turn, update }));
                }
            }
            Step::Pass(ms) => {
                self.driver.time += ms;
                self.handle(Input::Deadline);
            }
            Step::FailingCommit => self.next_commit_fails = true,
            Step::SlowCommit(inputs) => self.slow = *inputs,
        }
    }

    /// One of the newest messages.
    fn pick(&self, n: usize) -> Option<MessageId> {
        self.sends.iter().rev().nth(n).map(|send| send.message.clone())
    }

    fn submit(&mut self, send: Send) {
        self.handle(Input::Submit { reply: REPLY, send, new: new_session("") });
    }

    fn report(&mut self, turn: MessageId, update: AgentUpdate) {
        if let AgentUpdate::Text(text) = &update {
            self.said.entry(turn.clone()).or_default().push_str(text);
        }
        if matches!(update, AgentUpdate::Ended { .. }) {
            self.at_work = None;
        }
        self.handle(Input::Report(AgentReport { turn, update }));
    }

    fn handle(&mut self, input: Input) {
        self.driver.session.handle(self.driver.now(), input);
        self.slow = self.slow.saturating_sub(1);
        if self.slow == 0 {
            self.write();
        }
        self.drain();
    }

    /// Makes the commit durable that is being written, if one is, and if the process lives to hear of it.
    fn write(&mut self) {
        let Some(commit) = self.writing.take() else {
            return;
        };
        if std::mem::take(&mut self.next_commit_fails) {
            self.driver.store.fail_next(StoreError::Unavailable("disk full".into()));
        }
        if self.driver.store.commit(&[commit]).is_err() || self.outputs_to_live == Some(0) {
            return self.crash();
        }
        self.driver.session.handle(self.driver.now(), Input::Committed);
    }

    /// Does what the session asks, until it is done or the process dies.
    fn drain(&mut self) {
        loop {
            if self.outputs_to_live == Some(0) {
                return self.crash();
            }
            let Some(output) = self.driver.session.poll_output() else {
                return;
            };
            if let Some(left) = &mut self.outputs_to_live {
                *left -= 1;
            }
            match output {
                Output::Store(commit) => {
                    assert_eq!(self.writing.replace(commit), None, "one commit at a time");
                    if self.slow == 0 {
                        self.write();
                    }
                }
                Output::Head(seq) => assert_eq!(self.stored_head(), seq.value(), "a head is durable before it is told"),
                Output::Agent(command) => self.command(command),
                Output::Receipt { receipt, .. } => match receipt.outcome {
                    ReceiptOutcome::Accepted { seq } => {
                        assert!(seq.value() <= self.stored_head(), "an acceptance is durable before its receipt");
                        let before = self.receipts.insert(receipt.message.clone(), seq.value());
                        assert!(before.is_none_or(|before| before == seq.value()), "{} has one receipt", receipt.message);
                    }
                    ReceiptOutcome::Withdrawn => {
                        self.withdrawn.insert(receipt.message);
                    }
                    ReceiptOutcome::Started => assert!(!self.withdrawn.contains(&receipt.message)),
                },
                Output::Refused { error, .. } => {
                    let fine = [Code::Withdrawn, Code::AlreadySettled, Code::Unprocessable, Code::TurnOver, Code::UnknownSession];
                    assert!(fine.contains(&error.code), "{error:?}");
                }
                Output::Done { .. } | Output::Gone => {}
            }
        }
    }

    fn command(&mut self, command: AgentCommand) {
        match command {
            AgentCommand::Prompt { turn, text } => {
                assert_eq!(self.at_work, None, "one prompt at a time");
                let started =
                    self.driver.events().into_iter().any(|event| matches!(event.body, EventBody::TurnStarted(it) if it.turn == turn));
                assert!(started, "turn_started is durable before the agent is called");
                assert_eq!(self.prompts.insert(turn.clone(), text), None, "{turn} is prompted once");
                self.at_work = Some(turn);
            }
            AgentCommand::Kill { turn } => {
                self.at_work.take_if(|at_work| *at_work == turn);
            }
            AgentCommand::Set { .. } | AgentCommand::Restart => panic!("nobody asked for {command:?}"),
            AgentCommand::Cancel { turn } | AgentCommand::Answer { turn, .. } => assert!(self.prompts.contains_key(&turn)),
        }
    }

    /// The process dies, its agent with it; the next one restores.
    fn crash(&mut self) {
        self.outputs_to_live = None;
        self.writing = None;
        self.at_work = None;
        self.driver.load();
        self.driver.session.recover(self.driver.now());
        self.drain();
    }

    fn stored_head(&self) -> u64 {
        self.driver.store.session(&session_id()).unwrap().map_or(0, |meta| meta.head.value())
    }

    fn check(&self) {
        let events = self.driver.events();
        let seqs: Vec<u64> = events.iter().map(|event| event.seq.value()).collect();
        assert_eq!(seqs, (1..=events.len() as u64).collect::<Vec<_>>(), "seqs are dense");
        assert!(events.iter().all(|event| encode(&event.body).len() <= 1024), "no event is over the limit");
        self.check_messages();
        self.check_turns();
        self.check_texts();
        let mut restored = Driver::with(self.driver.config.clone());
        restored.store = self.driver.store.clone();
        restored.load();
        assert_eq!(restored.session.state(), self.driver.session.state(), "the journal says where the session stands");
        assert_eq!(restored.session.state(), moorline_protocol::SessionState::default(), "everything is done");
    }

    /// Accepted once or withdrawn; what was told is what is written.
    fn check_messages(&self) {
        let (mut accepted, mut withdrawn) = (BTreeMap::new(), BTreeSet::new());
        for event in self.driver.events() {
            let message = match event.body {
                EventBody::Accepted(it) => it.message,
                EventBody::Answered(it) => it.message,
                EventBody::Withdrawn(it) => {
                    assert!(withdrawn.insert(it.message), "a message is withdrawn once");
                    continue;
                }
                _ => continue,
            };
            assert_eq!(accepted.insert(message.clone(), event.seq.value()), None, "{message} is accepted once");
        }
        // Where every message was taken back early there is no journal: the store holds them beside.
        withdrawn.extend(self.driver.store.early(&session_id()).expect("they are read"));
        for (message, seq) in &self.receipts {
            assert_eq!(accepted.get(message), Some(seq), "{message}: its receipt tells the truth");
        }
        assert!(self.withdrawn.is_subset(&withdrawn), "a withdrawal that was told is written");
        for send in &self.sends {
            let message = &send.message;
            assert!(accepted.contains_key(message) || withdrawn.contains(message), "{message} is not lost");
            if let (Some(text), SendBody::Text(sent)) = (self.prompts.get(message), &send.body) {
                assert_eq!(text, sent, "{message} reaches the agent whole");
            }
            assert!(!(withdrawn.contains(message) && self.prompts.contains_key(message)), "{message} was withdrawn and started");
        }
    }

    /// Every turn starts and ends once, in the queue's order, with nothing in it afterwards and nothing left open.
    fn check_turns(&self) {
        let mut queue: Vec<(bool, MessageId)> = Vec::new();
        let (mut started, mut ended) = (BTreeSet::new(), BTreeSet::new());
        let mut running: Option<MessageId> = None;
        let mut open: BTreeMap<BlockId, BlockKind> = BTreeMap::new();
        let mut blocks: BTreeMap<BlockId, MessageId> = BTreeMap::new();
        for event in self.driver.events() {
            let touched = match event.body {
                EventBody::Accepted(it) => {
                    let urgent = it.interrupt.is_some();
                    let place = queue.partition_point(|(before, _)| *before || !urgent);
                    queue.insert(place, (urgent, it.message.clone()));
                    assert!(it.interrupt.is_none() || it.interrupt == running, "only the running turn is interrupted");
                    None
                }
                EventBody::Withdrawn(it) => {
                    queue.retain(|(_, message)| *message != it.message);
                    None
                }
                EventBody::TurnStarted(it) => {
                    assert_eq!(running.replace(it.turn.clone()), None, "one turn at a time");
                    assert_eq!(queue.remove(0).1, it.turn, "the next one starts");
                    assert!(started.insert(it.turn), "a turn starts once");
                    None
                }
                EventBody::TurnEnded(it) => {
                    assert_eq!(running.take(), Some(it.turn.clone()), "the running turn ends");
                    assert!(ended.insert(it.turn), "a turn ends once");
                    assert_eq!(open, BTreeMap::new(), "nothing is left open");
                    None
                }
                EventBody::TurnStopping(it) => Some(it.turn),
                EventBody::Opened(it) => {
                    assert_eq!(blocks.insert(it.block.clone(), it.turn.clone()), None, "a block opens once");
                    if it.fields.closed == Patch::Keep {
                        open.insert(it.block, it.kind);
                    }
                    Some(it.turn)
                }
                EventBody::Changed(it) => {
                    if it.fields.closed == Patch::Set(true) {
                        assert!(open.remove(&it.block).is_some(), "a block closes once");
                    }
                    blocks.get(&it.block).cloned()
                }
                EventBody::Answered(it) => {
                    assert_eq!(open.get(&it.block), Some(&BlockKind::Request), "an open request is answered");
                    blocks.get(&it.block).cloned()
                }
                EventBody::Append(it) => blocks.get(&it.block).cloned(),
                EventBody::Fold(_) | EventBody::Unknown { .. } => panic!("a session writes no such event"),
            };
            assert!(touched.is_none() || touched == running, "nothing is written into a turn that is not running");
        }
        assert_eq!(started, ended, "every turn that started has ended");
        assert!(self.prompts.keys().all(|turn| started.contains(turn)));
    }

    /// A turn's text is what its agent said: all of it, or its start if the turn was ended for it.
    fn check_texts(&self) {
        let mut written: BTreeMap<MessageId, String> = BTreeMap::new();
        let mut texts: BTreeMap<BlockId, (MessageId, u64)> = BTreeMap::new();
        let mut completed = BTreeSet::new();
        for event in self.driver.events() {
            match event.body {
                EventBody::Opened(it) if it.kind == BlockKind::Text => {
                    texts.insert(it.block, (it.turn, 0));
                }
                EventBody::Append(it) => {
                    if let Some((turn, bytes)) = texts.get_mut(&it.block) {
                        assert_eq!(it.at, *bytes, "text is continued where it ends");
                        *bytes += it.text.len() as u64;
                        written.entry(turn.clone()).or_default().push_str(&it.text);
                    }
                }
                EventBody::TurnEnded(it) if it.outcome == Outcome::Completed => {
                    completed.insert(it.turn);
                }
                _ => {}
            }
        }
        for (turn, said) in &self.said {
            let text = written.remove(turn).unwrap_or_default();
            if completed.contains(turn) {
                assert_eq!(&text, said, "{turn}: all that was said");
            } else {
                assert!(said.starts_with(&text), "{turn}: a start of what was said");
            }
        }
        assert_eq!(written, BTreeMap::new(), "no text comes from nowhere");
    }
}

fn update(kind: Kind) -> AgentUpdate {
    match kind {
        Kind::Text(bytes) => AgentUpdate::Text("x\"ö".repeat(bytes / 4 + 1)),
        Kind::Thought => AgentUpdate::Thought("hm".into()),
        Kind::Tool { call, output, over } => {
            let status = over.then_some(moorline_protocol::ToolStatus::Completed);
            let output = Some("line\n".repeat(output / 5));
            AgentUpdate::Tool { call: call.to_string(), update: ToolUpdate { status, output, ..ToolUpdate::default() } }
        }
        Kind::Plan(lines) => {
            AgentUpdate::Plan(vec![
                moorline_protocol::PlanEntry { text: "step".into(), status: moorline_protocol::PlanStatus::Pending };
                lines
            ])
        }
        Kind::Request(n) => question(&n.to_string()),
        Kind::End => AgentUpdate::Ended { outcome: Outcome::Completed, error: None },
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_crashes_every_message_is_accepted_once_and_every_turn_ends_once(life in life()) {
        let mut world = World::new();
        world.live(&life);
        world.check();
    }
}
