//! A document as it is written: elements and their values, before anything is compiled (IAM User Guide, "Grammar of
//! the IAM JSON policy language"). Evaluation and validation both begin here.

use serde_json::value::RawValue;

use crate::json;
use crate::places::{self, Place};
use crate::policy::{Effect, MAX_TEXT, Malformed, Version};

/// A document as written.
pub(crate) struct DocumentSyntax {
    pub(crate) version: Option<Version>,
    pub(crate) id: Option<String>,
    pub(crate) statements: Vec<StatementSyntax>,
}

/// A statement as written.
pub(crate) struct StatementSyntax {
    pub(crate) place: Place,
    pub(crate) sid: Option<String>,
    pub(crate) effect: Effect,
    pub(crate) principals: Option<Listed<(PrincipalType, String)>>,
    pub(crate) actions: Option<Listed<String>>,
    pub(crate) resources: Option<Listed<String>>,
    pub(crate) conditions: Vec<ConditionSyntax>,
}

/// The values of an element, or of its complement.
pub(crate) struct Listed<T> {
    /// Whether it is the element with `Not`.
    pub(crate) is_not: bool,
    pub(crate) values: Vec<T>,
}

/// The member of `Principal` under which a value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PrincipalType {
    /// Also the bare `"*"`.
    Aws,
    Federated,
    Service,
    CanonicalUser,
}

impl PrincipalType {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Aws => "AWS",
            Self::Federated => "Federated",
            Self::Service => "Service",
            Self::CanonicalUser => "CanonicalUser",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        let all = [
            Self::Aws,
            Self::Federated,
            Self::Service,
            Self::CanonicalUser,
        ];
        all.into_iter().find(|one| one.name() == name)
    }
}

/// One key of one operator, with its values as text.
#[derive(Debug)]
pub(crate) struct ConditionSyntax {
    pub(crate) operator: String,
    pub(crate) key: String,
    pub(crate) values: Vec<String>,
}

/// Reads a document.
pub(crate) fn read(text: &str) -> Result<DocumentSyntax, Malformed> {
    if text.len() > MAX_TEXT {
        return Err(Malformed::new(format!("it has more than {MAX_TEXT} bytes")));
    }
    let mut document = DocumentSyntax {
        version: None,
        id: None,
        statements: Vec::new(),
    };
    let mut has_statement = false;
    for (name, raw) in json::members(json::value(text)?, "the document")? {
        match name.as_str() {
            "Version" => document.version = Some(version(raw)?),
            "Id" => document.id = Some(json::string(raw, "Id")?),
            "Statement" => {
                has_statement = true;
                let statements = json::one_or_many(raw)?;
                let places = places::of_statements(text, raw, &statements);
                document.statements = statements
                    .into_iter()
                    .zip(places)
                    .map(|(raw, place)| statement(raw, place))
                    .collect::<Result<_, _>>()?;
            }
            _ => {
                return Err(Malformed::new(
                    "it has an element that policies do not have",
                ));
            }
        }
    }
    if has_statement {
        Ok(document)
    } else {
        Err(Malformed::new("it has no Statement"))
    }
}

fn version(raw: &RawValue) -> Result<Version, Malformed> {
    match json::string(raw, "Version")?.as_str() {
        "2008-10-17" => Ok(Version::V2008),
        "2012-10-17" => Ok(Version::V2012),
        _ => Err(Malformed::new(
            "Version is neither 2012-10-17 nor 2008-10-17",
        )),
    }
}

fn statement(raw: &RawValue, place: Place) -> Result<StatementSyntax, Malformed> {
    let mut effect = None;
    let mut statement = StatementSyntax {
        place,
        sid: None,
        effect: Effect::Deny,
        principals: None,
        actions: None,
        resources: None,
        conditions: Vec::new(),
    };
    for (name, raw) in json::members(raw, "a statement")? {
        let is_not = name.starts_with("Not");
        match name.as_str() {
            "Sid" => statement.sid = Some(json::string(raw, "Sid")?),
            "Effect" => effect = Some(read_effect(raw)?),
            "Principal" | "NotPrincipal" => {
                let values = principals(raw)?;
                put(&mut statement.principals, Listed { is_not, values })?;
            }
            "Action" | "NotAction" => {
                let values = strings(raw, &name)?;
                put(&mut statement.actions, Listed { is_not, values })?;
            }
            "Resource" | "NotResource" => {
                let values = strings(raw, &name)?;
                put(&mut statement.resources, Listed { is_not, values })?;
            }
            "Condition" => statement.conditions = conditions(raw)?,
            _ => {
                let reason = "a statement has an element that statements do not have";
                return Err(Malformed::new(reason));
            }
        }
    }
    statement.effect = effect.ok_or_else(|| Malformed::new("a statement has no Effect"))?;
    Ok(statement)
}

/// An element and its complement exclude each other.
fn put<T>(place: &mut Option<Listed<T>>, listed: Listed<T>) -> Result<(), Malformed> {
    if place.replace(listed).is_none() {
        return Ok(());
    }
    let reason = "a statement has both an element and the same element with Not";
    Err(Malformed::new(reason))
}

fn read_effect(raw: &RawValue) -> Result<Effect, Malformed> {
    match json::string(raw, "Effect")?.as_str() {
        "Allow" => Ok(Effect::Allow),
        "Deny" => Ok(Effect::Deny),
        _ => Err(Malformed::new("Effect is neither Allow nor Deny")),
    }
}

fn strings(raw: &RawValue, what: &str) -> Result<Vec<String>, Malformed> {
    let values = json::one_or_many(raw)?;
    values
        .into_iter()
        .map(|raw| json::string(raw, what))
        .collect()
}

fn principals(raw: &RawValue) -> Result<Vec<(PrincipalType, String)>, Malformed> {
    if raw.get().starts_with('"') {
        return match json::string(raw, "Principal")? {
            star if star == "*" => Ok(vec![(PrincipalType::Aws, star)]),
            _ => Err(Malformed::new("Principal is a string other than *")),
        };
    }
    let mut principals = Vec::new();
    for (name, raw) in json::members(raw, "Principal")? {
        let kind = PrincipalType::parse(&name)
            .ok_or_else(|| Malformed::new("Principal has a member that it does not have"))?;
        principals.extend(strings(raw, &name)?.into_iter().map(|value| (kind, value)));
    }
    Ok(principals)
}

fn conditions(raw: &RawValue) -> Result<Vec<ConditionSyntax>, Malformed> {
    let mut conditions = Vec::new();
    for (operator, raw) in json::members(raw, "Condition")? {
        for (key, raw) in json::members(raw, "a condition operator")? {
            let values = json::one_or_many(raw)?;
            let values = values
                .into_iter()
                .map(|raw| json::scalar(raw, "a value of a condition"))
                .collect::<Result<_, _>>()?;
            conditions.push(ConditionSyntax {
                operator: operator.clone(),
                key,
                values,
            });
        }
    }
    Ok(conditions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_grammar_does_not_have_is_refused() {
        for text in [
            "",
            "[]",
            "{}",
            r#"{"Statement": []} x"#,
            r#"{"Version": "2012-10-18", "Statement": []}"#,
            r#"{"version": "2012-10-17", "Statement": []}"#,
            r#"{"Statement": [], "Statement": []}"#,
            r#"{"Statement": ["x"]}"#,
            r#"{"Statement": {"Action": "*"}}"#,
            r#"{"Statement": {"Effect": "allow", "Action": "*"}}"#,
            r#"{"Statement": {"Effect": "Allow", "Action": "*", "NotAction": "*"}}"#,
            r#"{"Statement": {"Effect": "Allow", "Action": 1}}"#,
            r#"{"Statement": {"Effect": "Allow", "Action": "*", "Principals": "*"}}"#,
            r#"{"Statement": {"Effect": "Allow", "Action": "*", "Principal": "x"}}"#,
            r#"{"Statement": {"Effect": "Allow", "Action": "*", "Principal": {"aws": "*"}}}"#,
            r#"{"Statement": {"Effect": "Allow", "Condition": {"Bool": "x"}}}"#,
            r#"{"Statement": {"Effect": "Allow", "Condition": {"Bool": {"a": null}}}}"#,
            r#"{"Statement": {"Effect": "Allow", "Condition": {"Bool": {"a": 1, "a": 2}}}}"#,
        ] {
            assert!(read(text).is_err(), "{text}");
        }
        assert!(read(&format!("{{\"Statement\": []{}}}", " ".repeat(MAX_TEXT))).is_err());
    }

    #[test]
    fn brackets_may_be_dropped_everywhere() {
        let single = r#"{"Statement": {"Effect": "Allow", "Action": "a:b", "Resource": "*",
            "Principal": {"AWS": "1"}, "Condition": {"Bool": {"k": true}}}}"#;
        let many = r#"{"Statement": [{"Effect": "Allow", "Action": ["a:b"], "Resource": ["*"],
            "Principal": {"AWS": ["1"]}, "Condition": {"Bool": {"k": [true]}}}]}"#;
        for text in [single, many] {
            let document = read(text).unwrap();
            let statement = &document.statements[0];
            assert_eq!(statement.actions.as_ref().unwrap().values, ["a:b"]);
            assert_eq!(statement.resources.as_ref().unwrap().values, ["*"]);
            let principals = &statement.principals.as_ref().unwrap().values;
            assert_eq!(principals, &[(PrincipalType::Aws, "1".to_owned())]);
            assert_eq!(statement.conditions[0].values, ["true"]);
        }
    }
}
