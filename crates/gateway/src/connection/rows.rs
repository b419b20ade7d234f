//! The session list in frames.

use moorline_protocol::{GatewayFrame, Rows, SessionRow, encode};

/// The rows as frames of at most `max_bytes`, at least one if the list is reset.
pub(super) fn row_frames(rows: Vec<SessionRow>, list_reset: bool, max_bytes: usize) -> Vec<String> {
    const ENVELOPE_BYTES: usize = 64;
    let mut frames = Vec::new();
    let mut next = Rows { rows: Vec::new(), list_reset };
    let mut bytes = ENVELOPE_BYTES;
    for row in rows {
        let size = encode(&row).len() + 1;
        if bytes + size > max_bytes && !next.rows.is_empty() {
            let full = std::mem::replace(&mut next, Rows { rows: Vec::new(), list_reset: false });
            frames.push(encode(&GatewayFrame::Sessions(full)));
            bytes = ENVELOPE_BYTES;
        }
        bytes += size;
        next.rows.push(row);
    }
    if next.list_reset || !next.rows.is_empty() {
        frames.push(encode(&GatewayFrame::Sessions(next)));
    }
    frames
}
