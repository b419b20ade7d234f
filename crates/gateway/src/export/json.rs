//! A transcript as JSON: an `Export` of the wire, turn by turn.

use moorline_protocol::{Block, ExportedTurn, encode};

use super::{Exported, Sink};

/// Writes it.
pub(crate) fn json(exported: &Exported, sink: &mut impl Sink) {
    let Exported { row, epoch, transcript } = exported;
    let mut piece = format!(r#"{{"session":{},"epoch":"{epoch}","seq":{},"turns":["#, encode(row), transcript.seq());
    for (n, turn) in transcript.turns().enumerate() {
        let blocks: Vec<Block> = transcript.blocks(&turn.id).cloned().collect();
        if n > 0 {
            piece.push(',');
        }
        piece.push_str(&encode(&ExportedTurn { turn: turn.clone(), blocks }));
        if !sink.take(std::mem::take(&mut piece)) {
            return;
        }
    }
    piece.push_str("]}\n");
    sink.take(piece);
}
