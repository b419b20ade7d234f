//! What is tried again, when, and how often.

use moorline_delivery::{Failure, LinkId, LinkStatus, Notice, SendState};
use moorline_protocol::{Code, GatewayFrame, Millis, ReceiptOutcome};

use crate::scene::{Scene, accepted_at, gone, message, notices, receipt, refusal, refusal_until, sent, stored, text};

const TRANSIENT: [Code; 5] = [Code::TooMany, Code::Internal, Code::StoreUnavailable, Code::GoingAway, Code::UnknownConnection];

fn is_failed(scene: &Scene) -> bool {
    matches!(scene.state("m1"), Some(SendState::Failed(_)))
}

/// How long the next attempt is waited for, on a connection that stands.
fn wait(scene: &mut Scene) -> u64 {
    let Some(SendState::Retrying { at }) = scene.state("m1") else { panic!("{:?} waits for nothing", scene.state("m1")) };
    let wait = at.since(scene.now).0;
    assert_eq!(sent(&scene.passes(wait.saturating_sub(1))), [""; 0]);
    assert_eq!(sent(&scene.passes(1)), ["m1"]);
    wait
}

#[test]
fn an_attempt_is_repeated_after_about_one_and_about_five_seconds_and_then_fails() {
    let (mut firsts, mut seconds): (Vec<u64>, Vec<u64>) = (Vec::new(), Vec::new());
    for seed in 0..200 {
        let mut scene = Scene::seeded(seed);
        scene.connect();
        scene.send(text("s", "m1"));
        scene.receives(refusal(Code::Internal, "m1"));
        firsts.push(wait(&mut scene));
        scene.receives(refusal(Code::Internal, "m1"));
        seconds.push(wait(&mut scene));
        assert_eq!(scene.attempts("m1"), 2);
        scene.receives(refusal(Code::Internal, "m1"));
        assert!(is_failed(&scene));
        assert_eq!(sent(&scene.passes_pinged(60_000)), [""; 0]);
    }
    firsts.sort_unstable();
    seconds.sort_unstable();
    assert!(firsts[0] >= 500 && firsts[199] <= 1_500 && firsts[20] < 700 && firsts[180] > 1_300, "{firsts:?}");
    assert!(seconds[0] >= 2_500 && seconds[199] <= 7_500 && seconds[20] < 3_500 && seconds[180] > 6_500, "{seconds:?}");
}

#[test]
fn every_transient_refusal_counts_as_an_attempt() {
    for code in TRANSIENT {
        let mut scene = Scene::ready();
        scene.send(text("s", "m1"));
        scene.receives(refusal(code, "m1"));
        assert!(matches!(scene.state("m1"), Some(SendState::Retrying { .. })), "{code:?}");
        assert_eq!(scene.attempts("m1"), 1);
        assert_eq!(
            {
                let attempts = scene.client.counters().attempts;
                attempts.transient + attempts.told_to_wait
            },
            1
        );
    }
}

#[test]
fn every_final_refusal_fails_at_once_with_its_reason() {
    let settled = [Code::AlreadySettled, Code::TurnOver, Code::Withdrawn, Code::Deleted];
    let elsewhere = [Code::Unauthorized, Code::IncompatibleVersion, Code::ClientTaken];
    let is_final = |code: &Code| !TRANSIENT.contains(code) && !settled.contains(code) && !elsewhere.contains(code);
    for code in Code::ALL.iter().copied().filter(is_final).chain([Code::Unknown]) {
        let mut scene = Scene::ready();
        scene.send(text("s", "m1"));
        scene.receives(refusal(code, "m1"));
        let failure = Failure { code: Some(code), message: format!("because of {}", code.word()) };
        assert_eq!(scene.state("m1"), Some(SendState::Failed(failure)), "{code:?}");
        assert_eq!(sent(&scene.passes_pinged(60_000)), [""; 0], "{code:?}");
    }
}

#[test]
fn a_refusal_that_settles_is_an_end_and_returns_the_text() {
    for code in [Code::AlreadySettled, Code::TurnOver, Code::Withdrawn, Code::Deleted] {
        let mut scene = Scene::ready();
        scene.send(text("s", "m1"));
        scene.send(text("s", "m2"));
        let outputs = scene.receives(refusal(code, "m1"));
        assert_eq!(gone(&outputs), [("m1".to_owned(), Some("text of m1".to_owned()))]);
        assert!(matches!(&notices(&outputs)[..], [Notice::Settled { code: told, .. }] if *told == code));
        assert_eq!(sent(&outputs), ["m2"], "and those behind it go on");
    }
}

#[test]
fn a_wait_that_the_gateway_names_is_kept() {
    let mut scene = Scene::ready();
    scene.send(text("s", "m1"));
    scene.receives(refusal_until(Code::TooMany, "m1", 42_000));
    assert_eq!(scene.state("m1"), Some(SendState::Retrying { at: scene.now + Millis(42_000) }));
    assert_eq!(sent(&scene.passes_pinged(41_000)), [""; 0]);
    assert_eq!(sent(&scene.passes(1_000)), ["m1"]);
}

#[test]
fn a_wait_that_the_gateway_names_is_cut_to_ten_minutes() {
    let mut scene = Scene::ready();
    scene.send(text("s", "m1"));
    scene.receives(refusal_until(Code::StoreUnavailable, "m1", u64::MAX));
    assert_eq!(scene.state("m1"), Some(SendState::Retrying { at: scene.now + Millis(600_000) }));
}

#[test]
fn no_answer_for_fifteen_seconds_counts_as_an_attempt() {
    let mut scene = Scene::ready();
    scene.send(text("s", "m1"));
    scene.passes(14_999);
    assert_eq!(scene.state("m1"), Some(SendState::Sending));
    scene.passes(1);
    assert!(matches!(scene.state("m1"), Some(SendState::Retrying { .. })));
    assert_eq!(scene.attempts("m1"), 1);
}

#[test]
fn a_line_that_swallows_what_goes_up_costs_one_attempt_and_is_given_up() {
    let mut scene = Scene::ready();
    scene.send(text("s", "m1"));
    scene.passes_pinged(15_000);
    assert_ne!(scene.client.link_status(), LinkStatus::Ready, "however alive the other direction is");
    assert_eq!(scene.attempts("m1"), 1);
}

#[test]
fn a_lost_connection_counts_as_an_attempt_of_what_was_on_its_way_only() {
    let mut scene = Scene::ready();
    scene.send(text("s", "m1"));
    scene.send(text("s", "m2"));
    scene.closes();
    assert_eq!((scene.attempts("m1"), scene.attempts("m2")), (1, 0));
}

#[test]
fn the_budget_is_not_spent_while_there_is_no_connection() {
    let mut scene = Scene::ready();
    scene.send(text("s", "m1"));
    scene.closes();
    let outputs = scene.passes(3_600_000);
    assert_eq!((sent(&outputs), scene.attempts("m1")), (vec![], 1));
    assert!(scene.client.counters().connections == 1 && scene.link > LinkId(20), "many connections were tried");
    scene.closes();
    scene.until_connect();
    assert_eq!(sent(&scene.connect()), ["m1"]);
}

#[test]
fn the_wait_runs_on_while_there_is_no_connection() {
    let mut scene = Scene::ready();
    scene.send(text("s", "m1"));
    scene.receives(refusal_until(Code::TooMany, "m1", 20_000));
    let outputs = scene.reconnects();
    assert_eq!(sent(&outputs), [""; 0], "a new connection is no reason to come early");
    assert_eq!(sent(&scene.passes(20_000)), ["m1"]);
}

#[test]
fn three_cut_attempts_fail_the_send_and_retry_begins_a_new_budget_with_the_same_id() {
    let mut scene = Scene::ready();
    scene.send(text("s", "m1"));
    let mut tries = 1;
    let mut outputs = Vec::new();
    while !is_failed(&scene) {
        outputs = scene.closes();
        if !is_failed(&scene) {
            scene.until_connect();
            scene.connect();
            scene.passes(8_000);
            tries += 1;
        }
    }
    assert_eq!(tries, 3);
    let held = stored(&outputs, "m1").expect("it is kept");
    assert!(held.failure.is_some() && held.attempts == 3);
    scene.until_connect();
    assert_eq!(sent(&scene.connect()), [""; 0]);
    assert_eq!(sent(&scene.does(|client, now| client.retry(now, &message("m1")))), ["m1"]);
    assert_eq!(scene.attempts("m1"), 0);
    scene.receives(refusal(Code::Internal, "m1"));
    assert_eq!(scene.attempts("m1"), 1);
}

#[test]
fn retry_is_for_what_has_failed() {
    let mut scene = Scene::ready();
    scene.send(text("s", "m1"));
    scene.send(text("s", "m2"));
    assert_eq!(scene.does(|client, now| client.retry(now, &message("m1"))), []);
    assert_eq!(scene.does(|client, now| client.retry(now, &message("m2"))), []);
    assert_eq!(scene.does(|client, now| client.retry(now, &message("never"))), []);
}

#[test]
fn a_late_refusal_of_an_attempt_that_was_given_up_changes_nothing() {
    let mut scene = Scene::ready();
    scene.send(text("s", "m1"));
    scene.passes(15_000);
    let before = scene.state("m1");
    assert!(matches!(before, Some(SendState::Retrying { .. })));
    scene.receives(refusal(Code::Unprocessable, "m1"));
    assert_eq!((scene.state("m1"), scene.attempts("m1")), (before, 1));
}

#[test]
fn a_late_acceptance_counts_whichever_connection_brought_it() {
    let mut scene = Scene::following("s", 5);
    let old = scene.link;
    scene.send(text("s", "m1"));
    scene.reconnects();
    let outputs = scene.does(|client, now| client.handle_frame(now, old, accepted_at("s", "m1", 6), 10));
    assert_eq!(scene.state("m1"), Some(SendState::Accepted));
    assert_eq!(stored(&outputs, "m1"), None);
    assert_eq!(sent(&scene.passes(60_000)), [""; 0], "and it is not sent again");
}

#[test]
fn a_late_refusal_of_another_connection_counts_for_nothing() {
    let mut scene = Scene::ready();
    let old = scene.link;
    scene.send(text("s", "m1"));
    scene.reconnects();
    let before = scene.state("m1");
    let late: [GatewayFrame; 3] =
        [refusal(Code::Unprocessable, "m1"), receipt("s", "m1", ReceiptOutcome::Withdrawn), receipt("s", "m1", ReceiptOutcome::Started)];
    for frame in late {
        assert_eq!(scene.does(|client, now| client.handle_frame(now, old, frame, 10)), []);
    }
    assert_eq!(scene.state("m1"), before);
}

#[test]
fn a_receipt_accepts_what_has_failed() {
    let mut scene = Scene::ready();
    scene.send(text("s", "m1"));
    scene.receives(refusal(Code::Unprocessable, "m1"));
    scene.receives(accepted_at("s", "m1", 6));
    assert_eq!(scene.state("m1"), Some(SendState::Accepted));
}

#[test]
fn a_late_acceptance_of_what_is_on_screen_or_in_a_gap_leaves_no_echo() {
    let mut scene = Scene::following("s", 5);
    let old = scene.link;
    scene.send(text("s", "m1"));
    scene.reconnects();
    let outputs = scene.does(|client, now| client.handle_frame(now, old, accepted_at("s", "m1", 4), 10));
    assert_eq!(gone(&outputs), [("m1".to_owned(), None)], "its event will not come again");
}
