//! What becomes of a send: the answers, timers and decisions that move it from state to state.

use moorline_protocol::{
    ClientFrame, Code, Event, EventBody, Item, MessageId, Millis, Receipt, ReceiptOutcome, Seq, SessionId, Settlement, Withdraw, mutant,
};

use super::{
    diagnostics::Counters,
    event::{ClientEvent, Failure, Notice, SendStatus},
    input::TakenBack,
    outbox::{Entry, Outbox, State, Withdrawal, receipt_limit},
    outcome::{Disposition, Verdict},
    output::Persist,
    port::Port,
};
use crate::Random;

impl Outbox {
    /// The current connection's answer to a send or a withdrawal.
    pub(super) fn receipt(&mut self, port: &mut Port<'_>, counters: &mut Counters, receipt: Receipt) {
        match receipt.outcome {
            ReceiptOutcome::Accepted { seq } => self.accepted(port, counters, &receipt.message, seq),
            ReceiptOutcome::Withdrawn => self.withdrawn(port, &receipt.session, &receipt.message),
            ReceiptOutcome::Started => {
                let was_asked = self.take_withdrawal(&receipt.message).is_some() || self.entry(&receipt.message).is_some();
                self.gone(port, &receipt.message, false);
                if was_asked {
                    port.event(ClientEvent::Notice(Notice::TooLate { session: receipt.session, message: receipt.message }));
                }
            }
        }
    }

    /// A receipt from a connection that is not the current one: only an acceptance is a fact for ever.
    pub(super) fn late_receipt(&mut self, port: &mut Port<'_>, counters: &mut Counters, receipt: Receipt) {
        if let ReceiptOutcome::Accepted { seq } = receipt.outcome {
            self.accepted(port, counters, &receipt.message, seq);
        }
    }

    /// The current connection's answer to a send or a withdrawal, when it is no receipt.
    pub(super) fn refused(
        &mut self,
        port: &mut Port<'_>,
        random: &mut Random,
        counters: &mut Counters,
        message: &MessageId,
        verdict: Verdict,
        is_unanswered: bool,
    ) {
        if self.take_withdrawal(message).is_some() {
            let Failure { code, message } = verdict.failure;
            return port.event(ClientEvent::Notice(Notice::Refused { code: code.unwrap_or(Code::Unknown), message }));
        }
        let Some(entry) = self.entry(message) else { return };
        let session = entry.send.session.clone();
        if matches!(entry.state, State::InFlight { .. }) {
            verdict.count(&mut counters.attempts, is_unanswered);
        }
        match (&entry.state, verdict.disposition) {
            // The gateway has recorded the withdrawal, or holds nothing that could be withdrawn.
            (State::Withdrawing { .. }, Disposition::Settled) => self.withdrawn(port, &session, message),
            (State::Withdrawing { .. }, Disposition::Failed) if verdict.failure.code == Some(Code::UnknownSession) => {
                self.withdrawn(port, &session, message);
            }
            // Whether it was accepted is not known: the user decides again.
            (State::Withdrawing { .. }, Disposition::Failed) => self.change(port, message, |entry| {
                entry.state = State::Failed(verdict.failure);
            }),
            (State::InFlight { .. }, Disposition::Retry { after }) => self.attempt_failed(port, random, message, after, verdict.failure),
            (State::InFlight { .. }, Disposition::Reconnect) => self.attempt_failed(port, random, message, None, verdict.failure),
            (State::InFlight { .. }, Disposition::Settled) => {
                self.gone(port, message, true);
                let Failure { code, message } = verdict.failure;
                port.event(ClientEvent::Notice(Notice::Settled { session, code: code.unwrap_or(Code::Unknown), message }));
            }
            (State::InFlight { .. }, Disposition::Failed) => self.fail(port, message, verdict.failure),
            // The answer to an attempt that was given up before: the later attempt decides.
            (State::Withdrawing { .. }, Disposition::Retry { .. } | Disposition::Reconnect)
            | (_, Disposition::SignedOut)
            | (State::Queued | State::Retrying { .. } | State::Failed(_) | State::Accepted { .. }, _) => {}
        }
    }

    /// The journal's own word on sends of this tab: a receipt whatever their state.
    pub(super) fn saw_events(&mut self, port: &mut Port<'_>, session: &SessionId, events: &[Event]) {
        if self.entries.is_empty() && self.withdrawals.is_empty() && self.copied.is_empty() {
            return;
        }
        for event in events {
            match &event.body {
                EventBody::Accepted(accepted) => self.seen(port, &accepted.message),
                EventBody::Answered(answered) => self.seen(port, &answered.message),
                EventBody::Withdrawn(withdrawn) => self.withdrawn(port, session, &withdrawn.message),
                EventBody::Fold(fold) => {
                    fold.turns.iter().for_each(|turn| self.seen(port, &turn.id));
                    fold.blocks.iter().for_each(|block| self.seen_settled(port, block.fields.settled.as_ref()));
                }
                EventBody::TurnStarted(_)
                | EventBody::TurnStopping(_)
                | EventBody::TurnEnded(_)
                | EventBody::Opened(_)
                | EventBody::Changed(_)
                | EventBody::Append(_)
                | EventBody::Unknown { .. } => {}
            }
        }
    }

    /// A snapshot speaks as its events would have. One that replaces the transcript belongs to another journal: what an
    /// earlier connection's receipt promised is no longer waited for.
    pub(super) fn saw_snapshot(&mut self, port: &mut Port<'_>, session: &SessionId, replaces: bool, items: &[Item]) {
        for item in items {
            match item {
                Item::Turn(turn) => self.seen(port, &turn.id),
                Item::Block(block) => self.seen_settled(port, block.fields.settled.as_ref()),
                Item::Append(_) => {}
            }
        }
        if replaces {
            let current = port.link();
            self.drop_accepted(port, session, false, |_, link| link != current);
        }
    }

    /// The gateway does not know the session: what it accepted on an earlier connection is lost with it (a restored backup).
    /// The text returns to the composer.
    pub(super) fn session_missing(&mut self, port: &mut Port<'_>, session: &SessionId) {
        let current = port.link();
        self.drop_accepted(port, session, true, |_, link| link != current);
    }

    /// The session was deleted, and with it what it had accepted. What it had not returns to the composer: nothing of it
    /// will ever be taken.
    pub(super) fn session_deleted(&mut self, port: &mut Port<'_>, session: &SessionId) {
        self.withdrawals.retain(|withdrawal| withdrawal.session != *session);
        let held = self.entries.iter().filter(|entry| entry.send.session == *session);
        let returns = |entry: &Entry| !matches!(entry.state, State::Accepted { .. } | State::Withdrawing { taken: TakenBack::Remove, .. });
        let held: Vec<_> = held.map(|entry| (entry.send.message.clone(), returns(entry))).collect();
        for (message, returns) in held {
            self.gone(port, &message, returns);
        }
    }

    /// Everything up to `seq` is on screen or in a gap: an echo accepted below it has nothing left to wait for.
    pub(super) fn applied(&mut self, port: &mut Port<'_>, session: &SessionId, seq: Seq) {
        self.drop_accepted(port, session, false, |accepted, _| accepted <= seq);
    }

    /// Tries a failed send again, with a new budget.
    pub(super) fn retry(&mut self, port: &mut Port<'_>, message: &MessageId) {
        let has_failed = self.entry(message).is_some_and(|entry| matches!(entry.state, State::Failed(_)));
        if has_failed {
            self.change(port, message, |entry| {
                entry.attempts = 0;
                entry.state = State::Queued;
            });
            self.pump(port);
        }
    }

    /// Takes a send back: at once when no copy can have left, else by the gateway's word.
    pub(super) fn take_back(&mut self, port: &mut Port<'_>, message: &MessageId, taken: TakenBack) {
        let Some(entry) = self.entry(message) else { return };
        match &entry.state {
            State::Withdrawing { .. } => {}
            State::Accepted { .. } => {
                let (session, text) = (entry.send.session.clone(), text_of(entry, taken));
                self.withdraw(port, &session, message, text);
            }
            State::Queued | State::InFlight { .. } | State::Retrying { .. } | State::Failed(_) if entry.touched => {
                self.change(port, message, |entry| entry.state = State::Withdrawing { taken, asked: None });
                self.pump(port);
            }
            State::Queued | State::InFlight { .. } | State::Retrying { .. } | State::Failed(_) => {
                self.gone(port, message, taken == TakenBack::Edit);
                self.pump(port);
            }
        }
    }

    /// Withdraws a message that the gateway has queued.
    pub(super) fn withdraw(&mut self, port: &mut Port<'_>, session: &SessionId, message: &MessageId, text: Option<String>) {
        let _ = self.take_withdrawal(message);
        self.withdrawals.push(Withdrawal { message: message.clone(), session: session.clone(), text });
        port.transmit(ClientFrame::Withdraw(Withdraw { session: session.clone(), message: message.clone() }));
    }

    /// A new connection stands: asks again for what the last one did not answer.
    pub(super) fn connected(&mut self, port: &mut Port<'_>) {
        for Withdrawal { message, session, .. } in &self.withdrawals {
            port.transmit(ClientFrame::Withdraw(Withdraw { session: session.clone(), message: message.clone() }));
        }
    }

    /// The connection is gone: each attempt that was on its way has failed, and counts.
    pub(super) fn disconnected(&mut self, port: &mut Port<'_>, random: &mut Random, counters: &mut Counters) {
        let cut: Vec<MessageId> = self.in_flight().collect();
        for message in cut {
            counters.attempts.unanswered += 1;
            self.attempt_failed(port, random, &message, None, Verdict::unanswered().failure);
        }
        self.forget_asked();
    }

    /// The connection is put down on purpose: what was on its way is queued again, and not counted.
    pub(super) fn recall(&mut self, port: &mut Port<'_>) {
        for entry in self.entries.iter_mut().filter(|entry| matches!(entry.state, State::InFlight { .. })) {
            entry.state = State::Queued;
            port.event(ClientEvent::Send(entry.status()));
        }
        self.forget_asked();
    }

    /// Whether an attempt was not answered in time: the connection is to be given up, and the next attempt gets a new one.
    pub(super) fn unanswered(&self, now: Millis) -> bool {
        let is_late =
            |entry: &Entry| matches!(entry.state, State::InFlight { since } if now >= since + receipt_limit(&self.timings, &entry.send));
        self.entries.iter().any(is_late)
    }

    /// Queues again what has waited long enough, and asks again for a withdrawal that was not answered in time.
    pub(super) fn expire(&mut self, port: &mut Port<'_>) {
        let is_ready = port.is_ready();
        let receipt = self.timings.receipt;
        for entry in &mut self.entries {
            match &mut entry.state {
                State::Retrying { at } if port.now >= *at && !is_ready && mutant::is("spends_while_waiting") => {
                    entry.attempts += 1;
                    entry.state = State::Retrying { at: port.now + receipt };
                    port.event(ClientEvent::Send(entry.status()));
                }
                State::Retrying { at } if port.now >= *at => {
                    entry.state = State::Queued;
                    port.event(ClientEvent::Send(entry.status()));
                }
                State::Withdrawing { asked, .. } if asked.is_some_and(|since| port.now >= since + receipt) => *asked = None,
                State::Queued
                | State::InFlight { .. }
                | State::Retrying { .. }
                | State::Failed(_)
                | State::Withdrawing { .. }
                | State::Accepted { .. } => {}
            }
        }
    }

    /// Waits for the next attempt, or fails for good when the budget is spent.
    fn attempt_failed(&mut self, port: &mut Port<'_>, random: &mut Random, message: &MessageId, after: Option<Millis>, failure: Failure) {
        let Some(entry) = self.entry_mut(message) else { return };
        let attempts = entry.attempts + 1;
        if attempts >= self.limits.attempts {
            return self.fail(port, message, failure);
        }
        let base = if attempts == 1 { self.timings.retry_first } else { self.timings.retry_second };
        let spread = base.scaled(500 + random.below(1001), 1000);
        let wait = after.map_or(spread, |after| after.min(self.timings.retry_after_max));
        let at = if mutant::is("retries_at_once") { port.now } else { port.now + wait };
        port.event(ClientEvent::AttemptFailed { message: message.clone(), attempts, failure });
        self.change(port, message, |entry| {
            entry.attempts = attempts;
            entry.state = State::Retrying { at };
        });
    }

    /// The last attempt, or one that is not worth another.
    fn fail(&mut self, port: &mut Port<'_>, message: &MessageId, failure: Failure) {
        let Some(entry) = self.entry_mut(message) else { return };
        let attempts = entry.attempts + 1;
        port.event(ClientEvent::AttemptFailed { message: message.clone(), attempts, failure: failure.clone() });
        self.change(port, message, |entry| {
            entry.attempts = attempts;
            entry.state = State::Failed(failure);
        });
        if mutant::is("failed_to_tail")
            && let Some(at) = self.entries.iter().position(|entry| entry.send.message == *message)
        {
            let failed = self.entries.remove(at);
            self.entries.extend(failed);
        }
    }

    fn accepted(&mut self, port: &mut Port<'_>, counters: &mut Counters, message: &MessageId, seq: Seq) {
        let link = port.link();
        let Some(entry) = self.entry_mut(message) else { return };
        // One that is being taken back waits for the answer to that: it may have been accepted first and withdrawn then.
        if !matches!(entry.state, State::Withdrawing { .. } | State::Accepted { .. }) {
            entry.state = State::Accepted { seq, link };
            counters.attempts.accepted += 1;
            let status = entry.status();
            port.persist(Persist::RemoveSend(message.clone()));
            port.event(ClientEvent::Send(status));
            if mutant::is("receipt_removes_echo") {
                self.gone(port, message, false);
            }
        }
    }

    fn withdrawn(&mut self, port: &mut Port<'_>, session: &SessionId, message: &MessageId) {
        if let Some(Withdrawal { text, .. }) = self.take_withdrawal(message) {
            self.gone(port, message, false);
            port.event(ClientEvent::SendGone { session: session.clone(), message: message.clone(), text });
        } else if let Some(entry) = self.entry(message) {
            let edits = matches!(entry.state, State::Withdrawing { taken: TakenBack::Edit, .. });
            self.gone(port, message, edits);
        }
    }

    /// The journal shows this message.
    fn seen(&mut self, port: &mut Port<'_>, message: &MessageId) {
        self.forget_copy(port, message);
        let Some(entry) = self.entry(message) else { return };
        if !matches!(entry.state, State::Withdrawing { .. }) {
            self.gone(port, message, false);
        }
    }

    fn seen_settled(&mut self, port: &mut Port<'_>, settled: Option<&Settlement>) {
        if let Some(Settlement::Answered { message, .. }) = settled {
            self.seen(port, message);
        }
    }

    fn drop_accepted(
        &mut self,
        port: &mut Port<'_>,
        session: &SessionId,
        with_text: bool,
        is_done: impl Fn(Seq, Option<super::LinkId>) -> bool,
    ) {
        let done =
            |entry: &&Entry| entry.send.session == *session && matches!(entry.state, State::Accepted { seq, link } if is_done(seq, link));
        let messages: Vec<MessageId> = self.entries.iter().filter(done).map(|entry| entry.send.message.clone()).collect();
        for message in messages {
            self.gone(port, &message, with_text);
        }
    }

    /// Changes an entry, persists it and tells the page.
    fn change(&mut self, port: &mut Port<'_>, message: &MessageId, change: impl FnOnce(&mut Entry)) {
        let Some(entry) = self.entry_mut(message) else { return };
        change(entry);
        let (stored, status): (_, SendStatus) = (entry.stored(), entry.status());
        port.persist(Persist::PutSend(stored));
        port.event(ClientEvent::Send(status));
    }

    fn in_flight(&self) -> impl Iterator<Item = MessageId> {
        let in_flight = |entry: &&Entry| matches!(entry.state, State::InFlight { .. });
        self.entries.iter().filter(in_flight).map(|entry| entry.send.message.clone())
    }

    fn forget_asked(&mut self) {
        for entry in &mut self.entries {
            if let State::Withdrawing { asked, .. } = &mut entry.state {
                *asked = None;
            }
        }
    }
}

fn text_of(entry: &Entry, taken: TakenBack) -> Option<String> {
    match &entry.send.body {
        moorline_protocol::SendBody::Text(text) if taken == TakenBack::Edit => Some(text.clone()),
        moorline_protocol::SendBody::Text(_) | moorline_protocol::SendBody::Answer { .. } => None,
    }
}
