//! The tab's queue of sends: bounded, persisted, first in first out for each session.

use std::collections::VecDeque;

use moorline_protocol::{
    BlockId, ClientFrame, ClientId, Limits, MessageId, Millis, Send, SendBody, Seq, SessionId, Timings, Withdraw, mutant,
};

use super::{
    event::{ClientEvent, DropReason, Failure, SendResult, SendState, SendStatus},
    input::{Restored, StoredSend, TakenBack},
    output::{LinkId, Output, Persist},
    port::Port,
};

#[derive(Debug)]
pub(super) struct Outbox {
    pub(super) limits: Limits,
    pub(super) timings: Timings,
    /// In the order in which they were typed.
    pub(super) entries: VecDeque<Entry>,
    /// Withdrawals of messages that the gateway has and the outbox has not; with the text that returns to the composer.
    pub(super) withdrawals: Vec<Withdrawal>,
    /// Sends of the tab that this one was copied from, under its name.
    pub(super) copied: Vec<(ClientId, StoredSend)>,
    pub(super) next_order: u64,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) order: u64,
    pub(super) send: Send,
    pub(super) attempts: u32,
    pub(super) state: State,
    /// A copy may have reached the gateway: taking it back needs the gateway's word.
    pub(super) touched: bool,
    /// A tab that was copied from this one's storage may hold it too.
    pub(super) may_be_copied: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    Queued,
    InFlight {
        since: Millis,
    },
    Retrying {
        at: Millis,
    },
    Failed(Failure),
    /// `asked`: when the withdrawal was last sent on this connection.
    Withdrawing {
        taken: TakenBack,
        asked: Option<Millis>,
    },
    /// A receipt came, on this link; the echo stays until the journal's event is here.
    Accepted {
        seq: Seq,
        link: Option<LinkId>,
    },
}

/// An accepted message that is taken back, until the gateway has answered.
#[derive(Debug)]
pub(super) struct Withdrawal {
    pub(super) message: MessageId,
    pub(super) session: SessionId,
    /// What returns to the composer.
    pub(super) text: Option<String>,
}

/// What sends of one lane wait for: messages of one session for each other, answers only for one to the same request.
type Lane<'a> = (&'a SessionId, Option<&'a BlockId>);

impl Outbox {
    /// Takes up what the storage held: what was on its way is queued again, the cut attempt not counted.
    pub(super) fn restore(limits: Limits, timings: Timings, restored: Restored, outputs: &mut VecDeque<Output>) -> Self {
        let mut entries: VecDeque<Entry> = VecDeque::new();
        for stored in restored.outbox {
            let place = entries.partition_point(|entry| entry.order <= stored.order);
            let state = match (stored.withdrawing, stored.failure) {
                (Some(taken), _) => State::Withdrawing { taken, asked: None },
                (None, Some(failure)) => State::Failed(failure),
                (None, None) => State::Queued,
            };
            let StoredSend { order, send, attempts, .. } = stored;
            entries.insert(place, Entry { order, send, attempts, state, touched: true, may_be_copied: true });
        }
        let next_order = entries.back().map_or(0, |last| last.order + 1);
        outputs.extend(entries.iter().map(|entry| Output::Event(ClientEvent::Send(entry.status()))));
        let outbox = Self { limits, timings, entries, withdrawals: Vec::new(), copied: restored.copied, next_order };
        outbox.await_tabs(outputs);
        outbox
    }

    pub(super) fn configure(&mut self, timings: Timings, limits: Limits) {
        self.timings = timings;
        self.limits = limits;
    }

    /// Takes a send: persists it, then sends it if nothing is before it. A full outbox refuses; it never evicts.
    pub(super) fn push(&mut self, port: &mut Port<'_>, send: Send) -> SendResult {
        if size(&send) > self.limits.send_bytes {
            return SendResult::Dropped(DropReason::TooLarge);
        }
        // Answers and messages have their places apart: a message may be waiting for just the turn that waits for the answer.
        let is_answer = matches!(send.body, SendBody::Answer { .. });
        let alike = |entry: &&Entry| matches!(entry.send.body, SendBody::Answer { .. }) == is_answer;
        let held = self.entries.iter().filter(|entry| !entry.is_accepted()).filter(alike);
        let (sends, bytes) = held.fold((0, 0), |(sends, bytes), entry| (sends + 1, bytes + size(&entry.send)));
        if sends >= self.limits.outbox_sends || bytes + size(&send) > self.limits.outbox_bytes {
            if !mutant::is("evicts") {
                return SendResult::Dropped(DropReason::OutboxFull);
            }
            self.entries.pop_front();
        }
        let entry = Entry { order: self.next_order, send, attempts: 0, state: State::Queued, touched: false, may_be_copied: false };
        self.next_order += 1;
        let message = entry.send.message.clone();
        port.persist(Persist::PutSend(entry.stored()));
        port.event(ClientEvent::Send(entry.status()));
        self.entries.push_back(entry);
        self.pump(port);
        let sent = self.entry(&message).is_some_and(|entry| matches!(entry.state, State::InFlight { .. }));
        if sent { SendResult::Sent } else { SendResult::Queued }
    }

    /// One pass: the head of each lane goes if it is ready to; whatever else its state, it holds those behind it.
    pub(super) fn pump(&mut self, port: &mut Port<'_>) {
        if !port.is_ready() {
            return;
        }
        let mut held: Vec<(SessionId, Option<BlockId>)> = Vec::new();
        for entry in self.entries.iter_mut().filter(|entry| !entry.is_accepted()) {
            let (session, request) = entry.lane();
            let is_head = !held.iter().any(|(held, of)| held == session && of.as_ref() == request);
            if is_head {
                held.push((session.clone(), request.cloned()));
            }
            match &mut entry.state {
                State::Queued if is_head || mutant::is("overtakes") => {
                    entry.state = State::InFlight { since: port.now };
                    entry.touched = true;
                    let mut send = entry.send.clone();
                    if mutant::is("new_id_on_retry") && entry.attempts > 0 {
                        let renamed = format!("{}-{}", send.message, entry.attempts);
                        send.message = MessageId::parse(&renamed).unwrap_or(send.message);
                    }
                    port.transmit(ClientFrame::Send(send));
                    port.event(ClientEvent::Send(entry.status()));
                }
                State::Withdrawing { asked: asked @ None, .. } => {
                    *asked = Some(port.now);
                    let withdraw = Withdraw { session: entry.send.session.clone(), message: entry.send.message.clone() };
                    port.transmit(ClientFrame::Withdraw(withdraw));
                }
                State::Queued
                | State::InFlight { .. }
                | State::Retrying { .. }
                | State::Failed(_)
                | State::Withdrawing { .. }
                | State::Accepted { .. } => {}
            }
        }
    }

    pub(super) fn take_withdrawal(&mut self, message: &MessageId) -> Option<Withdrawal> {
        let place = self.withdrawals.iter().position(|held| held.message == *message)?;
        Some(self.withdrawals.remove(place))
    }

    pub(super) fn entry(&self, message: &MessageId) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.send.message == *message)
    }

    pub(super) fn entry_mut(&mut self, message: &MessageId) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.send.message == *message)
    }

    /// Takes an entry out, of the storage too. `with_text`: its text returns to the composer.
    pub(super) fn gone(&mut self, port: &mut Port<'_>, message: &MessageId, with_text: bool) {
        let Some(at) = self.entries.iter().position(|entry| entry.send.message == *message) else { return };
        let Some(entry) = self.entries.remove(at) else { return };
        if !entry.is_accepted() {
            port.persist(Persist::RemoveSend(message.clone()));
        }
        let text = match entry.send.body {
            SendBody::Text(text) if with_text => Some(text),
            SendBody::Text(_) | SendBody::Answer { .. } => None,
        };
        port.event(ClientEvent::SendGone { session: entry.send.session, message: entry.send.message, text });
    }

    pub(super) fn statuses(&self) -> impl Iterator<Item = SendStatus> {
        self.entries.iter().map(Entry::status)
    }

    pub(super) fn holds_sends(&self) -> bool {
        self.entries.iter().any(|entry| !entry.is_accepted())
    }

    /// `on_socket`: an attempt's answer is waited for here; a POST has its own deadline.
    pub(super) fn deadline(&self, on_socket: bool) -> Option<Millis> {
        let due = |entry: &Entry| match entry.state {
            State::InFlight { since } if on_socket => Some(since + receipt_limit(&self.timings, &entry.send)),
            State::Withdrawing { asked: Some(since), .. } => Some(since + self.timings.receipt),
            State::Retrying { at } => Some(at),
            State::Queued | State::InFlight { .. } | State::Failed(_) | State::Withdrawing { asked: None, .. } | State::Accepted { .. } => {
                None
            }
        };
        self.entries.iter().filter_map(due).min()
    }
}

impl Entry {
    pub(super) const fn is_accepted(&self) -> bool {
        matches!(self.state, State::Accepted { .. })
    }

    pub(super) fn status(&self) -> SendStatus {
        let state = match &self.state {
            State::Queued => SendState::Queued,
            State::InFlight { .. } => SendState::Sending,
            State::Retrying { at } => SendState::Retrying { at: *at },
            State::Failed(failure) => SendState::Failed(failure.clone()),
            State::Withdrawing { .. } => SendState::Withdrawing,
            State::Accepted { .. } => SendState::Accepted,
        };
        SendStatus { send: self.send.clone(), order: self.order, attempts: self.attempts, state }
    }

    pub(super) fn stored(&self) -> StoredSend {
        let (failure, withdrawing) = match &self.state {
            State::Failed(failure) => (Some(failure.clone()), None),
            State::Withdrawing { taken, .. } => (None, Some(*taken)),
            State::Queued | State::InFlight { .. } | State::Retrying { .. } | State::Accepted { .. } => (None, None),
        };
        StoredSend { order: self.order, send: self.send.clone(), attempts: self.attempts, failure, withdrawing }
    }

    fn lane(&self) -> Lane<'_> {
        match &self.send.body {
            SendBody::Text(_) => (&self.send.session, None),
            SendBody::Answer { request, .. } => (&self.send.session, Some(request)),
        }
    }
}

/// KiB for which an answer may take as long again: at the default, of a line that carries 8 KiB a second.
const SLOW_KIB: u64 = 120;

/// How long the answer to an attempt may take: a large send has to get up first.
pub(super) fn receipt_limit(timings: &Timings, send: &Send) -> Millis {
    timings.receipt.scaled(SLOW_KIB + (size(send) >> 10) as u64, SLOW_KIB)
}

/// The bytes that a send's content takes in the outbox.
fn size(send: &Send) -> usize {
    match &send.body {
        SendBody::Text(text) => text.len(),
        SendBody::Answer { option, .. } => option.len(),
    }
}
