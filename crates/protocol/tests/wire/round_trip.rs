//! What one end encodes, the other end decodes to the same value; what nobody encoded does no harm.

use std::collections::BTreeSet;

use moorline_protocol::{ClientFrame, Event, EventBody, GatewayFrame, Send, decode, decode_client, decode_gateway, encode};
use proptest::{collection::vec, prelude::*, sample::Index, strategy::ValueTree as _, test_runner::TestRunner};
use serde_json::Value;

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

/// The page's decoder and serde agree. Only of a key given twice may they think differently.
fn hold_decoders_together(text: &str) {
    let (ours, serdes) = (decode_gateway(text), serde_json::from_str::<GatewayFrame>(text));
    match (ours, serdes) {
        (Ok(ours), Ok(serdes)) => assert_eq!(ours, serdes, "{text}"),
        (Ok(ours), Err(error)) => assert!(error.to_string().contains("duplicate field"), "{ours:?} against {error}: {text}"),
        (Err(error), Ok(serdes)) => panic!("{error} against {serdes:?}: {text}"),
        (Err(_), Err(_)) => {}
    }
}

/// Every object of a value without one of its keys, one after the other.
fn without_a_key(value: &Value) -> Vec<Value> {
    match value {
        Value::Object(keys) => {
            let dropped = keys.keys().map(|key| {
                let mut rest = keys.clone();
                rest.remove(key);
                Value::Object(rest)
            });
            let inner = keys.iter().flat_map(|(key, held)| {
                without_a_key(held).into_iter().map(|held| {
                    let mut keys = keys.clone();
                    keys.insert(key.clone(), held);
                    Value::Object(keys)
                })
            });
            dropped.chain(inner).collect()
        }
        Value::Array(items) => (0..items.len())
            .flat_map(|at| {
                without_a_key(&items[at]).into_iter().map(move |item| {
                    let mut items = items.clone();
                    items[at] = item;
                    Value::Array(items)
                })
            })
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
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
    fn both_decoders_agree_on_a_frame_and_on_what_may_be_absent(frame in gateway_frame()) {
        let text = encode(&frame);
        hold_decoders_together(&text);
        for shorter in without_a_key(&serde_json::from_str(&text).expect("JSON")) {
            hold_decoders_together(&shorter.to_string());
        }
    }

    #[test]
    fn both_decoders_agree_on_a_damaged_frame(frame in gateway_frame(), damages in vec(damage(), 1..4)) {
        hold_decoders_together(&damaged(&encode(&frame), &damages));
    }

    #[test]
    fn both_decoders_agree_on_how_a_stored_send_is_read(frame in client_frame(), damages in vec(damage(), 0..4)) {
        if let ClientFrame::Send(send) = frame {
            let text = damaged(&encode(&send), &damages);
            if let Ok(serdes) = serde_json::from_str::<Send>(&text) {
                prop_assert_eq!(decode::<Send>(&text).expect("serde reads it"), serdes);
            }
        }
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
