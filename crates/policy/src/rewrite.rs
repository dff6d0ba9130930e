//! The names of principals in a document, and others put in their place: on save ARNs become unique ids, and on
//! showing they become ARNs again (IAM User Guide, "Principal", on deleted users and roles). All other text stays
//! as it was written.

use std::ops::Range;

use serde_json::value::RawValue;

use crate::json;
use crate::policy::Malformed;

/// A value of an `AWS` principal, and where it stands with its quotes.
struct Place {
    value: String,
    range: Range<usize>,
}

/// The values of `AWS` principals of a document, `Principal` and `NotPrincipal` alike, each once, in the order in
/// which they are written. `*`, which names nobody, is left out.
pub fn principals(text: &str) -> Result<Vec<String>, Malformed> {
    let mut seen = std::collections::HashSet::new();
    let mut values = places(text)?.into_iter().map(|place| place.value);
    let is_new = |value: &String| value != "*" && seen.insert(value.clone());
    Ok(values.by_ref().filter(is_new).collect())
}

/// Replaces each value of an `AWS` principal for which `replace` gives another one. What is not replaced keeps its
/// text, white space included.
pub fn rewrite_principals(
    text: &str,
    mut replace: impl FnMut(&str) -> Option<String>,
) -> Result<String, Malformed> {
    let mut rewritten = String::with_capacity(text.len());
    let mut done = 0;
    for place in places(text)? {
        let Some(other) = replace(&place.value) else {
            continue;
        };
        rewritten.push_str(text.get(done..place.range.start).unwrap_or_default());
        rewritten.push_str(&serde_json::Value::from(other).to_string());
        done = place.range.end;
    }
    rewritten.push_str(text.get(done..).unwrap_or_default());
    Ok(rewritten)
}

/// All values, in the order in which they are written.
fn places(text: &str) -> Result<Vec<Place>, Malformed> {
    let mut places = Vec::new();
    for statement in statements(text)? {
        for (name, raw) in json::members(statement, "a statement")? {
            let is_object = raw.get().starts_with('{');
            if is_object && (name == "Principal" || name == "NotPrincipal") {
                find(text, raw, &mut places)?;
            }
        }
    }
    places.sort_by_key(|place| place.range.start);
    Ok(places)
}

fn statements(text: &str) -> Result<Vec<&RawValue>, Malformed> {
    let members = json::members(json::value(text)?, "the document")?;
    let statement = members.into_iter().find(|(name, _)| name == "Statement");
    statement.map_or_else(|| Ok(Vec::new()), |(_, raw)| json::one_or_many(raw))
}

/// Finds the values of one `Principal`.
fn find(text: &str, principal: &RawValue, places: &mut Vec<Place>) -> Result<(), Malformed> {
    let members = json::members(principal, "Principal")?;
    let aws = members.into_iter().filter(|(name, _)| name == "AWS");
    for (_, raw) in aws {
        for raw in json::one_or_many(raw)? {
            let start = json::offset(text, raw);
            places.push(Place {
                value: json::string(raw, "AWS")?,
                range: start..start + raw.get().len(),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{ "Statement" : [
        {"Principal": {"AWS": ["arn:aws:iam::111122223333:user\/alice", "*", "é"], "Service": "x.y"}},
        {"NotPrincipal": {"AWS" :  "arn:aws:iam::111122223333:user/alice" }, "Sid": "AWS"},
        {"Principal": "*"}], "Version": "2012-10-17" }"#;

    #[test]
    fn principals_are_named_once_each() {
        assert_eq!(
            principals(TEXT).unwrap(),
            ["arn:aws:iam::111122223333:user/alice", "é"]
        );
    }

    #[test]
    fn what_is_not_replaced_stays_as_written() {
        let same = rewrite_principals(TEXT, |_| None).unwrap();
        assert_eq!(same, TEXT);
        let ids = rewrite_principals(TEXT, |name| {
            name.ends_with("alice").then(|| "AIDA\"1".to_owned())
        })
        .unwrap();
        let expected = TEXT
            .replace(r#""arn:aws:iam::111122223333:user\/alice""#, r#""AIDA\"1""#)
            .replace(r#""arn:aws:iam::111122223333:user/alice""#, r#""AIDA\"1""#);
        assert_eq!(ids, expected);
    }

    #[test]
    fn text_that_is_no_document_is_refused() {
        for text in [
            "",
            "[]",
            r#"{"Statement": 1}"#,
            r#"{"Statement": {"Principal": {"AWS": 1}}}"#,
        ] {
            assert!(principals(text).is_err(), "{text}");
        }
        assert_eq!(principals("{}").unwrap(), [] as [String; 0]);
    }
}
