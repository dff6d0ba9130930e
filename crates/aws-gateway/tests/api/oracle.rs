//! The model as oracle: whatever leaves is what the model lets the operation answer.

use ecru_aws_model::ecr::{ExceptionKind, Operation};
use serde_json::Value;

use crate::world::Answer;

const MODEL: &str = include_str!("../../../../models/ecr.json");

/// Errors that every operation of an AWS API may answer.
const COMMON: [&str; 8] = [
    "AccessDeniedException",
    "ExpiredTokenException",
    "IncompleteSignatureException",
    "InvalidSignatureException",
    "MissingAuthenticationTokenException",
    "SerializationException",
    "UnknownOperationException",
    "UnrecognizedClientException",
];

/// Checks an answer against the model's output, or its list of exceptions.
pub(crate) fn check(operation: Operation, answer: &Answer) {
    let header = |name: &str| {
        answer
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    assert_eq!(header("content-type"), Some("application/x-amz-json-1.1"));
    assert_eq!(header("x-amzn-requestid"), Some("request-1"));
    if answer.status == 200 {
        let model: Value = serde_json::from_str(MODEL).unwrap();
        let output = &model["operations"][operation.name()]["output"]["shape"];
        check_shape(
            &model,
            output.as_str().unwrap(),
            &answer.json(),
            operation.name(),
        );
        return;
    }
    let body = answer.json();
    assert!(body["message"].is_string(), "{operation}: {body}");
    assert_eq!(header("x-amzn-errortype"), body["__type"].as_str());
    let code = answer.code();
    let is_declared = ExceptionKind::parse(&code)
        .is_some_and(|kind| operation.allowed_exceptions().contains(&kind));
    assert!(
        is_declared || COMMON.contains(&code.as_str()),
        "{operation} answers {body}"
    );
}

fn check_shape(model: &Value, name: &str, value: &Value, path: &str) {
    let shape = &model["shapes"][name];
    match shape["type"].as_str().unwrap() {
        "structure" => check_structure(model, shape, value, path),
        "list" => {
            let item = shape["member"]["shape"].as_str().unwrap();
            for (index, one) in value.as_array().expect(path).iter().enumerate() {
                check_shape(model, item, one, &format!("{path}[{index}]"));
            }
        }
        "map" => assert!(value.is_object(), "{path}: {value}"),
        "string" => check_text(shape, value.as_str().expect(path), path),
        "integer" | "long" => assert!(value.is_i64() || value.is_u64(), "{path}: {value}"),
        "timestamp" => {
            let seconds = value.as_f64().expect(path);
            assert!((1.4e9..5.0e9).contains(&seconds), "{path}: {value}");
        }
        "boolean" => assert!(value.is_boolean(), "{path}: {value}"),
        other => panic!("{path}: no answer has a {other} yet"),
    }
}

fn check_structure(model: &Value, shape: &Value, value: &Value, path: &str) {
    let members = value.as_object().expect(path);
    let known = shape["members"].as_object().unwrap();
    for (name, member) in members {
        let member_shape = known
            .get(name)
            .unwrap_or_else(|| panic!("{path}.{name}: {member}"));
        let path = format!("{path}.{name}");
        check_shape(
            model,
            member_shape["shape"].as_str().unwrap(),
            member,
            &path,
        );
    }
    for required in shape["required"].as_array().into_iter().flatten() {
        let name = required.as_str().unwrap();
        assert!(members.contains_key(name), "{path}.{name} is missing");
    }
}

fn check_text(shape: &Value, text: &str, path: &str) {
    if let Some(values) = shape["enum"].as_array() {
        assert!(values.iter().any(|value| value == text), "{path}: {text}");
    }
    let length = text.chars().count() as u64;
    let bounds = shape["min"].as_u64().unwrap_or(0)..=shape["max"].as_u64().unwrap_or(u64::MAX);
    assert!(bounds.contains(&length), "{path}: {length} characters");
}
