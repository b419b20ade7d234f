//! `bench flood`: what one session whose agent floods takes from ninety-nine others.

use std::time::{Duration, Instant};

use moorline_e2e::{Api, Client, Gateway, Pace};
use moorline_protocol::{ClientFrame, Create, MessageId, Send, SendBody, SessionId};
use tokio::{sync::oneshot, time::sleep};

use crate::{figures::Table, machine};

const ROUNDS: usize = 3;
/// Sessions whose answers are timed: as many as a connection follows.
const TIMED: usize = 16;
/// Sessions whose agents go on telling, a chunk each 400 ms.
const TELLING: usize = 83;
const FLOOD: &str = "/flood 100000";
const FLOOD_MEGABYTES: f64 = 102.4;
/// Between two messages that are timed.
const PAUSE: Duration = Duration::from_millis(10);
const QUIET: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_secs(300);

/// Measures and prints.
///
/// # Panics
/// When something needed is missing, or an answer does not come in 10 s.
pub(crate) async fn bench() {
    machine::print(&[]);
    let mut table = Table::default();
    for _ in 0..ROUNDS {
        measure(&mut table).await;
    }
    table.print("100 sessions, each with an agent");
    println!("\nload after: {}", machine::load());
}

async fn measure(table: &mut Table) {
    let telling = format!("acp:'{}' demo-agent --delay-ms 400", Gateway::program().display());
    let options = ["--agent", "demo:--delay-ms 0", "--agent", &telling, "--sends-per-second", "1000", "--log", "warn"];
    let mut gateway = Gateway::start_without_client(Pace::Real, &options).await;
    let api = Api::login(gateway.address(), gateway.token()).await;
    let (mut client, _) = Client::greeted(gateway.address(), api.cookie(), "timed").await;
    client.ack_what_is_read();
    let name = Gateway::program().file_name().expect("the gateway's file").to_string_lossy().into_owned();
    for n in 0..TELLING {
        let create = Some(Create { title: None, agent: Some(name.clone()) });
        let body = SendBody::Text("/stream 1000000".to_owned());
        let send = Send { session: id("telling", n), message: id("m", n), body, create, interrupt: None };
        client.send(&ClientFrame::Send(send)).await;
        client.expect_receipt(&id("m", n)).await;
    }
    let mut timed = Timed { client, answers: 0 };
    for n in 0..TIMED {
        timed.answer(true).await;
        timed.client.attach(&id("timed", n), n as u64 + 1).await;
    }
    for _ in 0..4 * TIMED {
        timed.answer(false).await;
    }
    let before = gateway.resident_bytes();
    let mut quiet = Vec::new();
    let began = Instant::now();
    while began.elapsed() < QUIET {
        quiet.push(timed.answer(false).await);
        sleep(PAUSE).await;
    }

    let (over, mut ended) = oneshot::channel();
    let (address, cookie) = (gateway.address(), api.cookie().to_owned());
    // Somebody watches it, too.
    tokio::spawn(async move {
        let (mut client, _) = Client::greeted(address, &cookie, "flooded").await;
        client.ack_what_is_read();
        let (session, message) = (id("flooded", 0), id::<MessageId>("flood", 0));
        client.send_text(&session, &message, "/echo warm").await;
        client.expect_receipt(&message).await;
        client.attach(&session, 1).await;
        let message = id::<MessageId>("flood", 1);
        let began = Instant::now();
        client.send_text(&session, &message, FLOOD).await;
        client.follow_to_turn_end(&message, LONGEST).await;
        let _ = over.send(began.elapsed());
    });
    let (mut flooded, mut peak) = (Vec::new(), before);
    let took = loop {
        flooded.push(timed.answer(false).await);
        peak = peak.max(gateway.resident_bytes());
        sleep(PAUSE).await;
        if let Ok(took) = ended.try_recv() {
            break took;
        }
    };
    gateway.stop().await;
    for (variant, latencies) in [("quiet", &mut quiet), ("one floods", &mut flooded)] {
        latencies.sort_unstable();
        let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
        table.push(variant, "answers timed", 0, latencies.len() as f64);
        table.push(variant, "from a message to the end of its turn, p50, ms", 1, at(0.5));
        table.push(variant, "the same, p99, ms", 1, at(0.99));
    }
    table.push("quiet", "gateway's memory, MB", 1, before as f64 / 1e6);
    table.push("one floods", "gateway's memory, MB", 1, peak as f64 / 1e6);
    table.push("one floods", "100,000 updates of 1 KB took, s", 2, took.as_secs_f64());
    table.push("one floods", "MB of the flood a second", 1, FLOOD_MEGABYTES / took.as_secs_f64());
}

/// Messages to sessions in turn, each answered by its agent before the next.
struct Timed {
    client: Client,
    answers: usize,
}

impl Timed {
    /// One message, until its turn is over; of a session that is not attached, until it was accepted.
    async fn answer(&mut self, first: bool) -> Duration {
        let (session, message) = (id("timed", self.answers % TIMED), id::<MessageId>("a", self.answers));
        self.answers += 1;
        let began = Instant::now();
        self.client.send_text(&session, &message, "/echo the tide is high").await;
        if first {
            self.client.expect_receipt(&message).await;
        } else {
            self.client.expect_turn_end(&message).await;
            self.client.forget();
        }
        began.elapsed()
    }
}

fn id<T: FromName>(name: &str, n: usize) -> T {
    T::from_name(&format!("{name}-{n}"))
}

trait FromName {
    fn from_name(name: &str) -> Self;
}

impl FromName for SessionId {
    fn from_name(name: &str) -> Self {
        Self::parse(name).expect("an id")
    }
}

impl FromName for MessageId {
    fn from_name(name: &str) -> Self {
        Self::parse(name).expect("an id")
    }
}
