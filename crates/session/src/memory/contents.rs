//! What a store in memory holds, and what a commit makes of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use moorline_protocol::{ClientId, Epoch, Event, Seq, SessionId, SessionRow, WallTime, encode};

use crate::{Commit, EARLY_AGE, EARLY_KEPT, Early, POSITIONS_KEPT, Position, StoreError, Text};

#[derive(Debug, Clone, Default)]
pub(super) struct Contents {
    pub(super) sessions: BTreeMap<SessionId, Kept>,
    pub(super) rev: u64,
    pub(super) first_rev: u64,
    /// What was taken back from sessions that do not exist, oldest first.
    pub(super) early: Vec<(SessionId, Early)>,
    pub(super) positions: BTreeMap<(ClientId, SessionId), Position>,
    /// In the order of their commits.
    pub(super) texts: Vec<(SessionId, Text)>,
}

#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) epoch: Epoch,
    pub(super) agent: String,
    pub(super) row: SessionRow,
    /// With their encoded sizes.
    pub(super) events: Vec<(Event, usize)>,
}

impl Contents {
    /// Whether the commits continue their journals, one after the other.
    pub(super) fn check(&self, commits: &[Commit]) -> Result<(), StoreError> {
        let (mut heads, mut gone) = (BTreeMap::<&SessionId, Seq>::new(), BTreeSet::new());
        for commit in commits.iter().filter(|commit| !commit.is_early()) {
            let session = &commit.session;
            let known = heads.get(session).copied().or_else(|| self.sessions.get(session).map(Kept::head));
            if gone.contains(session) || self.sessions.get(session).is_some_and(|kept| kept.row.deleted) {
                return Err(StoreError::Corrupt(format!("session {session} was deleted")));
            }
            let Some(mut head) = known.or(commit.create.as_ref().map(|_| Seq::ZERO)) else {
                return Err(StoreError::Corrupt(format!("session {session} does not exist and is not created")));
            };
            for event in &commit.events {
                if event.first() != head.next() {
                    return Err(StoreError::Corrupt(format!("event {} of session {session} does not follow {head}", event.first())));
                }
                head = event.seq;
            }
            heads.insert(session, head);
            gone.extend(commit.deletion.map(|_| session));
            let kept = self.sessions.get(session);
            if let Some(fold) = commit.folds.iter().find(|fold| kept.is_none_or(|kept| kept.run(fold).is_none())) {
                return Err(StoreError::Corrupt(no_run(session, fold)));
            }
        }
        Ok(())
    }

    /// Writes a commit that was checked; returns the row if it changed.
    pub(super) fn apply(&mut self, commit: &Commit) -> Option<SessionRow> {
        if commit.is_early() {
            self.remember(commit);
            return None;
        }
        let created = commit.create.as_ref().filter(|_| !self.sessions.contains_key(&commit.session));
        if let Some(new) = created {
            let row = new_row(&commit.session, &new.title, new.at);
            let kept = Kept { epoch: new.epoch.clone(), agent: new.agent.clone(), row, events: Vec::new() };
            self.sessions.insert(commit.session.clone(), kept);
            self.early.retain(|(session, _)| *session != commit.session);
        }
        let kept = self.sessions.get_mut(&commit.session)?;
        kept.events.extend(commit.events.iter().map(|event| (event.clone(), encode(event).len())));
        for fold in &commit.folds {
            if let Some(run) = kept.run(fold) {
                kept.events.splice(run, [(fold.clone(), encode(fold).len())]);
            }
        }
        self.texts.extend(commit.texts.iter().map(|text| (commit.session.clone(), text.clone())));
        if created.is_none() && commit.row.is_none() && commit.deletion.is_none() {
            return None;
        }
        if let Some(change) = &commit.row {
            change.apply(&mut kept.row);
        }
        if let Some(at) = commit.deletion {
            kept.row = SessionRow { created_at: kept.row.created_at, deleted: true, ..new_row(&commit.session, "", at) };
            kept.events.clear();
            self.texts.retain(|(session, _)| *session != commit.session);
            self.positions.retain(|(_, session), _| *session != commit.session);
        }
        self.rev += 1;
        kept.row.rev = self.rev;
        Some(kept.row.clone())
    }

    pub(super) fn place(&mut self, positions: &[Position]) {
        for position in positions {
            let kept = self.positions.entry((position.client.clone(), position.session.clone()));
            kept.and_modify(|kept| kept.follow(position)).or_insert_with(|| position.clone());
        }
        while self.positions.len() > POSITIONS_KEPT {
            let oldest = self.positions.iter().min_by_key(|(_, position)| position.seen_at).map(|(key, _)| key.clone());
            oldest.and_then(|oldest| self.positions.remove(&oldest));
        }
    }

    /// Takes in what was taken back from a session that does not exist.
    fn remember(&mut self, commit: &Commit) {
        if self.sessions.contains_key(&commit.session) {
            return;
        }
        for early in &commit.early {
            self.early.retain(|(session, other)| *session != commit.session || other.message != early.message);
            self.early.push((commit.session.clone(), early.clone()));
            self.early.retain(|(_, other)| other.at.saturating_add(EARLY_AGE.0) > early.at);
        }
        let surplus = self.early.len().saturating_sub(EARLY_KEPT);
        self.early.drain(..surplus);
    }
}

impl Kept {
    pub(super) fn head(&self) -> Seq {
        self.events.last().map_or(Seq::ZERO, |(event, _)| event.seq)
    }

    /// Where the events stand that a fold stands for.
    fn run(&self, fold: &Event) -> Option<Range<usize>> {
        let start = self.events.partition_point(|(event, _)| event.seq < fold.first());
        let end = self.events.partition_point(|(event, _)| event.seq <= fold.seq);
        let run = self.events.get(start..end)?;
        let fits = run.first()?.0.first() == fold.first() && run.last()?.0.seq == fold.seq;
        fits.then_some(start..end)
    }
}

/// What is said of a fold that does not stand for whole kept events.
fn no_run(session: &SessionId, fold: &Event) -> String {
    format!("the fold {} to {} of session {session} stands for no run of kept events", fold.first(), fold.seq)
}

fn new_row(session: &SessionId, title: &str, at: WallTime) -> SessionRow {
    SessionRow {
        session: session.clone(),
        rev: 0,
        title: title.to_owned(),
        created_at: at,
        changed_at: at,
        running: false,
        waiting: false,
        pinned: false,
        archived: false,
        deleted: false,
    }
}
