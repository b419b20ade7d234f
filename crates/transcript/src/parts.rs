//! A snapshot as frames.

use std::collections::VecDeque;

use moorline_protocol::{Append, Block, GatewayFrame, Item, Limits, SessionId, SnapshotPart, encode};

use crate::{Snapshot, text::split_encoded};

/// The bytes of a piece of text below which it is not worth being split off.
const PIECE_BYTES: usize = 1 << 10;

/// Splits a snapshot into parts, each at most [`Limits::frame_bytes`] as an encoded frame; there is always at least one.
///
/// A text that is too long for a part goes on as [`Item::Append`]. Only a turn, or a block's fields, too large for a frame by
/// themselves make a longer one: event bodies are limited so that this does not arise from one event.
#[must_use]
pub fn parts(snapshot: Snapshot, session: &SessionId, no: u64, limits: &Limits) -> Vec<SnapshotPart> {
    let part = SnapshotPart {
        session: session.clone(),
        no,
        epoch: snapshot.epoch,
        seq: snapshot.seq,
        part: u32::MAX,
        last: true,
        from: snapshot.from,
        items: Vec::new(),
    };
    let envelope = GatewayFrame::Snapshot(part.clone());
    let mut filling = Filling {
        room: limits.frame_bytes.saturating_sub(encode(&envelope).len()),
        used: 0,
        parts: vec![SnapshotPart { part: 0, last: false, ..part }],
    };
    let mut queue: VecDeque<Item> = snapshot.items.into();
    while let Some(item) = queue.pop_front() {
        if let Some(rest) = filling.add(item) {
            queue.push_front(rest);
        }
    }
    if let Some(part) = filling.parts.last_mut() {
        part.last = true;
    }
    filling.parts
}

struct Filling {
    /// Bytes for items in one part.
    room: usize,
    /// Bytes taken in the last part.
    used: usize,
    parts: Vec<SnapshotPart>,
}

impl Filling {
    /// Adds an item, or its start; returns the rest.
    fn add(&mut self, item: Item) -> Option<Item> {
        let bytes = encode(&item).len() + ",".len();
        let left = self.room.saturating_sub(self.used);
        if bytes <= left {
            self.push(item, bytes);
            return None;
        }
        if let Some((start, rest)) = split(&item, left) {
            let bytes = encode(&start).len() + ",".len();
            self.push(start, bytes);
            self.begin_part();
            return Some(rest);
        }
        if self.used == 0 {
            self.push(item, bytes);
            return None;
        }
        self.begin_part();
        Some(item)
    }

    fn push(&mut self, item: Item, bytes: usize) {
        self.used += bytes;
        if let Some(part) = self.parts.last_mut() {
            part.items.push(item);
        }
    }

    fn begin_part(&mut self) {
        let Some(last) = self.parts.last() else { return };
        let next = SnapshotPart { part: last.part + 1, items: Vec::new(), ..last.clone() };
        self.parts.push(next);
        self.used = 0;
    }
}

/// Splits an item's text so that its start fits; none when that would leave no piece worth having.
fn split(item: &Item, bytes: usize) -> Option<(Item, Item)> {
    let (start, text, at) = match item {
        Item::Turn(_) => return None,
        Item::Block(block) => (Item::Block(Block { text: String::new(), ..block.clone() }), &block.text, block.from),
        Item::Append(append) => (Item::Append(Append { text: String::new(), ..append.clone() }), &append.text, append.at),
    };
    let around = encode(&start).len() + r#","text":"","#.len();
    let room = bytes.checked_sub(around).filter(|room| *room >= PIECE_BYTES)?;
    let (head, tail) = split_encoded(text, room);
    if head.is_empty() || tail.is_empty() {
        return None;
    }
    let start = match start {
        Item::Block(block) => Item::Block(Block { text: head.to_owned(), ..block }),
        Item::Append(append) => Item::Append(Append { text: head.to_owned(), ..append }),
        Item::Turn(_) => return None,
    };
    let (block, edition) = match item {
        Item::Block(block) => (block.id.clone(), block.edition),
        Item::Append(append) => (append.block.clone(), append.edition),
        Item::Turn(_) => return None,
    };
    Some((start, Item::Append(Append { block, edition, at: at.saturating_add(head.len() as u64), text: tail.to_owned() })))
}
