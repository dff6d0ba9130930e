//! Requests to checked values in one pass, without an intermediate tree: members that the model does not know are
//! skipped where they stand, so memory stays within the body's size whatever a client sends.
//!
//! Inputs come as JSON (awsJson 1.1, where null is the same as absent) or as forms (awsQuery); the generated code reads
//! a [`Node`] and does not care which. A value of the wrong type is a serialization error; one of the right type that
//! breaks the model is a [`ConstraintViolation`].

mod form;
mod json;

use std::borrow::Cow;
use std::fmt;

use self::form::Branch;
use crate::constraint::{Constraint, ConstraintViolation};
use crate::rule::Rule;

/// Why an input could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The body is not JSON, or a member has another type than the model's: `SerializationException`, `MalformedInput`.
    #[error("{0}")]
    Serialization(String),
    /// A value breaks a constraint: `InvalidParameterException`, `ValidationException`, `ValidationError`.
    #[error(transparent)]
    Constraint(#[from] ConstraintViolation),
}

/// An input structure that can be read from a request.
pub trait Decode: Sized {
    /// Reads the structure from a place inside a document.
    fn decode(node: Node<'_>) -> Result<Self, DecodeError>;

    /// Reads the structure from a whole JSON body. An empty body counts as `{}`.
    fn from_json(body: &[u8]) -> Result<Self, DecodeError> {
        let text = std::str::from_utf8(body)
            .map_err(|_| DecodeError::Serialization("the request body is not UTF-8".to_owned()))?
            .trim_ascii();
        let text = if text.is_empty() { "{}" } else { text };
        Self::decode(Node {
            value: Value::Json(text),
            path: &Path::Root,
        })
    }

    /// Reads the structure from the parameters of a form, by name and value. Each name must be there once.
    fn from_form<'f>(pairs: impl Iterator<Item = (&'f str, &'f str)>) -> Result<Self, DecodeError> {
        let mut pairs: Vec<_> = pairs.collect();
        pairs.sort_unstable();
        Self::decode(Node {
            value: Value::Form(Branch::root(&pairs)),
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
            Self::Member(Self::Root, name) => write_member(name, f),
            Self::Member(parent, name) => {
                write!(f, "{parent}.")?;
                write_member(name, f)
            }
            Self::Item(parent, position) => write!(f, "{parent}.{position}.member"),
        }
    }
}

/// AWS names members in messages with a small first letter, however they are spelled on the wire.
fn write_member(name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (first, rest) = name.split_at_checked(1).unwrap_or((name, ""));
    write!(f, "{}{rest}", first.to_ascii_lowercase())
}

/// An undecoded value in the dialect of the request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'a> {
    /// JSON text.
    Json(&'a str),
    /// A place in a form.
    Form(Branch<'a>),
}

/// One value and where it stands.
#[derive(Debug, Clone, Copy)]
pub struct Node<'a> {
    value: Value<'a>,
    path: &'a Path<'a>,
}

impl<'a> Node<'a> {
    /// The members of a structure, in the order of `names`; others are skipped.
    pub(crate) fn members(
        self,
        names: &'static [&'static str],
    ) -> Result<Members<'a>, DecodeError> {
        let slots = match self.value {
            Value::Json(text) => {
                json::members(text, names).map_err(|_| self.mistyped('{', "a structure"))?
            }
            Value::Form(branch) => names
                .iter()
                .map(|name| branch.child(name).map(Value::Form))
                .collect(),
        };
        Ok(Members {
            names,
            slots,
            path: self.path,
        })
    }

    /// The items of a list, at most `limit` of them: a longer list yields exactly `limit`.
    pub(crate) fn items(self, limit: usize) -> Result<Vec<Value<'a>>, DecodeError> {
        match self.value {
            Value::Json(text) => json::items(text, limit).map_err(|_| self.mistyped('[', "a list")),
            Value::Form(branch) => {
                let items = branch
                    .items(limit)
                    .ok_or_else(|| self.mistyped_as("a list"))?;
                Ok(items.into_iter().map(Value::Form).collect())
            }
        }
    }

    /// The item at `position` (from 1) of this list, which must not be null.
    pub(crate) fn item<R: Rule>(
        self,
        position: usize,
        value: Value<'_>,
        rule: &R,
    ) -> Result<R::Value, DecodeError> {
        let path = Path::Item(self.path, position);
        if matches!(value, Value::Json("null")) {
            return Err(ConstraintViolation::new(path, Constraint::Required, None).into());
        }
        rule.read(Node { value, path: &path })
    }

    /// A text, borrowed unless JSON escapes are in it.
    pub(crate) fn string(self) -> Result<Cow<'a, str>, DecodeError> {
        match self.value {
            Value::Json(text) => json::string(text).ok_or_else(|| self.mistyped('"', "a String")),
            Value::Form(branch) => branch
                .value()
                .map(Cow::Borrowed)
                .ok_or_else(|| self.mistyped_as("a String")),
        }
    }

    /// A whole number.
    pub(crate) fn integer(self) -> Result<i64, DecodeError> {
        let read = match self.value {
            Value::Json(text) => serde_json::from_str(text).ok(),
            Value::Form(branch) => branch.value().and_then(|text| text.parse().ok()),
        };
        read.ok_or_else(|| self.mistyped_as("an Integer"))
    }

    /// A boolean.
    pub(crate) fn boolean(self) -> Result<bool, DecodeError> {
        let read = match self.value {
            Value::Json(text) => serde_json::from_str(text).ok(),
            Value::Form(branch) => branch.value().and_then(form::boolean),
        };
        read.ok_or_else(|| self.mistyped_as("a Boolean"))
    }

    /// The value as messages may repeat it.
    pub(crate) fn shown(self) -> Cow<'a, str> {
        match self.value {
            Value::Json(text) => Cow::Borrowed(text),
            Value::Form(branch) => branch.shown(),
        }
    }

    /// The refusal of this value by `constraint`, repeating `value`.
    pub(crate) fn refuse(self, constraint: Constraint, value: &str) -> DecodeError {
        ConstraintViolation::new(self.path, constraint, Some(value)).into()
    }

    /// The error for a value that is another type, or is malformed JSON although it begins as the type wanted.
    fn mistyped(self, opening: char, wanted: &str) -> DecodeError {
        match self.value {
            Value::Json(text) if text.starts_with(opening) => self.malformed(),
            _ => self.mistyped_as(wanted),
        }
    }

    /// The error for a value that is not `wanted`.
    fn mistyped_as(self, wanted: &str) -> DecodeError {
        let Value::Json(text) = self.value else {
            let Self { path, .. } = self;
            return DecodeError::Serialization(format!(
                "the value of '{path}' can not be converted to {wanted}"
            ));
        };
        match json::found(text) {
            Some(found) if found.ends_with('.') => DecodeError::Serialization(found.to_owned()),
            Some(found) => {
                DecodeError::Serialization(format!("{found} can not be converted to {wanted}"))
            }
            None => self.malformed(),
        }
    }

    /// The error for text that is not JSON.
    fn malformed(self) -> DecodeError {
        DecodeError::Serialization(match self.path {
            Path::Root => "the request body is not well-formed JSON".to_owned(),
            path => format!("the value of '{path}' is not well-formed JSON"),
        })
    }
}

/// The members of one structure, each still undecoded.
#[derive(Debug)]
pub(crate) struct Members<'a> {
    names: &'static [&'static str],
    slots: Vec<Option<Value<'a>>>,
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
        let Some(value) = position.and_then(|index| self.slots[index]) else {
            return Ok(None);
        };
        let path = Path::Member(self.path, name);
        rule.read(Node { value, path: &path }).map(Some)
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
