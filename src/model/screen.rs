//! The session on screen, as signals.

mod mounted;

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    sync::Arc,
};

use leptos::prelude::*;
use moorline_delivery::{LinkStatus, SendStatus};
use moorline_protocol::{
    AgentStatus, Block, BlockId, BlockKind, Epoch, MessageId, Millis, PlanEntry, SendBody, Seq, SessionId, SessionState, TurnId,
};
use moorline_transcript::Gap;
use send_wrapper::SendWrapper;

use super::{
    reading::ReadMark,
    row::{Answering, BlockRow, EchoRow, Entry, TurnRow, set_if_other},
    send_line::{self, SendLine},
    session::Session,
    window::Window,
};

/// The session on screen: signals for what is mounted of it. It is made anew when another session comes on screen.
///
/// Only a part of the transcript is mounted, around where the reader is. What is not mounted has no signals, and what arrives
/// for it costs nothing here.
#[derive(Clone)]
pub struct Screen(SendWrapper<Rc<Inner>>);

struct Inner {
    session: Rc<Session>,
    entries: ArcRwSignal<Vec<Entry>>,
    echoes: ArcRwSignal<Vec<MessageId>>,
    answers: ArcRwSignal<Vec<Answering>>,
    withdrawing: ArcRwSignal<Vec<MessageId>>,
    standing: ArcRwSignal<SessionState>,
    plan: ArcRwSignal<Vec<PlanEntry>>,
    applied: ArcRwSignal<Seq>,
    epoch: ArcRwSignal<Option<Epoch>>,
    earlier: ArcRwSignal<bool>,
    later: ArcRwSignal<bool>,
    unseen: ArcRwSignal<usize>,
    loading: ArcRwSignal<Option<Seq>>,
    repin: ArcTrigger,
    turn_rows: RefCell<BTreeMap<TurnId, Arc<TurnRow>>>,
    block_rows: RefCell<BTreeMap<BlockId, Arc<BlockRow>>>,
    echo_rows: RefCell<BTreeMap<MessageId, Arc<EchoRow>>>,
    planned: RefCell<Planned>,
    window: RefCell<Option<Window>>,
    /// Blocks mounted.
    mounted: Cell<usize>,
    /// How often what is mounted has changed.
    arrangements: Cell<u32>,
    /// More blocks are mounted slice by slice, until the reader says what is mounted.
    is_filling: Cell<bool>,
    is_open: Cell<bool>,
    /// The reader is not at the end, and left it when everything up to this was shown.
    left_at: Cell<Option<Seq>>,
    /// Up to where the reader had read when this came on screen.
    read: RefCell<Option<ReadMark>>,
}

/// Where the plan of the turn at work is looked for, and found.
#[derive(Default)]
struct Planned {
    turn: Option<TurnId>,
    looked_to: Seq,
    plan: Option<BlockId>,
}

impl PartialEq for Screen {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Screen {
    pub(super) fn new(session: Rc<Session>, link: LinkStatus, read: Option<ReadMark>) -> Self {
        session.forget_changes();
        let inner = Inner {
            session,
            entries: ArcRwSignal::default(),
            echoes: ArcRwSignal::default(),
            answers: ArcRwSignal::default(),
            withdrawing: ArcRwSignal::default(),
            standing: ArcRwSignal::default(),
            plan: ArcRwSignal::default(),
            applied: ArcRwSignal::default(),
            epoch: ArcRwSignal::default(),
            earlier: ArcRwSignal::default(),
            later: ArcRwSignal::default(),
            unseen: ArcRwSignal::default(),
            loading: ArcRwSignal::default(),
            repin: ArcTrigger::new(),
            turn_rows: RefCell::default(),
            block_rows: RefCell::default(),
            echo_rows: RefCell::default(),
            planned: RefCell::default(),
            window: RefCell::default(),
            mounted: Cell::new(0),
            arrangements: Cell::new(0),
            is_filling: Cell::default(),
            is_open: Cell::new(false),
            left_at: Cell::new(None),
            read: RefCell::new(read),
        };
        let screen = Self(SendWrapper::new(Rc::new(inner)));
        screen.show_sends(link);
        screen
    }

    /// The session.
    #[must_use]
    pub fn session(&self) -> &SessionId {
        &self.0.session.id
    }

    /// What is mounted, in order.
    #[must_use]
    pub fn entries(&self) -> ArcReadSignal<Vec<Entry>> {
        self.0.entries.read_only()
    }

    /// The messages whose events are not here, in the order in which they were typed.
    #[must_use]
    pub fn echoes(&self) -> ArcReadSignal<Vec<MessageId>> {
        self.0.echoes.read_only()
    }

    /// The answers on their way.
    #[must_use]
    pub fn answers(&self) -> ArcReadSignal<Vec<Answering>> {
        self.0.answers.read_only()
    }

    /// The accepted messages that are being taken back.
    #[must_use]
    pub fn withdrawing(&self) -> ArcReadSignal<Vec<MessageId>> {
        self.0.withdrawing.read_only()
    }

    /// The turn at work, the open requests, the queue.
    #[must_use]
    pub fn standing(&self) -> ArcReadSignal<SessionState> {
        self.0.standing.read_only()
    }

    /// What the turn at work plans; empty when it has told nothing of the kind.
    #[must_use]
    pub fn plan(&self) -> ArcReadSignal<Vec<PlanEntry>> {
        self.0.plan.read_only()
    }

    /// How the agent stands, and the monotonic time at which that was told.
    #[must_use]
    pub fn agent(&self) -> ArcReadSignal<Option<(AgentStatus, Millis)>> {
        self.0.session.agent.read_only()
    }

    /// The agent that the session is to be made with; none: the gateway's first.
    #[must_use]
    pub fn picked(&self) -> ArcRwSignal<Option<String>> {
        self.0.session.picked.clone()
    }

    /// How often what is mounted has changed: a scroll behind such a change need not be the reader's.
    #[must_use]
    pub fn arrangements(&self) -> u32 {
        self.0.arrangements.get()
    }

    /// The last seq that what is mounted shows.
    #[must_use]
    pub fn applied(&self) -> ArcReadSignal<Seq> {
        self.0.applied.read_only()
    }

    /// The journal's incarnation.
    #[must_use]
    pub fn epoch(&self) -> ArcReadSignal<Option<Epoch>> {
        self.0.epoch.read_only()
    }

    /// Whether older turns are held than what is mounted.
    #[must_use]
    pub fn earlier(&self) -> ArcReadSignal<bool> {
        self.0.earlier.read_only()
    }

    /// Whether newer blocks are held than what is mounted.
    #[must_use]
    pub fn later(&self) -> ArcReadSignal<bool> {
        self.0.later.read_only()
    }

    /// How many blocks have been opened since the reader left the end.
    #[must_use]
    pub fn unseen(&self) -> ArcReadSignal<usize> {
        self.0.unseen.read_only()
    }

    /// The gap being filled, by its end.
    #[must_use]
    pub fn loading(&self) -> ArcReadSignal<Option<Seq>> {
        self.0.loading.read_only()
    }

    pub(super) fn set_loading(&self, gap: Option<Seq>) {
        self.0.loading.set(gap);
    }

    /// Fires when the reader wants to be at the end again, as after a send.
    #[must_use]
    pub fn repin(&self) -> ArcTrigger {
        self.0.repin.clone()
    }

    /// A mounted turn.
    #[must_use]
    pub fn turn(&self, id: &TurnId) -> Option<Arc<TurnRow>> {
        self.0.turn_rows.borrow().get(id).cloned()
    }

    /// A mounted block.
    #[must_use]
    pub fn block(&self, id: &BlockId) -> Option<Arc<BlockRow>> {
        self.0.block_rows.borrow().get(id).cloned()
    }

    /// A mounted echo.
    #[must_use]
    pub fn echo(&self, id: &MessageId) -> Option<Arc<EchoRow>> {
        self.0.echo_rows.borrow().get(id).cloned()
    }

    /// Reads a block as the transcript holds it. Do not call the model from within.
    pub fn with_block<R>(&self, id: &BlockId, read: impl FnOnce(&Block) -> R) -> Option<R> {
        self.0.session.transcript.borrow().block(id).map(read)
    }

    /// What is known to be missing of the transcript.
    #[must_use]
    pub fn gaps(&self) -> Vec<Gap> {
        self.0.session.transcript.borrow().gaps().to_vec()
    }

    /// The text of the message that began a turn.
    #[must_use]
    pub fn message_text(&self, turn: &TurnId) -> Option<String> {
        let transcript = self.0.session.transcript.borrow();
        transcript.blocks(turn).find(|block| block.kind == BlockKind::Message).map(|block| block.text.clone())
    }

    /// Says whether the reader is at the end. There what is mounted follows the transcript, elsewhere it stays.
    pub fn set_at_end(&self, at_end: bool) {
        let inner = &self.0;
        if at_end == inner.left_at.get().is_none() {
            return;
        }
        inner.left_at.set((!at_end).then(|| inner.applied.get_untracked()));
        set_if_other(&inner.unseen, &0);
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.0.left_at.get().is_none()
    }

    /// Shows where the session stands.
    pub(super) fn show_standing(&self) {
        set_if_other(&self.0.standing, &self.0.session.standing());
        self.show_plan();
    }

    /// Shows the newest plan of the turn at work; only blocks that were opened since the last time are looked at.
    fn show_plan(&self) {
        let inner = &self.0;
        let transcript = inner.session.transcript.borrow();
        let mut planned = inner.planned.borrow_mut();
        let running = inner.standing.with_untracked(|standing| standing.running.as_ref().map(|running| running.turn.clone()));
        if planned.turn != running {
            *planned = Planned { turn: running, ..Planned::default() };
        }
        let Planned { turn, looked_to, plan } = &mut *planned;
        let blocks = turn.iter().flat_map(|turn| transcript.blocks(turn).rev()).take_while(|block| block.opened > *looked_to);
        let (mut newest, mut found) = (None, None);
        for block in blocks {
            newest = newest.or(Some(block.opened));
            if block.kind == BlockKind::Plan {
                found = Some(block.id.clone());
                break;
            }
        }
        *looked_to = newest.unwrap_or(*looked_to);
        *plan = found.or(plan.take());
        let plan = plan.as_ref().and_then(|id| transcript.block(id)).and_then(|block| block.fields.entries.as_deref());
        set_if_other(&inner.plan, plan.unwrap_or_default());
    }

    /// Brings echoes and answers in line with the outbox and the transcript.
    pub(super) fn show_sends(&self, link: LinkStatus) {
        let inner = &self.0;
        let sends = inner.session.sends.borrow();
        let transcript = inner.session.transcript.borrow();
        let mut rows = inner.echo_rows.borrow_mut();
        let mut old = std::mem::take(&mut *rows);
        let (mut shown, mut answers) = (Vec::new(), Vec::new());
        for (status, line) in send_line::lines(&sends, link) {
            let id = &status.send.message;
            answers.extend(answering(status, &line));
            if transcript.turn(id).is_some() {
                continue;
            }
            let row = old.remove(id).inspect(|row| set_if_other(&row.line, &line));
            if let Some(row) = row.or_else(|| EchoRow::new(status, &line).map(Arc::new)) {
                rows.insert(id.clone(), row);
                shown.push(id.clone());
            }
        }
        set_if_other(&inner.echoes, &shown);
        set_if_other(&inner.answers, &answers);
        set_if_other(&inner.withdrawing, &*inner.session.withdrawing.borrow());
    }
}

fn answering(status: &SendStatus, line: &SendLine) -> Option<Answering> {
    match &status.send.body {
        SendBody::Text(_) => None,
        SendBody::Answer { request, option } => {
            Some(Answering { request: request.clone(), message: status.send.message.clone(), option: option.clone(), line: line.clone() })
        }
    }
}
