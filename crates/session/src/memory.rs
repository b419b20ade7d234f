//! The store's in-memory twin, which can crash.

mod contents;

use std::sync::{Mutex, MutexGuard, PoisonError};

use moorline_protocol::{ClientId, Epoch, Event, Hit, HitPlace, MessageId, Seq, SessionId, SessionRow, WallTime};

use contents::{Contents, Kept};

use crate::{Commit, Position, Search, SessionMeta, Store, StoreError, Text, Upkeep};

/// When a [`MemoryStore`] counts a commit as safe from a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// At once.
    Synced,
    /// At the next [`MemoryStore::sync`].
    Unsynced,
}

/// Keeps sessions in memory, by the same rules as a real store; [`MemoryStore::crash`] takes back what was not synced.
#[derive(Debug)]
pub struct MemoryStore {
    durability: Durability,
    inner: Mutex<Inner>,
}

#[derive(Debug, Clone, Default)]
struct Inner {
    current: Contents,
    /// What a crash leaves. Unused when every commit is synced.
    synced: Contents,
    /// The commits between the two.
    tail: Vec<Commit>,
    positions: Vec<Position>,
    failure: Option<StoreError>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new(durability: Durability) -> Self {
        Self { durability, inner: Mutex::default() }
    }

    /// Loses what was committed and not synced, as a power cut does.
    pub fn crash(&self) {
        if self.durability == Durability::Synced {
            return;
        }
        let mut inner = self.lock();
        inner.current = inner.synced.clone();
        inner.tail.clear();
        inner.positions.clear();
    }

    /// Makes everything committed safe from a crash.
    pub fn sync(&self) {
        let mut inner = self.lock();
        let Inner { synced, tail, positions, .. } = &mut *inner;
        for commit in tail.drain(..) {
            synced.apply(&commit);
        }
        synced.place(positions);
        positions.clear();
    }

    /// Makes the next commit fail so.
    pub fn fail_next(&self, error: StoreError) {
        self.lock().failure = Some(error);
    }

    /// Gives every session's journal a new incarnation, as a store does when it starts from a backup, or after an unclean
    /// stop if commits were not synced: cursors of the old one mean nothing any more. The revs of the list go on from
    /// `now`, which is above all that were ever told.
    pub fn renew(&self, now: WallTime, mut epoch: impl FnMut(&SessionId) -> Epoch) {
        let mut inner = self.lock();
        let Inner { current, synced, .. } = &mut *inner;
        current.rev = current.rev.max(now);
        current.first_rev = current.rev;
        current.positions.clear();
        synced.positions.clear();
        for (session, kept) in &mut current.sessions {
            kept.epoch = epoch(session);
            current.rev += 1;
            kept.row.rev = current.rev;
            if let Some(safe) = synced.sessions.get_mut(session) {
                safe.epoch = kept.epoch.clone();
                safe.row.rev = current.rev;
            }
        }
        (synced.rev, synced.first_rev) = (current.rev, current.first_rev);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A copy of what it holds: a backup.
impl Clone for MemoryStore {
    fn clone(&self) -> Self {
        Self { durability: self.durability, inner: Mutex::new(self.lock().clone()) }
    }
}

impl Store for MemoryStore {
    fn write(&self, commits: &[Commit], positions: &[Position]) -> Result<Vec<SessionRow>, StoreError> {
        let mut inner = self.lock();
        if let Some(error) = inner.failure.take() {
            return Err(error);
        }
        inner.current.check(commits)?;
        let mut changed: Vec<SessionRow> = Vec::new();
        for commit in commits {
            if let Some(row) = inner.current.apply(commit) {
                changed.retain(|other| other.session != row.session);
                changed.push(row);
            }
        }
        inner.current.place(positions);
        if self.durability == Durability::Unsynced {
            inner.tail.extend_from_slice(commits);
            inner.positions.extend_from_slice(positions);
        }
        Ok(changed)
    }

    fn session(&self, session: &SessionId) -> Result<Option<SessionMeta>, StoreError> {
        let inner = self.lock();
        Ok(inner.current.sessions.get(session).map(|kept| SessionMeta {
            epoch: kept.epoch.clone(),
            oldest: kept.events.first().map_or(Seq::ZERO, |(event, _)| event.first()),
            head: kept.head(),
            agent: kept.agent.clone(),
            row: kept.row.clone(),
        }))
    }

    fn read(&self, session: &SessionId, after: Seq, max_events: usize, max_bytes: usize) -> Result<Vec<Event>, StoreError> {
        let inner = self.lock();
        let Some(kept) = inner.current.sessions.get(session) else {
            return Ok(Vec::new());
        };
        let start = kept.events.partition_point(|(event, _)| event.seq <= after);
        let mut bytes = 0;
        let fitting = kept.events[start..].iter().take(max_events).enumerate().take_while(|(n, (_, size))| {
            bytes += size;
            *n == 0 || bytes <= max_bytes
        });
        Ok(fitting.map(|(_, (event, _))| event.clone()).collect())
    }

    fn position(&self, client: &ClientId, session: &SessionId) -> Result<Option<Position>, StoreError> {
        Ok(self.lock().current.positions.get(&(client.clone(), session.clone())).cloned())
    }

    fn forget_positions(&self, before: WallTime) -> Result<(), StoreError> {
        let mut inner = self.lock();
        let Inner { current, synced, positions, .. } = &mut *inner;
        current.positions.retain(|_, position| position.seen_at >= before);
        synced.positions.retain(|_, position| position.seen_at >= before);
        positions.retain(|position| position.seen_at >= before);
        Ok(())
    }

    fn early(&self, session: &SessionId) -> Result<Vec<MessageId>, StoreError> {
        let inner = self.lock();
        let early = inner.current.early.iter().filter(|(of, _)| of == session);
        Ok(early.map(|(_, early)| early.message.clone()).collect())
    }

    fn count(&self, session: &SessionId, after: Seq, most: u64) -> Result<u64, StoreError> {
        let inner = self.lock();
        let kept = inner.current.sessions.get(session);
        let behind = kept.map_or(0, |kept| kept.events.len() - kept.events.partition_point(|(event, _)| event.seq <= after));
        Ok((behind as u64).min(most))
    }

    fn rows(&self, since: u64) -> Result<Vec<SessionRow>, StoreError> {
        let inner = self.lock();
        let newer = inner.current.sessions.values().map(|kept| &kept.row).filter(|row| row.rev > since && (since > 0 || !row.deleted));
        let mut rows: Vec<SessionRow> = newer.cloned().collect();
        rows.sort_by_key(|row| row.rev);
        Ok(rows)
    }

    fn first_rev(&self) -> Result<u64, StoreError> {
        Ok(self.lock().current.first_rev)
    }

    fn search(&self, search: &Search) -> Result<Vec<Hit>, StoreError> {
        let Inner { current, .. } = &*self.lock();
        let is_meant = |session: &SessionId| search.session.as_ref().is_none_or(|only| only == session);
        let hit = |session: &SessionId, place, text: &str| {
            is_meant(session).then(|| search.excerpt(text)).flatten().map(|excerpt| Hit { session: session.clone(), place, excerpt })
        };
        let titles = current.sessions.iter().filter_map(|(session, kept)| hit(session, None, &kept.row.title));
        let texts = current.texts.iter().rev().filter_map(|(session, Text { turn, block, opened, text })| {
            hit(session, Some(HitPlace { turn: turn.clone(), block: block.clone(), opened: *opened }), text)
        });
        Ok(titles.chain(texts).take(search.limit).collect())
    }

    fn upkeep(&self, before: WallTime, _: usize) -> Result<Upkeep, StoreError> {
        let mut inner = self.lock();
        let Inner { current, synced, tail, .. } = &mut *inner;
        let gone = |kept: &Kept| kept.row.deleted && kept.row.changed_at < before;
        let newest = current.sessions.values().filter(|kept| gone(kept)).map(|kept| kept.row.rev).max();
        current.first_rev = current.first_rev.max(newest.unwrap_or(0));
        current.sessions.retain(|_, kept| !gone(kept));
        // What is forgotten need not come back after a crash.
        tail.retain(|commit| current.sessions.contains_key(&commit.session) || commit.is_early());
        synced.sessions.retain(|session, _| current.sessions.contains_key(session));
        synced.first_rev = current.first_rev;
        Ok(Upkeep::Done)
    }
}

#[cfg(test)]
mod tests {
    use moorline_protocol::{EventBody, Withdrawn};

    use super::*;
    use crate::{NewSession, store_suite};

    #[test]
    fn keeps_the_rules_of_every_store() {
        store_suite::run(&mut || Box::new(MemoryStore::new(Durability::Synced)));
        store_suite::run(&mut || Box::new(MemoryStore::new(Durability::Unsynced)));
    }

    #[test]
    fn a_crash_takes_back_what_was_not_synced() {
        let store = MemoryStore::new(Durability::Unsynced);
        store.commit(&[commit(1)]).unwrap();
        store.sync();
        store.commit(&[commit(2)]).unwrap();
        assert_eq!(head(&store), 2);
        store.crash();
        assert_eq!(head(&store), 1);
        store.commit(&[commit(2)]).unwrap();
        store.sync();
        store.crash();
        assert_eq!(store.read(&session(), Seq::ZERO, 10, 10_000).unwrap().len(), 2, "what was lost does not come back");
    }

    #[test]
    fn a_crash_takes_nothing_back_when_commits_are_synced() {
        let store = MemoryStore::new(Durability::Synced);
        store.commit(&[commit(1)]).unwrap();
        store.crash();
        assert_eq!(head(&store), 1);
    }

    #[test]
    fn a_failure_is_told_once_and_writes_nothing() {
        let store = MemoryStore::new(Durability::Synced);
        store.commit(&[commit(1)]).unwrap();
        let full = StoreError::Unavailable("disk full".into());
        store.fail_next(full.clone());
        assert_eq!(store.commit(&[commit(2)]), Err(full));
        assert_eq!(head(&store), 1);
        store.commit(&[commit(2)]).unwrap();
    }

    #[test]
    fn a_copy_goes_its_own_way_and_a_renewed_store_has_new_epochs() {
        let store = MemoryStore::new(Durability::Synced);
        store.commit(&[commit(1)]).unwrap();
        let backup = store.clone();
        store.commit(&[commit(2)]).unwrap();
        assert_eq!(head(&backup), 1);
        backup.renew(1_000, |_| Epoch::from_random(5));
        assert_eq!(backup.first_rev(), Ok(1_000));
        assert_eq!(backup.rows(1_000).unwrap().len(), 1, "every row is newer than what was told before");
        assert_eq!(backup.session(&session()).unwrap().unwrap().epoch, Epoch::from_random(5));
        assert_eq!(store.session(&session()).unwrap().unwrap().epoch, Epoch::from_random(0));
    }

    fn commit(n: u64) -> Commit {
        let body = EventBody::Withdrawn(Withdrawn { message: MessageId::from_random(n.into()) });
        let new = NewSession { epoch: Epoch::from_random(0), agent: "demo".into(), title: String::new(), at: 0 };
        Commit { create: Some(new), events: vec![Event::plain(Seq::new(n), 0, body)], ..Commit::of(session()) }
    }

    fn head(store: &MemoryStore) -> u64 {
        store.session(&session()).unwrap().map_or(0, |meta| meta.head.value())
    }

    fn session() -> SessionId {
        SessionId::from_random(1)
    }
}
