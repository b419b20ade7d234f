//! What carries a connection's frames: the two ends that a driver needs of it.

use moorline_delivery::ConnectionInput;
use moorline_protocol::Cursor;

use super::Stop;

/// One frame on its way to the client.
#[derive(Debug)]
pub(super) struct Outgoing {
    /// The frame, encoded: one line.
    pub(super) text: String,
    /// Where a client that has it stands, if the frame moves a cursor and the line carries cursors.
    pub(super) cursors: Option<Vec<Cursor>>,
}

/// What came from the client on the line itself.
#[derive(Debug)]
pub(super) enum Incoming {
    Input(ConnectionInput),
    /// A message of the transport's own.
    Nothing,
    /// A frame too large to read anything behind it; from then on nothing comes.
    TooLarge,
    /// The other end has gone, or will send nothing more.
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

    /// Ends the line, and says why as far as it can. The other end may be gone already.
    fn close(self, stop: Stop) -> impl Future<Output = ()> + Send;
}

/// The end that reads.
pub(super) trait Reader: Send {
    /// The next thing that comes. Nothing is lost when the future is dropped.
    fn next(&mut self) -> impl Future<Output = Incoming> + Send;
}
