//! The API's model as a judge: whether an input is valid, decided from `models/ecr.json` itself, without any of the
//! generated code.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::bytes::Regex;
use serde_json::{Map, Value};

/// The shapes and operations of a service.
pub struct Model {
    document: Value,
    patterns: HashMap<String, Regex>,
}

/// The container registry's.
pub static ECR: LazyLock<Model> =
    LazyLock::new(|| Model::parse(include_str!("../../models/ecr.json")));

impl Model {
    fn parse(text: &str) -> Self {
        let document: Value = serde_json::from_str(text).expect("the model is JSON");
        let shapes = document["shapes"]
            .as_object()
            .expect("the model has shapes");
        let patterns = shapes
            .values()
            .filter_map(|shape| shape["pattern"].as_str())
            .map(|pattern| {
                let whole = format!(r"\A(?-u:{pattern})\z");
                let regex = Regex::new(&whole).expect("a pattern of the model compiles");
                (pattern.to_owned(), regex)
            })
            .collect();
        Self { document, patterns }
    }

    /// Whether the model allows `value` as the input of an operation.
    pub fn allows(&self, operation: &str, value: &Value) -> bool {
        let input = &self.document["operations"][operation]["input"];
        let shape = input["shape"].as_str().expect("an operation has an input");
        self.is_valid(shape, value)
    }

    fn is_valid(&self, name: &str, value: &Value) -> bool {
        let shape = &self.document["shapes"][name];
        match (shape["type"].as_str(), value) {
            (Some("structure"), Value::Object(members)) => self.is_structure(shape, members),
            (Some("list"), Value::Array(items)) => {
                let item = shape["member"]["shape"].as_str().expect("a list has items");
                is_within(shape, items.len())
                    && items.iter().all(|value| self.is_valid(item, value))
            }
            (Some("string"), Value::String(text)) => self.is_text(shape, text),
            (Some("blob"), Value::String(text)) => {
                base64_length(text).is_some_and(|length| is_within(shape, length))
            }
            (Some("integer"), Value::Number(number)) => number
                .as_i64()
                .is_some_and(|number| i32::try_from(number).is_ok() && is_between(shape, number)),
            (Some("long"), Value::Number(number)) => number
                .as_i64()
                .is_some_and(|number| is_between(shape, number)),
            (Some("boolean"), Value::Bool(_)) => true,
            (
                Some("structure" | "list" | "string" | "blob" | "integer" | "long" | "boolean"),
                _,
            ) => false,
            (kind, _) => panic!("no rule for {name}, which is {kind:?}"),
        }
    }

    fn is_structure(&self, shape: &Value, members: &Map<String, Value>) -> bool {
        let present = |name: &str| members.get(name).filter(|value| !value.is_null());
        let required = shape["required"].as_array().into_iter().flatten();
        let complete = required
            .filter_map(Value::as_str)
            .all(|name| present(name).is_some());
        let known = shape["members"]
            .as_object()
            .expect("a structure has members");
        complete
            && known.iter().all(|(name, member)| {
                let shape = member["shape"].as_str().expect("a member has a shape");
                present(name).is_none_or(|value| self.is_valid(shape, value))
            })
    }

    fn is_text(&self, shape: &Value, text: &str) -> bool {
        if let Some(values) = shape["enum"].as_array() {
            return values.iter().any(|value| value == text);
        }
        let matches = shape["pattern"]
            .as_str()
            .is_none_or(|pattern| self.patterns[pattern].is_match(text.as_bytes()));
        // no store keeps U+0000, so it is refused everywhere
        matches && is_within(shape, text.chars().count()) && !text.contains('\0')
    }
}

fn is_within(shape: &Value, length: usize) -> bool {
    let length = u64::try_from(length).unwrap_or(u64::MAX);
    shape["min"].as_u64().is_none_or(|min| length >= min)
        && shape["max"].as_u64().is_none_or(|max| length <= max)
}

fn is_between(shape: &Value, number: i64) -> bool {
    shape["min"].as_i64().is_none_or(|min| number >= min)
        && shape["max"].as_i64().is_none_or(|max| number <= max)
}

/// The length of what base64 encodes (RFC 4648 §4: padded, no stray bits).
fn base64_length(text: &str) -> Option<usize> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let padding = text.len() - text.trim_end_matches('=').len();
    let digits = &text.as_bytes()[..text.len() - padding];
    let values: Option<Vec<usize>> = digits
        .iter()
        .map(|digit| ALPHABET.iter().position(|letter| letter == digit))
        .collect();
    let last = values?.last().copied().unwrap_or_default();
    let is_whole = text.len().is_multiple_of(4);
    match (is_whole, padding) {
        (true, 0) => Some(text.len() / 4 * 3),
        (true, 1) if last.is_multiple_of(4) => Some(text.len() / 4 * 3 - 1),
        (true, 2) if last.is_multiple_of(16) => Some(text.len() / 4 * 3 - 2),
        _ => None,
    }
}
