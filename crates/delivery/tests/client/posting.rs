//! Sends as POSTs: every outcome of the table, and what it costs.

use moorline_delivery::{Attempts, ClientEvent, LinkStatus, Notice, Output, Posted, SendState, Signal};
use moorline_protocol::{Code, ErrorFrame, Millis, Receipt, ReceiptOutcome, Send, SendBody, Seq};

use crate::scene::{Scene, acceptance, answer, attaches, events, gone, message, notices, sent, session, text, told, withdrawn};

fn receipt(id: &str, outcome: ReceiptOutcome) -> Posted {
    Posted::Receipt(Receipt { session: session("s"), message: message(id), outcome })
}

fn accepted(id: &str) -> Posted {
    receipt(id, ReceiptOutcome::Accepted { seq: Seq::new(6) })
}

fn refused(code: Code) -> Posted {
    Posted::Refused(ErrorFrame::new(code, "because"))
}

const fn status(status: u16) -> Posted {
    Posted::Status { status, retry_after: None }
}

fn on_its_way() -> Scene {
    let mut scene = Scene::on_sse();
    let (_, outputs) = scene.send(text("s", "m1"));
    assert_eq!(sent(&outputs), ["m1"]);
    scene
}

#[test]
fn a_receipt_in_the_answer_accepts() {
    let mut scene = on_its_way();
    scene.posted("send", accepted("m1"));
    assert_eq!(scene.state("m1"), Some(SendState::Accepted));
    assert_eq!(scene.client.counters().attempts, Attempts { accepted: 1, ..Attempts::default() });
}

#[test]
fn what_may_pass_is_tried_again_after_a_spread_wait_and_counts() {
    let passing = [
        Posted::NoAnswer,
        Posted::Done,
        status(200),
        status(408),
        status(425),
        status(429),
        status(500),
        status(502),
        status(503),
        status(504),
    ];
    for posted in passing {
        let mut scene = on_its_way();
        let outputs = scene.posted("send", posted.clone());
        let Some(SendState::Retrying { at }) = scene.state("m1") else { panic!("{posted:?}: {:?}", scene.state("m1")) };
        assert!((500..=1_500).contains(&at.since(scene.now).0), "{posted:?}");
        assert_eq!(scene.attempts("m1"), 1, "{posted:?}");
        assert_eq!(scene.client.link_status(), LinkStatus::Ready, "{posted:?}: the stream is as it was");
        let logged: Vec<u32> = told(&outputs)
            .iter()
            .filter_map(|event| match event {
                ClientEvent::AttemptFailed { attempts, .. } => Some(*attempts),
                _ => None,
            })
            .collect();
        assert_eq!(logged, [1], "{posted:?} is told once");
        assert_eq!(sent(&scene.passes(1_500)), ["m1"]);
    }
}

#[test]
fn three_failures_spread_over_seconds_spend_the_budget_and_those_behind_wait_for_retry() {
    let mut scene = on_its_way();
    scene.send(text("s", "m2"));
    let begun = scene.now;
    for _ in 0..3 {
        while !scene.posts.iter().any(|(_, frame)| frame.kind() == "send") {
            scene.passes_pinged(1_000);
        }
        scene.posted("send", status(500));
    }
    assert!(matches!(scene.state("m1"), Some(SendState::Failed(_))));
    assert!(scene.now.since(begun) >= Millis(3_000), "over time");
    assert_eq!(sent(&scene.passes_pinged(60_000)), [""; 0], "m2 waits for what the user decides");
    let outputs = scene.does(|client, now| client.retry(now, &message("m1")));
    assert_eq!(sent(&outputs), ["m1"]);
    assert_eq!(sent(&scene.posted("send", accepted("m1"))), ["m2"]);
}

#[test]
fn a_named_wait_is_kept_for_any_status_that_names_one() {
    for code in [429, 503] {
        let mut scene = on_its_way();
        scene.posted("send", Posted::Status { status: code, retry_after: Some(Millis(42_000)) });
        assert_eq!(scene.state("m1"), Some(SendState::Retrying { at: scene.now + Millis(42_000) }));
        assert_eq!(scene.client.counters().attempts.told_to_wait, 1);
    }
}

#[test]
fn an_unknown_connection_brings_a_new_one_and_the_same_message_once() {
    for posted in [refused(Code::UnknownConnection), status(404)] {
        let mut scene = on_its_way();
        let outputs = scene.posted("send", posted.clone());
        assert!(outputs.iter().any(|output| matches!(output, Output::Disconnect { .. })), "{posted:?}");
        assert_eq!(scene.attempts("m1"), 1);
        scene.until_connect();
        scene.connect();
        let again = scene.passes(1_500);
        assert!(sent(&again).len() <= 1);
        assert_eq!(scene.state("m1"), Some(SendState::Sending));
    }
}

#[test]
fn answers_404_at_every_connection_do_not_burn_the_budget_at_once() {
    let mut scene = on_its_way();
    let begun = scene.now;
    scene.posted("send", status(404));
    let mut attempts = 1;
    while !matches!(scene.state("m1"), Some(SendState::Failed(_))) {
        if scene.client.link_status() != LinkStatus::Ready {
            scene.falls_back_again();
        }
        scene.passes(10);
        if scene.posts.iter().any(|(_, frame)| frame.kind() == "send") {
            scene.posted("send", status(404));
            attempts += 1;
        }
    }
    assert_eq!(attempts, 3);
    assert!(scene.now.since(begun) >= Millis(3_000), "three attempts in {} ms", scene.now.since(begun).0);
}

#[test]
fn a_missing_login_is_a_pause_and_no_attempt() {
    for posted in [refused(Code::Unauthorized), status(401)] {
        let mut scene = on_its_way();
        scene.posted("send", posted);
        assert_eq!(scene.client.link_status(), LinkStatus::SignedOut);
        assert_eq!((scene.state("m1"), scene.attempts("m1")), (Some(SendState::Queued), 0));
        assert_eq!(scene.client.counters().attempts, Attempts::default());
        scene.does(|client, now| client.signed_in(now));
        assert_eq!(sent(&scene.connect()), ["m1"]);
    }
}

#[test]
fn a_refusal_for_good_fails_at_once_with_its_reason() {
    let codes = [Code::BadFrame, Code::UnknownSession, Code::MessageConflict, Code::TooLarge, Code::Unprocessable, Code::OriginRefused];
    for posted in codes.map(refused).into_iter().chain([status(400), status(403), status(410), status(413), status(418)]) {
        let mut scene = on_its_way();
        scene.posted("send", posted.clone());
        let Some(SendState::Failed(failure)) = scene.state("m1") else { panic!("{posted:?}") };
        assert!(!failure.message.is_empty());
        assert_eq!(sent(&scene.passes_pinged(60_000)), [""; 0], "{posted:?} is never retried");
        assert_eq!(scene.client.counters().attempts.refused, 1);
    }
}

#[test]
fn an_end_that_is_no_failure_gives_the_text_back() {
    for code in [Code::AlreadySettled, Code::TurnOver, Code::Withdrawn, Code::Deleted] {
        let mut scene = on_its_way();
        let outputs = scene.posted("send", refused(code));
        assert_eq!(gone(&outputs), [("m1".to_owned(), Some("text of m1".to_owned()))]);
        assert!(matches!(&notices(&outputs)[..], [Notice::Settled { code: told, .. }] if *told == code));
    }
}

#[test]
fn an_unanswered_post_is_aborted_after_fifteen_seconds_and_the_stream_goes_on() {
    let mut scene = on_its_way();
    let post = scene.posts[0].0;
    let outputs = scene.passes_pinged(15_000);
    assert!(outputs.contains(&Output::Abort { post }));
    assert_eq!(scene.attempts("m1"), 1);
    assert_eq!(scene.client.link_status(), LinkStatus::Ready);
    assert_eq!(scene.client.counters().attempts.unanswered, 1);
}

#[test]
fn a_late_answer_changes_nothing_but_a_late_acceptance_counts() {
    let mut scene = on_its_way();
    let post = scene.posts[0].0;
    scene.passes_pinged(15_000);
    for late in [status(400), refused(Code::UnknownConnection), refused(Code::Unauthorized), receipt("m1", ReceiptOutcome::Started)] {
        assert_eq!(scene.does(|client, now| client.handle_posted(now, post, late)), []);
    }
    assert_eq!((scene.client.link_status(), scene.attempts("m1")), (LinkStatus::Ready, 1));
    scene.does(|client, now| client.handle_posted(now, post, accepted("m1")));
    assert_eq!(scene.state("m1"), Some(SendState::Accepted));
}

#[test]
fn a_lost_stream_costs_an_attempt_and_its_post_may_still_bring_the_receipt() {
    let mut scene = on_its_way();
    let post = scene.posts[0].0;
    let outputs = scene.closes();
    assert!(!outputs.contains(&Output::Abort { post }));
    assert_eq!(scene.attempts("m1"), 1);
    scene.does(|client, now| client.handle_posted(now, post, accepted("m1")));
    assert_eq!(scene.state("m1"), Some(SendState::Accepted));
    scene.until_connect();
    assert_eq!(sent(&scene.connect()), [""; 0]);
}

#[test]
fn posts_of_a_lost_stream_are_aborted_in_time_too() {
    let mut scene = on_its_way();
    let post = scene.posts[0].0;
    scene.closes();
    assert!(scene.passes(15_000).contains(&Output::Abort { post }));
}

#[test]
fn a_page_that_is_put_away_aborts_its_posts_and_counts_no_attempt() {
    let mut scene = on_its_way();
    let post = scene.posts[0].0;
    assert!(scene.signal(Signal::PutAway).contains(&Output::Abort { post }));
    assert_eq!((scene.state("m1"), scene.attempts("m1")), (Some(SendState::Queued), 0));
}

#[test]
fn the_event_accepts_before_the_answer_does() {
    let mut scene = Scene::on_sse();
    scene.follow("s", 5);
    scene.posts.clear();
    scene.send(text("s", "m1"));
    let outputs = scene.receives(events("s", vec![acceptance(6, "m1")]));
    assert_eq!(gone(&outputs), [("m1".to_owned(), None)]);
    assert_eq!(scene.posted("send", Posted::NoAnswer), [], "the answer of a POST whose send is settled is of no use");
}

#[test]
fn an_attach_that_does_not_arrive_gives_the_connection_up() {
    for posted in [Posted::NoAnswer, status(502), refused(Code::UnknownConnection)] {
        let mut scene = Scene::on_sse();
        assert_eq!(attaches(&scene.show("s")).len(), 1);
        scene.posted("attach", posted.clone());
        assert_ne!(scene.client.link_status(), LinkStatus::Ready, "{posted:?}");
    }
}

#[test]
fn an_attach_that_the_stream_answered_needs_no_answer_of_its_own() {
    let mut scene = Scene::on_sse();
    scene.follow("s", 5);
    scene.posted("attach", status(502));
    scene.passes_pinged(20_000);
    assert_eq!(scene.client.link_status(), LinkStatus::Ready);
}

#[test]
fn a_lost_ack_or_pong_is_made_good_by_the_next() {
    let mut scene = Scene::on_sse();
    scene.receives(crate::scene::ping(Vec::new()));
    scene.posted("pong", status(502));
    assert_eq!(scene.client.link_status(), LinkStatus::Ready);
    scene.receives(crate::scene::ping(Vec::new()));
    scene.posted("pong", refused(Code::UnknownConnection));
    assert_ne!(scene.client.link_status(), LinkStatus::Ready, "but one that the gateway does not know is gone");
}

#[test]
fn a_cancel_is_posted_once_and_its_failure_is_shown() {
    for posted in [Posted::NoAnswer, status(500), refused(Code::TurnOver)] {
        let mut scene = Scene::on_sse();
        scene.does(|client, now| client.cancel(now, &session("s"), &message("t"), None));
        let outputs = scene.posted("cancel", posted.clone());
        assert!(matches!(&notices(&outputs)[..], [Notice::CancelFailed { .. }]), "{posted:?}");
        assert!(crate::scene::frames(&scene.passes_pinged(60_000)).iter().all(|frame| frame.kind() != "cancel"), "{posted:?}");
    }
}

#[test]
fn a_cancel_that_was_taken_is_not_reported_again_when_the_connection_goes() {
    let mut scene = Scene::on_sse();
    scene.does(|client, now| client.cancel(now, &session("s"), &message("t"), None));
    assert_eq!(notices(&scene.posted("cancel", Posted::Done)), []);
    assert_eq!(notices(&scene.closes()), []);
}

#[test]
fn an_attempted_send_is_taken_back_by_a_posted_withdrawal() {
    let mut scene = on_its_way();
    let outputs = scene.does(|client, now| client.edit(now, &message("m1")));
    assert_eq!(withdrawn(&outputs), ["m1"]);
    let outputs = scene.posted("withdraw", receipt("m1", ReceiptOutcome::Withdrawn));
    assert_eq!(gone(&outputs), [("m1".to_owned(), Some("text of m1".to_owned()))]);
}

#[test]
fn a_withdrawal_that_does_not_arrive_is_posted_again() {
    let mut scene = on_its_way();
    scene.does(|client, now| client.remove(now, &message("m1")));
    scene.posted("withdraw", status(503));
    assert_eq!(scene.state("m1"), Some(SendState::Withdrawing));
    let mut again = Vec::new();
    for _ in 0..20 {
        again.extend(withdrawn(&scene.passes_pinged(1_000)));
    }
    assert_eq!(again, ["m1"]);
}

#[test]
fn a_withdrawal_that_somebody_else_refuses_takes_nothing_back() {
    for posted in [status(400), status(403), refused(Code::BadFrame)] {
        let mut scene = on_its_way();
        scene.does(|client, now| client.edit(now, &message("m1")));
        let outputs = scene.posted("withdraw", posted.clone());
        assert_eq!(gone(&outputs), [], "{posted:?}: it may have been accepted");
        assert!(matches!(scene.state("m1"), Some(SendState::Failed(_))), "{posted:?}: the user decides again");
    }
}

#[test]
fn an_answer_is_retried_like_a_message_and_a_stop_is_not() {
    let mut scene = Scene::on_sse();
    scene.send(answer("s", "a1", "b1"));
    scene.does(|client, now| client.cancel(now, &session("s"), &message("t"), None));
    scene.posted("send", status(503));
    scene.posted("cancel", status(503));
    let again = scene.passes_pinged(10_000);
    assert_eq!(sent(&again), ["a1"]);
    assert!(crate::scene::frames(&again).iter().all(|frame| frame.kind() != "cancel"));
}

#[test]
fn an_interrupts_text_does_not_vanish() {
    let mut scene = Scene::on_sse();
    scene.send(Send { interrupt: Some(message("t")), ..text("s", "m1") });
    let outputs = scene.posted("send", refused(Code::TurnOver));
    assert_eq!(gone(&outputs), [("m1".to_owned(), Some("text of m1".to_owned()))], "it returns to the composer");
    scene.send(Send { interrupt: Some(message("t")), ..text("s", "m2") });
    scene.posted("send", status(502));
    assert_eq!(sent(&scene.passes_pinged(10_000)), ["m2"], "or is tried again");
}

#[test]
fn the_time_for_an_answer_grows_with_the_size_of_a_send() {
    for (on_sse, mut scene) in [(false, Scene::ready()), (true, Scene::on_sse())] {
        let body = SendBody::Text("x".repeat(240_000));
        scene.send(Send { body, ..text("s", "m1") });
        scene.passes_pinged(44_000);
        assert_eq!(scene.state("m1"), Some(SendState::Sending), "a line of 8 KB a second needs 30 s for it");
        scene.passes_pinged(2_000);
        assert_eq!(scene.attempts("m1"), 1);
        assert_eq!(scene.client.link_status() == LinkStatus::Ready, on_sse);
    }
}
