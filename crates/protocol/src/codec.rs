//! Frames as text.

use serde::Serialize;

use crate::{ClientFrame, Decode, Flaw, GatewayFrame, Json};

/// A text that is no part of the wire that the page reads.
#[derive(Debug, thiserror::Error)]
#[error("not a frame: {flaw}, at byte {at}")]
pub struct DecodeError {
    /// What is wrong.
    pub flaw: Flaw,
    /// How many bytes had been read.
    pub at: usize,
}

/// A text that is no client's frame. Apart from [`DecodeError`], since a page would pay for serde's sentences.
#[derive(Debug, thiserror::Error)]
#[error("not a frame: {0}")]
pub struct ClientDecodeError(#[from] serde_json::Error);

/// Encodes a frame, or any part of the wire, as one line of JSON.
#[must_use]
pub fn encode<T: Serialize>(frame: &T) -> String {
    // Every type of this crate has string keys and no failing serializer, which is all that serde_json can refuse.
    serde_json::to_string(frame).unwrap_or_default()
}

/// Decodes a frame that a client sent.
///
/// # Errors
/// [`ClientDecodeError`] when the text is not JSON or a known frame has a wrong shape; an unknown frame is no error.
pub fn decode_client(text: &str) -> Result<ClientFrame, ClientDecodeError> {
    Ok(serde_json::from_str(text)?)
}

/// Decodes a frame that a gateway sent.
///
/// # Errors
/// [`DecodeError`] when the text is not JSON or a known frame has a wrong shape; an unknown frame is no error.
pub fn decode_gateway(text: &str) -> Result<GatewayFrame, DecodeError> {
    decode(text)
}

/// Decodes a part of the wire that the page reads.
///
/// # Errors
/// [`DecodeError`] when the text is not JSON, or has another shape.
pub fn decode<T: Decode>(text: &str) -> Result<T, DecodeError> {
    let mut json = Json::new(text);
    let value = T::decode(&mut json).filter(|_| json.end().is_some());
    value.ok_or_else(|| DecodeError { flaw: json.flaw(), at: json.at() })
}
