//! What frames and answers of the gateway come to.

use moorline_protocol::{ClientId, Code, ErrorFrame, Hello, Millis, Receipt, Rows, VERSION, Welcome};

use super::{
    Client, cancel_failed,
    event::{ClientEvent, Notice},
    input::Posted,
    link::Rest,
    outcome::{Disposition, Verdict},
    output::{LinkId, Output, Persist},
    port::Port,
    posts::{Out, What},
};

impl Client {
    pub(super) fn hello(&mut self, now: Millis) -> Hello {
        Hello {
            version: VERSION,
            client: self.client.clone(),
            page: self.page.clone(),
            attaches: self.attachments.greet(now),
            rows_rev: self.rows_rev,
        }
    }

    pub(super) fn receipt(&mut self, now: Millis, receipt: Receipt) {
        let mut port = Port::new(now, self.link.ready(), &mut self.outputs);
        let session = receipt.session.clone();
        self.attachments.may_exist(&mut port, &session);
        self.outbox.receipt(&mut port, &mut self.counters, receipt);
        // The event may have been here before its receipt, or lie in a gap: then there is nothing to wait for.
        if let Some(seq) = self.attachments.applied_seq(&session) {
            self.outbox.applied(&mut port, &session, seq);
        }
    }

    /// What a POST on the current connection came to.
    pub(super) fn answered(&mut self, now: Millis, what: What, posted: Posted) {
        if let Posted::Receipt(receipt) = posted {
            return self.receipt(now, receipt);
        }
        let is_done = posted == Posted::Done;
        let is_unanswered = posted == Posted::NoAnswer;
        let Some(verdict) = Verdict::of_post(posted) else { return };
        let disposition = verdict.disposition;
        let mut port = Port::new(now, self.link.ready(), &mut self.outputs);
        match what {
            What::Send(message) if disposition != Disposition::SignedOut => {
                self.outbox.refused(&mut port, &mut self.random, &mut self.counters, &message, verdict, is_unanswered);
            }
            What::Cancel(session, turn) => {
                self.cancels.retain(|(_, cancelled)| *cancelled != turn);
                if !is_done {
                    cancel_failed(&mut port, session, turn, &verdict.failure.message);
                }
            }
            What::Attach(session, no) if !is_done && disposition != Disposition::SignedOut => {
                // The stream may have answered it all the same.
                if self.attachments.awaits(&session, no) {
                    self.lost(now);
                }
            }
            What::Send(_) | What::Attach(..) | What::Other => {}
        }
        match disposition {
            Disposition::Reconnect => self.lost(now),
            Disposition::SignedOut => self.rest(now, Rest::SignedOut),
            Disposition::Retry { .. } | Disposition::Settled | Disposition::Failed => {}
        }
    }

    /// A receipt of a connection that is not the current one.
    pub(super) fn late_receipt(&mut self, now: Millis, receipt: Receipt) {
        let mut port = Port::new(now, None, &mut self.outputs);
        let session = receipt.session.clone();
        self.outbox.late_receipt(&mut port, &mut self.counters, receipt);
        if let Some(seq) = self.attachments.applied_seq(&session) {
            self.outbox.applied(&mut port, &session, seq);
        }
    }

    /// What a POST came to that was given up, or whose connection is not the current one: only an acceptance is a fact.
    pub(super) fn late(&mut self, now: Millis, out: Option<Out>, posted: Posted) {
        let mut port = Port::new(now, None, &mut self.outputs);
        match (posted, out.map(|out| out.what)) {
            (Posted::Receipt(receipt), _) => self.late_receipt(now, receipt),
            // The stream gave way to a WebSocket meanwhile; the cancel was tried once all the same.
            (Posted::Refused(_) | Posted::Status { .. } | Posted::NoAnswer, Some(What::Cancel(session, turn))) => {
                if let Some(at) = self.cancels.iter().position(|(_, cancelled)| *cancelled == turn) {
                    self.cancels.remove(at);
                    cancel_failed(&mut port, session, turn, "the gateway did not answer");
                }
            }
            _ => {}
        }
    }

    pub(super) fn welcome(&mut self, now: Millis, link: LinkId, welcome: Welcome) {
        if welcome.version != VERSION {
            return self.rest(now, Rest::Incompatible);
        }
        if !self.link.welcomed(now, link, welcome.connection, welcome.timings.clone()) {
            return;
        }
        self.counters.connections += 1;
        self.attachments.configure(welcome.timings.clone(), welcome.limits.clone());
        self.outbox.configure(welcome.timings, welcome.limits);
        self.outputs.push_back(Output::Event(ClientEvent::Agents(welcome.agents)));
        let mut port = Port::new(now, Some(link), &mut self.outputs);
        self.attachments.catch_up_with(&mut port);
        self.outbox.connected(&mut port);
    }

    pub(super) fn rows(&mut self, now: Millis, rows: Rows) {
        let mut port = Port::new(now, self.link.ready(), &mut self.outputs);
        if rows.list_reset {
            self.attachments.ask_again(&mut port);
        }
        for row in &rows.rows {
            if row.deleted {
                self.attachments.deleted(&mut port, &row.session);
                self.outbox.session_deleted(&mut port, &row.session);
            } else {
                self.attachments.may_exist(&mut port, &row.session);
            }
        }
        let highest = rows.rows.iter().map(|row| row.rev).max();
        self.rows_rev = if rows.list_reset { Some(highest.unwrap_or(0)) } else { self.rows_rev.max(highest) };
        port.event(ClientEvent::Rows(rows));
    }

    /// The one place that decides what an `error` frame is about.
    pub(super) fn error(&mut self, now: Millis, error: ErrorFrame) {
        let mut port = Port::new(now, self.link.ready(), &mut self.outputs);
        match (error.code, &error.message_id, &error.session, error.no) {
            (Code::Unauthorized, ..) => self.rest(now, Rest::SignedOut),
            (Code::IncompatibleVersion, ..) => self.rest(now, Rest::Incompatible),
            (Code::ClientTaken, ..) => {
                self.client = ClientId::from_random(self.random.wide());
                port.persist(Persist::ClientId(self.client.clone()));
                self.link.give_up(now, None, &mut self.random, &mut self.outputs);
                self.parted(now);
            }
            (_, Some(message), ..) => {
                if let Some(at) = self.cancels.iter().position(|(_, turn)| turn == message) {
                    let (session, turn) = self.cancels.remove(at);
                    cancel_failed(&mut port, session, turn, &error.message);
                } else {
                    let message = message.clone();
                    let verdict = Verdict::of_error(error);
                    let disposition = verdict.disposition;
                    self.outbox.refused(&mut port, &mut self.random, &mut self.counters, &message, verdict, false);
                    if disposition == Disposition::Reconnect {
                        self.lost(now);
                    }
                }
            }
            (Code::Deleted, None, Some(session), Some(_)) => {
                self.attachments.deleted(&mut port, session);
                self.outbox.session_deleted(&mut port, session);
            }
            (_, None, Some(session), Some(no)) => {
                if self.attachments.refused(&mut port, session, no) {
                    self.outbox.session_missing(&mut port, session);
                }
            }
            (..) => port.event(ClientEvent::Notice(Notice::Refused { code: error.code, message: error.message })),
        }
    }
}
