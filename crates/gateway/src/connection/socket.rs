//! The line that is a WebSocket (RFC 6455): one frame a message, both ways.

mod messages;
#[cfg(feature = "testing")]
pub(crate) mod testing;

use std::io;

use moorline_delivery::{ConnectionInput, End};
use moorline_protocol::{Code, ErrorFrame, decode_client};
use tokio::net::{
    TcpStream,
    tcp::{OwnedReadHalf, OwnedWriteHalf},
};
use tungstenite::protocol::frame::{
    FrameHeader,
    coding::{CloseCode, Control, Data, OpCode},
};

use super::{
    Stop,
    line::{self, Incoming, Lost, Outgoing, Reader, Writer},
};
use crate::options::INBOUND_FRAME_BYTES;
use messages::{Broken, Message, Messages};

/// What a socket reads at all, in bytes: a frame above the limit is refused without the loss of the connection, unless it is
/// above this.
const SOCKET_FRAME_BYTES: usize = 4 * INBOUND_FRAME_BYTES;

/// Read at once at most, on the stack.
const READ_BYTES: usize = 16 << 10;

/// The socket's two ends; `rest` is what has been read of it already.
pub(super) fn split(socket: TcpStream, rest: &[u8]) -> (SocketWriter, SocketReader) {
    let (reading, writing) = socket.into_split();
    (SocketWriter { writing }, SocketReader { reading, messages: Messages::new(rest, SOCKET_FRAME_BYTES), is_over: false })
}

pub(super) struct SocketWriter {
    writing: OwnedWriteHalf,
}

impl SocketWriter {
    async fn message(&mut self, opcode: OpCode, payload: &[u8]) -> Result<(), Lost> {
        let header = FrameHeader { opcode, ..FrameHeader::default() };
        let mut head = [0; 10];
        let mut free = &mut head[..];
        header.format(payload.len() as u64, &mut free).map_err(|_| Lost)?;
        let unused = free.len();
        line::write_all(&mut self.writing, [&head[..head.len() - unused], payload]).await
    }
}

impl Writer for SocketWriter {
    const CARRIES_CURSORS: bool = false;

    async fn write(&mut self, frame: Outgoing) -> Result<(), Lost> {
        self.message(OpCode::Data(Data::Text), &frame.text).await
    }

    async fn pong(&mut self, payload: Vec<u8>) -> Result<(), Lost> {
        self.message(OpCode::Control(Control::Pong), &payload).await
    }

    fn abort(&self) {
        line::abort(&self.writing);
    }

    async fn close(mut self, stop: Stop) {
        if let Some((code, reason)) = close_reason(stop) {
            let payload = [&u16::from(code).to_be_bytes(), reason.as_bytes()].concat();
            let _ = self.message(OpCode::Control(Control::Close), &payload).await;
        }
    }
}

pub(super) struct SocketReader {
    reading: OwnedReadHalf,
    messages: Messages,
    /// Nothing more can be read.
    is_over: bool,
}

impl SocketReader {
    /// Reads what there is.
    fn read(&mut self) -> io::Result<()> {
        let mut piece = [0; READ_BYTES];
        match self.reading.try_read(&mut piece) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(bytes) => {
                self.messages.take_in(&piece[..bytes]);
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl Reader for SocketReader {
    async fn next(&mut self) -> Incoming {
        if self.is_over {
            return std::future::pending().await;
        }
        loop {
            match self.messages.next() {
                Ok(Some(Message::Text(text))) if text.len() > INBOUND_FRAME_BYTES => return refused(),
                Ok(Some(Message::Binary(bytes))) if bytes > INBOUND_FRAME_BYTES => return refused(),
                Ok(Some(Message::Text(text))) => return Incoming::Input(decoded(&text)),
                Ok(Some(Message::Binary(_))) => {
                    return Incoming::Input(ConnectionInput::Undecodable("not a frame: frames are text".to_owned()));
                }
                Ok(Some(Message::Ping(payload))) => return Incoming::Ping(payload),
                Ok(Some(Message::Close)) => {
                    self.is_over = true;
                    return Incoming::Left;
                }
                Ok(None) => {}
                Err(Broken::TooLarge) => {
                    self.is_over = true;
                    return Incoming::TooLarge;
                }
                Err(Broken::Malformed) => return Incoming::Gone,
            }
            if self.reading.readable().await.is_err() || self.read().is_err() {
                return Incoming::Gone;
            }
        }
    }
}

fn decoded(text: &str) -> ConnectionInput {
    match decode_client(text) {
        Ok(frame) => ConnectionInput::Frame(frame),
        Err(error) => ConnectionInput::Undecodable(error.to_string()),
    }
}

fn refused() -> Incoming {
    Incoming::Input(ConnectionInput::Refused(too_large()))
}

/// What is said to a frame above the limit.
pub(crate) fn too_large() -> ErrorFrame {
    ErrorFrame::new(Code::TooLarge, format!("a frame is larger than {INBOUND_FRAME_BYTES} bytes"))
}

/// How a close is told to the other end; nothing is told to one that is gone.
fn close_reason(stop: Stop) -> Option<(CloseCode, &'static str)> {
    match stop {
        Stop::Gone => None,
        Stop::Left => Some((CloseCode::Normal, "")),
        Stop::TooLarge => Some((CloseCode::Size, "too_large")),
        Stop::GoingAway => Some((CloseCode::Away, "going_away")),
        Stop::Ended(End::Silence) => Some((CloseCode::Policy, "silence")),
        Stop::Ended(End::NoHello) => Some((CloseCode::Policy, "no_hello")),
        Stop::Ended(End::Replaced) => Some((CloseCode::Normal, "replaced")),
        Stop::Ended(End::ClientTaken) => Some((CloseCode::Policy, "client_taken")),
        Stop::Ended(End::IncompatibleVersion) => Some((CloseCode::Policy, "incompatible_version")),
        Stop::Ended(End::AuthExpired) => Some((CloseCode::Policy, "auth_expired")),
    }
}
