//! The newest committed events of one session as the text they travel in.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

use axum::body::Bytes;
use moorline_protocol::{Event, Seq, SessionId, encode};

/// Encoded events kept of one session, in bytes.
const KEPT_BYTES: usize = 512 << 10;

/// An event's place and text.
#[derive(Debug, Clone)]
struct EncodedEvent {
    first: Seq,
    seq: Seq,
    text: Arc<str>,
}

impl EncodedEvent {
    fn new(event: &Event) -> Self {
        Self { first: event.first(), seq: event.seq, text: encode(event).into() }
    }
}

/// A cache of a journal's end, never ahead of the journal.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    kept: RwLock<Kept>,
    /// The frame that was made last: readers that keep up stand at the same cursor, and share it.
    made: Mutex<Option<Made>>,
}

/// A frame, and what was asked for.
#[derive(Debug, Clone)]
struct Made {
    after: Seq,
    max_bytes: usize,
    frame: (Bytes, Seq),
}

#[derive(Debug, Default)]
struct Kept {
    events: VecDeque<EncodedEvent>,
    bytes: usize,
}

impl Tail {
    /// Takes in an event that has just been committed.
    pub(crate) fn push(&self, event: &Event) {
        let event = EncodedEvent::new(event);
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        if kept.events.back().is_some_and(|last| last.seq.next() != event.first) {
            *kept = Kept::default();
        }
        kept.bytes += event.text.len();
        kept.events.push_back(event);
        while kept.bytes > KEPT_BYTES && kept.events.len() > 1 {
            let gone = kept.events.pop_front().map_or(0, |event| event.text.len());
            kept.bytes -= gone;
        }
        *self.made() = None;
    }

    /// Puts a fold that has just been committed in the place of the events that it stands for, as the journal does.
    pub(crate) fn fold(&self, fold: &Event) {
        let fold = EncodedEvent::new(fold);
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        let start = kept.events.partition_point(|event| event.seq < fold.first);
        let end = kept.events.partition_point(|event| event.seq <= fold.seq);
        let gone: usize = kept.events.range(start..end).map(|event| event.text.len()).sum();
        if start < end {
            kept.bytes = kept.bytes - gone + fold.text.len();
            kept.events.drain(start + 1..end);
            kept.events[start] = fold;
            *self.made() = None;
        }
    }

    /// The next frame behind a cursor, and the last seq in it; none when the cursor lies before what is kept, or at the head.
    pub(crate) fn frame(&self, session: &SessionId, after: Seq, max_bytes: usize) -> Option<(Bytes, Seq)> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = self.made().as_ref().filter(|made| made.after == after && made.max_bytes == max_bytes) {
            return Some(made.frame.clone());
        }
        if kept.events.front()?.first > after.next() {
            return None;
        }
        let start = kept.events.partition_point(|event| event.seq <= after);
        let events = kept.events.range(start..).map(|event| (event.seq, &*event.text));
        let frame = frame(session, events, max_bytes)?;
        // Under the lock of what is kept, so that none outlives it.
        *self.made() = Some(Made { after, max_bytes, frame: frame.clone() });
        Some(frame)
    }

    fn made(&self) -> MutexGuard<'_, Option<Made>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes an `events` frame of at least one event and otherwise at most `max_bytes`; none when there is no event.
pub(crate) fn frame<'a>(session: &SessionId, events: impl Iterator<Item = (Seq, &'a str)>, max_bytes: usize) -> Option<(Bytes, Seq)> {
    let mut text = format!(r#"{{"events":{{"session":"{session}","events":["#);
    let mut last = None;
    for (seq, event) in events {
        if last.is_some() && text.len() + event.len() + 4 > max_bytes {
            break;
        }
        if last.is_some() {
            text.push(',');
        }
        text.push_str(event);
        last = Some(seq);
    }
    text.push_str("]}}");
    last.map(|seq| (text.into(), seq))
}

#[cfg(test)]
mod tests {
    use moorline_protocol::{EventBody, Events, Fold, GatewayFrame, MessageId, TurnStarted, decode_gateway};

    use super::*;

    fn event(seq: u64) -> Event {
        let turn = MessageId::parse(&format!("m{seq:06}")).unwrap();
        Event::plain(Seq::new(seq), 7, EventBody::TurnStarted(TurnStarted { turn }))
    }

    fn session() -> SessionId {
        SessionId::parse("s").unwrap()
    }

    fn tail(seqs: std::ops::RangeInclusive<u64>) -> Tail {
        let tail = Tail::default();
        seqs.for_each(|seq| tail.push(&event(seq)));
        tail
    }

    fn decoded(text: &[u8]) -> Vec<Event> {
        let text = std::str::from_utf8(text).unwrap();
        let GatewayFrame::Events(Events { events, .. }) = decode_gateway(text).unwrap() else { panic!("{text} is no events frame") };
        events
    }

    #[test]
    fn a_frame_holds_what_lies_behind_the_cursor() {
        let (text, last) = tail(3..=9).frame(&session(), Seq::new(5), 1 << 20).unwrap();
        assert_eq!(last, Seq::new(9));
        assert_eq!(decoded(&text), (6..=9).map(event).collect::<Vec<_>>());
    }

    #[test]
    fn a_frame_ends_before_its_limit_but_is_never_empty() {
        let one = tail(1..=1).frame(&session(), Seq::ZERO, 0).unwrap().0;
        let (text, last) = tail(1..=100).frame(&session(), Seq::ZERO, 1_000).unwrap();
        assert!(text.len() <= 1_000, "{} bytes", text.len());
        assert!(text.len() + one.len() > 1_000, "room for one more was left: {} bytes", text.len());
        assert_eq!(decoded(&text).last().unwrap().seq, last);
        assert_eq!(decoded(&one).len(), 1);
    }

    #[test]
    fn a_cursor_before_what_is_kept_is_left_to_the_journal() {
        let tail = tail(3..=9);
        assert!(tail.frame(&session(), Seq::new(1), 1_000).is_none());
        assert!(tail.frame(&session(), Seq::new(2), 1_000).is_some());
        assert!(tail.frame(&session(), Seq::new(9), 1_000).is_none());
    }

    #[test]
    fn a_fold_takes_the_place_of_what_is_kept_of_its_events() {
        let fold = |first, seq| Event::folded(Seq::new(first), Seq::new(seq), 7, Fold { turns: Vec::new(), blocks: Vec::new() });
        let tail = tail(5..=12);
        tail.fold(&fold(1, 4));
        tail.fold(&fold(2, 6));
        tail.fold(&fold(8, 10));
        let places = |after| -> Option<Vec<(u64, u64)>> {
            let (text, _) = tail.frame(&session(), Seq::new(after), 1 << 20)?;
            Some(decoded(&text).iter().map(|event| (event.first().value(), event.seq.value())).collect())
        };
        assert_eq!(places(0), None);
        assert_eq!(places(1), Some(vec![(2, 6), (7, 7), (8, 10), (11, 11), (12, 12)]));
        assert_eq!(places(9), Some(vec![(8, 10), (11, 11), (12, 12)]), "a cursor inside a fold gets the fold");
        let kept = tail.kept.read().unwrap();
        assert_eq!(kept.bytes, kept.events.iter().map(|event| event.text.len()).sum::<usize>());
    }

    #[test]
    fn only_the_newest_events_are_kept() {
        let tail = tail(1..=20_000);
        assert!(tail.frame(&session(), Seq::ZERO, 1_000).is_none());
        assert!(tail.kept.read().unwrap().bytes <= KEPT_BYTES);
        assert!(tail.frame(&session(), Seq::new(19_999), 1_000).is_some());
    }
}
