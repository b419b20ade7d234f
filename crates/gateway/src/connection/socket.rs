//! Frames as a WebSocket carries them.

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use futures_util::{StreamExt as _, stream::SplitStream};
use moorline_delivery::{ConnectionInput, End};
use moorline_protocol::{Code, ErrorFrame, decode_client};

use super::Stop;
use crate::options::INBOUND_FRAME_BYTES;

/// What a socket reads at all, in bytes: a frame above the limit is refused without the loss of the connection, unless it is
/// above this.
pub(crate) const SOCKET_FRAME_BYTES: usize = 4 * INBOUND_FRAME_BYTES;

/// What came from a socket.
pub(super) enum Incoming {
    Input(ConnectionInput),
    /// A message of the transport's own.
    Nothing,
    TooLarge,
    Gone,
}

/// The next message. Nothing is lost when the future is dropped.
pub(super) async fn next(frames: &mut Option<SplitStream<WebSocket>>) -> Incoming {
    let Some(stream) = frames else { return std::future::pending().await };
    match stream.next().await {
        Some(Ok(message)) if payload_bytes(&message) > INBOUND_FRAME_BYTES => Incoming::Input(ConnectionInput::Refused(too_large())),
        Some(Ok(Message::Text(text))) => Incoming::Input(match decode_client(&text) {
            Ok(frame) => ConnectionInput::Frame(frame),
            Err(error) => ConnectionInput::Undecodable(error.to_string()),
        }),
        Some(Ok(Message::Binary(_))) => Incoming::Input(ConnectionInput::Undecodable("not a frame: frames are text".to_owned())),
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Incoming::Nothing,
        Some(Err(error)) if is_too_large(&error) => Incoming::TooLarge,
        Some(Ok(Message::Close(_)) | Err(_)) | None => Incoming::Gone,
    }
}

/// What is said to a frame above the limit.
pub(super) fn too_large() -> ErrorFrame {
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
pub(super) fn close_message(stop: Stop) -> Option<Message> {
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
