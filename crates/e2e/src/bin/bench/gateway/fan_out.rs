//! What a delivery costs the server's processor: many readers of one stream.

use std::time::{Duration, Instant};

use futures_util::future::join_all;

use super::subject::{Candidate, Start};
use crate::{ROUNDS, figures::Table, raw::Line};

const READERS: usize = 100;
const STREAM: &str = "fan";

/// Texts of one round, and the pause between two.
const PACED: (usize, Duration) = (1_000, Duration::from_millis(4));
const FLAT_OUT: (usize, Duration) = (10_000, Duration::ZERO);

/// Measures and prints.
pub(super) async fn bench() {
    let mut table = Table::default();
    for candidate in Candidate::all() {
        for line in candidate.lines() {
            measure(&mut table, &candidate, *line).await;
        }
    }
    table.print("100 readers of one stream");
}

// A fold repeats what a reader in its midst has already, so where texts are counted nothing is folded.
async fn measure(table: &mut Table, candidate: &Candidate, line: Line) {
    let subject = candidate.start(Start::Raw).await;
    subject.make(STREAM).await;
    for (what, (texts, pause)) in [("250 texts/s", PACED), ("flat out", FLAT_OUT)] {
        for round in 0..=ROUNDS {
            // New ones each time: a peer ends its streams after a minute.
            let mut readers = Vec::new();
            for n in 0..READERS {
                readers.push(subject.read_new(STREAM, line, n).await.expect("a reader"));
            }
            let due = texts as u64;
            let (began, before) = (Instant::now(), subject.process().processor_time());
            let reading = join_all(readers.iter_mut().map(|reader| reader.until_marks(due)));
            let (_, read) = tokio::join!(subject.append(STREAM, texts, pause), reading);
            let (took, after) = (began.elapsed(), subject.process().processor_time());
            for read in read {
                read.expect("a reader reads to the end");
            }
            for reader in &readers {
                assert_eq!(reader.marks, due, "every text arrives once");
            }
            // The first one warms up.
            if round > 0 {
                let deliveries = (texts * READERS) as f64;
                let row = format!("{}, {what}: server CPU µs per delivery", line.name());
                table.push(candidate.name(), &row, 2, (after - before).as_secs_f64() * 1e6 / deliveries);
                if pause == Duration::ZERO {
                    table.push(candidate.name(), &format!("{}, {what}: deliveries/s", line.name()), 0, deliveries / took.as_secs_f64());
                }
            }
        }
    }
}
