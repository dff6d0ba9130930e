//! The pinned model is the oracle: what is generated must say what it says.
#![expect(clippy::unwrap_used, reason = "a failing test panics")]

use ecru_aws_model::{ecr, iam, organizations, sts};
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
fn subsets_have_the_operations_errors_and_statuses_of_the_model() {
    let statuses = |model: &Value, shape: &str| {
        let shape = &model["shapes"][shape];
        let code = shape["error"]["code"].as_str().map(str::to_owned);
        let status = shape["error"]["httpStatusCode"].as_u64();
        (code, status)
    };
    let iam_model = model("iam");
    for operation in iam::Operation::ALL {
        assert_eq!(operation.iam_action(), format!("iam:{operation}"));
        let described = &iam_model["operations"][operation.name()];
        let errors = described["errors"].as_array().into_iter().flatten();
        let expected: Vec<_> = errors
            .map(|error| statuses(&iam_model, error["shape"].as_str().unwrap()))
            .collect();
        let generated = operation.allowed_exceptions().iter();
        let generated: Vec<_> = generated
            .map(|kind| {
                (
                    Some(kind.name().to_owned()),
                    Some(kind.http_status().into()),
                )
            })
            .collect();
        assert_eq!(generated, expected, "{operation}");
        let wrapper = described["output"]["resultWrapper"].as_str();
        assert_eq!(operation.result_wrapper(), wrapper);
    }
    let count = |name: &str| model(name)["operations"].as_object().unwrap().len();
    assert_eq!(iam::Operation::ALL.len(), count("iam"));
    assert_eq!(sts::Operation::ALL.len(), count("sts"));
    assert_eq!(organizations::Operation::ALL.len(), count("organizations"));
    assert_eq!(iam::ExceptionKind::NoSuchEntity.http_status(), 404);
    assert_eq!(
        sts::ExceptionKind::ExpiredToken.name(),
        "ExpiredTokenException"
    );
    for kind in organizations::ExceptionKind::ALL {
        let is_fault = *kind == organizations::ExceptionKind::Service;
        assert_eq!(kind.http_status(), if is_fault { 500 } else { 400 });
    }
}

#[test]
fn one_operation_needs_no_signature() {
    let unsigned = sts::Operation::ALL
        .iter()
        .filter(|found| !found.is_signed());
    let unsigned: Vec<_> = unsigned.collect();
    assert_eq!(unsigned, [&sts::Operation::AssumeRoleWithWebIdentity]);
}

#[test]
fn services_are_named_as_clients_name_them() {
    assert_eq!(
        sts::XML_NAMESPACE,
        "https://sts.amazonaws.com/doc/2011-06-15/"
    );
    assert_eq!(
        iam::XML_NAMESPACE,
        "https://iam.amazonaws.com/doc/2010-05-08/"
    );
    assert_eq!(organizations::TARGET_PREFIX, "AWSOrganizationsV20161128");
    let names = (
        iam::SIGNING_NAME,
        sts::SIGNING_NAME,
        organizations::SIGNING_NAME,
    );
    assert_eq!(names, ("iam", "sts", "organizations"));
}
