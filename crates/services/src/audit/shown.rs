//! What of a request's parameters is shown: everything but what is sensitive.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

/// Members that carry credentials or content, in lower case: they are left out wherever they stand. Of `credentials`
/// that are issued, the id of the key and the end are shown.
pub const HIDDEN_MEMBERS: [&str; 21] = [
    "authenticationcode1",
    "authenticationcode2",
    "authorizationtoken",
    "base32stringseed",
    "downloadurl",
    "imagemanifest",
    "keys",
    "layerpartblob",
    "newpassword",
    "nexttoken",
    "oldpassword",
    "password",
    "plaintext",
    "privatekey",
    "qrcodepng",
    "samlassertion",
    "secretaccesskey",
    "securitytoken",
    "sessiontoken",
    "tokencode",
    "webidentitytoken",
];

/// The longest text of parameters that is shown, in bytes (`CloudTrail` leaves out longer ones as well).
const LONGEST: usize = 64 * 1_024;

/// A JSON value without its sensitive members.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown(Value);

impl Shown {
    /// Of a JSON text: `None` if it is none, or empty.
    pub fn of_json(text: &[u8]) -> Option<Self> {
        let shown: Self = serde_json::from_slice(text).ok()?;
        Some(shown.bounded())
    }

    /// Of an answer: `None` if nothing is in it.
    pub fn of_answer(answer: &impl Serialize) -> Option<Self> {
        let text = serde_json::to_vec(answer).ok()?;
        let shown = Self::of_json(&text)?;
        let is_empty = shown.0.as_object().is_some_and(Map::is_empty);
        (!is_empty).then_some(shown)
    }

    /// Of parameters with their names.
    pub fn of_pairs<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut members = Map::new();
        for (name, value) in pairs.filter(|(name, _)| !is_hidden(name)) {
            members.insert(uncapitalized(name), value.into());
        }
        Self(Value::Object(members)).bounded()
    }

    /// Longer ones than are shown are replaced by a remark.
    fn bounded(self) -> Self {
        if serde_json::to_vec(&self.0).is_ok_and(|text| text.len() <= LONGEST) {
            return self;
        }
        let mut remark = Map::new();
        remark.insert("omitted".to_owned(), true.into());
        Self(Value::Object(remark))
    }
}

impl Serialize for Shown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// Names of forms have dots: `Tags.member.1.Key`.
fn is_hidden(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    let hidden = |hidden: &&str| last.eq_ignore_ascii_case(hidden);
    HIDDEN_MEMBERS.iter().any(hidden) || name == "Signature"
}

/// `CloudTrail` writes `userName` where the request has `UserName`.
fn uncapitalized(name: &str) -> String {
    let mut characters = name.chars();
    let first = characters.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(characters).collect()
}

impl<'de> Deserialize<'de> for Shown {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ShownVisitor).map(Self)
    }
}

/// Reads any JSON value; hidden ones are passed over without being held.
struct ShownVisitor;

impl<'de> Visitor<'de> for ShownVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut shown = Vec::new();
        while let Some(Shown(item)) = items.next_element()? {
            shown.push(item);
        }
        Ok(Value::Array(shown))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut shown = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if is_hidden(&name) {
                members.next_value::<IgnoredAny>()?;
            } else {
                let Shown(value) = members.next_value()?;
                shown.insert(name, value);
            }
        }
        Ok(Value::Object(shown))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sensitive_members_are_left_out_at_any_depth() {
        let text =
            br#"{"repositoryName":"a","imageManifest":"{}","keys":"{}","n":[1,-2,1.5,null,true],
            "deep":[{"Password":{"x":1},"kept":"x"}]}"#;
        let shown = serde_json::to_string(&Shown::of_json(text).unwrap()).unwrap();
        let expected = r#"{"deep":[{"kept":"x"}],"n":[1,-2,1.5,null,true],"repositoryName":"a"}"#;
        assert_eq!(shown, expected);
        assert_eq!(Shown::of_json(b""), None);
        assert_eq!(Shown::of_json(b"{\"a\":"), None);
    }

    #[test]
    fn answers_are_shown_without_secrets_and_empty_ones_not_at_all() {
        let credentials =
            serde_json::json!({"accessKeyId": "ASIA", "secretAccessKey": "s", "sessionToken": "t"});
        let answer = serde_json::json!({ "credentials": credentials });
        let shown = serde_json::to_string(&Shown::of_answer(&answer)).unwrap();
        assert_eq!(shown, r#"{"credentials":{"accessKeyId":"ASIA"}}"#);
        assert_eq!(Shown::of_answer(&serde_json::json!({})), None);
    }

    #[test]
    fn forms_are_shown_as_cloudtrail_names_them() {
        let form = [
            ("UserName", "ann"),
            ("Password", "p"),
            ("Tags.member.1.Key", "k"),
            ("Nested.member.1.SecretAccessKey", "s"),
        ];
        let shown = serde_json::to_string(&Shown::of_pairs(form.into_iter())).unwrap();
        assert_eq!(shown, r#"{"tags.member.1.Key":"k","userName":"ann"}"#);
    }

    #[test]
    fn what_is_too_long_is_left_out_whole() {
        let text = format!("{{\"policyText\":\"{}\"}}", "x".repeat(LONGEST));
        let shown = serde_json::to_string(&Shown::of_json(text.as_bytes()).unwrap()).unwrap();
        assert_eq!(shown, r#"{"omitted":true}"#);
    }

    /// The models say which members are sensitive.
    #[test]
    fn what_the_models_call_sensitive_is_hidden() {
        let subset = include_str!("../../../../models/subset.toml");
        let named = subset.lines().map(str::trim);
        let named = named.filter_map(|line| line.strip_prefix('"')?.split('"').next());
        let members: Vec<_> = named.filter_map(|name| name.split_once('.')).collect();
        assert!(!members.is_empty());
        for (structure, member) in members {
            assert!(is_hidden(member), "{structure}.{member}");
        }
    }
}
