//! Decoders of the wire.

use moorline_delivery::StoredSend;
use moorline_gateway::testing;
use moorline_protocol::{
    ClientFrame, Cursor, Decode, DecodeError, Epoch, ErrorBody, Event, Flaw, GatewayFrame, Hits, MessageId, Page, Rows, Seq, SessionId,
    SessionRow, decode, decode_client, encode,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::Execute;
use crate::{
    Dice,
    corpus::{examples, texts},
    maker::{Maker, Shape},
};

pub(super) fn client_frames() -> Execute {
    let maker = Maker::new(examples(&["client"]));
    Box::new(move |dice| {
        let text = maker.text(Shape::Any, dice);
        if let Ok(frame) = decode_client(&text) {
            survives_encoding(&frame);
            assert!(matches!(frame, ClientFrame::Unknown { .. }) || ClientFrame::KINDS.contains(&frame.kind()));
        }
    })
}

/// Bytes on a WebSocket: what comes of them does not depend on how they are cut.
pub(super) fn socket() -> Execute {
    const MOST_BYTES: usize = 300;
    let maker = Maker::new(examples(&["client"]));
    Box::new(move |dice| {
        let mut bytes = Vec::new();
        for _ in 0..=dice.below(7) {
            let payload = if dice.once_in(3) { maker.bytes(Shape::Any, dice) } else { vec![b'x'; dice.below(140)] };
            bytes.extend(websocket_frame(&payload, dice));
        }
        for _ in 0..dice.below(3) * dice.below(2) {
            let at = dice.below(bytes.len());
            bytes[at] ^= dice.next() as u8;
        }
        let whole = testing::messages([bytes.clone()], MOST_BYTES);
        let mut pieces = Vec::new();
        while !bytes.is_empty() {
            let rest = bytes.split_off(1 + dice.below(bytes.len()));
            pieces.push(std::mem::replace(&mut bytes, rest));
        }
        assert_eq!(testing::messages(pieces, MOST_BYTES), whole);
    })
}

/// A client's frame, masked; its kind, and whether it is the last of its message, by chance.
fn websocket_frame(payload: &[u8], dice: &mut Dice) -> Vec<u8> {
    let kind = [0, 1, 1, 2, 8, 9, 10, 3][dice.below(8)];
    let last = if dice.once_in(4) { 0 } else { 0x80 };
    let mask = (dice.next() as u32).to_be_bytes();
    let mut frame = vec![last | kind];
    match payload.len() {
        short @ 0..126 => frame.push(0x80 | short as u8),
        long @ 126..=0xffff => frame.extend([&[0x80 | 126][..], &(long as u16).to_be_bytes()].concat()),
        long => frame.extend([&[0x80 | 127][..], &(long as u64).to_be_bytes()].concat()),
    }
    frame.extend(mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

pub(super) fn gateway_frames() -> Execute {
    let maker = Maker::new(examples(&["gateway"]));
    Box::new(move |dice| agree::<GatewayFrame>(&maker.text(Shape::Any, dice)))
}

pub(super) fn page_answers() -> Execute {
    let sends = examples(&["client"]).into_iter().filter_map(|frame| frame.get("send").cloned());
    let stored = sends.enumerate().map(|(order, send)| json!({"order": order, "send": send, "attempts": 1, "withdrawing": "edit"}));
    let cursor = json!({"session": "s1", "epoch": "e-4f2a", "seq": 41});
    let corpus =
        examples(&["http:Page", "http:ErrorBody", "http:Rows", "http:Hits", "http:SessionRow"]).into_iter().chain(stored).chain([cursor]);
    let maker = Maker::new(corpus.collect());
    Box::new(move |dice| {
        let text = maker.text(Shape::Any, dice);
        match dice.below(5) {
            0 => agree::<Page>(&text),
            1 => agree::<ErrorBody>(&text),
            2 => agree::<Rows>(&text),
            5 => agree::<Hits>(&text),
            6 => agree::<SessionRow>(&text),
            3 => agree::<StoredSend>(&text),
            _ => agree::<Cursor>(&text),
        }
    })
}

pub(super) fn events() -> Execute {
    let maker = Maker::new(examples(&["event"]));
    Box::new(move |dice| {
        let text = maker.text(Shape::Any, dice);
        if let Ok(event) = serde_json::from_str::<Event>(&text) {
            survives_encoding(&event);
            assert!(event.first() <= event.seq, "an event begins behind its end");
        }
        agree::<Event>(&text);
    })
}

pub(super) fn ids() -> Execute {
    let long = "x".repeat(64);
    let maker = Maker::new(texts(&["s1", "e-4f2a", "3f1c0d5e9a7b42c68d10e4f5a6b7c8d9", &long, "9007199254740991", "-"]));
    Box::new(move |dice| {
        let text = maker.text(Shape::Any, dice);
        let is_id = (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
        assert_eq!(SessionId::parse(&text).is_ok(), is_id);
        assert_eq!(MessageId::parse(&text).ok().map(|id| id.to_string()), is_id.then(|| text.clone()));
        let quoted = Value::from(text.as_str()).to_string();
        agree::<Epoch>(&quoted);
        agree::<Epoch>(&text);
        agree::<Seq>(&text);
    })
}

/// A value that was decoded is the same after it was encoded and decoded again.
fn survives_encoding<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: &T) {
    let text = encode(value);
    let again: T = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text} is not decoded: {error}"));
    assert_eq!(again, *value, "{text} decodes to something else");
}

/// Whatever serde reads from a text, the page's own decoder reads too, and the same.
fn agree<T: Decode + DeserializeOwned + Serialize + PartialEq + std::fmt::Debug>(text: &str) {
    match (decode::<T>(text), serde_json::from_str::<T>(text)) {
        (Ok(ours), Ok(serde)) => assert_eq!(ours, serde, "{text} is read in two ways"),
        (Ok(ours), Err(_)) => survives_encoding(&ours),
        (Err(error), Ok(_)) => assert!(is_form_that_nobody_writes(text, &error), "{text}: serde alone reads it: {error}"),
        (Err(_), Err(_)) => {}
    }
}

/// serde's derived types also read an object as the list of its values, and a bare word as the key of a null.
fn is_form_that_nobody_writes(text: &str, error: &DecodeError) -> bool {
    let rest = text.get(error.at..).unwrap_or_default().trim_start();
    match error.flaw {
        Flaw::Here("an object was expected here") => rest.starts_with('['),
        Flaw::Here("a string was expected here") => rest.starts_with('{'),
        Flaw::Here("an unknown kind stands here") => rest.starts_with("null"),
        Flaw::Here(_) | Flaw::Missing(_) => false,
    }
}
