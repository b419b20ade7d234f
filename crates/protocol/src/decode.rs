//! Decoding for the page: the same wire as the serde types' own, in a quarter of the code.
//!
//! A page pays for its decoder on every first load. serde's is one copy of the whole for each type; this one is a reader
//! that all share and a few lines for each type. The two are held together by a property test: whatever serde accepts,
//! this accepts with the same value. Where they may differ: of a key given twice, the last one may hold.

use crate::{
    BlockId, ClientId, ConnectionId, Epoch, InvalidId, MessageId, Millis, PageId, Patch, Seq, SessionId,
    json::{Flaw, Json},
};

/// A part of the wire that the page reads.
pub trait Decode: Sized {
    /// Reads one.
    ///
    /// # Errors
    /// A [`Flaw`] when something else stands there.
    fn decode(json: &mut Json<'_>) -> Result<Self, Flaw>;

    /// What an absent one means; nothing when it must not be absent.
    #[must_use]
    fn absent() -> Option<Self> {
        None
    }
}

/// Implements [`Decode`] for a struct: every field by name, `or default` behind one that takes its
/// default when it is absent.
///
/// Unknown keys are skipped.
#[macro_export]
macro_rules! record {
    ($name:ident { $($field:ident $(or $default:ident)?),* $(,)? }) => {
        impl $crate::Decode for $name {
            fn decode(json: &mut $crate::Json<'_>) -> Result<Self, $crate::Flaw> {
                $(let mut $field = None;)*
                json.object(&mut |key, json| {
                    match key {
                        $(stringify!($field) => $field = Some($crate::Decode::decode(json)?),)*
                        _ => json.skip()?,
                    }
                    Ok(())
                })?;
                Ok(Self { $($field: $crate::record!(@ $field $($default)?)),* })
            }
        }
    };
    // A struct with a default for every field.
    (default $name:ident { $($field:ident),* $(,)? }) => {
        impl $crate::Decode for $name {
            fn decode(json: &mut $crate::Json<'_>) -> Result<Self, $crate::Flaw> {
                let mut record = Self::default();
                json.object(&mut |key, json| {
                    match key {
                        $(stringify!($field) => record.$field = $crate::Decode::decode(json)?,)*
                        _ => json.skip()?,
                    }
                    Ok(())
                })?;
                Ok(record)
            }
        }
    };
    (@ $field:ident) => {
        $field.or_else($crate::Decode::absent).ok_or(concat!("the key ", stringify!($field), " is missing"))?
    };
    (@ $field:ident default) => {
        $field.unwrap_or_default()
    };
}

/// Implements [`Decode`] for an enum whose variants are one word each; what an unknown word means stands behind `else`.
#[macro_export]
macro_rules! words {
    ($name:ident { $($word:literal => $variant:ident),* $(,)? } $(else $other:ident)?) => {
        impl $crate::Decode for $name {
            fn decode(json: &mut $crate::Json<'_>) -> Result<Self, $crate::Flaw> {
                const KNOWN: &[$name] = &[$($name::$variant),*];
                let known = json.word_of(&[$($word),*])?.and_then(|at| KNOWN.get(at).copied());
                $(let known = known.or(Some(Self::$other));)?
                known.ok_or("an unknown word stands here")
            }
        }
    };
}

impl Json<'_> {
    /// Reads a word, and finds its place in a list; none when it is not in it.
    ///
    /// # Errors
    /// A [`Flaw`] when something else than a string stands there.
    pub fn word_of(&mut self, words: &[&str]) -> Result<Option<usize>, Flaw> {
        let found = self.string()?;
        Ok(words.iter().position(|word| *word == found))
    }

    /// Reads an enum with contents: a bare word, or an object of one key, its kind.
    pub(crate) fn kind(&mut self, variant: Variant<'_>) -> Result<(), Flaw> {
        if self.is_string() {
            let kind = self.string()?;
            return variant(&kind, None);
        }
        let mut kinds = 0;
        self.object(&mut |kind, json| {
            kinds += 1;
            variant(kind, Some(json))
        })?;
        if kinds == 1 { Ok(()) } else { Err("an object with one key, its kind, was expected here") }
    }
}

impl Json<'_> {
    /// Reads the content of a variant with one field.
    pub(crate) fn only<A: Decode>(&mut self, name: &'static str) -> Result<A, Flaw> {
        let mut only = None;
        self.object(&mut |key, json| {
            if key == name {
                only = Some(A::decode(json)?);
                return Ok(());
            }
            json.skip()
        })?;
        only.ok_or(MISSING)
    }

    /// Reads the content of a variant with two fields.
    pub(crate) fn both<A: Decode, B: Decode>(&mut self, first: &'static str, second: &'static str) -> Result<(A, B), Flaw> {
        let (mut a, mut b) = (None, None);
        self.object(&mut |key, json| {
            match key {
                _ if key == first => a = Some(A::decode(json)?),
                _ if key == second => b = Some(B::decode(json)?),
                _ => json.skip()?,
            }
            Ok(())
        })?;
        a.zip(b).ok_or(MISSING)
    }
}

const MISSING: Flaw = "a key is missing";
/// What refuses a kind that is neither ours nor allowed to be unknown.
pub(crate) const UNKNOWN: Flaw = "an unknown kind stands here";

/// Takes a kind, and the reader where there are contents.
type Variant<'f> = &'f mut dyn FnMut(&str, Option<&mut Json<'_>>) -> Result<(), Flaw>;

/// Any value, forgotten.
impl Decode for () {
    fn decode(json: &mut Json<'_>) -> Result<Self, Flaw> {
        json.skip()
    }
}

impl Decode for String {
    fn decode(json: &mut Json<'_>) -> Result<Self, Flaw> {
        Ok(json.string()?.into_owned())
    }
}

impl Decode for bool {
    fn decode(json: &mut Json<'_>) -> Result<Self, Flaw> {
        json.bool()
    }
}

impl Decode for u64 {
    fn decode(json: &mut Json<'_>) -> Result<Self, Flaw> {
        json.integer()
    }
}

impl Decode for u32 {
    fn decode(json: &mut Json<'_>) -> Result<Self, Flaw> {
        json.integer()?.try_into().map_err(|_| "a number is too large")
    }
}

impl Decode for usize {
    fn decode(json: &mut Json<'_>) -> Result<Self, Flaw> {
        json.integer()?.try_into().map_err(|_| "a number is too large")
    }
}

impl Decode for Millis {
    fn decode(json: &mut Json<'_>) -> Result<Self, Flaw> {
        json.integer().map(Self)
    }
}

impl Decode for Seq {
    fn decode(json: &mut Json<'_>) -> Result<Self, Flaw> {
        let n = json.integer()?;
        if n > Self::MAX.value() { Err("a seq is beyond 2^53-1") } else { Ok(Self::new(n)) }
    }
}

impl<T: Decode> Decode for Vec<T> {
    fn decode(json: &mut Json<'_>) -> Result<Self, Flaw> {
        let mut items = Self::new();
        json.array(&mut |json| {
            items.push(T::decode(json)?);
            Ok(())
        })?;
        Ok(items)
    }
}

impl<T: Decode> Decode for Option<T> {
    fn decode(json: &mut Json<'_>) -> Result<Self, Flaw> {
        if json.null() { Ok(None) } else { T::decode(json).map(Some) }
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: Decode> Decode for Patch<T> {
    fn decode(json: &mut Json<'_>) -> Result<Self, Flaw> {
        Ok(Option::<T>::decode(json)?.map_or(Self::Clear, Self::Set))
    }
}

macro_rules! ids {
    ($($name:ident)*) => {$(
        impl Decode for $name {
            fn decode(json: &mut Json<'_>) -> Result<Self, Flaw> {
                Self::parse(&json.string()?).map_err(|_: InvalidId| "an id has 1 to 64 characters of A-Z a-z 0-9 _ -")
            }
        }
    )*};
}

ids!(SessionId MessageId ClientId PageId ConnectionId BlockId Epoch);
