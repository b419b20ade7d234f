//! One connection at a time: when to connect, when to give up, when to try again.

use std::collections::VecDeque;

use moorline_protocol::{ClientFrame, ClientPing, Millis, Timings};

use super::output::{DropReason, LinkId, LinkStatus, Output};
use crate::Random;

#[derive(Debug)]
pub(super) struct Link {
    timings: Timings,
    phase: Phase,
    last_id: u64,
    /// Connections in a row that did not last: the exponent of the backoff.
    unstable: u32,
    /// The browser says that there is no network. It is believed for what the page says, not for what is tried.
    offline: bool,
    told: Option<LinkStatus>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Resting(Rest),
    /// The backoff runs.
    Waiting {
        until: Millis,
    },
    /// From the first attempt until `welcome`.
    Connecting {
        link: LinkId,
        since: Millis,
    },
    Ready {
        link: LinkId,
        since: Millis,
        /// When a frame last came.
        heard: Millis,
        /// When to give up unless a frame comes: a ping was sent on a suspicion.
        probe: Option<Millis>,
        /// When to leave: the gateway is about to stop.
        leaving: Option<Millis>,
    },
}

/// Why nothing is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    NotStarted,
    PutAway,
    SignedOut,
    Incompatible,
}

impl Link {
    pub(super) const fn new(timings: Timings) -> Self {
        Self { timings, phase: Phase::Resting(Rest::NotStarted), last_id: 0, unstable: 0, offline: false, told: None }
    }

    pub(super) fn connect(&mut self, now: Millis, outputs: &mut VecDeque<Output>) {
        self.last_id += 1;
        let link = LinkId(self.last_id);
        self.phase = Phase::Connecting { link, since: now };
        outputs.push_back(Output::Connect { link });
    }

    pub(super) fn is_current(&self, link: LinkId) -> bool {
        self.current() == Some(link)
    }

    pub(super) const fn current(&self) -> Option<LinkId> {
        match self.phase {
            Phase::Connecting { link, .. } | Phase::Ready { link, .. } => Some(link),
            Phase::Resting(_) | Phase::Waiting { .. } => None,
        }
    }

    /// The connection, once `welcome` is here.
    pub(super) const fn ready(&self) -> Option<LinkId> {
        match self.phase {
            Phase::Ready { link, .. } => Some(link),
            Phase::Resting(_) | Phase::Waiting { .. } | Phase::Connecting { .. } => None,
        }
    }

    /// The connection, if an attempt of a send may start on it: not after `going_away`.
    pub(super) const fn takes_sends(&self) -> Option<LinkId> {
        match self.phase {
            Phase::Ready { link, leaving: None, .. } => Some(link),
            Phase::Ready { .. } | Phase::Resting(_) | Phase::Waiting { .. } | Phase::Connecting { .. } => None,
        }
    }

    pub(super) const fn refuses_sends(&self) -> Option<DropReason> {
        match self.phase {
            Phase::Resting(Rest::SignedOut) => Some(DropReason::SignedOut),
            Phase::Resting(Rest::Incompatible) => Some(DropReason::IncompatibleVersion),
            Phase::Resting(Rest::PutAway) => Some(DropReason::PageGoingAway),
            Phase::Resting(Rest::NotStarted) | Phase::Waiting { .. } | Phase::Connecting { .. } | Phase::Ready { .. } => None,
        }
    }

    /// The transport stands; `welcome` must still come within the connect timeout, counted from here.
    pub(super) const fn opened(&mut self, now: Millis) {
        if let Phase::Connecting { since, .. } = &mut self.phase {
            *since = now;
        }
    }

    /// Whether this was the welcome that was waited for.
    pub(super) fn welcomed(&mut self, now: Millis, link: LinkId, timings: Timings) -> bool {
        let awaited = matches!(self.phase, Phase::Connecting { .. });
        if awaited {
            self.timings = timings;
            self.phase = Phase::Ready { link, since: now, heard: now, probe: None, leaving: None };
        }
        awaited
    }

    pub(super) const fn heard(&mut self, now: Millis) {
        if let Phase::Ready { heard, probe, .. } = &mut self.phase {
            *heard = now;
            *probe = None;
        }
    }

    /// Finds out quickly whether the connection still stands, or tries now instead of later.
    pub(super) fn probe(&mut self, now: Millis, outputs: &mut VecDeque<Output>) {
        match &mut self.phase {
            Phase::Ready { link, probe: probe @ None, .. } => {
                *probe = Some(now + self.timings.probe);
                outputs.push_back(Output::Transmit { link: *link, frame: ClientFrame::Ping(ClientPing {}) });
            }
            Phase::Waiting { .. } if !self.offline => self.connect(now, outputs),
            Phase::Ready { .. } | Phase::Waiting { .. } | Phase::Connecting { .. } | Phase::Resting(_) => {}
        }
    }

    pub(super) const fn set_offline(&mut self, offline: bool) {
        self.offline = offline;
    }

    /// Every client draws its own moment, so that a deploy does not bring everyone back at once.
    pub(super) fn going_away(&mut self, now: Millis, random: &mut Random, min: Millis, max: Millis) {
        if let Phase::Ready { leaving: leaving @ None, .. } = &mut self.phase {
            *leaving = Some(now + random.between(min, max));
        }
    }

    /// The connection is given up: backs off with full jitter, or waits for the moment drawn at `going_away`.
    pub(super) fn lost(&mut self, now: Millis, random: &mut Random, outputs: &mut VecDeque<Output>) {
        let mut until = None;
        match self.phase {
            Phase::Ready { since, leaving, .. } => {
                if now.since(since) >= self.timings.stable {
                    self.unstable = 0;
                }
                until = leaving;
            }
            Phase::Connecting { .. } => {}
            Phase::Waiting { .. } | Phase::Resting(_) => return,
        }
        self.disconnect(outputs);
        let ceiling = Millis(self.timings.backoff_min.0.saturating_mul(1 << self.unstable.min(20))).min(self.timings.backoff_max);
        self.unstable = self.unstable.saturating_add(1);
        let backoff = now + random.between(Millis::ZERO, ceiling);
        self.phase = Phase::Waiting { until: until.unwrap_or(backoff).max(now) };
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
        match self.phase {
            Phase::Connecting { since, .. } => now >= since + self.timings.connect,
            Phase::Ready { heard, probe, .. } => now >= heard + self.timings.silence || probe.is_some_and(|probe| now >= probe),
            Phase::Waiting { .. } | Phase::Resting(_) => false,
        }
    }

    /// Connects when the backoff or the time to leave has come.
    pub(super) fn expire(&mut self, now: Millis, outputs: &mut VecDeque<Output>) {
        if matches!(self.phase, Phase::Waiting { until } if now >= until) {
            self.connect(now, outputs);
        }
    }

    /// Whether the moment drawn at `going_away` has come.
    pub(super) fn must_leave(&self, now: Millis) -> bool {
        matches!(self.phase, Phase::Ready { leaving: Some(at), .. } if now >= at)
    }

    pub(super) fn deadline(&self) -> Option<Millis> {
        match self.phase {
            Phase::Resting(_) => None,
            Phase::Waiting { until } => Some(until),
            Phase::Connecting { since, .. } => Some(since + self.timings.connect),
            Phase::Ready { heard, probe, leaving, .. } => [Some(heard + self.timings.silence), probe, leaving].into_iter().flatten().min(),
        }
    }

    pub(super) const fn status(&self) -> LinkStatus {
        match self.phase {
            Phase::Ready { .. } => LinkStatus::Ready,
            Phase::Resting(Rest::SignedOut) => LinkStatus::SignedOut,
            Phase::Resting(Rest::Incompatible) => LinkStatus::Incompatible,
            Phase::Resting(Rest::PutAway) => LinkStatus::Offline,
            Phase::Waiting { .. } | Phase::Connecting { .. } if self.offline => LinkStatus::Offline,
            Phase::Waiting { until } => LinkStatus::Waiting { until },
            Phase::Resting(Rest::NotStarted) | Phase::Connecting { .. } => LinkStatus::Connecting,
        }
    }

    /// The standing, if it is another one than at the last call.
    pub(super) fn changed_status(&mut self) -> Option<LinkStatus> {
        let status = Some(self.status());
        (self.told != status).then(|| self.told = status)?;
        status
    }

    fn disconnect(&self, outputs: &mut VecDeque<Output>) {
        if let Some(link) = self.current() {
            outputs.push_back(Output::Disconnect { link });
        }
    }
}
