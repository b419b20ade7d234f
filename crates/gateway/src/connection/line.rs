//! What carries a connection's frames: the two ends that a driver needs of it.
//!
//! Both kinds of lines are a bare socket. Neither end keeps a buffer while nothing happens: what is written goes from where
//! it is shared to the system, and what was read is dropped once it is understood.

use std::io::{self, IoSlice};

use axum::body::Bytes;
use moorline_delivery::ConnectionInput;
use moorline_protocol::Cursor;
use tokio::{io::AsyncWriteExt as _, net::tcp::OwnedWriteHalf};

use super::Stop;

/// One frame on its way to the client.
#[derive(Debug)]
pub(super) struct Outgoing {
    /// The frame, encoded: one line of UTF-8.
    pub(super) text: Bytes,
    /// Where a client that has it stands, if the frame moves a cursor and the line carries cursors.
    pub(super) cursors: Option<Vec<Cursor>>,
}

/// What came from the client on the line itself.
#[derive(Debug)]
pub(super) enum Incoming {
    Input(ConnectionInput),
    /// The transport asks for a sign of life, which carries this.
    Ping(Vec<u8>),
    /// A frame too large to read anything behind it; from then on nothing comes.
    TooLarge,
    /// The other end has said that it will send nothing more.
    Left,
    /// The other end has gone.
    Gone,
}

/// The other end does not take anything any more.
#[derive(Debug)]
pub(super) struct Lost;

/// The end that writes.
pub(super) trait Writer: Send {
    /// Whether a frame that moves a cursor carries the cursors beside it.
    const CARRIES_CURSORS: bool;

    /// Writes a frame; returns when there is room for the next.
    fn write(&mut self, frame: Outgoing) -> impl Future<Output = Result<(), Lost>> + Send;

    /// Answers the transport's [`Incoming::Ping`].
    fn pong(&mut self, payload: Vec<u8>) -> impl Future<Output = Result<(), Lost>> + Send;

    /// Gives the socket up: what lies in the system's buffers is for nobody, and would stay there for minutes.
    fn abort(&self);

    /// Ends the line, and says why as far as it can. The other end may be gone already.
    fn close(self, stop: Stop) -> impl Future<Output = ()> + Send;
}

/// The end that reads.
pub(super) trait Reader: Send {
    /// The next thing that comes. Nothing is lost when the future is dropped.
    fn next(&mut self) -> impl Future<Output = Incoming> + Send;
}

/// Writes several pieces as if they were one.
pub(super) async fn write_all<const N: usize>(socket: &mut OwnedWriteHalf, pieces: [&[u8]; N]) -> Result<(), Lost> {
    let mut slices = pieces.map(IoSlice::new);
    let mut rest = &mut slices[..];
    while !rest.is_empty() {
        match socket.write_vectored(rest).await {
            Ok(0) | Err(_) => return Err(Lost),
            Ok(bytes) => IoSlice::advance_slices(&mut rest, bytes),
        }
    }
    Ok(())
}

/// See [`Writer::abort`].
pub(super) fn abort(socket: &OwnedWriteHalf) {
    let _: io::Result<()> = socket.as_ref().set_zero_linger();
}
