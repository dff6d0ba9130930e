//! The pinned model is the oracle: what is generated must say what it says.
#![expect(clippy::unwrap_used, reason = "a failing test panics")]

use ecru_aws_model::{ecr, sts};
use serde_json::Value;

fn model(name: &str) -> Value {
    let path = format!("{}/../../models/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn every_operation_of_the_model_is_generated() {
    let model = model("ecr");
    let operations = model["operations"].as_object().unwrap();
    assert_eq!(ecr::Operation::ALL.len(), 62);
    assert_eq!(operations.len(), 62);
    for operation in ecr::Operation::ALL {
        assert!(operations.contains_key(operation.name()), "{operation}");
        assert_eq!(
            ecr::Operation::from_name(operation.name()),
            Some(*operation)
        );
    }
    assert_eq!(ecr::Operation::from_name("putimage"), None);
}

#[test]
fn allowed_exceptions_are_those_of_the_model() {
    let model = model("ecr");
    for operation in ecr::Operation::ALL {
        let listed = model["operations"][operation.name()]["errors"]
            .as_array()
            .unwrap();
        let listed: Vec<&str> = listed
            .iter()
            .map(|error| error["shape"].as_str().unwrap())
            .collect();
        let generated: Vec<&str> = operation
            .allowed_exceptions()
            .iter()
            .map(|kind| kind.name())
            .collect();
        assert_eq!(generated, listed, "{operation}");
        assert!(
            operation
                .allowed_exceptions()
                .contains(&operation.constraint_exception()),
            "{operation}"
        );
    }
    assert_eq!(ecr::ExceptionKind::ALL.len(), 50);
}

#[test]
fn iam_actions_are_named_after_operations_but_for_one() {
    for operation in ecr::Operation::ALL {
        let expected = match operation {
            ecr::Operation::ListImageReferrers => "ecr:BatchGetImage".to_owned(),
            other => format!("ecr:{other}"),
        };
        assert_eq!(operation.iam_action(), expected);
    }
    assert_eq!(
        sts::Operation::GetCallerIdentity.iam_action(),
        "sts:GetCallerIdentity"
    );
}

#[test]
fn only_a_fault_of_the_server_is_a_500() {
    for kind in ecr::ExceptionKind::ALL {
        let expected = if *kind == ecr::ExceptionKind::Server {
            500
        } else {
            400
        };
        assert_eq!(kind.http_status(), expected, "{kind}");
    }
}

#[test]
fn paginators_are_those_of_the_model() {
    let model = model("ecr");
    let mut paged = 0;
    for operation in ecr::Operation::ALL {
        let expected = &model["operations"][operation.name()]["pagination"];
        let Some(pagination) = operation.pagination() else {
            assert!(expected.is_null(), "{operation}");
            continue;
        };
        paged += 1;
        assert_eq!(expected["input_token"], pagination.input_token);
        assert_eq!(expected["output_token"], pagination.output_token);
        assert_eq!(expected["limit_key"].as_str(), pagination.limit_key);
    }
    assert_eq!(paged, 9);
}

#[test]
fn every_enum_text_finds_its_variant_again() {
    for mode in ecr::ImageTagMutability::ALL {
        assert_eq!(ecr::ImageTagMutability::parse(mode.as_str()), Some(*mode));
    }
    assert_eq!(ecr::ImageTagMutability::parse("mutable"), None);
}

#[test]
fn caller_identity_has_what_a_query_answer_needs() {
    let answer = sts::GetCallerIdentityResponse {
        user_id: Some("000000000000".to_owned()),
        account: Some("000000000000".to_owned()),
        arn: None,
    };
    let names = answer.elements().map(|(name, _)| name);
    assert_eq!(names, ["UserId", "Account", "Arn"]);
    assert_eq!(
        sts::Operation::GetCallerIdentity.result_wrapper(),
        "GetCallerIdentityResult"
    );
    assert_eq!(
        sts::XML_NAMESPACE,
        "https://sts.amazonaws.com/doc/2011-06-15/"
    );
}
