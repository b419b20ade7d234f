//! One connection at a time: when to connect and over what, when to give up, when to try again.

mod phase;

use std::collections::VecDeque;

use moorline_protocol::{ClientFrame, ClientPing, ConnectionId, Millis, Timings};

use super::event::{DropReason, LinkStatus, Trouble};
use super::input::Checked;
use super::output::{LinkId, Output, Transport};
use crate::Random;
pub(super) use phase::{AfterCheck, Rest};
use phase::{Look, Phase, Standing};

/// So many WebSockets in a row must bring no welcome, with the gateway there, before SSE is tried.
const REFUSED_SOCKETS: u32 = 2;

#[derive(Debug)]
pub(super) struct Link {
    timings: Timings,
    phase: Phase,
    last_id: u64,
    /// Connections in a row that did not last: the exponent of the backoff.
    unstable: u32,
    /// WebSockets in a row that brought no welcome although the gateway was there.
    refused_sockets: u32,
    /// The browser says that there is no network. It is believed for what the page says, not for what is tried.
    offline: bool,
    trouble: Option<Trouble>,
    told: Option<(LinkStatus, Option<Trouble>)>,
}

impl Link {
    pub(super) const fn new(timings: Timings) -> Self {
        Self {
            timings,
            phase: Phase::Resting(Rest::NotStarted),
            last_id: 0,
            unstable: 0,
            refused_sockets: 0,
            offline: false,
            trouble: None,
            told: None,
        }
    }

    /// A WebSocket first, every time.
    pub(super) fn connect(&mut self, now: Millis, outputs: &mut VecDeque<Output>) {
        let link = self.new_id();
        self.phase = Phase::Connecting { link, transport: Transport::WebSocket, since: now };
        outputs.push_back(Output::OpenSocket { link });
    }

    pub(super) fn is_current(&self, link: LinkId) -> bool {
        self.current() == Some(link)
    }

    pub(super) const fn current(&self) -> Option<LinkId> {
        match &self.phase {
            Phase::Connecting { link, .. } | Phase::Ready(Standing { link, .. }) => Some(*link),
            Phase::Resting(_) | Phase::Waiting { .. } | Phase::Checking { .. } => None,
        }
    }

    /// The connection, once `welcome` is here.
    pub(super) const fn ready(&self) -> Option<LinkId> {
        match &self.phase {
            Phase::Ready(standing) => Some(standing.link),
            Phase::Resting(_) | Phase::Waiting { .. } | Phase::Connecting { .. } | Phase::Checking { .. } => None,
        }
    }

    /// The connection, if an attempt of a send may start on it: not after `going_away`.
    pub(super) const fn takes_sends(&self) -> Option<LinkId> {
        match &self.phase {
            Phase::Ready(Standing { link, leaving: None, .. }) => Some(*link),
            Phase::Ready(_) | Phase::Resting(_) | Phase::Waiting { .. } | Phase::Connecting { .. } | Phase::Checking { .. } => None,
        }
    }

    pub(super) const fn refuses_sends(&self) -> Option<DropReason> {
        match &self.phase {
            Phase::Resting(Rest::SignedOut) => Some(DropReason::SignedOut),
            Phase::Resting(Rest::Incompatible) => Some(DropReason::IncompatibleVersion),
            Phase::Resting(Rest::PutAway) => Some(DropReason::PageGoingAway),
            Phase::Resting(Rest::NotStarted)
            | Phase::Waiting { .. }
            | Phase::Connecting { .. }
            | Phase::Checking { .. }
            | Phase::Ready(_) => None,
        }
    }

    /// What frames travel on.
    pub(super) const fn transport(&self) -> Option<Transport> {
        match &self.phase {
            Phase::Ready(Standing { transport, .. }) | Phase::Connecting { transport, .. } => Some(*transport),
            Phase::Resting(_) | Phase::Waiting { .. } | Phase::Checking { .. } => None,
        }
    }

    /// The gateway's name for the connection.
    pub(super) const fn connection(&self) -> Option<&ConnectionId> {
        match &self.phase {
            Phase::Ready(standing) => Some(&standing.connection),
            Phase::Resting(_) | Phase::Waiting { .. } | Phase::Connecting { .. } | Phase::Checking { .. } => None,
        }
    }

    /// When a `ping` last came.
    pub(super) const fn pinged(&self) -> Option<Millis> {
        match &self.phase {
            Phase::Ready(standing) => standing.pinged,
            Phase::Resting(_) | Phase::Waiting { .. } | Phase::Connecting { .. } | Phase::Checking { .. } => None,
        }
    }

    /// The transport stands; `welcome` must still come within the connect timeout, counted from here.
    pub(super) const fn opened(&mut self, now: Millis) {
        if let Phase::Connecting { since, .. } = &mut self.phase {
            *since = now;
        }
    }

    /// Whether this is the WebSocket that was tried beside a stream. It takes the stream's place.
    pub(super) fn switches_to(&mut self, now: Millis, socket: LinkId, outputs: &mut VecDeque<Output>) -> bool {
        let Phase::Ready(standing) = &self.phase else { return false };
        let is_it = matches!(standing.look, Look::Opening { link, .. } if link == socket);
        if is_it {
            outputs.push_back(Output::Disconnect { link: standing.link });
            self.phase = Phase::Connecting { link: socket, transport: Transport::WebSocket, since: now };
        }
        is_it
    }

    /// Whether this was the WebSocket that was tried beside a stream: then the stream simply goes on.
    pub(super) fn looked_in_vain(&mut self, now: Millis, socket: LinkId) -> bool {
        let next = now + self.timings.upgrade;
        let Phase::Ready(standing) = &mut self.phase else { return false };
        let was_it = matches!(standing.look, Look::Opening { link, .. } if link == socket);
        if was_it {
            standing.look = Look::At(next);
        }
        was_it
    }

    /// Whether this was the welcome that was waited for.
    pub(super) fn welcomed(&mut self, now: Millis, link: LinkId, connection: ConnectionId, timings: Timings) -> bool {
        let Phase::Connecting { transport, .. } = self.phase else { return false };
        self.timings = timings;
        self.trouble = None;
        let look = match transport {
            Transport::WebSocket => {
                self.refused_sockets = 0;
                Look::Needless
            }
            Transport::Sse => Look::At(now + self.timings.upgrade),
        };
        let (since, heard) = (now, now);
        self.phase = Phase::Ready(Standing { link, transport, connection, since, heard, pinged: None, probe: None, leaving: None, look });
        true
    }

    pub(super) const fn heard(&mut self, now: Millis) {
        if let Phase::Ready(standing) = &mut self.phase {
            standing.heard = now;
            standing.probe = None;
        }
    }

    pub(super) const fn heard_ping(&mut self, now: Millis) {
        if let Phase::Ready(standing) = &mut self.phase {
            standing.pinged = Some(now);
        }
    }

    /// Finds out quickly whether the connection still stands, or tries now instead of later.
    pub(super) fn probe(&mut self, now: Millis, outputs: &mut VecDeque<Output>) {
        match &mut self.phase {
            Phase::Ready(Standing { link, probe: probe @ None, .. }) => {
                *probe = Some(now + self.timings.probe);
                outputs.push_back(Output::Transmit { link: *link, frame: ClientFrame::Ping(ClientPing {}) });
            }
            Phase::Waiting { .. } if !self.offline => self.connect(now, outputs),
            Phase::Ready(_) | Phase::Waiting { .. } | Phase::Connecting { .. } | Phase::Checking { .. } | Phase::Resting(_) => {}
        }
    }

    pub(super) const fn set_offline(&mut self, offline: bool) {
        self.offline = offline;
    }

    /// Every client draws its own moment, so that a deploy does not bring everyone back at once.
    pub(super) fn going_away(&mut self, now: Millis, random: &mut Random, min: Millis, max: Millis) {
        if let Phase::Ready(Standing { leaving: leaving @ None, .. }) = &mut self.phase {
            *leaving = Some(now + random.between(min, max));
        }
    }

    /// The connection is given up. One that was welcomed backs off with full jitter, or waits for the moment drawn at
    /// `going_away`; of one that was not, it is asked why.
    pub(super) fn lost(&mut self, now: Millis, random: &mut Random, outputs: &mut VecDeque<Output>) {
        match &self.phase {
            Phase::Ready(standing) => {
                if now.since(standing.since) >= self.timings.stable {
                    self.unstable = 0;
                }
                let leaving = standing.leaving;
                self.disconnect(outputs);
                match leaving {
                    Some(at) => self.wait(at.max(now)),
                    None => self.back_off(now, Millis::ZERO, random),
                }
            }
            Phase::Connecting { link, transport, .. } => {
                let (link, transport) = (*link, *transport);
                self.disconnect(outputs);
                self.phase = Phase::Checking { link, transport, since: now };
                outputs.push_back(Output::Check { link });
            }
            Phase::Waiting { .. } | Phase::Checking { .. } | Phase::Resting(_) => {}
        }
    }

    /// The connection is given up for a reason that is known, so that nobody has to be asked: tried again after the backoff.
    pub(super) fn give_up(&mut self, now: Millis, trouble: Option<Trouble>, random: &mut Random, outputs: &mut VecDeque<Output>) {
        self.trouble = trouble;
        self.disconnect(outputs);
        self.back_off(now, Millis::ZERO, random);
    }

    /// Only where the gateway would open a stream does a failed connection speak of what lies between; any other answer is
    /// the reason itself, and changes no transport.
    pub(super) fn checked(&mut self, now: Millis, about: LinkId, checked: Checked, random: &mut Random) -> AfterCheck {
        let Phase::Checking { link, transport, .. } = self.phase else { return AfterCheck::Nothing };
        if link != about {
            return AfterCheck::Nothing;
        }
        let mut at_least = Millis::ZERO;
        match (checked, transport) {
            (Checked::Unauthorized, _) => return AfterCheck::SignedOut,
            (Checked::Welcome, Transport::WebSocket) => {
                self.refused_sockets = self.refused_sockets.saturating_add(1);
                if self.refused_sockets >= REFUSED_SOCKETS {
                    let link = self.new_id();
                    self.phase = Phase::Connecting { link, transport: Transport::Sse, since: now };
                    return AfterCheck::Stream(link);
                }
            }
            (Checked::Welcome, Transport::Sse) => self.trouble = Some(Trouble::Withheld),
            (Checked::Refused { retry_after }, _) => at_least = retry_after.unwrap_or_default().min(self.timings.retry_after_max),
            (Checked::NoAnswer, _) => {}
        }
        self.back_off(now, at_least, random);
        AfterCheck::Nothing
    }

    /// Nothing is tried until [`Link::wake`] is called for the same reason.
    pub(super) fn rest(&mut self, rest: Rest, outputs: &mut VecDeque<Output>) {
        // A page that is put away still needs its login afterwards.
        if rest == Rest::PutAway && matches!(self.phase, Phase::Resting(Rest::SignedOut | Rest::Incompatible | Rest::NotStarted)) {
            return;
        }
        self.disconnect(outputs);
        self.phase = Phase::Resting(rest);
    }

    pub(super) fn wake(&mut self, now: Millis, rest: Rest, outputs: &mut VecDeque<Output>) {
        if self.phase == Phase::Resting(rest) {
            self.unstable = 0;
            self.connect(now, outputs);
        }
    }

    /// Whether the connection has to be given up: no welcome in time, silence, or an unanswered probe.
    pub(super) fn has_expired(&self, now: Millis) -> bool {
        match &self.phase {
            Phase::Connecting { since, .. } => now >= *since + self.timings.connect,
            Phase::Ready(standing) => now >= standing.heard + self.timings.silence || standing.probe.is_some_and(|probe| now >= probe),
            Phase::Waiting { .. } | Phase::Checking { .. } | Phase::Resting(_) => false,
        }
    }

    /// Does what the time has come for: connects after the backoff, stops asking why, looks for a WebSocket beside a stream.
    pub(super) fn expire(&mut self, now: Millis, random: &mut Random, outputs: &mut VecDeque<Output>) {
        let id = LinkId(self.last_id + 1);
        match &mut self.phase {
            Phase::Waiting { until } if now >= *until => self.connect(now, outputs),
            Phase::Checking { since, .. } if now >= *since + self.timings.connect => self.back_off(now, Millis::ZERO, random),
            Phase::Ready(Standing { look, .. }) => match *look {
                Look::At(at) if now >= at => {
                    *look = Look::Opening { link: id, since: now };
                    self.last_id = id.0;
                    outputs.push_back(Output::OpenSocket { link: id });
                }
                Look::Opening { link, since } if now >= since + self.timings.connect => {
                    *look = Look::At(now + self.timings.upgrade);
                    outputs.push_back(Output::Disconnect { link });
                }
                Look::Needless | Look::At(_) | Look::Opening { .. } => {}
            },
            Phase::Waiting { .. } | Phase::Checking { .. } | Phase::Connecting { .. } | Phase::Resting(_) => {}
        }
    }

    /// Whether the moment drawn at `going_away` has come.
    pub(super) fn must_leave(&self, now: Millis) -> bool {
        matches!(self.phase, Phase::Ready(Standing { leaving: Some(at), .. }) if now >= at)
    }

    pub(super) fn deadline(&self) -> Option<Millis> {
        match &self.phase {
            Phase::Resting(_) => None,
            Phase::Waiting { until } => Some(*until),
            Phase::Connecting { since, .. } | Phase::Checking { since, .. } => Some(*since + self.timings.connect),
            Phase::Ready(Standing { heard, probe, leaving, look, .. }) => {
                let look = match look {
                    Look::Needless => None,
                    Look::At(at) => Some(*at),
                    Look::Opening { since, .. } => Some(*since + self.timings.connect),
                };
                [Some(*heard + self.timings.silence), *probe, *leaving, look].into_iter().flatten().min()
            }
        }
    }

    pub(super) const fn status(&self) -> LinkStatus {
        match &self.phase {
            Phase::Ready(_) => LinkStatus::Ready,
            Phase::Resting(Rest::SignedOut) => LinkStatus::SignedOut,
            Phase::Resting(Rest::Incompatible) => LinkStatus::Incompatible,
            Phase::Resting(Rest::PutAway) => LinkStatus::Offline,
            Phase::Waiting { .. } | Phase::Connecting { .. } | Phase::Checking { .. } if self.offline => LinkStatus::Offline,
            Phase::Waiting { until } => LinkStatus::Waiting { until: *until },
            Phase::Resting(Rest::NotStarted) | Phase::Connecting { .. } | Phase::Checking { .. } => LinkStatus::Connecting,
        }
    }

    /// The standing and what stands in the way, each if it is another one than at the last call.
    pub(super) fn changes(&mut self) -> (Option<LinkStatus>, Option<Option<Trouble>>) {
        let (status, trouble) = (self.status(), self.trouble);
        let told = self.told.replace((status, trouble));
        let told_trouble = told.and_then(|(_, trouble)| trouble);
        ((told.map(|(status, _)| status) != Some(status)).then_some(status), (told_trouble != trouble).then_some(trouble))
    }

    /// Waits a random part of a ceiling that doubles, and no less than `at_least`.
    fn back_off(&mut self, now: Millis, at_least: Millis, random: &mut Random) {
        let ceiling = Millis(self.timings.backoff_min.0.saturating_mul(1 << self.unstable.min(20))).min(self.timings.backoff_max);
        self.unstable = self.unstable.saturating_add(1);
        self.wait(now + random.between(Millis::ZERO, ceiling).max(at_least));
    }

    fn wait(&mut self, until: Millis) {
        self.phase = Phase::Waiting { until };
    }

    const fn new_id(&mut self) -> LinkId {
        self.last_id += 1;
        LinkId(self.last_id)
    }

    fn disconnect(&self, outputs: &mut VecDeque<Output>) {
        if let Some(link) = self.current() {
            outputs.push_back(Output::Disconnect { link });
        }
        if let Phase::Ready(Standing { look: Look::Opening { link, .. }, .. }) = self.phase {
            outputs.push_back(Output::Disconnect { link });
        }
    }
}
