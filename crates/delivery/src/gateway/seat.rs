//! One attached session of one connection.

use std::{collections::VecDeque, sync::Arc};

use moorline_protocol::{
    AgentFrame, AgentStatus, Answer, Attach, CaughtUp, Cursor, Epoch, GatewayFrame, Limits, Seq, SessionId, SessionState, SnapshotPart,
    SnapshotReason, mutant,
};

use super::{ConnectionOutput, credit::Credit};
use crate::{Replay, Window, replay_since};

/// How a session's journal stands when it is attached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journal {
    /// Its incarnation.
    pub epoch: Epoch,
    /// The oldest seq kept; [`Seq::ZERO`] when nothing is.
    pub oldest: Seq,
    /// The last committed seq.
    pub head: Seq,
    /// The fold's state at exactly `head`.
    pub state: SessionState,
    /// How many rows are kept behind the cursor asked about, folds counted as one: exact up to the cap of a replay, and
    /// anything above it beyond. 0 when no cursor of this journal was asked about.
    pub behind: u64,
    /// How its agent stands now, if it has one.
    pub agent: Option<Arc<AgentStatus>>,
}

#[derive(Debug)]
pub(super) struct Seat {
    pub(super) no: u64,
    asked: Attach,
    pub(super) phase: Phase,
    pub(super) journal: Option<Journal>,
    /// What moved while the session was looked up.
    moved: Option<Box<(Seq, SessionState)>>,
    cursor: Seq,
    credit: Credit,
    /// How the agent stands, and whether the client was told.
    agent: Option<Arc<AgentStatus>>,
    agent_told: bool,
}

#[derive(Debug)]
pub(super) enum Phase {
    /// The session is being looked up.
    Opening,
    /// A snapshot is wanted, for a client that has everything up to `since`.
    Wanting { since: Option<Seq> },
    /// A snapshot is being taken.
    Taking,
    /// A snapshot's parts are on their way.
    Sending { seq: Seq, parts: VecDeque<SnapshotPart> },
    /// Events behind the cursor are on their way, or the head is reached; `told` = `caught_up` was sent.
    Following { told: bool },
}

impl Seat {
    pub(super) fn opening(asked: Attach) -> Self {
        Self {
            no: asked.no,
            asked,
            phase: Phase::Opening,
            journal: None,
            moved: None,
            cursor: Seq::ZERO,
            credit: Credit::default(),
            agent: None,
            agent_told: false,
        }
    }

    /// What the client says that it has.
    pub(super) fn asked_cursor(&self) -> Option<Cursor> {
        self.asked.cursor().map(|(epoch, seq)| Cursor { session: self.asked.session.clone(), epoch: epoch.clone(), seq })
    }

    /// Decides between nothing, a replay and a snapshot.
    pub(super) fn answer(&mut self, journal: Journal, limits: &Limits) -> Answer {
        let window = Window { epoch: journal.epoch.clone(), oldest: journal.oldest, last: journal.head };
        let (answer, since) = decide(&self.asked, &window, journal.behind, limits);
        if let (Answer::UpToDate | Answer::Replay, Some((_, seq))) = (answer, self.asked.cursor()) {
            self.cursor = seq;
            self.phase = Phase::Following { told: false };
        } else {
            self.phase = Phase::Wanting { since };
        }
        if self.agent.is_none() {
            self.agent_stands(journal.agent.clone());
        }
        self.journal = Some(journal);
        if let Some(moved) = self.moved.take() {
            self.head_moved(moved.0, moved.1);
        }
        answer
    }

    pub(super) fn head_moved(&mut self, head: Seq, state: SessionState) {
        match &mut self.journal {
            Some(journal) if head >= journal.head => (journal.head, journal.state) = (head, state),
            Some(_) => {}
            None => self.moved = Some(Box::new((head, state))),
        }
    }

    pub(super) fn agent_stands(&mut self, agent: Option<Arc<AgentStatus>>) {
        // Nearly always it is the very one: a session's commits all come with it.
        let is_known = agent.as_ref().zip(self.agent.as_ref()).is_some_and(|(agent, known)| Arc::ptr_eq(agent, known) || agent == known);
        if agent.is_some() && !is_known {
            (self.agent, self.agent_told) = (agent, false);
        }
    }

    pub(super) fn head_cursor(&self, session: &SessionId) -> Option<Cursor> {
        let journal = self.journal.as_ref()?;
        Some(Cursor { session: session.clone(), epoch: journal.epoch.clone(), seq: journal.head })
    }

    /// Where a reader of everything written stands, with the events up to `seq` that are about to be.
    pub(super) fn written_cursor(&self, session: &SessionId, seq: Option<Seq>) -> Option<Cursor> {
        let journal = self.journal.as_ref()?;
        let is_placed = matches!(self.phase, Phase::Following { .. });
        is_placed.then(|| Cursor { session: session.clone(), epoch: journal.epoch.clone(), seq: self.cursor.max(seq.unwrap_or(Seq::ZERO)) })
    }

    pub(super) fn served(&mut self, seq: Seq, bytes: usize) {
        self.cursor = self.cursor.max(seq);
        self.credit.delivered(self.cursor, bytes);
    }

    /// An ack beyond the head counts as one of the head. Returns where the client stands, unless it is of another journal.
    pub(super) fn acked(&mut self, cursor: &Cursor) -> Option<Cursor> {
        let journal = self.journal.as_ref().filter(|journal| journal.epoch == cursor.epoch)?;
        self.credit.acked(cursor.seq);
        Some(Cursor { seq: cursor.seq.min(journal.head), ..cursor.clone() })
    }

    pub(super) fn unacked(&self) -> usize {
        self.credit.unacked()
    }

    /// The next thing to write, if there is one.
    ///
    /// A snapshot's parts need no credit: the client can ack them only when it has them all, and a snapshot is bounded.
    pub(super) fn next(&mut self, session: &SessionId, has_credit: bool, limits: &Limits) -> Option<ConnectionOutput> {
        let journal = self.journal.as_ref()?;
        match &mut self.phase {
            Phase::Opening | Phase::Taking => None,
            Phase::Wanting { since } => {
                let since = *since;
                self.phase = Phase::Taking;
                Some(ConnectionOutput::Snapshot { session: session.clone(), no: self.no, since })
            }
            Phase::Sending { seq, parts } => {
                let seq = *seq;
                let part = parts.pop_front();
                let bytes = limits.frame_bytes;
                if parts.is_empty() {
                    self.phase = Phase::Following { told: false };
                    self.cursor = seq;
                }
                self.credit.delivered(seq, bytes);
                part.map(|part| ConnectionOutput::Transmit(GatewayFrame::Snapshot(part)))
            }
            Phase::Following { .. } if self.cursor < journal.head => {
                let after = if mutant::is("jumps_to_head") { journal.head.before() } else { self.cursor };
                let may_go = has_credit || mutant::is("ignores_credit");
                may_go.then(|| ConnectionOutput::Serve { session: session.clone(), after, max_bytes: limits.frame_bytes })
            }
            Phase::Following { told: told @ false } => {
                *told = true;
                Some(ConnectionOutput::Transmit(GatewayFrame::CaughtUp(CaughtUp {
                    session: session.clone(),
                    no: self.no,
                    epoch: journal.epoch.clone(),
                    seq: journal.head,
                    state: journal.state.clone(),
                })))
            }
            // The newest word replaces those before it: there is never more than one to say.
            Phase::Following { .. } if !self.agent_told => {
                self.agent_told = true;
                let agent = AgentStatus::clone(self.agent.as_ref()?);
                Some(ConnectionOutput::Transmit(GatewayFrame::Agent(AgentFrame { session: session.clone(), agent })))
            }
            Phase::Following { .. } => None,
        }
    }
}

/// The answer to an attach, and up to where a snapshot's reader has everything.
fn decide(asked: &Attach, window: &Window, behind: u64, limits: &Limits) -> (Answer, Option<Seq>) {
    let Some((epoch, seq)) = asked.cursor() else { return (Answer::Snapshot(SnapshotReason::Fresh), None) };
    if *epoch != window.epoch {
        return (Answer::Snapshot(SnapshotReason::Epoch), None);
    }
    // A cursor ahead of the head is not of this journal, whatever its epoch says: nothing it claims to have counts.
    let since = (seq <= window.last).then_some(seq);
    if asked.snapshot {
        return (Answer::Snapshot(SnapshotReason::Asked), since);
    }
    match replay_since(window, epoch, seq) {
        Replay::UpToDate => (Answer::UpToDate, None),
        Replay::From(_) if behind <= limits.replay_events => (Answer::Replay, None),
        Replay::From(_) | Replay::TooOld(_) => (Answer::Snapshot(SnapshotReason::TooOld), since),
    }
}
