//! Externally tagged enums that survive a tag they do not know.

/// What an unknown tag is encoded with.
#[derive(serde::Serialize)]
pub(crate) struct Empty {}

/// Implements serde, and behind `read` also [`crate::Decode`], for an enum of newtype variants plus `Unknown { kind }`.
///
/// The wire form is an object with one key, the tag: `{"append": {…}}`. An unknown tag decodes to `Unknown`, its content
/// unread; that is what lets an old page live with a newer gateway. Further keys beside the first are ignored.
macro_rules! tagged {
    // One that the page reads.
    (read $name:ident, $($tag:literal => $variant:ident),+ $(,)?) => {
        $crate::tagged::tagged!($name, $($tag => $variant),+);

        impl crate::Decode for $name {
            fn decode(json: &mut crate::Json<'_>) -> Option<Self> {
                enum At { $($variant),+ }
                let kind = json.kind(Self::KINDS)?;
                if !kind.has_content {
                    return json.refuse("an object was expected here");
                }
                let value = match kind.at {
                    $(Some(at) if at == At::$variant as usize => Self::$variant(crate::Decode::decode(json)?),)+
                    _ => {
                        json.skip()?;
                        Self::Unknown { kind: kind.text.into_owned() }
                    }
                };
                json.end_of_kind()?;
                Some(value)
            }
        }
    };
    ($name:ident, $($tag:literal => $variant:ident),+ $(,)?) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap as _;
                let mut map = serializer.serialize_map(Some(1))?;
                match self {
                    $(Self::$variant(content) => map.serialize_entry($tag, content)?,)+
                    Self::Unknown { kind } => map.serialize_entry(kind, &crate::tagged::Empty {})?,
                }
                map.end()
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct OneKey;
                impl<'de> serde::de::Visitor<'de> for OneKey {
                    type Value = $name;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("an object with one key, its kind")
                    }
                    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<$name, A::Error> {
                        let Some(kind) = map.next_key::<std::borrow::Cow<'de, str>>()? else {
                            return Err(serde::de::Error::custom("an empty object has no kind"));
                        };
                        let value = match &*kind {
                            $($tag => $name::$variant(map.next_value()?),)+
                            _ => {
                                map.next_value::<serde::de::IgnoredAny>()?;
                                $name::Unknown { kind: kind.into_owned() }
                            }
                        };
                        while map.next_entry::<serde::de::IgnoredAny, serde::de::IgnoredAny>()?.is_some() {}
                        Ok(value)
                    }
                }
                deserializer.deserialize_map(OneKey)
            }
        }

        impl $name {
            /// The tag on the wire.
            #[must_use]
            pub fn kind(&self) -> &str {
                match self {
                    $(Self::$variant(_) => $tag,)+
                    Self::Unknown { kind } => kind,
                }
            }

            /// Every tag that this version knows, in the order of the protocol page.
            pub const KINDS: &'static [&'static str] = &[$($tag),+];
        }
    };
}

pub(crate) use tagged;
