//! A slow line is no broken one.

use moorline_protocol::ClientFrame;

use crate::pair::{Line, Pair, session};

fn attaches(pair: &Pair) -> usize {
    pair.up.iter().filter(|frame| matches!(frame, ClientFrame::Attach(_))).count()
}

/// Four sessions that are 40 events of 8 KB behind, at the end of a slow line.
fn four_replays(line: Line) -> Pair {
    let mut pair = Pair::new(Line::FAST);
    let names = ["a", "b", "c", "d"];
    for of in names {
        pair.commits(of, 5);
        pair.shows(of);
    }
    pair.passes(10_000);
    pair.cut();
    for of in names {
        pair.commits_large(of, 40, 8_000);
    }
    pair.line = line;
    pair.forget_frames();
    pair
}

#[test]
fn on_a_slow_line_nobody_attaches_again_while_events_come() {
    let mut pair = four_replays(Line { bytes_per_second: 12_500, buffer_bytes: 16 << 10 });
    pair.passes(300_000);
    assert_eq!(attaches(&pair), 0, "those of hello are enough");
    assert_eq!(pair.client.counters().connections, 2);
    for of in ["a", "b", "c", "d"] {
        assert_eq!(pair.applied[&session(of)].len(), 45);
    }
}

#[test]
fn deep_buffers_change_nothing() {
    let mut pair = four_replays(Line { bytes_per_second: 12_500, buffer_bytes: 256 << 10 });
    pair.passes(300_000);
    assert_eq!(attaches(&pair), 0);
    for of in ["a", "b", "c", "d"] {
        assert_eq!(pair.applied[&session(of)].len(), 45);
    }
}

#[test]
fn a_line_whose_frames_take_longer_than_a_lost_tail_still_gets_there() {
    let mut pair = four_replays(Line { bytes_per_second: 3_000, buffer_bytes: 16 << 10 });
    pair.passes(1_800_000);
    for of in ["a", "b", "c", "d"] {
        assert_eq!(pair.applied[&session(of)].len(), 45);
    }
    assert!(attaches(&pair) < 30, "{} attaches", attaches(&pair));
}
