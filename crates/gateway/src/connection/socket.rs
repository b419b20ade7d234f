//! The line that is a WebSocket: one frame a message, both ways.

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use futures_util::{
    SinkExt as _, StreamExt as _,
    stream::{SplitSink, SplitStream},
};
use moorline_delivery::{ConnectionInput, End};
use moorline_protocol::{Code, ErrorFrame, decode_client};

use super::{
    Stop,
    line::{Incoming, Lost, Outgoing, Reader, Writer},
};
use crate::options::INBOUND_FRAME_BYTES;

/// What a socket reads at all, in bytes: a frame above the limit is refused without the loss of the connection, unless it is
/// above this.
pub(crate) const SOCKET_FRAME_BYTES: usize = 4 * INBOUND_FRAME_BYTES;

pub(super) fn split(socket: WebSocket) -> (SocketWriter, SocketReader) {
    let (sink, stream) = socket.split();
    (SocketWriter { sink }, SocketReader { stream: Some(stream) })
}

pub(super) struct SocketWriter {
    sink: SplitSink<WebSocket, Message>,
}

impl Writer for SocketWriter {
    const CARRIES_CURSORS: bool = false;

    async fn write(&mut self, frame: Outgoing) -> Result<(), Lost> {
        self.sink.send(frame.text.into()).await.map_err(|_| Lost)
    }

    async fn close(mut self, stop: Stop) {
        if let Some(message) = close_message(stop) {
            let _ = self.sink.send(message).await;
        }
    }
}

pub(super) struct SocketReader {
    /// None once nothing more can be read.
    stream: Option<SplitStream<WebSocket>>,
}

impl Reader for SocketReader {
    async fn next(&mut self) -> Incoming {
        let Some(stream) = &mut self.stream else { return std::future::pending().await };
        match stream.next().await {
            Some(Ok(message)) if payload_bytes(&message) > INBOUND_FRAME_BYTES => Incoming::Input(ConnectionInput::Refused(too_large())),
            Some(Ok(Message::Text(text))) => Incoming::Input(match decode_client(&text) {
                Ok(frame) => ConnectionInput::Frame(frame),
                Err(error) => ConnectionInput::Undecodable(error.to_string()),
            }),
            Some(Ok(Message::Binary(_))) => Incoming::Input(ConnectionInput::Undecodable("not a frame: frames are text".to_owned())),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Incoming::Nothing,
            Some(Err(error)) if is_too_large(&error) => {
                self.stream = None;
                Incoming::TooLarge
            }
            Some(Ok(Message::Close(_)) | Err(_)) | None => Incoming::Gone,
        }
    }
}

/// What is said to a frame above the limit.
pub(crate) fn too_large() -> ErrorFrame {
    ErrorFrame::new(Code::TooLarge, format!("a frame is larger than {INBOUND_FRAME_BYTES} bytes"))
}

fn payload_bytes(message: &Message) -> usize {
    match message {
        Message::Text(text) => text.len(),
        Message::Binary(bytes) => bytes.len(),
        Message::Ping(_) | Message::Pong(_) | Message::Close(_) => 0,
    }
}

/// How a close is told to the other end; nothing is told to one that is gone.
fn close_message(stop: Stop) -> Option<Message> {
    let (code, reason) = match stop {
        Stop::Gone => return None,
        Stop::TooLarge => (close_code::SIZE, "too_large"),
        Stop::GoingAway => (close_code::AWAY, "going_away"),
        Stop::Ended(End::Silence) => (close_code::POLICY, "silence"),
        Stop::Ended(End::NoHello) => (close_code::POLICY, "no_hello"),
        Stop::Ended(End::Replaced) => (close_code::NORMAL, "replaced"),
        Stop::Ended(End::ClientTaken) => (close_code::POLICY, "client_taken"),
        Stop::Ended(End::IncompatibleVersion) => (close_code::POLICY, "incompatible_version"),
        Stop::Ended(End::AuthExpired) => (close_code::POLICY, "auth_expired"),
    };
    Some(Message::Close(Some(CloseFrame { code, reason: reason.into() })))
}

fn is_too_large(error: &axum::Error) -> bool {
    let source = std::error::Error::source(error);
    source
        .and_then(|source| source.downcast_ref::<tungstenite::Error>())
        .is_some_and(|error| matches!(error, tungstenite::Error::Capacity(_)))
}
