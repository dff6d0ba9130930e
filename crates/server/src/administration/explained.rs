//! A decision and its reasons, as lines for a person to read.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use serde_json::Value;

/// Reads `KEY=VALUE` texts; a key that comes twice has both values.
pub(super) fn context_of(pairs: &[String]) -> Result<BTreeMap<String, Vec<String>>> {
    let mut keys: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for pair in pairs {
        let (key, value) = pair
            .split_once('=')
            .with_context(|| format!("'{pair}' is not of the form KEY=VALUE"))?;
        keys.entry(key.to_owned())
            .or_default()
            .push(value.to_owned());
    }
    Ok(keys)
}

/// The outcome first, then each layer with its statements.
pub(super) fn rendered(answer: &Value) -> String {
    let mut text = String::new();
    // writing to a String cannot fail
    let outcome = match answer["decision"]["outcome"].as_str() {
        Some("allowed") => "allowed",
        Some("explicitlyDenied") => "denied by a statement",
        _ => "denied: nothing allows it",
    };
    writeln!(text, "{outcome}{}", reason(answer)).ok();
    for layer in list(&answer["layers"]) {
        let said = match (layer["denies"] == true, layer["allows"] == true) {
            (true, _) => "denies",
            (false, true) => "allows",
            (false, false) => "does not allow",
        };
        let level = match layer["level"].as_u64() {
            Some(level) => format!(" of level {level}"),
            None => String::new(),
        };
        writeln!(text, "\n{}{level}: {said}", word(&layer["layer"])).ok();
        for statement in list(&layer["statements"]) {
            text.push_str(&line_of(statement));
        }
    }
    text
}

fn reason(answer: &Value) -> String {
    match answer["reason"].as_str() {
        Some(reason) if !reason.is_empty() => format!(":{reason}"),
        _ => String::new(),
    }
}

/// `  Deny  policy name, statement 2 (Sid): matches`
fn line_of(statement: &Value) -> String {
    let number = statement["index"].as_u64().unwrap_or_default() + 1;
    let sid = match statement["sid"].as_str() {
        Some(sid) => format!(" ({sid})"),
        None => String::new(),
    };
    let (effect, document) = (word(&statement["effect"]), word(&statement["document"]));
    let fit = if statement["matches"] == true {
        "matches".to_owned()
    } else {
        failure(&statement["failed"])
    };
    format!("  {effect:5}  {document}, statement {number}{sid}: {fit}\n")
}

fn failure(failed: &Value) -> String {
    match failed["element"].as_str() {
        Some("condition") => {
            let given = match failed["given"].as_array() {
                Some(values) => format!("the request has {}", values_of(values)),
                None => "the request does not have the key".to_owned(),
            };
            let (operator, key) = (word(&failed["operator"]), word(&failed["key"]));
            let wanted = failed["wanted"]
                .as_array()
                .map_or_else(String::new, |values| values_of(values));
            format!("{operator} {key} {wanted} does not hold, {given}")
        }
        Some(element) => format!("is not about this {element}"),
        None => "does not match".to_owned(),
    }
}

fn values_of(values: &[Value]) -> String {
    let texts: Vec<&str> = values.iter().map(word).collect();
    format!("[{}]", texts.join(", "))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_person_reads_what_decided_and_what_did_not_match() {
        let answer = json!({
            "decision": { "outcome": "implicitlyDenied", "layer": "identity" },
            "reason": " because no identity-based policy allows the ecr:PutImage action",
            "layers": [{
                "layer": "identity", "allows": false, "denies": false,
                "statements": [
                    { "document": "ci", "index": 0, "sid": "Push", "effect": "Allow", "matches": false,
                      "failed": { "element": "condition", "operator": "StringLike", "key": "ecr:ImageTag",
                                  "given": ["v1"], "wanted": ["dev-*"] } },
                    { "document": "ci", "index": 1, "effect": "Deny", "matches": false,
                      "failed": { "element": "action" } },
                ],
            }],
        });
        assert_eq!(
            rendered(&answer),
            "denied: nothing allows it: because no identity-based policy allows the ecr:PutImage action\n\
             \nidentity: does not allow\n  \
             Allow  ci, statement 1 (Push): StringLike ecr:ImageTag [dev-*] does not hold, the request has [v1]\n  \
             Deny   ci, statement 2: is not about this action\n"
        );
    }

    #[test]
    fn a_key_that_comes_twice_has_both_values() {
        let pairs = ["a=1", "b=x=y", "a=2"].map(str::to_owned);
        let keys = context_of(&pairs).unwrap();
        assert_eq!(keys["a"], ["1", "2"]);
        assert_eq!(keys["b"], ["x=y"]);
        assert!(context_of(&["nothing".to_owned()]).is_err());
    }
}
