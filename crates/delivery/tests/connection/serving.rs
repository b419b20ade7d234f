//! One loop for replay and live: read behind the cursor, write, wait for the head.

use moorline_delivery::ConnectionOutput;
use moorline_protocol::{GatewayFrame, Limits, Seq};
use proptest::{collection::vec, prelude::*};

use crate::scene::{Scene, Written, caught_up, fresh, from, greeting, parts, served, session};

#[test]
fn replay_and_live_are_contiguous() {
    let mut scene = Scene::greeted("s", 100);
    let mut written = scene.attach(from("s", 1, "e", 10));
    for events in [1, 3, 40, 1] {
        written.extend(scene.commits("s", events));
    }
    let mut at = 10;
    for (_, first, last) in served(&written) {
        assert_eq!(first, at + 1);
        at = last;
    }
    assert_eq!(at, 145);
}

#[test]
fn a_frame_is_no_larger_than_the_limit() {
    let mut scene = Scene::greeted("s", 100);
    scene.attach(from("s", 1, "e", 10));
    let limits: Vec<usize> = scene
        .asked
        .iter()
        .filter_map(|asked| match asked {
            ConnectionOutput::Serve { max_bytes, .. } => Some(*max_bytes),
            _ => None,
        })
        .collect();
    assert!(!limits.is_empty() && limits.iter().all(|bytes| *bytes == 16 << 10), "{limits:?}");
}

#[test]
fn two_sessions_are_served_in_turn_one_frame_each() {
    let mut scene = Scene::new();
    scene.keep("a", "e", 160);
    scene.keep("b", "e", 160);
    let written = scene.says(greeting(vec![from("a", 1, "e", 0), from("b", 2, "e", 0)]));
    let turns: Vec<String> = served(&written).into_iter().map(|(of, ..)| of).collect();
    assert_eq!(turns, ["a", "b"].repeat(10));
}

#[test]
fn a_busy_session_does_not_hold_up_a_quiet_one() {
    let mut scene = Scene::new();
    scene.keep("busy", "e", 200);
    scene.keep("quiet", "e", 1);
    let written = scene.says(greeting(vec![from("busy", 1, "e", 0), from("quiet", 2, "e", 0)]));
    let at = served(&written).iter().position(|(of, ..)| of == "quiet");
    assert_eq!(at, Some(1));
}

#[test]
fn a_snapshot_shares_the_line_too() {
    let mut scene = Scene::new();
    scene.parts = 5;
    scene.keep("a", "e", 900);
    scene.keep("b", "e", 80);
    let written = scene.says(greeting(vec![fresh("a", 1), from("b", 2, "e", 0)]));
    let first_part = written.iter().position(|w| matches!(w, Written::Frame(GatewayFrame::Snapshot(_)))).expect("a part");
    let last_part = written.iter().rposition(|w| matches!(w, Written::Frame(GatewayFrame::Snapshot(_)))).expect("a part");
    let between = served(&written[first_part..last_part]).len();
    assert!(between >= 3, "{between} frames of the other session between five parts");
}

#[test]
fn events_behind_a_snapshot_follow_it() {
    let mut scene = Scene::greeted("s", 50);
    let mut written = scene.attach(fresh("s", 1));
    written.extend(scene.commits("s", 2));
    assert_eq!(parts(&written).iter().map(|part| (part.no, part.seq.value(), part.last)).collect::<Vec<_>>(), [(1, 50, true)]);
    assert_eq!(served(&written), [("s".to_owned(), 51, 52)]);
    assert_eq!(caught_up(&written)[0].seq, Seq::new(50));
}

#[test]
fn events_committed_while_a_snapshot_is_taken_come_once() {
    let mut scene = Scene::greeted("s", 50);
    scene.commits_silently("s", 5);
    // The look-up says 55, the head is told as 55 again, and the snapshot is as of 55.
    let mut written = scene.attach(fresh("s", 1));
    written.extend(scene.commits("s", 0));
    assert_eq!((parts(&written)[0].seq, served(&written)), (Seq::new(55), vec![]));
}

#[test]
fn a_head_that_comes_late_changes_nothing() {
    let mut scene = Scene::greeted("s", 9);
    scene.attach(from("s", 1, "e", 9));
    scene.commits("s", 5);
    let late =
        moorline_delivery::ConnectionInput::Head { session: session("s"), head: Seq::new(11), state: Default::default(), agent: None };
    assert_eq!(scene.handles(late), []);
}

#[test]
fn a_head_that_comes_late_is_not_what_caught_up_tells() {
    let mut scene = Scene::greeted("s", 14);
    scene.opens = false;
    scene.attach(from("s", 1, "e", 4));
    let journal = scene.journal(&session("s"));
    scene.core.handle(scene.now, moorline_delivery::ConnectionInput::Journal { session: session("s"), no: 1, journal });
    let late =
        moorline_delivery::ConnectionInput::Head { session: session("s"), head: Seq::new(11), state: Default::default(), agent: None };
    let told = caught_up(&scene.handles(late));
    assert_eq!(told.iter().map(|told| told.seq.value()).collect::<Vec<_>>(), [14]);
}

#[test]
fn one_thing_is_asked_of_the_journal_at_a_time() {
    let mut scene = Scene::new();
    scene.keep("a", "e", 50);
    scene.keep("b", "e", 50);
    scene.says(greeting(vec![from("a", 1, "e", 50), from("b", 2, "e", 50)]));
    let head = |of: &str| moorline_delivery::ConnectionInput::Head {
        session: session(of),
        head: Seq::new(60),
        state: Default::default(),
        agent: None,
    };
    scene.core.handle(scene.now, head("a"));
    scene.core.handle(scene.now, head("b"));
    assert!(matches!(scene.core.poll_output(), Some(ConnectionOutput::Serve { .. })));
    assert_eq!(scene.core.poll_output(), None, "the first one is not answered yet");
}

#[test]
fn a_lost_wake_up_is_made_up_for_within_five_seconds() {
    let mut scene = Scene::greeted("s", 9);
    scene.attach(from("s", 1, "e", 9));
    scene.commits_silently("s", 3);
    let before = scene.now;
    let mut written = Vec::new();
    while served(&written).is_empty() {
        written = scene.passes(100);
    }
    assert_eq!(served(&written), [("s".to_owned(), 10, 12)]);
    assert!(scene.now.since(before).0 <= 5_000);
}

proptest! {
    #[test]
    fn whatever_is_committed_and_acked_every_event_comes_once_in_order(
        steps in vec((0_usize..3, 0_u64..60, any::<bool>()), 1..60),
        credit in 4_000_usize..60_000,
    ) {
        let names = ["a", "b", "c"];
        let mut scene = Scene::with(Limits { credit_bytes: credit, ..Limits::default() });
        names.iter().for_each(|of| scene.keep(of, "e", 0));
        let mut written = scene.says(greeting(names.iter().zip(1..).map(|(of, no)| from(of, no, "e", 0)).collect()));
        let reached = |written: &[Written], of: &str| served(written).iter().filter(|(served, ..)| served == of).map(|(.., last)| *last).max().unwrap_or(0);
        for (at, events, acks) in steps {
            let of = names[at];
            written.extend(scene.commits(of, events));
            if acks {
                let cursor = crate::scene::cursor(of, "e", reached(&written, of));
                written.extend(scene.acks(vec![cursor]));
            }
        }
        for _ in 0..200 {
            let cursors = names.iter().map(|of| crate::scene::cursor(of, "e", reached(&written, of))).collect();
            written.extend(scene.acks(cursors));
        }
        for of in names {
            let mut at = 0;
            for (_, first, last) in served(&written).into_iter().filter(|(served, ..)| served == of) {
                prop_assert_eq!(first, at + 1);
                prop_assert!(last >= first);
                at = last;
            }
            prop_assert_eq!(at, scene.journals[of].head);
        }
    }
}
