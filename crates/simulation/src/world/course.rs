//! What the plan does to a run, and how a run comes to rest.

use moorline_delivery::{AttachmentStatus, ConnectionInput, LinkStatus, Posted, SendState, SendStatus, Signal};
use moorline_protocol::{Code, Event, MessageId, Millis, Seq, SessionId, TurnId};
use moorline_session::{Durability, Store, StoreError};
use moorline_transcript::{Changes, Transcript};

use super::{Happening, World, agents::commit_of};
use crate::{
    gateway::Way,
    plan::{Act, Cut},
};

/// How long everything may take to come to rest once nothing breaks any more.
const REST: Millis = Millis(900_000);

impl World {
    pub(super) fn does(&mut self, act: Act) {
        self.trace.note(self.now, "act", || format!("{act:?}"));
        match act {
            Act::Type { tab } => self.with_tab(tab, |world, no| world.type_message(no, None)),
            Act::Interrupt { tab } => self.with_tab(tab, |world, no| {
                let turn = world.running(no);
                world.type_message(no, turn);
            }),
            Act::Cancel { tab } => self.with_tab(tab, |world, no| {
                let Some(turn) = world.running(no) else { return };
                world.oracle.stopped.insert(turn.clone());
                world.disturb(&turn);
                let session = world.tabs[no].shown.clone();
                // Some want the last of those that wait to go now.
                let queue = world.tabs[no].held.get(&session).map(|held| held.transcript.state().queue).unwrap_or_default();
                let next = queue.last().filter(|_| queue.len() > 1).cloned();
                world.tabs[no].client.cancel(world.now, &session, &turn, next);
            }),
            Act::TakeBack { tab, edit } => self.with_tab(tab, |world, no| world.take_back(no, edit)),
            Act::Retry { tab } => self.with_tab(tab, Self::retry_failed),
            Act::Show { tab, session } => self.with_tab(tab, |world, no| {
                let session = world.sessions[session].clone();
                world.tabs[no].show(world.now, &session);
            }),
            Act::Reload { tab } => self.with_tab(tab, Self::reload),
            Act::Duplicate { tab } => self.with_tab(tab, |world, no| {
                let (storage, shown) = (world.tabs[no].storage.clone(), world.tabs[no].shown.clone());
                if world.tabs.len() < 6 {
                    // Without locks both tabs send what was waiting, also what one of them takes back.
                    if !world.plan.locks {
                        world.oracle.moved.extend(storage.outbox.keys().cloned());
                    }
                    world.open_tab(storage, shown);
                }
            }),
            Act::Close { tab } => self.with_tab(tab, Self::close),
            Act::Hide { tab, hidden } => self.with_tab(tab, |world, no| world.hide(no, hidden)),
            Act::Sleep { tab, length } => self.with_tab(tab, |world, no| {
                world.tabs[no].asleep_until = world.now + length;
                world.after(length, Happening::Does(Act::Hide { tab: no, hidden: false }));
            }),
            Act::StorageFull { tab, full } => self.with_tab(tab, |world, no| world.tabs[no].storage.is_full = full),
            Act::Cut { tab, cut } => self.with_tab(tab, |world, no| world.cut(no, cut)),
            Act::Unreachable { tab, length, hangs } => self.with_tab(tab, |world, no| {
                let tab = &mut world.tabs[no];
                (tab.unreachable_until, tab.hangs) = (world.now + length, hangs);
                tab.client.handle_signal(world.now, Signal::Offline);
                world.cut(no, Cut::Reset);
            }),
            Act::NoSockets { tab, length } => self.with_tab(tab, |world, no| {
                world.tabs[no].no_sockets_until = world.now + length;
                world.cut(no, Cut::Reset);
            }),
            Act::Away { tab, length } => self.with_tab(tab, |world, no| world.put_away(no, length)),
            Act::Kill { after, power } => self.kill(after, power),
            Act::Deploy { after } => self.deploy(after),
            Act::Backup => self.backup = Some((self.store.clone(), self.oracle.histories.clone())),
            Act::RestoreBackup { after } => {
                if let Some((backup, histories)) = self.backup.take() {
                    self.kill(after, false);
                    (self.store, self.oracle.histories) = (backup, histories);
                    self.renew_epochs();
                    self.forget_promises();
                }
            }
            Act::Delete { session } => self.delete(session),
            Act::StoreFails => self.store.fail_next(StoreError::Unavailable("disk full".to_owned())),
        }
    }

    /// Does something to an open tab that is awake, and lets its core follow up.
    fn with_tab(&mut self, which: usize, act: impl FnOnce(&mut Self, usize)) {
        let open: Vec<usize> = self.tabs.iter().filter(|tab| tab.is_awake(self.now)).map(|tab| tab.no).collect();
        let Some(no) = open.get(which % open.len().max(1)).copied() else { return };
        act(self, no);
        self.drain_tab(no);
    }

    fn running(&self, no: usize) -> Option<TurnId> {
        let tab = &self.tabs[no];
        Some(tab.held.get(&tab.shown)?.transcript.state().running?.turn)
    }

    fn take_back(&mut self, no: usize, edit: bool) {
        let tab = &self.tabs[no];
        let waiting = tab.sends.values().find(|status| {
            matches!(status.state, SendState::Queued | SendState::Sending | SendState::Failed(_) | SendState::Retrying { .. })
        });
        let queued = tab.held.get(&tab.shown).and_then(|held| held.transcript.state().queue.first().cloned());
        let (session, waiting) = (tab.shown.clone(), waiting.map(|status| status.send.message.clone()));
        if let Some(message) = waiting {
            self.oracle.waive(|typed, _| *typed == message);
            let client = &mut self.tabs[no].client;
            if edit { client.edit(self.now, &message) } else { client.remove(self.now, &message) }
        } else if let Some(message) = queued {
            self.oracle.waive(|typed, _| *typed == message);
            self.tabs[no].client.withdraw(self.now, &session, &message, None);
        }
    }

    fn retry_failed(&mut self, no: usize) {
        for (message, failure) in self.tabs[no].failed() {
            // An answer to a request that a restored backup does not know cannot be helped: the user removes it.
            if matches!(failure.code, Some(Code::Unprocessable | Code::UnknownSession)) {
                self.oracle.waive(|typed, _| *typed == message);
                self.tabs[no].client.remove(self.now, &message);
            } else {
                self.tabs[no].client.retry(self.now, &message);
            }
        }
    }

    fn close(&mut self, no: usize) {
        // The last tab stays: somebody has to look at the end.
        if self.tabs.iter().filter(|tab| !tab.is_closed && !tab.is_away).count() < 2 {
            return;
        }
        self.tabs[no].client.handle_signal(self.now, Signal::PutAway);
        self.drain_tab(no);
        self.tabs[no].is_closed = true;
        self.oracle.waive(|_, typed| typed.tab == no);
    }

    fn hide(&mut self, no: usize, hidden: bool) {
        let tab = &mut self.tabs[no];
        tab.is_hidden = hidden;
        tab.client.handle_deadline(self.now);
        tab.client.handle_signal(self.now, if hidden { Signal::Hidden } else { Signal::Awake });
    }

    pub(super) fn cut(&mut self, no: usize, cut: Cut) {
        let Some(wire) = self.tabs[no].wires.values().next_back().copied() else { return };
        let soon = Millis(1);
        if cut != Cut::Clean {
            self.cut_posts(no, cut);
        }
        match cut {
            Cut::Clean => {
                let arrivals =
                    [self.wires[wire].up.put(self.now, 0, &mut self.random), self.wires[wire].down.put(self.now, 0, &mut self.random)];
                let [up, down] = arrivals.map(|at| at.unwrap_or(self.now));
                self.at(up, Happening::GatewayHears { wire });
                self.at(down, Happening::TabHears { wire });
            }
            Cut::Reset => {
                self.after(Millis::ZERO, Happening::TabHears { wire });
                self.after(soon, Happening::GatewayHears { wire });
            }
            Cut::TabOnly => {
                self.wires[wire].up.is_hole = true;
                self.after(soon, Happening::TabHears { wire });
            }
            Cut::GatewayOnly => {
                self.wires[wire].down.is_hole = true;
                self.after(soon, Happening::GatewayHears { wire });
            }
            Cut::HoleDown => self.wires[wire].down.is_hole = true,
            Cut::HoleUp => self.wires[wire].up.is_hole = true,
            Cut::HoleBoth => (self.wires[wire].up.is_hole, self.wires[wire].down.is_hole) = (true, true),
        }
    }

    /// The process is gone from one moment to the next, with all it held in memory. Commits on their way may have made it.
    fn kill(&mut self, after: Millis, power: bool) {
        let Some(gateway) = self.gateway.take() else { return };
        for (session, loaded) in &gateway.sessions {
            if let Some(turn) = &loaded.agent.turn {
                self.disturb(turn);
            }
            if let Some((_, commit)) = &loaded.commit
                && self.random.below(2) == 0
                && self.store.commit(std::slice::from_ref(commit)).is_ok()
            {
                self.trace.note(self.now, "made it", || format!("{session}"));
                self.oracle.committed(session, &commit.events);
                self.oracle.deleted(session, commit.deletion);
            }
            if let Some((_, folded)) = &loaded.folding
                && !folded.folds().is_empty()
                && self.random.below(2) == 0
            {
                // What was written of it counts; a store that fails has written nothing.
                drop(self.store.commit(&[commit_of(session, folded)]));
            }
        }
        for wire in gateway.connections.keys() {
            self.wires[*wire].at_gateway = false;
            // After a power cut nobody says goodbye.
            if power {
                (self.wires[*wire].up.is_hole, self.wires[*wire].down.is_hole) = (true, true);
            } else {
                self.after(Millis(2), Happening::TabHears { wire: *wire });
            }
        }
        if power {
            self.store.crash();
            self.oracle.histories.retain(|session, history| {
                let head = self.store.session(session).ok().flatten().map_or(Seq::ZERO, |meta| meta.head);
                history.retain(|event| event.seq <= head);
                head > Seq::ZERO
            });
        }
        if self.plan.durability == Durability::Unsynced {
            self.renew_epochs();
            self.forget_promises();
        }
        for waiting in gateway.replies.into_values() {
            // After a power cut nobody hears anything.
            if let (Way::Post(sender), false) = (waiting.way, power) {
                self.respond(sender, Posted::NoAnswer);
            }
        }
        self.after(after, Happening::Starts);
    }

    fn deploy(&mut self, after: Millis) {
        let Some(gateway) = &self.gateway else { return };
        let wires: Vec<usize> = gateway.connections.keys().copied().collect();
        for wire in wires {
            self.feed_connection(wire, ConnectionInput::Drain { min: Millis(100), max: Millis(5_000) });
        }
        self.after(Millis(1_000), Happening::Does(Act::Kill { after, power: false }));
    }

    /// Durable data was taken back on purpose: what was written down of it no longer binds.
    fn forget_promises(&mut self) {
        self.oracle.endings.clear();
        self.oracle.said.clear();
    }

    pub(super) fn calm(&mut self) {
        self.trace.note(self.now, "calm", String::new);
        self.is_calm = true;
        for no in 0..self.tabs.len() {
            let tab = &mut self.tabs[no];
            tab.storage.is_full = false;
            tab.unreachable_until = Millis::ZERO;
            tab.no_sockets_until = Millis::ZERO;
            if tab.is_awake(self.now) {
                tab.is_hidden = false;
                tab.client.handle_deadline(self.now);
                tab.client.handle_signal(self.now, Signal::Online);
                self.drain_tab(no);
            }
        }
        self.after(Millis(5_000), Happening::Looks);
    }

    /// Users see to what needs them; then, is everything quiet?
    pub(super) fn looks(&mut self) {
        if self.gateway.is_none() {
            self.after(Millis(10_000), Happening::Starts);
        }
        for no in 0..self.tabs.len() {
            if !self.tabs[no].is_awake(self.now) {
                continue;
            }
            if self.tabs[no].is_hidden {
                self.hide(no, false);
            }
            self.retry_failed(no);
            self.drain_tab(no);
            for session in self.sessions.clone() {
                self.want_page(no, &session);
                self.answer_open_requests(no, &session);
            }
        }
        self.visit_waiting_sessions();
        match self.unrest() {
            None => {
                self.is_quiet = true;
                self.judge();
            }
            Some(why) if self.now > self.plan.calm + REST => self.oracle.violate(why.0, format!("never comes to rest: {}", why.1)),
            Some(_) => self.after(Millis(5_000), Happening::Looks),
        }
    }

    /// The list marks a session that waits for an answer: somebody goes there.
    fn visit_waiting_sessions(&mut self) {
        let loaded = self.gateway.iter().flat_map(|gateway| &gateway.sessions);
        let waiting: Vec<SessionId> = loaded
            .filter(|(_, loaded)| !loaded.session.is_gone() && !loaded.session.state().waiting.is_empty())
            .map(|(session, _)| session.clone())
            .collect();
        for session in waiting {
            let open = || self.tabs.iter().filter(|tab| tab.is_awake(self.now));
            if open().any(|tab| tab.shown == session) {
                continue;
            }
            if let Some(no) = open().next().map(|tab| tab.no) {
                self.tabs[no].show(self.now, &session);
                self.drain_tab(no);
            }
        }
    }

    /// What is not quiet yet, with the invariant that it would break if it stayed so.
    fn unrest(&self) -> Option<(u8, String)> {
        let Some(gateway) = &self.gateway else { return Some((0, "the gateway is down".to_owned())) };
        for (session, loaded) in &gateway.sessions {
            let state = loaded.session.state();
            let is_at_work = !loaded.session.is_gone() && (state.running.is_some() || !state.queue.is_empty());
            if is_at_work || loaded.commit.is_some() {
                return Some((11, format!("session {session} is at work: {state:?}")));
            }
        }
        for tab in self.tabs.iter().filter(|tab| !tab.is_closed) {
            if tab.client.link_status() != LinkStatus::Ready {
                return Some((10, format!("tab {} is not connected: {:?}", tab.no, tab.client.link_status())));
            }
            // A session that is not on screen shows the event of an accepted send when it is put there.
            let waits = |status: &&SendStatus| status.state != SendState::Accepted || status.send.session == tab.shown;
            if let Some(status) = tab.sends.values().find(waits) {
                return Some((6, format!("tab {} still has {status:?}", tab.no)));
            }
            let Some(held) = tab.held.get(&tab.shown) else { continue };
            let exists = self.store.session(&tab.shown).ok().flatten();
            match (exists, held.status) {
                (None, Some(AttachmentStatus::Missing)) => {}
                (Some(meta), Some(AttachmentStatus::Deleted)) if meta.row.deleted => {}
                (Some(meta), status) if meta.row.deleted => {
                    return Some((2, format!("tab {} shows a deleted session as {status:?}", tab.no)));
                }
                (Some(meta), Some(AttachmentStatus::Live)) => {
                    if held.transcript.seq() != meta.head || tab.epoch(&tab.shown) != Some(&meta.epoch) {
                        return Some((2, format!("tab {} is live at {} of {}", tab.no, held.transcript.seq(), meta.head)));
                    }
                    if !held.transcript.gaps().is_empty() {
                        return Some((3, format!("tab {} has gaps {:?}", tab.no, held.transcript.gaps())));
                    }
                }
                (exists, status) => {
                    return Some((2, format!("tab {}: session exists: {}, attachment {status:?}", tab.no, exists.is_some())));
                }
            }
        }
        None
    }

    /// The end: the journals against what was written down, the screens against the journals.
    fn judge(&mut self) {
        for session in self.sessions.clone() {
            let Ok(Some(meta)) = self.store.session(&session) else {
                self.judge_unmade(&session);
                continue;
            };
            if meta.row.deleted {
                self.judge_unmade(&session);
                continue;
            }
            let rows = self.store.read(&session, Seq::ZERO, usize::MAX, usize::MAX).unwrap_or_default();
            let journal = self.oracle.histories.get(&session).cloned().unwrap_or_default();
            let dense = journal.iter().enumerate().all(|(n, event)| event.seq.value() == n as u64 + 1);
            self.oracle.check(1, dense, || format!("the journal of {session} is not dense"));
            let mut head = Seq::ZERO;
            let follows = rows.iter().all(|row| std::mem::replace(&mut head, row.seq).next() == row.first());
            self.oracle.check(1, follows && head == meta.head, || format!("the rows kept of {session} are not dense"));
            self.oracle.judge(&session, &meta.epoch, &journal);
            let (whole, kept) = (transcript_of(&journal), transcript_of(&rows));
            if let Some(difference) = difference(&whole, &kept) {
                self.oracle.violate(3, format!("what is kept of {session} is something else than what was committed: {difference}"));
            }
            for tab in self.tabs.iter().filter(|tab| !tab.is_closed && tab.shown == session) {
                let Some(held) = tab.held.get(&session) else { continue };
                if let Some(difference) = difference(&whole, &held.transcript) {
                    self.oracle.violate(3, format!("tab {} shows of {session} something else than the journal: {difference}", tab.no));
                }
            }
        }
    }

    /// What every session came to, without ids and times.
    pub(crate) fn outcome(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for session in &self.sessions {
            let whole = transcript_of(&self.store.read(session, Seq::ZERO, usize::MAX, usize::MAX).unwrap_or_default());
            for turn in whole.turns() {
                let blocks: Vec<String> = whole.blocks(&turn.id).map(|block| format!("{:?} {:?}", block.kind, block.text)).collect();
                lines.push(format!("{:?}: {}", turn.state, blocks.join(", ")));
            }
        }
        lines.sort();
        lines
    }

    fn judge_unmade(&mut self, session: &SessionId) {
        if self.oracle.has_lost_data {
            return;
        }
        let lost: Option<MessageId> =
            self.oracle.typed.iter().find(|(_, typed)| typed.session == *session && !typed.is_waived).map(|(message, _)| message.clone());
        if let Some(message) = lost {
            self.oracle.violate(6, format!("{message} was typed and its session does not exist"));
        }
    }
}

fn transcript_of(journal: &[Event]) -> Transcript {
    let mut transcript = Transcript::new();
    journal.iter().for_each(|event| transcript.apply(event, &mut Changes::new()));
    transcript
}

/// The first thing in which two transcripts differ for a reader.
fn difference(journal: &Transcript, shown: &Transcript) -> Option<String> {
    let (left, right): (Vec<_>, Vec<_>) = (journal.turns().collect(), shown.turns().collect());
    if left != right {
        return Some(format!("turns {left:?} are shown as {right:?}"));
    }
    for turn in left {
        let (left, right): (Vec<_>, Vec<_>) = (journal.blocks(&turn.id).collect(), shown.blocks(&turn.id).collect());
        if left != right {
            return Some(format!("blocks {left:?} are shown as {right:?}"));
        }
    }
    (journal.state() != shown.state()).then(|| format!("state {:?} is shown as {:?}", journal.state(), shown.state()))
}
