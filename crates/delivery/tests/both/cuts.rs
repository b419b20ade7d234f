//! Cut anywhere, nothing is lost and nothing comes twice.

use proptest::prelude::*;

use crate::pair::{Line, Pair, message, session};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_cut_every_event_is_applied_once_and_every_message_accepted_once(
        steps in prop::collection::vec((0_u8..6, 1_u64..3_000), 1..40),
    ) {
        let mut pair = Pair::new(Line::FAST);
        pair.commits("s", 5);
        pair.shows("s");
        let mut typed: Vec<String> = Vec::new();
        for (step, wait) in steps {
            match step {
                0 => pair.cut(),
                1 => pair.commits("s", wait % 40),
                2 => {
                    typed.push(format!("m{}", typed.len()));
                    pair.sends("s", typed.last().expect("just typed"));
                }
                3 => {
                    pair.reloads();
                    pair.shows("s");
                }
                4 => pair.reachable = !pair.reachable,
                _ => {}
            }
            pair.passes(wait);
        }
        pair.reachable = true;
        // Whoever spent the budget on a line that was cut is tried again by hand.
        for _ in 0..20 {
            pair.passes(60_000);
            for id in &typed {
                pair.does(|client, now| client.retry(now, &message(id)));
            }
        }
        prop_assert_eq!(pair.acceptances("s"), typed, "accepted once, in the order in which they were typed");
        let head = pair.journals[&session("s")].len() as u64;
        prop_assert_eq!(&pair.applied[&session("s")], &(1..=head).collect::<Vec<_>>());
        prop_assert_eq!(pair.client.sends().count(), 0);
        prop_assert!(pair.stored.is_empty());
    }
}

#[test]
fn a_lost_receipt_leads_to_one_acceptance() {
    let mut pair = Pair::new(Line::FAST);
    pair.commits("s", 1);
    pair.passes(1_000);
    pair.sends("s", "m1");
    // The send has arrived, its receipt has not.
    pair.passes(30);
    assert_eq!(pair.acceptances("s"), ["m1"]);
    pair.cut();
    pair.passes(60_000);
    assert_eq!(pair.acceptances("s"), ["m1"]);
    assert!(pair.stored.is_empty(), "and the tab knows");
}
