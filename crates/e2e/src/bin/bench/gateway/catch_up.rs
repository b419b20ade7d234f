//! How long a reader waits that comes back, or comes new, behind 10,000 events.

use std::time::{Duration, Instant};

use moorline_protocol::{ClientFrame, Cursor, Seq, encode};

use super::{
    follower::Follower,
    subject::{Candidate, Moorline, Start, Subject, attach},
};
use crate::{ROUNDS, figures::Table, raw::Line};

const EVENTS: u64 = 10_000;
const STREAM: &str = "long";
/// Apart enough that most of the agent's texts become events of their own.
const PAUSE: Duration = Duration::from_micros(400);

/// Measures and prints.
pub(super) async fn bench() {
    let mut table = Table::default();
    for candidate in Candidate::all() {
        match candidate {
            // How commits are synced makes no difference to a reader.
            Candidate::Moorline { durability: "os" } => {
                raw(&mut table, &candidate).await;
                folded(&mut table, &candidate).await;
            }
            Candidate::Moorline { .. } => {}
            Candidate::DurableStreams { .. } | Candidate::SocketIo { .. } => peer(&mut table, &candidate).await,
        }
    }
    table.print("10,000 events of 200 bytes");
}

/// The gateway's journal as it was committed, replayed from a cursor just so many events before its head.
async fn raw(table: &mut Table, candidate: &Candidate) {
    let Subject::Moorline(server) = candidate.start(Start::Raw).await else { return };
    let (first, head, marks) = fill(&server).await;
    let behind = Cursor { seq: Seq::new(head.seq.value() - EVENTS), ..head.clone() };
    for line in candidate.lines() {
        // A first one counts what there is.
        let mut all = server.read(STREAM, *line, 0, Some(first.clone())).await.expect("a replay");
        all.until_marks(marks).await.expect("the whole replay");
        assert_eq!((all.marks, all.cursor()), (marks, Some(head.clone())), "a replay of everything is whole");
        for _ in 0..ROUNDS {
            let (took, reader) = timed(&server, *line, Some(behind.clone())).await;
            assert_eq!(reader.cursor(), Some(head.clone()), "a replay ends at the head");
            table.push(candidate.name(), &format!("{}, replayed as committed: ms", line.name()), 1, took.as_secs_f64() * 1e3);
        }
    }
}

/// The default: what is old was folded, and who is new gets a snapshot.
async fn folded(table: &mut Table, candidate: &Candidate) {
    let Subject::Moorline(server) = candidate.start(Start::Folding).await else { return };
    let (_, head, _) = fill(&server).await;
    for line in candidate.lines() {
        for _ in 0..ROUNDS {
            let (took, reader) = timed(&server, *line, None).await;
            assert_eq!(reader.cursor(), Some(head.clone()), "a snapshot is as of the head");
            table.push(candidate.name(), &format!("{}, the default path: ms", line.name()), 1, took.as_secs_f64() * 1e3);
        }
    }
}

/// From the attach, which on SSE is the request itself, until the reader was told that it has everything.
async fn timed(server: &Moorline, line: Line, cursor: Option<Cursor>) -> (Duration, Follower) {
    let attach = attach(STREAM, cursor);
    let (began, mut reader) = match line {
        Line::WebSocket => {
            let mut reader = server.open(STREAM, line, 1, Vec::new()).await.expect("a connection");
            let began = Instant::now();
            reader.say(&encode(&ClientFrame::Attach(attach))).await.expect("an attach");
            (began, reader)
        }
        Line::Events => {
            let began = Instant::now();
            (began, server.open(STREAM, line, 1, vec![attach]).await.expect("a connection"))
        }
    };
    reader.until_live().await.expect("a reader catches up");
    (began.elapsed(), reader)
}

/// Appends until the journal has so many events; its beginning, its end and the texts in it.
async fn fill(server: &Moorline) -> (Cursor, Cursor, u64) {
    const TEXTS: usize = 2_000;
    server.make(STREAM).await;
    let mut reader = server.read(STREAM, Line::WebSocket, 2, None).await.expect("a reader");
    let mut head = reader.cursor().expect("an attached reader");
    let first = Cursor { seq: Seq::ZERO, ..head.clone() };
    while head.seq.value() < EVENTS {
        server.append(STREAM, TEXTS, PAUSE).await;
        reader.until_marks(reader.marks + TEXTS as u64).await.expect("what was appended");
        reader.until_turn_end().await.expect("the turn's end");
        head = reader.cursor().expect("an attached reader");
    }
    (first, head, reader.marks)
}

async fn peer(table: &mut Table, candidate: &Candidate) {
    let subject = candidate.start(Start::Folding).await;
    subject.make(STREAM).await;
    match &subject {
        Subject::DurableStreams(server) => {
            subject.append(STREAM, EVENTS as usize, Duration::ZERO).await;
            for _ in 0..ROUNDS {
                let began = Instant::now();
                let mut reader = server.open(STREAM, "-1").await.expect("a reader");
                // Its word that this is all may be cut by a chunk; the last text is not.
                reader.until_marks(EVENTS).await.expect("a reader catches up");
                let took = began.elapsed();
                assert_eq!(reader.marks, EVENTS, "every text arrives once");
                table.push(candidate.name(), "SSE, replayed as committed: ms", 1, took.as_secs_f64() * 1e3);
            }
        }
        Subject::SocketIo(server) => {
            for _ in 0..ROUNDS {
                // What it recovers is behind the first packet that a connection got.
                let mut left = server.read().await.expect("a reader is let in");
                subject.append(STREAM, 1, Duration::ZERO).await;
                left.until_marks(1).await.expect("the first text");
                let recovery = left.recovery().expect("a packet with an offset");
                drop(left);
                subject.append(STREAM, EVENTS as usize, Duration::ZERO).await;
                let mut reader = server.open().await.expect("a connection");
                let began = Instant::now();
                reader.say(&recovery).await.expect("a connect packet");
                reader.until_marks(EVENTS).await.expect("every packet that was missed");
                let took = began.elapsed();
                assert_eq!(reader.marks, EVENTS, "every text arrives once");
                table.push(candidate.name(), "WebSocket, replayed as committed: ms", 1, took.as_secs_f64() * 1e3);
            }
        }
        Subject::Moorline(_) => {}
    }
}
