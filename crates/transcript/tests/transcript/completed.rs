//! What events complete is known before they are applied.

use moorline_protocol::{Block, Seq};
use moorline_transcript::{Changes, Transcript};
use proptest::prelude::*;

use crate::journal::journals;

fn beginning(block: &Block, most: usize) -> Block {
    let end = (0..=most.min(block.text.len())).rev().find(|at| block.text.is_char_boundary(*at)).unwrap_or(0);
    Block { rev: Seq::ZERO, text: block.text[..end].to_owned(), ..block.clone() }
}

proptest! {
    #[test]
    fn what_events_complete_is_as_it_is_behind_them_up_to_what_is_enough(events in journals(60), cut in 0_usize..60, most in 0_usize..40) {
        let (before, news) = events.split_at(cut.min(events.len()));
        let mut transcript = Transcript::new();
        before.iter().for_each(|event| transcript.apply(event, &mut Changes::new()));
        let completed = transcript.completed(news, most);
        news.iter().for_each(|event| transcript.apply(event, &mut Changes::new()));
        for block in &completed {
            let behind = transcript.block(&block.id).expect("the block is in the transcript");
            prop_assert_eq!(beginning(block, most), beginning(behind, most));
        }
    }
}
