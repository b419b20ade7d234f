//! What a session's task does with a journal whose turn goes on, without a store and a socket.

use std::{hint::black_box, time::Instant};

use moorline_protocol::{Epoch, Event, Limits, Millis, Seq};
use moorline_transcript::{Retention, RetentionLimits, WholeTranscript};

use super::{
    BEGINNING, OLD, Row, Rows,
    journal::{Endless, Shape},
};
use crate::figures::Latencies;

/// How often each thing is done.
const TIMES: usize = 40;
/// Events in one run of folding.
const RUN: usize = 500;

/// Measures in a journal of `events` events.
pub(super) fn measure(rows: &mut Rows, shape: Shape, events: usize) {
    let (epoch, limits) = (Epoch::parse("e").expect("a valid id"), Limits::default());
    let mut journal = Endless::new(shape);
    let (mut whole, mut retention) = (WholeTranscript::new(), Retention::new(RetentionLimits { events: RUN, age: Millis(u64::MAX) }));
    let mut left = events;
    while left > 0 {
        let run: Vec<Event> = journal.by_ref().take(RUN.min(left)).collect();
        left -= run.len();
        run.iter().for_each(|event| whole.apply(event));
        fold(&mut retention, &run, &limits);
    }
    let head = whole.transcript().seq();
    let middle = Seq::new(head.value() / 2);
    let works: [(&str, &dyn Fn()); 5] = [
        ("core: snapshot, fresh", &|| drop(black_box(whole.snapshot(None, &limits, &epoch)))),
        ("core: snapshot, old cursor", &|| drop(black_box(whole.snapshot(Some(OLD), &limits, &epoch)))),
        ("core: snapshot, cursor in the middle", &|| drop(black_box(whole.snapshot(Some(middle), &limits, &epoch)))),
        ("core: page at the end", &|| drop(black_box(whole.page(head, 50, &limits, &epoch)))),
        ("core: page at the beginning", &|| drop(black_box(whole.page(BEGINNING, 50, &limits, &epoch)))),
    ];
    // In turn, so that what the allocator does at times is not one row's.
    for (what, work) in (0..TIMES).flat_map(|_| works) {
        let (mut took, began) = (Latencies::default(), Instant::now());
        work();
        took.push(began.elapsed());
        rows.push(Row { shape, what: what.to_owned() }, events, took);
    }
    let (mut applied, mut folded) = (Latencies::default(), Latencies::default());
    for _ in 0..TIMES {
        let run: Vec<Event> = journal.by_ref().take(RUN).collect();
        let began = Instant::now();
        run.iter().for_each(|event| whole.apply(event));
        applied.push(began.elapsed());
        let began = Instant::now();
        fold(&mut retention, &run, &limits);
        folded.push(began.elapsed());
    }
    rows.push(Row { shape, what: "core: 500 events applied".to_owned() }, events, applied);
    rows.push(Row { shape, what: "core: 500 events folded".to_owned() }, events, folded);
}

fn fold(retention: &mut Retention, run: &[Event], limits: &Limits) {
    run.iter().for_each(|event| retention.note(event));
    let folded = retention.begin().fold(run, limits);
    retention.done(folded);
}
