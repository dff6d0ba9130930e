//! Strict JSON: a name twice in one object is an error, since readers that take the last one let a policy say one
//! thing to its reviewer and another to its evaluator. Each level of a document is read by itself from the text of
//! the one above, so nothing recurses, however deep hostile text nests.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::policy::Malformed;

/// A member of an object: its name, and the text of its value.
pub(crate) type Member<'a> = (String, &'a RawValue);

struct Object<'a>(Vec<Member<'a>>);

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
        let mut members: Vec<Member<'de>> = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(A::Error::custom("a name occurs twice in one object"));
        }
        Ok(Object(members))
    }
}

/// Where a value begins in the text of which it is a part.
pub(crate) fn offset(text: &str, raw: &RawValue) -> usize {
    raw.get().as_ptr().addr() - text.as_ptr().addr()
}

/// Reads a whole text as one value.
pub(crate) fn value(text: &str) -> Result<&RawValue, Malformed> {
    serde_json::from_str(text).map_err(|error| Malformed::json(&error))
}

/// The members of an object, in order; `what` names it in errors.
pub(crate) fn members<'a>(raw: &'a RawValue, what: &str) -> Result<Vec<Member<'a>>, Malformed> {
    if !raw.get().starts_with('{') {
        return Err(Malformed::new(format!("{what} is not an object")));
    }
    let object: Object<'a> =
        serde_json::from_str(raw.get()).map_err(|error| Malformed::json(&error))?;
    Ok(object.0)
}

/// The elements of an array, or the one value that stands in place of one.
pub(crate) fn one_or_many(raw: &RawValue) -> Result<Vec<&RawValue>, Malformed> {
    if !raw.get().starts_with('[') {
        return Ok(vec![raw]);
    }
    serde_json::from_str(raw.get()).map_err(|error| Malformed::json(&error))
}

/// A string; `what` names it in errors.
pub(crate) fn string(raw: &RawValue, what: &str) -> Result<String, Malformed> {
    serde_json::from_str(raw.get()).map_err(|_| Malformed::new(format!("{what} is not a string")))
}

/// A string, a number or a boolean, as text.
pub(crate) fn scalar(raw: &RawValue, what: &str) -> Result<String, Malformed> {
    match raw.get().bytes().next() {
        Some(b't' | b'f' | b'-' | b'0'..=b'9') => Ok(raw.get().to_owned()),
        _ => string(raw, what),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_occur_once_however_it_is_written() {
        for (text, taken) in [
            (r#"{"a": 1, "b": 2}"#, true),
            (r#"{"a": 1, "A": 2}"#, true),
            (r#"{"a": 1, "b": 2, "a": 1}"#, false),
            (r#"{"a": 1, "\u0061": 2}"#, false),
            ("[]", false),
            (r#""a""#, false),
        ] {
            assert_eq!(members(value(text).unwrap(), "x").is_ok(), taken, "{text}");
        }
    }

    #[test]
    fn a_single_value_stands_for_a_list_of_one() {
        for (text, count) in [("\"a\"", 1), ("[]", 0), ("[\"a\", \"b\"]", 2), ("{}", 1)] {
            assert_eq!(one_or_many(value(text).unwrap()).unwrap().len(), count);
        }
    }

    #[test]
    fn numbers_and_booleans_are_taken_as_they_are_written() {
        for (text, read) in [
            ("300", Some("300")),
            ("-1.50", Some("-1.50")),
            ("true", Some("true")),
            ("\"x\"", Some("x")),
            ("null", None),
            ("[]", None),
            ("{}", None),
        ] {
            let scalar = scalar(value(text).unwrap(), "x").ok();
            assert_eq!(scalar.as_deref(), read, "{text}");
        }
    }

    #[test]
    fn depth_costs_nothing() {
        let deep = "[".repeat(100_000);
        assert!(value(&deep).is_err());
        let closed = format!("{deep}{}", "]".repeat(100_000));
        let outer = one_or_many(value(&closed).unwrap()).unwrap();
        assert!(string(outer[0], "x").is_err());
    }
}
