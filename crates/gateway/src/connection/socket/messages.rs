//! What a client writes on a WebSocket, cut into messages: RFC 6455, sections 5.2 to 5.6, without extensions.
//!
//! It is fed what was read and keeps only what is not whole yet, so that a client that says nothing costs no buffer.

use std::io::Cursor;

use tungstenite::protocol::frame::{
    FrameHeader,
    coding::{Control, Data, OpCode},
};

/// The longest payload of a control frame.
const CONTROL_BYTES: usize = 125;

/// One message, unmasked and put together.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Message {
    Text(String),
    /// Only its size: no frame of ours is binary.
    Binary(usize),
    Ping(Vec<u8>),
    Close,
}

/// Why nothing can be read any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    /// A message is larger than is read at all.
    TooLarge,
    /// What came is no WebSocket, or no UTF-8.
    Malformed,
}

/// The messages of one client.
#[derive(Debug)]
pub(super) struct Messages {
    /// What came and was not taken.
    came: Vec<u8>,
    /// The first parts of a message that is not whole.
    begun: Option<(Data, Vec<u8>)>,
    most_bytes: usize,
}

impl Messages {
    pub(super) fn new(rest: &[u8], most_bytes: usize) -> Self {
        Self { came: rest.to_vec(), begun: None, most_bytes }
    }

    pub(super) fn take_in(&mut self, bytes: &[u8]) {
        self.came.extend_from_slice(bytes);
    }

    /// The next message, none when it is not whole yet.
    ///
    /// # Errors
    /// [`Broken`]; from then on nothing that is read means anything.
    pub(super) fn next(&mut self) -> Result<Option<Message>, Broken> {
        while let Some((header, payload)) = self.frame()? {
            match header.opcode {
                OpCode::Control(Control::Close) => return Ok(Some(Message::Close)),
                OpCode::Control(Control::Ping) => return Ok(Some(Message::Ping(payload))),
                OpCode::Control(Control::Pong) => {}
                OpCode::Control(Control::Reserved(_)) | OpCode::Data(Data::Reserved(_)) => return Err(Broken::Malformed),
                OpCode::Data(kind) => {
                    let (kind, whole) = match (kind, self.begun.take()) {
                        (Data::Continue, Some((kind, mut begun))) => {
                            begun.extend(payload);
                            (kind, begun)
                        }
                        (Data::Text | Data::Binary, None) => (kind, payload),
                        (_, Some(_)) | (_, None) => return Err(Broken::Malformed),
                    };
                    if !header.is_final {
                        self.begun = Some((kind, whole));
                    } else if kind == Data::Text {
                        return String::from_utf8(whole).map(|text| Some(Message::Text(text))).map_err(|_| Broken::Malformed);
                    } else {
                        return Ok(Some(Message::Binary(whole.len())));
                    }
                }
            }
        }
        Ok(None)
    }

    /// The next frame, with its payload unmasked.
    fn frame(&mut self) -> Result<Option<(FrameHeader, Vec<u8>)>, Broken> {
        let mut cursor = Cursor::new(&self.came);
        let Some((header, bytes)) = FrameHeader::parse(&mut cursor).map_err(|_| Broken::Malformed)? else {
            return Ok(None);
        };
        let start = usize::try_from(cursor.position()).map_err(|_| Broken::Malformed)?;
        let Some(mask) = header.mask.filter(|_| !(header.rsv1 || header.rsv2 || header.rsv3)) else { return Err(Broken::Malformed) };
        let bytes = usize::try_from(bytes).map_err(|_| Broken::TooLarge)?;
        let is_control = matches!(header.opcode, OpCode::Control(_));
        if is_control && (bytes > CONTROL_BYTES || !header.is_final) {
            return Err(Broken::Malformed);
        }
        let begun = self.begun.as_ref().map_or(0, |(_, begun)| begun.len());
        if !is_control && bytes.saturating_add(begun) > self.most_bytes {
            return Err(Broken::TooLarge);
        }
        if self.came.len() - start < bytes {
            return Ok(None);
        }
        let behind = self.came.split_off(start + bytes);
        let mut payload = std::mem::replace(&mut self.came, behind);
        payload.drain(..start);
        payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
        Ok(Some((header, payload)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 1_000;

    /// A client's frame, masked.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mask = [7, 130, 9, 255];
        let mut frame = vec![first];
        match payload.len() {
            short @ 0..126 => frame.push(0x80 | short as u8),
            long => frame.extend([&[0x80 | 126], &(long as u16).to_be_bytes()[..]].concat()),
        }
        frame.extend(mask);
        frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        frame
    }

    /// What comes of some bytes, fed one at a time.
    fn read(bytes: &[u8]) -> Result<Vec<Message>, Broken> {
        let mut messages = Messages::new(&[], MOST);
        let mut all = Vec::new();
        for byte in bytes {
            messages.take_in(&[*byte]);
            while let Some(message) = messages.next()? {
                all.push(message);
            }
        }
        Ok(all)
    }

    #[test]
    fn messages_are_whole_wherever_they_are_cut() {
        let long = "ä".repeat(400);
        let bytes = [
            frame(0x81, b"hi"),
            frame(0x01, b"one "),
            frame(0x89, b"there?"),
            frame(0x00, b"two "),
            frame(0x8a, b"yes"),
            frame(0x80, b"three"),
            frame(0x82, &[0xff; 3]),
            frame(0x81, long.as_bytes()),
            frame(0x88, &[]),
        ];
        let expected = [
            Message::Text("hi".to_owned()),
            Message::Ping(b"there?".to_vec()),
            Message::Text("one two three".to_owned()),
            Message::Binary(3),
            Message::Text(long),
            Message::Close,
        ];
        assert_eq!(read(&bytes.concat()).unwrap(), expected);
    }

    #[test]
    fn what_is_no_websocket_is_told() {
        let unmasked = [vec![0x81, 2], b"hi".to_vec()].concat();
        let malformed = [
            unmasked,
            frame(0xc1, b"a reserved bit"),
            frame(0x83, b"a reserved kind"),
            frame(0x8b, b"another"),
            frame(0x80, b"nothing to go on with"),
            [frame(0x01, b"a message"), frame(0x81, b"inside another")].concat(),
            frame(0x09, b"a control frame in parts"),
            frame(0x89, &[0; 126]),
            frame(0x81, &[0xff, 0xfe]),
        ];
        for bytes in malformed {
            assert_eq!(read(&bytes), Err(Broken::Malformed), "{bytes:?}");
        }
    }

    #[test]
    fn a_message_above_the_limit_is_told_before_it_is_here() {
        let whole = frame(0x81, &[b'x'; MOST + 1]);
        assert_eq!(read(&whole[..8]), Err(Broken::TooLarge));
        let parts = [frame(0x01, &[b'x'; MOST]), frame(0x00, b"x")].concat();
        assert_eq!(read(&parts), Err(Broken::TooLarge));
        assert_eq!(read(&frame(0x81, &[b'x'; MOST])).unwrap().len(), 1);
    }

    #[test]
    fn nothing_is_kept_of_what_was_taken() {
        let mut messages = Messages::new(&frame(0x81, &[b'x'; MOST]), MOST);
        assert!(messages.next().unwrap().is_some());
        assert_eq!(messages.came.capacity(), 0);
    }
}
