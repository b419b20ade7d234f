//! What the journal says: one fold, for restored and for live events alike.

use std::collections::{BTreeMap, VecDeque};

use moorline_protocol::{
    BlockId, BlockKind, Changed, Event, EventBody, Fold, MessageId, Opened, Patch, RequestOption, Running, Seq, SessionState, Settlement,
    TurnId, TurnState,
};

/// What the events of a journal amount to, as far as a session's decisions need it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct State {
    /// The last seq folded.
    pub(crate) head: Seq,
    /// The highest number that a block got.
    pub(crate) blocks: u64,
    /// Every message accepted or withdrawn, as long as the session lives.
    pub(crate) records: BTreeMap<MessageId, Record>,
    /// The messages that wait for their turn, next one first.
    pub(crate) queue: VecDeque<Queued>,
    /// The turn at work.
    pub(crate) running: Option<RunningTurn>,
    /// Every request, as long as the session lives.
    pub(crate) requests: BTreeMap<BlockId, Request>,
}

/// What became of a message: the key to accepting it once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    /// The hash of its payload; none when only a fold tells of it: then the same id counts as the same send.
    pub(crate) hash: Option<String>,
    /// Where it was accepted.
    pub(crate) seq: Seq,
    pub(crate) kind: RecordKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RecordKind {
    Message,
    Answer,
    Withdrawn,
}

/// An accepted message that has not started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Queued {
    pub(crate) message: MessageId,
    pub(crate) block: BlockId,
    pub(crate) text: String,
    /// It interrupted a turn: it goes before those that did not.
    pub(crate) urgent: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RunningTurn {
    pub(crate) turn: TurnId,
    pub(crate) stopping: bool,
    /// The blocks that are not closed, in the order of their opening.
    pub(crate) open: Vec<(BlockId, BlockKind)>,
}

/// Where a request stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Request {
    Open {
        options: Vec<RequestOption>,
    },
    /// By the option of this name.
    Answered(String),
    Cancelled,
}

impl State {
    /// Takes one event in. A fold that stands for a run of events leads to the same state as the run, as long as the run
    /// holds no withdrawal of a message that was never accepted.
    pub(crate) fn fold(&mut self, event: &Event) {
        self.head = event.seq;
        match &event.body {
            EventBody::Accepted(accepted) => {
                self.record(&accepted.message, Some(&accepted.hash), event.seq, RecordKind::Message);
                self.number(&accepted.block);
                let (message, block, text) = (accepted.message.clone(), accepted.block.clone(), accepted.text.clone());
                self.enqueue(Queued { message, block, text, urgent: accepted.interrupt.is_some() });
            }
            EventBody::Answered(answered) => {
                self.record(&answered.message, Some(&answered.hash), event.seq, RecordKind::Answer);
                self.answer(&answered.block, &answered.option);
            }
            EventBody::Withdrawn(withdrawn) => {
                self.dequeue(&withdrawn.message);
                self.record(&withdrawn.message, None, event.seq, RecordKind::Withdrawn);
            }
            EventBody::TurnStarted(started) => {
                self.dequeue(&started.turn);
                self.running = Some(RunningTurn { turn: started.turn.clone(), stopping: false, open: Vec::new() });
            }
            EventBody::TurnStopping(stopping) => {
                if let Some(running) = self.running.as_mut().filter(|running| running.turn == stopping.turn) {
                    running.stopping = true;
                }
                stopping.next.iter().for_each(|next| self.hurry(next));
            }
            EventBody::TurnEnded(ended) => self.end(&ended.turn),
            EventBody::Opened(opened) => self.open(opened),
            EventBody::Changed(changed) => self.change(changed),
            EventBody::Append(append) => {
                if let Some(queued) = self.queue.iter_mut().find(|queued| queued.block == append.block) {
                    queued.text.push_str(&append.text);
                }
            }
            EventBody::Fold(fold) => self.take_fold(fold),
            EventBody::Unknown { .. } => {}
        }
    }

    /// Where the session stands.
    pub(crate) fn session_state(&self) -> SessionState {
        SessionState {
            running: self.running.as_ref().map(|running| Running { turn: running.turn.clone(), stopping: running.stopping }),
            waiting: self.waiting().cloned().collect(),
            queue: self.queue.iter().map(|queued| queued.message.clone()).collect(),
        }
    }

    /// The open requests, oldest first.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = &BlockId> {
        let open = self.running.as_ref().map_or(&[][..], |running| &running.open);
        open.iter().filter(|(_, kind)| *kind == BlockKind::Request).map(|(block, _)| block)
    }

    /// Whether the message waits for its turn.
    pub(crate) fn is_queued(&self, message: &MessageId) -> bool {
        self.queue.iter().any(|queued| queued.message == *message)
    }

    fn record(&mut self, message: &MessageId, hash: Option<&String>, seq: Seq, kind: RecordKind) {
        self.records.insert(message.clone(), Record { hash: hash.cloned(), seq, kind });
    }

    fn number(&mut self, block: &BlockId) {
        let number = block.as_str().strip_prefix('b').and_then(|digits| digits.parse().ok()).unwrap_or(0);
        self.blocks = self.blocks.max(number);
    }

    /// Behind all that are as urgent.
    fn enqueue(&mut self, queued: Queued) {
        let place = self.queue.partition_point(|before| before.urgent || !queued.urgent);
        self.queue.insert(place, queued);
    }

    /// A message that waits goes before those that are not urgent.
    fn hurry(&mut self, message: &MessageId) {
        let Some(place) = self.queue.iter().position(|queued| queued.message == *message && !queued.urgent) else { return };
        if let Some(queued) = self.queue.remove(place) {
            self.enqueue(Queued { urgent: true, ..queued });
        }
    }

    fn dequeue(&mut self, message: &MessageId) {
        self.queue.retain(|queued| queued.message != *message);
    }

    fn end(&mut self, turn: &TurnId) {
        if self.running.as_ref().is_some_and(|running| running.turn == *turn) {
            self.running = None;
        }
    }

    fn open(&mut self, opened: &Opened) {
        self.number(&opened.block);
        if opened.kind == BlockKind::Request {
            let options = if let Patch::Set(options) = &opened.fields.options { options.clone() } else { Vec::new() };
            self.requests.insert(opened.block.clone(), Request::Open { options });
        }
        if let Some(running) = self.running.as_mut().filter(|running| running.turn == opened.turn) {
            running.open.push((opened.block.clone(), opened.kind));
        }
        self.change(&Changed { block: opened.block.clone(), fields: opened.fields.clone() });
    }

    fn change(&mut self, changed: &Changed) {
        if let Patch::Set(settled) = &changed.fields.settled {
            self.settle(&changed.block, settled);
        }
        if changed.fields.closed == Patch::Set(true) {
            self.close(&changed.block);
        }
    }

    fn settle(&mut self, block: &BlockId, settled: &Settlement) {
        match settled {
            Settlement::Answered { option, .. } => self.answer(block, option),
            Settlement::Cancelled => {
                self.requests.insert(block.clone(), Request::Cancelled);
                self.close(block);
            }
        }
    }

    fn answer(&mut self, block: &BlockId, option: &str) {
        let name = match self.requests.get(block) {
            Some(Request::Open { options }) => options.iter().find(|offered| offered.id == option).map(|offered| offered.name.clone()),
            Some(Request::Answered(_) | Request::Cancelled) | None => None,
        };
        self.requests.insert(block.clone(), Request::Answered(name.unwrap_or_else(|| option.to_owned())));
        self.close(block);
    }

    fn close(&mut self, block: &BlockId) {
        if let Some(running) = &mut self.running {
            running.open.retain(|(open, _)| open != block);
        }
    }

    fn take_fold(&mut self, fold: &Fold) {
        for turn in &fold.turns {
            let kind = if turn.state == TurnState::Withdrawn { RecordKind::Withdrawn } else { RecordKind::Message };
            let known = self.records.get(&turn.id).is_some_and(|record| record.kind == kind);
            if !known {
                self.record(&turn.id, None, turn.opened, kind);
            }
            if turn.state.is_running() {
                self.dequeue(&turn.id);
                let stopping = turn.state == TurnState::Stopping;
                match self.running.as_mut().filter(|running| running.turn == turn.id) {
                    Some(running) => running.stopping = stopping,
                    None => self.running = Some(RunningTurn { turn: turn.id.clone(), stopping, open: Vec::new() }),
                }
            } else if turn.state.is_over() {
                self.dequeue(&turn.id);
                self.end(&turn.id);
            } else if self.is_queued(&turn.id) {
                if turn.urgent {
                    self.hurry(&turn.id);
                }
            } else {
                let message = fold.blocks.iter().find(|block| block.turn == turn.id && block.kind == BlockKind::Message);
                if let Some(block) = message {
                    let (message, block, text) = (turn.id.clone(), block.id.clone(), block.text.clone());
                    self.enqueue(Queued { message, block, text, urgent: turn.urgent });
                }
            }
        }
        for block in &fold.blocks {
            self.number(&block.id);
            if block.kind == BlockKind::Message {
                continue;
            }
            let known = self.requests.contains_key(&block.id);
            if block.kind == BlockKind::Request && !known {
                let options = block.fields.options.clone().unwrap_or_default();
                self.requests.insert(block.id.clone(), Request::Open { options });
            }
            if let Some(running) = self.running.as_mut().filter(|running| running.turn == block.turn)
                && !running.open.iter().any(|(open, _)| *open == block.id)
            {
                running.open.push((block.id.clone(), block.kind));
            }
            if let Some(settled) = &block.fields.settled {
                if let Settlement::Answered { message, .. } = settled
                    && !self.records.contains_key(message)
                {
                    self.record(message, None, block.rev, RecordKind::Answer);
                }
                self.settle(&block.id, settled);
            }
            if block.fields.closed == Some(true) {
                self.close(&block.id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use moorline_protocol::{Accepted, Answered, Append, Block, Fields, FieldsPatch, Turn, TurnStarted};

    use super::*;

    #[test]
    fn a_fold_leads_to_the_state_of_the_run_it_stands_for() {
        let run = run();
        let mut plain = State::default();
        for event in &run {
            plain.fold(event);
        }
        let mut folded = State::default();
        folded.fold(&Event::folded(Seq::new(1), plain.head, 0, as_fold()));
        for record in plain.records.values_mut() {
            record.hash = None;
        }
        assert_eq!(folded, plain);
    }

    #[test]
    fn a_fold_behind_plain_events_keeps_the_hashes() {
        let run = run();
        let mut plain = State::default();
        for event in &run {
            plain.fold(event);
        }
        let mut folded = State::default();
        for event in &run[..4] {
            folded.fold(event);
        }
        folded.fold(&Event::folded(Seq::new(5), plain.head, 0, as_fold()));
        folded.records.insert(id("answer"), plain.records[&id("answer")].clone());
        assert_eq!(folded, plain);
    }

    /// A turn at work with a settled and an open request, and a queued message.
    fn run() -> Vec<Event> {
        let accepted = |message: &str, block: u64, text: &str| {
            EventBody::Accepted(Accepted {
                message: id(message),
                hash: "h".into(),
                block: BlockId::numbered(block),
                text: text.into(),
                interrupt: None,
            })
        };
        let request = |block: u64| {
            let fields = FieldsPatch { options: Patch::Set(options()), ..FieldsPatch::default() };
            EventBody::Opened(Opened { block: BlockId::numbered(block), turn: id("m1"), kind: BlockKind::Request, fields })
        };
        let closed = FieldsPatch { closed: Patch::Set(true), ..FieldsPatch::default() };
        let bodies = [
            accepted("m1", 1, "first"),
            EventBody::TurnStarted(TurnStarted { turn: id("m1") }),
            accepted("m2", 2, "sec"),
            EventBody::Append(Append { block: BlockId::numbered(2), edition: 0, at: 3, text: "ond".into() }),
            request(3),
            EventBody::Answered(Answered { message: id("answer"), hash: "h".into(), block: BlockId::numbered(3), option: "yes".into() }),
            EventBody::Changed(Changed { block: BlockId::numbered(3), fields: closed }),
            request(4),
        ];
        (1..).zip(bodies).map(|(n, body)| Event::plain(Seq::new(n), 0, body)).collect()
    }

    /// The same run as one fold.
    fn as_fold() -> Fold {
        let turn = |message: &str, opened: u64, state| Turn {
            id: id(message),
            opened: Seq::new(opened),
            rev: Seq::new(8),
            state,
            urgent: false,
            started: None,
            started_at: None,
            ended_at: None,
            error: None,
            usage: None,
        };
        let block = |n: u64, turn: &str, kind, rev: u64, text: &str, fields| Block {
            id: BlockId::numbered(n),
            turn: id(turn),
            kind,
            opened: Seq::new(n),
            rev: Seq::new(rev),
            fields,
            edition: 0,
            from: 0,
            text: text.into(),
        };
        let open = Fields { options: Some(options()), ..Fields::default() };
        let answered = Settlement::Answered { option: "yes".into(), message: id("answer") };
        let settled = Fields { settled: Some(answered), closed: Some(true), ..open.clone() };
        Fold {
            turns: vec![turn("m1", 1, TurnState::Running), turn("m2", 3, TurnState::Queued)],
            blocks: vec![
                block(3, "m1", BlockKind::Request, 6, "", settled),
                block(4, "m1", BlockKind::Request, 8, "", open),
                block(1, "m1", BlockKind::Message, 1, "first", Fields::default()),
                block(2, "m2", BlockKind::Message, 4, "second", Fields::default()),
            ],
        }
    }

    fn options() -> Vec<RequestOption> {
        vec![RequestOption { id: "yes".into(), name: "Allow".into(), kind: "allow_once".into() }]
    }

    fn id(text: &str) -> MessageId {
        MessageId::parse(text).unwrap()
    }
}
