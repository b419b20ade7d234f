//! `bench million`: what an attach, a page and an append cost in a journal of a million events, beside one of ten thousand.

mod core;
mod journal;

use std::{fs, path::Path, time::Instant};

use moorline_e2e::{Api, Client, Gateway, Pace, within};
use moorline_gateway::{options::Durability, store::SqliteStore};
use moorline_protocol::{Attach, ClientFrame, Epoch, GatewayFrame, MessageId, Page, Seq, SessionId};

use self::journal::{Kept, Shape, write};
use crate::{figures::Latencies, machine};

const SIZES: [usize; 2] = [10_000, 1_000_000];
/// A cursor in the first half of either.
const OLD: Seq = Seq::new(5_000);
/// A place that a snapshot does not reach in either.
const BEGINNING: Seq = Seq::new(1_000);
/// How often each thing is measured, the two sizes in turn.
const ROUNDS: usize = 40;
/// Starts of the gateway, each of which reads every journal once.
const STARTS: usize = 3;
const LONGEST: std::time::Duration = std::time::Duration::from_secs(120);

/// What is measured of which shape.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    shape: Shape,
    what: String,
}

/// Latencies by row and size, in the order in which the rows were first named.
#[derive(Debug, Default)]
struct Rows(Vec<(Row, [Latencies; 2])>);

impl Rows {
    fn push(&mut self, row: Row, events: usize, took: Latencies) {
        let size = usize::from(events == SIZES[1]);
        let at = self.0.iter().position(|(known, _)| *known == row).unwrap_or_else(|| {
            self.0.push((row, Default::default()));
            self.0.len() - 1
        });
        self.0[at].1[size].extend(took);
    }

    fn print(self) {
        println!("\n| median, ms | {} events | {} events | ratio |\n|---|---|---|---|", SIZES[0], SIZES[1]);
        for (Row { shape, what }, [small, large]) in self.0 {
            let ((small, _), (large, _)) = (small.percentiles(), large.percentiles());
            println!("| {}: {what} | {small:.3} | {large:.3} | {:.2} |", shape.name(), large / small);
        }
    }
}

/// Measures and prints.
///
/// # Panics
/// When something needed is missing.
pub(crate) async fn bench() {
    machine::print(&[]);
    let mut rows = Rows::default();
    for shape in Shape::ALL {
        SIZES.into_iter().for_each(|events| core::measure(&mut rows, shape, events));
    }
    sizes_on_disk();
    let own = std::env::current_exe().expect("the benchmark's own path");
    let agent = format!("acp:'{}' agent", own.display());
    // The disk's fsync would hide what an append costs beside it.
    let options = ["--durability", "os", "--agent", &agent, "--log", "warn", "--sends-per-second", "1000000"];
    let mut gateway = Gateway::start_without_client(Pace::Real, &options).await;
    let api = Api::login(gateway.address(), gateway.token()).await;
    let (_, welcome) = Client::greeted(gateway.address(), api.cookie(), "agents").await;
    gateway.stop().await;
    let file = gateway.data().join("moorline.sqlite");
    let store = SqliteStore::open(&file, Durability::Os).expect("the gateway's store opens");
    for (shape, events) in cases() {
        write(&store, &session(shape, events), &welcome.agents[0], shape, events, Kept::Folded);
    }
    drop(store);
    for start in 0..STARTS {
        let began = Instant::now();
        gateway.restart().await;
        println!("start {start}: {} ms until the gateway listens, {} MB resident", began.elapsed().as_millis(), resident(&gateway));
        for (shape, events) in cases() {
            let mut stage = Stage::open(&gateway, &api, shape, events).await;
            let mut took = Latencies::default();
            took.push(stage.attach(format!("cold{start}"), None).await);
            rows.push(Row { shape, what: "first attach after a start".to_owned() }, events, took);
            println!("    {}: {} MB resident", stage.session, resident(&gateway));
        }
        if start + 1 < STARTS {
            gateway.stop().await;
        }
    }
    for shape in Shape::ALL {
        measure(&mut rows, &gateway, &api, shape).await;
    }
    rows.print();
    println!("\nload after: {}", machine::load());
}

fn cases() -> impl Iterator<Item = (Shape, usize)> {
    Shape::ALL.into_iter().flat_map(|shape| SIZES.map(|events| (shape, events)))
}

fn session(shape: Shape, events: usize) -> SessionId {
    SessionId::parse(&format!("{}-{events}", shape.name())).expect("a valid id")
}

/// Prints what a million events take on disk.
fn sizes_on_disk() {
    for (shape, kept) in Shape::ALL.into_iter().flat_map(|shape| [Kept::Raw, Kept::Folded].map(|kept| (shape, kept))) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("store");
        let store = SqliteStore::open(&file, Durability::Os).expect("a new store opens");
        let began = Instant::now();
        write(&store, &session(shape, SIZES[1]), "none", shape, SIZES[1], kept);
        let rows = moorline_session::Store::count(&store, &session(shape, SIZES[1]), Seq::ZERO, u64::MAX).expect("the rows are counted");
        drop(store);
        let bytes = fs::metadata(&file).map_or(0, |file| file.len());
        let took = began.elapsed().as_millis();
        println!("{}, {kept:?}: {rows} rows, {} KB on disk, written in {took} ms", shape.name(), bytes >> 10);
    }
}

/// What the gateway holds in memory, in MB.
fn resident(gateway: &Gateway) -> u64 {
    let pid = fs::read_to_string(gateway.data().join("lock")).expect("the gateway's lock");
    let status = fs::read_to_string(Path::new("/proc").join(pid.trim()).join("status")).expect("the gateway runs");
    let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kib.expect("its memory") >> 10
}

/// One session of a running gateway.
#[derive(Debug)]
struct Stage<'a> {
    gateway: &'a Gateway,
    api: &'a Api,
    session: SessionId,
    epoch: Epoch,
    /// Sends the messages, and sees their turns end.
    sender: Client,
}

impl<'a> Stage<'a> {
    async fn open(gateway: &'a Gateway, api: &'a Api, shape: Shape, events: usize) -> Self {
        let session = session(shape, events);
        let (sender, _) = Client::greeted(gateway.address(), api.cookie(), &format!("sender-{session}")).await;
        Self { gateway, api, session, epoch: Epoch::parse("million").expect("a valid id"), sender }
    }

    /// From an attach of a client that nobody knows until it has caught up.
    async fn attach(&mut self, name: String, seq: Option<Seq>) -> std::time::Duration {
        let (mut client, _) = Client::greeted(self.gateway.address(), self.api.cookie(), &format!("{}-{name}", self.session)).await;
        let epoch = seq.map(|_| self.epoch.clone());
        let attach = Attach { session: self.session.clone(), no: 1, epoch, seq: seq.unwrap_or(Seq::ZERO), snapshot: false };
        let began = Instant::now();
        client.send(&ClientFrame::Attach(attach)).await;
        within("an attach", LONGEST, async {
            while !matches!(client.next().await.expect("the gateway answers"), GatewayFrame::CaughtUp(_)) {}
        })
        .await;
        began.elapsed()
    }

    async fn page(&self, before: Seq) -> std::time::Duration {
        let began = Instant::now();
        let page: Page = self.api.read(&format!("/v1/sessions/{}/blocks?before={before}&limit=50", self.session)).await;
        assert!(!page.items.is_empty(), "the page holds something");
        began.elapsed()
    }

    /// From a send to its receipt; the next thing is done when its turn is over.
    async fn append(&mut self, name: &str) -> std::time::Duration {
        let message = MessageId::parse(&format!("{}-{name}", self.session)).expect("a valid id");
        let began = Instant::now();
        self.sender.send_text(&self.session, &message, "0 0").await;
        self.sender.expect_receipt(&message).await;
        let took = began.elapsed();
        self.sender.expect_turn_end(&message).await;
        took
    }

    async fn head(&self) -> Seq {
        let page: Page = self.api.read(&format!("/v1/sessions/{}/blocks?before={}&limit=1", self.session, Seq::MAX)).await;
        page.seq
    }
}

async fn measure(rows: &mut Rows, gateway: &Gateway, api: &Api, shape: Shape) {
    let mut stages = Vec::new();
    for events in SIZES {
        let mut stage = Stage::open(gateway, api, shape, events).await;
        // At the head, or a snapshot would use up the credit.
        let (session, epoch) = (stage.session.clone(), Some(stage.epoch.clone()));
        let attach = Attach { session, no: 1, epoch, seq: stage.head().await, snapshot: false };
        stage.sender.send(&ClientFrame::Attach(attach)).await;
        // The agent is started by the first.
        stage.append("first").await;
        stages.push((events, stage));
    }
    for round in 0..ROUNDS {
        for (events, stage) in &mut stages {
            let head = stage.head().await;
            let mut push = |what: &str, latency| {
                let mut took = Latencies::default();
                took.push(latency);
                rows.push(Row { shape, what: what.to_owned() }, *events, took);
            };
            push("attach, fresh", stage.attach(format!("f{round}"), None).await);
            push("attach, old cursor", stage.attach(format!("o{round}"), Some(OLD)).await);
            push("attach, cursor in the middle", stage.attach(format!("m{round}"), Some(Seq::new(head.value() / 2))).await);
            push("attach, up to date", stage.attach(format!("u{round}"), Some(head)).await);
            push("page at the end", stage.page(head).await);
            push("page at the beginning", stage.page(BEGINNING).await);
            push("append: send → receipt", stage.append(&format!("a{round}")).await);
        }
    }
}
