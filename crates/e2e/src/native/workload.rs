//! Users at work: everybody writes, reads, stops turns and reloads, until they are told to rest.

use std::{collections::BTreeMap, time::Duration};

use moorline_delivery::Random;
use moorline_protocol::SessionId;
use tokio::{sync::watch, task::JoinHandle};

use super::{Ledger, NativeClient, Screens};
use crate::{Api, Gateway, Journal, Transport, within};

/// How long everything may take to come to rest once nothing breaks any more.
const REST: Duration = Duration::from_secs(60);

/// Messages of a user that wait at most: nobody writes faster than their agent works.
const UNFINISHED: usize = 3;

/// Native clients, each with a user at work.
#[derive(Debug)]
pub struct Workload {
    sessions: usize,
    users: Vec<JoinHandle<NativeClient>>,
    rest: watch::Sender<bool>,
    ledger: Ledger,
}

/// What a workload came to.
#[derive(Debug)]
pub struct Done {
    /// What everybody was shown and told; the journals were held against it.
    pub ledger: Ledger,
    /// The journals in the end.
    pub journals: BTreeMap<SessionId, Journal>,
    /// What each client shows in the end.
    pub screens: BTreeMap<String, Screens>,
}

impl Workload {
    /// Has so many clients begin, in so many sessions, two at least: each writes into one and reads that and the next. The first half is on
    /// WebSockets, the second on event streams. The same seed types the same.
    #[must_use]
    pub fn start(gateway: &Gateway, api: &Api, sessions: usize, clients: usize, seed: u64) -> Self {
        let (rest, resting) = watch::channel(false);
        let ledger = Ledger::default();
        let user = |n: usize| {
            let on = if n < clients / 2 { Transport::WebSocket } else { Transport::Sse };
            let client = NativeClient::start(gateway.address(), api.cookie(), &format!("c{n}"), on, &ledger);
            let [own, other] = places(n, sessions);
            tokio::spawn(work(client, own, other, Random::new(seed << 8 | n as u64), resting.clone()))
        };
        let users = (0..clients).map(user).collect();
        Self { sessions, users, rest, ledger }
    }

    /// What is noted while it goes on.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Waits until so many more messages and answers were acknowledged.
    ///
    /// # Panics
    /// When that takes longer than 60 s.
    pub async fn until_acknowledged(&self, more: usize) {
        let acknowledged = || self.ledger.counts().2;
        let enough = acknowledged() + more;
        within("messages to be acknowledged", REST, async {
            while acknowledged() < enough {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
    }

    /// Lets everybody rest, waits until all that was sent is over and everybody has all of it, and holds the journals against
    /// what was noted. [`Ledger::assert_kept`] tells what came of it.
    ///
    /// # Panics
    /// When there is no rest in 60 s, or a promise was broken already; `run` says how to see it again.
    pub async fn finish(self, api: &Api, run: &str) -> Done {
        let Self { sessions, users, rest, ledger } = self;
        rest.send_replace(true);
        let mut clients = Vec::new();
        for user in users {
            clients.push(user.await.expect("a user goes on"));
        }
        settle(&mut clients, &ledger, run).await;
        let mut journals = BTreeMap::new();
        for n in 0..sessions {
            journals.insert(session(n), api.journal(&session(n)).await);
        }
        let mut screens = BTreeMap::new();
        for (n, mut client) in clients.into_iter().enumerate() {
            let heads: u64 = places(n, sessions).iter().map(|session| journals[session].head.value()).sum();
            client.until("the heads of the journals", REST, |standing| standing.applied == heads).await;
            screens.insert(client.name().to_owned(), client.stop().await);
        }
        for (session, journal) in &journals {
            ledger.judge(session, journal, &screens);
        }
        Done { ledger, journals, screens }
    }
}

fn session(n: usize) -> SessionId {
    SessionId::parse(&format!("s{n}")).expect("an id")
}

/// The session that a client writes into, and the one that it only reads.
fn places(n: usize, sessions: usize) -> [SessionId; 2] {
    [session(n % sessions), session((n + 1) % sessions)]
}

/// One user: writes, stops a turn now and then, and reloads the page.
async fn work(
    mut client: NativeClient,
    own: SessionId,
    other: SessionId,
    mut random: Random,
    mut resting: watch::Receiver<bool>,
) -> NativeClient {
    client.show(&other);
    client.show(&own);
    let mut sent = 0;
    loop {
        let pause = Duration::from_millis(20 + random.below(300));
        if tokio::time::timeout(pause, resting.wait_for(|resting| *resting)).await.is_ok() {
            return client;
        }
        let what = random.below(100);
        match what {
            0..2 => client.reload(),
            2..6 => client.cancel(&own),
            _ if client.standing().unfinished >= UNFINISHED => {}
            _ => {
                sent += 1;
                let text = match what {
                    6..60 => format!("/echo {sent} from {}", client.name()),
                    60..75 => format!("/ask {sent} from {}", client.name()),
                    _ => format!("note {sent} from {}", client.name()),
                };
                client.send(&own, &text);
            }
        }
    }
}

/// Waits until everything is at rest: nobody has anything left to send, so nobody can disturb what another one sees.
async fn settle(clients: &mut [NativeClient], ledger: &Ledger, run: &str) {
    let what = format!("everything to be sent and over ({run})");
    while !clients.iter().all(|client| client.standing().is_settled) {
        for client in &mut *clients {
            let is_broken = || !ledger.violations().is_empty();
            client.until(&what, REST, |standing| standing.is_settled || is_broken()).await;
            ledger.assert_kept(run);
        }
    }
}
