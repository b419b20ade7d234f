//! Makes inputs from a corpus.

use serde_json::{Map, Number, Value};

use crate::Dice;

/// Texts that have broken readers before.
const TEXTS: [&str; 14] = [
    "",
    "s1",
    "a b",
    "é🦀\u{2028}",
    "\u{0}\n\t\\\"",
    "-1",
    "../..",
    "%2e%2e",
    "\u{feff}x",
    "👩‍👩‍👧",
    "null",
    "e-4f2a:7,s1:",
    "/long 99999999999999999999",
    "~",
];

/// Ids that meet each other: what one part of an input names, another one often does too.
const IDS: [&str; 8] = ["s1", "s2", "m1", "m2", "b1", "b2", "e-4f2a", "c1"];

/// The keys of ids.
const KEYS: [&str; 12] =
    ["session", "epoch", "turn", "block", "message", "message_id", "id", "client", "page", "request", "about", "toolCallId"];

/// Kinds and words of the wire, in each other's places.
const WORDS: [&str; 16] = [
    "hello",
    "attach",
    "send",
    "ack",
    "events",
    "snapshot",
    "append",
    "fold",
    "block",
    "turn",
    "up_to_date",
    "snapshot",
    "cancelled",
    "text",
    "tool",
    "running",
];

/// Pieces of JSON, whole and broken, that are put in as they are.
const PIECES: [&[u8]; 22] = [
    b"\"",
    b"\\",
    b"\\u",
    b"\\ud800",
    b"\\ud83d\\ude00",
    b"\\u0000",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"null",
    b"1e999",
    b"-0",
    b"01",
    b"1.0",
    b"18446744073709551616",
    b"9007199254740993",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\xf0\x9f",
];

/// How much of an input's shape is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Valid JSON of about the right shape: most of it is read.
    Near,
    /// Anything.
    Any,
}

/// Makes inputs from a corpus of values.
#[derive(Debug)]
pub struct Maker {
    corpus: Vec<Value>,
}

impl Maker {
    /// Makes inputs from these; there must be one.
    #[must_use]
    pub const fn new(corpus: Vec<Value>) -> Self {
        Self { corpus }
    }

    /// The next value, changed in a few places.
    pub fn value(&self, dice: &mut Dice) -> Value {
        let mut value = self.corpus[dice.below(self.corpus.len())].clone();
        // Numbers and ids come from small sets, so that one value speaks of what another one did.
        settle(&mut value, dice);
        for _ in 0..dice.below(4) {
            let changed = 1 + dice.below(size(&value));
            self.change(&mut value, changed, dice);
        }
        value
    }

    /// The next input.
    pub fn bytes(&self, shape: Shape, dice: &mut Dice) -> Vec<u8> {
        let value = self.value(dice);
        let text = match value {
            // A corpus of plain texts stands for the texts themselves.
            Value::String(text) if self.corpus.iter().all(Value::is_string) => text,
            value => value.to_string(),
        };
        let mut bytes = text.into_bytes();
        if shape == Shape::Any && dice.once_in(2) {
            for _ in 0..=dice.below(4) {
                self.disturb(&mut bytes, dice);
            }
        }
        bytes
    }

    /// The next input as text; bytes that are no UTF-8 are replaced.
    pub fn text(&self, shape: Shape, dice: &mut Dice) -> String {
        let bytes = self.bytes(shape, dice);
        String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }

    /// Changes the value at a place, counted in the order in which it is written.
    fn change(&self, value: &mut Value, at: usize, dice: &mut Dice) {
        let Some(found) = find(value, &mut { at }) else { return };
        match (dice.below(6), &mut *found) {
            (0, Value::Object(fields)) => drop_one(fields, dice),
            (1, Value::Object(fields)) => drop(fields.insert(dice.one_of(&WORDS).to_owned(), leaf(dice))),
            (0, Value::Array(items)) if !items.is_empty() => drop(items.remove(dice.below(items.len()))),
            (1 | 2, Value::Array(items)) if !items.is_empty() => {
                let again = items[dice.below(items.len())].clone();
                items.insert(dice.place(items.len()), again);
            }
            (3, Value::Array(items)) if items.len() > 1 => {
                let (one, other) = (dice.below(items.len()), dice.below(items.len()));
                items.swap(one, other);
            }
            (4, found) => {
                let other = &self.corpus[dice.below(self.corpus.len())];
                let part = 1 + dice.below(size(other));
                let mut other = other.clone();
                if let Some(part) = find(&mut other, &mut { part }) {
                    *found = part.take();
                }
            }
            (5, found) => {
                let inner = found.take();
                *found = if dice.once_in(2) {
                    Value::Array(vec![inner])
                } else {
                    Value::Object(Map::from_iter([(dice.one_of(&WORDS).to_owned(), inner)]))
                };
            }
            (_, found) => *found = leaf(dice),
        }
    }

    /// Changes bytes without a thought for what they mean.
    fn disturb(&self, bytes: &mut Vec<u8>, dice: &mut Dice) {
        let length = bytes.len();
        match dice.below(8) {
            0 if length > 0 => bytes[dice.below(length)] ^= 1 << dice.below(8),
            1 if length > 0 => bytes[dice.below(length)] = dice.next() as u8,
            2 => bytes.truncate(dice.place(length)),
            3 => drop(bytes.drain(..dice.place(length))),
            4 => insert(bytes, dice.place(length), PIECES[dice.below(PIECES.len())]),
            5 => {
                let other = self.corpus[dice.below(self.corpus.len())].to_string().into_bytes();
                bytes.truncate(dice.place(length));
                bytes.extend_from_slice(&other[dice.place(other.len())..]);
            }
            6 if length > 0 => {
                let from = dice.below(length);
                let piece = bytes[from..(from + 1 + dice.below(12)).min(length)].to_vec();
                insert(bytes, dice.place(length), &piece);
            }
            // Deep nesting is rare, for it is long.
            7 if dice.once_in(64) => {
                let depth = 1 << dice.below(12);
                let (open, close) = *[(&b"["[..], &b"]"[..]), (b"{\"a\":", b"}")].get(dice.below(2)).unwrap_or(&(b"[", b"]"));
                let mut nested = open.repeat(depth);
                if dice.once_in(2) {
                    nested.push(b'1');
                    nested.extend(close.repeat(depth));
                }
                insert(bytes, dice.place(length), &nested);
            }
            _ => insert(bytes, dice.place(length), dice.one_of(&TEXTS).as_bytes()),
        }
    }
}

/// Puts numbers and ids of small sets in the places of most of those that are there.
fn settle(value: &mut Value, dice: &mut Dice) {
    match value {
        Value::Object(fields) => {
            for (key, field) in fields {
                match field {
                    Value::String(id) if KEYS.contains(&key.as_str()) && !dice.once_in(4) => dice.one_of(&IDS).clone_into(id),
                    field => settle(field, dice),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| settle(item, dice)),
        Value::Number(number) if !dice.once_in(4) => *number = Number::from(dice.below(12)),
        Value::Number(_) | Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// How many values there are, the outermost included.
fn size(value: &Value) -> usize {
    1 + match value {
        Value::Object(fields) => fields.values().map(size).sum(),
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// The value at a place; counts down to it.
fn find<'a>(value: &'a mut Value, at: &mut usize) -> Option<&'a mut Value> {
    *at -= 1;
    if *at == 0 {
        return Some(value);
    }
    match value {
        Value::Object(fields) => fields.values_mut().find_map(|field| if *at > 0 { find(field, at) } else { None }),
        Value::Array(items) => items.iter_mut().find_map(|item| if *at > 0 { find(item, at) } else { None }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

fn drop_one(fields: &mut Map<String, Value>, dice: &mut Dice) {
    let key = fields.keys().nth(dice.below(fields.len())).cloned();
    key.map(|key| fields.remove(&key));
}

fn leaf(dice: &mut Dice) -> Value {
    match dice.below(10) {
        0 => Value::Null,
        1 => Value::Bool(dice.once_in(2)),
        2 => Value::from(dice.below(12)),
        3 => {
            Value::from(*[0, (1 << 53) - 1, 1 << 53, u64::MAX, u64::MAX - 3, u64::from(u32::MAX), 1 << 32].get(dice.below(7)).unwrap_or(&0))
        }
        4 => Value::from(-(dice.below(3) as i64)),
        5 => Value::from(0.5),
        6 => Value::from(dice.one_of(&IDS)),
        7 => Value::from(dice.one_of(&WORDS)),
        8 => Value::from(dice.one_of(&TEXTS).repeat(1 + dice.below(8))),
        _ => Value::Array(Vec::new()),
    }
}

fn insert(bytes: &mut Vec<u8>, at: usize, piece: &[u8]) {
    drop(bytes.splice(at..at, piece.iter().copied()));
}
