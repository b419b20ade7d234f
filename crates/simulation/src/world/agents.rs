//! Sessions, their commits and their scripted agents.

use std::collections::VecDeque;

use moorline_delivery::ConnectionInput;
use moorline_protocol::{Code, ErrorFrame, Millis, Outcome, Seq, SessionId, TurnId};
use moorline_session::{AgentCommand, AgentReport, AgentUpdate, Commit, Durability, Input, Output, Store, StoreError};
use moorline_transcript::{Changes, Folded, Transcript};

use super::{Happening, World, serving::Said};
use crate::{
    gateway::{Agent, Loaded},
    script::{self, OnCancel},
};

impl World {
    pub(crate) fn feed_session(&mut self, session: &SessionId, input: Input) {
        let clocks = self.clocks();
        let Some(loaded) = self.loaded(session) else { return };
        loaded.session.handle(clocks, input);
        self.drain_session(session);
    }

    /// Does what a session's core asks for, until it waits for its commit or for an input.
    pub(crate) fn drain_session(&mut self, session: &SessionId) {
        while let Some(output) = self.loaded(session).and_then(|loaded| loaded.session.poll_output()) {
            self.trace.note(self.now, "session", || format!("{session}: {output:?}"));
            match output {
                Output::Store(commit) => {
                    let no = self.number();
                    let Some(loaded) = self.loaded(session) else { return };
                    loaded.commit = Some((no, commit));
                    let fsync = self.plan.fsync;
                    self.after(fsync, Happening::Durable { session: session.clone(), no });
                }
                Output::Head(head) => {
                    let durable = self.store.session(session).ok().flatten().map(|meta| meta.head);
                    self.oracle.check(8, durable.is_some_and(|durable| head <= durable), || {
                        format!("head {head} of {session} is shown, durable is {durable:?}")
                    });
                    self.publish(session);
                }
                Output::Agent(command) => self.command(session, command),
                Output::Receipt { reply, receipt } => {
                    if matches!(receipt.outcome, moorline_protocol::ReceiptOutcome::Accepted { .. }) {
                        self.oracle.receipted(&receipt.message);
                    }
                    self.answer(reply, Said::Receipt(receipt));
                }
                Output::Refused { reply, error } => self.answer(reply, Said::Refused(error)),
                Output::Done { reply } => self.answer(reply, Said::Cancelled),
                Output::Gone => self.gone(session),
            }
        }
    }

    /// The committed head moved: folds it in and wakes the readers.
    fn publish(&mut self, session: &SessionId) {
        let Self { store, gateway, .. } = self;
        let Some(loaded) = gateway.as_mut().and_then(|gateway| gateway.sessions.get_mut(session)) else { return };
        let (seen, head) = (loaded.transcript.transcript().seq(), loaded.session.head());
        for event in store.read(session, seen, usize::MAX, usize::MAX).unwrap_or_default() {
            if event.seq <= head {
                loaded.transcript.apply(&event);
            }
        }
        self.wake_followers(session);
    }

    /// Whoever follows a session is told how it stands; a wake-up may get lost.
    pub(super) fn wake_followers(&mut self, session: &SessionId) {
        let Some(gateway) = &self.gateway else { return };
        let following = gateway.connections.iter().filter(|(_, seated)| seated.follows.contains(session));
        let wires: Vec<usize> = following.map(|(wire, _)| *wire).collect();
        for wire in wires {
            let is_lost = !self.is_calm && self.plan.lost_wakeups > 0 && self.random.below(self.plan.lost_wakeups) == 0;
            if !is_lost {
                self.tell_head(wire, session);
            }
        }
    }

    pub(super) fn durable(&mut self, session: &SessionId, no: u64) {
        let Some(gateway) = &mut self.gateway else { return };
        let Some(loaded) = gateway.sessions.get_mut(session) else { return };
        let Some((_, commit)) = loaded.commit.take_if(|(of, _)| *of == no) else { return };
        let written = self.store.write(std::slice::from_ref(&commit), &gateway.positions);
        match written {
            Ok(rows) => {
                gateway.positions.clear();
                self.oracle.committed(session, &commit.events);
                self.oracle.deleted(session, commit.deletion);
                commit.events.iter().for_each(|event| loaded.retention.note(event));
                if self.plan.durability == Durability::Unsynced && self.random.below(3) == 0 {
                    self.store.sync();
                }
                self.feed_session(session, Input::Committed);
                self.fold_what_is_due(session);
                if let Some(rev) = rows.iter().map(|row| row.rev).max() {
                    self.tell_rows(rev);
                }
            }
            Err(error) => {
                self.trace.note(self.now, "store fails", || format!("{session}: {error}"));
                self.oracle.check(0, matches!(error, StoreError::Unavailable(_)), || error.to_string());
                self.reload_session(session);
            }
        }
    }

    /// Begins to fold what is old.
    pub(super) fn fold_what_is_due(&mut self, session: &SessionId) {
        let (limits, wall) = (self.limits(), self.clocks().wall);
        let Some(loaded) = self.gateway.as_mut().and_then(|gateway| gateway.sessions.get_mut(session)) else { return };
        if loaded.retention.due().is_none_or(|due| due > wall) {
            return;
        }
        let run = loaded.retention.begin();
        // Now and then less than the whole run is read.
        let most = if self.random.below(3) == 0 { 1 + self.random.below(20) as usize } else { usize::MAX };
        let rows = self.store.read(session, run.after(), most, usize::MAX).unwrap_or_default();
        let folded = run.fold(&rows, &limits);
        self.trace.note(self.now, "folds", || format!("{session}: {} rows to {:?}", rows.len(), folded.folds()));
        let no = self.number();
        if let Some(loaded) = self.loaded(session) {
            loaded.folding = Some((no, folded));
        }
        let fsync = self.plan.fsync;
        self.after(fsync, Happening::Folds { session: session.clone(), no });
    }

    pub(super) fn folds(&mut self, session: &SessionId, no: u64) {
        let wall = self.clocks().wall;
        let Some(loaded) = self.gateway.as_mut().and_then(|gateway| gateway.sessions.get_mut(session)) else { return };
        let Some((_, folded)) = loaded.folding.take_if(|(of, _)| *of == no) else { return };
        let written = if folded.folds().is_empty() { Ok(Vec::new()) } else { self.store.commit(&[commit_of(session, &folded)]) };
        match written {
            Ok(_) => loaded.retention.done(folded),
            Err(error) => {
                self.oracle.check(0, matches!(error, StoreError::Unavailable(_)), || error.to_string());
                loaded.retention.failed(wall + 1_000);
            }
        }
        self.fold_what_is_due(session);
    }

    fn tell_rows(&mut self, rev: u64) {
        let Some(gateway) = &mut self.gateway else { return };
        gateway.rows_head = gateway.rows_head.max(rev);
        let wires: Vec<usize> = gateway.connections.keys().copied().collect();
        for wire in wires {
            self.feed_connection(wire, ConnectionInput::RowsHead(rev));
        }
    }

    /// A commit failed: the session begins again from what is durable, as after a crash.
    fn reload_session(&mut self, session: &SessionId) {
        self.disturb_running(session);
        let error = ErrorFrame::new(Code::StoreUnavailable, "the store cannot write now");
        self.refuse_waiting(session, &ErrorFrame { retry_after_ms: Some(Millis(500)), ..error });
        let meta = self.store.session(session).ok().flatten();
        let (settings, clocks) = (self.settings(), self.clocks());
        let Some(gateway) = &mut self.gateway else { return };
        gateway.sessions.remove(session);
        if let Some(meta) = meta {
            gateway.sessions.insert(session.clone(), Loaded::restore(session, &meta, &self.store, settings, clocks));
        }
        self.drain_session(session);
    }

    fn command(&mut self, session: &SessionId, command: AgentCommand) {
        let run = self.number();
        match command {
            AgentCommand::Prompt { turn, text } => {
                self.oracle.prompted(&turn);
                let steps = script::turn(self.plan.seed, &text, self.plan.busy);
                let on_cancel = if self.random.below(5) == 0 { OnCancel::Ignore } else { OnCancel::Obey };
                if let Some((_, AgentUpdate::Ended { outcome, .. })) = steps.last()
                    && !self.oracle.stopped.contains(&turn)
                {
                    self.oracle.endings.insert(turn.clone(), *outcome);
                    self.oracle.said.insert(turn.clone(), String::new());
                }
                let agent = Agent { run, turn: Some(turn), script: VecDeque::from(steps), asking: None, on_cancel: Some(on_cancel) };
                if let Some(loaded) = self.loaded(session) {
                    loaded.agent = agent;
                }
                self.next_step(session);
            }
            AgentCommand::Cancel { turn } => {
                let late = self.random.below(3);
                let Some(agent) = self.loaded(session).map(|loaded| &mut loaded.agent).filter(|agent| agent.turn.as_ref() == Some(&turn))
                else {
                    return;
                };
                if agent.on_cancel == Some(OnCancel::Obey) {
                    agent.script.clear();
                    agent.asking = None;
                    // Text on its way is accepted until the end.
                    agent.script.extend((0..late).map(|n| (Millis(50), AgentUpdate::Text(format!("late {n} ")))));
                    agent.script.push_back((Millis(20), AgentUpdate::Ended { outcome: Outcome::Cancelled, error: None }));
                    agent.run = run;
                    self.next_step(session);
                }
            }
            AgentCommand::Answer { turn, request, .. } => {
                let Some(agent) = self.loaded(session).map(|loaded| &mut loaded.agent) else { return };
                if agent.turn.as_ref() == Some(&turn) && agent.asking.as_ref() == Some(&request) {
                    agent.asking = None;
                    agent.run = run;
                    self.next_step(session);
                }
            }
            // A session hands neither out of itself.
            AgentCommand::Set { .. } | AgentCommand::Restart => {}
            AgentCommand::Kill { turn } => {
                if let Some(loaded) = self.loaded(session) {
                    loaded.agent = Agent::default();
                }
                // What the agent had written before it died is read after.
                let update = AgentUpdate::Text("too late".to_owned());
                self.feed_session(session, Input::Report(AgentReport { turn, update }));
            }
        }
    }

    fn next_step(&mut self, session: &SessionId) {
        let Some(agent) = self.loaded(session).map(|loaded| &loaded.agent) else { return };
        let run = agent.run;
        if let Some((wait, _)) = agent.script.front() {
            let wait = *wait;
            self.after(wait, Happening::Works { session: session.clone(), run });
        }
    }

    pub(super) fn works(&mut self, session: &SessionId, run: u64) {
        let Some(agent) = self.gateway.as_mut().and_then(|gateway| gateway.sessions.get_mut(session)).map(|loaded| &mut loaded.agent)
        else {
            return;
        };
        if agent.run != run || agent.asking.is_some() {
            return;
        }
        let Some(turn) = agent.turn.clone() else { return };
        let Some((_, update)) = agent.script.pop_front() else { return };
        if let AgentUpdate::Request { request, .. } = &update {
            agent.asking = Some(request.clone());
        }
        if let (AgentUpdate::Text(text), Some(said)) = (&update, self.oracle.said.get_mut(&turn)) {
            said.push_str(text);
        }
        self.feed_session(session, Input::Report(AgentReport { turn, update }));
        self.next_step(session);
    }

    /// Whatever runs in a journal when a gateway starts has lost its agent.
    pub(crate) fn expect_interruption(&mut self, session: &SessionId) {
        let mut left = Transcript::new();
        for event in self.store.read(session, Seq::ZERO, usize::MAX, usize::MAX).unwrap_or_default() {
            left.apply(&event, &mut Changes::new());
        }
        if let Some(running) = left.state().running {
            self.disturb(&running.turn);
            self.oracle.endings.insert(running.turn, Outcome::Interrupted);
        }
    }

    /// Something other than its agent has a say in how this turn ends.
    pub(crate) fn disturb(&mut self, turn: &TurnId) {
        self.oracle.endings.remove(turn);
        self.oracle.said.remove(turn);
    }

    pub(crate) fn disturb_running(&mut self, session: &SessionId) {
        let turn = self.gateway.as_ref().and_then(|gateway| gateway.sessions.get(session)).and_then(|loaded| loaded.agent.turn.clone());
        if let Some(turn) = turn {
            self.disturb(&turn);
        }
    }
}

pub(super) fn commit_of(session: &SessionId, folded: &Folded) -> Commit {
    Commit { folds: folded.folds().to_vec(), ..Commit::of(session.clone()) }
}
