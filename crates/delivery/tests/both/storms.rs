//! No storm: who is caught up is left alone, who is far behind gets one snapshot (E11).

use moorline_protocol::{Answer, ClientFrame, GatewayFrame};

use crate::pair::{Line, Pair, session};

const TEN_MINUTES: u64 = 600_000;

/// What was written to the client, other than pings: kind by kind.
fn written(pair: &Pair) -> Vec<&str> {
    pair.down.iter().map(GatewayFrame::kind).filter(|kind| *kind != "ping").collect()
}

fn assert_ten_quiet_minutes(pair: &mut Pair) {
    pair.passes(5_000);
    pair.forget_frames();
    pair.passes(TEN_MINUTES);
    assert_eq!(written(pair), [""; 0], "pings only");
    assert_eq!(pair.down.len(), 40);
    assert!(pair.up.iter().all(|frame| matches!(frame, ClientFrame::Pong(_))), "{:?}", pair.up);
    assert_eq!(pair.up.len(), 40);
}

fn answers(pair: &Pair) -> Vec<Answer> {
    let answers = pair.down.iter().filter_map(|frame| match frame {
        GatewayFrame::Attached(attached) => Some(attached.answer),
        _ => None,
    });
    answers.collect()
}

fn caught_up(events: u64) -> Pair {
    let mut pair = Pair::new(Line::FAST);
    pair.commits("s", events);
    pair.shows("s");
    pair.passes(10_000);
    pair
}

/// The gateway stops and starts again on the same journals.
fn restart(pair: &mut Pair) {
    pair.reachable = false;
    pair.cut();
    pair.passes(20_000);
    pair.reachable = true;
    pair.forget_frames();
    pair.passes(40_000);
}

#[test]
fn a_caught_up_client_gets_pings_only_over_ten_minutes() {
    assert_ten_quiet_minutes(&mut caught_up(50));
}

#[test]
fn a_client_6000_events_behind_gets_one_snapshot_and_then_silence() {
    let mut pair = caught_up(50);
    pair.cut();
    pair.commits("s", 6_000);
    pair.forget_frames();
    pair.passes(40_000);
    assert_eq!(written(&pair), ["welcome", "attached", "snapshot", "caught_up"]);
    assert_eq!(pair.applied[&session("s")].len(), 6_050);
    assert_ten_quiet_minutes(&mut pair);
}

#[test]
fn the_same_holds_after_a_restart() {
    let mut pair = caught_up(50);
    restart(&mut pair);
    assert_eq!(written(&pair), ["welcome", "attached", "caught_up"], "nothing is told twice");
    assert_ten_quiet_minutes(&mut pair);

    pair.commits("s", 10);
    pair.passes(10_000);
    pair.reachable = false;
    pair.cut();
    pair.commits("s", 6_000);
    restart(&mut pair);
    assert_eq!(written(&pair), ["welcome", "attached", "snapshot", "caught_up"]);
    assert_ten_quiet_minutes(&mut pair);
}

#[test]
fn a_reload_gets_one_snapshot_and_then_silence() {
    let mut pair = caught_up(50);
    pair.forget_frames();
    pair.reloads();
    pair.shows("s");
    pair.passes(10_000);
    assert_eq!(written(&pair), ["welcome", "attached", "snapshot", "caught_up"]);
    assert_ten_quiet_minutes(&mut pair);
}

#[test]
fn a_client_a_little_behind_gets_just_that() {
    let mut pair = caught_up(50);
    pair.cut();
    pair.commits("s", 200);
    pair.forget_frames();
    pair.passes(40_000);
    assert_eq!(answers(&pair), [Answer::Replay]);
    let events: usize = pair
        .down
        .iter()
        .map(|frame| match frame {
            GatewayFrame::Events(events) => events.events.len(),
            _ => 0,
        })
        .sum();
    assert_eq!(events, 200);
    assert_ten_quiet_minutes(&mut pair);
}

#[test]
fn a_session_that_went_on_while_nobody_was_connected_is_caught_up_with() {
    let mut pair = Pair::new(Line::FAST);
    pair.reachable = false;
    pair.commits("s", 3);
    pair.shows("s");
    pair.passes(100_000);
    pair.commits("s", 3);
    pair.reachable = true;
    pair.passes(40_000);
    assert_eq!(pair.applied[&session("s")], [1, 2, 3, 4, 5, 6]);
}

#[test]
fn five_sessions_switched_through_for_ten_minutes_attach_only_when_shown() {
    let mut pair = Pair::new(Line::FAST);
    for of in ["a", "b", "c", "d"] {
        pair.commits(of, 10);
        pair.shows(of);
    }
    pair.passes(10_000);
    pair.forget_frames();
    for n in 0..600 {
        pair.shows(["a", "b", "c", "d"][n % 4]);
        pair.passes(1_000);
    }
    assert_eq!(written(&pair), [""; 0], "four sessions are followed, and showing one of them asks for nothing");
}
