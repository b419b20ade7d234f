//! The line that is a stream of server-sent events: frames down, and whether the other end is still there.
//!
//! What the client says is posted, and comes to the driver from the [hub](crate::hub).

use std::{fmt::Write as _, io};

use tokio::net::{
    TcpStream,
    tcp::{OwnedReadHalf, OwnedWriteHalf},
};

use super::{
    Stop,
    line::{self, Incoming, Lost, Outgoing, Reader, Writer},
};
use crate::last_event_id;

/// How the end of the stream is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// Each frame is a chunk of HTTP/1.1, and an empty one ends the stream.
    Chunked,
    /// The end of the socket is that of the stream.
    Bare,
}

pub(super) fn split(socket: TcpStream, framing: Framing) -> (StreamWriter, StreamReader) {
    let (reading, writing) = socket.into_split();
    (StreamWriter { writing, framing }, StreamReader { reading })
}

pub(super) struct StreamWriter {
    writing: OwnedWriteHalf,
    framing: Framing,
}

impl Writer for StreamWriter {
    const CARRIES_CURSORS: bool = true;

    async fn write(&mut self, frame: Outgoing) -> Result<(), Lost> {
        const DATA: &str = "data: ";
        const END: &str = "\n\n";
        let mut head = String::new();
        let id = frame.cursors.as_deref().map(last_event_id::write);
        if self.framing == Framing::Chunked {
            let id_bytes = id.as_ref().map_or(0, |id| "id: \n".len() + id.len());
            let _ = write!(head, "{:x}\r\n", id_bytes + DATA.len() + frame.text.len() + END.len());
        }
        if let Some(id) = id {
            let _ = writeln!(head, "id: {id}");
        }
        head.push_str(DATA);
        let end = match self.framing {
            Framing::Chunked => "\n\n\r\n",
            Framing::Bare => END,
        };
        line::write_all(&mut self.writing, [head.as_bytes(), &frame.text, end.as_bytes()]).await
    }

    /// Nobody asks for one.
    async fn pong(&mut self, _: Vec<u8>) -> Result<(), Lost> {
        Ok(())
    }

    fn abort(&self) {
        line::abort(&self.writing);
    }

    /// The end of the stream is all that can be told.
    async fn close(mut self, _: Stop) {
        if self.framing == Framing::Chunked {
            let _ = line::write_all(&mut self.writing, [b"0\r\n\r\n"]).await;
        }
    }
}

pub(super) struct StreamReader {
    reading: OwnedReadHalf,
}

impl Reader for StreamReader {
    /// Nothing is said on the stream itself: what comes is thrown away, and only its end counts.
    async fn next(&mut self) -> Incoming {
        loop {
            if self.reading.readable().await.is_err() {
                return Incoming::Gone;
            }
            match self.reading.try_read(&mut [0; 1024]) {
                Ok(0) => return Incoming::Gone,
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Incoming::Gone,
                Ok(_) | Err(_) => {}
            }
        }
    }
}
