//! First in, first out.

use moorline_delivery::{SendResult, SendState};
use moorline_protocol::{ClientFrame, Code, ReceiptOutcome};
use proptest::{collection::vec, prelude::*};

use crate::scene::{Scene, accepted_at, answer, frames, message, receipt, refusal, sent, text};

#[test]
fn one_message_of_a_session_is_on_its_way_at_a_time() {
    let mut scene = Scene::new();
    for id in ["m1", "m2", "m3"] {
        scene.send(text("s", id));
    }
    assert_eq!(sent(&scene.connect()), ["m1"]);
    assert_eq!(sent(&scene.receives(accepted_at("s", "m1", 1))), ["m2"]);
    assert_eq!(sent(&scene.receives(accepted_at("s", "m2", 2))), ["m3"]);
}

#[test]
fn sessions_do_not_wait_for_each_other() {
    let mut scene = Scene::ready();
    assert_eq!(scene.send(text("a", "m1")).0, SendResult::Sent);
    assert_eq!(scene.send(text("b", "m2")).0, SendResult::Sent);
}

#[test]
fn a_failed_message_holds_those_behind_it() {
    let mut scene = Scene::ready();
    scene.send(text("s", "m1"));
    scene.send(text("s", "m2"));
    assert_eq!(sent(&scene.receives(refusal(Code::Unprocessable, "m1"))), [""; 0]);
    assert_eq!(scene.send(text("s", "m3")).0, SendResult::Queued);
    assert_eq!(sent(&scene.passes_pinged(60_000)), [""; 0]);
    assert_eq!(sent(&scene.reconnects()), [""; 0], "also on a new connection");
    assert_eq!(scene.send(text("t", "m4")).0, SendResult::Sent, "another session's go");
    let outputs = scene.does(|client, now| client.remove(now, &message("m1")));
    assert_eq!(sent(&outputs), [""; 0], "until the user has decided and the gateway knows");
    assert_eq!(sent(&scene.receives(receipt("s", "m1", ReceiptOutcome::Withdrawn))), ["m2"]);
}

#[test]
fn a_message_that_waits_for_its_next_attempt_holds_those_behind_it() {
    let mut scene = Scene::ready();
    scene.send(text("s", "m1"));
    scene.send(text("s", "m2"));
    scene.receives(refusal(Code::Internal, "m1"));
    assert_eq!(scene.send(text("s", "m3")).0, SendResult::Queued);
    assert_eq!(sent(&scene.passes(1_500)), ["m1"]);
    assert_eq!(sent(&scene.receives(accepted_at("s", "m1", 1))), ["m2"]);
}

#[test]
fn an_answer_waits_for_no_message() {
    let mut scene = Scene::ready();
    scene.send(text("s", "m1"));
    scene.send(text("s", "m2"));
    assert_eq!(scene.send(answer("s", "a1", "b1")).0, SendResult::Sent);
    scene.receives(refusal(Code::Unprocessable, "m1"));
    assert_eq!(scene.send(answer("s", "a2", "b2")).0, SendResult::Sent, "also behind a failed one");
}

#[test]
fn an_answer_waits_for_another_to_the_same_request() {
    let mut scene = Scene::ready();
    scene.send(answer("s", "a1", "b1"));
    assert_eq!(scene.send(answer("s", "a2", "b1")).0, SendResult::Queued);
    assert_eq!(scene.send(text("s", "m1")).0, SendResult::Sent, "and holds no message");
    assert_eq!(sent(&scene.receives(accepted_at("s", "a1", 1))), ["a2"]);
}

#[test]
fn a_new_message_goes_behind_the_queued_ones_of_a_reconnect() {
    let mut scene = Scene::new();
    scene.send(text("s", "m1"));
    scene.send(text("s", "m2"));
    scene.connect();
    assert_eq!(scene.send(text("s", "m3")).0, SendResult::Queued);
    assert_eq!(sent(&scene.receives(accepted_at("s", "m1", 1))), ["m2"]);
    assert_eq!(sent(&scene.receives(accepted_at("s", "m2", 2))), ["m3"]);
    scene.receives(accepted_at("s", "m3", 3));
    assert_eq!(scene.send(text("s", "m4")).0, SendResult::Sent, "sends go direct once the first pass has ended");
}

proptest! {
    /// Whatever the line and the gateway do, the messages of a session reach the gateway in the order they were typed, each
    /// new one only when those before it are settled.
    #[test]
    fn nothing_overtakes(steps in vec(0_u8..8, 1..60), seed in any::<u64>()) {
        let mut scene = Scene::seeded(seed);
        let mut typed = 0_u64;
        let mut settled = 0_u64;
        let mut on_its_way: Option<u64> = None;
        for step in steps {
            let outputs = match (step, on_its_way) {
                (0 | 1, _) => {
                    typed += 1;
                    scene.send(text("s", &format!("m{typed}"))).1
                }
                (2, _) => scene.connect(),
                (3, _) => scene.closes(),
                (4, Some(at)) => {
                    settled = at;
                    scene.receives(accepted_at("s", &format!("m{at}"), at))
                }
                (5, Some(at)) => scene.receives(refusal(Code::Internal, &format!("m{at}"))),
                (6, Some(at)) => scene.receives(refusal(Code::Unprocessable, &format!("m{at}"))),
                (7, Some(at)) => scene.does(|client, now| client.retry(now, &message(&format!("m{at}")))),
                _ => scene.passes(9_000),
            };
            for frame in frames(&outputs) {
                if let ClientFrame::Send(send) = frame {
                    let at: u64 = send.message.as_str()[1..].parse().expect("a number");
                    prop_assert_eq!(at, settled + 1, "overtakes");
                    on_its_way = Some(at);
                }
            }
            let flying = scene.client.sends().filter(|status| status.state == SendState::Sending).count();
            prop_assert!(flying <= 1);
        }
        let held: Vec<u64> = scene.client.sends().map(|status| status.order).collect();
        prop_assert!(held.is_sorted(), "{:?}", held);
        prop_assert_eq!(scene.client.sends().filter(|status| status.state != SendState::Accepted).count() as u64, typed - settled, "one vanished");
    }
}
