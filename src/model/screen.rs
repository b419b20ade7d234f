//! What of the session on screen is mounted.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    sync::Arc,
};

use leptos::prelude::*;
use moorline_delivery::{LinkStatus, SendStatus};
use moorline_protocol::{AgentStatus, Block, BlockId, Epoch, MessageId, Millis, SendBody, Seq, SessionId, SessionState, TurnId};
use moorline_transcript::{Changes, Gap, Transcript};
use send_wrapper::SendWrapper;

use super::{
    row::{Answering, BlockRow, EchoRow, Entry, Place, TurnRow, set_if_other},
    send_line::{self, SendLine},
    session::Session,
    window::{self, Top},
};

/// The session on screen: signals for what is mounted of it. It is made anew when another session comes on screen.
///
/// Only a part of the transcript is mounted: the newest turns, older ones when the reader asks. What is not mounted has no
/// signals, and what arrives for it costs nothing here.
#[derive(Clone)]
pub struct Screen(SendWrapper<Rc<Inner>>);

struct Inner {
    session: Rc<Session>,
    entries: ArcRwSignal<Vec<Entry>>,
    echoes: ArcRwSignal<Vec<MessageId>>,
    answers: ArcRwSignal<Vec<Answering>>,
    withdrawing: ArcRwSignal<Vec<MessageId>>,
    standing: ArcRwSignal<SessionState>,
    applied: ArcRwSignal<Seq>,
    epoch: ArcRwSignal<Option<Epoch>>,
    earlier: ArcRwSignal<bool>,
    loading: ArcRwSignal<Option<Seq>>,
    repin: ArcTrigger,
    turn_rows: RefCell<BTreeMap<TurnId, Arc<TurnRow>>>,
    block_rows: RefCell<BTreeMap<BlockId, Arc<BlockRow>>>,
    echo_rows: RefCell<BTreeMap<MessageId, Arc<EchoRow>>>,
    top: RefCell<Option<Top>>,
    /// Blocks mounted, and blocks that shall be.
    mounted: Cell<usize>,
    wanted: Cell<usize>,
    wanted_turns: Cell<usize>,
    is_open: Cell<bool>,
    at_end: Cell<bool>,
}

impl PartialEq for Screen {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Screen {
    pub(super) fn new(session: Rc<Session>, link: LinkStatus) -> Self {
        session.forget_changes();
        let inner = Inner {
            session,
            entries: ArcRwSignal::default(),
            echoes: ArcRwSignal::default(),
            answers: ArcRwSignal::default(),
            withdrawing: ArcRwSignal::default(),
            standing: ArcRwSignal::default(),
            applied: ArcRwSignal::default(),
            epoch: ArcRwSignal::default(),
            earlier: ArcRwSignal::default(),
            loading: ArcRwSignal::default(),
            repin: ArcTrigger::new(),
            turn_rows: RefCell::default(),
            block_rows: RefCell::default(),
            echo_rows: RefCell::default(),
            top: RefCell::default(),
            mounted: Cell::new(0),
            wanted: Cell::new(window::FIRST_SLICE),
            wanted_turns: Cell::new(window::TURNS),
            is_open: Cell::new(false),
            at_end: Cell::new(true),
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
        transcript.blocks(turn).find(|block| block.kind == moorline_protocol::BlockKind::Message).map(|block| block.text.clone())
    }

    /// Says whether the reader is at the end: only then may mounted turns above give way.
    pub fn set_at_end(&self, at_end: bool) {
        self.0.at_end.set(at_end);
    }

    /// Shows where the session stands.
    pub(super) fn show_standing(&self) {
        set_if_other(&self.0.standing, &self.0.session.standing());
    }

    /// Shows what arrived since the last time; the first call mounts the newest turns.
    pub(super) fn show_changes(&self) {
        let inner = &self.0;
        let changes = inner.session.take_changes();
        self.refresh(&changes);
        if !inner.is_open.replace(true) || moves(&changes) {
            self.arrange();
        }
        let transcript = inner.session.transcript.borrow();
        set_if_other(&inner.applied, &transcript.seq());
        let epoch = transcript.epoch().cloned();
        set_if_other(&inner.epoch, &epoch);
    }

    /// Mounts one more slice of what is wanted; returns whether more is to follow.
    pub(super) fn mount_more(&self) -> bool {
        let inner = &self.0;
        if !inner.is_open.get() || !self.wants_more() {
            return false;
        }
        inner.wanted.set(inner.wanted.get() + window::SLICE);
        inner.top.replace(None);
        self.arrange();
        self.wants_more()
    }

    fn wants_more(&self) -> bool {
        self.0.wanted.get() < window::BLOCKS && self.0.earlier.get_untracked()
    }

    /// Wants older turns than those mounted.
    pub(super) fn want_earlier(&self) {
        let inner = &self.0;
        inner.wanted.set(inner.mounted.get() + window::EARLIER);
        inner.wanted_turns.set(inner.wanted_turns.get() + window::EARLIER / 4);
        inner.top.replace(None);
        self.arrange();
    }

    fn refresh(&self, changes: &Changes) {
        let inner = &self.0;
        let transcript = inner.session.transcript.borrow();
        if changes.reset() {
            inner.turn_rows.borrow_mut().clear();
            inner.block_rows.borrow_mut().clear();
            inner.top.replace(None);
            return;
        }
        let turn_rows = inner.turn_rows.borrow();
        for (id, _) in changes.turns() {
            if let (Some(row), Some(turn)) = (turn_rows.get(id), transcript.turn(id)) {
                row.refresh(turn);
            }
        }
        let block_rows = inner.block_rows.borrow();
        for (id, _) in changes.blocks() {
            if let (Some(row), Some(block)) = (block_rows.get(id), transcript.block(id)) {
                row.refresh(block);
            }
        }
    }

    /// Brings the lists in line with the transcript, from the top to the end.
    fn arrange(&self) {
        let inner = &self.0;
        let transcript = inner.session.transcript.borrow();
        let Some(view) = self.look(&transcript) else {
            inner.entries.set(Vec::new());
            inner.mounted.set(0);
            inner.earlier.set(false);
            return self.clear_rows();
        };
        inner.mounted.set(view.blocks);
        let mut old_turns = std::mem::take(&mut *inner.turn_rows.borrow_mut());
        let mut old_blocks = std::mem::take(&mut *inner.block_rows.borrow_mut());
        for (id, places) in &view.turns {
            let row = old_turns.remove(id).or_else(|| transcript.turn(id).map(|turn| Arc::new(TurnRow::new(turn))));
            for place in places {
                let Place::Block(id) = place else { continue };
                let row = old_blocks.remove(id).or_else(|| transcript.block(id).map(|block| Arc::new(BlockRow::new(block))));
                if let Some(row) = row {
                    inner.block_rows.borrow_mut().insert(id.clone(), row);
                }
            }
            if let Some(row) = row {
                set_if_other(&row.places, places);
                inner.turn_rows.borrow_mut().insert(id.clone(), row);
            }
        }
        set_if_other(&inner.entries, &view.entries);
        set_if_other(&inner.earlier, &view.earlier);
    }

    fn look(&self, transcript: &Transcript) -> Option<window::View> {
        let inner = &self.0;
        let mut top = inner.top.borrow_mut();
        if let Some(view) = top.as_ref().and_then(|top| window::view(transcript, top)) {
            if view.blocks <= window::TRIM_ABOVE || !inner.at_end.get() {
                return Some(view);
            }
            // After a burst the newest come first and the rest in slices, as at the start.
            let is_burst = view.blocks > inner.mounted.get() + window::SLICE;
            inner.wanted.set(if is_burst { window::FIRST_SLICE } else { window::BLOCKS });
            inner.wanted_turns.set(window::TURNS);
        }
        *top = window::top(transcript, inner.wanted.get(), inner.wanted_turns.get());
        top.as_ref().and_then(|top| window::view(transcript, top))
    }

    fn clear_rows(&self) {
        self.0.turn_rows.borrow_mut().clear();
        self.0.block_rows.borrow_mut().clear();
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

/// Whether something came, went or changed its place.
fn moves(changes: &Changes) -> bool {
    changes.reset()
        || changes.order()
        || changes.gaps()
        || changes.turns().any(|(_, change)| change.opened)
        || changes.blocks().any(|(_, change)| change.opened)
}

fn answering(status: &SendStatus, line: &SendLine) -> Option<Answering> {
    match &status.send.body {
        SendBody::Text(_) => None,
        SendBody::Answer { request, option } => {
            Some(Answering { request: request.clone(), message: status.send.message.clone(), option: option.clone(), line: line.clone() })
        }
    }
}
