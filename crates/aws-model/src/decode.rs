//! JSON to checked values in one pass, without an intermediate tree: members that the model does not know are skipped
//! where they stand, so memory stays within the body's size whatever a client sends.
//!
//! A wrong JSON type is a serialization error; a value of the right type that breaks the model is a
//! [`ConstraintViolation`]. Null is the same as absent (`spec` of awsJson 1.1).

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::constraint::{Constraint, ConstraintViolation};
use crate::rule::Rule;

/// Why an input could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The body is not JSON, or a member has another JSON type than the model's: `SerializationException`.
    #[error("{0}")]
    Serialization(String),
    /// A value breaks a constraint: `InvalidParameterException` or `ValidationException`.
    #[error(transparent)]
    Constraint(#[from] ConstraintViolation),
}

/// An input structure that can be read from JSON.
pub trait Decode: Sized {
    /// Reads the structure from a place inside a document.
    fn decode(node: Node<'_>) -> Result<Self, DecodeError>;

    /// Reads the structure from a whole request body. An empty body counts as `{}`.
    fn from_json(body: &[u8]) -> Result<Self, DecodeError> {
        let text = std::str::from_utf8(body)
            .map_err(|_| DecodeError::Serialization("the request body is not UTF-8".to_owned()))?
            .trim_ascii();
        let text = if text.is_empty() { "{}" } else { text };
        Self::decode(Node {
            text,
            path: &Path::Root,
        })
    }
}

/// The way from the input's root to a value, kept on the stack and written only when something is refused.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Path<'a> {
    Root,
    Member(&'a Path<'a>, &'static str),
    /// A list item, counted from 1 as AWS does.
    Item(&'a Path<'a>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Member(Self::Root, name) => f.write_str(name),
            Self::Member(parent, name) => write!(f, "{parent}.{name}"),
            Self::Item(parent, position) => write!(f, "{parent}.{position}.member"),
        }
    }
}

/// One JSON value and where it stands.
#[derive(Debug, Clone, Copy)]
pub struct Node<'a> {
    text: &'a str,
    path: &'a Path<'a>,
}

impl<'a> Node<'a> {
    /// The members of an object, in the order of `names`; others are skipped, the last of twins wins.
    pub(crate) fn members(
        self,
        names: &'static [&'static str],
    ) -> Result<Members<'a>, DecodeError> {
        let mut slots = vec![None; names.len()];
        let mut deserializer = serde_json::Deserializer::from_str(self.text);
        let visitor = MembersVisitor {
            names,
            slots: &mut slots,
        };
        deserializer
            .deserialize_map(visitor)
            .and_then(|()| deserializer.end())
            .map_err(|_| self.mistyped('{', "a structure"))?;
        Ok(Members {
            names,
            slots,
            path: self.path,
        })
    }

    /// The items of a list, at most `limit` of them: a longer list yields exactly `limit`.
    pub(crate) fn items(self, limit: usize) -> Result<Vec<&'a str>, DecodeError> {
        let mut deserializer = serde_json::Deserializer::from_str(self.text);
        deserializer
            .deserialize_seq(ItemsVisitor { limit })
            .map_err(|_| self.mistyped('[', "a list"))
    }

    /// The item at `position` (from 1) of this list, which must not be null.
    pub(crate) fn item<R: Rule>(
        self,
        position: usize,
        text: &str,
        rule: &R,
    ) -> Result<R::Value, DecodeError> {
        let path = Path::Item(self.path, position);
        if text == "null" {
            return Err(ConstraintViolation::new(path, Constraint::Required, None).into());
        }
        rule.read(Node { text, path: &path })
    }

    /// The text of a JSON string, borrowed unless it holds escapes.
    pub(crate) fn string(self) -> Result<Cow<'a, str>, DecodeError> {
        if let Ok(text) = serde_json::from_str::<&str>(self.text) {
            return Ok(Cow::Borrowed(text));
        }
        serde_json::from_str::<String>(self.text)
            .map(Cow::Owned)
            .map_err(|_| self.mistyped('"', "a String"))
    }

    /// A whole JSON number.
    pub(crate) fn integer(self) -> Result<i64, DecodeError> {
        serde_json::from_str(self.text).map_err(|_| self.mistyped_as("an Integer"))
    }

    /// A JSON boolean.
    pub(crate) fn boolean(self) -> Result<bool, DecodeError> {
        serde_json::from_str(self.text).map_err(|_| self.mistyped_as("a Boolean"))
    }

    /// The value's JSON text, for messages.
    pub(crate) fn text(self) -> &'a str {
        self.text
    }

    /// The refusal of this value by `constraint`, repeating `value`.
    pub(crate) fn refuse(self, constraint: Constraint, value: &str) -> DecodeError {
        ConstraintViolation::new(self.path, constraint, Some(value)).into()
    }

    /// The error for a value that is another JSON type, or is malformed although it begins as the type wanted.
    fn mistyped(self, opening: char, wanted: &str) -> DecodeError {
        if self.text.starts_with(opening) {
            return self.malformed();
        }
        self.mistyped_as(wanted)
    }

    /// The error for a value that is not `wanted`.
    fn mistyped_as(self, wanted: &str) -> DecodeError {
        let found = match self.text.as_bytes().first() {
            Some(b'{') => "Start of structure or map found where not expected.",
            Some(b'[') => "Start of list found where not expected.",
            Some(b'"') => "STRING_VALUE",
            Some(b't') => "TRUE_VALUE",
            Some(b'f') => "FALSE_VALUE",
            Some(b'-' | b'0'..=b'9') => "NUMBER_VALUE",
            _ => return self.malformed(),
        };
        DecodeError::Serialization(if found.ends_with('.') {
            found.to_owned()
        } else {
            format!("{found} can not be converted to {wanted}")
        })
    }

    /// The error for text that is not JSON.
    fn malformed(self) -> DecodeError {
        DecodeError::Serialization(match self.path {
            Path::Root => "the request body is not well-formed JSON".to_owned(),
            path => format!("the value of '{path}' is not well-formed JSON"),
        })
    }
}

/// The members of one object, each still undecoded.
#[derive(Debug)]
pub(crate) struct Members<'a> {
    names: &'static [&'static str],
    slots: Vec<Option<&'a str>>,
    path: &'a Path<'a>,
}

impl Members<'_> {
    /// A member that may be absent.
    pub(crate) fn optional<R: Rule>(
        &self,
        name: &'static str,
        rule: &R,
    ) -> Result<Option<R::Value>, DecodeError> {
        let position = self.names.iter().position(|known| *known == name);
        let Some(text) = position.and_then(|index| self.slots[index]) else {
            return Ok(None);
        };
        let path = Path::Member(self.path, name);
        rule.read(Node { text, path: &path }).map(Some)
    }

    /// A member that must be there.
    pub(crate) fn required<R: Rule>(
        &self,
        name: &'static str,
        rule: &R,
    ) -> Result<R::Value, DecodeError> {
        self.optional(name, rule)?.ok_or_else(|| {
            let path = Path::Member(self.path, name);
            ConstraintViolation::new(path, Constraint::Required, None).into()
        })
    }
}

/// Fills the slots of the known members.
struct MembersVisitor<'s, 'de> {
    names: &'static [&'static str],
    slots: &'s mut [Option<&'de str>],
}

impl<'de> Visitor<'de> for MembersVisitor<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(index) = map.next_key_seed(MemberName(self.names))? {
            let Some(slot) = index.and_then(|index| self.slots.get_mut(index)) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let raw: &'de RawValue = map.next_value()?;
            *slot = Some(raw.get()).filter(|text| *text != "null");
        }
        Ok(())
    }
}

/// Reads a key as its index among the known names, without keeping unknown ones.
struct MemberName(&'static [&'static str]);

impl<'de> DeserializeSeed<'de> for MemberName {
    type Value = Option<usize>;

    fn deserialize<D: serde::Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for MemberName {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|known| *known == name))
    }
}

/// Collects the first items of a list and skips the rest.
struct ItemsVisitor {
    limit: usize,
}

impl<'de> Visitor<'de> for ItemsVisitor {
    type Value = Vec<&'de str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while items.len() < self.limit {
            let Some(raw) = list.next_element::<&'de RawValue>()? else {
                return Ok(items);
            };
            items.push(raw.get());
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(items)
    }
}
