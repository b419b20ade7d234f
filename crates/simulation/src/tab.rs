//! A browser tab: the client's core, its storage, and what is on its screen.

use std::collections::{BTreeMap, BTreeSet};

use moorline_delivery::{
    AttachmentStatus, Client, ClientConfig, ClientEvent, Failure, LinkId, Persist, Restored, SendState, SendStatus, StoredSend,
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
    client: ClientId,
    pub(crate) outbox: BTreeMap<MessageId, StoredSend>,
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
    pub(crate) is_closed: bool,
    pub(crate) is_hidden: bool,
    pub(crate) asleep_until: Millis,
    pub(crate) unreachable_until: Millis,
    pub(crate) hangs: bool,
    /// Attaches since nothing breaks any more, but for those that go with a hello.
    calm_attaches: u32,
}

impl Storage {
    pub(crate) const fn new(client: ClientId) -> Self {
        Self { client, outbox: BTreeMap::new(), seen: BTreeMap::new(), is_full: false }
    }
}

impl Tab {
    pub(crate) fn open(no: usize, now: Millis, storage: Storage, shown: SessionId, seed: u64, limits: &Limits, document: u64) -> Self {
        let config = ClientConfig {
            client: storage.client.clone(),
            page: PageId::from_random(u128::from(seed) << 8 | u128::from(document)),
            seed: seed.wrapping_add(document.wrapping_mul(0x9e37_79b9)),
            timings: Timings::default(),
            limits: limits.clone(),
        };
        let restored = Restored { outbox: storage.outbox.values().cloned().collect() };
        let mut client = Client::new(now, config, restored);
        client.show(now, &shown);
        client.start(now);
        Self {
            no,
            storage,
            client,
            document,
            held: BTreeMap::from([(shown.clone(), Held::default())]),
            sends: BTreeMap::new(),
            shown,
            wires: BTreeMap::new(),
            is_closed: false,
            is_hidden: false,
            asleep_until: Millis::ZERO,
            unreachable_until: Millis::ZERO,
            hangs: false,
            calm_attaches: 0,
        }
    }

    pub(crate) fn show(&mut self, now: Millis, session: &SessionId) {
        self.shown = session.clone();
        self.held.entry(session.clone()).or_default();
        self.client.show(now, session);
    }

    /// Writes to the storage; answers the send that could not be written.
    pub(crate) fn persist(&mut self, oracle: &mut Oracle, persist: Persist) -> Option<MessageId> {
        match persist {
            Persist::PutSend(stored) if self.storage.is_full => return Some(stored.send.message),
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

    pub(crate) fn transmits(&mut self, oracle: &mut Oracle, frame: &ClientFrame, is_calm: bool) {
        match frame {
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
                    held.applied = Seq::ZERO;
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
                oracle.check(3, derived == state, || {
                    format!("tab {}: the gateway says {state:?} at {seq}, the transcript {derived:?}", self.no)
                });
                held.caught_up = Some((seq, state));
                None
            }
            ClientEvent::Attachment { session, status } => {
                self.held.entry(session).or_default().status = Some(status);
                None
            }
            ClientEvent::Send(status) => {
                self.sends.insert(status.send.message.clone(), status);
                None
            }
            ClientEvent::SendGone { message, text, .. } => {
                self.sends.remove(&message);
                // What returns to the composer is the user's again.
                if text.is_some() {
                    oracle.waive(|typed, _| *typed == message);
                }
                None
            }
            ClientEvent::Rows(_) | ClientEvent::Link(_) | ClientEvent::Agents(_) | ClientEvent::Notice(_) => None,
        }
    }

    pub(crate) fn merge_page(&mut self, session: &SessionId, page: Page) {
        let Some(held) = self.held.get_mut(session) else { return };
        held.is_loading = false;
        if held.epoch.as_ref() == Some(&page.epoch) {
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
