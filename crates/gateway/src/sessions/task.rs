//! One session's task: it drives the pure session, and nobody else touches it.

mod commits;
mod orders;

use std::{collections::BTreeMap, future::Future, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::{FutureExt as _, future::BoxFuture};
use moorline_protocol::{AgentStatus, ErrorFrame, MessageId, Outcome, Receipt, Seq, SessionId, TurnError};
use moorline_session::{AgentCommand, AgentReport, AgentUpdate, Commit, Input, Output, Reply, Session, StoreError};
use moorline_transcript::{Folded, Retention, WholeTranscript};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Instant, sleep, sleep_until},
};

use super::{
    Committed, Loaded, Order, RETRY, Standing, Surroundings,
    conversation::conversation,
    load,
    pace::Pace,
    population::Resident,
    refusal::{refuse, store_unavailable},
    unload,
};
use crate::{
    agent::{self, AgentHandle, Conversation, Lost},
    store::{FOUND_BYTES, Tail, text_of},
};

/// Inputs that may gather behind one commit; then the agent and the orders wait.
const GATHERED: usize = 4_096;

/// Text that may gather so, in bytes: every other session's commit waits behind one that is being written.
const GATHERED_BYTES: usize = 256 << 10;

/// Reports that wait between an agent's adapter and its session.
const REPORTS: usize = 256;

/// A session that nobody needs is unloaded after this.
const UNUSED: Duration = Duration::from_secs(600);

/// One that does not even exist, after this.
const UNKNOWN_UNUSED: Duration = Duration::from_secs(1);

/// Where a session's task stands among the others.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) id: SessionId,
    pub(super) surroundings: Arc<Surroundings>,
    pub(super) loaded: Arc<std::sync::Mutex<Loaded>>,
    pub(super) standing: Arc<watch::Sender<Standing>>,
    pub(super) tail: Arc<Tail>,
}

/// Runs a session until it is unloaded or its mailbox is closed. A panic costs this session its agent and a moment, and
/// no other session anything: it begins again from the store.
pub(super) async fn run(place: Place, mut mailbox: mpsc::Receiver<Order>) {
    while AssertUnwindSafe(serve(place.clone(), &mut mailbox)).catch_unwind().await.is_err() {
        tracing::error!(session = %place.id, "a session's task panicked: it begins again from the store");
        if pause(&mut mailbox).await == Mailbox::Closed {
            return;
        }
    }
}

async fn serve(place: Place, mailbox: &mut mpsc::Receiver<Order>) {
    let Some(mut task) = begin(place, mailbox).await else { return };
    loop {
        task.drain();
        if task.stopping && task.committing.is_none() {
            return;
        }
        match task.next(mailbox).await {
            Event::Committed(Ok(())) => task.committed(),
            Event::Committed(Err(error)) => {
                tracing::error!(session = %task.place.id, %error, "a commit failed: the session begins again from the store");
                let place = task.fail();
                pause(mailbox).await;
                match begin(place, mailbox).await {
                    Some(again) => task = again,
                    None => return,
                }
            }
            Event::Order(order) => task.order(order),
            Event::Report(report) => {
                task.pace.take(Instant::now(), text_bytes(&report));
                task.handle(Input::Report(report));
            }
            Event::Rested => {}
            Event::AgentStands => {
                task.look_at_agent();
                task.publish();
            }
            Event::Deadline => task.handle(Input::Deadline),
            Event::FoldsDue => task.fold(),
            Event::Folded(folded) => task.folded(*folded),
            Event::Unused => {
                if task.is_idle() && unload(&task.place.loaded, &task.place.id) {
                    return;
                }
                task.touched = Instant::now();
            }
            Event::Stopping => task.stop(),
        }
    }
}

/// Reads the session from the store, as often as it takes, and settles what the last gateway left.
async fn begin(place: Place, mailbox: &mut mpsc::Receiver<Order>) -> Option<Task> {
    loop {
        let (store, id, config) = (Arc::clone(&place.surroundings.store), place.id.clone(), place.surroundings.config.clone());
        let retention = place.surroundings.retention;
        let reading = tokio::task::spawn_blocking(move || load::restore(&*store, &id, config, retention));
        match reading.await.map_err(load::panicked).flatten() {
            Ok(restored) => return Some(Task::new(place, restored)),
            Err(error) => tracing::error!(session = %place.id, %error, "a session cannot be read"),
        }
        if pause(mailbox).await == Mailbox::Closed {
            return None;
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mailbox {
    Open,
    Closed,
}

/// Waits before the store is tried again, and refuses every order meanwhile.
async fn pause(mailbox: &mut mpsc::Receiver<Order>) -> Mailbox {
    let refuse_all = async {
        while let Some(order) = mailbox.recv().await {
            refuse(order);
        }
    };
    tokio::select! {
        () = sleep(Duration::from_millis(RETRY.0)) => Mailbox::Open,
        () = refuse_all => Mailbox::Closed,
    }
}

struct Task {
    place: Place,
    session: Session,
    transcript: WholeTranscript,
    oldest: Seq,
    retention: Retention,
    /// The run of the journal that is being folded.
    folding: Option<BoxFuture<'static, Result<Folded, StoreError>>>,
    /// The place of the session that is about to be made.
    resident: Option<Resident>,
    /// The commit that the store is making durable.
    committing: Option<(oneshot::Receiver<Result<(), StoreError>>, Commit)>,
    gathered: usize,
    gathered_bytes: usize,
    pace: Pace,
    agent: Option<AgentHandle>,
    /// How the agent stands, once there was one.
    stands: Option<watch::Receiver<AgentStatus>>,
    /// The same as it was last looked at: one for all who are told.
    status: Option<Arc<AgentStatus>>,
    reports: mpsc::Receiver<AgentReport>,
    reporter: mpsc::Sender<AgentReport>,
    waiting: BTreeMap<Reply, Waiting>,
    replies: u64,
    touched: Instant,
    /// The gateway stops: what is decided is finished, nothing new is taken.
    stopping: bool,
}

/// The text that an agent brings, which is what makes a commit large.
#[expect(clippy::wildcard_enum_match_arm, reason = "the others are small")]
fn text_bytes(report: &AgentReport) -> usize {
    match &report.update {
        AgentUpdate::Text(text) | AgentUpdate::Thought(text) => text.len(),
        AgentUpdate::Tool { update, .. } => [&update.input, &update.output].into_iter().flatten().map(String::len).sum(),
        _ => 0,
    }
}

/// Who waits for an answer.
enum Waiting {
    Receipt(MessageId, oneshot::Sender<Result<Receipt, ErrorFrame>>),
    Done(oneshot::Sender<Result<(), ErrorFrame>>),
}

enum Event {
    Committed(Result<(), StoreError>),
    Order(Order),
    Report(AgentReport),
    Rested,
    AgentStands,
    Deadline,
    FoldsDue,
    Folded(Box<Result<Folded, StoreError>>),
    Unused,
    Stopping,
}

impl Task {
    fn new(place: Place, restored: load::Restored) -> Self {
        let (reporter, reports) = mpsc::channel(REPORTS);
        let load::Restored { mut session, transcript, oldest, retention } = restored;
        if session.exists() {
            session.recover(place.surroundings.clock.now());
        }
        let task = Self {
            place,
            session,
            transcript,
            oldest,
            retention,
            folding: None,
            resident: None,
            committing: None,
            gathered: 0,
            gathered_bytes: 0,
            pace: Pace::new(Instant::now()),
            agent: None,
            stands: None,
            status: None,
            reports,
            reporter,
            waiting: BTreeMap::new(),
            replies: 0,
            touched: Instant::now(),
            stopping: false,
        };
        task.publish();
        task
    }

    async fn next(&mut self, mailbox: &mut mpsc::Receiver<Order>) -> Event {
        let takes_more = self.gathered < GATHERED && self.gathered_bytes < GATHERED_BYTES && !self.stopping;
        let rests_until = self.pace.rests_until(Instant::now()).filter(|_| takes_more);
        let deadline = self.session.deadline().map(|at| self.place.surroundings.clock.instant(at));
        let folds_at = self.retention.due().filter(|_| !self.stopping).map(|at| self.place.surroundings.clock.instant_of(at));
        let unused = self.touched + if self.session.exists() { UNUSED } else { UNKNOWN_UNUSED };
        let may_be_unused = self.committing.is_none() && self.agent.is_none() && !self.stopping;
        tokio::select! {
            result = maybe(self.committing.as_mut().map(|(answer, _)| answer)) => {
                Event::Committed(result.unwrap_or_else(|_| Err(StoreError::Unavailable("the writer has stopped".to_owned()))))
            }
            order = mailbox.recv(), if takes_more => order.map_or(Event::Stopping, Event::Order),
            Some(report) = self.reports.recv(), if takes_more && rests_until.is_none() => Event::Report(report),
            () = maybe(rests_until.map(sleep_until)) => Event::Rested,
            Ok(()) = maybe(self.stands.as_mut().map(watch::Receiver::changed)) => Event::AgentStands,
            () = maybe(deadline.map(sleep_until)) => Event::Deadline,
            () = maybe(folds_at.map(sleep_until)) => Event::FoldsDue,
            folded = maybe(self.folding.as_mut()) => Event::Folded(Box::new(folded)),
            () = sleep_until(unused), if may_be_unused => Event::Unused,
        }
    }

    /// Kills the agent and takes nothing new.
    fn stop(&mut self) {
        self.agent = None;
        self.stopping = true;
    }

    fn handle(&mut self, input: Input) {
        self.gathered += 1;
        if let Input::Report(report) = &input {
            self.gathered_bytes += text_bytes(report);
        }
        self.session.handle(self.place.surroundings.clock.now(), input);
    }

    /// Completes what the session asks for, until it waits for a commit or for an input.
    fn drain(&mut self) {
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Store(mut commit) => {
                    (self.gathered, self.gathered_bytes) = (0, 0);
                    commit.texts =
                        self.transcript.transcript().completed(&commit.events, FOUND_BYTES).into_iter().filter_map(text_of).collect();
                    let answer = self.place.surroundings.commits.commit(commit.clone());
                    self.committing = Some((answer, commit));
                }
                Output::Head(_) => self.publish(),
                Output::Agent(command) => self.command(command),
                Output::Receipt { reply, receipt } => self.answer_receipt(reply, Ok(receipt)),
                Output::Done { reply } => self.answer_done(reply),
                Output::Gone => self.forget(),
                Output::Refused { reply, error } => self.answer_refused(reply, error),
            }
        }
        if self.committing.is_none() {
            // Nothing came of what gathered: nobody waits for it.
            (self.gathered, self.gathered_bytes) = (0, 0);
        }
        if self.committing.is_none() && !self.session.exists() {
            // Whatever was to make it was refused.
            self.resident = None;
        }
    }

    /// The session is gone: nobody works for it any more, and nothing of it is kept.
    fn forget(&mut self) {
        (self.agent, self.stands, self.status, self.folding) = (None, None, None, None);
        agent::forget(&self.place.surroundings.agent_settings, &self.place.id);
        (self.transcript, self.retention) = (WholeTranscript::new(), Retention::new(self.place.surroundings.retention));
        self.publish();
    }

    /// A session that is put away needs no agent until somebody goes on with it.
    fn rest(&mut self) {
        if self.session.is_archived() && self.session.state().running.is_none() && self.agent.take().is_some() {
            self.look_at_agent();
            self.publish();
        }
    }

    /// Takes in how the agent stands; one whose handle was dropped rests.
    fn look_at_agent(&mut self) {
        let Some(stands) = &mut self.stands else { return };
        let status = stands.borrow_and_update().clone();
        self.status =
            Some(Arc::new(if self.agent.is_some() { status } else { AgentStatus { name: status.name, ..AgentStatus::default() } }));
    }

    fn publish(&self) {
        let standing = match self.session.epoch() {
            Some(_) if self.session.is_gone() => Standing::Deleted,
            Some(epoch) => Standing::Known(Arc::new(Committed {
                epoch: epoch.clone(),
                oldest: self.oldest,
                head: self.session.head(),
                folded: self.retention.folded(),
                state: self.session.state(),
                agent: self.status.clone(),
            })),
            None => Standing::Unknown,
        };
        self.place.standing.send_replace(standing);
    }

    fn command(&mut self, command: AgentCommand) {
        let command = match &self.agent {
            Some(agent) => match agent.send(command) {
                Ok(()) => return,
                Err(Lost(command)) => command,
            },
            None => command,
        };
        let surroundings = &self.place.surroundings;
        let name = self.session.agent().unwrap_or_default();
        if let Some(spec) = surroundings.agents.iter().find(|spec| spec.name == name) {
            let workdir = surroundings.work.join(self.place.id.as_str());
            let before = if spec.is_told_the_past() { conversation(self.transcript.transcript()) } else { Conversation::new(0) };
            let agent = agent::start(spec, &surroundings.agent_settings, &self.place.id, &workdir, before, self.reporter.clone());
            self.stands = Some(agent.status());
            // It has only just been started: if it is lost again, the turn is ended by that.
            let _ = agent.send(command);
            self.agent = Some(agent);
            self.look_at_agent();
        } else if let AgentCommand::Prompt { turn, .. } = command {
            let message = format!("no agent is named {name:?} any more: start the gateway with that --agent, or begin a new session");
            let error = Some(TurnError { code: "agent_start".to_owned(), message });
            let report = AgentReport { turn, update: AgentUpdate::Ended { outcome: Outcome::Failed, error } };
            self.handle(Input::Report(report));
        }
    }

    /// Drops the session with its agent, and answers everybody who waits.
    fn fail(self) -> Place {
        for waiting in self.waiting.into_values() {
            match waiting {
                Waiting::Receipt(message, answer) => drop(answer.send(Err(store_unavailable(Some(message))))),
                Waiting::Done(answer) => drop(answer.send(Err(store_unavailable(None)))),
            }
        }
        self.place
    }

    fn is_idle(&self) -> bool {
        self.agent.is_none() && self.committing.is_none() && self.session.state().running.is_none()
    }
}

/// A future that may not be there: then it never ends.
async fn maybe<F: Future>(future: Option<F>) -> F::Output {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}
