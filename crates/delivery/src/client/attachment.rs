//! One followed session: the rule by which events move its cursor.

use moorline_protocol::{Attach, Cursor, Epoch, Event, Item, Millis, Seq, SessionId, SnapshotPart, mutant};

use super::event::AttachmentStatus;

/// A session that the page shows or has shown.
#[derive(Debug)]
pub(super) struct Attachment {
    pub(super) session: SessionId,
    /// The last attach sent; answers to an older one are ignored.
    pub(super) no: u64,
    pub(super) phase: Phase,
    /// Everything up to here was given to the page.
    pub(super) received: Option<Place>,
    /// Everything up to here was applied by the page: the cursor.
    pub(super) applied: Option<Place>,
    /// The cursor in `applied`'s epoch that was last told to the gateway on this connection.
    pub(super) acked: Seq,
    /// The cursor in `applied`'s epoch that was last written to storage.
    pub(super) remembered: Seq,
    /// Where a hole was last seen: a second one at the same place asks for a snapshot.
    hole_at: Option<Seq>,
    /// Whether the next attach asks for a snapshot.
    wants_snapshot: bool,
    /// The head as a ping told it.
    head: Seq,
    /// Since when the head is ahead, or `caught_up` missing, with nothing arriving.
    pub(super) behind_since: Option<Millis>,
    /// How often that led to another attach since the session was last caught up.
    pub(super) tail_losses: u32,
    pub(super) told: Option<AttachmentStatus>,
}

/// A seq with the epoch that gives it a meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) epoch: Epoch,
    pub(super) seq: Seq,
}

#[derive(Debug)]
pub(super) enum Phase {
    /// Not attached on this connection.
    Apart,
    /// Attach sent, no answer yet.
    Asked { since: Millis },
    /// Events behind the cursor may come.
    Following,
    /// Parts of a snapshot come.
    Collecting { parts: Vec<SnapshotPart>, since: Millis },
    /// The gateway knows no such session.
    Missing,
    /// It was deleted.
    Deleted,
}

/// A whole snapshot.
#[derive(Debug)]
pub(super) struct Collected {
    pub(super) session: SessionId,
    pub(super) place: Place,
    pub(super) from: Seq,
    pub(super) replaces: bool,
    pub(super) items: Vec<Item>,
}

/// What a batch of events came to.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    /// Consecutive, all news.
    pub(super) news: Vec<Event>,
    pub(super) duplicates: u64,
    /// An event did not follow the cursor: attach again.
    pub(super) hole: bool,
}

impl Attachment {
    pub(super) const fn new(session: SessionId) -> Self {
        Self {
            session,
            no: 0,
            phase: Phase::Apart,
            received: None,
            applied: None,
            acked: Seq::ZERO,
            remembered: Seq::ZERO,
            hole_at: None,
            wants_snapshot: false,
            head: Seq::ZERO,
            behind_since: None,
            tail_losses: 0,
            told: None,
        }
    }

    /// The attach to send now. It starts from what is applied: what was received beyond that is not the page's.
    pub(super) fn attach(&mut self, no: u64, now: Millis) -> Attach {
        self.no = no;
        self.phase = Phase::Asked { since: now };
        self.received = self.applied.clone();
        self.behind_since = None;
        let (epoch, seq) = self.applied.clone().map_or((None, Seq::ZERO), |place| (Some(place.epoch), place.seq));
        Attach { session: self.session.clone(), no, epoch, seq, snapshot: std::mem::take(&mut self.wants_snapshot) }
    }

    pub(super) const fn is_followed(&self) -> bool {
        matches!(self.phase, Phase::Asked { .. } | Phase::Following | Phase::Collecting { .. })
    }

    /// Sorts a batch by the rule: what is covered is dropped, what follows is news, what leaves a hole is discarded with
    /// all behind it.
    pub(super) fn sort(&mut self, events: Vec<Event>, now: Millis) -> Sorted {
        let mut sorted = Sorted::default();
        let Some(received) = self.received.as_mut() else { return Sorted { hole: true, ..sorted } };
        for event in events {
            if event.seq <= received.seq && !mutant::is("applies_twice") {
                sorted.duplicates += 1;
            } else if event.first() <= received.seq.next() || mutant::is("skips_holes") {
                received.seq = event.seq;
                sorted.news.push(event);
            } else {
                sorted.hole = true;
                break;
            }
        }
        if sorted.hole {
            // The attach that follows starts from what is applied; what precedes the hole in this batch comes again with it.
            sorted.news.clear();
            let at = self.applied.as_ref().map(|place| place.seq);
            self.wants_snapshot = at.is_some() && self.hole_at == at;
            self.hole_at = at;
        }
        self.arrived(now);
        sorted
    }

    /// Takes the head as a ping tells it. Answers whether the journal is another one than the page's.
    pub(super) fn head(&mut self, cursor: &Cursor, now: Millis) -> bool {
        if !matches!(self.phase, Phase::Following) {
            return false;
        }
        let Some(received) = &self.received else { return true };
        self.head = cursor.seq;
        // At the head without having been told so: the frame that said it could not be read.
        if self.head > received.seq || self.told != Some(AttachmentStatus::Live) {
            self.behind_since.get_or_insert(now);
        } else {
            self.behind_since = None;
        }
        received.epoch != cursor.epoch
    }

    /// Something of the session arrived: the wait for a lost tail begins anew.
    fn arrived(&mut self, now: Millis) {
        let behind = self.received.as_ref().is_some_and(|received| self.head > received.seq);
        self.behind_since = behind.then_some(now);
    }

    /// Adds a part; answers the snapshot when it is whole, an error when the parts do not fit together.
    pub(super) fn collect(&mut self, part: SnapshotPart, now: Millis) -> Result<Option<Collected>, ()> {
        let Phase::Collecting { parts, since } = &mut self.phase else { return Ok(None) };
        *since = now;
        let fits = parts.first().is_none_or(|first| first.epoch == part.epoch && first.seq == part.seq);
        if part.part as usize != parts.len() || !fits {
            return Err(());
        }
        let last = part.last;
        parts.push(part);
        if !last {
            return Ok(None);
        }
        let parts = std::mem::take(parts);
        self.phase = Phase::Following;
        let Some(first) = parts.first() else { return Err(()) };
        let place = Place { epoch: first.epoch.clone(), seq: first.seq };
        let from = first.from;
        // Within an epoch a cursor never moves backwards; a snapshot that would do so is of another journal.
        let replaces = self.received.as_ref().is_none_or(|held| held.epoch != place.epoch || held.seq > place.seq);
        let items = parts.into_iter().flat_map(|part| part.items).collect();
        if replaces {
            self.applied = None;
        }
        self.received = Some(place.clone());
        self.hole_at = None;
        self.arrived(now);
        Ok(Some(Collected { session: self.session.clone(), place, from, replaces, items }))
    }

    /// The page has applied everything up to `seq`. Answers whether the cursor moved.
    pub(super) fn apply(&mut self, seq: Seq) -> bool {
        let Some(received) = &self.received else { return false };
        let seq = if mutant::is("acks_ahead") { received.seq.next().next() } else { seq.min(received.seq) };
        match &mut self.applied {
            Some(applied) if applied.epoch == received.epoch => {
                let moved = seq > applied.seq;
                applied.seq = applied.seq.max(seq);
                moved
            }
            Some(_) | None => {
                self.applied = Some(Place { epoch: received.epoch.clone(), seq });
                (self.acked, self.remembered) = (Seq::ZERO, Seq::ZERO);
                true
            }
        }
    }

    pub(super) fn cursor(&self) -> Option<Cursor> {
        let place = self.applied.clone()?;
        Some(Cursor { session: self.session.clone(), epoch: place.epoch, seq: place.seq })
    }
}
