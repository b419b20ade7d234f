//! Valid journals, as a session would write them, from random steps.

use moorline_protocol::{
    Accepted, Answered, Append, Block, BlockId, BlockKind, Changed, Epoch, Event, EventBody, Fields, FieldsPatch, Item, MessageId, Opened,
    Outcome, Patch, PlanEntry, PlanStatus, RequestOption, Seq, Settlement, ToolKind, ToolStatus, TurnEnded, TurnError, TurnId, TurnStarted,
    TurnStopping, Withdrawn,
};
use moorline_transcript::{Changes, Transcript, WholeTranscript};
use proptest::{collection::vec, prelude::*};

/// What is tried next; a step that makes no sense where the session stands is left out.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Accept {
        text: String,
        rest: String,
        urgent: bool,
    },
    Withdraw(usize),
    WithdrawUnknown,
    Start,
    Text(String),
    Thought(String),
    ToolOpens,
    ToolWrites(usize, String),
    ToolStartsOver(usize, String),
    ToolCloses(usize),
    /// Of a finished call while its turn goes on: what may wait in a gap.
    ToolSpeaksLate(usize, String),
    Plan(String),
    Asks,
    Answers(usize),
    Stop,
    End(Outcome),
    Unheard,
}

pub(crate) fn journals(max_steps: usize) -> impl Strategy<Value = Vec<Event>> {
    vec(steps(), 1..max_steps).prop_map(Writer::write)
}

/// Journals of one turn that goes on and on.
pub(crate) fn huge_turns(max_steps: usize) -> impl Strategy<Value = Vec<Event>> {
    vec(steps(), max_steps / 2..max_steps).prop_map(|steps| {
        let begin = [Step::Accept { text: "go".to_owned(), rest: String::new(), urgent: false }, Step::Start];
        let work = steps.into_iter().filter(|step| !matches!(step, Step::End(_)));
        Writer::write(begin.into_iter().chain(work).collect())
    })
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (texts(), texts(), any::<bool>()).prop_map(|(text, rest, urgent)| Step::Accept { text, rest, urgent }),
        1 => any::<usize>().prop_map(Step::Withdraw),
        1 => Just(Step::WithdrawUnknown),
        4 => Just(Step::Start),
        8 => texts().prop_map(Step::Text),
        3 => texts().prop_map(Step::Thought),
        4 => Just(Step::ToolOpens),
        5 => (any::<usize>(), texts()).prop_map(|(tool, text)| Step::ToolWrites(tool, text)),
        2 => (any::<usize>(), texts()).prop_map(|(tool, text)| Step::ToolStartsOver(tool, text)),
        3 => any::<usize>().prop_map(Step::ToolCloses),
        5 => (any::<usize>(), texts()).prop_map(|(tool, text)| Step::ToolSpeaksLate(tool, text)),
        2 => texts().prop_map(Step::Plan),
        2 => Just(Step::Asks),
        2 => any::<usize>().prop_map(Step::Answers),
        3 => Just(Step::Stop),
        3 => prop_oneof![Just(Outcome::Completed), Just(Outcome::Failed), Just(Outcome::Cancelled), Just(Outcome::Interrupted)]
            .prop_map(Step::End),
        1 => Just(Step::Unheard),
    ]
}

fn texts() -> impl Strategy<Value = String> {
    "[a\"\\\\\né漢🦀]{1,12}"
}

/// The words of a test, short.
pub(crate) fn turn_id(n: usize) -> TurnId {
    MessageId::parse(&format!("m{n}")).expect("an id")
}

pub(crate) fn block_id(n: u64) -> BlockId {
    BlockId::numbered(n)
}

pub(crate) fn epoch(name: &str) -> Epoch {
    Epoch::parse(name).expect("an id")
}

/// Writes a journal by calling one method a thing that happens.
#[derive(Default)]
pub(crate) struct Writer {
    pub(crate) events: Vec<Event>,
    messages: usize,
    blocks: u64,
    queue: Vec<(bool, TurnId)>,
    running: Option<TurnId>,
    stopping: bool,
    writing: Option<Open>,
    tools: Vec<Open>,
    finished: Vec<Open>,
    plan: Option<BlockId>,
    requests: Vec<BlockId>,
}

struct Open {
    id: BlockId,
    kind: BlockKind,
    edition: u32,
    length: u64,
}

impl Writer {
    pub(crate) fn write(steps: Vec<Step>) -> Vec<Event> {
        let mut writer = Self::default();
        for step in steps {
            writer.step(step);
        }
        writer.events
    }

    pub(crate) fn push(&mut self, body: EventBody) {
        let seq = self.events.len() as u64 + 1;
        self.events.push(Event::plain(Seq::new(seq), 1_000 * seq, body));
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the other steps are the turn's")]
    fn step(&mut self, step: Step) {
        match step {
            Step::Accept { text, rest, urgent } => {
                let interrupt = self.running.clone().filter(|_| urgent);
                self.accept(&text, &rest, interrupt);
            }
            Step::Withdraw(n) if !self.queue.is_empty() => {
                let (_, message) = self.queue.remove(n % self.queue.len());
                self.push(EventBody::Withdrawn(Withdrawn { message }));
            }
            Step::WithdrawUnknown => {
                self.messages += 1;
                self.push(EventBody::Withdrawn(Withdrawn { message: turn_id(self.messages) }));
            }
            Step::Start if self.running.is_none() && !self.queue.is_empty() => self.start(),
            Step::Unheard => self.push(EventBody::Unknown { kind: "hologram".to_owned() }),
            _ => {
                if let Some(turn) = self.running.clone() {
                    self.work(&turn, step);
                }
            }
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the other steps make no sense here")]
    fn work(&mut self, turn: &TurnId, step: Step) {
        match step {
            Step::Text(text) => self.say(turn, BlockKind::Text, &text),
            Step::Thought(text) => self.say(turn, BlockKind::Thought, &text),
            Step::ToolOpens => {
                let fields = FieldsPatch {
                    title: Patch::Set("ls".to_owned()),
                    tool: Patch::Set(ToolKind::Execute),
                    status: Patch::Set(ToolStatus::InProgress),
                    ..FieldsPatch::default()
                };
                let id = self.open(turn, BlockKind::Tool, fields);
                self.tools.push(Open { id, kind: BlockKind::Tool, edition: 0, length: 0 });
            }
            Step::ToolWrites(n, text) if !self.tools.is_empty() => {
                let n = n % self.tools.len();
                let append = self.tools[n].append(&text);
                self.push(append);
            }
            Step::ToolStartsOver(n, text) if !self.tools.is_empty() => {
                let n = n % self.tools.len();
                self.tools[n].edition += 1;
                self.tools[n].length = 0;
                let append = self.tools[n].append(&text);
                self.push(append);
            }
            Step::ToolCloses(n) if !self.tools.is_empty() => {
                let tool = self.tools.remove(n % self.tools.len());
                let fields = FieldsPatch { status: Patch::Set(ToolStatus::Completed), title: Patch::Clear, ..closed() };
                self.close(tool.id.clone(), fields);
                self.finished.push(tool);
            }
            Step::ToolSpeaksLate(n, text) if !self.finished.is_empty() => {
                let n = n % self.finished.len();
                let append = self.finished[n].append(&text);
                self.push(append);
            }
            Step::Plan(text) => {
                let entries = vec![PlanEntry { text, status: PlanStatus::Pending }];
                let fields = FieldsPatch { entries: Patch::Set(entries), ..FieldsPatch::default() };
                match self.plan.clone() {
                    Some(block) => self.push(EventBody::Changed(Changed { block, fields })),
                    None => self.plan = Some(self.open(turn, BlockKind::Plan, fields)),
                }
            }
            Step::Asks => {
                let options = vec![RequestOption { id: "yes".to_owned(), name: "Yes".to_owned(), kind: "allow_once".to_owned() }];
                let fields = FieldsPatch { options: Patch::Set(options), ..FieldsPatch::default() };
                let request = self.open(turn, BlockKind::Request, fields);
                self.requests.push(request);
            }
            Step::Answers(n) if !self.requests.is_empty() => {
                let block = self.requests.remove(n % self.requests.len());
                self.messages += 1;
                let message = turn_id(self.messages);
                self.push(EventBody::Answered(Answered { message, hash: "0".to_owned(), block: block.clone(), option: "yes".to_owned() }));
                self.close(block, closed());
            }
            Step::Stop if !self.stopping => {
                self.stopping = true;
                // The last one that waits goes before those that are not urgent.
                let next = if self.queue.len() > 1 { self.queue.pop().map(|(_, message)| message) } else { None };
                if let Some(message) = &next {
                    self.enqueue(true, message.clone());
                }
                self.push(EventBody::TurnStopping(TurnStopping { turn: turn.clone(), next }));
            }
            Step::End(outcome) => self.end(turn, outcome),
            _ => {}
        }
    }

    fn enqueue(&mut self, urgent: bool, message: TurnId) {
        let behind = self.queue.iter().take_while(|(other, _)| *other >= urgent).count();
        self.queue.insert(behind, (urgent, message));
    }

    pub(crate) fn accept(&mut self, text: &str, rest: &str, interrupt: Option<TurnId>) -> TurnId {
        self.messages += 1;
        self.blocks += 1;
        let (message, block) = (turn_id(self.messages), block_id(self.blocks));
        let urgent = interrupt.is_some();
        let (text, length) = (text.to_owned(), text.len() as u64);
        self.push(EventBody::Accepted(Accepted { message: message.clone(), hash: "0".to_owned(), block: block.clone(), text, interrupt }));
        if !rest.is_empty() {
            self.push(EventBody::Append(Append { block, edition: 0, at: length, text: rest.to_owned() }));
        }
        self.enqueue(urgent, message.clone());
        message
    }

    pub(crate) fn start(&mut self) {
        let (_, turn) = self.queue.remove(0);
        self.running = Some(turn.clone());
        self.push(EventBody::TurnStarted(TurnStarted { turn }));
    }

    fn open(&mut self, turn: &TurnId, kind: BlockKind, fields: FieldsPatch) -> BlockId {
        self.close_writing();
        self.blocks += 1;
        let block = block_id(self.blocks);
        self.push(EventBody::Opened(Opened { block: block.clone(), turn: turn.clone(), kind, fields }));
        block
    }

    fn say(&mut self, turn: &TurnId, kind: BlockKind, text: &str) {
        if self.writing.as_ref().is_none_or(|open| open.kind != kind) {
            let id = self.open(turn, kind, FieldsPatch::default());
            self.writing = Some(Open { id, kind, edition: 0, length: 0 });
        }
        if let Some(append) = self.writing.as_mut().map(|open| open.append(text)) {
            self.push(append);
        }
    }

    fn close(&mut self, block: BlockId, fields: FieldsPatch) {
        self.push(EventBody::Changed(Changed { block, fields }));
    }

    fn close_writing(&mut self) {
        if let Some(open) = self.writing.take() {
            self.close(open.id, closed());
        }
    }

    fn end(&mut self, turn: &TurnId, outcome: Outcome) {
        self.finished.clear();
        self.close_writing();
        for tool in std::mem::take(&mut self.tools) {
            self.close(tool.id, FieldsPatch { status: Patch::Set(ToolStatus::Failed), ..closed() });
        }
        for request in std::mem::take(&mut self.requests) {
            self.close(request, FieldsPatch { settled: Patch::Set(Settlement::Cancelled), ..closed() });
        }
        if let Some(plan) = self.plan.take() {
            self.close(plan, closed());
        }
        let error = (outcome == Outcome::Failed).then(|| TurnError { code: "agent_error".to_owned(), message: "it failed".to_owned() });
        self.push(EventBody::TurnEnded(TurnEnded { turn: turn.clone(), outcome, error, usage: None }));
        self.running = None;
        self.stopping = false;
    }
}

impl Open {
    fn append(&mut self, text: &str) -> EventBody {
        let at = self.length;
        self.length += text.len() as u64;
        EventBody::Append(Append { block: self.id.clone(), edition: self.edition, at, text: text.to_owned() })
    }
}

pub(crate) fn closed() -> FieldsPatch {
    FieldsPatch { closed: Patch::Set(true), ..FieldsPatch::default() }
}

/// A block with nothing in it.
pub(crate) fn block(id: u64, turn: usize, seq: u64) -> Block {
    Block {
        id: block_id(id),
        turn: turn_id(turn),
        kind: BlockKind::Text,
        opened: Seq::new(seq),
        rev: Seq::new(seq),
        fields: Fields::default(),
        edition: 0,
        from: 0,
        text: String::new(),
    }
}

/// The transcript of a journal as of each of its seqs, the empty one first.
pub(crate) fn prefixes(journal: &[Event]) -> Vec<Transcript> {
    let mut all = vec![in_epoch("e")];
    for event in journal {
        let mut next = all.last().cloned().expect("the empty one");
        next.apply(event, &mut Changes::new());
        all.push(next);
    }
    all
}

/// A journal as the gateway holds it.
pub(crate) fn whole(journal: &[Event]) -> WholeTranscript {
    let mut whole = WholeTranscript::new();
    journal.iter().for_each(|event| whole.apply(event));
    whole
}

/// A journal as the gateway holds it as of each of its seqs, the empty one first.
pub(crate) fn wholes(journal: &[Event]) -> Vec<WholeTranscript> {
    let mut all = vec![WholeTranscript::new()];
    for event in journal {
        let mut next = all.last().cloned().expect("the empty one");
        next.apply(event);
        all.push(next);
    }
    all
}

pub(crate) fn in_epoch(name: &str) -> Transcript {
    let mut transcript = Transcript::new();
    transcript.set_epoch(&epoch(name), &mut Changes::new());
    transcript
}

/// Every block that a list of items names.
pub(crate) fn blocks_of(items: &[Item]) -> Vec<&Block> {
    items.iter().filter_map(|item| if let Item::Block(block) = item { Some(block) } else { None }).collect()
}
