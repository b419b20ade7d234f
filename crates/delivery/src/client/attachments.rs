//! The sessions a tab follows: attach, replay, snapshot, acks.

use moorline_protocol::{
    Ack, Answer, Attach, Attached, CaughtUp, ClientFrame, Cursor, Detach, Event, Events, Limits, Millis, Seq, SessionId, SnapshotPart,
    Timings,
};

use super::{
    attachment::{Attachment, Collected, Phase},
    diagnostics::Counters,
    event::{AttachmentStatus, ClientEvent},
    output::Persist,
    port::Port,
};

/// The session on screen and the last three before it are followed; others only move their rows.
const FOLLOWED: usize = 4;

#[derive(Debug)]
pub(super) struct Attachments {
    timings: Timings,
    limits: Limits,
    /// Most recently shown first. Those behind the first [`FOLLOWED`] keep their cursor, since the page keeps their transcript.
    recent: Vec<Attachment>,
    /// The last `no` used; it rises for the client's whole life, and so on every connection.
    no: u64,
    last_ack: Millis,
    /// Bytes of events and snapshots since the last ack.
    unacked_bytes: usize,
    /// When events or a part of a snapshot last came, of whichever session: a slow line that brings another one's is no loss.
    arrived: Millis,
}

impl Attachments {
    pub(super) const fn new(now: Millis, timings: Timings, limits: Limits) -> Self {
        Self { timings, limits, recent: Vec::new(), no: 0, last_ack: now, unacked_bytes: 0, arrived: now }
    }

    pub(super) fn configure(&mut self, timings: Timings, limits: Limits) {
        self.timings = timings;
        self.limits = limits;
    }

    pub(super) fn show(&mut self, port: &mut Port<'_>, session: &SessionId) {
        let at = self.recent.iter().position(|attachment| attachment.session == *session);
        let shown = at.map_or_else(|| Attachment::new(session.clone()), |at| self.recent.remove(at));
        let idle = matches!(shown.phase, Phase::Apart);
        self.recent.insert(0, shown);
        if idle {
            self.attach_at(port, 0);
        }
        for attachment in self.recent.iter_mut().skip(FOLLOWED).filter(|attachment| attachment.is_followed()) {
            self.no += 1;
            port.transmit(ClientFrame::Detach(Detach { session: attachment.session.clone(), no: self.no }));
            attachment.phase = Phase::Apart;
            attachment.told = None;
        }
    }

    /// The attaches that go with `hello`: their answers are awaited from now on.
    pub(super) fn greet(&mut self, now: Millis) -> Vec<Attach> {
        self.last_ack = now;
        self.unacked_bytes = 0;
        let no = &mut self.no;
        let followed = self.recent.iter_mut().take(FOLLOWED);
        followed
            .filter(|attachment| !matches!(attachment.phase, Phase::Deleted))
            .map(|attachment| {
                *no += 1;
                attachment.acked = Seq::ZERO;
                attachment.attach(*no, now)
            })
            .collect()
    }

    /// Attaches what was put on screen between `hello` and `welcome`.
    pub(super) fn catch_up_with(&mut self, port: &mut Port<'_>) {
        for at in 0..self.recent.len().min(FOLLOWED) {
            if matches!(self.recent[at].phase, Phase::Apart) {
                self.attach_at(port, at);
            }
            self.tell(port, at);
        }
    }

    /// Whether none of the sessions followed has anything to catch up with.
    pub(super) fn are_caught_up(&self) -> bool {
        self.recent.iter().take(FOLLOWED).all(|attachment| attachment.told != Some(AttachmentStatus::CatchingUp))
    }

    pub(super) fn disconnected(&mut self, port: &mut Port<'_>) {
        for at in 0..self.recent.len() {
            if matches!(self.recent[at].phase, Phase::Deleted) {
                continue;
            }
            self.recent[at].phase = Phase::Apart;
            self.recent[at].behind_since = None;
            if at < FOLLOWED {
                self.tell(port, at);
            }
        }
    }

    pub(super) fn attached(&mut self, port: &mut Port<'_>, counters: &mut Counters, attached: Attached) {
        let Some(at) = self.asked(&attached.session, attached.no) else {
            counters.stale += 1;
            return;
        };
        let attachment = &mut self.recent[at];
        match attached.answer {
            Answer::Snapshot(_) => attachment.phase = Phase::Collecting { parts: Vec::new(), since: port.now },
            Answer::UpToDate | Answer::Replay => {
                if attachment.received.as_ref().is_some_and(|received| received.epoch == attached.epoch) {
                    attachment.phase = Phase::Following;
                    let head = Cursor { session: attached.session, epoch: attached.epoch, seq: attached.head };
                    attachment.head(&head, port.now);
                } else {
                    // A replay of a journal of which the page holds nothing cannot be applied.
                    attachment.applied = None;
                    self.attach_at(port, at);
                }
            }
        }
    }

    /// Whether an attach has had no answer.
    pub(super) fn awaits(&self, session: &SessionId, no: u64) -> bool {
        self.asked(session, no).is_some()
    }

    /// The gateway refused an attach. Answers whether it was the one that is waited for.
    pub(super) fn refused(&mut self, port: &mut Port<'_>, session: &SessionId, no: u64) -> bool {
        let Some(at) = self.asked(session, no) else { return false };
        self.recent[at].phase = Phase::Missing;
        self.tell(port, at);
        true
    }

    /// A session was deleted: it is followed no more.
    pub(super) fn deleted(&mut self, port: &mut Port<'_>, session: &SessionId) {
        if let Some(at) = self.position(session) {
            let attachment = &mut self.recent[at];
            attachment.phase = Phase::Deleted;
            // The page forgets what it held: a cursor would claim it.
            (attachment.applied, attachment.received, attachment.behind_since) = (None, None, None);
            self.tell(port, at);
        }
    }

    /// The list begins anew: what was deleted in the old one is asked for once more.
    pub(super) fn ask_again(&mut self, port: &mut Port<'_>) {
        for at in 0..self.recent.len() {
            if matches!(self.recent[at].phase, Phase::Deleted) {
                self.recent[at].phase = Phase::Apart;
                if at < FOLLOWED {
                    self.attach_at(port, at);
                }
            }
        }
    }

    /// Attaches a session that was missing or deleted: something says that it exists.
    pub(super) fn may_exist(&mut self, port: &mut Port<'_>, session: &SessionId) {
        if let Some(at) = self.position(session)
            && matches!(self.recent[at].phase, Phase::Missing | Phase::Deleted)
        {
            self.attach_at(port, at);
        }
    }

    pub(super) fn snapshot_part(
        &mut self,
        port: &mut Port<'_>,
        counters: &mut Counters,
        part: SnapshotPart,
        bytes: usize,
    ) -> Option<Collected> {
        self.arrived = port.now;
        let at = self.position(&part.session).filter(|at| self.recent[*at].no == part.no);
        let Some(at) = at else {
            counters.stale += 1;
            return None;
        };
        self.unacked_bytes += bytes;
        match self.recent[at].collect(part, port.now) {
            Ok(snapshot) => {
                counters.snapshots += u64::from(snapshot.is_some());
                snapshot
            }
            Err(()) => {
                counters.holes += 1;
                self.attach_at(port, at);
                None
            }
        }
    }

    pub(super) fn merge(&self, port: &mut Port<'_>, snapshot: Collected) {
        port.event(ClientEvent::Snapshot {
            session: snapshot.session,
            epoch: snapshot.place.epoch,
            seq: snapshot.place.seq,
            from: snapshot.from,
            replaces: snapshot.replaces,
            items: snapshot.items,
        });
    }

    /// Answers what of a batch is news, and attaches again where it leaves a hole.
    pub(super) fn events(&mut self, port: &mut Port<'_>, counters: &mut Counters, events: Events, bytes: usize) -> Vec<Event> {
        self.arrived = port.now;
        let at = self.position(&events.session).filter(|at| matches!(self.recent[*at].phase, Phase::Following));
        let Some(at) = at else {
            counters.stale += 1;
            return Vec::new();
        };
        self.unacked_bytes += bytes;
        let sorted = self.recent[at].sort(events.events, port.now);
        counters.duplicates += sorted.duplicates;
        if sorted.hole {
            counters.holes += 1;
            self.attach_at(port, at);
        }
        sorted.news
    }

    pub(super) fn deliver(&self, port: &mut Port<'_>, session: &SessionId, events: Vec<Event>) {
        let Some(at) = self.position(session) else { return };
        let attachment = &self.recent[at];
        if let Some(place) = attachment.received.as_ref().or(attachment.applied.as_ref())
            && !events.is_empty()
        {
            port.event(ClientEvent::Events { session: session.clone(), epoch: place.epoch.clone(), events });
        }
    }

    pub(super) fn caught_up(&mut self, port: &mut Port<'_>, counters: &mut Counters, caught_up: CaughtUp) {
        let at = self.position(&caught_up.session);
        let Some(at) = at.filter(|at| self.recent[*at].no == caught_up.no && matches!(self.recent[*at].phase, Phase::Following)) else {
            counters.stale += 1;
            return;
        };
        let received = self.recent[at].received.as_ref();
        if received.is_some_and(|place| place.epoch == caught_up.epoch && place.seq == caught_up.seq) {
            port.event(ClientEvent::CaughtUp { session: caught_up.session, seq: caught_up.seq, state: caught_up.state });
            self.recent[at].told = Some(AttachmentStatus::Live);
            self.recent[at].behind_since = None;
            self.recent[at].tail_losses = 0;
            port.event(ClientEvent::Attachment { session: self.recent[at].session.clone(), status: AttachmentStatus::Live });
        } else {
            counters.holes += 1;
            self.attach_at(port, at);
        }
    }

    pub(super) fn heads(&mut self, port: &mut Port<'_>, heads: Vec<Cursor>) {
        for head in heads {
            if let Some(at) = self.position(&head.session)
                && self.recent[at].head(&head, port.now)
            {
                self.attach_at(port, at);
            }
        }
    }

    pub(super) fn applied(&mut self, port: &mut Port<'_>, session: &SessionId, seq: Seq) {
        let Some(at) = self.position(session) else { return };
        self.recent[at].apply(seq);
        if self.unacked_bytes * 2 >= self.limits.credit_bytes || port.now >= self.last_ack + self.timings.ack {
            self.flush(port);
        }
    }

    /// Tells the gateway and the storage the cursors that advanced.
    pub(super) fn flush(&mut self, port: &mut Port<'_>) {
        let cursors = self.remember(port);
        if !cursors.is_empty() {
            port.transmit(ClientFrame::Ack(Ack { cursors }));
        }
    }

    /// Tells the storage the cursors that advanced; answers those to be told to the gateway.
    pub(super) fn remember(&mut self, port: &mut Port<'_>) -> Vec<Cursor> {
        self.last_ack = port.now;
        self.unacked_bytes = 0;
        let is_ready = port.is_ready();
        let mut cursors = Vec::new();
        for attachment in &mut self.recent {
            let Some(cursor) = attachment.cursor() else { continue };
            if cursor.seq > attachment.remembered {
                attachment.remembered = cursor.seq;
                port.persist(Persist::Cursor(cursor.clone()));
            }
            if is_ready && attachment.is_followed() && cursor.seq > attachment.acked {
                attachment.acked = cursor.seq;
                cursors.push(cursor);
            }
        }
        cursors
    }

    pub(super) fn applied_seq(&self, session: &SessionId) -> Option<Seq> {
        let at = self.position(session)?;
        Some(self.recent[at].applied.as_ref()?.seq)
    }

    /// The cursors of the followed sessions, as a `pong` carries them.
    pub(super) fn all_cursors(&self) -> Vec<Cursor> {
        self.recent.iter().filter(|attachment| attachment.is_followed()).filter_map(Attachment::cursor).collect()
    }

    pub(super) fn all_applied(&self) -> Vec<Cursor> {
        self.recent.iter().filter_map(Attachment::cursor).collect()
    }

    /// Whether an attach was not answered in time: the connection is to be given up.
    pub(super) fn unanswered(&self, now: Millis) -> bool {
        self.recent.iter().any(|attachment| self.answer_due(attachment).is_some_and(|due| now >= due))
    }

    /// Acks when the tick has come, and attaches again where the head has been ahead for too long.
    pub(super) fn expire(&mut self, port: &mut Port<'_>) {
        if self.ack_due().is_some_and(|due| port.now >= due) {
            self.flush(port);
        }
        for at in 0..self.recent.len() {
            if self.tail_due(&self.recent[at]).is_some_and(|due| port.now >= due) {
                self.recent[at].tail_losses += 1;
                self.attach_at(port, at);
            }
        }
    }

    pub(super) fn deadline(&self) -> Option<Millis> {
        let answers = self.recent.iter().filter_map(|attachment| self.answer_due(attachment));
        let tails = self.recent.iter().filter_map(|attachment| self.tail_due(attachment));
        answers.chain(tails).chain(self.ack_due()).min()
    }

    /// When to ack: one interval after the last one, if a cursor has advanced.
    fn ack_due(&self) -> Option<Millis> {
        let advanced = self.recent.iter().filter(|attachment| attachment.is_followed()).any(|attachment| {
            attachment.applied.as_ref().is_some_and(|place| place.seq > attachment.acked || place.seq > attachment.remembered)
        });
        advanced.then(|| self.last_ack + self.timings.ack)
    }

    /// When a tail counts as lost. Each loss doubles the wait until the session is caught up: a line whose single frames take
    /// longer than that would else bring the same ones for ever.
    fn tail_due(&self, attachment: &Attachment) -> Option<Millis> {
        let wait = self.timings.head_ahead.scaled(1 << attachment.tail_losses.min(5), 1);
        attachment.behind_since.map(|since| since.max(self.arrived) + wait)
    }

    fn answer_due(&self, attachment: &Attachment) -> Option<Millis> {
        match attachment.phase {
            Phase::Asked { since } | Phase::Collecting { since, .. } => Some(since + self.timings.attach),
            Phase::Apart | Phase::Following | Phase::Missing | Phase::Deleted => None,
        }
    }

    /// Attaches the session at this place, if there is a connection; without one `hello` will.
    fn attach_at(&mut self, port: &mut Port<'_>, at: usize) {
        if port.is_ready() {
            self.no += 1;
            let attach = self.recent[at].attach(self.no, port.now);
            port.transmit(ClientFrame::Attach(attach));
        }
        self.tell(port, at);
    }

    /// Tells the page a session's standing, if it is another one than it was told.
    fn tell(&mut self, port: &mut Port<'_>, at: usize) {
        let attachment = &mut self.recent[at];
        let status = match attachment.phase {
            Phase::Missing => AttachmentStatus::Missing,
            Phase::Deleted => AttachmentStatus::Deleted,
            Phase::Following if attachment.told == Some(AttachmentStatus::Live) => AttachmentStatus::Live,
            Phase::Apart | Phase::Asked { .. } | Phase::Collecting { .. } | Phase::Following => AttachmentStatus::CatchingUp,
        };
        if attachment.told != Some(status) {
            attachment.told = Some(status);
            port.event(ClientEvent::Attachment { session: attachment.session.clone(), status });
        }
    }

    fn position(&self, session: &SessionId) -> Option<usize> {
        self.recent.iter().position(|attachment| attachment.session == *session)
    }

    /// The place of a session whose attach of this number waits for its answer.
    fn asked(&self, session: &SessionId, no: u64) -> Option<usize> {
        self.position(session).filter(|at| self.recent[*at].no == no && matches!(self.recent[*at].phase, Phase::Asked { .. }))
    }
}
