//! Requests to checked values in one pass, without an intermediate tree: members that the model does not know are
//! skipped where they stand, so memory stays within the body's size whatever a client sends.
//!
//! Inputs come as JSON (awsJson 1.1, where null is the same as absent) or as forms (awsQuery); the generated code reads
//! a [`Node`] and does not care which. A value of the wrong type is a serialization error; one of the right type that
//! breaks the model is a [`ConstraintViolation`]. All of an input is read even if something is wrong with it, so that all
//! that is wrong can be told.

mod form;
mod json;

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;

use self::form::Branch;
use crate::constraint::{Constraint, ConstraintViolation, ConstraintViolations, MAX_VIOLATIONS};
use crate::rule::Rule;

/// Why an input could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The body is not JSON, or a member has another type than the model's: `SerializationException`, `MalformedInput`.
    #[error("{0}")]
    Serialization(String),
    /// Values break constraints: `InvalidParameterException`, `ValidationException`, `ValidationError`.
    #[error("{0}")]
    Constraint(ConstraintViolations),
}

/// Marks what could not be read. Why stands with all else that is wrong with the input.
#[derive(Debug)]
pub struct Refused(());

/// What is wrong with an input, gathered while it is read.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    /// The first value of a wrong type.
    serialization: RefCell<Option<String>>,
    violations: RefCell<Vec<ConstraintViolation>>,
}

impl Problems {
    fn note_serialization(&self, text: String) -> Refused {
        self.serialization.borrow_mut().get_or_insert(text);
        Refused(())
    }

    fn note(&self, violation: impl FnOnce() -> ConstraintViolation) -> Refused {
        let mut violations = self.violations.borrow_mut();
        if violations.len() < MAX_VIOLATIONS {
            violations.push(violation());
        }
        Refused(())
    }

    /// A body that cannot be read is not looked at for what it breaks.
    fn told(self) -> DecodeError {
        if let Some(text) = self.serialization.into_inner() {
            return DecodeError::Serialization(text);
        }
        match ConstraintViolations::of(self.violations.into_inner()) {
            Some(violations) => DecodeError::Constraint(violations),
            None => DecodeError::Serialization("the request cannot be read".to_owned()),
        }
    }
}

/// An input structure that can be read from a request.
pub trait Decode: Sized {
    /// Reads the structure from a place inside a document.
    fn decode(node: Node<'_>) -> Result<Self, Refused>;

    /// Reads the structure from a whole JSON body. An empty body counts as `{}`.
    fn from_json(body: &[u8]) -> Result<Self, DecodeError> {
        let text = std::str::from_utf8(body)
            .map_err(|_| DecodeError::Serialization("the request body is not UTF-8".to_owned()))?
            .trim_ascii();
        let text = if text.is_empty() { "{}" } else { text };
        read(Value::Json(text))
    }

    /// Reads the structure from the parameters of a form, by name and value. Each name must be there once.
    fn from_form<'f>(pairs: impl Iterator<Item = (&'f str, &'f str)>) -> Result<Self, DecodeError> {
        let mut pairs: Vec<_> = pairs.collect();
        pairs.sort_unstable();
        read(Value::Form(Branch::root(&pairs)))
    }
}

fn read<T: Decode>(value: Value<'_>) -> Result<T, DecodeError> {
    let problems = Problems::default();
    let root = Node {
        value,
        path: &Path::Root,
        problems: &problems,
    };
    let outcome = T::decode(root);
    outcome.map_err(|Refused(())| problems.told())
}

/// Implements [`Decode`] for a structure: each member by its field, whether it must be there, its name and its rule.
/// All members are read before the first that is refused ends it.
macro_rules! decodes {
    ($name:ident {}) => {
        impl $crate::decode::Decode for $name {
            fn decode(node: $crate::decode::Node<'_>) -> Result<Self, $crate::decode::Refused> {
                node.members(&[])?;
                Ok(Self {})
            }
        }
    };
    ($name:ident { $($field:ident: $way:ident $member:literal $rule:path,)+ }) => {
        impl $crate::decode::Decode for $name {
            fn decode(node: $crate::decode::Node<'_>) -> Result<Self, $crate::decode::Refused> {
                let members = node.members(&[$($member),+])?;
                $(let $field = members.$way($member, &$rule);)+
                Ok(Self { $($field: $field?,)+ })
            }
        }
    };
}
pub(crate) use decodes;

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
    problems: &'a Problems,
}

impl<'a> Node<'a> {
    /// The members of a structure, in the order of `names`; others are skipped.
    pub(crate) fn members(self, names: &'static [&'static str]) -> Result<Members<'a>, Refused> {
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
            problems: self.problems,
        })
    }

    /// The items of a list, at most `limit` of them: a longer list yields exactly `limit`.
    pub(crate) fn items(self, limit: usize) -> Result<Vec<Value<'a>>, Refused> {
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
    ) -> Result<R::Value, Refused> {
        let path = Path::Item(self.path, position);
        let problems = self.problems;
        if matches!(value, Value::Json("null")) {
            let absent = || ConstraintViolation::new(path, Constraint::Required, None);
            return Err(problems.note(absent));
        }
        rule.read(Node {
            value,
            path: &path,
            problems,
        })
    }

    /// A text, borrowed unless JSON escapes are in it.
    pub(crate) fn string(self) -> Result<Cow<'a, str>, Refused> {
        match self.value {
            Value::Json(text) => json::string(text).ok_or_else(|| self.mistyped('"', "a String")),
            Value::Form(branch) => branch
                .value()
                .map(Cow::Borrowed)
                .ok_or_else(|| self.mistyped_as("a String")),
        }
    }

    /// A whole number.
    pub(crate) fn integer(self) -> Result<i64, Refused> {
        let read = match self.value {
            Value::Json(text) => serde_json::from_str(text).ok(),
            Value::Form(branch) => branch.value().and_then(|text| text.parse().ok()),
        };
        read.ok_or_else(|| self.mistyped_as("an Integer"))
    }

    /// A boolean.
    pub(crate) fn boolean(self) -> Result<bool, Refused> {
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
    pub(crate) fn refuse(self, constraint: Constraint, value: &str) -> Refused {
        let violation = || ConstraintViolation::new(self.path, constraint, Some(value));
        self.problems.note(violation)
    }

    /// The refusal of this value since it is not what its type is written as.
    pub(crate) fn unreadable(self, text: String) -> Refused {
        self.problems.note_serialization(text)
    }

    /// The error for a value that is another type, or is malformed JSON although it begins as the type wanted.
    fn mistyped(self, opening: char, wanted: &str) -> Refused {
        match self.value {
            Value::Json(text) if text.starts_with(opening) => self.malformed(),
            _ => self.mistyped_as(wanted),
        }
    }

    /// The error for a value that is not `wanted`.
    fn mistyped_as(self, wanted: &str) -> Refused {
        let Value::Json(text) = self.value else {
            let Self { path, .. } = self;
            return self.unreadable(format!(
                "the value of '{path}' can not be converted to {wanted}"
            ));
        };
        match json::found(text) {
            Some(found) if found.ends_with('.') => self.unreadable(found.to_owned()),
            Some(found) => self.unreadable(format!("{found} can not be converted to {wanted}")),
            None => self.malformed(),
        }
    }

    /// The error for text that is not JSON.
    fn malformed(self) -> Refused {
        self.unreadable(match self.path {
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
    problems: &'a Problems,
}

impl Members<'_> {
    /// A member that may be absent.
    pub(crate) fn optional<R: Rule>(
        &self,
        name: &'static str,
        rule: &R,
    ) -> Result<Option<R::Value>, Refused> {
        let position = self.names.iter().position(|known| *known == name);
        let Some(value) = position.and_then(|index| self.slots[index]) else {
            return Ok(None);
        };
        let path = Path::Member(self.path, name);
        let problems = self.problems;
        rule.read(Node {
            value,
            path: &path,
            problems,
        })
        .map(Some)
    }

    /// A member that must be there.
    pub(crate) fn required<R: Rule>(
        &self,
        name: &'static str,
        rule: &R,
    ) -> Result<R::Value, Refused> {
        self.optional(name, rule)?.ok_or_else(|| {
            let path = Path::Member(self.path, name);
            let absent = || ConstraintViolation::new(path, Constraint::Required, None);
            self.problems.note(absent)
        })
    }
}
