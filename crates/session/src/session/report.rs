//! What an agent reports, as events.

use moorline_protocol::{
    BlockId, BlockKind, Changed, EventBody, FieldsPatch, Opened, Patch, PlanEntry, RequestOption, Settlement, ToolKind, ToolStatus, TurnId,
    Usage, encode, mutant, payload_hash,
};

use super::Session;
use crate::{AgentCommand, AgentReport, AgentUpdate, Now, Output, ToolUpdate, split};

/// The text or thought that the next chunk of its kind continues.
#[derive(Debug)]
pub(super) struct OpenText {
    block: BlockId,
    kind: BlockKind,
    bytes: u64,
}

/// A tool call as the journal shows it so far. Its texts are kept as hashes: enough to tell what is new.
#[derive(Debug)]
pub(super) struct Tool {
    block: BlockId,
    kind: Option<ToolKind>,
    status: Option<ToolStatus>,
    title: Option<String>,
    input: Option<String>,
    exit: Option<u32>,
    edition: u32,
    output_bytes: usize,
    output: String,
}

/// The turn's plan, with a hash of its entries.
#[derive(Debug)]
pub(super) struct Plan {
    block: BlockId,
    hash: String,
}

struct Question {
    request: String,
    call: Option<String>,
    title: String,
    options: Vec<RequestOption>,
}

impl Session {
    /// Takes a report in; one about a turn that is not running is late, and dropped.
    pub(super) fn report(&mut self, now: Now, report: AgentReport) {
        let turn = report.turn;
        if let AgentUpdate::Title(title) = &report.update {
            return self.take_agents_title(title);
        }
        if !self.is_running(&turn) && !mutant::is("takes_late_reports") {
            return;
        }
        self.live.heard = now.monotonic;
        match report.update {
            AgentUpdate::Text(text) => self.text(now, &turn, BlockKind::Text, &text),
            AgentUpdate::Thought(text) => self.text(now, &turn, BlockKind::Thought, &text),
            AgentUpdate::Tool { call, update } => self.tool(now, &turn, call, update),
            AgentUpdate::Plan(entries) => self.plan(now, &turn, entries),
            AgentUpdate::Request { request, call, title, options } => {
                self.request(now, &turn, Question { request, call, title, options });
            }
            AgentUpdate::Title(_) => {}
            AgentUpdate::Usage(usage) => {
                let known = self.live.usage.take().unwrap_or_default();
                self.live.usage = Some(Usage {
                    input: usage.input.or(known.input),
                    output: usage.output.or(known.output),
                    cost: usage.cost.or(known.cost),
                });
            }
            AgentUpdate::Ended { outcome, error } => {
                self.end_turn(now, outcome, error.as_ref());
                self.start_next(now);
            }
        }
    }

    /// Consecutive chunks of one kind are one block; whatever opens another block ends it.
    fn text(&mut self, now: Now, turn: &TurnId, kind: BlockKind, text: &str) {
        if text.is_empty() {
            return;
        }
        let continued = self.live.text.take_if(|open| open.kind == kind);
        let open = continued.unwrap_or_else(|| OpenText { block: self.open(now, turn, kind, FieldsPatch::default()), kind, bytes: 0 });
        self.push_text(now, &open.block, 0, open.bytes, text);
        self.live.text = Some(OpenText { bytes: open.bytes + text.len() as u64, ..open });
    }

    /// An upsert by the agent's id of the call. A call that is over can still change, but is not opened again.
    fn tool(&mut self, now: Now, turn: &TurnId, call: String, update: ToolUpdate) {
        let event_bytes = self.config.limits.event_bytes;
        let mut update = ToolUpdate {
            title: update.title.map(|title| split::cut(&title, event_bytes / 8)),
            input: update.input.map(|input| split::cut(&input, event_bytes / 2)),
            ..update
        };
        let output = update.output.take().filter(|output| !output.is_empty());
        let known = self.live.tools.remove(&call);
        let was_over = known.as_ref().is_some_and(Tool::is_over);
        let mut fields = FieldsPatch::default();
        let mut tool = match known {
            Some(mut tool) => {
                fields = tool.news(update);
                tool
            }
            None => self.open_tool(now, turn, update),
        };
        if let Some(output) = output {
            let output = split::cut_output(&output);
            let (at, rest) = tool.continued_by(&output);
            self.push_text(now, &tool.block, tool.edition, at, rest);
        }
        if tool.is_over() && !was_over {
            fields.closed = Patch::Set(true);
        }
        if fields != FieldsPatch::default() {
            self.push(now, EventBody::Changed(Changed { block: tool.block.clone(), fields }));
        }
        self.live.tools.insert(call, tool);
    }

    fn open_tool(&mut self, now: Now, turn: &TurnId, first: ToolUpdate) -> Tool {
        let mut tool = Tool {
            block: self.next_block(),
            kind: None,
            status: None,
            title: None,
            input: None,
            exit: None,
            edition: 0,
            output_bytes: 0,
            output: payload_hash(&[""]),
        };
        let status = first.status.unwrap_or(ToolStatus::Pending);
        let fields = tool.news(ToolUpdate { status: Some(status), ..first });
        self.open(now, turn, BlockKind::Tool, fields);
        tool
    }

    /// One plan a turn; its entries are replaced.
    fn plan(&mut self, now: Now, turn: &TurnId, entries: Vec<PlanEntry>) {
        let entries = split::cut_plan(entries, self.config.limits.event_bytes);
        let hash = payload_hash(&[&encode(&entries)]);
        let fields = FieldsPatch { entries: Patch::Set(entries), ..FieldsPatch::default() };
        let block = match self.live.plan.take() {
            Some(plan) if plan.hash == hash => plan.block,
            Some(plan) => {
                self.push(now, EventBody::Changed(Changed { block: plan.block.clone(), fields }));
                plan.block
            }
            None => self.open(now, turn, BlockKind::Plan, fields),
        };
        self.live.plan = Some(Plan { block, hash });
    }

    /// Asks the user; while a cancel is under way nobody is asked any more, and the agent is told so at once.
    fn request(&mut self, now: Now, turn: &TurnId, asked: Question) {
        if self.live.requests.iter().any(|(name, _)| *name == asked.request) {
            return;
        }
        let event_bytes = self.config.limits.event_bytes;
        let about = asked.call.and_then(|call| self.live.tools.get(&call)).map(|tool| tool.block.clone());
        let mut fields = FieldsPatch {
            title: Patch::Set(split::cut(&asked.title, event_bytes / 8)),
            options: Patch::Set(split::cut_options(asked.options, event_bytes)),
            about: about.map_or(Patch::Keep, Patch::Set),
            ..FieldsPatch::default()
        };
        let stopping = self.live.stop_by.is_some();
        if stopping {
            fields.settled = Patch::Set(Settlement::Cancelled);
            fields.closed = Patch::Set(true);
        }
        let block = self.open(now, turn, BlockKind::Request, fields);
        if stopping {
            let request = asked.request.clone();
            self.say(Output::Agent(AgentCommand::Answer { turn: turn.clone(), request, option: None }));
        }
        self.live.requests.push((asked.request, block));
    }

    /// Opens a block behind what is written so far: a text that was going on is closed.
    fn open(&mut self, now: Now, turn: &TurnId, kind: BlockKind, fields: FieldsPatch) -> BlockId {
        if let Some(text) = self.live.text.take() {
            let fields = FieldsPatch { closed: Patch::Set(true), ..FieldsPatch::default() };
            self.push(now, EventBody::Changed(Changed { block: text.block, fields }));
        }
        let block = self.next_block();
        self.push(now, EventBody::Opened(Opened { block: block.clone(), turn: turn.clone(), kind, fields }));
        block
    }
}

impl Tool {
    fn is_over(&self) -> bool {
        matches!(self.status, Some(ToolStatus::Completed | ToolStatus::Failed))
    }

    /// What an update changes. A call that is over does not go back to work.
    fn news(&mut self, update: ToolUpdate) -> FieldsPatch {
        let over = self.is_over();
        let status = update.status.filter(|status| !over || matches!(status, ToolStatus::Completed | ToolStatus::Failed));
        FieldsPatch {
            title: new_text(&mut self.title, update.title),
            input: new_text(&mut self.input, update.input),
            tool: new_value(&mut self.kind, update.kind),
            status: new_value(&mut self.status, status),
            exit: new_value(&mut self.exit, update.exit),
            ..FieldsPatch::default()
        }
    }

    /// Where an output goes on, and with what; one that does not continue the last begins a new edition.
    fn continued_by<'a>(&mut self, output: &'a str) -> (u64, &'a str) {
        let start = output.get(..self.output_bytes);
        let continues = start.is_some_and(|start| payload_hash(&[start]) == self.output);
        let at = if continues { self.output_bytes } else { 0 };
        if !continues {
            self.edition += 1;
        }
        self.output_bytes = output.len();
        self.output = payload_hash(&[output]);
        (at as u64, &output[at..])
    }
}

fn new_text(known: &mut Option<String>, text: Option<String>) -> Patch<String> {
    let hash = text.as_deref().map(|text| payload_hash(&[text]));
    if hash.is_none() || hash == *known {
        return Patch::Keep;
    }
    *known = hash;
    text.map_or(Patch::Keep, Patch::Set)
}

fn new_value<T: Copy + PartialEq>(known: &mut Option<T>, value: Option<T>) -> Patch<T> {
    if value.is_none() || value == *known {
        return Patch::Keep;
    }
    *known = value;
    value.map_or(Patch::Keep, Patch::Set)
}
