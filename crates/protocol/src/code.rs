//! The stable words for what went wrong, and the HTTP status each one has.

use serde::{Deserialize, Serialize};

use crate::words;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $status:literal;)+) => {
        /// Why something was refused. The word is stable; the sentence beside it is for people.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Code {
            $($(#[$doc])* #[serde(rename = $word)] $name,)+
            /// A word that this version does not know; treated as a final refusal.
            #[serde(other)]
            Unknown,
        }

        words!(Code { $($word => $name),+ } else Unknown);

        impl Code {
            /// Every code of this version.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The word on the wire.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)+
                    Self::Unknown => "unknown",
                }
            }

            /// The HTTP status that carries it.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self {
                    $(Self::$name => $status,)+
                    Self::Unknown => 400,
                }
            }
        }
    };
}

codes! {
    /// Not JSON, not an object with a known shape, or a field out of its range.
    BadFrame = "bad_frame", 400;
    /// The first frame must be `hello`, and there is one `hello` a connection.
    HelloExpected = "hello_expected", 400;
    /// The client speaks a version that this gateway does not.
    IncompatibleVersion = "incompatible_version", 400;
    /// No login, or one that has ended.
    Unauthorized = "unauthorized", 401;
    /// The page's origin is not on the list.
    OriginRefused = "origin_refused", 403;
    /// No session of that id.
    UnknownSession = "unknown_session", 404;
    /// No connection of that id: open a new one.
    UnknownConnection = "unknown_connection", 404;
    /// Nothing lives at that path.
    NotFound = "not_found", 404;
    /// The path takes another method.
    MethodNotAllowed = "method_not_allowed", 405;
    /// The message id was used with another payload.
    MessageConflict = "message_conflict", 409;
    /// Another page holds this client id.
    ClientTaken = "client_taken", 409;
    /// The request was answered or cancelled before.
    AlreadySettled = "already_settled", 409;
    /// The turn named is not running.
    TurnOver = "turn_over", 409;
    /// The message was withdrawn before.
    Withdrawn = "withdrawn", 409;
    /// The session was deleted.
    Deleted = "deleted", 410;
    /// Larger than the limit named in the sentence.
    TooLarge = "too_large", 413;
    /// Well-formed, but it names something that cannot be: an unknown request, option or agent.
    Unprocessable = "unprocessable", 422;
    /// More of them than the limit named in the sentence; later is fine.
    TooMany = "too_many", 429;
    /// The gateway failed at it; later may be fine.
    Internal = "internal", 500;
    /// The store cannot write or read now.
    StoreUnavailable = "store_unavailable", 503;
    /// The gateway is about to stop.
    GoingAway = "going_away", 503;
}
