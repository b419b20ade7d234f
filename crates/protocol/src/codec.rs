//! Frames as text.

use serde::Serialize;

use crate::{ClientFrame, GatewayFrame};

/// A text that is no frame.
#[derive(Debug, thiserror::Error)]
#[error("not a frame: {0}")]
pub struct DecodeError(#[from] serde_json::Error);

/// Encodes a frame, or any part of the wire, as one line of JSON.
#[must_use]
pub fn encode<T: Serialize>(frame: &T) -> String {
    // Every type of this crate has string keys and no failing serializer, which is all that serde_json can refuse.
    serde_json::to_string(frame).unwrap_or_default()
}

/// Decodes a frame that a client sent.
///
/// # Errors
/// [`DecodeError`] when the text is not JSON or a known frame has a wrong shape; an unknown frame is no error.
pub fn decode_client(text: &str) -> Result<ClientFrame, DecodeError> {
    Ok(serde_json::from_str(text)?)
}

/// Decodes a frame that a gateway sent.
///
/// # Errors
/// As [`decode_client`].
pub fn decode_gateway(text: &str) -> Result<GatewayFrame, DecodeError> {
    Ok(serde_json::from_str(text)?)
}
