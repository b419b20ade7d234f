//! What one end encodes, the other end decodes to the same value; what nobody encoded does no harm.

use std::collections::BTreeSet;

use moorline_protocol::{ClientFrame, Event, EventBody, GatewayFrame, decode_client, decode_gateway, encode};
use proptest::{collection::vec, prelude::*, sample::Index, strategy::ValueTree as _, test_runner::TestRunner};

use crate::arbitrary::{client_frame, event, gateway_frame};

/// One way to damage a text.
#[derive(Debug, Clone)]
enum Damage {
    Cut(Index),
    Drop(Index),
    Replace(Index, char),
    Insert(Index, &'static str),
    Repeat(Index, Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    let piece =
        prop::sample::select(vec!["{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "null", "-1", "1e999", "18446744073709551616", "\0"]);
    prop_oneof![
        any::<Index>().prop_map(Damage::Cut),
        any::<Index>().prop_map(Damage::Drop),
        (any::<Index>(), any::<char>()).prop_map(|(at, char)| Damage::Replace(at, char)),
        (any::<Index>(), piece).prop_map(|(at, piece)| Damage::Insert(at, piece)),
        (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Damage::Repeat(from, to)),
    ]
}

fn damaged(text: &str, damages: &[Damage]) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for damage in damages {
        if chars.is_empty() {
            break;
        }
        match damage {
            Damage::Cut(at) => chars.truncate(at.index(chars.len())),
            Damage::Drop(at) => drop(chars.remove(at.index(chars.len()))),
            Damage::Replace(at, char) => {
                let at = at.index(chars.len());
                chars[at] = *char;
            }
            Damage::Insert(at, piece) => {
                let at = at.index(chars.len());
                chars.splice(at..at, piece.chars());
            }
            Damage::Repeat(from, to) => {
                let (from, to) = (from.index(chars.len()), to.index(chars.len()));
                let run = chars[from.min(to)..from.max(to)].to_vec();
                chars.splice(from..from, run);
            }
        }
    }
    chars.into_iter().collect()
}

/// Whatever decodes is something that can be encoded and decoded again.
fn decode_everything(text: &str) {
    if let Ok(frame) = decode_client(text) {
        assert_eq!(decode_client(&encode(&frame)).expect("encoded by us"), frame);
    }
    if let Ok(frame) = decode_gateway(text) {
        assert_eq!(decode_gateway(&encode(&frame)).expect("encoded by us"), frame);
    }
    drop(serde_json::from_str::<Event>(text));
}

proptest! {
    #[test]
    fn a_client_frame_returns(frame in client_frame()) {
        prop_assert_eq!(decode_client(&encode(&frame)).expect("encoded by us"), frame);
    }

    #[test]
    fn a_gateway_frame_returns(frame in gateway_frame()) {
        prop_assert_eq!(decode_gateway(&encode(&frame)).expect("encoded by us"), frame);
    }

    #[test]
    fn an_event_returns(event in event()) {
        prop_assert_eq!(serde_json::from_str::<Event>(&encode(&event)).expect("encoded by us"), event);
    }

    #[test]
    fn a_frame_is_one_line(client in client_frame(), gateway in gateway_frame()) {
        prop_assert!(!encode(&client).contains(['\n', '\r', '\0']));
        prop_assert!(!encode(&gateway).contains(['\n', '\r', '\0']));
    }

    #[test]
    fn any_bytes_are_decoded_or_refused(bytes in vec(any::<u8>(), 0..200)) {
        decode_everything(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn a_damaged_client_frame_is_decoded_or_refused(frame in client_frame(), damages in vec(damage(), 1..4)) {
        decode_everything(&damaged(&encode(&frame), &damages));
    }

    #[test]
    fn a_damaged_gateway_frame_is_decoded_or_refused(frame in gateway_frame(), damages in vec(damage(), 1..4)) {
        decode_everything(&damaged(&encode(&frame), &damages));
    }
}

#[test]
fn the_strategies_reach_every_kind() {
    fn seen<T: std::fmt::Debug>(strategy: impl Strategy<Value = T>, kind: impl Fn(&T) -> String) -> BTreeSet<String> {
        let mut runner = TestRunner::deterministic();
        (0..2_000).map(|_| kind(&strategy.new_tree(&mut runner).expect("a value").current())).collect()
    }
    let missing = |kinds: &[&str], seen: BTreeSet<String>| kinds.iter().any(|kind| !seen.contains(*kind));
    assert!(!missing(ClientFrame::KINDS, seen(client_frame(), |frame| frame.kind().to_owned())));
    assert!(!missing(GatewayFrame::KINDS, seen(gateway_frame(), |frame| frame.kind().to_owned())));
    assert!(!missing(EventBody::KINDS, seen(event(), |event| event.body.kind().to_owned())));
}
