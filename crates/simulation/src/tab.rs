//! A browser tab: the client's core, its storage, and what is on its screen.

use std::collections::{BTreeMap, BTreeSet};

use moorline_delivery::{
    AttachmentStatus, Client, ClientConfig, ClientEvent, Failure, LinkId, Notice, Persist, PostId, Restored, SendState, SendStatus,
    StoredSend,
};
use moorline_protocol::{
    BlockId, ClientFrame, ClientId, Cursor, Epoch, Limits, MessageId, Millis, Page, PageId, Seq, SessionId, SessionState, Timings,
};
use moorline_transcript::{Changes, Snapshot, Transcript};

use crate::oracle::Oracle;

/// Reasons to attach may linger when the faults stop, but not many.
const CALM_ATTACHES_MAX: u32 = 12;

/// What survives a reload.
#[derive(Debug, Clone)]
pub(crate) struct Storage {
    pub(crate) client: ClientId,
    pub(crate) outbox: BTreeMap<MessageId, StoredSend>,
    pub(crate) copied: BTreeMap<(ClientId, MessageId), StoredSend>,
    seen: BTreeMap<SessionId, Cursor>,
    pub(crate) is_full: bool,
}

/// One session as the page holds it.
#[derive(Debug, Default)]
pub(crate) struct Held {
    epoch: Option<Epoch>,
    pub(crate) transcript: Transcript,
    /// Up to where the page has applied.
    applied: Seq,
    pub(crate) status: Option<AttachmentStatus>,
    /// Where the gateway says that it stands, and at which seq.
    caught_up: Option<(Seq, SessionState)>,
    /// A page as of this seq was merged: what it touched may be ahead of what was applied.
    paged: Seq,
    /// A page of older blocks is on its way.
    pub(crate) is_loading: bool,
    /// Requests that the user has seen.
    pub(crate) noticed: BTreeSet<BlockId>,
}

pub(crate) struct Tab {
    pub(crate) no: usize,
    pub(crate) storage: Storage,
    pub(crate) client: Client,
    /// Rises with each load; what belongs to an earlier document is ignored.
    pub(crate) document: u64,
    pub(crate) held: BTreeMap<SessionId, Held>,
    pub(crate) sends: BTreeMap<MessageId, SendStatus>,
    pub(crate) shown: SessionId,
    pub(crate) wires: BTreeMap<LinkId, usize>,
    /// The POSTs that are out and not aborted.
    pub(crate) posts: BTreeSet<PostId>,
    /// Names of tabs that are gone, whose sends this one shows.
    pub(crate) inherits: BTreeSet<ClientId>,
    pub(crate) is_closed: bool,
    /// In the back button's cache.
    pub(crate) is_away: bool,
    pub(crate) no_sockets_until: Millis,
    pub(crate) is_hidden: bool,
    pub(crate) asleep_until: Millis,
    pub(crate) unreachable_until: Millis,
    pub(crate) hangs: bool,
    /// Attaches since nothing breaks any more, but for those that go with a hello.
    calm_attaches: u32,
}

impl Storage {
    pub(crate) const fn new(client: ClientId) -> Self {
        Self { client, outbox: BTreeMap::new(), copied: BTreeMap::new(), seen: BTreeMap::new(), is_full: false }
    }
}

impl Tab {
    /// A page that has not yet begun to connect.
    pub(crate) fn open(no: usize, now: Millis, storage: Storage, shown: SessionId, seed: u64, limits: &Limits, document: u64) -> Self {
        let config = ClientConfig {
            client: storage.client.clone(),
            page: PageId::from_random(u128::from(seed) << 8 | u128::from(document)),
            seed: seed.wrapping_add(document.wrapping_mul(0x9e37_79b9)),
            timings: Timings::default(),
            limits: limits.clone(),
        };
        let copied = storage.copied.iter().map(|((client, _), stored)| (client.clone(), stored.clone())).collect();
        let restored = Restored { outbox: storage.outbox.values().cloned().collect(), copied };
        let mut client = Client::new(now, config, restored);
        client.show(now, &shown);
        Self {
            no,
            storage,
            client,
            document,
            held: BTreeMap::from([(shown.clone(), Held::default())]),
            sends: BTreeMap::new(),
            shown,
            wires: BTreeMap::new(),
            posts: BTreeSet::new(),
            inherits: BTreeSet::new(),
            is_closed: false,
            is_away: false,
            no_sockets_until: Millis::ZERO,
            is_hidden: false,
            asleep_until: Millis::ZERO,
            unreachable_until: Millis::ZERO,
            hangs: false,
            calm_attaches: 0,
        }
    }

    /// Whether somebody can do something with it.
    pub(crate) fn is_awake(&self, now: Millis) -> bool {
        !self.is_closed && !self.is_away && self.asleep_until <= now
    }

    pub(crate) fn show(&mut self, now: Millis, session: &SessionId) {
        self.shown = session.clone();
        self.held.entry(session.clone()).or_default();
        self.client.show(now, session);
    }

    /// Writes to the storage; answers the send that could not be written.
    pub(crate) fn persist(&mut self, oracle: &mut Oracle, persist: Persist) -> Option<MessageId> {
        match persist {
            Persist::PutSend(stored) | Persist::PutCopied(_, stored) if self.storage.is_full => return Some(stored.send.message),
            Persist::PutCopied(client, stored) => {
                self.storage.copied.insert((client, stored.send.message.clone()), stored);
            }
            Persist::RemoveCopied(client, message) => {
                self.storage.copied.remove(&(client, message));
            }
            Persist::PutSend(stored) => {
                self.storage.outbox.insert(stored.send.message.clone(), stored);
            }
            Persist::RemoveSend(message) => {
                self.storage.outbox.remove(&message);
            }
            Persist::Cursor(cursor) => {
                self.told(oracle, &cursor, "remembered");
                self.storage.seen.insert(cursor.session.clone(), cursor);
            }
            Persist::ClientId(client) => self.storage.client = client,
        }
        None
    }

    /// A cursor leaves the page: it may not run ahead of what was applied.
    pub(crate) fn told(&self, oracle: &mut Oracle, cursor: &Cursor, how: &str) {
        let held = self.held.get(&cursor.session);
        let applied = held.filter(|held| held.epoch.as_ref() == Some(&cursor.epoch)).map_or(Seq::ZERO, |held| held.applied);
        oracle.check(4, cursor.seq <= applied, || {
            format!("tab {} {how} {} of {} and has applied {applied}", self.no, cursor.seq, cursor.session)
        });
    }

    pub(crate) fn transmits(&mut self, oracle: &mut Oracle, now: Millis, frame: &ClientFrame, is_calm: bool) {
        match frame {
            ClientFrame::Send(send) => {
                let attempts = self.sends.get(&send.message).map_or(0, |status| status.attempts);
                oracle.tried(now, self.no, &send.message, attempts);
            }
            ClientFrame::Attach(_) if is_calm => {
                self.calm_attaches += 1;
                oracle.check(2, self.calm_attaches <= CALM_ATTACHES_MAX, || {
                    format!("tab {} attached {} times while nothing was wrong", self.no, self.calm_attaches)
                });
            }
            ClientFrame::Ack(ack) => ack.cursors.iter().for_each(|cursor| self.told(oracle, cursor, "acked")),
            ClientFrame::Pong(pong) => pong.cursors.iter().for_each(|cursor| self.told(oracle, cursor, "acked")),
            _ => {}
        }
    }

    /// Puts an event of the core on the screen; answers what has been applied.
    pub(crate) fn event(&mut self, oracle: &mut Oracle, event: ClientEvent) -> Option<(SessionId, Seq)> {
        match event {
            ClientEvent::Events { session, epoch, events } => {
                oracle.shown(&session, &epoch, &events);
                let held = self.held.entry(session.clone()).or_default();
                let fits = held.epoch.as_ref() == Some(&epoch);
                oracle.check(2, fits, || format!("tab {} was given events of another epoch than its transcript's", self.no));
                let mut changes = Changes::new();
                for event in &events {
                    let follows = event.first() <= held.applied.next() && event.seq > held.applied;
                    oracle.check(2, follows, || {
                        format!("tab {} was given event {} of {session} and has applied {}", self.no, event.seq, held.applied)
                    });
                    held.transcript.apply(event, &mut changes);
                    held.applied = held.applied.max(event.seq);
                }
                Some((session, held.applied))
            }
            ClientEvent::Snapshot { session, epoch, seq, from, replaces, items } => {
                let held = self.held.entry(session.clone()).or_default();
                if replaces {
                    held.transcript = Transcript::new();
                    (held.applied, held.paged) = (Seq::ZERO, Seq::ZERO);
                    held.noticed.clear();
                }
                held.epoch = Some(epoch.clone());
                held.transcript.merge_snapshot(Snapshot { epoch, seq, from, items }, &mut Changes::new());
                oracle.check(4, seq >= held.applied, || format!("a snapshot moved tab {} back from {} to {seq}", self.no, held.applied));
                held.applied = seq;
                Some((session, seq))
            }
            ClientEvent::CaughtUp { session, seq, state } => {
                let held = self.held.entry(session).or_default();
                oracle.check(3, seq == held.applied, || format!("caught up at {seq}, applied {}", held.applied));
                let derived = held.transcript.state();
                oracle.check(3, derived == state || held.paged > seq, || {
                    format!("tab {}: the gateway says {state:?} at {seq}, the transcript {derived:?}", self.no)
                });
                held.caught_up = Some((seq, state));
                None
            }
            ClientEvent::Attachment { session, status } => {
                let held = self.held.entry(session).or_default();
                if status == AttachmentStatus::Deleted {
                    *held = Held::default();
                }
                held.status = Some(status);
                None
            }
            ClientEvent::Send(status) => {
                oracle.counted(&status.send.message, status.attempts);
                self.sends.insert(status.send.message.clone(), status);
                None
            }
            ClientEvent::SendGone { message, text, .. } => {
                let status = self.sends.remove(&message);
                if status.is_some_and(|status| status.state == SendState::Withdrawing) {
                    oracle.taken_back.insert(message.clone());
                }
                // What returns to the composer is the user's again.
                if text.is_some() {
                    oracle.waive(|typed, _| *typed == message);
                }
                None
            }
            ClientEvent::Notice(Notice::TooLate { message, .. }) => {
                oracle.taken_back.remove(&message);
                None
            }
            ClientEvent::Rows(_)
            | ClientEvent::Link(_)
            | ClientEvent::Agent { .. }
            | ClientEvent::Agents(_)
            | ClientEvent::Notice(_)
            | ClientEvent::Trouble(_)
            | ClientEvent::AttemptFailed { .. } => None,
        }
    }

    pub(crate) fn merge_page(&mut self, session: &SessionId, page: Page) {
        let Some(held) = self.held.get_mut(session) else { return };
        held.is_loading = false;
        if held.epoch.as_ref() == Some(&page.epoch) {
            held.paged = held.paged.max(page.seq);
            held.transcript.merge_page(page, &mut Changes::new());
        }
    }

    /// What was typed here is on the screen: as an echo, or as the journal's event.
    pub(crate) fn check_echoes(&self, oracle: &mut Oracle) {
        if oracle.has_lost_data {
            return;
        }
        let missing = oracle.typed.iter().find(|(message, typed)| {
            let live = self.held.get(&typed.session).filter(|held| held.status == Some(AttachmentStatus::Live));
            typed.tab == self.no
                && !typed.is_waived
                && !self.sends.contains_key(message)
                && live.is_some_and(|held| held.transcript.gaps().is_empty() && held.transcript.turn(message).is_none())
        });
        if let Some((message, typed)) = missing {
            let what = format!("{message} ({}) is not on the screen of tab {}: neither its echo nor its event", typed.text, self.no);
            oracle.violate(6, what);
        }
    }

    /// The newest gap of a session, as the place before which a page is wanted.
    pub(crate) fn wanted_page(&self, session: &SessionId) -> Option<Seq> {
        let held = self.held.get(session)?;
        if held.is_loading {
            return None;
        }
        Some(held.transcript.gaps().last()?.to.next())
    }

    pub(crate) fn failed(&self) -> Vec<(MessageId, Failure)> {
        let failed = self.sends.values().filter_map(|status| match &status.state {
            SendState::Failed(failure) => Some((status.send.message.clone(), failure.clone())),
            _ => None,
        });
        failed.collect()
    }

    pub(crate) fn epoch(&self, session: &SessionId) -> Option<&Epoch> {
        self.held.get(session)?.epoch.as_ref()
    }
}
