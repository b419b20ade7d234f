//! What a connection costs in memory that follows a session in which nothing happens.

use std::time::Duration;

use moorline_e2e::within;
use tokio::time::sleep;

use super::{
    follower::Follower,
    subject::{Candidate, Start, Subject},
};
use crate::{ROUNDS, figures::Table, raw::Line};

const CONNECTIONS: usize = 1_000;
/// Opened first and kept, so that what is paid once is paid.
const WARM_UP: usize = 100;
const STREAM: &str = "idle";
/// What a stream holds before it is read, about 20 KB. The gateway's readers get all of it, the peers' what follows.
const TEXTS: usize = 100;
/// Memory counts as at rest once two looks this far apart see the same.
const LOOK: Duration = Duration::from_millis(500);

/// Measures and prints.
pub(super) async fn bench() {
    let mut table = Table::default();
    for candidate in Candidate::all().into_iter().filter(|candidate| candidate.name() != "Moorline, os") {
        for line in candidate.lines() {
            for _ in 0..ROUNDS {
                let kib = measure(&candidate, *line).await;
                table.push(candidate.name(), &format!("KB per idle connection, {}", line.name()), 2, kib * 1.024);
            }
        }
    }
    table.print("memory");
}

async fn measure(candidate: &Candidate, line: Line) -> f64 {
    let subject = candidate.start(Start::Folding).await;
    subject.make(STREAM).await;
    subject.append(STREAM, TEXTS, Duration::from_millis(1)).await;
    let warm = open(&subject, line, 0..WARM_UP).await;
    let before = at_rest(&subject).await;
    let idle = open(&subject, line, WARM_UP..WARM_UP + CONNECTIONS).await;
    let after = at_rest(&subject).await;
    drop((warm, idle));
    (after - before) / CONNECTIONS as f64
}

async fn open(subject: &Subject, line: Line, readers: std::ops::Range<usize>) -> Vec<Follower> {
    let mut open = Vec::new();
    for reader in readers {
        open.push(subject.read(STREAM, line, reader).await.expect("a connection"));
    }
    open
}

/// Resident memory once it does not change any more, in KiB.
async fn at_rest(subject: &Subject) -> f64 {
    within("memory at rest", Duration::from_secs(10), async {
        let mut last = subject.process().resident_kib();
        loop {
            sleep(LOOK).await;
            let now = subject.process().resident_kib();
            if (now - last).abs() <= 64.0 {
                return now;
            }
            last = now;
        }
    })
    .await
}
