//! The virtual clock and everything that happens on it.

mod agents;
mod copies;
mod course;
mod deleting;
mod posting;
mod serving;
mod tabs;

use std::collections::BTreeMap;

use moorline_delivery::{Checked, LinkId, PostId, Posted, Random};
use moorline_protocol::{ClientId, ConnectionId, Epoch, Hello, Limits, Millis, Page, SessionId};
use moorline_session::{Config, MemoryStore, Now, Store};

use crate::{
    gateway::{Gateway, Loaded, Sender, Settings},
    network::{Pipe, Wire},
    oracle::{Histories, Oracle},
    plan::{Act, Plan},
    tab::{Storage, Tab},
    trace::Trace,
};

/// The wall clock's reading at virtual time zero.
pub(crate) const WALL: u64 = 1_700_000_000_000;

/// More steps than any run needs: beyond it something spins.
const STEPS_MAX: u64 = 2_000_000;

/// One thing that will happen.
#[derive(Debug)]
pub(crate) enum Happening {
    /// A frame reaches the gateway.
    Up {
        wire: usize,
        text: String,
    },
    /// A frame reaches the tab.
    Down {
        wire: usize,
        text: String,
    },
    /// A connection attempt succeeds: the gateway's end opens.
    Arrives {
        wire: usize,
        /// On SSE the hello comes with it.
        hello: Option<Box<Hello>>,
    },
    /// A POST reaches the gateway.
    PostArrives {
        sender: Sender,
        connection: ConnectionId,
        text: String,
    },
    /// Its answer reaches the tab.
    PostAnswered {
        tab: usize,
        document: u64,
        post: PostId,
        posted: Posted,
    },
    /// The answer to the question why nothing came of a connection.
    Checked {
        tab: usize,
        document: u64,
        link: LinkId,
        checked: Checked,
    },
    /// Somebody logs in.
    SignsIn {
        tab: usize,
        document: u64,
    },
    /// A tab looks whether the one that it was copied from is gone.
    LooksForTab {
        tab: usize,
        document: u64,
        client: ClientId,
    },
    /// The back button brings a page back.
    ComesBack {
        tab: usize,
        document: u64,
    },
    /// The tab learns that its connection stands.
    Stands {
        wire: usize,
    },
    /// An end learns that the connection is gone.
    TabHears {
        wire: usize,
    },
    GatewayHears {
        wire: usize,
    },
    /// A commit becomes durable.
    Durable {
        session: SessionId,
        no: u64,
    },
    /// Folds become durable.
    Folds {
        session: SessionId,
        no: u64,
    },
    /// A scripted agent's next step.
    Works {
        session: SessionId,
        run: u64,
    },
    /// The user answers a request.
    Answers {
        tab: usize,
        document: u64,
        session: SessionId,
        request: moorline_protocol::BlockId,
    },
    /// A request for a page reaches the gateway.
    PageAsked {
        tab: usize,
        document: u64,
        session: SessionId,
    },
    /// A page reaches the tab; none when the request failed.
    PageHere {
        tab: usize,
        document: u64,
        session: SessionId,
        page: Option<Box<Page>>,
    },
    /// From the plan.
    Does(Act),
    /// The gateway's process starts.
    Starts,
    /// The faults are over.
    Calm,
    /// In the calm: users retry, and somebody looks whether all is quiet.
    Looks,
}

/// A run in progress.
pub struct World {
    pub(crate) plan: Plan,
    pub(crate) now: Millis,
    pub(crate) random: Random,
    happenings: BTreeMap<(Millis, u64), Happening>,
    ties: u64,
    pub(crate) tabs: Vec<Tab>,
    pub(crate) wires: Vec<Wire>,
    /// None while no process runs.
    pub(crate) gateway: Option<Gateway>,
    pub(crate) store: MemoryStore,
    /// A copy of the store, and what was written down of it.
    pub(crate) backup: Option<(MemoryStore, Histories)>,
    pub(crate) sessions: Vec<SessionId>,
    pub(crate) is_calm: bool,
    pub(crate) is_quiet: bool,
    /// What was written down.
    pub oracle: Oracle,
    /// What happened.
    pub trace: Trace,
    /// Numbers for commits, prompts, messages, replies and documents.
    numbers: u64,
}

impl World {
    /// Sets a scenario up.
    #[must_use]
    pub fn new(plan: Plan, keep_trace: bool) -> Self {
        let mut random = Random::new(plan.seed);
        let sessions = (0..plan.sessions).map(|_| SessionId::from_random(random.wide())).collect();
        let store = MemoryStore::new(plan.durability);
        let mut world = Self {
            now: Millis(1_000),
            random,
            happenings: BTreeMap::new(),
            ties: 0,
            tabs: Vec::new(),
            wires: Vec::new(),
            gateway: None,
            store,
            backup: None,
            sessions,
            is_calm: false,
            is_quiet: false,
            oracle: Oracle::default(),
            trace: Trace::new(keep_trace),
            numbers: 0,
            plan,
        };
        world.start_gateway();
        for session in world.plan.tabs.clone() {
            let client = ClientId::from_random(world.random.wide());
            let shown = world.sessions[session].clone();
            world.open_tab(Storage::new(client), shown);
        }
        for (at, act) in world.plan.course.clone() {
            world.at(at, Happening::Does(act));
        }
        world.at(world.plan.calm, Happening::Calm);
        world
    }

    /// Runs until everything is quiet, or a promise did not hold.
    pub fn run(&mut self) {
        while self.oracle.violation().is_none() && !self.is_quiet {
            if self.trace.steps() > STEPS_MAX {
                return self.oracle.violate(0, "the run spins: too many steps");
            }
            self.step();
        }
    }

    /// The next thing that happens: the earliest of what is scheduled and of all deadlines.
    fn step(&mut self) {
        let scheduled = self.happenings.keys().next().map(|(at, _)| *at);
        let due = self.next_deadline();
        match (scheduled, due) {
            (Some(at), Some((deadline, _))) if at <= deadline => self.happen(),
            (Some(_), None) => self.happen(),
            (_, Some((deadline, whose))) => {
                self.now = self.now.max(deadline);
                self.expire(whose);
            }
            (None, None) => self.oracle.violate(0, "nothing is left to happen"),
        }
    }

    fn happen(&mut self) {
        let Some(((at, _), happening)) = self.happenings.pop_first() else { return };
        self.now = self.now.max(at);
        match happening {
            Happening::Up { wire, text } => self.up(wire, &text),
            Happening::Down { wire, text } => self.down(wire, text),
            Happening::Arrives { wire, hello } => self.arrives(wire, hello),
            Happening::PostArrives { sender, connection, text } => self.post_arrives(sender, &connection, &text),
            Happening::PostAnswered { tab, document, post, posted } => self.post_answered(tab, document, post, posted),
            Happening::Checked { tab, document, link, checked } => self.checked(tab, document, link, checked),
            Happening::SignsIn { tab, document } => self.signs_in(tab, document),
            Happening::LooksForTab { tab, document, client } => self.looks_for_tab(tab, document, &client),
            Happening::ComesBack { tab, document } => self.comes_back(tab, document),
            Happening::Stands { wire } => self.stands(wire),
            Happening::TabHears { wire } => self.tab_hears(wire),
            Happening::GatewayHears { wire } => self.gateway_hears(wire),
            Happening::Durable { session, no } => self.durable(&session, no),
            Happening::Folds { session, no } => self.folds(&session, no),
            Happening::Works { session, run } => self.works(&session, run),
            Happening::Answers { tab, document, session, request } => self.answers(tab, document, session, request),
            Happening::PageAsked { tab, document, session } => self.page_asked(tab, document, session),
            Happening::PageHere { tab, document, session, page } => self.page_here(tab, document, &session, page),
            Happening::Does(act) => self.does(act),
            Happening::Starts => self.start_gateway(),
            Happening::Calm => self.calm(),
            Happening::Looks => self.looks(),
        }
    }

    fn next_deadline(&self) -> Option<(Millis, Whose)> {
        let tabs = self.tabs.iter().filter(|tab| !tab.is_closed && !tab.is_away).filter_map(|tab| {
            let mut deadline = tab.client.deadline()?.max(tab.asleep_until);
            if tab.is_hidden {
                // Hidden tabs' timers fire once a minute.
                deadline = Millis(deadline.0.next_multiple_of(60_000));
            }
            Some((deadline, Whose::Tab(tab.no)))
        });
        let gateway = self.gateway.iter();
        let connections = gateway.clone().flat_map(|gateway| &gateway.connections);
        let connections = connections.map(|(wire, seated)| (seated.connection.deadline(), Whose::Connection(*wire)));
        let sessions = gateway.flat_map(|gateway| gateway.sessions.values()).enumerate();
        let sessions = sessions.filter_map(|(no, loaded)| Some((loaded.deadline()?, Whose::Session(no))));
        tabs.chain(connections).chain(sessions).min_by_key(|(deadline, _)| *deadline)
    }

    fn expire(&mut self, whose: Whose) {
        self.trace.note(self.now, "deadline", || format!("{whose:?}"));
        match whose {
            Whose::Tab(tab) => {
                self.tabs[tab].client.handle_deadline(self.now);
                self.drain_tab(tab);
            }
            Whose::Connection(wire) => self.feed_connection(wire, moorline_delivery::ConnectionInput::Deadline),
            Whose::Session(no) => {
                let sessions = self.gateway.iter().flat_map(|gateway| gateway.sessions.keys());
                if let Some(session) = sessions.clone().nth(no).cloned() {
                    self.fold_what_is_due(&session);
                    self.feed_session(&session, moorline_session::Input::Deadline);
                }
            }
        }
    }

    pub(crate) fn at(&mut self, at: Millis, happening: Happening) {
        self.ties += 1;
        self.happenings.insert((at, self.ties), happening);
    }

    pub(crate) fn after(&mut self, wait: Millis, happening: Happening) {
        self.at(self.now + wait, happening);
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    pub(crate) fn clocks(&self) -> Now {
        Now { monotonic: self.now, wall: WALL + self.now.0 }
    }

    pub(crate) fn limits(&self) -> Limits {
        self.plan.limits.clone()
    }

    pub(crate) fn settings(&self) -> Settings {
        let config = Config { limits: self.limits(), idle_limit: Millis(60_000), ..Config::default() };
        Settings { config, retention: self.plan.retention }
    }

    pub(crate) fn pipe(&self) -> Pipe {
        Pipe::new(self.plan.quality)
    }

    fn start_gateway(&mut self) {
        if self.gateway.is_some() {
            return;
        }
        self.trace.note(self.now, "start", String::new);
        let mut gateway = Gateway::default();
        let rows = self.store.rows(0).unwrap_or_default();
        gateway.rows_head = rows.iter().map(|row| row.rev).max().unwrap_or(0);
        for row in &rows {
            if let Ok(Some(meta)) = self.store.session(&row.session) {
                self.expect_interruption(&row.session);
                let loaded = Loaded::restore(&row.session, &meta, &self.store, self.settings(), self.clocks());
                gateway.sessions.insert(row.session.clone(), loaded);
            }
        }
        self.gateway = Some(gateway);
        for row in rows {
            self.drain_session(&row.session);
        }
    }

    /// New incarnations: what was durable before may be gone.
    pub(crate) fn renew_epochs(&mut self) {
        let random = &mut self.random;
        self.store.renew(WALL + self.now.0, |_| Epoch::from_random(random.wide()));
        self.oracle.has_lost_data = true;
    }
}

#[derive(Debug, Clone, Copy)]
enum Whose {
    Tab(usize),
    Connection(usize),
    /// By its place among the loaded ones.
    Session(usize),
}
