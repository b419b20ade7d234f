//! POSTs and questions: each finds its own way up, and its answer its own way back.

use moorline_delivery::{Checked, ConnectionInput, LinkId, PostId, Posted, Transport};
use moorline_protocol::{ClientFrame, Code, ConnectionId, ErrorFrame, Millis, decode_client, encode};

use super::{Happening, World};
use crate::{
    gateway::{Back, Sender, Way},
    plan::Cut,
};

/// What becomes of a POST on its way up.
enum Up {
    /// It arrives, so much later than the line would bring it.
    Arrives(Millis),
    /// Somebody in between answers.
    Answered(Posted),
    Vanishes,
}

impl World {
    pub(super) fn post(&mut self, no: usize, post: PostId, connection: ConnectionId, frame: &ClientFrame) {
        let (up, back) = self.fate();
        let tab = &mut self.tabs[no];
        tab.posts.insert(post);
        let sender = Sender { tab: no, document: tab.document, post, back };
        let swallowed = tab.wires.values().any(|wire| self.wires[*wire].transport == Transport::Sse && self.wires[*wire].up.is_hole);
        let (is_cut_off, hangs) = (self.now < tab.unreachable_until, tab.hangs);
        let text = encode(frame);
        self.trace.note(self.now, "post", || format!("tab {no} {post:?}: {text}"));
        let way = self.one_way();
        match up {
            _ if swallowed || is_cut_off && hangs => {}
            _ if is_cut_off => self.after(way, answered(&sender, Posted::NoAnswer)),
            Up::Vanishes => {}
            Up::Answered(posted) => self.after(way + way, answered(&sender, posted)),
            Up::Arrives(late) => self.after(way + late, Happening::PostArrives { sender, connection, text }),
        }
    }

    pub(super) fn post_arrives(&mut self, sender: Sender, connection: &ConnectionId, text: &str) {
        let Some(gateway) = &mut self.gateway else { return self.respond(sender, Posted::NoAnswer) };
        let Some((wire, seated)) = gateway.connections.iter_mut().find(|(_, seated)| seated.id == *connection) else {
            let error = ErrorFrame::new(Code::UnknownConnection, "there is no such connection");
            return self.respond(sender, Posted::Refused(error));
        };
        let wire = *wire;
        let Ok(frame) = decode_client(text) else { return self.oracle.violate(0, format!("no frame was posted: {text}")) };
        if matches!(frame, ClientFrame::Send(_) | ClientFrame::Withdraw(_) | ClientFrame::Cancel(_)) {
            seated.connection.handle(self.now, ConnectionInput::Heard);
        }
        match frame {
            ClientFrame::Send(send) => self.submit(Way::Post(sender), send),
            ClientFrame::Withdraw(withdraw) => self.withdraw(Way::Post(sender), withdraw),
            ClientFrame::Cancel(cancel) => self.cancel(Way::Post(sender), cancel),
            frame => {
                seated.heard(&frame);
                self.feed_connection(wire, ConnectionInput::Frame(frame));
                self.respond(sender, Posted::Done);
            }
        }
    }

    /// Answers a POST, if its answer gets back.
    pub(crate) fn respond(&mut self, sender: Sender, posted: Posted) {
        let posted = match &sender.back {
            Back::Arrives => posted,
            Back::Becomes(other) => other.clone(),
            Back::Vanishes => return,
        };
        let way = self.one_way();
        self.after(way, answered(&sender, posted));
    }

    pub(super) fn post_answered(&mut self, no: usize, document: u64, post: PostId, posted: Posted) {
        let tab = &mut self.tabs[no];
        if tab.is_closed || tab.is_away || tab.document != document {
            return;
        }
        if self.now < tab.asleep_until {
            let at = tab.asleep_until;
            return self.at(at, Happening::PostAnswered { tab: no, document, post, posted });
        }
        if tab.posts.remove(&post) {
            self.trace.note(self.now, "posted", || format!("tab {no} {post:?}: {posted:?}"));
            if tab.client.deadline().is_some_and(|deadline| deadline <= self.now) {
                tab.client.handle_deadline(self.now);
            }
            tab.client.handle_posted(self.now, post, posted);
            self.drain_tab(no);
        }
    }

    /// Asks why nothing came of a connection.
    pub(super) fn check(&mut self, no: usize, link: LinkId) {
        let tab = &self.tabs[no];
        let (document, is_cut_off, hangs) = (tab.document, self.now < tab.unreachable_until, tab.hangs);
        let checked = match (is_cut_off || self.gateway.is_none(), self.faults()) {
            (true, _) => Checked::NoAnswer,
            (false, false) => Checked::Welcome,
            (false, true) => match self.random.below(4) {
                0 => Checked::NoAnswer,
                1 if self.plan.logins_end => Checked::Unauthorized,
                1 => Checked::NoAnswer,
                2 => Checked::Refused { retry_after: None },
                _ => Checked::Refused { retry_after: Some(self.named_wait()) },
            },
        };
        if !(is_cut_off && hangs) {
            let way = self.one_way();
            self.after(way + way, Happening::Checked { tab: no, document, link, checked });
        }
    }

    pub(super) fn checked(&mut self, no: usize, document: u64, link: LinkId, checked: Checked) {
        let tab = &mut self.tabs[no];
        if tab.is_closed || tab.is_away || tab.document != document {
            return;
        }
        if self.now < tab.asleep_until {
            let at = tab.asleep_until;
            return self.at(at, Happening::Checked { tab: no, document, link, checked });
        }
        self.trace.note(self.now, "checked", || format!("tab {no}: {checked:?}"));
        tab.client.handle_checked(self.now, link, checked);
        self.drain_tab(no);
    }

    pub(super) fn signs_in(&mut self, no: usize, document: u64) {
        let tab = &mut self.tabs[no];
        if tab.is_closed || tab.document != document {
            return;
        }
        if !tab.is_awake(self.now) {
            return self.after(Millis(1_000), Happening::SignsIn { tab: no, document });
        }
        tab.client.signed_in(self.now);
        self.drain_tab(no);
    }

    /// A cut meets the POSTs on their way too: some never arrive, of some only the answer is lost.
    pub(super) fn cut_posts(&mut self, no: usize, cut: Cut) {
        if cut == Cut::Reset {
            for post in self.tabs[no].posts.clone() {
                if self.random.below(2) == 0 {
                    let document = self.tabs[no].document;
                    self.after(Millis::ZERO, Happening::PostAnswered { tab: no, document, post, posted: Posted::NoAnswer });
                }
            }
        }
    }

    fn fate(&mut self) -> (Up, Back) {
        if !self.faults() {
            return (Up::Arrives(Millis::ZERO), Back::Arrives);
        }
        match self.random.below(8) {
            0 => (Up::Vanishes, Back::Arrives),
            1 | 2 => (Up::Answered(self.somebody_elses_answer()), Back::Arrives),
            3 => (Up::Arrives(Millis(self.random.below(30_000))), Back::Arrives),
            4 => (Up::Arrives(Millis::ZERO), Back::Vanishes),
            5 => (Up::Arrives(Millis(self.random.below(3_000))), Back::Becomes(Posted::NoAnswer)),
            _ => (Up::Arrives(Millis::ZERO), Back::Becomes(self.somebody_elses_answer())),
        }
    }

    /// Everything of the table but an end that would be a lie.
    fn somebody_elses_answer(&mut self) -> Posted {
        loop {
            let posted = self.any_answer();
            let ends_login = matches!(&posted, Posted::Status { status: 401, .. })
                || matches!(&posted, Posted::Refused(error) if error.code == Code::Unauthorized);
            if self.plan.logins_end || !ends_login {
                return posted;
            }
        }
    }

    fn any_answer(&mut self) -> Posted {
        let transient =
            [Code::TooMany, Code::Internal, Code::StoreUnavailable, Code::GoingAway, Code::UnknownConnection, Code::Unauthorized];
        let statuses = [200, 204, 400, 401, 403, 404, 408, 413, 418, 425, 429, 500, 502, 503, 504];
        match self.random.below(4) {
            0 => {
                let code = transient[self.random.below(transient.len() as u64) as usize];
                Posted::Refused(ErrorFrame::new(code, "simulated"))
            }
            1 => Posted::Done,
            _ => {
                let status = statuses[self.random.below(statuses.len() as u64) as usize];
                let retry_after = (self.random.below(2) == 0).then(|| self.named_wait());
                Posted::Status { status, retry_after }
            }
        }
    }

    fn named_wait(&mut self) -> Millis {
        Millis(1_000 + self.random.below(20_000))
    }

    fn faults(&mut self) -> bool {
        !self.is_calm && self.plan.post_faults > 0 && self.random.below(self.plan.post_faults) == 0
    }

    /// Requests overtake each other.
    fn one_way(&mut self) -> Millis {
        self.plan.quality.latency + Millis(self.random.below(self.plan.quality.jitter.0 + 1))
    }
}

fn answered(sender: &Sender, posted: Posted) -> Happening {
    Happening::PostAnswered { tab: sender.tab, document: sender.document, post: sender.post, posted }
}
