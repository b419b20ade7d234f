//! The demo agent's input, for [`crate::testing`].

use super::{command::Command, message_text, peer};

/// What the demo agent makes of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoInput {
    /// As a message: the command, in Rust's notation.
    pub command: String,
    /// As a line of its client's: whether it is a message of the protocol.
    pub is_message: bool,
}

/// Reads a text as a message, and as a line of the client's with a prompt in it.
#[must_use]
pub fn demo_input(text: &str) -> DemoInput {
    let incoming = peer::parse(text);
    let prompted = match &incoming {
        Some(peer::Incoming::Request { params, .. }) => message_text(params),
        Some(peer::Incoming::Notification { .. } | peer::Incoming::Response { .. }) | None => text.to_owned(),
    };
    DemoInput { command: format!("{:?}", Command::parse(&prompted)), is_message: incoming.is_some() }
}
