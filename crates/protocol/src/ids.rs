//! Names of things: validated on the way in, so that one that exists is a valid one.

use std::{borrow::Borrow, fmt, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// The longest id, in bytes.
const ID_BYTES: usize = 64;

/// Why a text is no id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {text:?} is not an id: use 1 to 64 characters of A-Z a-z 0-9 _ -")]
pub struct InvalidId {
    what: &'static str,
    text: String,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// 1 to 64 bytes of `[A-Za-z0-9_-]`; cloning is cheap.
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks and wraps a text.
            ///
            /// # Errors
            /// [`InvalidId`] when it is empty, longer than 64 bytes or has a byte outside `[A-Za-z0-9_-]`.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                let fits = (1..=ID_BYTES).contains(&text.len())
                    && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
                if fits {
                    Ok(Self(text.into()))
                } else {
                    Err(InvalidId { what: stringify!($name), text: text.chars().take(80).collect() })
                }
            }

            /// Makes an id from 128 random bits: 32 lower-case hexadecimal digits.
            #[must_use]
            pub fn from_random(bits: u128) -> Self {
                Self(format!("{bits:032x}").into())
            }

            /// The id that sorts before all others: where a range over ids begins.
            #[must_use]
            pub fn lowest() -> Self {
                Self("-".into())
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Self::parse(&text).map_err(D::Error::custom)
            }
        }
    };
}

id! {
    /// A session: one conversation with one agent. Made by the client.
    SessionId
}
id! {
    /// A message: one send, and the key under which it is accepted once. Made by the client.
    MessageId
}
id! {
    /// A tab's stable name, kept in sessionStorage. Made by the client.
    ClientId
}
id! {
    /// One loaded document's name. Made by the client.
    PageId
}
id! {
    /// One connection's name, never reused. Made by the gateway.
    ConnectionId
}
id! {
    /// A block's name, unique within its session. Made by the gateway.
    BlockId
}
id! {
    /// The incarnation of a session's journal; a seq means nothing without it. Made by the gateway.
    Epoch
}

/// A turn's name: the id of the message that began it.
pub type TurnId = MessageId;

impl BlockId {
    /// The block id that a session gives to its n-th block.
    #[must_use]
    pub fn numbered(n: u64) -> Self {
        Self(format!("b{n}").into())
    }
}

/// An event's place in its journal: 1, 2, 3, …; 0 stands for "nothing yet".
///
/// At most [`Seq::MAX`], the largest integer that every JSON reader keeps exact.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Seq(u64);

impl Seq {
    /// The place before the first event.
    pub const ZERO: Self = Self(0);
    /// 2^53 − 1.
    pub const MAX: Self = Self((1 << 53) - 1);

    /// Wraps a number; one above [`Seq::MAX`] becomes [`Seq::MAX`].
    #[must_use]
    pub const fn new(n: u64) -> Self {
        if n > Self::MAX.0 { Self::MAX } else { Self(n) }
    }

    /// The number.
    #[must_use]
    pub const fn value(self) -> u64 {
        self.0
    }

    /// The next place.
    #[must_use]
    pub const fn next(self) -> Self {
        Self::new(self.0 + 1)
    }

    /// The place before; [`Seq::ZERO`] stays itself.
    #[must_use]
    pub const fn before(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

impl Serialize for Seq {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

impl<'de> Deserialize<'de> for Seq {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let n = u64::deserialize(deserializer)?;
        if n > Self::MAX.0 {
            return Err(D::Error::custom(format_args!("seq {n} is beyond 2^53-1")));
        }
        Ok(Self(n))
    }
}

/// Hashes a send's payload: 64-bit FNV-1a over its parts with their lengths, as 16 hexadecimal digits.
///
/// It tells an honest retry from a reused id; it is no defence against a forger, who can only fool their own session.
#[must_use]
pub fn payload_hash(parts: &[&str]) -> String {
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for part in parts {
        for byte in (part.len() as u64).to_le_bytes().iter().chain(part.as_bytes()) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(PRIME);
        }
    }
    format!("{hash:016x}")
}
