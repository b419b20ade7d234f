//! Decoding for the page: the same wire as the serde types' own, in a quarter of the code.
//!
//! A page pays for its decoder on every first load. serde's is one copy of the whole for each type; this one is a reader
//! that all share and a few lines for each type. The two are held together by a property test: whatever serde accepts,
//! this accepts with the same value. Where they may differ: of a key given twice, the last one may hold; and two forms
//! that nobody writes are refused here: an object as the list of its values, and a bare word as the key of a null.

use crate::{
    BlockId, ClientId, ConnectionId, Epoch, MessageId, Millis, PageId, Patch, Seq, SessionId,
    json::{Json, TOO_LARGE},
};

/// A part of the wire that the page reads.
pub trait Decode: Sized {
    /// Reads one; gives nothing when something else stands there: the reader then knows what.
    fn decode(json: &mut Json<'_>) -> Option<Self>;

    /// What an absent one means; nothing when it must not be absent.
    #[must_use]
    fn absent() -> Option<Self> {
        None
    }

    /// Reads one into its place: the code of all fields of a type.
    #[inline(never)]
    fn fill(place: &mut Option<Self>, json: &mut Json<'_>) -> Option<()> {
        *place = Some(Self::decode(json)?);
        Some(())
    }
}

/// Implements [`Decode`] for a struct: every field by name, `or default` behind one that takes its
/// default when it is absent.
///
/// Unknown keys are skipped.
#[macro_export]
macro_rules! record {
    // The fields of a struct or of an enum's variant, inside of a function that gives nothing when one is missing.
    (@ $json:ident $make:path { $($field:ident $(or $default:ident)?),* $(,)? }) => {{
        #[allow(non_camel_case_types)]
        enum At { $($field),* }
        #[allow(non_camel_case_types)]
        struct Found<$($field),*> { $($field: Option<$field>),* }
        let mut found = Found { $($field: None),* };
        let places = &mut found;
        $json.object(&[$(stringify!($field)),*], &mut move |at, json| match at {
            $(_ if at == At::$field as usize => $crate::Decode::fill(&mut places.$field, json),)*
            _ => None,
        })?;
        $make { $($field: $crate::record!(@@ $json found.$field $field $($default)?)),* }
    }};
    (@@ $json:ident $found:ident.$place:ident $field:ident) => {
        match $found.$place.or_else($crate::Decode::absent) {
            Some(value) => value,
            None => return $json.lack(stringify!($field)),
        }
    };
    (@@ $json:ident $found:ident.$place:ident $field:ident default) => {
        $found.$place.unwrap_or_default()
    };
    // A struct with a default for every field.
    (default $name:ident { $($field:ident),* $(,)? }) => {
        impl $crate::Decode for $name {
            fn decode(json: &mut $crate::Json<'_>) -> Option<Self> {
                #[allow(non_camel_case_types)]
                enum At { $($field),* }
                let mut record = Self::default();
                let places = &mut record;
                json.object(&[$(stringify!($field)),*], &mut move |at, json| {
                    match at {
                        $(_ if at == At::$field as usize => places.$field = $crate::Decode::decode(json)?,)*
                        _ => {}
                    }
                    Some(())
                })?;
                Some(record)
            }
        }
    };
    ($name:ident {}) => {
        impl $crate::Decode for $name {
            fn decode(json: &mut $crate::Json<'_>) -> Option<Self> {
                json.object(&[], &mut |_, _| None)?;
                Some(Self {})
            }
        }
    };
    ($name:ident { $($fields:tt)* }) => {
        impl $crate::Decode for $name {
            fn decode(json: &mut $crate::Json<'_>) -> Option<Self> {
                Some($crate::record!(@ json Self { $($fields)* }))
            }
        }
    };
}

/// Implements [`Decode`] for an enum whose variants are one word each; what an unknown word means stands behind `else`.
#[macro_export]
macro_rules! words {
    ($name:ident { $($word:literal => $variant:ident),* $(,)? } $(else $other:ident)?) => {
        impl $crate::Decode for $name {
            fn decode(json: &mut $crate::Json<'_>) -> Option<Self> {
                const KNOWN: &[$name] = &[$($name::$variant),*];
                let known = json.word_of(&[$($word),*])?.and_then(|at| KNOWN.get(at).copied());
                $(let known = known.or(Some(Self::$other));)?
                known.or_else(|| json.refuse("an unknown word stands here"))
            }
        }
    };
}

/// Implements [`Decode`] for an enum with contents: `"word" => Variant` for a bare word, `(_)` or `{ fields }` behind one
/// with contents.
macro_rules! kinds {
    ($name:ident { $($kind:literal => $variant:ident $(($content:tt))? $({ $($field:ident),* })?),* $(,)? }) => {
        impl $crate::Decode for $name {
            fn decode(json: &mut $crate::Json<'_>) -> Option<Self> {
                enum At { $($variant),* }
                let kind = json.kind(&[$($kind),*])?;
                let value = match (kind.at, kind.has_content) {
                    $((Some(at), $crate::decode::kinds!(? $($content)? $({ $($field)* })?)) if at == At::$variant as usize => {
                        $crate::decode::kinds!(@ json $variant $(($content))? $({ $($field),* })?)
                    })*
                    _ => return json.refuse("an unknown kind stands here"),
                };
                if kind.has_content {
                    json.end_of_kind()?;
                }
                Some(value)
            }
        }
    };
    (?) => { false };
    (? $content:tt) => { true };
    (@ $json:ident $variant:ident) => { Self::$variant };
    (@ $json:ident $variant:ident ($content:tt)) => { Self::$variant($crate::Decode::decode($json)?) };
    (@ $json:ident $variant:ident { $($field:ident),* }) => { $crate::record!(@ $json Self::$variant { $($field),* }) };
}

pub(crate) use kinds;

/// Any value, forgotten.
impl Decode for () {
    fn decode(json: &mut Json<'_>) -> Option<Self> {
        json.skip()
    }
}

impl Decode for String {
    fn decode(json: &mut Json<'_>) -> Option<Self> {
        Some(json.string()?.into_owned())
    }
}

impl Decode for bool {
    fn decode(json: &mut Json<'_>) -> Option<Self> {
        json.bool()
    }
}

impl Decode for u64 {
    fn decode(json: &mut Json<'_>) -> Option<Self> {
        json.integer()
    }
}

impl Decode for u32 {
    fn decode(json: &mut Json<'_>) -> Option<Self> {
        json.integer()?.try_into().ok().or_else(|| json.refuse(TOO_LARGE))
    }
}

impl Decode for usize {
    fn decode(json: &mut Json<'_>) -> Option<Self> {
        json.integer()?.try_into().ok().or_else(|| json.refuse(TOO_LARGE))
    }
}

impl Decode for Millis {
    fn decode(json: &mut Json<'_>) -> Option<Self> {
        json.integer().map(Self)
    }
}

impl Decode for Seq {
    fn decode(json: &mut Json<'_>) -> Option<Self> {
        let n = json.integer()?;
        if n > Self::MAX.value() { json.refuse("a seq is beyond 2^53-1") } else { Some(Self::new(n)) }
    }
}

impl<T: Decode> Decode for Vec<T> {
    fn decode(json: &mut Json<'_>) -> Option<Self> {
        let mut items = Self::new();
        json.array(&mut |json| {
            items.push(T::decode(json)?);
            Some(())
        })?;
        Some(items)
    }
}

impl<T: Decode> Decode for Option<T> {
    fn decode(json: &mut Json<'_>) -> Option<Self> {
        if json.null() { Some(None) } else { T::decode(json).map(Some) }
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: Decode> Decode for Patch<T> {
    fn decode(json: &mut Json<'_>) -> Option<Self> {
        Some(Option::<T>::decode(json)?.map_or(Self::Clear, Self::Set))
    }
}

macro_rules! ids {
    ($($name:ident)*) => {$(
        impl Decode for $name {
            fn decode(json: &mut Json<'_>) -> Option<Self> {
                let text = json.string()?;
                Self::parse(&text).ok().or_else(|| json.refuse("an id has 1 to 64 characters of A-Z a-z 0-9 _ -"))
            }
        }
    )*};
}

ids!(SessionId MessageId ClientId PageId ConnectionId BlockId Epoch);
