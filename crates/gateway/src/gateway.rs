//! One running gateway: start, recovery, drain.

use std::{io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use moorline_delivery::{Allowances, Rate, Terms};
use moorline_protocol::{Epoch, Millis};
use moorline_session::{Config, Store as _, StoreError};
use tokio::{net::TcpListener, sync::Semaphore, task::JoinHandle, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    agent::{AgentSettings, kill_leftovers},
    clock::{self, Clock},
    data_dir::{DataDir, DataError, REMEDY},
    door::{Door, DoorCaps},
    http,
    hub::{Connections, Hub},
    janitor,
    options::{Durability, InvalidOption, Options},
    random, server,
    sessions::{Population, Sessions, Surroundings},
    store::{CommitQueue, OpenError, SqliteStore},
};

/// How long the sessions may take to finish their commits, and the connections to close.
const DRAIN_LIMIT: Duration = Duration::from_secs(3);

/// How long connections go on behind `going_away`, to deliver what was committed last.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// Exports at once at most: each holds a transcript in memory.
const EXPORTS: usize = 2;

/// Why a gateway does not start: a sentence each.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message says what it is")]
pub enum StartError {
    #[error(transparent)]
    Option(#[from] InvalidOption),
    #[error(transparent)]
    Data(#[from] DataError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("{folder:?} cannot be used: {source}; {}", remedy(source))]
    Store { folder: PathBuf, source: StoreError },
    #[error("agents left by the last gateway cannot be ended: {0}")]
    Leftovers(io::Error),
    #[error("cannot listen on {address}: {source}; choose another --listen")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("cannot start a thread: {0}")]
    Thread(io::Error),
}

const fn remedy(error: &StoreError) -> &'static str {
    match error {
        StoreError::Unavailable(_) => REMEDY,
        StoreError::Corrupt(_) => "put a backup in its place with moorline-gateway restore --data DIR FILE",
    }
}

/// A gateway that serves.
pub struct Gateway {
    address: SocketAddr,
    token: String,
    hub: Arc<Hub>,
    store: Arc<SqliteStore>,
    agents: PathBuf,
    server: JoinHandle<()>,
    stop_serving: CancellationToken,
    _data: DataDir,
}

/// Starts a gateway: locks the data folder, ends what a dead gateway left, recovers its turns, and listens.
///
/// `own_binary` is run as the demo agent. Must be called on a tokio runtime with I/O and time.
///
/// # Errors
/// [`StartError`], before anything is served.
pub async fn start(options: &Options, own_binary: PathBuf) -> Result<Gateway, StartError> {
    options.check()?;
    let data = DataDir::open(&options.data)?;
    kill_leftovers(&data.agents()).map_err(StartError::Leftovers)?;
    let store = Arc::new(open_store(&data, options.durability)?);
    let token = match &options.token {
        Some(token) => token.clone(),
        None => data.token()?,
    };
    let unusable = |source| StartError::Store { folder: options.data.clone(), source };
    let gateway_id = known_or_made(&store, "gateway_id").map_err(unusable)?;
    let clock = Clock::start();
    let caps = DoorCaps { wrong_tokens: Rate::per_minute(options.wrong_tokens_per_minute), reads: options.reads as usize };
    let door = Door::new(&token, &gateway_id, options.allow_origin.clone(), Millis(options.login_ms), caps, clock, Arc::clone(&store));
    let door = door.map_err(unusable)?;
    let newest_row = store.newest_row().map_err(unusable)?;
    let (limits, timings, agent_timings) = (options.limits(), options.timings(), options.agent_timings());
    let mut agent_settings = AgentSettings::new(own_binary, data.agents());
    agent_settings.environment.clone_from(&options.agent_env);
    agent_settings.memory_dir = data.conversations();
    agent_settings.start_limit = Duration::from_millis(agent_timings.start.0);
    agent_settings.restart_wait = Duration::from_millis(agent_timings.restart.0);
    let surroundings = Surroundings {
        clock,
        store: Arc::<SqliteStore>::clone(&store),
        commits: CommitQueue::start(Arc::<SqliteStore>::clone(&store), newest_row).map_err(StartError::Thread)?,
        config: Config { limits, idle_limit: agent_timings.idle, stop_limit: agent_timings.stop },
        retention: options.retention(),
        client_idle: Millis(options.client_idle_ms),
        population: Population::new(options.sessions as usize, store.rows(0).map_err(unusable)?.len()),
        agents: options.agents.clone(),
        agent_settings,
        work: data.work(),
    };
    let come_back = (timings.backoff_min, timings.backoff_min + timings.backoff_min.scaled(9, 1));
    let stall_limit = Duration::from_millis(timings.silence.0);
    let terms = Terms {
        timings,
        limits: options.limits(),
        build: env!("CARGO_PKG_VERSION").to_owned(),
        agents: options.agents.iter().map(|spec| spec.name.clone()).collect(),
    };
    let hub = Arc::new(Hub {
        clock,
        door,
        sessions: Sessions::new(Arc::new(surroundings)),
        terms: Arc::new(terms),
        come_back,
        draining: CancellationToken::new(),
        closing: CancellationToken::new(),
        tasks: TaskTracker::new(),
        connections: std::sync::Mutex::new(Connections::default()),
        exports: Arc::new(Semaphore::new(EXPORTS)),
        most_connections: options.connections as usize,
        sends: std::sync::Mutex::new(Allowances::new(Rate::per_second(options.sends_per_second))),
    });
    hub.sessions.recover().await.map_err(unusable)?;
    hub.tasks.spawn(janitor::forget_idle_clients(Arc::clone(&hub)));
    hub.tasks.spawn(janitor::keep_up(Arc::clone(&hub), options.upkeep_every()));
    let listen = |source| StartError::Listen { address: options.listen, source };
    let listener = TcpListener::bind(options.listen).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    data.note_address(&format!("http://{}", reachable(address)))?;
    let stop_serving = CancellationToken::new();
    let app = http::app(Arc::clone(&hub), options.client.as_deref());
    let server = tokio::spawn(server::serve(listener, app, stall_limit, stop_serving.clone()));
    let agents = data.agents();
    Ok(Gateway { address, token: token.as_str().to_owned(), hub, store, agents, server, stop_serving, _data: data })
}

impl Gateway {
    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What a login takes.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The link that opens the page and logs in: the token stands in the fragment, which browsers do not send.
    #[must_use]
    pub fn link(&self) -> String {
        format!("http://{}/#token={}", reachable(self.address), self.token)
    }

    /// Stops in order: clients are told when to come back, what was decided is committed and answered, agents are killed.
    ///
    /// Turns that were running are ended `interrupted` by the next start. Takes a few seconds at most.
    pub async fn drain(mut self) {
        // From here on whoever comes is told to come later, which a closed port could not say.
        self.hub.draining.cancel();
        if timeout(DRAIN_LIMIT, self.hub.sessions.stop()).await.is_err() {
            tracing::warn!("some sessions did not finish in time: the next start recovers them");
        }
        tokio::time::sleep(LAST_WORDS).await;
        self.hub.closing.cancel();
        self.hub.tasks.close();
        if timeout(DRAIN_LIMIT, self.hub.tasks.wait()).await.is_err() {
            tracing::warn!("some connections did not close in time");
        }
        self.stop_serving.cancel();
        if timeout(DRAIN_LIMIT, &mut self.server).await.is_err() {
            tracing::warn!("some requests were not answered in time");
            self.server.abort();
        }
        let (hub, store, agents) = (self.hub, self.store, self.agents);
        let finish = tokio::task::spawn_blocking(move || {
            hub.sessions.surroundings().commits.finish();
            if let Err(error) = kill_leftovers(&agents) {
                tracing::warn!(%error, "an agent did not end");
            }
            if let Err(error) = store.set_fact(STOPPED, CLEANLY) {
                tracing::warn!(%error, "the clean stop could not be recorded");
            }
        });
        if finish.await.is_err() {
            tracing::error!("stopping panicked");
        }
    }
}

/// An address that this machine can be asked at.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    address
}

/// The fact that tells how the last gateway stopped.
const STOPPED: &str = "stopped";
const CLEANLY: &str = "cleanly";

/// Opens the store.
fn open_store(data: &DataDir, durability: Durability) -> Result<SqliteStore, StartError> {
    let store = SqliteStore::open(&data.store(), durability)?;
    match note_start(&store, durability) {
        Ok(()) => Ok(store),
        Err(source) => Err(StartError::Store { folder: data.path().to_owned(), source }),
    }
}

/// If the last gateway did not stop cleanly and its commits were not synced, what its clients saw may be gone: then every
/// journal is a new incarnation.
fn note_start(store: &SqliteStore, durability: Durability) -> Result<(), StoreError> {
    let last = store.fact(STOPPED)?;
    if last.as_deref() == Some("unsynced") {
        tracing::warn!("the last gateway did not stop cleanly, and its commits were not synced: every journal gets a new epoch");
        store.renew_epochs(clock::wall(), || Epoch::from_random(random::bits()))?;
    }
    let running = match durability {
        Durability::Full => "synced",
        Durability::Os => "unsynced",
    };
    store.set_fact(STOPPED, running)
}

fn known_or_made(store: &SqliteStore, fact: &str) -> Result<String, StoreError> {
    if let Some(known) = store.fact(fact)? {
        return Ok(known);
    }
    let made = format!("{:032x}", random::bits());
    store.set_fact(fact, &made)?;
    Ok(made)
}
