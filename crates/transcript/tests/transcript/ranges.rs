//! Parts of texts.

use moorline_protocol::{Append, BlockKind, Event, EventBody, Limits, Opened, Seq};
use moorline_transcript::{Changes, NoText, Transcript};
use proptest::prelude::*;

use crate::journal::{block_id, epoch, turn_id};

/// A transcript with one block that holds a text, as its second edition.
fn with_text(text: &str) -> Transcript {
    let (mut there, mut changes) = (Transcript::new(), Changes::new());
    let opened = Opened { block: block_id(1), turn: turn_id(1), kind: BlockKind::Tool, fields: moorline_protocol::FieldsPatch::default() };
    let append = Append { block: block_id(1), edition: 1, at: 0, text: text.to_owned() };
    for (seq, body) in [(1, EventBody::Opened(opened)), (2, EventBody::Append(append))] {
        there.apply(&Event::plain(Seq::new(seq), 0, body), &mut changes);
    }
    there
}

fn limits(text_bytes: usize) -> Limits {
    Limits { text_bytes, ..Limits::default() }
}

#[test]
fn an_offset_inside_a_character_moves_to_its_beginning() {
    let there = with_text("aé🦀b");
    let part = |from, to| there.text(&block_id(1), Some(1), from..to, &limits(100), &epoch("e")).expect("a text");
    for (asked, given) in
        [((0, 1), (0, "a")), ((2, 4), (1, "é")), ((0, 4), (0, "aé")), ((5, 100), (3, "🦀b")), ((8, 8), (8, "")), ((99, 100), (8, ""))]
    {
        let part = part(asked.0, asked.1);
        assert_eq!((part.from, part.text.as_str(), part.bytes, part.edition), (given.0, given.1, 8, 1), "{asked:?}");
    }
    assert_eq!(part(5, 1).text, "", "nothing lies between an end and a beginning");
}

#[test]
fn what_is_not_there_is_told_apart() {
    let there = with_text("a");
    let ask = |block, edition| there.text(&block_id(block), edition, 0..9, &limits(9), &epoch("e")).map(|part| part.text);
    assert_eq!(ask(1, None), Ok("a".to_owned()));
    assert_eq!(ask(1, Some(0)), Err(NoText::Edition(1)));
    assert_eq!(ask(2, None), Err(NoText::UnknownBlock));
}

proptest! {
    #[test]
    fn whoever_goes_on_behind_what_was_given_reads_the_whole_text(text in "[aé🦀\n]{0,40}", text_bytes in 0..7_usize) {
        let there = with_text(&text);
        let mut read = String::new();
        for _ in 0..=text.len() {
            let part = there.text(&block_id(1), None, read.len() as u64..u64::MAX, &limits(text_bytes), &epoch("e")).expect("a text");
            prop_assert_eq!(part.from, read.len() as u64);
            prop_assert!(part.text.len() <= text_bytes.max(4));
            read.push_str(&part.text);
            if read.len() as u64 == part.bytes {
                break;
            }
        }
        prop_assert_eq!(read, text);
    }
}
