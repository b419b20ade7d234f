//! The line that is a stream of server-sent events: frames down, and whether the other end is still there.
//!
//! What the client says is posted, and comes to the driver from the [hub](crate::hub).

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::Stream;
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    Stop,
    line::{Incoming, Lost, Outgoing, Reader, Writer},
};
use crate::last_event_id;

/// The writing and the reading end of a stream, and the body that carries it.
pub(crate) fn event_stream() -> (StreamWriter, StreamReader, StreamBody) {
    // One frame waits for the socket at most.
    let (frames, written) = mpsc::channel(1);
    let dropped = CancellationToken::new();
    let body = StreamBody { written, _dropped: dropped.clone().drop_guard() };
    (StreamWriter { frames }, StreamReader { dropped }, body)
}

pub(crate) struct StreamWriter {
    frames: mpsc::Sender<String>,
}

impl Writer for StreamWriter {
    const CARRIES_CURSORS: bool = true;

    async fn write(&mut self, frame: Outgoing) -> Result<(), Lost> {
        self.frames.send(event(&frame)).await.map_err(|_| Lost)
    }

    /// The end of the stream is all that can be told.
    async fn close(self, _: Stop) {}
}

/// The frame as a server-sent event.
fn event(frame: &Outgoing) -> String {
    match &frame.cursors {
        Some(cursors) => format!("id: {}\ndata: {}\n\n", last_event_id::write(cursors), frame.text),
        None => format!("data: {}\n\n", frame.text),
    }
}

pub(crate) struct StreamReader {
    dropped: CancellationToken,
}

impl Reader for StreamReader {
    async fn next(&mut self) -> Incoming {
        self.dropped.cancelled().await;
        Incoming::Gone
    }
}

/// A response's body. It is dropped when it has been written to its end, and when the other end is gone.
pub(crate) struct StreamBody {
    written: mpsc::Receiver<String>,
    _dropped: DropGuard,
}

impl Stream for StreamBody {
    type Item = String;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<String>> {
        self.written.poll_recv(context)
    }
}
