//! The `id:` of a server-sent event, which clients send back as `Last-Event-ID`: the cursors of everything written so far.

use moorline_protocol::{Attach, Cursor, Epoch, Hello, Seq, SessionId};

/// Writes cursors as `session:epoch:seq`, joined by commas; no part can contain either sign.
pub(crate) fn write(cursors: &[Cursor]) -> String {
    let cursors: Vec<String> = cursors.iter().map(|Cursor { session, epoch, seq }| format!("{session}:{epoch}:{seq}")).collect();
    cursors.join(",")
}

/// Puts the cursors that came back in the place of a hello's own, and attaches the sessions that only they name.
///
/// What is no cursor is ignored: then hello's own counts, or none. So nothing is ever skipped.
pub(crate) fn resume(mut hello: Hello, last_event_id: &str) -> Hello {
    for Cursor { session, epoch, seq } in last_event_id.split(',').filter_map(|text| read(text.trim())) {
        match hello.attaches.iter_mut().find(|attach| attach.session == session) {
            Some(attach) => (attach.epoch, attach.seq) = (Some(epoch), seq),
            None => hello.attaches.push(Attach { session, no: 0, epoch: Some(epoch), seq, snapshot: false }),
        }
    }
    hello
}

fn read(text: &str) -> Option<Cursor> {
    let mut parts = text.split(':');
    let (session, epoch, seq) = (parts.next()?, parts.next()?, parts.next()?);
    let is_number = parts.next().is_none() && seq.bytes().all(|b| b.is_ascii_digit());
    let seq = is_number.then(|| seq.parse().ok())?.filter(|seq| *seq <= Seq::MAX.value())?;
    Some(Cursor { session: SessionId::parse(session).ok()?, epoch: Epoch::parse(epoch).ok()?, seq: Seq::new(seq) })
}

#[cfg(test)]
mod tests {
    use moorline_protocol::{ClientId, PageId};

    use super::*;

    fn cursor(session: &str, epoch: &str, seq: u64) -> Cursor {
        Cursor { session: SessionId::parse(session).unwrap(), epoch: Epoch::parse(epoch).unwrap(), seq: Seq::new(seq) }
    }

    fn attach(no: u64, cursor: Cursor) -> Attach {
        Attach { session: cursor.session, no, epoch: Some(cursor.epoch), seq: cursor.seq, snapshot: false }
    }

    fn hello(attaches: Vec<Attach>) -> Hello {
        Hello { version: 1, client: ClientId::parse("c").unwrap(), page: PageId::parse("p").unwrap(), attaches, rows_rev: None }
    }

    #[test]
    fn cursors_come_back_as_they_were_written() {
        let cursors = [cursor("a", "e-1", 41), cursor("b_2", "e-2", 0), cursor("c", "e-3", Seq::MAX.value())];
        let text = write(&cursors);
        assert_eq!(text, "a:e-1:41,b_2:e-2:0,c:e-3:9007199254740991");
        let expected: Vec<_> = cursors.into_iter().map(|cursor| attach(0, cursor)).collect();
        assert_eq!(resume(hello(vec![]), &text).attaches, expected);
    }

    #[test]
    fn they_replace_the_cursors_of_a_hello_and_keep_its_numbers() {
        let own = vec![attach(7, cursor("a", "old", 90)), attach(8, cursor("b", "e", 3))];
        let resumed = resume(hello(own), "a:new:12 , c:e:5");
        assert_eq!(resumed.attaches, [attach(7, cursor("a", "new", 12)), attach(8, cursor("b", "e", 3)), attach(0, cursor("c", "e", 5))]);
    }

    #[test]
    fn what_is_no_cursor_leaves_the_hello_as_it_is() {
        let malformed = [
            "",
            ",",
            "a",
            "a:e",
            "a:e:",
            "a:e:x",
            "a:e:-1",
            "a:e:+1",
            "a:e:1.5",
            "a:e:9007199254740992",
            "a:e:99999999999999999999",
            "a:e:1:2",
            "a b:e:1",
            ":e:1",
            "a::1",
            "41",
            "ä:e:1",
        ];
        for text in malformed {
            let own = vec![attach(7, cursor("a", "e", 3))];
            assert_eq!(resume(hello(own.clone()), text).attaches, own, "{text:?}");
        }
    }
}
