//! Walks through the turns from any of them.

use moorline_protocol::TurnId;
use moorline_transcript::{Changes, Transcript};
use proptest::prelude::*;

use crate::journal::journals;

proptest! {
    #[test]
    fn a_walk_from_a_turn_is_the_rest_of_the_whole_both_ways(journal in journals(80)) {
        let mut transcript = Transcript::new();
        journal.iter().for_each(|event| transcript.apply(event, &mut Changes::new()));
        let all: Vec<&TurnId> = transcript.turns().map(|turn| &turn.id).collect();
        let back: Vec<&TurnId> = transcript.turns_up_to(None).map(|turn| &turn.id).collect();
        prop_assert_eq!(back, all.iter().rev().copied().collect::<Vec<_>>());
        for (at, turn) in all.iter().enumerate() {
            let from: Vec<&TurnId> = transcript.turns_from(turn).map(|turn| &turn.id).collect();
            prop_assert_eq!(&from, &all[at..]);
            let up_to: Vec<&TurnId> = transcript.turns_up_to(Some(turn)).map(|turn| &turn.id).collect();
            prop_assert_eq!(up_to, all[..=at].iter().rev().copied().collect::<Vec<_>>());
        }
        let nowhere = TurnId::parse("nowhere").expect("an id");
        prop_assert_eq!(transcript.turns_from(&nowhere).count() + transcript.turns_up_to(Some(&nowhere)).count(), 0);
    }
}
