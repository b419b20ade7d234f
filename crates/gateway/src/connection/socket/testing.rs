//! What a WebSocket brings, for [`crate::testing`].

use super::messages::Messages;

/// The messages that pieces of a socket come to, and at the end why no more can be read.
#[must_use]
pub fn messages(pieces: impl IntoIterator<Item = Vec<u8>>, most_bytes: usize) -> Vec<String> {
    let mut reader = Messages::new(&[], most_bytes);
    let mut found = Vec::new();
    for piece in pieces {
        reader.take_in(&piece);
        loop {
            match reader.next() {
                Ok(Some(message)) => found.push(format!("{message:?}")),
                Ok(None) => break,
                Err(broken) => {
                    found.push(format!("{broken:?}"));
                    return found;
                }
            }
        }
    }
    found
}
