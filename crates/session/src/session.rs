//! The machine: inputs in, outputs out, one commit outstanding at a time.

mod commit;
mod line;
mod report;
mod submit;
mod turn;

use std::collections::VecDeque;

use moorline_protocol::{
    BlockId, Code, Epoch, ErrorFrame, Event, EventBody, MessageId, Millis, Receipt, ReceiptOutcome, Seq, SessionId, SessionState,
    Withdrawn, mutant,
};

use crate::{Config, Input, NewSession, Now, Output, Reply, SessionMeta, split, state::State};
use commit::{Outstanding, Pending};
use line::Line;
use turn::Live;

/// One session's life: its turns, queue, requests, receipts and recovery.
///
/// The loop that drives it stands at the head of this crate.
#[derive(Debug)]
pub struct Session {
    id: SessionId,
    config: Config,
    made: Option<Made>,
    /// Everything decided, committed or not.
    state: State,
    /// The agent's side of the running turn.
    live: Live,
    /// Withdrawn before the session existed; written into the journal by the commit that makes it.
    early: Vec<MessageId>,
    /// It was deleted, or is about to be.
    is_gone: bool,
    /// Its title is somebody's own choice; or so it is taken, when it is not known.
    is_named: bool,
    /// Its line of the list, and as the last commit left it.
    line: Line,
    listed: Line,
    pending: Pending,
    outstanding: Option<Outstanding>,
    outputs: VecDeque<Output>,
    visible: Visible,
}

/// Who the session is, once it is made.
#[derive(Debug)]
struct Made {
    epoch: Epoch,
    agent: String,
}

/// What is committed.
#[derive(Debug, Default)]
struct Visible {
    exists: bool,
    is_gone: bool,
    head: Seq,
    state: SessionState,
}

impl Session {
    /// A session that does not exist yet: its first accepted message that asks for it, or [`Input::Create`], makes it.
    #[must_use]
    pub fn new(id: SessionId, config: Config) -> Self {
        let mut config = config;
        config.limits.event_bytes = config.limits.event_bytes.max(split::EVENT_BYTES_MIN);
        Self {
            id,
            config,
            made: None,
            state: State::default(),
            live: Live::default(),
            early: Vec::new(),
            is_gone: false,
            is_named: false,
            line: Line::default(),
            listed: Line::default(),
            pending: Pending::default(),
            outstanding: None,
            outputs: VecDeque::new(),
            visible: Visible::default(),
        }
    }

    /// A session that the store knows. [`Session::fold`] its journal into it, then call [`Session::recover`] once.
    #[must_use]
    pub fn restore(id: SessionId, meta: &SessionMeta, config: Config) -> Self {
        let mut session = Self::new(id, config);
        session.made = Some(Made { epoch: meta.epoch.clone(), agent: meta.agent.clone() });
        session.is_gone = meta.row.deleted;
        session.is_named = true;
        session.line = Line::of(&meta.row);
        session.listed = session.line.clone();
        session.visible.exists = true;
        session.visible.is_gone = session.is_gone;
        session
    }

    /// Takes in what was withdrawn from a session that does not exist, as the store kept it.
    pub fn remember(&mut self, withdrawn: Vec<MessageId>) {
        self.early = withdrawn;
    }

    /// Takes the next event of the restored journal in: all of them, in order, from the oldest kept.
    pub fn fold(&mut self, event: &Event) {
        self.state.fold(event);
        self.visible.head = event.seq;
        self.visible.state = self.state.session_state();
    }

    /// Settles what the last gateway left: the running turn ends `interrupted` with its requests cancelled and its blocks
    /// closed, for nobody knows what its agent did; then the next queued message starts. The agent itself must be dead.
    pub fn recover(&mut self, now: Now) {
        if self.is_gone {
            return;
        }
        if !mutant::is("does_not_recover") {
            self.interrupt_lost_turn(now);
        }
        self.start_next(now);
    }

    /// Takes one input in. Drain [`Session::poll_output`] afterwards, and look at [`Session::deadline`] again.
    pub fn handle(&mut self, now: Now, input: Input) {
        if self.is_gone && input != Input::Committed {
            return self.refuse_to_go_on(input);
        }
        match input {
            Input::Submit { reply, send, new } => self.submit(now, reply, send, new),
            Input::Withdraw { reply, message } => self.withdraw(now, reply, message),
            Input::Cancel { reply, turn, next } => self.cancel(now, reply, &turn, next),
            Input::Create { reply, new } => {
                self.make(now, new);
                self.say(Output::Done { reply });
            }
            Input::Change { reply, change } => self.change(reply, change),
            Input::Delete { reply } => self.delete(now, reply),
            Input::Report(report) => self.report(now, report),
            Input::Deadline => self.expire(now),
            Input::Committed => self.committed(),
        }
    }

    /// The next thing to do, if there is one. None while a commit is outstanding.
    pub fn poll_output(&mut self) -> Option<Output> {
        if self.outstanding.is_some() {
            return None;
        }
        self.outputs.pop_front().or_else(|| self.next_commit().map(Output::Store))
    }

    /// The monotonic time at which [`Input::Deadline`] is due; none when nothing runs or the agent waits for an answer.
    #[must_use]
    pub fn deadline(&self) -> Option<Millis> {
        self.state.running.as_ref().filter(|_| !self.is_gone)?;
        if self.live.stop_by.is_some() {
            return self.live.stop_by;
        }
        let asks = self.state.waiting().next().is_some();
        (!asks).then(|| self.live.heard + self.config.idle_limit)
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &SessionId {
        &self.id
    }

    /// Whether it is in the store.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.visible.exists
    }

    /// Whether it was deleted: nothing is left of it but its line of the list.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.visible.is_gone
    }

    /// Whether it is put away, as of the last commit that was decided.
    #[must_use]
    pub fn is_archived(&self) -> bool {
        self.listed.archived
    }

    /// Its journal's incarnation; none before it exists.
    #[must_use]
    pub fn epoch(&self) -> Option<&Epoch> {
        self.made.as_ref().filter(|_| self.visible.exists).map(|made| &made.epoch)
    }

    /// Its agent's name; none before it exists.
    #[must_use]
    pub fn agent(&self) -> Option<&str> {
        self.made.as_ref().filter(|_| self.visible.exists).map(|made| made.agent.as_str())
    }

    /// The last committed seq.
    #[must_use]
    pub fn head(&self) -> Seq {
        self.visible.head
    }

    /// Where it stands at exactly [`Session::head`].
    #[must_use]
    pub fn state(&self) -> SessionState {
        self.visible.state.clone()
    }

    /// Makes the session with the next commit, unless it is made.
    fn make(&mut self, now: Now, new: NewSession) {
        if self.made.is_some() {
            return;
        }
        self.made = Some(Made { epoch: new.epoch.clone(), agent: new.agent.clone() });
        // The store takes it from there.
        self.line.title.clone_from(&new.title);
        self.is_named = !new.title.is_empty();
        self.listed.title.clone_from(&new.title);
        self.pending.create = Some(new);
        // The journal has them from here on.
        self.pending.early.clear();
        for message in std::mem::take(&mut self.early) {
            self.push(now, EventBody::Withdrawn(Withdrawn { message }));
        }
    }

    fn next_block(&self) -> BlockId {
        BlockId::numbered(self.state.blocks + 1)
    }

    fn receipt(&mut self, reply: Reply, message: MessageId, outcome: ReceiptOutcome) {
        let receipt = Receipt { session: self.id.clone(), message, outcome };
        self.say(Output::Receipt { reply, receipt });
    }

    fn refuse(&mut self, reply: Reply, message: Option<MessageId>, code: Code, sentence: impl Into<String>) {
        let error = ErrorFrame { message_id: message, session: Some(self.id.clone()), ..ErrorFrame::new(code, sentence) };
        self.say(Output::Refused { reply, error });
    }
}
